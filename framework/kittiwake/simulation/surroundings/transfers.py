"""A ground for devices that are enrolled and bring files down by CFDP, of which they keep none once it has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.cfdp.timing import Patience
from kittiwake.simulation.cfdp_end import CfdpEnd
from kittiwake.simulation.surroundings.base import Part, instances_of, own_settings
from kittiwake.simulation.surroundings.jobs import job_line
from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.enrollment_package import Enrolment, signed_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.machine import Machine

PATIENCE = Patience(10.0, 10.0, 3600.0, segment_size=900)
MACHINE = "simulated-1"
KEY = bytes(32)
LOG_BYTES_MAX = 4000
LOGS_MAX = 400
ENROLLED_SHARE = 0.7


class EnrolmentPart(Part):
    """Most devices have their configuration at hand; the others wait for it."""

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "Enrollment"))

    def settings(self) -> dict[str, dict[str, Any]]:
        return {name: {"machine_id": MACHINE} for name in instances_of(self.image, "Enrollment")}

    def install(self, machine: Machine) -> None:
        if not self.random.chance(ENROLLED_SHARE):
            return
        package = signed_package(Enrolment(MACHINE, 1, "", {}), 1, lambda text: sign(KEY, text))
        machine.place("keys/enrollment.keys", f"1 {public_key(KEY).hex()}\n".encode())
        machine.place("incoming/enrollment.kwe", package)


class TransfersPart(Part):
    """Leaves a log on the device at each start, for the store that goes to the ground, and takes what comes down."""

    def __init__(self, image: Image, random: SeededRandom) -> None:
        super().__init__(image, random)
        self.end = CfdpEnd(PATIENCE)
        self.logs: dict[str, bytes] = {}
        self._service, self._folder = _stores(image)[0]

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(_stores(image))

    def started(self, machine: Machine) -> None:
        if len(self.logs) < LOGS_MAX:
            name = f"{self._folder}/{len(self.logs):05}.bin"
            self.logs[name] = self.random.token_bytes(1 + self.random.below(LOG_BYTES_MAX))
            machine.place(name, self.logs[name])

    def link_changed(self, is_up: bool, now_ns: int) -> None:
        self.end.entity.set_link(is_up, now_ns)

    def heard(self, packet: bytes, now_ns: int) -> None:
        self.end.hear(packet, now_ns)

    def packets(self, now_ns: int) -> Iterable[bytes]:
        return self.end.packets(now_ns)

    def kept(self) -> Mapping[str, bytes]:
        arrived = self.end.receipts.files
        return {name: data for name, data in self.logs.items() if arrived.get(name.lstrip("/")) != data}

    def first_commands(self) -> list[str]:
        jobs = instances_of(self.image, "Scheduler")
        return [job_line(jobs[0], "sync", f"{self._service}.SYNC_STORE logs")] if jobs else []

    def commands(self) -> list[str]:
        return [f"{self._service}.SYNC_STORE logs"]


def _stores(image: Image) -> list[tuple[str, str]]:
    """Each service that has a store of logs for the ground, and the store's folder."""
    found = []
    for name in instances_of(image, "TransferService"):
        for store in own_settings(image, name).get("stores", ()):
            fields = dict(word.partition("=")[::2] for word in store.split())
            if fields.get("kind") == "logs" and "entity" in fields:
                found.append((name, fields["folder"]))
    return found


__all__ = ["EnrolmentPart", "TransfersPart"]
