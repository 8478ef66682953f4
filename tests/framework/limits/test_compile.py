"""Files of limits: compiled against a dictionary, every fault with its place, and back to the same text."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.faults import Faults
from kittiwake.limits.compile import compile_limits
from kittiwake.limits.condition import Place, as_sent, condition_text, parse_condition
from kittiwake.limits.decompile import decompile_limits
from kittiwake.limits.table import ALL_MODES, Comparison, Response, State, TableFault, Trigger, read_table
from kittiwake.model.types import F32
from kittiwake.topology.compile import load_topology
from tests.framework.limits.station import TOPOLOGY


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return read_dictionary(export_dictionary(load_topology(TOPOLOGY), "1"), "station")


TEXT = """\
limits: Power
watchpoints:
  low:
    channel: Limited.probe.Volts
    is: '< 6.7'
    samples: 3
  red:
    channel: Limited.probe.Volts
    is: 'outside 6 to 10'
    hold_s: 2.5
  second:
    channel: Limited.probe.Pair[1]
    is: '== -3'
  inner:
    channel: Limited.probe.Nested.pair[0]
    is: '>= 2'
  on:
    channel: Limited.probe.Nested.on
    is: '== true'
  mode:
    channel: Limited.probe.Mode
    is: '!= BUSY'
  nan:
    channel: Limited.probe.Volts
    is: 'invalid'
  gone:
    channel: Limited.probe.Volts
    silent_s: 30
actionpoints:
  shed:
    when: low and not (red or second) or inner and on
    command: 'CdhCore.cmdDisp.CMD_NO_OP_STRING "low"'
    most: 3
  safe:
    when: mode
    safe_mode: true
    state: passive
    modes: [NORMAL, PAYLOAD]
  note:
    event: CdhCore.cmdDisp.NoOpReceived
    state: disabled
