"""ModeManager with Watchdog, ResetManager, StartupManager and switches, wired on one machine as PROVES has them."""

from __future__ import annotations

from typing import Any

from kittiwake.model.fw import TimeInterval
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime import exit_status
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake_components import LoadSwitch, ModeManager, ResetManager, StartupManager, Watchdog
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from kittiwake_components.reset_manager.causes import ResetCause
from tests.components.flight import Flight

LOADS = ["face0", "payloadPower"]


def fly(platform: Any) -> Flight:
    """A start on that machine."""
    switches = {name: (LoadSwitch, {"device": f"simulated/switches/{name}"}) for name in LOADS}
    classes: dict[str, Any] = {
        **switches,
        "modes": (ModeManager, {"normal_loads": [0], "payload_loads": [0, 1]}),
        "watchdog": (Watchdog, {"gate": ""}),
        "resets": ResetManager,
        "startup": StartupManager,
    }
    wires = [
        "modes.stop_watchdog -> watchdog.stop_in",
        "watchdog.prepare_for_reboot -> modes.prepare_for_reboot",
        "resets.prepare_for_reboot[0] -> modes.prepare_for_reboot",
        "startup.boot_loop -> modes.boot_loop",
    ]
    for index, name in enumerate(LOADS):
        wires += [
            f"modes.load_switch_turn_on[{index}] -> {name}.turn_on_in",
            f"modes.load_switch_turn_off[{index}] -> {name}.turn_off_in",
        ]
    return Flight(classes, wires, ["startup.run", "modes.run", "watchdog.run"], platform)


def on(flight: Flight) -> set[str]:
    """The loads that have power, by the machine itself."""
    return set(spacecraft_of(flight.platform).loads.on)


def mode(flight: Flight) -> SystemMode:
    """The mode in force."""
    found: SystemMode = flight["modes"].get_mode()
    return found


def test_command_loss_cycles_the_power_once_and_the_next_start_is_safe() -> None:
    """REQ-MM-018: three days of silence, then the watchdog expires, the machine comes back safe and stays."""
    flight = fly(SimulatedPlatform(1))
    flight["modes"].comm_loss_time = TimeInterval(120, 0)
    flight.run(5)
    assert (mode(flight), on(flight)) == (SystemMode.NORMAL, {"face0"})
    flight.run(130)
    assert (mode(flight), on(flight)) == (SystemMode.SAFE_MODE, set())
    assert not flight.platform.watchdogs["notify"].has_expired()
    flight.run(32)
    assert flight.platform.watchdogs["notify"].has_expired()
    again = fly(flight.platform.crash())
    assert on(again) == set()
    again.run(60)
    assert mode(again) is SystemMode.SAFE_MODE
    assert again["modes"].current_safe_mode_reason is SafeModeReason.COMMAND_LOSS
    assert again.named("UnintendedRebootDetected")
    assert not again.platform.watchdogs["notify"].has_expired()
    again.stop()


def test_a_reset_by_command_keeps_the_mode_and_tells_its_cause() -> None:
    """REQ-MM-013, REQ-RM-002."""
    flight = fly(SimulatedPlatform(2))
    flight.run(2)
    flight["resets"].warm_reset_in()
    flight.run(1)
    assert flight.deployment.exit_status == exit_status.WARM_RESET
    flight.stop()
    assert flight.platform.watchdogs["notify"].is_armed, "the next process is to stroke it"
    again = fly(flight.platform.restart())
    again.run(2)
    assert (mode(again), on(again)) == (SystemMode.NORMAL, {"face0"})
    assert again["resets"].last_reset is ResetCause.WARM_RESET
    assert again.named("UnintendedRebootDetected") == []
    again.stop()


def test_a_watchdog_stopped_by_the_ground_is_no_fault() -> None:
    """REQ-WD-003, REQ-MM-013: the power cycle that the ground wants leaves the mode as it is."""
    flight = fly(SimulatedPlatform(3))
    flight.run(2)
    flight["watchdog"].arm_stop_watchdog()
    flight["watchdog"].stop_watchdog()
    flight.run(31)
    assert flight.platform.watchdogs["notify"].has_expired()
    again = fly(flight.platform.crash())
    again.run(2)
    assert mode(again) is SystemMode.NORMAL
    again.stop()


def test_a_boot_loop_ends_in_safe_mode() -> None:
    """REQ-MM-017. Upstream: nothing limited it."""
    platform: Any = SimulatedPlatform(4)
    for _ in range(5):
        flight = fly(platform)
        flight.run(3)
        flight["modes"].exit_safe_mode()
        flight.run(1)
        platform = flight.platform.crash()
    flight = fly(platform)
    flight.run(3)
    assert flight.named("BootLoopSafe") == [(5,)]
    assert (mode(flight), on(flight)) == (SystemMode.SAFE_MODE, set())
    assert flight["modes"].current_safe_mode_reason is SafeModeReason.BOOT_LOOP
    flight.stop()
