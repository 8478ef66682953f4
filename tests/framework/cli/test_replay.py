"""`kittiwake replay`: exit statuses, ends in the middle, steps, and the downlink sent to a ground once more."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from kittiwake.cli import replay as command
from kittiwake.cli import replay_steps
from kittiwake.platform.system_files import SystemFiles
from tests.framework.replay.probe import Probe, flown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = str(tmp_path / "probe.flight")
    flown(path, SystemFiles())
    return path


def test_an_equal_replay_says_how_much_was_compared(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([recording]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("equal: ")
    assert first.endswith("up to 1.700 s of the flight")
    assert second == "it ends there: it was ended"


def test_a_difference_is_told_and_is_status_1(
    recording: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Probe, "text", b"telemetrY")
    assert command.main([recording]) == 1
    report = capsys.readouterr().out.splitlines()
    assert report[0] == "first difference: stream ('ground', 50000): send"
    assert report[1].split() == ["component", "probe.turn"]
    assert report[2].split() == ["message", "probe.turn"]
    assert report[3].split()[:3] == ["time", "0.500000", "s,"]
    assert "byte 8 of" in report[5]
    assert "byte 8 of" in report[6]


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_what_is_no_recording_is_status_2(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_bytes(content)
    assert command.main([str(tmp_path / "other")]) == 2
    assert "is no recording of a flight" in capsys.readouterr().err
    assert command.main([str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err == f"kittiwake replay: {tmp_path}/nothing: No such file or directory\n"
    assert (tmp_path / "other").read_bytes() == content


def test_a_wrong_image_or_a_time_without_keyframe_is_status_2(
    recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").write_bytes(b"no image")
    assert command.main([recording, "--image", str(tmp_path / "other")]) == 2
    assert "no Kittiwake image" in capsys.readouterr().err
    assert command.main([recording, "--from", "1"]) == 2
    assert "no keyframe before that time" in capsys.readouterr().err
    assert command.main([recording, "--link", "udp://127.0.0.1:1?listen=2"]) == 2


def test_steps_are_printed_and_end_where_wanted(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([recording, "--step", "--until", "1.2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:1]] == [["0.500000", "probe.turn"]]
    assert lines[-1] == "it ends there: --until 1.2 is reached"
    assert not any(line.split()[0] == "1.500000" for line in lines)


def test_a_prompt_steps_shows_and_ends(
    recording: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["list", "show probe", "show nobody", "help", "", "next 2", "until 1.4", "show probe", "quit"])
    monkeypatch.setattr(command, "is_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(said))
    assert command.main([recording, "--step"]) == 0
    text = capsys.readouterr().out
    assert "turns = 0" in text
    assert "turns = 2" in text
    assert "there is no instance nobody" in text
    assert replay_steps.HELP in text
    assert text.splitlines()[-1] == "it ends there: it was ended at the prompt"
    assert list(said) == []


def test_a_ground_that_is_sent_nothing_is_not_left_wondering(
    recording: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ground:
        link = f"tcp://127.0.0.1:{ground.getsockname()[1]}"
        assert command.main([recording, "--link", link]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("the ground was sent nothing: in flight none was")


def test_the_downlink_goes_to_a_ground_once_more(
    recording: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LINK", ":Probe")
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as ground:

        def listen() -> None:
            taken, _ = ground.accept()
            with taken:
                while data := taken.recv(1000):
                    heard.append(data)
                    taken.send(b"what a ground says is not heard")

        listener = threading.Thread(target=listen)
        listener.start()
        port = ground.getsockname()[1]
        assert command.main([recording, "--link", f"tcp://127.0.0.1:{port}", "--speed", "100"]) == 0
        listener.join(10.0)
    assert b"".join(heard).count(b"telemetry") == 3
    assert "sent nothing" not in capsys.readouterr().out
    assert command.main([recording, "--link", f"tcp://127.0.0.1:{port}"]) == 1  # nobody is there
    assert "refused" in capsys.readouterr().err
