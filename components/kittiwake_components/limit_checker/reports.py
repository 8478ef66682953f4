"""What the limit checker reports."""

from __future__ import annotations

from typing import Annotated

from kittiwake.limits.table import State
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    CommandResponse,
    Size,
    event,
)
from kittiwake.model.fw import FwOpcodeType
from kittiwake_components.ports.file import FileName

NAME_SIZE = 40
TEXT_SIZE = 120

Name = Annotated[str, Size(NAME_SIZE)]
Text = Annotated[str, Size(TEXT_SIZE)]


class LimitReports(ActiveComponent):
    """The events of `LimitChecker`."""

    @event(ACTIVITY_HI, "Limits {name} in force: {watchpoints} watchpoints, {actionpoints} actionpoints")
    def table_loaded(self, name: Name, watchpoints: U16, actionpoints: U16) -> None: ...

    @event(WARNING_HI, "Limits of {file} refused: {reason}")
    def table_refused(self, file: FileName, reason: Text) -> None: ...

    @event(WARNING_LO, "Limits file {finding}")
    def limits_file_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "Limits cannot be read or saved: {reason}", throttle=3, every_s=600.0)
    def limits_file_failed(self, reason: Text) -> None: ...

    @event(WARNING_HI, "{name} is violated", throttle=20, every_s=60.0)
    def violation_began(self, name: Name) -> None: ...

    @event(ACTIVITY_HI, "{name} is no longer violated, after {seconds} s", throttle=20, every_s=60.0)
    def violation_ended(self, name: Name, seconds: U32) -> None: ...

    @event(ACTIVITY_HI, "{name} responds by opcode 0x{Opcode:x}")
    def response_sent(self, name: Name, Opcode: FwOpcodeType) -> None: ...  # noqa: N803 - F´'s name

    @event(ACTIVITY_HI, "The response of {name} is done")
    def response_completed(self, name: Name) -> None: ...

    @event(WARNING_HI, "The response of {name} failed: {response}")
    def response_failed(self, name: Name, response: CommandResponse) -> None: ...

    @event(WARNING_HI, "{name} forces safe mode")
    def safe_mode_forced(self, name: Name) -> None: ...

    @event(WARNING_LO, "{name} has responded {responses} times and is passive now")
    def responses_used_up(self, name: Name, responses: U32) -> None: ...

    @event(ACTIVITY_HI, "{name} set to {state}")
    def limit_state_set(self, name: Name, state: State) -> None: ...

    @event(ACTIVITY_LO, "{name}: {state}, {violations} violations, {responses} responses, {since} s violated")
    def actionpoint_report(
        self, name: Name, state: State, violations: U32, responses: U32, since: U32
    ) -> None: ...  # fmt: skip

    @event(ACTIVITY_LO, "{name}: {says}, {violations} times so far")
    def watchpoint_report(self, name: Name, says: Annotated[str, Size(10)], violations: U32) -> None: ...

    @event(
        WARNING_LO, "Events that limits wait for came too fast: {count} were not acted upon", throttle=3, every_s=60.0
    )
    def events_missed(self, count: U32) -> None: ...

    @event(WARNING_LO, "There is no {name} in the limits")
    def limit_unknown(self, name: Name) -> None: ...
