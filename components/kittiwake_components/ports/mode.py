"""The modes of a deployment, and the ports by which components ask for them and hear of them."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Components.SystemMode")
class SystemMode(IntEnum):
    """What the deployment does now. SAFE_MODE and NORMAL have PROVES' numbers."""

    SAFE_MODE = 1
    """Loads are off; it listens, and waits for the ground or for its battery."""
    NORMAL = 2
    """All of its work."""
    HIBERNATE = 3
    """As little as it can, to save the battery."""
    PAYLOAD = 4
    """Normal work with the payload's loads on."""


@wire_enum(U8, name="Components.SafeModeReason")
class SafeModeReason(IntEnum):
    """Why safe mode was entered. The numbers up to COMMAND_LOSS are PROVES'."""

    NONE = 0
    LOW_BATTERY = 1
    SYSTEM_FAULT = 2
    GROUND_COMMAND = 3
    EXTERNAL_REQUEST = 4
    LORA = 5
    COMMAND_LOSS = 6
    BOOT_LOOP = 7
    LIMIT_VIOLATION = 8


@port("Components.ForceSafeMode")
def ForceSafeMode(reason: SafeModeReason) -> None:
    """Enter safe mode for this reason; nothing changes where it is in force already."""


@port("Components.GetSystemMode")
def GetSystemMode() -> SystemMode:
    """The mode in force."""
    return SystemMode.SAFE_MODE


@port("Components.SystemModeChanged")
def SystemModeChanged(mode: SystemMode) -> None:
    """A mode came into force."""


@port("Components.ModeWanted")
def ModeWanted(mode: SystemMode) -> None:
    """Less is to be done, to save energy: HIBERNATE or SAFE_MODE. Nothing changes where less is done already.

    NORMAL takes the wish back: there is energy again. It ends no safe mode, and no hibernation that was commanded.
    """
