"""Checks instances: their components can be imported, queues and threads fit the kind, ids do not overlap."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from kittiwake.faults import did_you_mean
from kittiwake.model.component import ACTIVE, PASSIVE, QUEUED, ComponentType
from kittiwake.runtime.queue import MAX_DEPTH
from kittiwake.topology import grammar
from kittiwake.topology.constants import check_parameters, check_settings
from kittiwake.topology.model import Instance
from kittiwake.topology.source import Scalar

if TYPE_CHECKING:
    from kittiwake.topology.draft import Draft, InstanceDraft
    from kittiwake.topology.source import Report

MAIN_THREAD = "main"
"""The name of the loop on which instances without a thread run."""


class ComponentFault(ValueError):
    """A name that is no component's class; `hint` says what was probably meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def import_component(dotted: str) -> tuple[ComponentType, str]:
    """The component class of that dotted name, and its path "module:Class". Raises `ComponentFault`."""
    module_name, _, name = dotted.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in dotted.split(".")):
        raise ComponentFault(f"{dotted!r} is no name of a class; write its module too, as in package.Class")
    try:
        module = import_module(module_name)
        found = getattr(module, name, None)
    except (Exception, SystemExit) as fault:
        # Whatever an author's module raises is a fault of the file that names it.
        raise ComponentFault(f"{module_name} cannot be imported: {_reason(fault, module_name)}") from fault
    if found is None:
        raise ComponentFault(f"{module_name} has no component {name}", did_you_mean(name, dir(module)))
    if not isinstance(found, ComponentType) or found.KIND not in (PASSIVE, QUEUED, ACTIVE):
        raise ComponentFault(f"{dotted} is no component", "components derive from Passive-, Queued- or ActiveComponent")
    home = sys.modules.get(found.__module__)
    # The class's own module, so that a device does not import a package's whole front for it.
    where = found.__module__ if getattr(home, name, None) is found else module_name
    return found, f"{where}:{name}"


def _reason(fault: BaseException, module_name: str) -> str:
    if isinstance(fault, ModuleNotFoundError):
        return f"there is no module {fault.name}"
    place = ""
    trace = fault.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<") and "importlib" not in file:
            place = f" ({file.rpartition('/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(fault, SyntaxError):
        place = f" ({str(fault.filename).rpartition('/')[2]}:{fault.lineno})"
        return f"SyntaxError: {fault.msg}{place}"
    return f"{type(fault).__name__}: {fault}".replace("\n", " ")[:300] + place


def check_instances(draft: Draft, report: Report) -> dict[str, Instance]:
    """The instances whose components are known, by qualified name; all that is wrong goes to `report`."""
    found: dict[str, Instance] = {}
    for name, instance in draft.instances.items():
        made = _check_instance(instance, report)
        if made is not None:
            found[name] = made
    _check_overlaps(draft, found, report)
    return found


def _check_instance(draft: InstanceDraft, report: Report) -> Instance | None:
    written = draft.fields.get("component")
    if not isinstance(written, Scalar):
        return None
    try:
        component, path = import_component(written.text)
    except ComponentFault as fault:
        report.add(written, str(fault), fault.hint)
        return None
    declared = component.__declarations__
    owner = component.__name__
    _check_kind(draft, component, report)
    doc = draft.fields.get("doc")
    return Instance(
        name=draft.name,
        component=component,
        path=path,
        base_id=_number(draft, "id", 0, grammar.MAX_ID + 1 - declared.span(), report),
        queue=_number(draft, "queue", 1, MAX_DEPTH, report),
        priority=_number(draft, "priority", 0, grammar.MAX_PRIORITY, report),
        thread=_thread(draft, report),
        settings=check_settings(draft.settings, declared.settings, owner, report),
        parameters=check_parameters(draft.parameters, declared.parameters, owner, report),
        doc=doc.text if isinstance(doc, Scalar) else "",
    )


def _number(draft: InstanceDraft, key: str, low: int, high: int, report: Report) -> int:
    node = draft.fields.get(key)
    if not isinstance(node, Scalar) or not isinstance(node.value, int):
        return 0
    if not low <= node.value <= high:
        shown = f"{low:#x} to {high:#x}" if key == "id" else f"{low} to {high}"
        report.add(node, f"{key} {node.text} is outside {shown}")
    return node.value


def _thread(draft: InstanceDraft, report: Report) -> str:
    node = draft.fields.get("thread")
    if not isinstance(node, Scalar):
        return ""
    if node.text == MAIN_THREAD or not grammar.IDENTIFIER.fullmatch(node.text):
        report.add(
            node, f"{node.text!r} is no name of a thread", f"any name but {MAIN_THREAD}, of letters, digits and _"
        )
    return node.text


def _check_kind(draft: InstanceDraft, component: ComponentType, report: Report) -> None:
    kind = component.KIND
    allowed = {PASSIVE: (), QUEUED: ("queue",), ACTIVE: ("queue", "priority", "thread")}[kind]
    article = "an" if kind == ACTIVE else "a"
    for key in ("queue", "priority", "thread"):
        node = draft.fields.get(key)
        if node is not None and key not in allowed:
            report.add(node, f"{component.__name__} is {article} {kind} component and has no {key}")
    if "queue" in allowed and "queue" not in draft.keys:
        report.add(
            draft.key, f"{component.__name__} is {article} {kind} component and needs its queue's depth", "queue: 10"
        )


def _check_overlaps(draft: Draft, instances: dict[str, Instance], report: Report) -> None:
    """Reports every range of ids that begins inside an earlier one, and where there is room for it."""
    spans = [
        (made.base_id, made.base_id + made.declarations.span(), place, made)
        for place, made in enumerate(instances.values())
        if "id" in draft.instances[made.name].fields
    ]
    spans.sort(key=lambda span: span[:3])
    widest = spans[0] if spans else None
    for span in spans[1:]:
        assert widest is not None
        if span[0] < widest[1]:
            first, second = sorted((widest, span), key=lambda either: either[2])
            message = (
                f"ids {second[0]:#x} to {second[1] - 1:#x} overlap those of {first[3].name} "
                f"({first[0]:#x} to {first[1] - 1:#x})"
            )
            room = _free(second[1] - second[0], second[0], spans)
            report.add(draft.instances[second[3].name].fields["id"], message, f"there is room at {room:#x}")
        if span[1] > widest[1]:
            widest = span


def _free(size: int, wanted: int, spans: list[tuple[int, int, int, Instance]]) -> int:
    """The first multiple of 0x100 at or after `wanted` with `size` free ids behind it."""
    start = wanted + -wanted % 0x100
    for low, high, *_ in spans:
        if low < start + size and start < high:
            start = high + -high % 0x100
    return start
