"""The ground station for programs: `Ground` for scripts, notebooks and tests, `AsyncGround` for asyncio.

from kittiwake_ground.client import Ground

with Ground() as ground:
    station = ground.deployment()
    station.send("CdhCore.cmdDisp.CMD_NO_OP")
    station.expect("CdhCore.cmdDisp.NoOpReceived")
"""

from kittiwake_ground.client.alarms import AsyncAlarms
from kittiwake_ground.client.asynchronous import AsyncGround
from kittiwake_ground.client.blocking import (
    Alarms,
    Deployment,
    Ground,
    LookBack,
    Parameters,
    Passes,
    Plans,
    Procedures,
)
from kittiwake_ground.client.deployment import AsyncDeployment
from kittiwake_ground.client.faults import (
    CommandFailed,
    ExpectationFailed,
    GroundFault,
    RequestRefused,
    SequenceFailed,
    ServerUnreachable,
    TransferFailed,
    WaitTimedOut,
)
from kittiwake_ground.client.fleet import FleetEvent, FleetReason, FleetStanding
from kittiwake_ground.client.history import Buckets, History
from kittiwake_ground.client.looking_back import AsyncLookBack, ChartLayout, Moment
from kittiwake_ground.client.parameters import AsyncParameters
from kittiwake_ground.client.passes import (
    AsyncPasses,
    AsyncPlans,
    Budget,
    ComingPass,
    Contact,
    PassOutcome,
)
from kittiwake_ground.client.procedures import AsyncProcedures, Procedure, ProcedureRun
from kittiwake_ground.client.records import (
    Alarm,
    AlarmChange,
    AlarmEntry,
    ChannelLimits,
    ChannelValue,
    CommandResult,
    DeploymentState,
    DerivedChannel,
    Event,
    KnownValue,
    LinkState,
    ParameterDifference,
    ParameterValue,
    Plan,
    SequenceRun,
    SequenceStep,
    TransferResult,
    Update,
)
from kittiwake_ground.client.runlog import RunLog

__all__ = [
    "Ground",
    "Deployment",
    "Parameters",
    "Alarms",
    "AsyncGround",
    "AsyncDeployment",
    "AsyncParameters",
    "LookBack",
    "AsyncLookBack",
    "Moment",
    "ChartLayout",
    "AsyncAlarms",
    "Passes",
    "AsyncPasses",
    "Plans",
    "AsyncPlans",
    "Contact",
    "ComingPass",
    "PassOutcome",
    "Budget",
    "Plan",
    "Procedures",
    "AsyncProcedures",
    "Procedure",
    "ProcedureRun",
    "CommandResult",
    "ChannelValue",
    "FleetEvent",
    "FleetReason",
    "FleetStanding",
    "Event",
    "History",
    "Buckets",
    "TransferResult",
    "SequenceRun",
    "SequenceStep",
    "KnownValue",
    "ParameterDifference",
    "ParameterValue",
    "Alarm",
    "AlarmChange",
    "AlarmEntry",
    "ChannelLimits",
    "DerivedChannel",
    "LinkState",
    "DeploymentState",
    "Update",
    "RunLog",
    "GroundFault",
    "ServerUnreachable",
    "RequestRefused",
    "CommandFailed",
    "TransferFailed",
    "SequenceFailed",
    "WaitTimedOut",
    "ExpectationFailed",
]
