"""A deployment that answers commands by a script, at the other end of a real link."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.values import value_of
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.packets import channel_entry, channel_packet, event_packet, parse_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.entries import Dictionary

DATED = 2 << 64
CONNECT_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0


class ScriptedDeployment:
    """Listens on `link`, dispatches and completes every command, unless `script` has something else for its name.

    `received` are the names of the commands that came, `packets` the commands themselves. `dispatcher` is the instance
    whose events answer them.
    """

    def __init__(self, dictionary: Dictionary, dispatcher: str = "CdhCore.cmdDisp") -> None:
        self.received: list[str] = []
        self.packets: list[bytes] = []
        self._dispatcher = dispatcher
        self.script: dict[str, Callable[[], None]] = {}
        self._dictionary = dictionary
        self._names = {one.opcode: name for name, one in dictionary.commands.items()}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self.link = f"tcp://127.0.0.1:{self._address[1]}"
        self._peer: socket.socket | None = None
        self._is_connected = threading.Event()
        self._framer = FRAMINGS["fprime"].downlink_framer(FramingParameters())
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the link, as a deployment that dies."""
        for one in (self._listener, self._peer):
            if one is not None:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()
        self._thread.join(STOP_TIMEOUT_S)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                self._peer, _ = listener.accept()
            except OSError:
                return
            deframer = FRAMINGS["fprime"].uplink_deframer(FramingParameters())
            self._is_connected.set()
            try:
                while data := self._peer.recv(65536):
                    for packet in deframer.feed(data):
                        self._take(packet)
            except OSError:
                pass
            finally:
                self._is_connected.clear()
                self._peer.close()

    def _take(self, packet: bytes) -> None:
        opcode, _ = parse_command(packet)
        name = self._names[opcode]
        self.received.append(name)
        self.packets.append(packet)
        self.say(f"{self._dispatcher}.OpCodeDispatched", opcode, 0)
        if name in self.script:
            self.script[name]()
        else:
            self.complete(name)

    def send(self, packet: bytes) -> None:
        """Sends an F´ packet, once somebody is connected: a ground may know it before this end does."""
        assert self._is_connected.wait(CONNECT_TIMEOUT_S)
        assert self._peer is not None
        self._peer.sendall(self._framer.frame(packet))

    def say(self, event: str, *arguments: Any) -> None:
        """Sends an event."""
        found = self._dictionary.event(event)
        formals = zip(found.formals, arguments, strict=True)
        packed = [one.type.pack(value_of(one.type, value, self._dictionary.find_id)) for one, value in formals]
        self.send(event_packet(found.id, _now(), b"".join(packed)))

    def tell(self, channel: str, value: Any) -> None:
        """Sends a channel's value."""
        found = self._dictionary.channel(channel)
        packed = found.type.pack(value_of(found.type, value, self._dictionary.find_id))
        self.send(channel_packet([channel_entry(found.id, _now(), packed)]))

    def complete(self, command: str) -> None:
        """Answers a command with OK."""
        self.say(f"{self._dispatcher}.OpCodeCompleted", self._dictionary.command(command).opcode)

    def fail(self, command: str, response: str) -> None:
        """Answers a command otherwise."""
        self.say(f"{self._dispatcher}.OpCodeError", self._dictionary.command(command).opcode, response)


def _now() -> int:
    return DATED | time.time_ns() // 1000
