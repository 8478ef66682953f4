r"""Programs that run beside a simulated deployment: generators that a test writes, in virtual time.

    def echo(process):
        process.write(b"ready\n")
        while line := (yield None):   # waits for the next line of its input; b"" is the end of it
            process.write(line + b"\n")
        return 3                      # its exit status

    platform.children.install("echo", echo)

`yield None` waits for a line, `yield seconds` at most so long: it gives `None` when the time is over. The end of the
input is told to each of the first, and to one of the second. A program acts in no time between two waits. The processes
go on when the deployment's alone is killed, and are gone with the power.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated_network import SimulatedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import TypeAlias

    from kittiwake.platform.simulated_clock import SimulatedClock
    from kittiwake.platform.simulated_files import SimulatedFiles
    from kittiwake.platform.simulated_network import SimulatedNetwork

    Life: TypeAlias = Generator[float | None, bytes | None, int | None]
    Program: TypeAlias = "Callable[[SimulatedProcess], Life]"

_FIRST_PID = 1000
_TERM, _KILL = 15, 9
_READ_BYTES = 65536
_TURNS_MAX = 10_000


class SimulatedProcess:
    """One run of a program, as the program itself and the test see it."""

    def __init__(self, children: SimulatedChildren, pid: int, command: list[str], program: Program) -> None:
        self.pid = pid
        self.command = command
        self.ignores_term = False
        self.is_stuck = False
        """Whether it waits for a device for ever: it does nothing more, and not even KILL ends it."""
        self.status: int | None = None
        self.ended_ns: int | None = None
        self._children = children
        self._pipes = [_pipe(children.network) for _ in range(3)]
        self._pending = b""
        self._is_at_end = self._knows_end = False
        self._deadline_ns: int | None = children.clock.now_ns()
        self._wants_line = False
        self._life = program(self)

    def ends(self) -> tuple[SimulatedStream, SimulatedStream, SimulatedStream]:
        """The deployment's ends of its pipes: input, output, errors."""
        (given, _), (output, _), (errors, _) = self._pipes
        return given, output, errors

    def adopt(self, children: SimulatedChildren) -> None:
        """Goes on after its deployment was killed: its input is at its end, and nobody reads what it writes."""
        self._children = children
        for near, far in self._pipes:
            near.close()
            far.move_to(children.network)

    @property
    def clock(self) -> SimulatedClock:
        """The machine's clock."""
        return self._children.clock

    @property
    def files(self) -> SimulatedFiles:
        """The machine's disk."""
        return self._children.files

    def write(self, data: bytes) -> int:
        """Writes what there is room for to its output, and says how much that was. Raises `OSError` (EPIPE)."""
        return self._pipes[1][1].send(data)

    def write_errors(self, data: bytes) -> int:
        """The same to its errors."""
        return self._pipes[2][1].send(data)

    def signal(self, number: int) -> None:
        """Has a signal end it, unless it ignores TERM or is stuck."""
        if not self.is_stuck and not (number == _TERM and self.ignores_term):
            self._end(-number)

    def due_ns(self) -> int | None:
        """When it has something to do, perhaps in the past; `None` while it waits for input."""
        if self.is_stuck or self.status is not None:
            return None
        if not self._wants_line:
            return self._deadline_ns
        if b"\n" in self._pending or (self._is_at_end and not self._waits_on()):
            return self.clock.now_ns()
        arrival_ns = None if self._is_at_end else self._pipes[0][1].readable_ns()
        times_ns = [time_ns for time_ns in (arrival_ns, self._deadline_ns) if time_ns is not None]
        return min(times_ns, default=None)

    def turn(self) -> None:
        """Does what is due."""
        line = None
        if self._wants_line:
            self._read()
            line = self._next_line()
            if line is None and (self._deadline_ns is None or self._deadline_ns > self.clock.now_ns()):
                return
        self._wants_line = True
        try:
            limit_s = self._life.send(line)
        except StopIteration as end:
            self._end(end.value or 0)
        except BrokenPipeError:
            self._end(1)
        else:
            self._deadline_ns = None if limit_s is None else self.clock.now_ns() + round(limit_s * NS_PER_S)

    def _read(self) -> None:
        while data := self._pipes[0][1].receive(_READ_BYTES):
            self._pending += data
        self._is_at_end = self._is_at_end or data == b""

    def _next_line(self) -> bytes | None:
        line, newline, rest = self._pending.partition(b"\n")
        if newline:
            self._pending = rest
            return line
        if not self._is_at_end or self._waits_on():
            return None
        self._knows_end = True
        return b""

    def _waits_on(self) -> bool:
        """Whether it knows that its input is at its end, and waits for a time all the same."""
        return self._knows_end and self._deadline_ns is not None

    def _end(self, status: int) -> None:
        if self.status is None:
            self.status = status
            self.ended_ns = self.clock.now_ns()
            self._children.processes.remove(self)
            for _, far in self._pipes:
                far.close()


