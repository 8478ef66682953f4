"""Metered wiring: what goes over each connection, how often, and what its calls cost; and what each instance costs.

Times and dispatches are chosen when a deployment is made, because a plain connection has no wrapper that could count,
and a plain loop tells nobody of its dispatches. Calls alone can be counted for a while in a deployment that runs:
`kittiwake.runtime.counted_wiring`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.runtime.loop import Loop

EVERYTHING = "*"


class Edge:
    """One metered connection: `calls`, their `total_ns` and `longest_ns`.

    The time is the caller's: that of the whole handler for a sync or guarded input, that of queueing for an async one.
    """

    __slots__ = ("calls", "input", "longest_ns", "output", "source", "target", "total_ns")

    def __init__(self, source: str, output: str, target: str, entry: str) -> None:
        self.source = source
        self.output = output
        self.target = target
        self.input = entry
        self.calls = 0
        self.total_ns = 0
        self.longest_ns = 0

    def __str__(self) -> str:
        return f"{self.source}.{self.output} -> {self.target}.{self.input}"


class Wiretap(Protocol):
    """Wraps the calls of connections when they are made; with `wraps_services` those of the event service as well."""

    wraps_services: bool

    def heeds(self, output: str, entry: str) -> bool:
        """Whether connections between ports of these names are to be given to `wrap`."""

    def wrap(self, edge: Edge, call: Callable[..., Any], meter_ns: Callable[[], int]) -> Callable[..., Any]:
        """The call itself, or one in its place."""


class Meters:
    """The metered connections of a deployment: all of them, or those of the `instances` named."""

    wraps_services = False

    def __init__(self, instances: Iterable[str] = ()) -> None:
        self._instances = frozenset(instances)
        self.edges: list[Edge] = []

    def heeds(self, output: str, entry: str) -> bool:
        """All of them: it goes by the instances."""
        return True

    def wrap(self, edge: Edge, call: Callable[..., Any], meter_ns: Callable[[], int]) -> Callable[..., Any]:
        """The call itself, or where one of its ends is metered, the call that counts."""
        if not self._instances & {EVERYTHING, edge.source, edge.target}:
            return call
        self.edges.append(edge)

        def metered(*arguments: Any) -> Any:
            began = meter_ns()
            try:
                return call(*arguments)
            finally:
                took = meter_ns() - began
                edge.calls += 1
                edge.total_ns += took
                if took > edge.longest_ns:
                    edge.longest_ns = took

        metered.__name__ = getattr(call, "__name__", "call")
        return metered

    def table(self) -> str:
        """The connections that were used, those that took longest first."""
        used = sorted([edge for edge in self.edges if edge.calls], key=lambda edge: -edge.total_ns)
        rows = [f"{'calls':>10} {'total ms':>10} {'mean us':>9} {'longest us':>11}  connection"]
        for edge in used:
            mean = edge.total_ns / edge.calls / 1e3
            rows.append(
                f"{edge.calls:>10} {edge.total_ns / 1e6:>10.2f} {mean:>9.2f} {edge.longest_ns / 1e3:>11.1f}  {edge}"
            )
        return "\n".join(rows)


_PLAIN = "__kittiwake_plain__"


def counted(call: Callable[..., Any], counts: list[int], at: int) -> Callable[..., Any]:
    """The same call, which adds one to `counts[at]` each time."""

    def count(*arguments: Any) -> Any:
        counts[at] += 1
        return call(*arguments)

    count.__name__ = getattr(call, "__name__", "call")
    setattr(count, _PLAIN, call)
    return count


def uncounted(call: Callable[..., Any]) -> Callable[..., Any]:
    """What `counted` was given, or the call itself."""
    plain: Callable[..., Any] = getattr(call, _PLAIN, call)
    return plain


class Usage:
    """What an instance took: `dispatches`, `cpu_ns` in them, and `wakes`, turns of its loop that began with it."""

    __slots__ = ("cpu_ns", "dispatches", "wakes")

    def __init__(self) -> None:
        self.dispatches = 0
        self.cpu_ns = 0
        self.wakes = 0


class DispatchMeter:
    """A `DispatchWatch` that sums up by instance what its dispatches take of the processor.

    `cpu_ns` reads the present thread's time on the processor. What a dispatch makes passive instances do is its own;
    what it serves of another queue meanwhile is that one's.
    """

    def __init__(self, cpu_ns: Callable[[], int], thread: Callable[[], int]) -> None:
        self.usages: dict[str, Usage] = {}
        self._cpu_ns = cpu_ns
        self._thread = thread
        self._stacks: dict[int, list[Usage]] = {}
        self._since_ns: dict[int, int] = {}
        self._turns: dict[int, int] = {}
        self._loops: dict[int, Loop] = {}

    def run_on(self, loop: Loop) -> None:
        """The present thread runs this loop: its turns say when it was woken."""
        self._loops[self._thread()] = loop

    def began(self, instance: str, call: str) -> None:
        """The dispatch comes next."""
        thread, now_ns = self._thread(), self._cpu_ns()
        usage = self.usages.get(instance)
        if usage is None:
            usage = self.usages[instance] = Usage()
        usage.dispatches += 1
        stack = self._stacks.setdefault(thread, [])
        if stack:
            stack[-1].cpu_ns += now_ns - self._since_ns[thread]
        else:
            loop = self._loops.get(thread)
            if loop is not None and loop.turns != self._turns.get(thread):
                self._turns[thread] = loop.turns
                usage.wakes += 1
        stack.append(usage)
        self._since_ns[thread] = now_ns

    def ended(self) -> None:
        """The dispatch has returned."""
        thread, now_ns = self._thread(), self._cpu_ns()
        self._stacks[thread].pop().cpu_ns += now_ns - self._since_ns[thread]
        self._since_ns[thread] = now_ns

    def arrived(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """Leaves it to the loop."""
        return False
