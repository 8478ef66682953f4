"""What a running deployment tells of itself when it is asked: a snapshot of plain values."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from kittiwake.model.component import Component
    from kittiwake.runtime.context import Context
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.metering import DispatchMeter
    from kittiwake.runtime.queue import MessageQueue

FORM = 1
"""The version of the snapshot's form."""

MAX_TEXT = 400
"""The most characters of one text in a snapshot."""
MAX_ITEMS = 256
"""The most items of one list or table within `evidence` and channels."""


def snapshot(deployment: Deployment, meter: DispatchMeter | None) -> dict[str, Any]:
    """All of it, as dictionaries, lists, texts, numbers and booleans. `meter` is who counts the dispatches, if any.

    It is taken on the main loop; what instances of other threads say may be a message old.
    """
    clock = deployment.platform.clock
    return {
        "form": FORM,
        "deployment": deployment.name,
        "now_ns": clock.now_ns(),
        "wall_ns": clock.wall_ns(),
        "tag": deployment.tags.now(),
        "services": {name: list(deployment.instances)[index] for name, index in deployment.image["services"].items()},
        "loops": [{"name": loop.name, "turns": loop.turns} for loop in deployment.loops.values()],
        "instances": [_instance(component, meter) for component in deployment.instances.values()],
        "usage": {} if meter is None else {
            name: {"dispatches": one.dispatches, "wakes": one.wakes, "cpu_us": one.cpu_ns // 1000}
            for name, one in list(meter.usages.items())
        },
    }  # fmt: skip


def _instance(component: Component, meter: DispatchMeter | None) -> dict[str, Any]:
    context = component._context
    declared = type(component).__declarations__
    return {
        "name": component.name,
        "component": type(component).__name__,
        "kind": component.KIND,
        "loop": context.loop.name,
        "id": context.base_id,
        "is_stopped": context.is_stopped,
        "restarts": context.restarts,
        "tasks": len(context.tasks),
        "queue": None if context.queue is None else _queue(context.queue),
        "events": {
            event.label: {"id": context.base_id + (event.number or 0), "severity": event.severity.name}
            for event in declared.events.values()
        },
        "throttles": _throttles(component, context),
        "channels": {
            cell.channel.label: {
                "id": cell.id, "value": plain(cell.value), "tag": cell.tag, "on_change": cell.channel.on_change,
            }
            for cell in component._cells
        },
        "evidence": _evidence(component),
    }  # fmt: skip


def _queue(queue: MessageQueue) -> dict[str, Any]:
    queue.note_high()
    return {
        "depth": queue.depth, "waiting": queue.count, "high": queue.high, "served": queue.served,
        "dropped": dict(queue.dropped), "busy_us": queue.busy_ns // 1000, "slowest_us": queue.slowest_ns // 1000,
        "refusal": queue.refusal,
    }  # fmt: skip


def _throttles(component: Component, context: Context) -> dict[str, dict[str, Any]]:
    events = type(component).__declarations__.events
    return {
        events[name].label: {
            "count": state.count, "suppressed": state.suppressed, "limit": events[name].throttle,
            "every_s": events[name].every_s,
        }
        for name, state in list(context.throttles.items())
    }  # fmt: skip


def _evidence(component: Component) -> Any:
    """What the component says; that it cannot is evidence, too."""
    try:
        return plain(component.evidence())
    except Exception as fault:
        return {"fault": fault_reason(fault)}


def plain(value: Any) -> Any:
    """A value as JSON has it: members by name, bytes in hexadecimal, structs as tables; long ones are cut."""
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()[:MAX_TEXT]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in list(value.items())[:MAX_ITEMS]}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in list(value)[:MAX_ITEMS]]
    return str(value)[:MAX_TEXT]
