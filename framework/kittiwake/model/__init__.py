"""What component authors declare with: `from kittiwake.model import ActiveComponent, Channel, command, event, ...`.

The names are looked up in their modules on first use, so that whoever wants one module does not pay for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.model.channels import Channel, Conversion, Limits
    from kittiwake.model.commands import CommandError, CommandResponse, command
    from kittiwake.model.component import ActiveComponent, Component, PassiveComponent, QueuedComponent
    from kittiwake.model.events import (
        ACTIVITY_HI,
        ACTIVITY_LO,
        COMMAND,
        DIAGNOSTIC,
        FATAL,
        WARNING_HI,
        WARNING_LO,
        Severity,
        event,
    )
    from kittiwake.model.parameters import Parameter, Setting
    from kittiwake.model.ports import (
        OutputPort,
        OutputPortArray,
        PortNotConnected,
        async_port,
        guarded_port,
        internal_port,
        port,
        sync_port,
    )
    from kittiwake.model.products import Container, ProductFull, Record
    from kittiwake.model.state_machine import After, On, State, StateMachine, StateMachineArray
    from kittiwake.model.types import (
        F32,
        F64,
        I8,
        I16,
        I32,
        I64,
        U8,
        U16,
        U32,
        U64,
        Bool,
        Range,
        Size,
        String,
        wire_alias,
        wire_array,
        wire_enum,
        wire_struct,
    )
else:
    _HOMES = {
        "channels": "Channel Conversion Limits",
        "commands": "CommandError CommandResponse command",
        "component": "ActiveComponent Component PassiveComponent QueuedComponent",
        "events": "ACTIVITY_HI ACTIVITY_LO COMMAND DIAGNOSTIC FATAL WARNING_HI WARNING_LO Severity event",
        "parameters": "Parameter Setting",
        "ports": "OutputPort OutputPortArray PortNotConnected async_port guarded_port internal_port port sync_port",
        "products": "Container ProductFull Record",
        "state_machine": "After On State StateMachine StateMachineArray",
        "types": (
            "F32 F64 I8 I16 I32 I64 U8 U16 U32 U64 Bool Range Size String wire_alias wire_array wire_enum wire_struct"
        ),
    }
    _MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        module = _MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
        found = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
        globals()[name] = found
        return found


__all__ = [
    "ACTIVITY_HI",
    "ACTIVITY_LO",
    "COMMAND",
    "DIAGNOSTIC",
    "F32",
    "F64",
    "FATAL",
    "I8",
    "I16",
    "I32",
    "I64",
    "U8",
    "U16",
    "U32",
    "U64",
    "WARNING_HI",
    "WARNING_LO",
    "ActiveComponent",
    "After",
    "Bool",
    "Channel",
    "CommandError",
    "CommandResponse",
    "Component",
    "Container",
    "Conversion",
    "Limits",
    "On",
    "OutputPort",
    "OutputPortArray",
    "Parameter",
    "PassiveComponent",
    "PortNotConnected",
    "ProductFull",
    "QueuedComponent",
    "Range",
    "Record",
    "Setting",
    "Severity",
    "Size",
    "State",
    "StateMachine",
    "StateMachineArray",
    "String",
    "async_port",
    "command",
    "event",
    "guarded_port",
    "internal_port",
    "port",
    "sync_port",
    "wire_alias",
    "wire_array",
    "wire_enum",
    "wire_struct",
]
