"""The passes of a deployment, the data budget, and what is planned, for asyncio."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.local_files import read_limited
from kittiwake_ground.client.records import Plan, record_of
from kittiwake_ground.client.times import When, when_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake_ground.client.connection import Request

WAIT_SLICE_S = 30.0
"""The longest single request that waits for the end of a plan."""

MAX_FILE_SIZE = 16 << 20


@dataclass(frozen=True)
class Contact:
    """What passes come from: once, or each `every_s` seconds until `until_us`. `origin` is hand, imported or predicted.

    Rates are bits a second, 0 for those that earlier passes have shown. Times are microseconds since 1970.
    """

    id: int
    start_us: int
    duration_s: float
    name: str
    link: str
    down_bps: float
    up_bps: float
    efficiency: float
    every_s: float
    until_us: int
    skipped_us: Sequence[int]
    origin: str
    uid: str
    by: str


@dataclass(frozen=True)
class ComingPass:
    """A pass that is under way or to come. Rates are bits a second, given or measured by earlier passes."""

    contact: int
    name: str
    link: str
    origin: str
    recurs: bool
    start_us: int
    end_us: int
    duration_s: float
    efficiency: float
    down_bps: float
    up_bps: float
    down_measured: bool
    up_measured: bool


@dataclass(frozen=True)
class PassOutcome:
    """What became of a pass. Peaks are the fastest ten seconds, in bits a second; a frame that never came is at 0."""

    start_us: int
    end_us: int
    name: str
    link: str
    origin: str
    bytes_up: int
    bytes_down: int
    frames: int
    commands: int
    first_frame_us: int
    last_frame_us: int
    peak_up_bps: float
    peak_down_bps: float
    telemetry_bps: float
    watched_s: float
    linked_s: float
    is_over: bool


@dataclass(frozen=True)
class Budget:
    """What fits into the next passes, as the API has it.

    `passes` have `up` and `down`, each with capacity_bytes, background_bytes (telemetry) and used_bytes. What waits, in
    `up` and `down`, each has a verdict: fits, later, waits, too large, no pass or unknown. Its `shares` say what goes
    when.
    """

    now_us: int
    telemetry_bps: float
    passes: Sequence[Mapping[str, Any]]
    up: Sequence[Mapping[str, Any]]
    down: Sequence[Mapping[str, Any]]


class AsyncPasses:
    """Reads and changes the schedule of passes. Raises `ServerUnreachable` and `RequestRefused`."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def coming(self, count: int = 10) -> list[ComingPass]:
        """The pass that is under way, and the next ones."""
        found = await self._request("GET", "/passes", query={"count": count})
        return [record_of(ComingPass, one) for one in found["passes"]]

    async def contacts(self) -> list[Contact]:
        """The contacts that they come from."""
        found = await self._request("GET", "/passes/contacts")
        return [record_of(Contact, one) for one in found["contacts"]]

    async def add(
        self, start: When, duration_s: float, name: str = "", link: str = "", down_bps: float = 0.0,
        up_bps: float = 0.0, every_s: float = 0.0, until: When | None = None, efficiency: float | None = None,
    ) -> Contact:  # fmt: skip
        """Adds a contact, once or each `every_s` seconds. One that overlaps another is refused."""
        body: dict[str, Any] = {
            "start_us": when_us(start), "duration_s": duration_s, "name": name, "link": link, "down_bps": down_bps,
            "up_bps": up_bps, "every_s": every_s, "until_us": when_us(until) or 0,
        }  # fmt: skip
        if efficiency is not None:
            body["efficiency"] = efficiency
        return record_of(Contact, await self._request("POST", "/passes/contacts", body=body))

    async def take_file(self, source: str | Path, replace: bool = False) -> list[Contact]:
        """Takes the contacts of a CSV or iCalendar file, all or none; each replaces what had its uid before.

        With `replace` what is to come of earlier files and is not in this one goes. Raises `OSError` and
        `UnicodeDecodeError` for a file that cannot be read.
        """
        path = Path(source)
        text = await asyncio.to_thread(path.read_text, "utf-8")
        body = {"text": text, "name": path.name, "replace": replace}
        found = await self._request("POST", "/passes/import", body=body)
        return [record_of(Contact, one) for one in found["contacts"]]

    async def remove(self, contact: Contact | int, start: When | None = None) -> Contact:
        """Removes a contact, or of one that recurs the pass that starts at a time."""
        id = contact if isinstance(contact, int) else contact.id
        query = {"start_us": when_us(start)}
        return record_of(Contact, await self._request("DELETE", f"/passes/contacts/{id}", query=query))

    async def outcomes(self, limit: int = 100, before: When | None = None) -> list[PassOutcome]:
        """What became of passes, the newest first."""
        query = {"limit": limit, "before_us": when_us(before)}
        found = await self._request("GET", "/passes/outcomes", query=query)
        return [record_of(PassOutcome, one) for one in found["outcomes"]]

    async def budget(self, count: int = 5) -> Budget:
        """What of all that waits fits into the next passes, and in which."""
        return record_of(Budget, await self._request("GET", "/passes/budget", query={"count": count}))


