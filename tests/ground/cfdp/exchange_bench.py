"""The ground's end of CFDP on a simulated disk, a device's entity in memory, and a lossy link, all in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake_ground.cfdp.exchange import Exchange
from kittiwake_ground.configuration import CfdpConfiguration
from tests.framework.cfdp.lossy_link import PDU_NS, LossyLink
from tests.framework.cfdp.two_entities import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.cfdp.file_record import CfdpFile

FOLDER = "/ground/files/ref"
SEGMENT = 400
ANSWER_S = 2.0


def content(seed: int, size: int) -> bytes:
    """Some bytes."""
    return SeededRandom(seed).token_bytes(size)


class Bench:
    """An exchange (entity 1) and a device (entity 2). `told` has each change of a file as (id, state)."""

    def __init__(self, seed: int = 0, loss: float = 0.0, **settings: int) -> None:
        self.link = LossyLink(seed, loss)
        self.device = Side(2)
        self.device.entity.patience = self.device.entity.patience._replace(segment_size=SEGMENT)
        self.configuration = CfdpConfiguration(answer_s=ANSWER_S, **settings)
        self.platform = SimulatedPlatform(seed)
        self.told: list[tuple[int, str]] = []
        self.pdus = 0
        self.is_up = True
        self._random = SeededRandom(seed)
        self._last_id = 0
        self.begin()

    def begin(self) -> None:
        """Starts the ground's end on what is on its disk."""
        self.told_files: dict[int, CfdpFile] = {}
        self.exchange = Exchange(
            self.platform.files, FOLDER, self.configuration, SEGMENT, self.platform.random, self._new_id, self._changed
        )
        self.exchange.open(self.link.now_ns)
        self.exchange.set_link(self.is_up, self.link.now_ns)
        self.digest()

    def restart(self) -> None:
        """Kills the ground's process; what it wrote is there."""
        self.platform = self.platform.restart()
        self.begin()

    def crash(self) -> None:
        """Takes the ground's power; what was not durable may be gone."""
        self.platform = self.platform.crash(self._random)
        self.begin()

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _changed(self, file: CfdpFile) -> None:
        self._last_id = max(self._last_id, file.id)
        self.told.append((file.id, file.state))
        self.told_files[file.id] = file

    def set_link(self, is_up: bool) -> None:
        """The link comes or goes, and both ends know."""
        self.is_up = is_up
        self.exchange.set_link(is_up, self.link.now_ns)
        self.device.entity.set_link(is_up, self.link.now_ns)

    def digest(self) -> None:
        """Has what has arrived looked at, as another thread does in the server."""
        for file in list(self.exchange.undigested):
            assert file.path is not None
            assert self.platform.files.exists(str(file.path)), "told before it is there"
            self.exchange.conclude(file, f"digest of {self.platform.files.size(str(file.path))}")

    def run(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Lets both ends talk for a while, or until it is over."""
        link, end_ns = self.link, self.link.now_ns + round(seconds * NS_PER_S)
        while link.now_ns < end_ns and not is_over():
            for is_to_device, data in link.arrived():
                if self.is_up and is_to_device:
                    self.device.entity.receive(data, link.now_ns)
                elif self.is_up:
                    self.exchange.receive(data, link.now_ns)
                    self.digest()
            said = False
            for is_to_device, pdu in (
                (True, self.exchange.next_pdu(link.now_ns)),
                (False, self.device.entity.next_pdu(link.now_ns)),
            ):
                if pdu is not None:
                    assert self.is_up, "a PDU was sent while the link was down"
                    link.send(is_to_device, pdu)
                    self.pdus += 1
                    said = True
            self.digest()
            nexts = [
                link.next_ns(),
                self.exchange.next_ns(link.now_ns),
                self.device.entity.next_ns(link.now_ns),
            ]
            soon = said or 0 in nexts
            link.now_ns = (
                link.now_ns + PDU_NS if soon else max(min([one for one in nexts if one] + [end_ns]), link.now_ns + 1)
            )

    @property
    def first_number(self) -> int:
        """The number of the exchange's first transaction, or of none."""
        return next((file.number for file in self.told_files.values() if file.direction == "up" and file.number), 1)

    def files(self, state: str = "completed") -> list[CfdpFile]:
        """The files in a state, the oldest first."""
        return [one for one in dict(self.told_files).values() if one.state == state]

    def received(self) -> dict[str, bytes]:
        """What stands in the folder of received files, by its own name."""
        files, folder = self.platform.files, f"{FOLDER}/received"
        return {name.partition("-")[2]: files.read(f"{folder}/{name}", 1 << 24) for name in files.list(folder)}

    def leftovers(self) -> list[str]:
        """Parts and spooled files; there are none once all is over."""
        return [
            name for folder in ("sending", "arriving") for name in self.platform.files.list(f"{FOLDER}/cfdp/{folder}")
        ]
