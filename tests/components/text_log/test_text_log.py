"""TextLog: its lines, its rotation, and what it does when it cannot write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import WARNING_HI, PassiveComponent, Size, event
from kittiwake.model.codec import packer
from kittiwake.model.events import Severity
from kittiwake.model.types import U32
from kittiwake.runtime.tags import BASE_SHIFT, TB_PROC_TIME, TB_WORKSTATION_TIME
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import TextLog
from kittiwake_components.text_log.component import time_text
from tests.framework.runtime.wired import deploy

TAG = TB_WORKSTATION_TIME << BASE_SHIFT | 1_767_225_600_000_001
SPEAKER = 0x2000


class Speaker(PassiveComponent):
    @event(WARNING_HI, "{number} of {what}")
    def said(self, number: U32, what: Annotated[str, Size(200)]) -> None: ...


def log_of(**settings: Any) -> Any:
    """A text log in a deployment with a speaker; the log."""
    deployment, findings = deploy({"log": (TextLog, {"settings": settings}), "speaker": Speaker}, services={})
    log: Any = deployment.instances["log"]
    log.findings = findings
    return log


def say(log: Any, number: int, what: str = "things") -> None:
    arguments = packer([form for _, form in Speaker.__declarations__.events["said"].parameters])(number, what)
    log.log_text(SPEAKER, TAG, Severity.WARNING_HI, arguments)


def lines(log: Any, name: str = "/log.txt") -> list[str]:
    text: bytes = log.platform.files.read(name, 1 << 20)
    return text.decode().splitlines()


def test_a_line_says_when_how_grave_who_and_what() -> None:
    """REQ-TXT-001."""
    log = log_of(file="/log.txt")
    say(log, 3)
    assert lines(log) == ["2026-01-01T00:00:00.000001Z WARNING_HI  speaker.Said: 3 of things"]


def test_the_console_gets_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """REQ-TXT-001."""
    log = log_of(console=True)
    say(log, 4)
    assert capsys.readouterr().out == "2026-01-01T00:00:00.000001Z WARNING_HI  speaker.Said: 4 of things\n"
    assert not log.platform.files.exists("/log.txt")


def test_before_the_clock_is_set_lines_have_the_time_since_boot() -> None:
    """REQ-TXT-001."""
    assert time_text(TB_PROC_TIME << BASE_SHIFT | 12_000_345) == "boot+12.000345"


@given(st.integers(0, 8_000_000_000))
def test_the_date_is_that_of_the_calendar(seconds: int) -> None:
    """REQ-TXT-001."""
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert time_text(TB_WORKSTATION_TIME << BASE_SHIFT | seconds * 1_000_000) == f"{expected:%Y-%m-%dT%H:%M:%S}.000000Z"


def test_an_argument_cannot_forge_a_line() -> None:
    """REQ-TXT-002."""
    log = log_of(file="/log.txt")
    say(log, 1, "one\n2026 FATAL all is lost\x1b[2J")
    [line] = lines(log)
    assert line.endswith(r"1 of one\n2026 FATAL all is lost\x1b[2J")


def test_an_event_that_nobody_declares_is_written_as_bytes() -> None:
    """REQ-TXT-002."""
    log = log_of(file="/log.txt")
    log.log_text(0x777, TAG, Severity.DIAGNOSTIC, b"\x01\xff")
    assert lines(log)[0].endswith("DIAGNOSTIC  0x777: 01ff")


def test_the_file_is_rotated_before_it_exceeds_its_limit_and_so_many_are_kept() -> None:
    """REQ-TXT-003."""
    log = log_of(file="/log.txt", limit_bytes=4096, keep=2)
    for number in range(300):
        say(log, number)
    files = log.platform.files
    assert files.list("/") == ["log.txt", "log.txt.1", "log.txt.2"]
    assert all(files.size(f"/{name}") <= 4096 for name in files.list("/"))
    joined = lines(log, "/log.txt.2") + lines(log, "/log.txt.1") + lines(log)
    numbers = [int(line.split(" of ")[0].rpartition(" ")[2]) for line in joined]
    assert numbers == list(range(numbers[0], 300))


def test_with_nothing_kept_the_full_file_goes() -> None:
    """REQ-TXT-003."""
    log = log_of(file="/log.txt", limit_bytes=4096, keep=0)
    for number in range(300):
        say(log, number)
    assert log.platform.files.list("/") == ["log.txt"]
    assert log.platform.files.size("/log.txt") <= 4096


def test_after_a_restart_lines_are_appended_and_the_limit_still_holds() -> None:
    """REQ-TXT-003."""
    tester: Any = ComponentTester(TextLog, settings={"file": "/log.txt", "limit_bytes": 4096, "keep": 1})
    tester.call.log_text(1, TAG, Severity.FATAL, b"")
    tester.restart()
    tester.call.log_text(2, TAG, Severity.FATAL, b"")
    assert len(tester.read_file("/log.txt").splitlines()) == 2
    tester.write_file("/log.txt", b"x" * 4090)
    tester.restart()
    tester.call.log_text(3, TAG, Severity.FATAL, b"")
    assert len(tester.read_file("/log.txt.1")) == 4090
    assert len(tester.read_file("/log.txt").splitlines()) == 1


@pytest.mark.parametrize("name", ["/folder/absent/log.txt", "/../log.txt", "/folder"])
def test_a_line_that_cannot_be_written_is_counted_and_hurts_nobody(name: str) -> None:
    """REQ-TXT-004."""
    tester: Any = ComponentTester(TextLog, settings={"file": name})
    tester.write_file("/folder/x", b"")
    tester.call.log_text(1, TAG, Severity.FATAL, b"")
    tester.call.log_text(1, TAG, Severity.FATAL, b"")
    assert tester.channels["LinesLost"] == 2
    tester.finish()


def test_a_terminal_that_is_gone_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-TXT-004."""

    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError("gone")

        def flush(self) -> None:
            raise BrokenPipeError("gone")

    log = log_of(console=True)
    monkeypatch.setattr("sys.stdout", Gone())
    say(log, 1)
    assert log.lines_lost == 1


def test_arguments_that_are_not_the_events_are_counted_as_lost() -> None:
    """REQ-TXT-004."""
    log = log_of(file="/log.txt")
    log.log_text(SPEAKER, TAG, Severity.WARNING_HI, b"\x00")
    assert log.lines_lost == 1


def test_without_console_and_file_it_does_nothing() -> None:
    """REQ-TXT-005."""
    log = log_of()
    say(log, 1)
    assert not log._known
    assert log.platform.files.list("/") == []


@pytest.mark.parametrize("setting, bad", [("limit_bytes", 4095), ("keep", -1), ("keep", 101)])
def test_settings_that_make_no_sense_are_refused(setting: str, bad: int) -> None:
    """REQ-TXT-003."""
    check = TextLog.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match="is outside"):
        check(bad)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(TextLog) == []