class AsyncPlans:
    """Plans what is sent later, by the server, once. Raises `ServerUnreachable` and `RequestRefused`.

    When is said in one way: `at` a date, `after_s` seconds from now, or `pass_offset_s` seconds after the start of the
    next pass. `expiry_s` is for how long it may then wait for the link: an hour, or until the end of the pass.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    async def all(self, waiting: bool = False) -> list[Plan]:
        """The plans, the newest first; only those that have not ended if `waiting`."""
        found = await self._request("GET", "/plans", query={"waiting": str(waiting).lower()})
        return [record_of(Plan, one) for one in found["plans"]]

    async def get(self, id: int) -> Plan:
        """A plan as it stands."""
        return record_of(Plan, await self._request("GET", f"/plans/{id}"))

    async def command(
        self, name: str, *arguments: Any, named: Mapping[str, Any] | None = None, at: When | None = None,
        after_s: float | None = None, pass_offset_s: float | None = None, expiry_s: float | None = None,
        confirm: bool = False,
    ) -> Plan:  # fmt: skip
        """Plans a command; `confirm` says that a hazardous one is meant."""
        body = {
            "subject": name, "arguments": list(arguments) if named is None else dict(named), "confirm": confirm,
            **_when(at, after_s, pass_offset_s, expiry_s),
        }  # fmt: skip
        return await self._made(body)

    async def sequence(
        self, remote: str, sequencer: str = "", at: When | None = None, after_s: float | None = None,
        pass_offset_s: float | None = None, expiry_s: float | None = None, confirm: bool = False,
    ) -> Plan:  # fmt: skip
        """Plans the run of a sequence that is on board."""
        body = {"kind": "sequence", "subject": remote, "sequencer": sequencer, "confirm": confirm}
        return await self._made({**body, **_when(at, after_s, pass_offset_s, expiry_s)})

    async def upload(
        self, source: str | Path | bytes, remote: str, way: str = "packets", at: When | None = None,
        after_s: float | None = None, pass_offset_s: float | None = None, expiry_s: float | None = None,
    ) -> Plan:  # fmt: skip
        """Plans that a file goes up, or some bytes, as they are now. Raises `OSError` and `ValueError`."""
        content = source if isinstance(source, bytes) else read_limited(Path(source), MAX_FILE_SIZE)
        name = "" if isinstance(source, bytes) else Path(source).name
        body = {
            "kind": "upload", "subject": remote, "name": name, "way": way, "content": b64encode(content).decode(),
            **_when(at, after_s, pass_offset_s, expiry_s),
        }  # fmt: skip
        return await self._made(body)

    async def _made(self, body: Mapping[str, Any]) -> Plan:
        return record_of(Plan, await self._request("POST", "/plans", body=body))

    async def change(
        self, plan: Plan | int, arguments: Sequence[Any] | Mapping[str, Any] | None = None, at: When | None = None,
        after_s: float | None = None, pass_offset_s: float | None = None, expiry_s: float | None = None,
        confirm: bool = False,
    ) -> Plan:  # fmt: skip
        """Gives a plan that waits another time, and other arguments if there are some.

        With a record of it, that somebody else has changed it since is refused with status 412.
        """
        body = {"arguments": arguments, "confirm": confirm, **_when(at, after_s, pass_offset_s, expiry_s)}
        id, headers = _seen(plan)
        return record_of(Plan, await self._request("PUT", f"/plans/{id}", body=body, headers=headers))

    async def cancel(self, plan: Plan | int) -> Plan:
        """Takes a plan back that was not sent; refused with 412 as `change` is."""
        id, headers = _seen(plan)
        return record_of(Plan, await self._request("DELETE", f"/plans/{id}", headers=headers))

    async def wait(self, plan: Plan | int, timeout_s: float = 30.0) -> Plan:
        """A plan once it has ended, or as it stands after `timeout_s`."""
        id, _ = _seen(plan)
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(deadline - time.monotonic(), 0.0)
            query = {"wait_s": min(left_s, WAIT_SLICE_S)}
            found = record_of(Plan, await self._request("GET", f"/plans/{id}", query=query))
            if found.final or time.monotonic() >= deadline:
                return found


def _seen(plan: Plan | int) -> tuple[int, dict[str, str]]:
    if isinstance(plan, int):
        return plan, {}
    return plan.id, {"If-Match": f'"{plan.revision}"'}


def _when(
    at: When | None, after_s: float | None, pass_offset_s: float | None, expiry_s: float | None
) -> dict[str, Any]:  # fmt: skip
    return {"at_us": when_us(at), "after_s": after_s, "pass_offset_s": pass_offset_s, "expiry_s": expiry_s}
