"""A modem that speaks AT commands, for tests: sans IO, on a simulated line or in a thread on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import threading
import tty
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

QUIET_S = 0.9
"""The silence around the escape sequence, a little less than what is promised."""


class AtModem:
    """One modem. Its attributes say how it behaves; `heard` are the commands that came, `data` the bytes of a call."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answers: dict[str, str] = {}
        """Command, or its beginning before `*` -> the whole answer in place of the usual one; `` is silence."""
        self.sim = "READY"
        self.pin = "1234"
        self.registration = ["1"]
        """The states that it goes through, one a question; the last one stays."""
        self.csq = "21,99"
        self.address = "10.64.1.2"
        self.is_active = False
        self.is_strict = False
        """Whether it lets nobody define a context that is active."""
        self.is_in_call = False
        self.is_echoing = True
        self.data = b""
        self._line = b""
        self._last_s = -10.0

    def feed(self, data: bytes, now_s: float) -> bytes:
        """What it says to what came."""
        if self.is_in_call:
            return self._feed_call(data, now_s)
        said = b""
        self._last_s = now_s
        for byte in data:
            character = bytes([byte])
            if self.is_echoing:
                said += character
            if character == b"\r":
                line, self._line = self._line, b""
                said += self._answer(line.decode("latin-1").strip())
            else:
                self._line += character
        return said

    def _feed_call(self, data: bytes, now_s: float) -> bytes:
        is_quiet = now_s - self._last_s >= QUIET_S
        self._last_s = now_s
        if data == b"+++" and is_quiet:
            self.is_in_call = False
            return b"\r\nOK\r\n"
        self.data += data
        return b""

    def start_anew(self) -> None:
        """It lost its power, or hung until its watchdog bit."""
        self.is_active = self.is_in_call = False
        self.is_echoing = True
        self._line = b""

    def hang_up(self) -> bytes:
        """The other side ends the call."""
        self.is_in_call = False
        return b"\r\nNO CARRIER\r\n"

    def _answer(self, command: str) -> bytes:
        if not command:
            return b""
        self.heard.append(command)
        for known, answer in self.answers.items():
            if command == known or (known.endswith("*") and command.startswith(known[:-1])):
                return f"\r\n{answer}\r\n".encode() if answer else b""
        return b"".join([f"\r\n{line}\r\n".encode() for line in self._lines(command)])

    def _lines(self, command: str) -> list[str]:
        if command == "ATE0":
            self.is_echoing = False
        if command == "AT+CPIN?":
            return ["+CME ERROR: 10"] if not self.sim else [f"+CPIN: {self.sim}", "OK"]
        if command.startswith("AT+CPIN="):
            is_right = command == f'AT+CPIN="{self.pin}"'
            self.sim = "READY" if is_right else self.sim
            return ["OK"] if is_right else ["+CME ERROR: 16"]
        if command in ("AT+CREG?", "AT+CEREG?"):
            state = self.registration.pop(0) if len(self.registration) > 1 else self.registration[0]
            return [f"{command[2:-1]}: 0,{state}", "OK"]
        if command == "AT+CSQ":
            return [f"+CSQ: {self.csq}", "OK"]
        if command.startswith("AT+CGACT="):
            self.is_active = command == "AT+CGACT=1,1"
        if command.startswith("AT+CGDCONT=") and self.is_active and self.is_strict:
            return ["+CME ERROR: 3"]
        if command == "AT+CGACT?":
            return [f"+CGACT: 1,{int(self.is_active)}", "OK"]
        if command == "AT+CGPADDR=1":
            return [f'+CGPADDR: 1,"{self.address}"', "OK"]
        if command.startswith("ATD"):
            self.is_in_call = True
            return ["CONNECT 9600"]
        return ["OK"]


class ModemOnPty:
    """A modem in a thread at the other end of a pseudo-terminal, whose path is `device`."""

    def __init__(self, modem: AtModem) -> None:
        self.modem = modem
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self._stop_reader, self._stop_writer = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stop_writer)
        self._thread.join()
        for descriptor in (self._master, self._slave, self._stop_reader):
            os.close(descriptor)

    def say(self, data: bytes) -> None:
        """Something that nobody asked for."""
        os.write(self._master, data)

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._master, self._stop_reader], [], [])
            if self._stop_reader in readable:
                return
            if said := self.modem.feed(os.read(self._master, 4096), monotonic()):
                os.write(self._master, said)
