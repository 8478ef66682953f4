"""Checks who waits for whom: cycles of sync calls, calls across threads, and queues that would wait for themselves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kittiwake.topology.calls import outputs_called

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from typing import TypeVar

    from kittiwake.topology.connections import Line
    from kittiwake.topology.source import Report

    N = TypeVar("N", bound=Hashable)

Handler = tuple[str, str]
"""An instance and one of its inputs."""


def check_calls(lines: list[Line], report: Report) -> None:
    """Reports connections under which an instance would wait for itself, or run on two threads at once."""
    _check_blocking(lines, report)
    direct = [line for line in lines if line.target.port.kind != "async"]
    _check_threads(direct, report)
    _check_foreign(direct, report)
    _check_locks(direct, report)
    _check_cycles(direct, report)


def _thread(name: str) -> str:
    return name or "main"


def _target(line: Line) -> Handler:
    return line.target.instance.name, line.target.port.name


def _shown(handler: Handler) -> str:
    return f"{handler[0]}.{handler[1]}"


def _check_blocking(lines: list[Line], report: Report) -> None:
    for line in lines:
        thread = line.target.instance.thread
        if (
            line.target.port.kind == "async"
            and line.target.port.full == "block"
            and line.source.instance.thread == thread
        ):
            message = (
                f"{_shown(_target(line))} blocks its callers while its queue is full, "
                f"and both ends run on the thread {_thread(thread)}: it would wait for itself"
            )
            report.add(
                line.draft.node, message, "give one of them a thread, or declare another behaviour", line.target.offset
            )


def _check_threads(direct: list[Line], report: Report) -> None:
    for line in direct:
        one, other = line.source.instance, line.target.instance
        if line.target.port.kind == "sync" and one.thread != other.thread:
            message = (
                f"a sync call cannot go from the thread {_thread(one.thread)} to {_shown(_target(line))} "
                f"on the thread {_thread(other.thread)}"
            )
            report.add(line.draft.node, message, "make the input async or guarded", line.target.offset)


def _follows(direct: Iterable[Line]) -> dict[Handler, list[Line]]:
    """Handler -> the connections that it certainly calls before it returns."""
    by_source: dict[str, list[Line]] = {}
    for line in direct:
        by_source.setdefault(line.source.instance.name, []).append(line)
    found: dict[Handler, list[Line]] = {}
    for line in direct:
        handler = _target(line)
        onward = by_source.get(handler[0])
        if onward and handler not in found:
            called = outputs_called(line.target.instance.component, handler[1])
            found[handler] = [onward_line for onward_line in onward if onward_line.source.port.name in called]
    return found


def _check_foreign(direct: list[Line], report: Report) -> None:
    """A guarded input that is called from another thread must not go on to sync inputs of its own thread."""
    crossing = [line for line in direct if _is_guarded_crossing(line)]
    follows = _follows(direct) if crossing else {}
    reported: set[int] = set()
    for first in crossing:
        for line in _reached(first, follows):
            home = line.source.instance.thread == line.target.instance.thread
            if line.target.port.kind == "sync" and home and id(line) not in reported:
                reported.add(id(line))
                message = (
                    f"{_shown(_target(line))} is sync, and {_shown(_target(first))} calls it "
                    f"on the thread {_thread(first.source.instance.thread)} of {first.source.instance.name}"
                )
                report.add(line.draft.node, message, "make it guarded or async", line.target.offset)


def _reached(first: Line, follows: Mapping[Handler, list[Line]]) -> list[Line]:
    """The connections that are called before a call of the first one returns, other instances' only."""
    found: list[Line] = []
    seen = {_target(first)}
    waiting = deque(seen)
    while waiting:
        for line in follows.get(waiting.popleft(), []):
            if _target(line) not in seen:
                seen.add(_target(line))
                waiting.append(_target(line))
                if line.target.instance is not first.target.instance:
                    found.append(line)
    return found


def _check_locks(direct: list[Line], report: Report) -> None:
    """Guarded calls across threads that form a circle: each holds its lock and waits for the next."""
    edges: dict[str, dict[str, Line]] = {}
    for line in direct:
        one, other = line.source.instance.name, line.target.instance.name
        if one != other:
            known = edges.setdefault(one, {})
            if other not in known or _is_guarded_crossing(line):
                known[other] = line
    for cycle in _cycles({one: list(others) for one, others in edges.items()}):
        steps = [edges[one][other] for one, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
        crossing = next((line for line in steps if _is_guarded_crossing(line)), None)
        if crossing is not None:
            path = " -> ".join([*cycle, cycle[0]])
            message = f"guarded calls across threads form a circle, which can lock for good: {path}"
            report.add(crossing.draft.node, message, "make one of the inputs async")


def _is_guarded_crossing(line: Line) -> bool:
    crosses = line.source.instance.thread != line.target.instance.thread
    return bool(crosses and line.target.port.kind == "guarded")


def _check_cycles(direct: list[Line], report: Report) -> None:
    """Calls that come back to the handler that began them. The source is read only where the wiring has a circle."""
    wiring: dict[str, list[str]] = {}
    for line in direct:
        wiring.setdefault(line.source.instance.name, []).append(line.target.instance.name)
    suspects = {name for group in _components(wiring) for name in group}
    inside = [
        line for line in direct if {line.source.instance.name, line.target.instance.name} <= suspects
    ]  # fmt: skip
    follows = _follows(inside)
    graph = {handler: [_target(line) for line in lines] for handler, lines in follows.items()}
    for cycle in _cycles(graph):
        path = " -> ".join(_shown(handler) for handler in [*cycle, cycle[0]])
        closing = next(line for line in follows[cycle[-1]] if _target(line) == cycle[0])
        report.add(closing.draft.node, f"sync calls form a circle: {path}", "make one of the inputs async")


def _cycles(graph: Mapping[N, list[N]]) -> list[list[N]]:
    """The shortest cycle through the first node of each strongly connected part of a graph."""
    groups = _components(graph)
    return [_shortest(graph, next(node for node in graph if node in group), group) for group in groups]


def _shortest(graph: Mapping[N, list[N]], start: N, group: set[N]) -> list[N]:
    before: dict[N, N] = {}
    waiting = deque([start])
    while start not in before:
        node = waiting.popleft()
        for following in graph[node]:
            if following in group and following not in before:
                before[following] = node
                waiting.append(following)
    path = [before[start]]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


def _components(graph: Mapping[N, list[N]]) -> list[set[N]]:
    """The strongly connected parts that hold a cycle (Tarjan's algorithm, without recursion)."""
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    found: list[set[N]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph.get(root, [])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, children = work[-1]
            for child in children:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(graph.get(child, []))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = _popped(stack, on_stack, node)
                    if len(group) > 1 or node in graph.get(node, []):
                        found.append(group)
    return found


def _popped(stack: list[N], on_stack: set[N], last: N) -> set[N]:
    group: set[N] = set()
    while last not in group:
        node = stack.pop()
        on_stack.discard(node)
        group.add(node)
    return group
