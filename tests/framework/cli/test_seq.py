"""`seq compile|show|check|dryrun`, and the choice of the dictionary."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake.sequence.compile import compile_text
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = """\
; a comment
R00:00:01 CdhCore.cmdDisp.CMD_NO_OP
R00:00:02.5 CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"
A2030-001T00:00:00 CdhCore.cmdDisp.CMD_TEST_CMD_1 -1, 2.5, 3
"""
BAD = """\
R00:00:01 CdhCore.cmdDisp.CMD_NOOP
R00:00:01 CdhCore.cmdDisp.CMD_NO_OP 4
soon CdhCore.cmdDisp.CMD_NO_OP
"""


@pytest.fixture
def sequence(folder: Path) -> Path:
    (folder / "s.seq").write_text(TEXT)
    return folder / "s.seq"


def test_a_sequence_is_compiled_beside_its_text(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    assert kittiwake("seq", "compile", "s.seq", "-d", dictionary) == (0, "s.bin\n", "")
    expected = compile_text(TEXT, "s.seq", load_dictionary(str(dictionary)))
    assert sequence.with_suffix(".bin").read_bytes() == expected


def test_a_topology_serves_instead_of_a_dictionary(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path, small: Path
) -> None:
    assert kittiwake("seq", "compile", "s.seq", "--topology", small, "-o", "to/a.bin").status == 0
    expected = compile_text(TEXT, "s.seq", load_dictionary(str(dictionary)))
    assert (sequence.parent / "to/a.bin").read_bytes() == expected


def test_show_prints_text_that_compiles_to_the_same_file(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    kittiwake("seq", "compile", "s.seq", "-d", dictionary, "--time-base", "2")
    status, out, _ = kittiwake("seq", "show", "s.bin", "-d", dictionary)
    assert status == 0
    assert 'R00:00:02.5 CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"' in out
    sequence.with_name("again.seq").write_text(out)
    kittiwake("seq", "compile", "again.seq", "-d", dictionary, "--time-base", "0x2")
    assert sequence.with_name("again.bin").read_bytes() == sequence.with_suffix(".bin").read_bytes()


def test_all_faults_are_shown_with_their_places_and_no_file_is_written(
    kittiwake: Callable[..., Any], folder: Path, dictionary: Path
) -> None:
    (folder / "bad.seq").write_text(BAD)
    (folder / "bad.bin").write_bytes(b"old")
    status, out, err = kittiwake("seq", "compile", "bad.seq", "-d", dictionary)
    assert (status, out) == (1, "")
    for place in ("bad.seq:1:11:", "bad.seq:2:", "bad.seq:3:1:"):
        assert place in err
    assert "CMD_NO_OP" in err
    assert (folder / "bad.bin").read_bytes() == b"old"


def test_check_goes_through_every_file(kittiwake: Callable[..., Any], sequence: Path, dictionary: Path) -> None:
    sequence.with_name("bad.seq").write_text(BAD)
    assert kittiwake("seq", "check", "s.seq", "-d", dictionary) == (0, "s.seq: 3 commands\n", "")
    status, out, err = kittiwake("seq", "check", "missing.seq", "bad.seq", "s.seq", "-d", dictionary)
    assert (status, out) == (1, "s.seq: 3 commands\n")
    assert "kittiwake seq check: missing.seq: No such file or directory" in err
    assert "bad.seq:3:1:" in err


@pytest.mark.parametrize("start", ["2029-365T23:59:00", "2029-12-31T23:59:00Z"])
def test_a_dry_run_prints_the_timeline(
    start: str, kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    status, out, _ = kittiwake("seq", "dryrun", "s.seq", "--start", start, "-d", dictionary)
    assert status == 0
    times = [line.split()[:3] for line in out.splitlines()]
    assert times == [
        ["1", "+00:00:01", "2029-365T23:59:01"],
        ["2", "+00:00:03.5", "2029-365T23:59:03.5"],
        ["3", "+00:01:00", "2030-001T00:00:00"],
    ]
    kittiwake("seq", "compile", "s.seq", "-d", dictionary)
    assert kittiwake("seq", "dryrun", "s.bin", "--start", start, "-d", dictionary).out == out


def test_a_dry_run_marks_what_is_late(kittiwake: Callable[..., Any], sequence: Path, dictionary: Path) -> None:
    out = kittiwake("seq", "dryrun", "s.seq", "--start", "2031-001T00:00:00", "-d", dictionary).out
    assert [line.endswith("(late: its time has passed)") for line in out.splitlines()] == [False, False, True]


@pytest.mark.parametrize("start", ["soon", "2029-02-30T00:00:00", "2029-366T00:00:00", "1969-001T00:00:00"])
def test_a_start_that_is_no_time_is_misuse(
    start: str, kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    status, out, err = kittiwake("seq", "dryrun", "s.seq", "--start", start, "-d", dictionary)
    assert (status, out) == (2, "")
    assert "argument --start" in err


@pytest.mark.parametrize("action", ["show", "dryrun"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 11, b"\x00" * 40, b"R00:00:01 X"])
def test_a_file_that_is_no_sequence_is_refused_by_name(
    action: str, content: bytes, kittiwake: Callable[..., Any], folder: Path, dictionary: Path
) -> None:
    (folder / "bad.bin").write_bytes(content)
    status, out, err = kittiwake("seq", action, "bad.bin", "-d", dictionary)
    assert (status, out) == (1, "")
    assert err.startswith(f"kittiwake seq {action}: bad.bin: ")


def test_a_byte_order_mark_which_nobody_sees_is_no_fault(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    sequence.write_bytes(b"\xef\xbb\xbf" + sequence.read_bytes())
    assert kittiwake("seq", "check", "s.seq", "-d", dictionary).status == 0


@pytest.mark.parametrize("action", ["compile", "check", "dryrun"])
def test_a_text_that_is_not_utf_8_is_refused_at_its_place(
    action: str, kittiwake: Callable[..., Any], folder: Path, dictionary: Path
) -> None:
    (folder / "bad.seq").write_bytes(b"; one\nR00:\xff\n")
    status, out, err = kittiwake("seq", action, "bad.seq", "-d", dictionary)
    assert (status, out) == (1, "")
    assert "bad.seq:2:5: this is not UTF-8 text" in err


def test_a_time_base_that_does_not_fit_is_refused(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    assert kittiwake("seq", "compile", "s.seq", "-d", dictionary, "--time-base", "65536").status == 1
    assert kittiwake("seq", "compile", "s.seq", "-d", dictionary, "--time-base", "two").status == 2


def test_a_sequence_is_never_written_over_its_own_text(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    assert kittiwake("seq", "compile", "s.seq", "-o", "s.seq", "-d", dictionary).status == 2
    assert sequence.read_text() == TEXT


def test_without_a_dictionary_the_only_built_one_is_taken(
    kittiwake: Callable[..., Any], sequence: Path, dictionary: Path
) -> None:
    build = sequence.parent / "build"
    build.mkdir()
    status, _, err = kittiwake("seq", "check", "s.seq")
    assert status == 2
    assert "-d FILE" in err
    assert "build/*TopologyDictionary.json" in err
    shutil.copy(dictionary, build)
    assert kittiwake("seq", "check", "s.seq").status == 0
    shutil.copy(dictionary, build / "OtherTopologyDictionary.json")
    status, _, err = kittiwake("seq", "check", "s.seq")
    assert status == 2
    assert "OtherTopologyDictionary.json, SmallTopologyDictionary.json" in err


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_dictionary_is_refused_by_name(
    content: bytes | None, kittiwake: Callable[..., Any], sequence: Path
) -> None:
    if content is not None:
        sequence.with_name("d.json").write_bytes(content)
    status, out, err = kittiwake("seq", "compile", "s.seq", "-d", "d.json")
    assert (status, out) == (1, "")
    assert "d.json" in err
    assert not sequence.with_suffix(".bin").exists()


def test_the_startup_sequence_compiles_for_the_reference_deployment(
    kittiwake: Callable[..., Any], folder: Path
) -> None:
    startup, topology = ROOT / "sequences" / "startup.seq", ROOT / "topologies" / "reference.yaml"
    assert kittiwake("seq", "compile", startup, "--topology", topology, "-o", "build/startup.bin").status == 0
    status, out, _ = kittiwake("seq", "show", "build/startup.bin", "--topology", topology)
    assert status == 0
    assert 'CdhCore.cmdDisp.CMD_NO_OP_STRING "startup sequence begins"' in out
