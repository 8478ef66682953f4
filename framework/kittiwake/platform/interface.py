"""What a deployment needs of the machine it runs on: a clock, random numbers, files, sockets, and other programs.

Everything that is not computed comes in through one `Platform`, so that a run under a simulated one repeats byte for
byte. `kittiwake.platform.system` is the machine itself; `kittiwake.platform.simulated` has virtual time and a disk
that can lose or tear what was not synced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Self

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Two times: `now_ns` counts since boot, suspend included, and never steps; wall time is a label that may."""

    @property
    def meter_source(self) -> str:
        """An expression over `clock` and its `meter_ns` that reads the meter, for code that is written out."""

    def now_ns(self) -> int:
        """Nanoseconds since boot (CLOCK_BOOTTIME)."""

    def meter_ns(self) -> int:
        """Nanoseconds of the cheapest clock that never steps, for durations only; it need not count suspend."""

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC, by the machine or as `set_wall_ns` says; it may step either way."""

    def set_wall_ns(self, wall_ns: int) -> None:
        """Gives this process a wall time of its own, which goes on from `wall_ns` with the clock since boot.

        The machine's clock stays as it is, and its steps move the wall time no more.
        """

    def follow_machine(self) -> None:
        """Takes `set_wall_ns` back: wall time is the machine's again."""


class Random(Protocol):
    """Random numbers: jitter and keys, drawn from the seed in a simulation."""

    def uniform(self, low: float, high: float) -> float:
        """A float from `low` to `high`."""

    def token_bytes(self, count: int) -> bytes:
        """`count` bytes fit for keys."""


class File(Protocol):
    """An open file; positions are explicit, nothing is buffered in the process. In a `with` it closes at the end."""

    def __enter__(self) -> Self:
        """The file itself."""

    def __exit__(self, *_: object) -> None:
        """Closes."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file."""

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes all of `data` at `offset`. Raises `OSError`; a part may then be written."""

    def size(self) -> int:
        """The size in bytes."""

    def truncate(self, size: int) -> None:
        """Cuts or extends the file to `size` bytes."""

    def sync(self) -> None:
        """Returns once the data and the size are on the medium (fdatasync)."""

    def close(self) -> None:
        """Closes; a second close does nothing."""


class Files(Protocol):
    """The file system, by absolute path. Every method raises `OSError` as the system does."""

    def open(self, path: str, mode: str) -> File:
        """Opens with mode `r` (read), `w` (read and write, made if absent, never truncated) or `x` (made anew)."""

    def read(self, path: str, limit: int) -> bytes:
        """The whole file. Raises `OSError` (EFBIG) if it is larger than `limit` bytes."""

    def rename(self, old: str, new: str) -> None:
        """Moves in one step, replacing what stands at `new`."""

    def remove(self, path: str) -> None:
        """Removes a file."""

    def make_folder(self, path: str) -> None:
        """Makes a folder; its parent must exist."""

    def make_folders(self, path: str) -> None:
        """Makes a folder and the parents that are missing; an existing folder is fine."""

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted."""

    def sync_folder(self, path: str) -> None:
        """Returns once renames and removals in the folder are on the medium."""

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""

    def size(self, path: str) -> int:
        """The size of a file in bytes."""

    def modified_ns(self, path: str) -> int:
        """The wall time at which a file was last written, in nanoseconds."""

    def real_path(self, path: str) -> str:
        """The path with every symbolic link followed, for checks that it stays inside a root."""

    def space(self, path: str) -> tuple[int, int]:
        """Free and total bytes of the file system that holds `path`."""


class Connection(Protocol):
    """A connection to a SQLite database. What is wrong with the medium is raised as `OSError`.

    Statements outside of `begin` and `commit` only read.
    """

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Carries out one statement and gives the rows it returns."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carries out one statement for each row of parameters."""

    def begin(self) -> None:
        """Begins a transaction that may write."""

    def commit(self) -> None:
        """Makes the transaction count; on return it is durable if the database was opened so."""

    def rollback(self) -> None:
        """Takes the transaction back; without one it does nothing."""

    def close(self) -> None:
        """Takes back what was not committed, and closes."""


