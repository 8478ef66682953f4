"""Reading of requests for a schedule, in the order of checks that the original has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.actuator.schedule_book import MAX_SLOTS_A_TASK, Failure
from kittiwake_components.actuator.tasks import Slot
from kittiwake_components.actuator.wire_types import OnRelease, Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.times import TimeReader

DEVICE_SIZE = 255
TASK_SIZE = 200

MISSING_TASK_ID = "MISSING_TASK_ID"
MISSING_PRIORITY = "MISSING_PRIORITY"
MISSING_AGENT_ID = "MISSING_AGENT_ID"
INVALID_PRIORITY = "INVALID_PRIORITY"
INVALID_REQUEST_TYPE = "INVALID_REQUEST_TYPE"
MALFORMED = "MALFORMED_REQUEST"


class RequestRefused(ValueError):
    """A request that was refused; `info` is the original's text."""

    def __init__(self, info: str) -> None:
        super().__init__(info)
        self.info = info


class Request(NamedTuple):
    """A request for a schedule as it came; all but `requester` is from outside, and may be anything."""

    requester: Any
    task: Any
    priority: Any
    slots: Any
    on_release: Any = None


class Wanted(NamedTuple):
    """A request for a schedule that could be read."""

    requester: str
    task: str
    priority: Priority
    slots: list[Slot]
    on_release: OnRelease


def read_request(request: Request, reader: TimeReader, is_taken: Callable[[str], bool]) -> Wanted:
    """Reads a request. Raises `RequestRefused` with the first of its faults, in the original's order."""
    try:
        slots = [] if request.slots is None else read_slots(request.slots, reader)
    except (TypeError, ValueError, OverflowError) as fault:
        raise RequestRefused(f"{MALFORMED}: {type(fault).__name__}: {fault}") from None
    if isinstance(request.task, str) and is_taken(request.task):
        raise RequestRefused(Failure.TASK_ID_ALREADY_EXISTS)
    if request.task is None:
        raise RequestRefused(MISSING_TASK_ID)
    if request.priority is None:
        raise RequestRefused(MISSING_PRIORITY)
    if not isinstance(request.priority, str) or request.priority not in Priority.__members__:
        raise RequestRefused(INVALID_PRIORITY)
    if request.requester is None:
        raise RequestRefused(MISSING_AGENT_ID)
    if not slots:
        raise RequestRefused(Failure.MALFORMED_REQUEST_EMPTY)
    for name, value in (("agentid", request.requester), ("taskid", request.task)):
        if not isinstance(value, str) or not value:
            raise RequestRefused(f"{MALFORMED}: TypeError: {name} must be a nonempty string")
    try:
        if size_of(request.task) > TASK_SIZE:
            raise ValueError(f"a taskid has at most {TASK_SIZE} bytes")
        on_release = _read_on_release(request.on_release)
    except ValueError as fault:
        raise RequestRefused(f"{MALFORMED}: ValueError: {fault}") from None
    return Wanted(request.requester, request.task, Priority[request.priority], slots, on_release)


def _read_on_release(value: Any) -> OnRelease:
    if value is None:
        return OnRelease.DEFAULT
    found = OnRelease.__members__.get(value.upper()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("on_release is default, hold or revert")
    return found


def unwrapped(slots: Any) -> Any:
    """The message of the bus form: one of length 1 is unwrapped once, as the original does."""
    return slots[0] if isinstance(slots, list) and len(slots) == 1 else slots


def read_slots(slots: Any, reader: TimeReader) -> list[Slot]:
    """A list of `[device, start, end]`, or one of these alone.

    Raises `TypeError`, `ValueError` or `OverflowError` for anything else.
    """
    if not isinstance(slots, list):
        raise TypeError(f"a list of slots is wanted, not {type(slots).__name__}")
    if slots and isinstance(slots[0], str):
        slots = [slots]
    if len(slots) > MAX_SLOTS_A_TASK:
        raise ValueError(f"a task has at most {MAX_SLOTS_A_TASK} slots")
    return [_read_slot(slot, reader) for slot in slots]


def _read_slot(slot: Any, reader: TimeReader) -> Slot:
    if not isinstance(slot, list):
        raise TypeError(f"a slot is a list of device, start and end, not {type(slot).__name__}")
    if len(slot) != 3:
        raise ValueError(f"a slot is device, start and end, not {len(slot)} values")
    device, start, end = slot
    name = read_device(device)
    start_us, start_offset_s = reader.read(start)
    end_us, end_offset_s = reader.read(end)
    return Slot(name, start_us, end_us, start_offset_s, end_offset_s)


def read_device(device: Any) -> str:
    """The path of a device, without slashes at its ends. Raises `TypeError` or `ValueError`."""
    if not isinstance(device, str):
        raise TypeError(f"a device is a string, not {type(device).__name__}")
    name = device.strip("/")
    if size_of(name) > DEVICE_SIZE:
        raise ValueError(f"the path of a device has at most {DEVICE_SIZE} bytes")
    return name


def size_of(text: str) -> int:
    """How many bytes a text takes. Raises `ValueError` for lone surrogates, which JSON can name."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("a text is not valid Unicode") from None
