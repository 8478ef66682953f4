"""Where a server of agents would stand: tests call through it, and hear what is published."""

from __future__ import annotations

import json
from typing import Any

from kittiwake.model import OutputPort, PassiveComponent, sync_port
from kittiwake_components.ports.actuator import BusPublish, BusRequest, RpcAnswer, RpcRequest


class Agents(PassiveComponent):
    """Calls and messages of agents."""

    rpc_out = OutputPort(RpcRequest)
    message_out = OutputPort(BusRequest)

    def initialize(self) -> None:
        self._token = 0
        self.answers: dict[int, Any] = {}
        self.heard: list[tuple[str, Any, Any]] = []

    @sync_port(RpcAnswer)
    def rpc_answer_in(self, token: int, reply: bytes) -> None:
        """The answer to a call."""
        assert token not in self.answers
        self.answers[token] = json.loads(reply)

    @sync_port(BusPublish)
    def message_in(self, topic: str, headers: bytes, body: bytes) -> None:
        """What is published."""
        self.heard.append((topic, json.loads(headers), json.loads(body) if body else None))

    def ask(self, requester: str, method: str, *arguments: Any) -> int:
        """Calls a method; the token of the answer."""
        self._token += 1
        self.rpc_out(self._token, requester, method, json.dumps(arguments).encode())
        return self._token
