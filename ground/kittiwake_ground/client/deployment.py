"""One deployment, for asyncio: commands, telemetry, files, sequences and parameters."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.alarms import AsyncAlarms
from kittiwake_ground.client.conditions import ANYTHING, described
from kittiwake_ground.client.faults import (
    CommandFailed,
    ExpectationFailed,
    RequestRefused,
    SequenceFailed,
    TransferFailed,
    WaitTimedOut,
)
from kittiwake_ground.client.history import Buckets, History, buckets_of, fetch_history
from kittiwake_ground.client.local_files import read_limited, read_sequence
from kittiwake_ground.client.looking_back import AsyncLookBack
from kittiwake_ground.client.parameters import AsyncParameters
from kittiwake_ground.client.passes import AsyncPasses, AsyncPlans
from kittiwake_ground.client.records import (
    SUBJECTS,
    ChannelValue,
    CommandResult,
    DeploymentState,
    Event,
    LinkState,
    SequenceRun,
    SequenceStep,
    TransferResult,
    Update,
    command_of,
    deployment_of,
    record_of,
    run_of,
)
from kittiwake_ground.client.times import When, when_us
from kittiwake_ground.client.waiting import Outcome, Wish, await_wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from kittiwake_ground.client.connection import Connection

    Note = Callable[..., None]

DEFAULT_TIMEOUT_S = 30.0
WAIT_SLICE_S = 30.0
"""The longest single request that waits for the end of a command."""

PROGRESS_S = 0.2
MAX_FILE_SIZE = 1 << 30


class AsyncDeployment:
    """A deployment of a ground station; `AsyncGround.deployment` gives it.

    Every method raises `ServerUnreachable` and `RequestRefused`; the latter for names and values that do not fit, too.
    """

    def __init__(self, connection: Connection, name: str, note: Note) -> None:
        self.name = name
        self.parameters = AsyncParameters(self.request, self.answer)
        """Its parameters."""
        self.past = AsyncLookBack(self.request, connection, name)
        """What was."""
        self.alarms = AsyncAlarms(self.request, self.forget_dictionary)
        """Its alarms, limits and derived channels."""
        self.passes = AsyncPasses(self.request)
        """When it can be reached, and what fits into that."""
        self.plans = AsyncPlans(self.request)
        """What is sent later."""
        self._connection = connection
        self._base = f"/deployments/{quote(name, safe='')}"
        self._note = note
        self._dictionary: dict[str, Any] | None = None
        self._acted_us: int | None = None
        self._met: dict[str, int] = {}

    async def request(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | None = None, headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A request below the deployment's address, for what has no method here; gives the object of the answer."""
        return await self._connection.request(
            method, self._base + path, query=query, body=body, content=content, headers=headers
        )

    # How it stands

    async def state(self) -> DeploymentState:
        """The deployment at a glance."""
        return deployment_of(await self.request("GET", ""))

    async def link(self) -> LinkState:
        """How its link stands."""
        return record_of(LinkState, await self.request("GET", "/link"))

    async def dictionary(self) -> dict[str, Any]:
        """Its commands, events, channels and parameters with their types, as the API has them; asked for once."""
        if self._dictionary is None:
            self._dictionary = await self.request("GET", "/dictionary")
        return self._dictionary

    def forget_dictionary(self) -> None:
        """It is asked for again when it is needed: a channel was derived, or is no more."""
        self._dictionary = None

    # Commands

    async def send(
        self,
        name: str,
        *arguments: Any,
        named: Mapping[str, Any] | None = None,
        wait: bool = True,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        check: bool = True,
    ) -> CommandResult:
        """Sends a command, its arguments in order or `named`, and waits until it has ended.

        `timeout_s` is for the deployment's answer, and for the link to be there: what is still queued by then is taken
        back. With `wait` false it returns once the server has the command, which it sends by its queue policy. Raises
        `CommandFailed`, unless `check` is false.
        """
        given = list(arguments) if named is None else dict(named)
        if named is not None and arguments:
            raise TypeError("arguments come in order or named, not both")
        body = {"name": name, "arguments": given, "timeout_s": timeout_s}
        result = command_of(await self.request("POST", "/commands", body=body))
        return await self._ended(result, timeout_s, check) if wait else self._noted(result)

    def _noted(self, result: CommandResult) -> CommandResult:
        self._acted_us = result.asked_us
        self._note(
            "command",
            deployment=self.name, name=result.name, arguments=dict(result.arguments), state=result.state,
            response=result.response, reason=result.reason, life=[step._asdict() for step in result.steps],
        )  # fmt: skip
        return result

    async def _ended(self, result: CommandResult, timeout_s: float, check: bool) -> CommandResult:
        self._acted_us = result.asked_us
        deadline = time.monotonic() + timeout_s
        while not result.final:
            left_s = deadline - time.monotonic()
            if left_s <= 0 and result.state == "queued":
                result = await self._taken_back(result, timeout_s)
                continue
            result = await self.command(result.id, min(max(left_s, 1.0), WAIT_SLICE_S))
        self._noted(result)
        if check and not result.completed:
            raise CommandFailed(result)
        return result

    async def _taken_back(self, result: CommandResult, timeout_s: float) -> CommandResult:
        try:
            await self.request("DELETE", f"/commands/{result.id}")
        except RequestRefused as fault:
            if fault.status != 409:  # it has just gone out
                raise
            return await self.command(result.id)
        taken = await self.command(result.id)
        return replace(taken, reason=f"was taken back after {timeout_s:g} s in the queue{await self._link_note()}")

    async def command(self, id: int, wait_s: float = 0.0) -> CommandResult:
        """A command as it stands, or its end if that comes within `wait_s` (up to 60) seconds."""
        return command_of(await self.request("GET", f"/commands/{id}", query={"wait_s": wait_s}))

    async def commands(self, limit: int = 100) -> list[CommandResult]:
        """The last commands, from whomever, the newest first."""
        found = await self.request("GET", "/commands", query={"limit": limit})
        return [command_of(one) for one in found["commands"]]

    async def answer(self, result: CommandResult, timeout_s: float, check: bool = True) -> CommandResult:
        """Waits for the end of a command that was sent, as `send` does."""
        return await self._ended(result, timeout_s, check)

    # Telemetry

    async def channel(self, name: str) -> ChannelValue:
        """The latest value of a channel; `RequestRefused` with status 404 if there is none yet."""
        return record_of(ChannelValue, await self.request("GET", f"/channels/{quote(name, safe='')}"))

    async def channels(self, *names: str) -> dict[str, ChannelValue]:
        """The latest values by name, of the channels that have one and these names or patterns."""
        found = await self.request("GET", "/channels", query={"name": list(names)})
        return {one["name"]: record_of(ChannelValue, one) for one in found["channels"]}

    async def history(
        self, name: str, start: When | None = None, end: When | None = None, buckets: int | None = None
    ) -> History | Buckets:
        """The values of a channel with start <= time < end as arrays, or their least, mean and greatest in `buckets`.

        Without a start the newest values that the server holds, or the buckets of the last hour. Raises `ValueError`
        for a text that is no time.
        """
        path = f"{self._base}/channels/{quote(name, safe='')}/history"
        start_us, end_us = when_us(start), when_us(end)
        if buckets is not None:
            query = {"start_us": start_us, "end_us": end_us, "buckets": buckets}
            return buckets_of(await self._connection.request("GET", path, query=query))
        channels = (await self.dictionary())["channels"]
        kind = next((str(one["type"]["kind"]) for one in channels if one["name"] == name), "")
        return await fetch_history(self._connection, path, kind, start_us, end_us)

    async def events(
        self,
        *names: str,
        severity: str | None = None,
        start: When | None = None,
        end: When | None = None,
        limit: int = 1000,
    ) -> list[Event]:
        """The newest `limit` events with these names or patterns, `severity` or graver, the oldest first."""
        query = {
            "name": list(names), "severity": severity, "start_us": when_us(start), "end_us": when_us(end),
            "limit": limit,
        }  # fmt: skip
        found = await self.request("GET", "/events", query=query)
        return [record_of(Event, one) for one in found["events"]]

    async def export(
        self,
        write: Callable[[bytes], object],
        *names: str,
        events: bool = False,
        start: When | None = None,
        end: When | None = None,
    ) -> None:
        """Hands what is archived to `write` as CSV in UTF-8, piece by piece: samples, or all events of the time.

        `names` are channels or patterns, all without any. Raises `ValueError` for a text that is no time,
        `RequestRefused` where nothing is so called or nothing is archived, and `ServerUnreachable`.
        """
        query = {"name": list(names), "start_us": when_us(start), "end_us": when_us(end)}
        await self._connection.pour(f"{self._base}/export/{'events' if events else 'samples'}", query, write)

    def news(
        self, *kinds: str, names: Iterable[str] = (), recent: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[Update]]:
        """A context in which the news come, after the last `recent` events and channels; without `kinds` of all kinds.

        Once it is entered nothing is missed.
        """
        return self._connection.news(kinds or tuple(SUBJECTS), self.name, names, recent)

    async def watch(self, *kinds: str, names: Iterable[str] = (), recent: int = 0) -> AsyncIterator[Update]:
        """The news as `news` has them."""
        async with self.news(*kinds, names=names, recent=recent) as updates:
            async for update in updates:
                yield update

    async def wait_for(
        self, name: str, wanted: Any = ANYTHING, timeout_s: float = DEFAULT_TIMEOUT_S, fresh: bool = False
    ) -> ChannelValue | Event:
        """Waits until a channel has a value, or an event comes, and gives it. Raises `WaitTimedOut`.

        `wanted` is a value or a function of it for a channel; for an event a mapping of arguments, a part of its text,
        or a function of the `Event`. A value that is there already will do, unless `fresh` wants one that came since
        the last action through this object (or from now on). Events count since that action, too, each once.
        """
        outcome, wish = await self._await(name, wanted, timeout_s, fresh)
        self._note_wait("wait", wish, outcome, timeout_s)
        if outcome.found is None:
            raise WaitTimedOut(wish.missed(timeout_s, outcome.seen, await self._link_note()), outcome.seen)
        return outcome.found

    async def expect(
        self, name: str, wanted: Any = ANYTHING, timeout_s: float = DEFAULT_TIMEOUT_S, fresh: bool = False
    ) -> ChannelValue | Event:
        """As `wait_for`, but raises `ExpectationFailed`, an AssertionError, with what was seen instead."""
        outcome, wish = await self._await(name, wanted, timeout_s, fresh)
        self._note_wait("expectation", wish, outcome, timeout_s)
        if outcome.found is None:
            raise ExpectationFailed(wish.missed(timeout_s, outcome.seen, await self._link_note()), outcome.seen)
        return outcome.found

    async def _await(self, name: str, wanted: Any, timeout_s: float, fresh: bool) -> tuple[Outcome, Wish]:
        kind = await self._kind_of(name)
        since_us = self._acted_us if fresh or kind == "events" else 0
        wish = Wish(kind, name, wanted, since_us, self._met.get(name, 0))
        outcome = await await_wish(self._connection, self.name, wish, timeout_s)
        if isinstance(outcome.found, Event):
            self._met[name] = outcome.found.number
        return outcome, wish

    async def _kind_of(self, name: str) -> str:
        found = await self.dictionary()
        names = {kind: [str(one["name"]) for one in found[kind]] for kind in ("channels", "events")}
        for kind, known in names.items():
            if name in known:
                return kind
        from kittiwake.faults import did_you_mean

        hint = did_you_mean(name, names["channels"] + names["events"])
        raise RequestRefused(404, f"no channel and no event is called {name!r}", hint)

    def _note_wait(self, kind: str, wish: Wish, outcome: Outcome, timeout_s: float) -> None:
        def shown(one: Any) -> Any:
            return one.text if isinstance(one, Event) else one.value

        self._note(
            kind,
            deployment=self.name, name=wish.name, met=outcome.found is not None, timeout_s=timeout_s,
            wanted=described(wish.wanted), seen=[shown(one) for one in outcome.seen],
        )  # fmt: skip

    async def _link_note(self) -> str:
        """What to add to a message if the link explains it."""
        link = await self.link()
        return "" if link.state == "up" else f"; the link is {link.state}" + (f": {link.reason}" if link.reason else "")

    # Files

    async def upload(
        self,
        source: str | Path | bytes,
        remote: str,
        progress: Callable[[int, int], None] | None = None,
        timeout_s: float | None = None,
        way: str = "packets",
    ) -> TransferResult:
        """Brings a file or some bytes to the deployment; returns once it has them, verified.

        By the `way` "cfdp" they go to its inbox under the name `remote`, and the server goes on with that over lost
        links and restarts of either side. `progress` is told bytes done and bytes in all. Raises `TransferFailed`, and
        `OSError` for a file that cannot be read.
        """
        content = source if isinstance(source, bytes) else read_limited(Path(source), MAX_FILE_SIZE)
        name = "" if isinstance(source, bytes) else Path(source).name
        begun = await self.request(
            "POST", "/uploads", query={"remote": remote, "name": name, "way": way}, content=content
        )
        return await self._transferred(begun, progress, timeout_s)

    async def download(
        self,
        remote: str,
        path: str | Path,
        progress: Callable[[int, int], None] | None = None,
        timeout_s: float | None = None,
    ) -> TransferResult:
        """Gets a file from the deployment into `path`, which is written once it is whole. Raises as `upload`."""
        result = await self._fetched(remote, progress, timeout_s)
        await self._connection.save(f"{self._base}/transfers/{result.id}/content", Path(path), result.size)
        return result

    async def read(self, remote: str, timeout_s: float | None = None) -> bytes:
        """The bytes of a file of the deployment. Raises as `upload`."""
        result = await self._fetched(remote, None, timeout_s)
        return await self._connection.bytes_of("GET", f"{self._base}/transfers/{result.id}/content")

    async def transfers(self) -> list[TransferResult]:
        """The last transfers both ways, from whomever, the newest first; files that came by CFDP are among them."""
        return [record_of(TransferResult, one) for one in (await self.request("GET", "/transfers"))["transfers"]]

    async def save(self, transfer: TransferResult | int, path: str | Path) -> TransferResult:
        """Gets a file that has come down into `path`, as one that the deployment sent by itself.

        Raises `RequestRefused` where there is none, and `OSError`.
        """
        id = transfer if isinstance(transfer, int) else transfer.id
        result = record_of(TransferResult, await self.request("GET", f"/transfers/{id}"))
        await self._connection.save(f"{self._base}/transfers/{id}/content", Path(path), result.size)
        return result

    async def _fetched(
        self, remote: str, progress: Callable[[int, int], None] | None, timeout_s: float | None
    ) -> TransferResult:
        begun = await self.request("POST", "/downloads", body={"remote": remote})
        return await self._transferred(begun, progress, timeout_s)

    async def _transferred(
        self, shown: Mapping[str, Any], progress: Callable[[int, int], None] | None, timeout_s: float | None
    ) -> TransferResult:
        result = record_of(TransferResult, shown)
        self._acted_us = result.asked_us
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        path = f"/transfers/{result.id}"
        try:
            while not result.final:
                if time.monotonic() >= deadline:
                    await self.request("DELETE", path)
                    deadline = float("inf")
                result = record_of(TransferResult, await self.request("GET", path, query={"wait_s": PROGRESS_S}))
                if progress is not None:
                    progress(result.done_bytes, result.size)
        except asyncio.CancelledError:
            await self.request("DELETE", path)
            raise
        self._note(
            "transfer",
            deployment=self.name, direction=result.direction, remote=result.remote, size=result.size,
            state=result.state, reason=result.reason,
        )  # fmt: skip
        if result.state != "completed":
            raise TransferFailed(result)
        return result

    # Sequences

    async def run_sequence(
        self,
        source: str | Path | None = None,
        remote: str = "",
        sequencer: str = "",
        wait: bool = True,
        timeout_s: float | None = None,
        check: bool = True,
        progress: Callable[[SequenceStep], None] | None = None,
        confirm: bool = False,
    ) -> SequenceRun:
        """Compiles a sequence, brings it up as `remote` and runs it; without a source runs what the deployment has.

        A `Path`, or a text that is nothing but a name ending in `.seq`, is a file; any other text is the sequence.
        `remote` is by default that file's name with `.bin`, and `sequencer` the deployment's first. `progress` is told
        every step. `confirm` says that the hazardous commands in it are meant, as far as the server knows what is in
        it. Raises `SequenceFailed` unless `check` is false, `TransferFailed`, and `RequestRefused` with every fault of
        the text in `errors`, and with `hazards` that are not confirmed.
        """
        if source is not None:
            remote = (await self.upload_sequence(source, remote, confirm=confirm)).remote
        elif not remote:
            raise TypeError("what to run: a source, or the remote name of a sequence that is there")
        body = {"remote": remote, "sequencer": sequencer, "confirm": confirm}
        run = run_of(await self.request("POST", "/sequences/runs", body=body))
        self._acted_us = run.started_us
        if not wait:
            return run
        async for step in self.follow(run, timeout_s, check):
            if progress is not None:
                progress(step)
        return await self.run(run.id)

    async def upload_sequence(
        self,
        source: str | Path,
        remote: str = "",
        progress: Callable[[int, int], None] | None = None,
        confirm: bool = False,
    ) -> TransferResult:
        """Compiles a sequence and brings it up. Takes `confirm` and raises as `run_sequence`."""
        text, name = read_sequence(source)
        body = {"text": text, "name": name, "remote": remote or f"/{Path(name).stem}.bin", "confirm": confirm}
        return await self._transferred(await self.request("POST", "/sequences/upload", body=body), progress, None)

    async def compile_sequence(self, source: str | Path) -> bytes:
        """The binary file of a sequence. Raises `RequestRefused` with every fault of the text in `errors`."""
        text, name = read_sequence(source)
        return await self._connection.bytes_of(
            "POST", f"{self._base}/sequences/compile", body={"text": text, "name": name}
        )

    async def run(self, id: int) -> SequenceRun:
        """A run as it stands."""
        return run_of(await self.request("GET", f"/sequences/runs/{id}"))

    async def runs(self) -> list[SequenceRun]:
        """The last runs, the newest first."""
        return [run_of(one) for one in (await self.request("GET", "/sequences/runs"))["runs"]]

    async def stop_sequence(self, run: SequenceRun | int) -> CommandResult:
        """Asks the sequencer to give a run up, and waits for its answer. Raises `CommandFailed`."""
        shown = await self.request("POST", f"/sequences/runs/{_id_of(run)}/stop")
        return await self._ended(command_of(shown), DEFAULT_TIMEOUT_S, check=True)

    async def follow(
        self, run: SequenceRun | int, timeout_s: float | None = None, check: bool = True
    ) -> AsyncIterator[SequenceStep]:
        """The steps of a run as they are answered, until it ends. Raises `SequenceFailed` then, unless it completed."""
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        told = 0
        while True:
            query = {"wait_s": PROGRESS_S}
            found = run_of(await self.request("GET", f"/sequences/runs/{_id_of(run)}", query=query))
            for number in range(told, found.step):
                command = str(found.steps[number]["command"]) if number < len(found.steps) else ""
                step = SequenceStep(number + 1, found.total, command, number in found.failed_steps)
                self._note("sequence", deployment=self.name, remote=found.remote, **step._asdict())
                yield step
            told = max(told, found.step)
            if found.final or time.monotonic() >= deadline:
                break
        self._note(
            "sequence",
            deployment=self.name, remote=found.remote, state=found.state, reason=found.reason, step=found.step,
            total=found.total, failed_steps=list(found.failed_steps),
        )  # fmt: skip
        if check and not found.completed:
            raise SequenceFailed(found)


def _id_of(run: SequenceRun | int) -> int:
    return run if isinstance(run, int) else run.id
