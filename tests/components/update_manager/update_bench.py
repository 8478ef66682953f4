"""A device with slots on a simulated machine: each start chooses its slot, as `kittiwake run --slots` does."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.storage.slots import Slots, Start, Table, choose_start
from kittiwake.testing import ComponentTester
from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.update_package import IMAGE, PACKAGES, Content, Manifest, encode_head
from kittiwake_components.update_manager.component import UpdateManager

FOLDER = "/slots"
DEPLOYMENT = "ComponentTester"
SEED = bytes(range(32))
KEY_ID = 3
FIRST, SECOND = b"first image", b"second image, a longer one" * 6000
QUICK = {"confirm_after_s": 10, "trial_limit_s": 60}
"""Parameters for a trial that is soon over."""


@cache
def signature_of(manifest: bytes) -> bytes:
    """The signature by the key that the device knows."""
    return sign(SEED, manifest)


def package(
    image: bytes = SECOND, version: str = "2.0", sequence: int = 2, packages: bytes = b"", deployment: str = DEPLOYMENT,
    key_id: int = KEY_ID, signature: bytes | None = None, contents: bytes | None = None,
) -> bytes:  # fmt: skip
    """A package; what is given overrides what is right."""
    stored = {IMAGE: image, **({PACKAGES: packages} if packages else {})}
    listed = [Content(name, len(data), sha256(data).digest()) for name, data in stored.items()]
    manifest = Manifest(deployment, version, sequence, tuple(listed)).encode()
    signed = signature_of(manifest) if signature is None else signature
    return encode_head(manifest, key_id, signed) + (b"".join(stored.values()) if contents is None else contents)


def new_platform(seed: int = 0) -> SimulatedPlatform:
    """A machine with the folder of slots and the key in it, durable."""
    platform = SimulatedPlatform(seed)
    files = platform.files
    files.make_folder(FOLDER)
    with files.open(f"{FOLDER}/update.keys", "x") as file:
        file.write_at(0, f"{KEY_ID} {public_key(SEED).hex()}\n".encode())
        file.sync()
    files.sync_folder(FOLDER)
    files.sync_folder("/")
    return platform


class Device:
    """A device; `start` is what the last start chose, `tester` the manager that runs."""

    def __init__(self, platform: SimulatedPlatform | None = None, **options: Any) -> None:
        self.platform: Any = new_platform() if platform is None else platform
        self._options = {"parameters": QUICK, **options}
        self.boot()

    def boot(self) -> None:
        """Chooses the slot and starts the manager."""
        self.start: Start = choose_start(self.platform.files, FOLDER)
        settings = {"folder": FOLDER, "slot": self.start.slot}
        self.tester = ComponentTester(UpdateManager, platform=self.platform, settings=settings, **self._options)

    def restart(self) -> Device:
        """The process is killed and starts again."""
        self.platform = self.platform.restart()
        self.boot()
        return self

    def crash(self) -> Device:
        """The power goes and comes back."""
        self.platform = self.platform.crash()
        self.boot()
        return self

    def upload(self, data: bytes, name: str = "update.kwu") -> None:
        """Puts a package where the uplink puts files."""
        self.tester.write_file(name, data)

    def prepare(self, data: bytes) -> Any:
        """Uploads and prepares; gives the command that was sent."""
        self.upload(data)
        sent = self.tester.send("PREPARE", "/update.kwu")
        self.tester.advance(0.01)
        return sent

    def install(self, data: bytes) -> None:
        """Prepares, and has the next start try it."""
        assert self.prepare(data).response.name == "OK"
        assert self.tester.send("ACTIVATE").response.name == "OK"

    def live(self, seconds: int, *, well: bool = True, link: bool = True) -> None:
        """Lets seconds pass, with Health satisfied and packets coming up or not."""
        for _ in range(seconds):
            self.tester.advance(1)
            if well:
                self.tester.call.health_stroke(0)
            if link:
                self.tester.call.packet_routed(0, True)
            self.tester.call.run(0)

    def image(self) -> bytes:
        """What the last start ran; empty for the factory's image."""
        return self.platform.files.read(self.start.image, 1 << 24) if self.start.image else b""

    @property
    def table(self) -> Table:
        """The record as a start would read it."""
        slots = Slots(self.platform.files, FOLDER)
        slots.read()
        return slots.table


def device_on(image: bytes, version: str = "1.0", sequence: int = 1, **options: Any) -> Device:
    """A device that runs a confirmed update."""
    device = Device(**options)
    device.install(package(image, version, sequence))
    device.restart()
    device.live(12)
    assert device.table.active == device.start.slot != ""
    return device
