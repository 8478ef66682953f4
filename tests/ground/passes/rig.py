"""A planner on clocks that stand still until they are moved, over commands whose link is a list."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedEvent, Decoder
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.configuration import DeploymentConfiguration
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.passes.leaving import Ways
from kittiwake_ground.passes.planned import COMMAND, Planned, When
from kittiwake_ground.passes.planner import Owner, Planner
from kittiwake_ground.passes.schedule import Schedule
from kittiwake_ground.passes.store import PassStore
from kittiwake_ground.server.commands import CommandRecord, Commands
from kittiwake_ground.server.sequences import Sequences
from kittiwake_ground.server.transfers import Transfers
from tests.ground.server.foreign import COMPLETED, DICTIONARY, DISPATCHED, FAILED, NO_OP, said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.server.transfer import Transfer

FOREIGN = read_dictionary(DICTIONARY, "foreign")
DECODER = Decoder(FOREIGN)
NAME = "Ref.dispatcher.CMD_NO_OP"
S = 1_000_000
T0 = 1_764_230_400 * S
"""2025-11-27T08:00:00Z, when the clocks stand at first; the machine has run for 1000 s then."""


class StillClocks:
    """Clocks that stand still."""

    def __init__(self) -> None:
        self.boot_id = "first"
        self.wall, self.boot = T0, 1000 * S

    def wall_us(self) -> int:
        return self.wall

    def boot_us(self) -> int:
        return self.boot

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.wall += round(seconds * S)
        self.boot += round(seconds * S)

    def step(self, seconds: float) -> None:
        """Steps the wall clock."""
        self.wall += round(seconds * S)

    def reboot(self, down_s: float = 60.0) -> None:
        """The machine starts anew."""
        self.wall += round(down_s * S)
        self.boot = 10 * S
        self.boot_id += "'"


class Rig:
    """One life of a server: with the same `store` and `clocks` another one goes on where it ended."""

    def __init__(
        self, store: PassStore | None = None, clocks: StillClocks | None = None, hazardous: frozenset[str] = frozenset()
    ) -> None:
        self.store = store or PassStore()
        self.clocks = clocks or StillClocks()
        self.ready = True
        self.sent: list[bytes] = []
        self.audit: list[tuple[str, str, str]] = []
        self.uploads: list[bytes] = []
        self.role: str | None = "operator"
        configuration = DeploymentConfiguration("ref", Path("none"), "tcp://127.0.0.1:1")
        self.commands = Commands(configuration, FOREIGN, self._send, lambda: self.ready, self._changed)
        self.sequences = Sequences(FOREIGN, self.commands, lambda run: None)
        self.transfers = Transfers(
            FOREIGN, self.commands, Path("none"), 1e9, 500, self._send, lambda: self.ready, self._transferred
        )
        ways = Ways(
            FOREIGN, hazardous, self.commands, self.sequences, self.transfers, self._by_cfdp, lambda: self.ready
        )  # fmt: skip
        self.schedule = Schedule("ref", self.store, self.clocks.wall_us)
        self.ways = ways
        self.planner = Planner("ref", self.store, self.schedule, ways, self.clocks)
        self.planner.role_of = lambda owner: self.role
        self.planner.tell = lambda *entry: self.audit.append(entry)
        self.news: list[tuple[int, str]] = []
        self.planner.changed = lambda news: self.news.append((news.plan.id, news.plan.state))
        self.commands.left = self.planner.took_off
        self.planner.open()
        self.task = asyncio.ensure_future(self.commands.run())

    async def _send(self, packet: bytes) -> int:
        self.sent.append(packet)
        return len(packet)

    def _changed(self, record: CommandRecord) -> None:
        self.planner.take(record)

    def _transferred(self, transfer: Transfer) -> None:
        self.planner.take(transfer)

    def _by_cfdp(self, content: bytes, remote: str, by: str, name: str) -> Transfer:
        self.uploads.append(content)
        return self.transfers.upload(content, remote, by, name)

    def plan(self, name: str = NAME, confirmed: bool = False, by: str = "ada", **when: Any) -> Planned:
        """Plans a command; without more at once."""
        what = self.ways.check(COMMAND, name, {}, confirmed, by)
        given: dict[str, Any] = {"kind": "at", "at_us": self.clocks.wall, **when}
        timing = When(**given)
        return self.planner.plan(what, timing, by, Owner(by, "session"), confirmed, None)

    async def tick(self, seconds: float = 0.0) -> None:
        """Lets time pass, has the planner look, and lets what is queued go."""
        self.clocks.advance(seconds)
        self.planner.tick()
        for _ in range(5):
            await asyncio.sleep(0)

    def say(self, *ids: int) -> None:
        """Has the dispatcher answer a no-op."""
        tails = {DISPATCHED: b"\0\0", COMPLETED: b"", FAILED: b"\x05"}
        for id in ids:
            event: DecodedEvent = DECODER.decode_event(said(id, NO_OP.to_bytes(4, "big") + tails[id]))
            self.commands.take_event(event)

    def state(self, plan: Planned) -> str:
        """The state of a plan by now."""
        return self.planner.plans[plan.id].state

    def reason(self, plan: Planned) -> str:
        """Why it is so."""
        return self.planner.plans[plan.id].reason

    def contact(self, start_s: float, duration_s: float = 600, **more: Any) -> Contact:
        """Adds a contact so long after T0."""
        return self.schedule.add(Contact(T0 + round(start_s * S), duration_s, **more))


def within(test: Callable[[Rig], Awaitable[None]], **options: Any) -> None:
    """Runs a test with a rig in an event loop."""

    async def run() -> None:
        rig = Rig(**options)
        await test(rig)
        rig.task.cancel()

    asyncio.run(run())
