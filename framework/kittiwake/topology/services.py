"""Checks services: every kind of declaration has the instance that serves it, and that instance can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from kittiwake.model.fw import CmdResponse, Log
from kittiwake.topology.model import SERVICES
from kittiwake.topology.names import qualified, unknown_instance

if TYPE_CHECKING:
    from kittiwake.model.component import Declarations
    from kittiwake.model.ports import PortType
    from kittiwake.topology.draft import Draft
    from kittiwake.topology.model import Instance
    from kittiwake.topology.source import Report


@frozen
class Need:
    """What the runtime calls of a service's instance (kittiwake.runtime.wiring.bind_services)."""

    port: str = ""
    port_type: PortType[Any, Any] | None = None
    methods: tuple[str, ...] = ()


NEEDS = {
    "command": Need("comp_cmd_stat", CmdResponse, ("comp_cmd_reg",)),
    "event": Need("log_recv", Log),
    "telemetry": Need(methods=("tlm_register",)),
    "time": Need(),
    "parameter": Need("set_prm", None, ("get_prm", "record_unusable")),
    "health": Need(methods=("handler_failed", "handler_slow", "queue_full", "command_refused")),
}


def check_services(draft: Draft, instances: dict[str, Instance], report: Report) -> dict[str, str]:
    """Service -> qualified name of its instance, in the order in which they start; faults go to `report`."""
    found = {}
    for service in SERVICES:
        written = draft.services.get(service)
        if written is None:
            _check_missing(service, draft, instances, report)
            continue
        name = qualified(written.node.text, written.namespace, draft.instances)
        if name is None:
            report.add(written.node, *unknown_instance(written.node.text, written.namespace, draft.instances))
        elif name in instances:
            found[service] = name
            for fault in _lacking(NEEDS[service], instances[name]):
                report.add(
                    written.node, f"{instances[name].component.__name__} cannot be the {service} service: {fault}"
                )
    return found


def _lacking(need: Need, instance: Instance) -> list[str]:
    faults = []
    if need.port:
        port = instance.declarations.inputs.get(need.port)
        if port is None:
            faults.append(f"it has no input port {need.port}")
        elif need.port_type is not None and port.port.name != need.port_type.name:
            faults.append(f"its port {need.port} is of type {port.port.name}, not {need.port_type.name}")
    faults += [
        f"it has no method {name}" for name in need.methods if not callable(getattr(instance.component, name, None))
    ]
    return faults


def _wants(service: str, declared: Declarations) -> bool:
    if service == "command":
        return bool(declared.commands or declared.parameters)
    table = {"event": declared.events, "telemetry": declared.channels, "parameter": declared.parameters}.get(service)
    return bool(table)


_WHAT = {"command": "commands", "event": "events", "telemetry": "channels", "parameter": "parameters"}


def _check_missing(service: str, draft: Draft, instances: dict[str, Instance], report: Report) -> None:
    wanting = [instance.name for instance in instances.values() if _wants(service, instance.declarations)]
    if not wanting:
        return
    who = wanting[0] if len(wanting) == 1 else f"{wanting[0]} and {len(wanting) - 1} more"
    message = f"the service {service} is missing: {who} declare{'s' * (len(wanting) == 1)} {_WHAT[service]}"
    report.add(draft.name, message, f"services: {{{service}: the instance that serves them}}")
