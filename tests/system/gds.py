"""Drives the real, unmodified fprime-gds: a headless station, its integration-test API and its command line.

Each `Gds` has folders, sockets and ports of its own, so that several can run beside each other. It needs the peers'
environment (`make peers`), and tests need not import anything of fprime-gds: they talk to `gds_console.py`.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from tests.peers import find_peer
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

Link = Literal["tcp-server", "tcp-client", "udp", "serial", "ip"]
Framing = Literal["ccsds", "fprime"]

FRAMING_PLUGINS = {"ccsds": "space-packet-space-data-link", "fprime": "fprime"}
START_TIMEOUT_S = 80.0
STOP_TIMEOUT_S = 10.0
CONSOLE = Path(__file__).with_name("gds_console.py")
SOCKET_PATH_LIMIT = 100
"""The longest path that a Unix socket can have, with some room (sun_path has 108 bytes)."""

ANYTHING: Final = object()
"""For a channel whose value does not matter."""


class GdsFailure(RuntimeError):
    """The ground system did not start, ended early or refused a call; the message ends with its output."""


class GdsTimeout(TimeoutError):
    """What a test awaited did not come."""


@dataclass(frozen=True)
class Event:
    """An event as fprime-gds decoded it; `time` is base, context, seconds and microseconds."""

    name: str
    id: int
    severity: str
    args: tuple[Any, ...]
    text: str
    time: tuple[int, int, int, int]


@dataclass(frozen=True)
class ChannelUpdate:
    """One update of a channel as fprime-gds decoded it; `time` is base, context, seconds and microseconds."""

    name: str
    id: int
    value: Any
    text: str
    time: tuple[int, int, int, int]


class Gds:
    """A station and its console.

    `link` is named from the station's side: `tcp-server` listens on `port`, `tcp-client` connects to `port`, `udp`
    sends to `port` and hears on `receive_port`, `serial` opens `device`, and `ip` is fprime-gds's own default: a TCP
    server that also writes keep-alive bytes. `options` are more arguments for fprime-gds. `console` is another script
    that speaks as `gds_console.py` does.
    """

    def __init__(
        self,
        dictionary: Path,
        *,
        link: Link = "tcp-server",
        framing: Framing = "ccsds",
        port: int | None = None,
        device: str | None = None,
        options: Sequence[str] = (),
        console: Path = CONSOLE,
    ) -> None:
        if (link == "serial") != (device is not None):
            raise ValueError("a serial link needs a device, and no other link has one")
        if not dictionary.is_file():
            raise FileNotFoundError(f"no dictionary {dictionary}")
        self.dictionary = dictionary
        self.link = link
        self.framing = framing
        datagrams = link == "udp"
        self.port = port or free_port()
        self.receive_port = free_port() if datagrams else None
        self.device = device
        self.options = list(options)
        self.console = console
        self.folder = Path(tempfile.mkdtemp(prefix="kw-"))
        if len(str(self.folder)) > SOCKET_PATH_LIMIT - len("/out"):
            raise ValueError(f"{self.folder} is too long for a Unix socket: set TMPDIR to a shorter path")
        self._station: subprocess.Popen[bytes] | None = None
        self._console: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Gds:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- life ---

    def start(self) -> None:
        """Starts the station, and the console where none runs; returns once packets can go both ways between them."""
        deadline = time.monotonic() + START_TIMEOUT_S
        first = self._console is None
        if first:
            self._start_console()
        self._start_station()
        if first:
            self._answer(deadline - time.monotonic())
        self._await_running(deadline)
        if not self.call("await_station", timeout_s=max(0.1, deadline - time.monotonic())):
            raise GdsFailure(f"the console found no station\n{self.output()}")

    def stop(self) -> None:
        """Ends the station as Ctrl-C does; the console stays, for another `start`."""
        station, self._station = self._station, None
        if station is None:
            return
        if station.poll() is None:
            station.send_signal(signal.SIGINT)
            try:
                station.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                pass
        self._kill_group(station)

    def kill(self) -> None:
        """Kills the station and its children at once, as a power cut would; the console stays."""
        station, self._station = self._station, None
        if station is not None:
            self._kill_group(station)

    def close(self) -> None:
        """Ends everything, without ceremony, and removes the folder."""
        self.kill()
        console, self._console = self._console, None
        if console is not None:
            self._kill_group(console)
            if self._reader is not None:
                self._reader.join()
            for pipe in (console.stdin, console.stdout):
                if pipe is not None:
                    pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def output(self) -> str:
        """What station and console have printed and logged, the last lines of each."""
        parts = []
        for log in sorted(self.folder.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-15:]
            if lines:
                parts.append("\n".join([f"--- {log.relative_to(self.folder)}", *lines]))
        return "\n".join(parts)

    # --- commands, events, channels ---

    def send(self, command: str, *args: Any) -> None:
        """Sends a command by full name; arguments as the ground's user types them, or as values."""
        self.call("send_command", command, list(args))

    def send_and_complete(self, command: str, *args: Any, timeout_s: float = 30.0) -> list[Event]:
        """Sends, and awaits OpCodeDispatched and OpCodeCompleted. Raises `GdsFailure` if they do not come."""
        items = self.call("send_and_assert_command", command, list(args), timeout=timeout_s, wait_s=timeout_s)
        return [self._event(item) for item in items]

    def event_count(self) -> int:
        """How many events have come: the `since` for what comes next."""
        return int(self.call("event_count"))

    def channel_count(self) -> int:
        """How many channel updates have come: the `since` for what comes next."""
        return int(self.call("channel_count"))

    def events(self, since: int = 0) -> list[Event]:
        """The events from index `since` on, in the order in which they came."""
        return [self._event(item) for item in self.call("events", since)]

    def channels(self, since: int = 0) -> list[ChannelUpdate]:
        """The channel updates from index `since` on, in the order in which they came."""
        return [self._channel(item) for item in self.call("channels", since)]

    def await_event(
        self, name: str, args: Sequence[Any] | None = None, *, since: int = 0, timeout_s: float = 30.0
    ) -> Event:
        """The first event of that name (full, or its last part) and arguments. Raises `GdsTimeout`."""
        wanted = {} if args is None else {"args": list(args)}
        found = self.call("find_event", name, wanted, since, timeout_s, wait_s=timeout_s)
        if found is None:
            seen = "\n".join(event.text for event in self.events(since))
            raise GdsTimeout(f"no event {name} {wanted} within {timeout_s} s; there came:\n{seen}\n{self.output()}")
        return self._event(found)

    def await_channel(
        self, name: str, value: Any = ANYTHING, *, since: int = 0, timeout_s: float = 30.0
    ) -> ChannelUpdate:
        """The first update of the channel, with that value if one is given. Raises `GdsTimeout`."""
        wanted = {} if value is ANYTHING else {"value": value}
        found = self.call("find_channel", name, wanted, since, timeout_s, wait_s=timeout_s)
        if found is None:
            seen = "\n".join(f"{update.name} {update.text}" for update in self.channels(since)[-30:])
            raise GdsTimeout(f"no update of {name} {wanted} within {timeout_s} s; there came:\n{seen}\n{self.output()}")
        return self._channel(found)

    # --- files ---

    def uplink(self, source: Path, destination: str, *, timeout_s: float = 60.0) -> None:
        """Sends a file and awaits the event FileReceived. Raises `GdsTimeout`."""
        arguments = (str(source), destination)
        if not self.call("uplink_file_and_await_completion", *arguments, timeout=timeout_s, wait_s=timeout_s):
            raise GdsTimeout(f"{destination} was not received within {timeout_s} s\n{self.output()}")

    def downlink_count(self) -> int:
        """How many downlinks have begun: the `since` for what comes next."""
        return int(self.call("downlink_count"))

    def await_downlink(self, destination: str, *, since: int = 0, timeout_s: float = 60.0) -> Path:
        """The local copy of a file, once its downlink to `destination` has finished. Raises `GdsTimeout`."""
        stored = self.call("find_downlink", destination, since, timeout_s, wait_s=timeout_s)
        if stored is None:
            raise GdsTimeout(f"{destination} has not come down within {timeout_s} s\n{self.output()}")
        return Path(stored)

    def compile_sequence(self, source: Path, output: Path) -> Path:
        """Compiles with fprime-seqgen. Raises `GdsFailure` with what it said."""
        program = str(find_peer("fprime-seqgen"))
        self._run([program, "--dictionary", str(self.dictionary), str(source), str(output)], 60.0)
        return output

    # --- the raw ways in ---

    def call(self, name: str, *args: Any, wait_s: float = 0.0, **kwargs: Any) -> Any:
        """Calls the console or, for a name it does not have, fprime-gds's IntegrationTestAPI. Raises `GdsFailure`.

        `wait_s` is how long the call itself may wait for something.
        """
        if self._console is None or self._console.stdin is None:
            raise GdsFailure("the console does not run")
        request = json.dumps({"call": name, "args": args, "kwargs": kwargs})
        try:
            self._console.stdin.write(request + "\n")
            self._console.stdin.flush()
        except BrokenPipeError:
            raise GdsFailure(f"the console has ended\n{self.output()}") from None
        return self._answer(wait_s + START_TIMEOUT_S)

    def processes(self) -> list[int]:
        """The ids of the station's process and its children, and of the console."""
        found = [one.pid for one in (self._station, self._console) if one is not None]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += [int(child) for child in children.split()]
        return found

    def cli(self, command: str, *args: str, timeout_s: float = 60.0) -> str:
        """Runs a sub-command of fprime-cli against this station and returns what it printed. Raises `GdsFailure`."""
        program = str(find_peer("fprime-cli"))
        return self._run([program, command, *self._common("cli"), *args], timeout_s)

    # --- the inside ---

    def _common(self, user: str) -> list[str]:
        """The arguments that every program of fprime-gds takes; each user has its own logs and stored files."""
        ways = [f"ipc://{self.folder}/in", f"ipc://{self.folder}/out"]
        folders = ["--file-storage-directory", str(self.folder / user), "--logs", str(self.folder / f"{user}-logs")]
        return ["--dictionary", str(self.dictionary), "--zmq-transport", *ways, *folders]

    def _adapter(self) -> list[str]:
        port = str(self.port)
        match self.link:
            case "tcp-server" | "tcp-client":
                name = self.link.replace("tcp-", "tcp-fast-")
                options = ["--tcp-fast-address", "127.0.0.1", "--tcp-fast-port", port]
            case "udp":
                name = "udp-fast"
                options = ["--udp-fast-address", "127.0.0.1", "--udp-fast-send-port", port]
                options += ["--udp-fast-recv-port", str(self.receive_port)]
            case "serial":
                name = "uart"
                options = ["--uart-device", str(self.device), "--uart-baud", "115200", "--uart-skip-port-check"]
            case "ip":
                name = "ip"
                options = ["--ip-address", "127.0.0.1", "--ip-port", port]
        return ["--communication-selection", name, *options]

    def _start_station(self) -> None:
        program = str(find_peer("fprime-gds"))
        arguments = ["--no-app", "--gui", "none", "--disable-custom-data-handlers-app", "--log-directly"]
        framing = ["--framing-selection", FRAMING_PLUGINS[self.framing]]
        command = [program, *arguments, *self._common("station"), *self._adapter(), *framing, *self.options]
        for way in ("in", "out"):
            (self.folder / way).unlink(missing_ok=True)
        with (self.folder / "station.log").open("wb") as log:
            self._station = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _await_running(self, deadline: float) -> None:
        log = self.folder / "station.log"
        while b"F prime is now running" not in log.read_bytes():
            station = self._station
            if station is None or station.poll() is not None or time.monotonic() > deadline:
                raise GdsFailure(f"fprime-gds did not start\n{self.output()}")
            time.sleep(0.02)

    def _start_console(self) -> None:
        command = [str(find_peer("python")), str(self.console), *self._common("console")]
        with (self.folder / "console.log").open("wb") as log:
            self._console = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read_answers, args=(self._console,), daemon=True)
        self._reader.start()

    def _read_answers(self, console: subprocess.Popen[str]) -> None:
        if console.stdout is not None:
            for line in console.stdout:
                self._answers.put(line)
        self._answers.put(None)

    def _answer(self, timeout_s: float) -> Any:
        try:
            line = self._answers.get(timeout=max(0.1, timeout_s))
        except queue.Empty:
            raise GdsFailure(f"the console has not answered within {timeout_s:.0f} s\n{self.output()}") from None
        if line is None:
            raise GdsFailure(f"the console has ended\n{self.output()}")
        answer = json.loads(line)
        if "error" in answer:
            raise GdsFailure(f"{answer['kind']}: {answer['error']}")
        return answer["result"]

    def _run(self, command: list[str], timeout_s: float) -> str:
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            said = output + done.stderr.decode(errors="replace")
            raise GdsFailure(f"{Path(command[0]).name} ended with status {done.returncode}\n{said}")
        return output

    @staticmethod
    def _kill_group(process: subprocess.Popen[Any]) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    @staticmethod
    def _event(item: dict[str, Any]) -> Event:
        return Event(**{**item, "args": tuple(item["args"]), "time": tuple(item["time"])})

    @staticmethod
    def _channel(item: dict[str, Any]) -> ChannelUpdate:
        return ChannelUpdate(**{**item, "time": tuple(item["time"])})
