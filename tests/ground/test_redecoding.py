"""Raw frames decoded again by another dictionary: what changes is said first, and replaced whole or not at all."""

from __future__ import annotations

import copy
import json
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kittiwake.cli.main import main
from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.load import read_dictionary
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_ground.archive import Archive, Frame, NewEvent, Retention
from kittiwake_ground.redecoding import NothingToDecode, put_in_place, redecode
from tests.ground.server.foreign import COMPLETED, DICTIONARY, TEMPERATURE, said
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_US = 1_700_000_000_000_000
KEEP_ALL = Retention(None, None, None, None, None, None)
NAME = "Ref.heater.Temperature"


def altered() -> dict[str, Any]:
    """The dictionary of the right build: the temperature is an unsigned integer, and an event has other words."""
    made = copy.deepcopy(DICTIONARY)
    made["telemetryChannels"][0]["type"] = {"name": "U32", "kind": "integer", "size": 32, "signed": False}
    for event in made["events"]:
        if event["id"] == COMPLETED:
            event["format"] = "Done: 0x{x}"
    return made


WRONG = read_dictionary(DICTIONARY, "wrong")
RIGHT = read_dictionary(altered(), "right")


def measured(number: int) -> bytes:
    """A packet whose temperature was measured at second `number`, with the value `number`."""
    moment = struct.pack(">HBII", 2, 0, START_US // 1_000_000 + number, 0)
    return struct.pack(">HI", 1, TEMPERATURE) + moment + struct.pack(">I", number)


def fill(archive: Archive, count: int, cut: int = 0) -> None:
    """Archives `count` packets and an event as a server with the wrong dictionary does, a frame a second.

    `cut` bytes of each chunk come with the next one, as TCP cuts them.
    """
    framer = FRAMINGS["fprime"].downlink_framer(FramingParameters())
    deframer = FRAMINGS["fprime"].downlink_deframer(FramingParameters())
    decoder = Decoder(WRONG)
    packets = [measured(number) for number in range(count)] + [said(COMPLETED, (0x500).to_bytes(4, "big"))]
    left = b""
    for number, packet in enumerate(packets):
        data = left + framer.frame(packet) + framer.flush()
        ends = len(data) - cut if number + 1 < len(packets) else len(data)
        chunk, left = data[:ends], data[ends:]
        at_us = START_US + number * 1_000_000 + 7
        archive.add_frames("ref", [Frame(at_us, "down", chunk)])
        for one in deframer.feed(chunk):
            for item in decoder.decode(one):
                if item.name == NAME:
                    archive.add_samples("ref", [(item.name, item.tag, at_us, item.value)])  # type: ignore[union-attr]
                else:
                    archive.add_events("ref", [NewEvent(item.name, "COMMAND", item.tag, at_us, item.text)])
    archive.flush()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive(tmp_path / "archive", KEEP_ALL, commit_interval_s=0.0) as made:
        yield made


def values(archive: Archive) -> list[Any]:
    return [one.value for one in archive.samples("ref", NAME)]


def test_what_changes_is_said_first_and_put_in_place_with_its_roll_ups(archive: Archive) -> None:
    fill(archive, 200)
    before = values(archive)
    found = redecode(archive, "ref", RIGHT, START_US, START_US + 1_000_000_000, "fprime")
    assert values(archive) == before
    shown = found.summary()
    assert (shown["samples_before"], shown["samples_after"], shown["frames"]) == (200, 200, 201)
    assert shown["changed_events"][0]["example"] == "COMMAND Opcode 0x500 completed -> COMMAND Done: 0x500"
    put_in_place(archive, found)
    assert values(archive) == list(range(200))
    assert [one.text for one in archive.events("ref")] == ["Done: 0x500"]
    buckets = archive.buckets("ref", NAME, START_US, START_US + 200_000_000, 4)
    assert sum(buckets.count) == 200
    assert max(buckets.max) == 199
    again = redecode(archive, "ref", RIGHT, START_US, START_US + 1_000_000_000, "fprime")
    assert not again.is_change


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 8), first=st.integers(0, 9), last=st.integers(0, 9), cut=st.integers(0, 12))
def test_of_any_period_what_was_received_in_it_is_replaced_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, count: int, first: int, last: int, cut: int
) -> None:
    """Also where a packet begins before the period and ends in it, or begins in it and ends after it."""
    with Archive(tmp_path_factory.mktemp("period"), KEEP_ALL, commit_interval_s=0.0) as archive:
        fill(archive, count, cut)
        before = archive.samples("ref", NAME)
        start_us, end_us = START_US + first * 1_000_000, START_US + last * 1_000_000
        try:
            put_in_place(archive, redecode(archive, "ref", RIGHT, start_us, end_us, "fprime"))
        except ValueError:
            assert first >= min(last, count + 1)
        after = archive.samples("ref", NAME)
        assert [one.time_us for one in after] == [one.time_us for one in before]
        for old, new in zip(before, after, strict=True):
            inside = start_us <= old.received_us < end_us
            number = (old.time_us - START_US) // 1_000_000
            assert new.value == (number if inside else old.value)
            assert new.received_us == old.received_us


