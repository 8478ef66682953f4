"""The WebSocket: news as they come, together at a bounded pace, with a word on what was left out."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from kittiwake_ground.api.access import person_of
from kittiwake_ground.archive import QueryTooLong
from kittiwake_ground.replay.replays import NoReplay, TooManyReplays
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.subscription import KINDS, Subscription, Update
from kittiwake_ground.server.views import update_object

if TYPE_CHECKING:
    from kittiwake_ground.replay.replay import Replay
    from kittiwake_ground.server.ground import Ground
    from kittiwake_ground.server.hub import Hub

router = APIRouter()

MAX_MESSAGE = 65536
MAX_SUBSCRIPTIONS = 50
MAX_PATTERNS = 1000
MAX_RECENT = 1000
BATCH = 1000
"""The most updates in one message."""

PACE_S = 0.05
REPLAY_PACE_S = 0.2
RECHECK_S = 30.0
"""How often it is asked again whether whoever listens still may."""

UNKNOWN_CLOSE, BAD_CLOSE = 4401, 4400


class BadMessage(ValueError):
    """What a client sent cannot be understood; the message says why."""


class Wire:
    """One client."""

    def __init__(self, socket: WebSocket, ground: Ground) -> None:
        self._socket = socket
        self._ground = ground
        self._sending = asyncio.Lock()
        self._subscriptions: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}
        self._replays: dict[str, Replay] = {}

    async def serve(self) -> None:
        """Serves the client until it goes."""
        checking = asyncio.create_task(self._recheck())
        try:
            while True:
                id: Any = None
                try:
                    message = _parsed(await self._received())
                    id = message.get("id")
                    await self._act(message, id)
                except (ValueError, TypeError, LookupError, NoReplay, TooManyReplays, QueryTooLong) as fault:
                    await self._send({"type": "error", "id": id, "detail": str(fault)})
        finally:
            checking.cancel()
            for key in list(self._subscriptions):
                self._drop(key)

    async def _received(self) -> str:
        """The next message. Raises `BadMessage` for one of bytes, and `WebSocketDisconnect`."""
        try:
            return await self._socket.receive_text()
        except KeyError:
            raise BadMessage("a message is text, not bytes") from None

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            if person_of(self._socket, self._ground.desk) is None:
                await self._socket.close(UNKNOWN_CLOSE, "logged out")
                return

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    async def _act(self, message: dict[str, Any], id: Any) -> None:
        kind = message.get("type")
        if kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "unsubscribe":
            self._drop(json.dumps(id))
        elif kind == "subscribe":
            await self._subscribe(message, id)
        else:
            raise BadMessage(f"type is subscribe, unsubscribe or ping, not {kind!r}")

    def _drop(self, key: str) -> None:
        found = self._subscriptions.pop(key, None)
        if found is not None:
            found[0].close()
            found[1].cancel()
        replay = self._replays.pop(key, None)
        if replay is not None:
            replay.close()

    async def _subscribe(self, message: dict[str, Any], id: Any) -> None:
        key = json.dumps(id)
        kinds = _texts(message, "kinds", list(KINDS))
        patterns = _texts(message, "names", [])
        recent = message.get("recent", 0)
        if not isinstance(recent, int) or not 0 <= recent <= MAX_RECENT:
            raise BadMessage(f"recent is a number from 0 to {MAX_RECENT}")
        name = message.get("deployment", "*")
        hubs: dict[str, Hub] = {one.name: one.hub for one in self._ground.deployments.values()}
        if key not in self._subscriptions and len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise BadMessage(f"at most {MAX_SUBSCRIPTIONS} subscriptions on a connection")
        if "at_us" in message:
            await self._subscribe_past(message, id, kinds, patterns)
            return
        if name == "*":
            subscription = self._ground.subscribe(kinds, patterns)
            chosen = list(self._ground.deployments)
        else:
            subscription = self._ground.deployment(str(name)).hub.subscribe(kinds, patterns)
            chosen = [str(name)]
        self._drop(key)
        if recent:
            self._recall(subscription, [hubs[one] for one in chosen], recent)
        await self._send({"type": "subscribed", "id": id})
        self._subscriptions[key] = (subscription, asyncio.create_task(self._follow(subscription, id, hubs)))

    async def _subscribe_past(self, message: dict[str, Any], id: Any, kinds: list[str], patterns: list[str]) -> None:
        """News of a time that is past, as they came then, from `at_us` to `until_us`, at a `speed`."""
        at_us, until_us = _number(message, "at_us", 0), _number(message, "until_us", now_us())
        speed = message.get("speed", 1)
        if isinstance(speed, bool) or not isinstance(speed, (int, float)):
            raise BadMessage("speed is a number")
        live = self._ground.deployment(str(message.get("deployment", "")))
        key = json.dumps(id)
        self._drop(key)
        replay = await self._ground.replays.open(live, at_us, float(speed))
        hub = replay.source.hub
        try:
            subscription = hub.subscribe(kinds, patterns)
        except BaseException:
            replay.close()
            raise
        self._recall(subscription, [hub], int(message.get("recent", 0)))
        self._replays[key] = replay
        await self._send({"type": "subscribed", "id": id})
        self._subscriptions[key] = (subscription, asyncio.create_task(self._play(replay, until_us, subscription, id)))

    async def _play(self, replay: Replay, until_us: int, subscription: Subscription, id: Any) -> None:
        """Tells what a replay tells, until its time is over."""
        hubs: dict[str, Hub] = {replay.source.name: replay.source.hub}
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await replay.advance(until_us)
                await self._tell(subscription, subscription.fetch(), id, hubs)
                if replay.position_us >= until_us or replay.caught_up:
                    await self._send({"type": "ended", "id": id, "at_us": replay.position_us})
                    replay.close()
                    return
                await asyncio.sleep(REPLAY_PACE_S)

    def _recall(self, subscription: Subscription, hubs: list[Hub], recent: int) -> None:
        """What is known already, as if it came now."""
        for hub in hubs:
            name = hub.deployment
            samples = [sample for key, sample in hub.latest.items() if subscription.wants("channels", key)]
            for sample in samples[:recent]:
                subscription.put(Update("channels", name, sample))
            events = [record for record in hub.events if subscription.wants("events", record.decoded.name)]
            for record in events[-recent:]:
                subscription.put(Update("events", name, record))

    async def _follow(self, subscription: Subscription, id: Any, hubs: dict[str, Hub]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._tell(subscription, await subscription.wait(), id, hubs)
                await asyncio.sleep(PACE_S)

    async def _tell(self, subscription: Subscription, updates: list[Update], id: Any, hubs: dict[str, Hub]) -> None:
        dropped, subscription.dropped = subscription.dropped, 0
        for first in range(0, len(updates), BATCH):
            shown = [update_object(one, hubs[one.deployment]) for one in updates[first : first + BATCH]]
            await self._send({"type": "updates", "id": id, "dropped": dropped, "updates": shown})
            dropped = 0


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > MAX_MESSAGE:
        raise BadMessage(f"a message has at most {MAX_MESSAGE} characters")
    try:
        message = json.loads(text)
    except RecursionError:
        raise BadMessage("the message nests too deeply") from None
    if not isinstance(message, dict):
        raise BadMessage("a message is a JSON object")
    return message


def _number(message: dict[str, Any], key: str, default: int) -> int:
    found = message.get(key, default)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 1 << 62:
        raise BadMessage(f"{key} is a time in microseconds since 1970")
    return found


def _texts(message: dict[str, Any], key: str, default: list[str]) -> list[str]:
    found = message.get(key, default)
    if not isinstance(found, list) or len(found) > MAX_PATTERNS or not all(isinstance(one, str) for one in found):
        raise BadMessage(f"{key} is a list of at most {MAX_PATTERNS} texts")
    return found


@router.websocket("/ws")
async def live(socket: WebSocket) -> None:
    """News of deployments; see `Wire`."""
    ground: Ground = socket.app.state.ground
    await socket.accept()
    if person_of(socket, ground.desk) is None:
        await socket.close(UNKNOWN_CLOSE, "log in, or send a token")
        return
    with suppress(WebSocketDisconnect):
        await Wire(socket, ground).serve()
