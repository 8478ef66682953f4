"""What a page of the dashboard is, and what its builder is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

from nicegui import ui

from kittiwake_ground.api.access import person_of, source_of
from kittiwake_ground.people.accounts import OPERATOR
from kittiwake_ground.replay.past_deployment import REFUSAL
from kittiwake_ground.replay.replayed_past import ReplayedPast
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import Request

    from kittiwake_ground.people.desk import Person
    from kittiwake_ground.replay.replay import Replay
    from kittiwake_ground.server.ground import Ground
    from kittiwake_ground.server.past import Past
    from kittiwake_ground.server.source import Source
    from kittiwake_ground.server.subscription import Update

TICK_S = 0.5
"""How often a page looks for news, in seconds."""


def _for_all(deployment: Source) -> bool:
    return True


class Page(NamedTuple):
    """A page: its place below `/d/DEPLOYMENT/`, title and icon, the kinds of news that it wants, and its builder.

    `is_for` says whether the navigation of a deployment leads to it.
    """

    name: str
    title: str
    icon: str
    kinds: tuple[str, ...]
    build: Callable[[Context], Awaitable[None] | None]
    is_for: Callable[[Source], bool] = _for_all


class Refused(PermissionError):
    """Whoever is at the page may not do that, or not now; the message says why."""


class Context:
    """One open page: the deployment that it shows, who looks at it, and its timer.

    `deployment` and `past` are those of a replay where the page looks back, and pages read them alike.
    """

    def __init__(
        self, ground: Ground, deployment: Source, request: Request, person: Person, replay: Replay | None = None
    ) -> None:
        self.ground = ground
        self.deployment = deployment
        self.person = person
        self.replay = replay
        self.past: Past = ground.past
        if replay is not None and ground.archive is not None:
            self.past = ReplayedPast(ground.archive, replay)
        self._request = request
        self._handlers: list[Callable[[list[Update]], Awaitable[None] | None]] = []

    def asked(self, name: str) -> str:
        """What the page's address says after the question mark: the value of a name, or nothing."""
        return self._request.query_params.get(name, "")

    @property
    def may_act(self) -> bool:
        """Whether the page should offer actions at all."""
        return self.replay is None and self.person.may(OPERATOR)

    def unable_text(self, what: str) -> str:
        """Why the page does not offer what an operator could do live: `what` ends the sentence `Only an operator`."""
        return (
            f"Only an operator {what}." if self.replay is None else "This is the past: nothing can be sent from here."
        )

    def place(self, page: str, **query: str) -> str:
        """The address of another page of the deployment, at the same time as this one."""
        return self.place_of(self.deployment.name, page, **query)

    def place_of(self, deployment: str, page: str, **query: str) -> str:
        """The address of a page of any deployment, at the same time as this one."""
        if self.replay is not None:
            query |= {"at": iso_time(self.replay.position_us), "speed": f"{self.replay.speed:g}"}
            if self.replay.paused:
                query["paused"] = "1"
        return f"/d/{quote(deployment)}/{page}" + (f"?{urlencode(query)}" if query else "")

    def on_tick(self, handler: Callable[[list[Update]], Awaitable[None] | None]) -> None:
        """Calls `handler` at every tick of the page's timer with the news since the last one (often none)."""
        self._handlers.append(handler)

    async def tick(self, updates: list[Update]) -> None:
        """Hands news to the handlers."""
        for handler in self._handlers:
            handled = handler(updates)
            if handled is not None:
                await handled

    def still_here(self) -> bool:
        """Whether the log-in that opened the page still counts."""
        return person_of(self._request, self.ground.desk) is not None

    def act(self, action: str, detail: str = "") -> str:
        """Call it before every action: gives who acts, for `by`, and writes the audit trail. Raises `Refused`."""
        if self.replay is not None:
            raise Refused(REFUSAL)
        person = person_of(self._request, self.ground.desk)
        if person is None:
            raise Refused("you are no longer logged in")
        if not person.may(OPERATOR):
            raise Refused(f"{person.name} is a {person.role}: this takes an operator")
        wait_s = self.ground.desk.action_wait_s(person)
        if wait_s:
            raise Refused(f"too many actions; try again in {wait_s:.1f} s")
        self.ground.audit.add(person.name, action, self.deployment.name, detail, source_of(self._request))
        return person.name


def complain(fault: Exception | str) -> None:
    """Shows why something was not done."""
    ui.notify(str(fault), type="negative", position="top", close_button="Close", timeout=8000)
