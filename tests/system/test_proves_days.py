"""Three days of the PROVES satellite in virtual time: its start, a dark night, and a ground that never calls."""

from __future__ import annotations

import pytest

from kittiwake.limits.compile import compile_limits
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from tests.peers import ROOT
from tests.system.proves_flight import ProvesFlight, built, procedure

pytestmark = pytest.mark.virtual_time

DAY_S = 86_400
DEBOUNCE_S = 10
LIMITS = "sequences/proves/limits.yaml"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_days_without_the_ground_end_in_safe_mode_and_a_power_cycle() -> None:
    """Upstream: the command loss timer was kept in memory, and setting the clock set it off.

    The startup sequence runs to its end; a low battery brings safe mode, and its recovery ends it; after three days of
    silence the watchdog is stroked no more, the power is cycled, and the next start is in safe mode for that reason.
    """
    made = ProvesFlight()
    for name in ("startup", "enter_safe"):
        made.write(f"seq/{name}.bin", procedure(name))
    made.write("seq/limits.bin", compile_limits((ROOT / LIMITS).read_text(encoding="utf-8"), LIMITS, built()[1]))
    made.start()
    made.run(DAY_S)
    assert made.craft.antenna_released
    assert len(made.named("cmdSeq.CS_SequenceComplete")) == 1
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    charged, made.craft.battery.charge = made.craft.battery.charge, 0.02
    made.run(60)
    assert made["modeManager"].current_safe_mode_reason == SafeModeReason.LOW_BATTERY
    made.craft.battery.charge = max(charged, 0.95)
    made.run(60)
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    made.run(3 * DAY_S - (DAY_S + 120) - 60)
    assert made.named("modeManager.CommandLossDetected") == []
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    made.run(60 + 2 * DEBOUNCE_S)
    assert len(made.named("modeManager.CommandLossDetected")) == 1
    assert made["modeManager"].current_safe_mode_reason == SafeModeReason.COMMAND_LOSS
    assert made.craft.loads.on <= {"heater"}
    strokes = made["watchdog"].watchdog_transitions
    made.run(20)
    assert made["watchdog"].watchdog_transitions == strokes

    boots = made["startupManager"].boot_count
    again = ProvesFlight(made.platform.crash()).start()
    assert again.craft.loads.on <= {"heater"}
    again.run(30)
    assert again["startupManager"].boot_count == boots + 1
    assert again["modeManager"].current_safe_mode_reason == SafeModeReason.COMMAND_LOSS
    assert again["watchdog"].watchdog_transitions > 20
    again.stop()
