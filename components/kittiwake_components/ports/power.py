"""The ports around the power unit: the watchdog, the powerdown, and what is left for the next sleep."""

from __future__ import annotations

from kittiwake.model.ports import port
from kittiwake.model.types import U32, U64, Bool
from kittiwake.wire.power_link import PowerMode


@port("Components.PowerdownRequest")
def PowerdownRequest(wake_us: U64, token: U32) -> None:
    """Cut the power, and give it back at `wake_us`, microseconds since the epoch; the answer carries `token`."""


@port("Components.PowerdownAnswer")
def PowerdownAnswer(token: U32, accepted: Bool, sleep_s: U32) -> None:
    """The power unit has acknowledged a powerdown and cuts the power for `sleep_s`, or has not."""


@port("Components.WatchdogRenewal")
def WatchdogRenewal(limit_s: U32) -> None:
    """Start the power unit's watchdog or renew it: without the next renewal within `limit_s` it cuts the power."""


@port("Components.PowerModeRequest")
def PowerModeRequest(mode: PowerMode, token: U32) -> None:
    """Have the power unit in this mode; the answer carries `token`."""


@port("Components.PowerReady")
def PowerReady() -> Bool:
    """Whether the power unit answers."""
    return False


@port("Components.SleepCredit")
def SleepCredit() -> U32:
    """How many seconds the device can sleep on the charge that is left and still wake once."""
    return 0
