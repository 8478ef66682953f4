"""Whether the deployment answers."""

from typing import Annotated, Literal

from kittiwake_ground.client import Deployment, RunLog
from kittiwake_ground.procedures import Range, procedure


@procedure
def check_out(
    station: Deployment,
    log: RunLog,
    rounds: Annotated[int, Range(1, 10), "How often it is asked."] = 3,
    way: Literal["quick", "full"] = "quick",
) -> None:
    """Check that the dispatcher answers, and with `full` that telemetry comes."""
    for number in range(rounds):
        log.step(f"Round {number + 1}")
        station.send("CdhCore.cmdDisp.CMD_NO_OP")
        station.expect("CdhCore.cmdDisp.NoOpReceived", timeout_s=10)
    if way == "full":
        station.wait_for("ComCcsds.link.BytesDown", timeout_s=30, fresh=True)