"""


def test_every_kind_of_point_comes_back_as_its_text(dictionary: Dictionary) -> None:
    data = compile_limits(TEXT, "power.yaml", dictionary)
    assert decompile_limits(data, dictionary) == TEXT


def test_the_table_says_what_the_text_says(dictionary: Dictionary) -> None:
    table = read_table(compile_limits(TEXT, "power.yaml", dictionary))
    low, red, second, inner, on, mode, *_ = table.watchpoints
    volts = dictionary.channels["Limited.probe.Volts"].id
    assert (low.channel, low.code, low.samples, low.hold_ms) == (volts, "f", 3, 0)
    assert low.low == struct.unpack(">f", struct.pack(">f", 6.7))[0]
    assert (red.comparison, red.low, red.high, red.hold_ms) == (Comparison.OUTSIDE, 6.0, 10.0, 2500)
    assert (second.offset, second.code, second.low) == (4, "i", -3)
    assert (inner.offset, on.offset, on.comparison) == (1, 0, Comparison.NOT_EQUAL)
    assert (mode.comparison, mode.low) == (Comparison.NOT_EQUAL, 7)
    shed, safe, note = table.actionpoints
    assert (shed.most, shed.response, shed.state, shed.modes) == (3, Response.COMMAND, State.ACTIVE, ALL_MODES)
    assert shed.command.endswith(b"\0\3low")
    assert (safe.response, safe.state, safe.modes) == (Response.SAFE_MODE, State.PASSIVE, 1 << 2 | 1 << 4)
    assert (note.trigger, note.event) == (Trigger.EVENT, dictionary.events["CdhCore.cmdDisp.NoOpReceived"].id)


def test_limits_of_the_dictionary_can_be_named(dictionary: Dictionary) -> None:
    text = "limits: L\nwatchpoints:\n"
    for name, channel, colour in (("a", "Volts", "red"), ("b", "Volts", "yellow"), ("c", "Level", "orange")):
        text += f"  {name}: {{channel: Limited.probe.{channel}, is: beyond {colour}}}\n"
    table = read_table(compile_limits(text + "actionpoints: {}\n", "l.yaml", dictionary))
    found = [(one.comparison, one.low, one.high) for one in table.watchpoints]
    assert found == [(Comparison.OUTSIDE, 6.0, 10.0), (Comparison.LESS, 6.5, 0.0), (Comparison.GREATER, 200, 0)]


def test_a_sequence_is_a_command_of_its_sequencer_that_answers_at_the_end(dictionary: Dictionary) -> None:
    point = "{event: CdhCore.cmdDisp.NoOpReceived, sequence: /s.bin, sequencer: Limited.seq}"
    data = compile_limits(f"limits: L\nactionpoints:\n  a: {point}\n", "l.yaml", dictionary)
    assert """command: 'Limited.seq.CS_RUN "/s.bin", BLOCK'""" in decompile_limits(data, dictionary)


WATCHPOINT_ROW = 3
FAULTS = [
    ("  w: {channel: Limited.probe.Vols, is: '< 1'}", 3, 16, "no channel Limited.probe.Vols"),
    ("  w: {channel: Limited.probe.Pair, is: '< 1'}", 3, 16, "no number"),
    ("  w: {channel: 'Limited.probe.Pair[2]', is: '< 1'}", 3, 16, "no element 2"),
    ("  w: {channel: Limited.probe.Nested.off, is: '< 1'}", 3, 16, "no member off"),
    ("  w: {channel: Limited.probe.Named.count, is: '< 1'}", 3, 16, "behind a text"),
    ("  w: {channel: Limited.probe.Volts, is: 'about 3'}", 3, 41, "no condition"),
    ("  w: {channel: Limited.probe.Volts, is: '< x'}", 3, 41, "'x' is no number"),
    ("  w: {channel: Limited.probe.Volts, is: 'within 3 to 2'}", 3, 41, "empty"),
    ("  w: {channel: Limited.probe.Volts, is: '< nan'}", 3, 41, "NaN"),
    ("  w: {channel: Limited.probe.Volts, is: '< 1e39'}", 3, 41, "outside F32"),
    ("  w: {channel: Limited.probe.Volts, is: 'beyond blue'}", 3, 41, "not blue"),
    ("  w: {channel: 'Limited.probe.Pair[0]', is: 'beyond red'}", 3, 45, "no red limits"),
    ("  w: {channel: 'Limited.probe.Pair[0]', is: 'invalid'}", 3, 45, "only a float"),
    ("  w: {channel: 'Limited.probe.Pair[0]', is: '> 2147483648'}", 3, 45, "outside I32"),
    ("  w: {channel: Limited.probe.Mode, is: '== BUSI'}", 3, 40, "no constant"),
    ("  w: {channel: Limited.probe.Nested.on, is: '> true'}", 3, 45, "boolean"),
    ("  w: {channel: Limited.probe.Mode, is: '== BUSY', samples: 2}", 3, 60, "equal values cannot be counted"),
    ("  w: {channel: Limited.probe.Mode, silent_s: 2}", 3, 46, "its silence says nothing"),
    ("  w: {channel: Limited.probe.Volts, silent_s: 2, samples: 3}", 3, 59, "does not go with"),
    ("  w: {channel: Limited.probe.Volts, is: '< 1', samples: 0}", 3, 57, "from 1 to 10000"),
    ("  w: {channel: Limited.probe.Volts, is: '< 1', hold_s: soon}", 3, 56, "hold_s is a number"),
    ("  w: {channel: Limited.probe.Volts}", 3, 3, "a condition `is`, or a time `silent_s`"),
    ("  or: {channel: Limited.probe.Volts, is: '< 1'}", 3, 3, "'or' is no name"),
]


ACTION_FAULTS = [
    ("  a: {when: w and v}", 5, 19, "no watchpoint v"),
    ("  a: {when: w, event: CdhCore.cmdDisp.NoOpReceived}", 5, 3, "and not both"),
    ("  a: {event: CdhCore.cmdDisp.NoOpRceived}", 5, 14, "no event"),
    ("  a: {when: w, command: CdhCore.cmdDisp.CMD_NOOP}", 5, 25, "no command"),
    ("  a: {when: w, command: 'CdhCore.cmdDisp.CMD_TEST_CMD_1 1, 2.0, 300'}", 5, 65, "outside U8"),
    ("  a: {when: w, command: ''}", 5, 25, "the command is missing"),
    ("  a: {when: w, command: CdhCore.cmdDisp.CMD_NO_OP, safe_mode: true}", 5, 3, "one response"),
    ("  a: {when: w, safe_mode: false}", 5, 27, "true, or left out"),
    ("  a: {when: w, sequence: /x}", 5, 3, "go together"),
    ("  a: {when: w, sequence: /x, sequencer: Limited.sq}", 5, 41, "no sequencer"),
    ("  a: {when: w, most: -1}", 5, 22, "0 to 65535"),
    ("  a: {when: w, state: off}", 5, 23, "no state"),
    ("  a: {when: w, modes: [NIGHT]}", 5, 24, "no mode"),
    ("  a: {when: w, mods: [NORMAL]}", 5, 16, "no key 'mods'"),
]


@pytest.mark.parametrize("line, row, col, message", FAULTS + ACTION_FAULTS)
def test_a_fault_has_its_place(dictionary: Dictionary, line: str, row: int, col: int, message: str) -> None:
    watchpoint, actionpoints = "  w: {channel: Limited.probe.Volts, is: '< 1'}", f"\n{line}"
    if row == WATCHPOINT_ROW:
        watchpoint, actionpoints = line, " {}"
    text = f"limits: L\nwatchpoints:\n{watchpoint}\nactionpoints:{actionpoints}\n"
    with pytest.raises(Faults) as raised:
        compile_limits(text, "l.yaml", dictionary)
    (fault,) = raised.value.faults
    assert (fault.line, fault.col) == (row, col)
    assert message in fault.message


def test_all_faults_come_at_once(dictionary: Dictionary) -> None:
    lines = "\n".join(line.replace(" w:", f" w{place}:", 1) for place, (line, *_) in enumerate(FAULTS))
    with pytest.raises(Faults) as raised:
        compile_limits(f"limits: L\nwatchpoints:\n{lines}\nactionpoints: {{}}\n", "l.yaml", dictionary)
    assert len(raised.value.faults) == len(FAULTS)


@pytest.mark.parametrize("text", ["", "3", "[]", "limits: L\n", "limits: ' '\nactionpoints: {}\n"])
def test_what_is_no_file_of_limits_is_a_fault(dictionary: Dictionary, text: str) -> None:
    with pytest.raises(Faults):
        compile_limits(text, "l.yaml", dictionary)


def test_a_table_of_another_dictionary_is_not_shown(dictionary: Dictionary) -> None:
    text = "limits: L\nwatchpoints:\n  w: {channel: Limited.probe.Volts, is: '< 1'}\nactionpoints: {}\n"
    data = compile_limits(text, "l.yaml", dictionary)
    other = export_dictionary(load_topology(TOPOLOGY), "1")
    other["telemetryChannels"] = [one for one in other["telemetryChannels"] if "Volts" not in one["name"]]
    other["telemetryPacketSets"] = []
    with pytest.raises(TableFault, match="another dictionary"):
        decompile_limits(data, read_dictionary(other, "other"))


@given(st.floats(width=32, allow_nan=False))
def test_a_number_of_32_bits_is_shown_so_that_it_compiles_to_itself(number: float) -> None:
    form = F32
    place = Place(0, form, "f")  # type: ignore[arg-type]
    text = condition_text(Comparison.LESS, number, 0, form)  # type: ignore[arg-type]
    assert as_sent(float(text.removeprefix("< ")), place) == number
    channel = None
    assert parse_condition(text, channel, place) == (Comparison.LESS, number, 0)  # type: ignore[arg-type]
