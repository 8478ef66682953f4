"""The types and constants that every F´ dictionary defines, used or not (FPP Specification, "Framework Definitions").

The widths are F´'s defaults, and the only ones that Kittiwake writes. The ground's tools look these names up:
fprime-gds for its packets, fprime-fpyc for its sequences, fprime-dp for data products.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.model.fw import (
    CommandResponse,
    FwChanIdType,
    FwDpIdType,
    FwDpPriorityType,
    FwEventIdType,
    FwOpcodeType,
    FwPrmIdType,
    FwSizeType,
    Severity,
    TimeBase,
    TimeInterval,
    TimeValue,
)
from kittiwake.model.types import I32, U8, U16, Enumeration, wire_alias, wire_enum, wire_type
from kittiwake.wire.packets import Apid
from kittiwake.wire.transfer_frame import SPACECRAFT_ID, TM_FRAME_SIZE

if TYPE_CHECKING:
    from kittiwake.model.types import WireType
    from kittiwake.topology.model import Topology


@wire_enum(U8, name="Fw.DpState")
class DpState(IntEnum):
    """What became of a data product."""

    UNTRANSMITTED = 0
    PARTIAL = 1
    TRANSMITTED = 2


@wire_enum(U8, name="Fw.DpCfg.ProcType")
class ProcType(IntEnum):
    """How a data product is processed before it is stored: a set of bits."""

    PROC_TYPE_ZERO = 1
    PROC_TYPE_ONE = 2
    PROC_TYPE_TWO = 4


@wire_enum(I32, name="Fw.TimeComparison")
class TimeComparison(IntEnum):
    """How two times compare."""

    LT = -1
    EQ = 0
    GT = 1
    INCOMPARABLE = 2


@wire_enum(U8, name="Fw.TlmValid")
class TlmValid(IntEnum):
    """Whether a channel was ever written."""

    VALID = 0
    INVALID = 1


@wire_enum(U8, name="Fw.ParamValid")
class ParamValid(IntEnum):
    """Where a parameter's value comes from."""

    UNINIT = 0
    VALID = 1
    INVALID = 2
    DEFAULT = 3


@wire_enum(U8, name="Svc.BlockState")
class BlockState(IntEnum):
    """Whether a command that runs a sequence answers at the sequence's end or at its start."""

    BLOCK = 0
    NO_BLOCK = 1


def _descriptors() -> WireType:
    members = {apid.name if apid >= Apid.SPP_IDLE_PACKET else f"FW_PACKET_{apid.name}": int(apid) for apid in Apid}
    enum = IntEnum("Apid", members)  # type: ignore[misc]
    enum.__doc__ = "What a packet holds: its descriptor, and CCSDS's application process identifier."
    return Enumeration("ComCfg.Apid", enum, U16)  # type: ignore[arg-type]


_ALIASES = {
    "FwPacketDescriptorType": U16,
    "FwSizeStoreType": U16,
    "FwTimeBaseStoreType": U16,
    "FwTimeContextStoreType": U8,
    "FwTlmPacketizeIdType": U16,
}


_IDS: tuple[Any, ...] = (
    FwChanIdType, FwDpIdType, FwDpPriorityType, FwEventIdType, FwOpcodeType, FwPrmIdType, FwSizeType,
)  # fmt: skip


def standard_types() -> list[WireType]:
    """The types, each under F´'s name."""
    forms = [wire_type(form) for form in _IDS]
    forms += [wire_alias(name, underlying) for name, underlying in _ALIASES.items()]
    forms.append(_descriptors())
    declared = (
        TimeBase, DpState, ProcType, CommandResponse, Severity, TimeValue, TimeInterval, TimeComparison, TlmValid,
        ParamValid, BlockState,
    )  # fmt: skip
    return forms + [wire_type(one) for one in declared]


class Constant(NamedTuple):
    """One constant of F´'s configuration."""

    name: str
    value: int
    doc: str


STANDARD_CONSTANTS = (
    Constant("ComCfg.SpacecraftId", SPACECRAFT_ID, "The spacecraft identifier of CCSDS transfer frames."),
    Constant("ComCfg.TmFrameFixedSize", TM_FRAME_SIZE, "Bytes in a telemetry transfer frame."),
    Constant("FW_SERIALIZE_TRUE_VALUE", 0xFF, "How true is written."),
    Constant("FW_SERIALIZE_FALSE_VALUE", 0x00, "How false is written."),
    Constant("FW_FIXED_LENGTH_STRING_SIZE", 256, "Bytes in a string whose size is not given."),
    Constant("Fw.DpCfg.CONTAINER_USER_DATA_SIZE", 32, "Bytes of user data in a data product's header."),
)

_CHOSEN = {"frame_size": "ComCfg.TmFrameFixedSize", "spacecraft_id": "ComCfg.SpacecraftId"}
"""The settings of a framer that the ground must know, and the constants that say them."""


def constants_of(topology: Topology) -> tuple[Constant, ...]:
    """The constants of a deployment, as the settings of its framers have them; the first framer counts."""
    chosen: dict[str, int] = {}
    for instance in topology.instances:
        if set(_CHOSEN) <= instance.declarations.settings.keys():
            for setting, constant in _CHOSEN.items():
                if setting in instance.settings:
                    chosen.setdefault(constant, instance.settings[setting])
    return tuple(one._replace(value=chosen.get(one.name, one.value)) for one in STANDARD_CONSTANTS)