class Databases(Protocol):
    """SQLite databases, by absolute path."""

    def open(self, path: str, *, durable: bool) -> Connection:
        """Opens or makes a database; `durable` has each commit wait for the medium.

        A database that is not durable is never torn, but its last transactions may be lost with the power. Raises
        `DatabaseFault`, an `OSError`.
        """


class Stream(Protocol):
    """A connection that carries bytes: TCP, serial, or a simulated wire. Never blocks."""

    def fileno(self) -> int:
        """The descriptor to wait on, -1 once closed; a simulated one means something to its own poller only."""

    def receive(self, limit: int) -> bytes | None:
        """What has come, at most `limit` bytes; `None` if nothing has, `b""` if the peer has closed.

        Raises `OSError` if the connection was refused or lost.
        """

    def send(self, data: bytes) -> int:
        """Takes as much as there is room for and says how many bytes that was. Raises `OSError` as `receive` does."""

    def overruns(self) -> int:
        """How much the system has lost since the opening because nobody received it in time.

        Datagrams for UDP, bytes for a serial port; 0 for TCP, which loses nothing, and where the system cannot tell.
        """

    def close(self) -> None:
        """Closes; a second close does nothing."""


class Listener(Protocol):
    """A socket that others connect to."""

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def address(self) -> tuple[str, int]:
        """The host and port that it listens on."""

    def accept(self) -> Stream | None:
        """The next connection, or `None` if none waits."""

    def close(self) -> None:
        """Stops listening."""


class Network(Protocol):
    """Sockets and serial ports."""

    def connect_tcp(self, host: str, port: int) -> Stream:
        """Starts to connect; the stream is writable once connected, and `receive` raises `OSError` if that failed."""

    def listen_tcp(self, host: str, port: int) -> Listener:
        """Listens; port 0 takes a free one."""

    def open_udp(self, host: str, port: int, peer: tuple[str, int]) -> Stream:
        """A datagram socket bound to host and port that sends to `peer`; one `receive` is one datagram."""

    def open_serial(self, device: str, baud: int) -> Stream:
        """A serial port, raw, eight data bits, no parity."""


class Finished(NamedTuple):
    """How a program ended: its exit status (-N: by signal N), and the beginnings of what it wrote."""

    status: int
    output: str = ""
    errors: str = ""


class Programs(Protocol):
    """Other programs of the machine, for what only they can do."""

    def run(self, command: Sequence[str], *, given: bytes = b"", time_limit_s: float, limit: int = 65536) -> Finished:
        """Runs a program to its end, and blocks meanwhile: for a thread of its own.

        `command` is the program (its path, or a name that is looked for on PATH) and its arguments, which no shell ever
        sees, but everybody on the machine: what is secret goes into `given`, its standard input. Of each of its outputs
        at most `limit` bytes are kept. Messages come in English.

        Raises `TimeoutError` after `time_limit_s`, when it was killed, and `OSError` if it cannot be started.
        """


class Child(Protocol):
    """A program that runs beside this one. Nothing of it blocks; a poller says when there is something to do.

    Its pipes are streams of one direction: nothing is received from `input` and nothing sent to the others. Closing
    `input` is the end of what the program reads.
    """

    @property
    def pid(self) -> int:
        """Its number among the processes of the machine."""

    @property
    def input(self) -> Stream:
        """Where it reads; sending raises `OSError` (EPIPE) once it has closed that."""

    @property
    def output(self) -> Stream:
        """What it writes; `b""` once it, and all that it has started, have closed that."""

    @property
    def errors(self) -> Stream:
        """What it writes about what goes wrong."""

    def end_fileno(self) -> int:
        """The descriptor that is readable once it has ended; -1 once closed."""

    def status(self) -> int | None:
        """How it ended (-N: by signal N), or `None` while it runs. What it had started ends with it, by KILL."""

    def terminate(self) -> None:
        """Asks it, and all that it has started, to end (TERM); one that has ended is left alone."""

    def kill(self) -> None:
        """Ends it, and all that it has started (KILL); one that has ended is left alone."""

    def close(self) -> None:
        """Gives all descriptors back; a program that still runs goes on. A second close does nothing."""


