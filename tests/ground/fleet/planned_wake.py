"""What an archive has of a device that went to sleep before the ground station started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import Archive, ChannelDeclaration, NewEvent

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = "ReferenceDeployment"


def write_past(folder: Path, deployment: str, heard_us: int, wake_us: int) -> None:
    """Has an archive know a reference deployment that was heard, and had planned to wake."""
    wake = {"timeBase": "TB_WORKSTATION_TIME", "timeContext": 0, "seconds": wake_us // 1_000_000, "useconds": 0}
    values: dict[str, Any] = {
        "supervisor.NextWakeTime": wake, "startupManager.BootCount": 41, "powerManager.StateOfCharge": 80.0,
    }  # fmt: skip
    tag = 2 << 64 | heard_us
    with Archive(folder) as archive:
        archive.declare(deployment, "", [ChannelDeclaration(f"{ABOUT}.{name}", "") for name in values])
        archive.add_samples(deployment, [(f"{ABOUT}.{name}", tag, heard_us, value) for name, value in values.items()])
        archive.add_events(
            deployment,
            [
                NewEvent(f"{ABOUT}.a.Warned", "WARNING_LO", tag, heard_us, "old"),
                NewEvent(f"{ABOUT}.a.Done", "ACTIVITY_HI", tag + 1, heard_us + 1, "new"),
            ],
        )
