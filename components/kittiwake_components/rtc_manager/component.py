"""Sets the deployment's time, keeps it from going back over restarts, and rings alarms."""

from __future__ import annotations

import errno
from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    I32,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import Sched, Signal, TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.deployment_time import US_PER_S, present_us, time_base
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.sequence import CmdSeqCancel
from kittiwake_components.ports.time import SetTime, TimeQuality
from kittiwake_components.rtc_manager.clock_record import MAX_ALARMS, ClockRecord
from kittiwake_components.rtc_manager.time_data import YEAR_FIRST, YEAR_LAST, TimeData, time_data

SEQUENCERS = 3
SAVE_INTERVAL_NS = 60 * NS_PER_S
NO_TIME_DATA = TimeData(0, 0, 0, 0, 0, 0)


class RtcManager(PassiveComponent):
    """The deployment's clock (PROVES RtcManager). It steps the wall time alone; no delay in seconds ever follows."""

    set_time = OutputPort(SetTime, required=True, doc="To the time service.")
    cancel_sequences = OutputPortArray(
        CmdSeqCancel, SEQUENCERS, doc="To the sequencers: their runs end when the time is set."
    )
    alarm_triggered_out = OutputPort(Signal, doc="An alarm's time has come.")

    file = Setting(str, default="/clock", doc="Record of the last known time and the alarms.")

    @event(WARNING_HI, "RTC not ready", throttle=1, id=0)
    def device_not_ready(self) -> None:
        """No clock kept the time while the device was off."""

    @event(ACTIVITY_HI, "Time set on RTC, previous time: {seconds}.{useconds}", name="TimeSet", id=3)
    def time_is_set(self, seconds: U32, useconds: U32) -> None: ...

    @event(WARNING_HI, "Time not set on RTC: {rc}", id=4)
    def time_not_set(self, rc: I32) -> None: ...

    @event(WARNING_HI, f"Provided year is invalid should be in [{YEAR_FIRST}, {YEAR_LAST}]: {{year}}", id=5)
    def year_validation_failed(self, year: U32) -> None: ...

    @event(WARNING_HI, "Provided month is invalid should be in [1, 12]: {month}", id=6)
    def month_validation_failed(self, month: U32) -> None: ...

    @event(WARNING_HI, "Provided day is invalid, its month has no such day: {day}", id=7)
    def day_validation_failed(self, day: U32) -> None: ...

    @event(WARNING_HI, "Provided hour is invalid should be in [0, 23]: {hour}", id=8)
    def hour_validation_failed(self, hour: U32) -> None: ...

    @event(WARNING_HI, "Provided minute is invalid should be in [0, 59]: {minute}", id=9)
    def minute_validation_failed(self, minute: U32) -> None: ...

    @event(WARNING_HI, "Provided second is invalid should be in [0, 59]: {second}", id=10)
    def second_validation_failed(self, second: U32) -> None: ...

    @event(ACTIVITY_HI, "Alarm set on RTC with ID {id}, time: {time}", name="AlarmSet", id=11)
    def alarm_is_set(self, id: U16, time: TimeData) -> None: ...

    @event(WARNING_HI, "Alarm not set on RTC for time: {time}, return code: {rc}", id=12)
    def alarm_not_set(self, time: TimeData, rc: I32) -> None: ...

    @event(ACTIVITY_HI, "Alarm with ID {id} triggered", id=13)
    def alarm_triggered(self, id: U16) -> None: ...

    @event(ACTIVITY_HI, "Alarm with ID {id} canceled", id=14)
    def alarm_canceled(self, id: U16) -> None: ...

    @event(WARNING_HI, "Alarm with ID {id} not canceled, return code: {rc}", id=15)
    def alarm_not_canceled(self, id: U16, rc: I32) -> None: ...

    @event(WARNING_HI, "Alarm with ID {id} had a hardware error, return code: {rc}", id=16)
    def alarm_hardware_error(self, id: U16, rc: I32) -> None:
        """An alarm could not be saved: it holds until a restart."""

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0, id=17)
    def clock_file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(120)]) -> None: ...

    def initialize(self) -> None:
        self._record = ClockRecord(self.platform.files, self.root.resolve(self.file))
        self._recall = Recall(self.clock, self._take)
        self._save_due_ns = 0

    def start(self) -> None:
        self._remember()
        if not self._recall.is_done:
            self._resume()
        self._record.boot_id = self._record.present_boot_id()
        self._save_due_ns = self.clock.now_ns()

    def _remember(self) -> int:
        """Reads the record, unless that was done; 0, or the negative number of the error."""
        try:
            self._recall.ensure()
        except OSError as fault:
            self._report(fault)
            return -(fault.errno or errno.EIO)
        return 0

    def _take(self, last_try: bool) -> None:
        """The time that is known; read late, a time that was set in this start counts for more."""
        record, is_set = self._record, self._record.is_own
        for finding in record.read(last_try=last_try):
            self.clock_file_fault(self.file, finding.reason)
        if is_set:
            record.is_own = True
        else:
            self._resume()
        record.boot_id = record.present_boot_id()

    def _resume(self) -> None:
        """Goes on with the time that the ground set, or at least not before the last time that was known."""
        record = self._record
        boot_id = record.present_boot_id()
        if record.is_own and boot_id and boot_id == record.boot_id and self.clock.now_ns() >= record.known_ns:
            # The machine has run on since: the time is as good as it was.
            self.set_time(record.time_us + (self.clock.now_ns() - record.known_ns) // 1000, TimeQuality.SET)
            return
        record.is_own = False
        if record.time_us > self.clock.wall_ns() // 1000:
            self.set_time(record.time_us, TimeQuality.ESTIMATED)
        if self._tags.is_estimated or self._is_unset():
            self.device_not_ready()

    def _is_unset(self) -> bool:
        return time_base(self._tags) == TimeBase.TB_PROC_TIME

    def _is_trusted(self) -> bool:
        return not (self._is_unset() or self._tags.is_estimated)

    def stop(self) -> None:
        self._save()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Rings the alarms that are due, and saves the time once a minute."""
        if self._record.alarms and self._is_trusted():
            self._ring(present_us(self._tags, self.clock) // US_PER_S)
        if self.clock.now_ns() >= self._save_due_ns:
            self._save()

    def _ring(self, now_s: int) -> None:
        alarms = self._record.alarms
        due = [id for id, time_s in alarms.items() if time_s <= now_s]
        for id in due:
            del alarms[id]
            self.alarm_triggered(id)
            if self.is_connected(RtcManager.alarm_triggered_out):
                self.alarm_triggered_out()
        if due:
            self._save()

    # Commands

    @command(name="TIME_SET")
    def time_set(self, t: TimeData) -> None:
        """Sets the time, UTC, and ends the sequences that run."""
        if not self._validate(t):
            self.time_not_set(-errno.EINVAL)
            raise CommandError(CommandResponse.VALIDATION_ERROR, "the events say which field is impossible")
        previous_us = present_us(self._tags, self.clock)
        for index, cancel in enumerate(self.cancel_sequences):
            if self.is_connected(RtcManager.cancel_sequences, index):
                cancel(0)
        self.set_time(t.seconds() * US_PER_S, TimeQuality.SET)
        self._record.is_own = True
        self.time_is_set(min(previous_us // US_PER_S, 0xFFFFFFFF), previous_us % US_PER_S)
        self._save()

    @command(name="ALARM_SET")
    def alarm_set(self, t: TimeData) -> None:
        """Sets an alarm; its event says which id it has."""
        if not self._validate(t):
            self._refuse(t, errno.EINVAL, "the events say which field is impossible")
        record, time_s = self._record, t.seconds()
        rc = self._remember()
        if rc:
            self._refuse(t, -rc, "the alarms of before this start cannot be read yet")
        if not self._is_trusted():
            self._refuse(t, errno.EAGAIN, "the time is not known; set it first")
        if time_s * US_PER_S <= present_us(self._tags, self.clock):
            self._refuse(t, errno.EINVAL, "that is past")
        if time_s in record.alarms.values():
            self._refuse(t, errno.EEXIST, "there is an alarm at that time")
        if len(record.alarms) >= MAX_ALARMS:
            self._refuse(t, errno.ENOSPC, f"there are {MAX_ALARMS} alarms already")
        id = record.last_id
        while id == record.last_id or id in record.alarms:
            id = id % 0xFFFF + 1
        record.last_id = id
        record.alarms[id] = time_s
        self.alarm_is_set(id, t)
        rc = self._save()
        if rc:
            self.alarm_hardware_error(id, rc)

    def _refuse(self, t: TimeData, rc: int, reason: str) -> None:
        self.alarm_not_set(t, -rc)
        raise CommandError(CommandResponse.VALIDATION_ERROR, reason)

    @command(name="ALARM_CANCEL")
    def alarm_cancel(self, id: U16) -> None:
        """Cancels an alarm."""
        if self._record.alarms.pop(id, None) is None:
            self.alarm_not_canceled(id, -errno.ENOENT)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no alarm {id}")
        self.alarm_canceled(id)
        rc = self._save()
        if rc:
            self.alarm_hardware_error(id, rc)

    @command(name="ALARM_LIST")
    def alarm_list(self) -> None:
        """Reports every alarm by AlarmSet, or by AlarmNotSet that there is none."""
        for id, time_s in self._record.alarms.items():
            self.alarm_is_set(id, time_data(time_s))
        if not self._record.alarms:
            self.alarm_not_set(NO_TIME_DATA, -errno.ENOENT)

    def _validate(self, t: TimeData) -> bool:
        """Reports each impossible field by its event; true if there is none."""
        impossible = t.impossible()
        for field in impossible:
            getattr(self, f"{field.lower()}_validation_failed")(getattr(t, field))
        return not impossible

    # The record

    def _save(self) -> int:
        """Saves the time and the alarms; 0, or the negative number of the error."""
        self._save_due_ns = self.clock.now_ns() + SAVE_INTERVAL_NS
        rc = self._remember()
        if rc:
            return rc
        if not self._is_unset():
            self._record.time_us = present_us(self._tags, self.clock)
            self._record.known_ns = self.clock.now_ns()
        try:
            self._record.write()
        except OSError as fault:
            self._report(fault)
            return -(fault.errno or errno.EIO)
        return 0

    def _report(self, fault: OSError) -> None:
        self.clock_file_fault(self.file, reason_of(fault))
