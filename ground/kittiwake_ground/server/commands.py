"""Commands: their queue while the link is down, and their life from the request to the answer.

F´'s dispatcher answers with events that name opcodes only, so the answers to an opcode are given to its commands in the
order in which these were sent. What a sequence or another ground sends of the same opcode cannot be told apart.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import encode_command
from kittiwake_ground.commanding import COMPLETED, DISPATCHED, FAILED, verdict_of
from kittiwake_ground.server.links import LinkDown
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Command, Dictionary
    from kittiwake_ground.commanding import Verdict
    from kittiwake_ground.configuration import DeploymentConfiguration

PLANNED, QUEUED, SENT, DISPATCHED_STATE, COMPLETED_STATE = "planned", "queued", "sent", "dispatched", "completed"
FAILED_STATE, TIMED_OUT, REFUSED, EXPIRED, CANCELLED = "failed", "timed_out", "refused", "expired", "cancelled"
FINAL_STATES = frozenset((COMPLETED_STATE, FAILED_STATE, TIMED_OUT, REFUSED, EXPIRED, CANCELLED))
"""States that a command does not leave."""

MAX_RECORDS = 1000
"""The most commands of a deployment that are remembered here; the archive has all of them."""

MAX_UNDER_WAY = 1000
"""The most commands of a deployment that may wait for their answers."""

MAX_TIMEOUT_S = 7 * 86400.0


class CommandRefused(ValueError):
    """A command that is not taken; the message says why."""


class CommandRecord:
    """One command. `steps` are the states it went through, with microseconds since 1970 by the ground's clock.

    `arguments` are those of the request by name. `response` is F´'s word where the deployment refused it or failed.
    `planned_us` is when somebody planned it, 0 for one that was sent at once.
    """

    def __init__(
        self,
        id: int,
        command: Command,
        arguments: Mapping[str, Any],
        by: str,
        packet: bytes,
        timeout_s: float,
        planned_us: int = 0,
    ) -> None:
        self.id = id
        self.command = command
        self.arguments = dict(arguments)
        self.by = by
        self.packet = packet
        self.timeout_s = timeout_s
        self.state = QUEUED
        self.steps: list[tuple[str, int]] = [(PLANNED, planned_us)] if planned_us else []
        self.steps.append((QUEUED, now_us()))
        self.response = ""
        self.reason = ""
        self._ended = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES

    async def wait(self) -> CommandRecord:
        """Waits until it has ended."""
        await self._ended.wait()
        return self

    def enter(self, state: str, reason: str = "", response: str = "") -> None:
        """Goes on to the next state."""
        self.state = state
        self.steps.append((state, now_us()))
        self.reason, self.response = reason, response
        if self.is_final:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None
            self._ended.set()


class Commands:
    """The commands of one deployment.

    `send_packet` puts a packet on the link, `is_ready` says whether it may now, `changed` is told of every step.
    """

    def __init__(
        self,
        configuration: DeploymentConfiguration,
        dictionary: Dictionary,
        send_packet: Callable[[bytes], Awaitable[int]],
        is_ready: Callable[[], bool],
        changed: Callable[[CommandRecord], None],
    ) -> None:
        self.records: dict[int, CommandRecord] = {}
        """The last `MAX_RECORDS` commands by id, the oldest first."""
        self._configuration = configuration
        self._dictionary = dictionary
        self._send_packet = send_packet
        self._is_ready = is_ready
        self._changed = changed
        self._queue: deque[CommandRecord] = deque()
        self._waiting: dict[int, deque[CommandRecord]] = {}
        self._news = asyncio.Event()
        self._last_id = 0
        self.refusal: Callable[[Command, str], str] = lambda command, by: ""
        """Says why somebody may not send a command, or nothing; `by` is who they are."""
        self.left: Callable[[CommandRecord], None] = lambda record: None
        """Told of each command that the link has taken whole."""
        self.sent_count = 0
        """How many were given to the link since the start."""

    def prepare(
        self, name: str, arguments: Sequence[Any] | Mapping[str, Any] = ()
    ) -> tuple[Command, dict[str, Any], bytes]:
        """A command, its arguments by name and its packet. Raises `UnknownName` and `ValueError` as `submit`."""
        command = self._dictionary.command(name)
        ordered = self._ordered(command, arguments)
        packet = encode_command(self._dictionary, name, ordered)
        return command, {formal.name: value for formal, value in zip(command.formals, ordered, strict=True)}, packet

    def submit(
        self,
        name: str,
        arguments: Sequence[Any] | Mapping[str, Any] = (),
        by: str = "local",
        timeout_s: float | None = None,
        planned_us: int = 0,
    ) -> CommandRecord:
        """Takes a command: arguments in its order or by name, as text or plain values.

        Raises `UnknownName`, `ValueError` for arguments that do not fit, and `CommandRefused` if there is no room.
        """
        command, named, packet = self.prepare(name, arguments)
        timeout = self._configuration.command_timeout_s if timeout_s is None else timeout_s
        refusal = self.refusal(command, by)
        if refusal:
            raise CommandRefused(refusal)
        if not 0 < timeout <= MAX_TIMEOUT_S:
            raise ValueError(f"the timeout is more than 0 and at most {MAX_TIMEOUT_S:.0f} seconds, not {timeout}")
        if sum(map(len, self._waiting.values())) >= MAX_UNDER_WAY:
            raise CommandRefused(f"{MAX_UNDER_WAY} commands wait for their answers")
        hold = self._configuration.queue == "hold"
        if len(self._queue) >= self._configuration.queue_size:
            self._queue = deque([one for one in self._queue if not one.is_final])
            if len(self._queue) >= self._configuration.queue_size:
                raise CommandRefused(f"the queue is full with {len(self._queue)} commands")
        self._last_id = max(self._last_id + 1, now_us())
        record = CommandRecord(self._last_id, command, named, by, packet, timeout, planned_us)
        self._remember(record)
        if not hold and not self._is_ready():
            record.enter(REFUSED, "the link is down, and commands are not held")
        else:
            self._queue.append(record)
            self._expire_in(record, self._configuration.queue_expiry_s)
            self._news.set()
        self._changed(record)
        return record

    @staticmethod
    def _ordered(command: Command, arguments: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        if isinstance(arguments, (list, tuple)):
            return list(arguments)
        if not hasattr(arguments, "keys"):
            raise ValueError(f"{command.name}: arguments are a list, or an object by name")
        given = dict(arguments)
        names = [formal.name for formal in command.formals]
        for name in given:
            if name not in names:
                raise ValueError(f"{command.name} has no argument {name!r}; it takes {', '.join(names) or 'none'}")
        for name in names:
            if name not in given:
                raise ValueError(f"{command.name}: the argument {name!r} is missing")
        return [given[name] for name in names]

    def _remember(self, record: CommandRecord) -> None:
        self.records[record.id] = record
        if len(self.records) > MAX_RECORDS:
            oldest = next((id for id, one in self.records.items() if one.is_final), None)
            if oldest is not None:
                del self.records[oldest]

    def cancel(self, id: int) -> CommandRecord:
        """Takes a queued command back. Raises `LookupError`, and `CommandRefused` for one that was sent."""
        record = self.records[id]
        if record.state != QUEUED:
            raise CommandRefused(f"the command is {record.state}: only a queued one can be taken back")
        self._enter(record, CANCELLED)
        return record

    def _enter(self, record: CommandRecord, state: str, reason: str = "", response: str = "") -> None:
        record.enter(state, reason, response)
        self._changed(record)

    def _expire_in(self, record: CommandRecord, seconds: float) -> None:
        def expire() -> None:
            if record.state == QUEUED:
                self._enter(record, EXPIRED, f"the link did not come within {seconds:g} s")

        record.timer = asyncio.get_running_loop().call_later(seconds, expire)

    async def run(self) -> None:
        """Sends what is queued, until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue and self._is_ready():
                record = self._queue.popleft()
                if not record.is_final:
                    await self._send(record)

    async def _send(self, record: CommandRecord) -> None:
        """Sends a command; on a link that breaks meanwhile it counts as sent, for it may have arrived."""
        if record.timer is not None:
            record.timer.cancel()
        waiting = self._waiting.setdefault(record.command.opcode, deque())
        waiting.append(record)
        record.timer = asyncio.get_running_loop().call_later(record.timeout_s, self._time_out, record)
        self._enter(record, SENT)
        try:
            await self._send_packet(record.packet)
            self.sent_count += 1
            self.left(record)
        except LinkDown:
            pass
        except ValueError as fault:
            waiting.remove(record)
            self._enter(record, REFUSED, str(fault))

    def wake(self) -> None:
        """The link may be ready now."""
        self._news.set()

    def forget_late(self) -> None:
        """The deployment may have started anew: answers that were late by then will not come."""
        for opcode, waiting in list(self._waiting.items()):
            self._waiting[opcode] = deque([one for one in waiting if not one.is_final])

    def _time_out(self, record: CommandRecord) -> None:
        if record.is_final:
            return
        waiting = self._waiting.get(record.command.opcode, deque())
        if record.state == SENT and record in waiting:
            waiting.remove(record)  # One that was dispatched stays, to take its late answer off the next one's back.
        self._enter(record, TIMED_OUT, f"was not answered within {record.timeout_s:g} s")

    def take_event(self, event: DecodedEvent) -> None:
        """Looks whether an event answers a command."""
        verdict = verdict_of(event)
        if verdict is None:
            return
        record = self._concerned(verdict)
        if record is None:
            return
        if verdict.mnemonic == DISPATCHED:
            self._enter(record, DISPATCHED_STATE)
            return
        self._waiting[record.command.opcode].remove(record)
        if record.is_final:
            return  # It timed out, and this is its late answer.
        if verdict.mnemonic == COMPLETED:
            self._enter(record, COMPLETED_STATE, response="OK")
        else:
            state = FAILED_STATE if verdict.mnemonic == FAILED else REFUSED
            self._enter(record, state, verdict.reason, verdict.response)

    def _concerned(self, verdict: Verdict) -> CommandRecord | None:
        """The command that an event speaks of."""
        if verdict.opcode is None:
            sent = [one for waiting in self._waiting.values() for one in waiting if one.state == SENT]
            return min(sent, key=lambda one: one.id, default=None)
        waiting = self._waiting.get(verdict.opcode, ())
        wanted = (SENT,) if verdict.mnemonic not in (COMPLETED, FAILED) else (SENT, DISPATCHED_STATE, TIMED_OUT)
        return next((one for one in waiting if one.state in wanted), None)
