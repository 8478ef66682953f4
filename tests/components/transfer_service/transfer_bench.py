"""A TransferService with a mounted folder, or with another one at the end of a lossy link that is often down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from kittiwake_components.ports.link import LinkState
from kittiwake_components.transfer_service.component import TransferService

if TYPE_CHECKING:
    from collections.abc import Mapping

Tester = ComponentTester[TransferService]

BUCKET = "/mnt/central"
STORES = [
    f"store_name=logs kind=logs bucket_name={BUCKET} prefix=unit-7/logs folder=/logs priority=2",
    f"store_name=config kind=config bucket_name={BUCKET} prefix=unit-7/config folder=/config priority=1",
    f"store_name=small kind=monitoring bucket_name={BUCKET} prefix=small folder=/status quota_bytes=3000",
    "store_name=ground kind=logs entity=1 prefix=unit-7 folder=/logs priority=3",
]
PARAMETERS = {"chunk": 512, "backoff_s": 2, "backoff_max_s": 60}
TICK_S = 0.1
MAX_WAITING = 20


def content(seed: int, size: int) -> bytes:
    return SeededRandom(seed).token_bytes(size)


def new_tester(
    seed: int = 0, *, entity: int = 2, parameters: Mapping[str, Any] = PARAMETERS, with_bucket: bool = True,
    returns: Mapping[str, Any] | None = None, **settings: Any,
) -> Tester:  # fmt: skip
    """A deployment with a bucket of its own."""
    tester = ComponentTester(
        TransferService, seed=seed, parameters=parameters, queue=50, returns={"link_request": 0, **(returns or {})},
        settings={"stores": STORES, "entity": entity, "segment_bytes": 400, "answer_s": 2.0, **settings},
    )  # fmt: skip
    if with_bucket:
        mount(tester)
    return tester


def mount(tester: Tester) -> None:
    """Puts the bucket's disk in its place."""
    tester.files.make_folders(BUCKET)
    for folder in ("/", "/mnt"):
        tester.files.sync_folder(folder)


def in_bucket(tester: Tester, name: str) -> bytes:
    """What a store holds."""
    data: bytes = tester.files.read(f"{BUCKET}/{name}", 1 << 24)
    return data


def put_into_bucket(tester: Tester, name: str, data: bytes) -> None:
    """Makes a file of a store, durable at once."""
    path = f"{BUCKET}/{name}"
    folder = path.rpartition("/")[0]
    tester.files.make_folders(folder)
    with tester.files.open(path, "w") as file:
        file.truncate(0)
        file.write_at(0, data)
        file.sync()
    while folder:
        tester.files.sync_folder(folder)
        folder = folder.rpartition("/")[0]


def exists(tester: Tester, name: str) -> bool:
    """Whether there is such a file in the root."""
    found: bool = tester.files.exists(tester.root.resolve(name))
    return found


class Pair:
    """Two of them, each with a disk and a clock of its own; the power of either may go at any file operation."""

    def __init__(self, seed: int, loss: float = 0.0, up_s: float = 0.0, down_s: float = 0.0) -> None:
        self.random = SeededRandom(seed)
        self.loss = loss
        self.up_s, self.down_s = up_s, down_s
        self.device = new_tester(seed, entity=2)
        self.ground = new_tester(seed + 1, entity=1)
        self.cuts = 0
        self.arrived: list[tuple[Any, ...]] = []
        self.pdus = 0
        self._until_s = 0.0
        self._is_up = False
        self._now_s = 0.0
        self._queues: tuple[list[bytes], list[bytes]] = ([], [])

    @property
    def ends(self) -> list[Tester]:
        return [self.device, self.ground]

    def cut_soon(self, tester: Tester, within: int = 40) -> None:
        """Has the power go at one of the next operations of the disk."""
        tester.files.cut_at(tester.files.operations + 1 + self.random.below(within), after=self.random.chance(0.5))

    def heal(self) -> None:
        """Takes back the cuts that have not happened."""
        for tester in self.ends:
            tester.files.heal()

    def run(self, seconds: float, cut_each_s: float = 0.0) -> None:
        """Lets time pass on both ends."""
        end_s = self._now_s + seconds
        while self._now_s < end_s:
            self._now_s += TICK_S
            if self._now_s >= self._until_s:
                self._switch()
            for index, tester in enumerate(self.ends):
                if cut_each_s and self.random.chance(TICK_S / cut_each_s):
                    self.cut_soon(tester)
                self._attempt(tester, lambda tester=tester: tester.advance(TICK_S))
                self._carry(self.ends[index], self.ends[1 - index])

    def _switch(self) -> None:
        self._is_up = not self._is_up or not self.down_s
        longest = self.up_s if self._is_up else self.down_s
        self._until_s = self._now_s + (longest * (0.5 + self.random.uniform(0.0, 1.0)) if self.down_s else 1e9)
        self.tell_state()

    def tell_state(self) -> None:
        """Tells both ends how the link is."""
        for tester in self.ends:
            self._attempt(tester, lambda tester=tester: tester.call.link_status(LinkState(self._is_up)))

    def _carry(self, source: Tester, target: Tester) -> None:
        """One packet each tick; what waits before it holds its sender up."""
        waiting = self._queues[source is self.ground]
        waiting += [data for data, _ in source.ports.pdu_out]
        source.ports.pdu_out.clear()
        self._attempt(source, lambda: source.call.flow_in(len(waiting) > MAX_WAITING))
        if waiting and self._is_up:
            data = waiting.pop(0)
            self.pdus += 1
            if not self.random.chance(self.loss):
                self._attempt(target, lambda data=data: target.call.pdu_in(data, 0, True))

    def _attempt(self, tester: Tester, step: Any) -> None:
        """What a machine without power has said before stays said; it starts again."""
        try:
            step()
        except PowerCut:
            self.cuts += 1
            self._queues[tester is self.ground].clear()
            if self.random.chance(0.5):
                tester.crash()
            else:
                tester.restart()
            tester.call.link_status(LinkState(self._is_up))