def test_what_frames_do_not_tell_stays(archive: Archive) -> None:
    fill(archive, 3)
    other, tag = START_US + 500, 2 << 64 | START_US + 500
    archive.add_samples("ref", [("Ground.derived", tag, START_US + 7, 1.0), (NAME, tag, other, 2.0)])
    archive.add_events("ref", [NewEvent("Ref.x.Other", "FATAL", tag, other, "of another way")])
    archive.flush()
    found = redecode(archive, "ref", RIGHT, START_US, START_US + 60_000_000, "fprime")
    assert found.kept == 1
    put_in_place(archive, found)
    assert values(archive) == [0, 2.0, 1, 2]
    assert [one.value for one in archive.samples("ref", "Ground.derived")] == [1.0]
    assert {one.name for one in archive.events("ref")} == {"Ref.x.Other", "Ref.dispatcher.OpCodeCompleted"}


def test_samples_that_vanish_take_their_roll_ups_along(archive: Archive) -> None:
    """A dictionary whose channel has another id decodes none of them: the statistics say so, too."""
    fill(archive, 130)
    made = altered()
    made["telemetryChannels"][0]["id"] = TEMPERATURE + 1
    found = redecode(archive, "ref", read_dictionary(made, "gone"), START_US, START_US + 60_000_000, "fprime")
    assert found.undecodable == 60
    put_in_place(archive, found)
    assert len(values(archive)) == 70
    whole = archive.buckets("ref", NAME, START_US, START_US + 600_000_000, 2)
    assert sum(whole.count) == 70


def test_without_frames_and_for_too_much_it_is_refused(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NothingToDecode, match="raw_frames"):
        redecode(archive, "ref", RIGHT, 0, START_US)
    with pytest.raises(ValueError, match="ends before it begins"):
        redecode(archive, "ref", RIGHT, 5, 5)
    fill(archive, 5)
    monkeypatch.setattr("kittiwake_ground.redecoding.MAX_ITEMS", 3)
    with pytest.raises(ValueError, match="choose a shorter one"):
        redecode(archive, "ref", RIGHT, START_US, START_US + 60_000_000, "fprime")


def test_a_kill_leaves_the_old_samples_or_the_new_ones(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with Archive(folder, KEEP_ALL, commit_interval_s=0.0) as archive:
        fill(archive, 400)
        wrong = values(archive)
    for name, made in (("wrong", DICTIONARY), ("right", altered())):
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    command = [sys.executable, "-m", "tests.ground.redecoding_process", str(folder), str(START_US)]
    command += [str(START_US + 1_000_000_000), str(tmp_path / "right.json"), str(tmp_path / "wrong.json")]
    for attempt in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + attempt * 0.041)  # somewhere in the midst of it; every moment must do
        process.kill()
        process.wait(10)
        process.stdout.close()
        with Archive(folder, KEEP_ALL) as archive:
            found = values(archive)
            assert found in (wrong, list(range(400)))
            texts = [one.text for one in archive.events("ref")]
            assert texts == ["Done: 0x500" if found != wrong else "Opcode 0x500 completed"]
            assert sum(archive.buckets("ref", NAME, START_US, START_US + 400_000_000, 5).count) == 400


def test_the_command_line_says_what_changes_and_then_does_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Archive(tmp_path / "archive", KEEP_ALL, commit_interval_s=0.0) as archive:
        fill(archive, 3)
    path = tmp_path / "right.json"
    path.write_text(json.dumps(altered()))
    words = ["ground", "redecode", "--archive", str(tmp_path / "archive"), "--dictionary", str(path)]
    words += ["--from", "2023-11-14T22:13:20Z", "--to", "2023-11-14T22:14:00Z", "--framing", "fprime"]
    assert main([*words, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "samples: 3 before, 3 after, 0 the same" in out
    assert "nothing is written: it is a dry run" in out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] is True
    assert main(words) == 0
    assert "nothing changes" in capsys.readouterr().out
    assert main([*words, "--deployment", "nobody"]) == 2
    assert main([*words[:2], "--archive", str(tmp_path), *words[4:]]) == 1
    with Archive(tmp_path / "archive", KEEP_ALL):
        assert main(words) == 1
        assert "in use" in capsys.readouterr().err
