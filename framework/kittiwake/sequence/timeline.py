"""A dry run: when each record of a sequence would be sent, without sending any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.dictionary.entries import UnknownName
from kittiwake.model.types import WireError
from kittiwake.named_tuple import NamedTuple
from kittiwake.sequence.binary import ABSOLUTE, END, SequenceError, SequenceFault, read_sequence
from kittiwake.sequence.compile import form_of
from kittiwake.sequence.decompile import call_text, time_text
from kittiwake.sequence.times import US_PER_S, absolute_text, relative_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Dictionary


class Step(NamedTuple):
    """One record of a dry run.

    `offset_us` counts from the start of the sequence, `at_us` from 1970 (UTC). A step is `late` if its absolute time
    lies before the step ahead of it, so that it is sent at once.
    """

    number: int
    offset_us: int
    at_us: int
    late: bool
    time: str
    command: str


def timeline(data: bytes, dictionary: Dictionary, start_us: int) -> list[Step]:
    """The steps of a binary sequence that starts at `start_us`, microseconds since 1970 (UTC).

    Commands are taken to complete at once, so the offsets of relative steps are the earliest ones. Raises
    `SequenceError` as `decompile` does.
    """
    form = form_of(dictionary.config)
    steps: list[Step] = []
    now_us = start_us
    offset = form.header.size
    for number, record in enumerate(read_sequence(data, len(data), allow_empty=True, form=form).records):
        if record.kind == END:
            steps.append(Step(number, now_us - start_us, now_us, False, "", "(end of the sequence)"))
            break
        try:
            command = call_text(record, dictionary, form)
        except (WireError, UnknownName) as fault:
            raise SequenceError(SequenceFault.RECORD, f"record {number}: {fault}", number, offset) from None
        offset += 13 + len(record.packet)
        time_us = record.seconds * US_PER_S + record.microseconds
        late = record.kind == ABSOLUTE and time_us < now_us
        if record.kind == ABSOLUTE:
            now_us = max(now_us, time_us)
        else:
            now_us += time_us
        steps.append(Step(number, now_us - start_us, now_us, late, time_text(record), command))
    return steps


def render_timeline(steps: Iterable[Step]) -> str:
    """The steps as lines: number, offset from the start, UTC, the record's own time, command; late ones are marked."""
    lines = []
    for step in steps:
        offset = f"+{relative_text(*divmod(step.offset_us, US_PER_S))}"
        at = absolute_text(*divmod(step.at_us, US_PER_S))
        late = " (late: its time has passed)" if step.late else ""
        lines.append(f"{step.number + 1:5}  {offset:<16}  {at:<25}  {step.time:<26}  {step.command}{late}")
    return "\n".join(lines)
