"""A component that uses every part of its platform, and flights of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kittiwake.model.component import ActiveComponent
from kittiwake.model.fw import Sched
from kittiwake.model.ports import async_port
from kittiwake.platform.interface import Finished
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay.flight import RecordedFlight, Replay
from kittiwake.replay.recording import Recording

if TYPE_CHECKING:
    from kittiwake.platform.interface import Stream
    from kittiwake.platform.simulated_children import Life, SimulatedProcess
    from kittiwake.replay.flight import Outcome

FAR = ("ground", 50_000)
PERIOD_S = 0.5


class Probe(ActiveComponent):
    """Does a little of everything, twice a second. A test changes what it does between flight and replay."""

    text = b"telemetry"
    statement = "INSERT INTO note VALUES (?)"
    period_s = PERIOD_S
    is_curious = False
    draws = 8

    def initialize(self) -> None:
        self.turns = 0
        self.heard: list[Any] = []
        self.stream: Stream | None = None

    def start(self) -> None:
        """Opens what it has."""
        files = self.platform.files
        files.make_folders("/kept/deep")
        self.database = self.platform.databases.open("/kept/notes.db", durable=True)
        self.database.begin()
        self.database.execute("CREATE TABLE IF NOT EXISTS note (number REAL)")
        self.database.commit()
        self.stream = self.platform.network.connect_tcp(*FAR)
        self._context.loop.poller.add(self.stream.fileno(), self.received, None)
        self.watchdog = self.platform.open_watchdog("notify", 7)
        self.child = self.platform.children.spawn(["echo"])
        self._context.loop.poller.add(self.child.output.fileno(), self.answered, None)
        self.clock.call_after(self.period_s, self.turn)

    def stop(self) -> None:
        """Closes it."""
        if self.stream is not None:
            self.stream.close()
        self.database.close()

    def received(self) -> None:
        """Keeps what the ground says."""
        assert self.stream is not None
        try:
            data = self.stream.receive(100)
        except ConnectionRefusedError:
            data = b""
        if not data:
            self._context.loop.poller.remove(self.stream.fileno())
        self.heard.append(data)

    def answered(self) -> None:
        """Keeps what the child says."""
        data = self.child.output.receive(100)
        if not data:
            self._context.loop.poller.remove(self.child.output.fileno())
        self.heard.append((self.child.pid, data, self.child.status()))

    def turn(self) -> None:
        """One turn."""
        if self.turns == 1:
            self.child.input.send(b"a line\n")
            self.child.input.close()
        self.turns += 1
        self.clock.call_after(self.period_s, self.turn)
        assert self.stream is not None
        platform = self.platform
        number = platform.random.uniform(0.0, 1.0)
        with platform.files.open("/kept/deep/log", "w") as file:
            file.write_at(file.size(), platform.random.token_bytes(self.draws))
            file.sync()
        self.database.begin()
        self.database.execute_many(self.statement, iter([[number], (number + 1,)]))
        self.database.commit()
        rows = self.database.execute("SELECT count(*) FROM note")
        self.stream.send(self.text + b"%d %d" % (rows[0][0], platform.clock.wall_ns()))
        self.heard.append(platform.programs.run(["uname"], time_limit_s=1.0))
        if self.is_curious:
            self.heard.append(platform.files.exists("/kept"))
        try:
            platform.files.read("/nowhere", 10)
        except FileNotFoundError as fault:
            self.heard.append(fault.filename)
        if self.watchdog is not None:
            self.watchdog.stroke()

    def listen(self) -> None:
        """Has another thread say something."""
        thread = threading.Thread(target=lambda: self._context.loop.post(self.told, "from a thread", 7))
        thread.start()
        thread.join()

    def told(self, what: str, number: int) -> None:
        """Writes down what the thread said."""
        with self.platform.files.open("/kept/told", "w") as file:
            file.write_at(0, f"{what} {number}".encode())

    def failed(self, fault: Exception) -> None:
        """Keeps what went wrong in a thread."""
        self.heard.append(fault)

    @async_port(Sched)
    def run(self, context: int) -> None:
        """So that it has a queue."""


def image_of(cls: type[Probe] = Probe) -> dict[str, Any]:
    return {
        "name": "Probed", "version": "1", "dictionary_hash": "", "services": {}, "packets": [], "parameters": [],
        "instances": [("probe", f"{cls.__module__}:{cls.__qualname__}", 0x1000, 5, 0, "", {})], "connections": [],
    }  # fmt: skip


def echo(process: SimulatedProcess) -> Life:
    """A program that says each line again."""
    while line := (yield None):
        process.write(line)
    return 3


def machine() -> SimulatedPlatform:
    platform = SimulatedPlatform(11)
    platform.children.install("echo", echo)
    platform.programs.install("uname", lambda command, given: Finished(0, "Linux"))
    return platform


def flown(path: str, files: Any, turns: int = 3) -> Probe:
    """A recorded flight with a ground that says something; gives the component at its end."""
    platform = machine()
    listener = platform.network.listen_tcp(*FAR)
    flight = RecordedFlight(image_of(), platform, "/kept", files, path)
    flight.start()
    far = listener.accept()
    assert far is not None
    for turn in range(turns):
        flight.run_for(PERIOD_S)
        far.send(b"command %d" % turn)
    flight.run_for(0.1)
    far.close()
    flight.run_for(0.1)
    flight.stop()
    flight.close()
    assert flight.deployment.monitor.early.found == []  # type: ignore[attr-defined]
    probe = flight.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    return probe


def replayed(path: str, files: Any) -> tuple[Outcome, Probe]:
    recording = Recording(files, path)
    replay = Replay(recording)
    outcome = replay.run()
    recording.close()
    assert replay.deployment is not None
    probe = replay.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    return outcome, probe