class SimulatedChild:
    """A process as the deployment that has started it sees it."""

    def __init__(self, network: SimulatedNetwork, process: SimulatedProcess) -> None:
        self._network = network
        self._process = process
        self.pid = process.pid
        self.input, self.output, self.errors = process.ends()
        self._end_fileno = network.register(self)

    def readable_ns(self) -> int | None:
        """When it ended."""
        return self._process.ended_ns

    def is_writable(self) -> bool:
        """Never."""
        return False

    def end_fileno(self) -> int:
        """The number by which the simulated poller knows its end; -1 once closed."""
        return self._end_fileno

    def status(self) -> int | None:
        """How it ended, or `None` while it runs."""
        return self._process.status

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.signal(_TERM)

    def kill(self) -> None:
        """Ends it."""
        self._process.signal(_KILL)

    def close(self) -> None:
        """Gives all numbers back; a process that still runs goes on. A second close does nothing."""
        for pipe in (self.input, self.output, self.errors):
            pipe.close()
        self._network.forget(self._end_fileno)
        self._end_fileno = -1


class SimulatedChildren:
    """`install` puts a program there, under the first word of the commands that start it.

    `processes` are those that run now, `started` all that were started, in their order.
    """

    interpreter = "python"

    def __init__(self, clock: SimulatedClock, network: SimulatedNetwork, files: SimulatedFiles) -> None:
        self.clock = clock
        self.network = network
        self.files = files
        self.processes: list[SimulatedProcess] = []
        self.started: list[SimulatedProcess] = []
        self.programs: dict[str, Program] = {}

    def install(self, name: str, program: Program) -> None:
        """Installs a program."""
        self.programs[name] = program

    def remove(self, name: str) -> None:
        """Removes it; one that is not there is ignored, and processes of it go on."""
        self.programs.pop(name, None)

    def take_over(self, others: SimulatedChildren, *, running: bool) -> None:
        """Takes the programs, and with `running` the processes, of the machine before its deployment was killed."""
        self.programs = others.programs
        if running:
            self.processes = others.processes
            self.started = others.started
            for process in self.processes:
                process.adopt(self)

    def spawn(self, command: Sequence[str]) -> SimulatedChild:
        """Starts a program. Raises `FileNotFoundError` where there is none."""
        program = self.programs.get(command[0])
        if program is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", command[0])
        process = SimulatedProcess(self, _FIRST_PID + len(self.started), list(command), program)
        self.processes.append(process)
        self.started.append(process)
        return SimulatedChild(self.network, process)

    def run_due(self) -> int | None:
        """Has all processes do what is due, and says when the next has something to do.

        Raises `RuntimeError` for a program that is busy without any end.
        """
        for _ in range(_TURNS_MAX):
            now_ns = self.clock.now_ns()
            times_ns = [(time_ns, process) for process in self.processes if (time_ns := process.due_ns()) is not None]
            due = [process for time_ns, process in times_ns if time_ns <= now_ns]
            if not due:
                return min([time_ns for time_ns, _ in times_ns], default=None)
            for process in due:
                if process.status is None:
                    process.turn()
        raise RuntimeError(f"{due[0].command} goes on for ever without letting time pass")


def _pipe(network: SimulatedNetwork) -> tuple[SimulatedStream, SimulatedStream]:
    near, far = SimulatedStream(network), SimulatedStream(network)
    near.join(far)
    return near, far