class Children(Protocol):
    """Programs that run for long beside this one, and are spoken to over pipes."""

    @property
    def interpreter(self) -> str:
        """The Python that runs this process, as a command's first word."""

    def spawn(self, command: Sequence[str]) -> Child:
        """Starts a program, in a session of its own and without a shell, so that no signal to this process is for it.

        `command` is as in `Programs.run`. It inherits the environment. If this process dies, the program lives on and
        finds its input at its end. Raises `OSError` if it cannot be started.
        """


class Poller(Protocol):
    """Waits for descriptors and for a time, and can be woken from another thread."""

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Watches a descriptor; a second `add` replaces the callbacks, and with both `None` it is no longer watched."""

    def remove(self, fileno: int) -> None:
        """Stops watching a descriptor; one that is not watched is ignored."""

    def wait(self, deadline_ns: int | None) -> Sequence[Callable[[], None]]:
        """The callbacks of what is ready; returns at `deadline_ns` (of `Clock.now_ns`) at the latest."""

    def wake(self) -> None:
        """Makes `wait` return at once; safe from any thread and from signal handlers."""

    def close(self) -> None:
        """Gives back the descriptors."""


class StallWatch(Protocol):
    """Ends the process when nobody has armed it again in time."""

    def arm(self, limit_s: float) -> None:
        """Starts the time anew; when it is over the stacks are written and the process ends, without any cleanup."""

    def close(self) -> None:
        """Ends the watch; a second close does nothing."""


class DispatchWatch(Protocol):
    """Is told of each call that the loops make: messages, timers, and what comes from outside."""

    def began(self, instance: str, call: str) -> None:
        """The call comes next. `instance` is whose it is, by name, or the loop's name where nobody's."""

    def ended(self) -> None:
        """The call has returned."""

    def arrived(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """A call for a loop has come from another thread; true if the watch gives it to the loop by its poller."""


class Thread(Protocol):
    """A thread beside the loops, that was started; the process ends without waiting for it."""

    @property
    def is_here(self) -> bool:
        """Whether it does anything: in a replay it does not, and what it is given is for nobody."""

    def is_alive(self) -> bool:
        """Whether it still works."""

    def join(self, limit_s: float | None = None) -> bool:
        """Waits for its end, at most so long; whether it has ended."""


class WatchdogTimer(Protocol):
    """A timer outside of the process that ends the process, or resets the machine, unless it is stroked in time."""

    timeout_s: float
    """How long it waits for a stroke."""

    def stroke(self) -> None:
        """Starts its time anew. Raises `OSError`."""

    def close(self, *, disarm: bool) -> None:
        """Gives it back; with `disarm` it stops, if it can, else it runs on and wants the next process to stroke it."""


class Platform(Protocol):
    """All that a deployment takes from outside."""

    @property
    def clock(self) -> Clock:
        """The clock."""

    @property
    def random(self) -> Random:
        """The random numbers."""

    @property
    def files(self) -> Files:
        """The file system."""

    @property
    def databases(self) -> Databases:
        """SQLite databases."""

    @property
    def network(self) -> Network:
        """Sockets and serial ports."""

    @property
    def programs(self) -> Programs:
        """Other programs of the machine."""

    @property
    def children(self) -> Children:
        """Programs that run beside this one."""

    @property
    def has_threads(self) -> bool:
        """Whether instances may have threads of their own; where time is simulated all run on one, in one order."""

    def poller(self) -> Poller:
        """A new poller, one for each loop."""

    def start_thread(self, name: str, work: Callable[[], object]) -> Thread:
        """Has `work` done in a thread; where there are none, at once. It must not raise.

        What a thread has for a loop it gives to `Loop.resume` or `Loop.post`.
        """

    def watch_stalls(self, path: str) -> StallWatch | None:
        """A watch that leaves the stacks of a stuck process in the file at `path`; `None` where time is simulated.

        A process has one watch: the last one counts. Raises `OSError` if the file cannot be opened.
        """

    @property
    def dispatch_watch(self) -> DispatchWatch | None:
        """Who is told of each dispatch of the deployments that are made from now on; `None`: nobody, at no cost."""

    @property
    def last_end(self) -> str:
        """How the process before this one ended, as whoever started this one saw it; empty if nobody did."""

    def open_watchdog(self, where: str, timeout_s: int) -> WatchdogTimer | None:
        """Opens, and so starts, a watchdog; `None` where nobody wants to be stroked.

        `where` is `notify` for the service manager, else the path of a device. Raises `OSError`.
        """
