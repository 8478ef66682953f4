"""The WebSocket, spoken to without a network."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.api.app import make_app
from kittiwake_ground.passes.planned import When
from kittiwake_ground.passes.planner import Owner
from kittiwake_ground.people.accounts import Accounts
from tests.ground.server.foreign import NO_OP, Foreign, measured, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from pathlib import Path

    from kittiwake_ground.server.ground import Ground


class Socket:
    """A client of the application's WebSocket."""

    def __init__(self, ground: Ground, headers: list[tuple[bytes, bytes]]) -> None:
        self._incoming: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        scope = {
            "type": "websocket", "path": "/api/v1/ws", "raw_path": b"/api/v1/ws", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), *headers], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8090),
            "scheme": "ws", "subprotocols": [], "asgi": {"version": "3.0"},
        }  # fmt: skip
        self._task = asyncio.ensure_future(make_app(ground)(scope, self._incoming.get, self._outgoing.put))
        self._incoming.put_nowait({"type": "websocket.connect"})

    async def next(self) -> MutableMapping[str, Any]:
        """What the application does next."""
        async with asyncio.timeout(10):
            return await self._outgoing.get()

    async def ask(self, message: object) -> dict[str, Any]:
        """Sends a message, and gives what comes back."""
        if isinstance(message, bytes):
            self._incoming.put_nowait({"type": "websocket.receive", "bytes": message})
        else:
            text = message if isinstance(message, str) else json.dumps(message)
            self._incoming.put_nowait({"type": "websocket.receive", "text": text})
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = json.loads((await self.next())["text"])
        return found

    async def close(self) -> None:
        """Goes."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(10):
            await self._task


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Socket, Ground, Foreign]]:
    """A WebSocket of a ground station with a deployment."""
    async with served(folder) as (ground, foreign):
        socket = Socket(ground, [])
        assert (await socket.next())["type"] == "websocket.accept"
        yield socket, ground, foreign
        await socket.close()
        assert ground.deployment("ref").hub.subscriber_count == 0


def test_news_come_for_what_was_subscribed_to_and_stop_after(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path) as (socket, ground, foreign):
            assert await socket.ask({"type": "ping"}) == {"type": "pong"}
            wanted = {"type": "subscribe", "id": "a", "deployment": "*", "kinds": ["channels"], "names": ["*.Temp*"]}
            assert await socket.ask(wanted) == {"type": "subscribed", "id": "a"}
            foreign.say(measured(20.5))
            message = await socket.hear()
            assert (message["type"], message["id"], message["dropped"]) == ("updates", "a", 0)
            (update,) = message["updates"]
            assert (update["kind"], update["deployment"]) == ("channels", "ref")
            assert (update["subject"]["name"], update["subject"]["value"]) == ("Ref.heater.Temperature", 20.5)
            await socket.ask({**wanted, "id": "b", "recent": 10})
            assert (await socket.hear())["updates"][0]["subject"]["value"] == 20.5
            assert ground.deployment("ref").hub.subscriber_count == 2

    asyncio.run(run())


def test_the_life_of_a_plan_is_news_as_it_happens(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path) as (socket, ground, foreign):
            await socket.ask({"type": "subscribe", "deployment": "ref", "kinds": ["plans"], "names": ["*CMD_NO_OP"]})
            passes = ground.deployment("ref").passes
            what = passes.ways.check("command", "Ref.dispatcher.CMD_NO_OP", {}, False, "ada")
            owner = Owner("local", "open")
            passes.planner.plan(what, When("after", delay_s=0), "ada", owner, False, None)
            seen = await states_until(socket, "completed")
            assert [one["state"] for one in seen] == ["planned", "releasing", "released", "completed"]
            assert seen[-1]["sent_id"] in ground.deployment("ref").commands.records
            assert seen[0]["due_us"] <= seen[-1]["released_us"] <= seen[-1]["ended_us"]
            foreign.refused.add(NO_OP)
            passes.planner.plan(what, When("after", delay_s=0), "ada", owner, False, None)
            failed = (await states_until(socket, "failed"))[-1]
            assert (failed["id"], "EXECUTION_ERROR" in failed["reason"]) == (2, True)

    asyncio.run(run())


async def states_until(socket: Socket, last: str) -> list[dict[str, Any]]:
    """The plan with each piece of news, until it is in a state."""
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["state"] != last:
        seen += [one["subject"] for one in (await socket.hear())["updates"]]
    return seen


def test_who_lags_is_told_how_much_was_dropped(tmp_path: Path) -> None:
    async def run() -> None:
        async with connected(tmp_path) as (socket, ground, _):
            await socket.ask({"type": "subscribe", "deployment": "ref", "kinds": ["channels"]})
            hub = ground.deployment("ref").hub
            (one,) = hub._subscriptions
            sample = ground.deployment("ref").session._decoder.decode(measured(1))
            for _ in range(10_005):
                hub.take_samples(sample, 0)  # type: ignore[arg-type]
            assert one.dropped == 5
            assert (await socket.hear())["dropped"] == 5

    asyncio.run(run())


@pytest.mark.parametrize(
    "message,said",
    [
        ("{", "Expecting"),
        ("[]", "object"),
        (b"{}", "text, not bytes"),
        ({"type": "shout"}, "subscribe, unsubscribe or ping"),
        ({"type": "subscribe", "kinds": ["x"]}, "no kind 'x'"),
        ({"type": "subscribe", "kinds": "channels"}, "kinds is a list"),
        ({"type": "subscribe", "deployment": "none"}, "no deployment 'none'"),
        ({"type": "subscribe", "recent": 5000}, "recent"),
    ],
)
def test_a_message_that_cannot_be_understood_is_answered(tmp_path: Path, message: object, said: str) -> None:
    async def run() -> None:
        async with connected(tmp_path) as (socket, _, _):
            answer = await socket.ask(message)
            assert answer["type"] == "error"
            assert said in answer["detail"]
            assert await socket.ask({"type": "ping"}) == {"type": "pong"}

    asyncio.run(run())


def test_whoever_is_not_known_or_on_a_foreign_page_is_turned_away(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "users.json")
    accounts.add_user("ada", "viewer", "long enough")
    token = accounts.add_token("t", "ada", "viewer")

    async def run() -> None:
        async with served(tmp_path, users=accounts.path) as (ground, _):
            stranger = Socket(ground, [])
            assert (await stranger.next())["type"] == "websocket.accept"
            assert (await stranger.next())["code"] == 4401
            foreign = Socket(ground, [(b"origin", b"http://evil.example")])
            assert (await foreign.next())["type"] == "websocket.close"
            known = Socket(ground, [(b"authorization", f"Bearer {token}".encode())])
            assert (await known.next())["type"] == "websocket.accept"
            assert await known.ask({"type": "ping"}) == {"type": "pong"}
            await known.close()

    asyncio.run(run())
