"""The downlinks of a deployment, and how often its telemetry goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kittiwake.topology.model import Connection, Instance, Topology

DEFAULT_CYCLE_S = 1.0
"""The cycle of a telemetry store that no rate group drives, and of a deployment known by its dictionary only."""

_US_PER_S = 1_000_000


class Link(NamedTuple):
    """One downlink: the instance that frames for it, its framing, and what of the deployment reaches it."""

    name: str
    framing: str
    parameters: FramingParameters
    has_telemetry: bool = True
    has_events: bool = True

    def together(self, sizes: Sequence[int]) -> int:
        """The bytes on the link of packets of these sizes that are sent in one go, in the order given.

        The deployment's own framer counts: headers, checks and what fills the last frame are in it.
        Raises `PacketSizeError` for a packet that the framing cannot carry.
        """
        return next(self.in_turn([sizes]))

    def in_turn(self, cycles: Iterable[Sequence[int]]) -> Iterator[int]:
        """The bytes on the link of each cycle's packets, one cycle after the other.

        A frame in which fewer bytes are left than an idle packet has reaches into the first of the next cycle.
        """
        framer = FRAMINGS[self.framing].downlink_framer(self.parameters)
        for sizes in cycles:
            yield sum([len(framer.frame(bytes(size), 0)) for size in sizes]) + len(framer.flush())

    def alone(self, size: int) -> int:
        """The bytes on the link of one packet that is sent by itself."""
        return self.together([size])


class Schedule(NamedTuple):
    """How often the telemetry store looks, its packets' own rates in cycles, and its send level after boot."""

    cycle_s: float = DEFAULT_CYCLE_S
    rates: dict[str, int] = {}  # noqa: RUF012 - a default of a named tuple is never changed
    level: int | None = None
    packet_bytes: int = 900


def links_of(topology: Topology, framing: str = "", frame_size: int = 0) -> list[Link]:
    """The downlinks of a topology: one for each instance that frames a downlink.

    `framing` and `frame_size` stand in for the topology's, as `kittiwake run --framing` does.
    """
    onward = _onward(topology)
    telemetry = _reached(topology.services.get("telemetry", ""), onward)
    events = _reached(topology.services.get("event", ""), onward)
    found = []
    for instance in topology.instances:
        settings = _settings(instance)
        if not {"framing", "frame_size", "vcid"} <= settings.keys() or "packet_in" not in instance.declarations.inputs:
            continue
        parameters = FramingParameters(
            settings["spacecraft_id"], settings["vcid"], frame_size or settings["frame_size"]
        )
        found.append(
            Link(
                instance.name, framing or settings["framing"], parameters, instance.name in telemetry,
                instance.name in events,
            )
        )  # fmt: skip
    return found


def _onward(topology: Topology) -> dict[str, list[str]]:
    onward: dict[str, list[str]] = {}
    for connection in topology.connections:
        onward.setdefault(connection.source, []).append(connection.target)
    return onward


def _reached(start: str, onward: dict[str, list[str]]) -> set[str]:
    """The instances to which calls of an instance may lead."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in onward.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def schedule_of(topology: Topology) -> Schedule:
    """When the telemetry of a topology goes out."""
    name = topology.services.get("telemetry")
    if name is None:
        return Schedule()
    store = topology.instance(name)
    settings = _settings(store)
    declared = store.declarations.parameters.get("level")
    level = store.parameters.get("level", declared.default if declared is not None else None)
    return Schedule(
        _cycle_s(topology, name) or DEFAULT_CYCLE_S,
        dict(settings.get("rates") or {}),
        level,
        settings.get("packet_bytes", Schedule().packet_bytes),
    )


def _cycle_s(topology: Topology, member: str) -> float | None:
    """The period of the rate group that calls an instance's `run`."""
    for call in _into(topology, member, "run"):
        for cycle in _into(topology, call.source, "cycle_in"):
            settings = _settings(topology.instance(cycle.source))
            dividers = settings.get("dividers", ())
            if cycle.output_index < len(dividers):
                return float(settings["tick_us"] * dividers[cycle.output_index]) / _US_PER_S
    return None


def _into(topology: Topology, target: str, port: str) -> list[Connection]:
    return [one for one in topology.connections if one.target == target and one.input == port]


def _settings(instance: Instance) -> dict[str, Any]:
    """The settings of an instance: the topology's values over the declared ones."""
    return {name: setting.default for name, setting in instance.declarations.settings.items()} | instance.settings
