"""`kittiwake ground` against a running deployment, each in a process of its own."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake_ground.link import make_link
from kittiwake_ground.station import Station
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import KITTIWAKE, Device, build
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = ROOT / "tests" / "framework" / "cli" / "small.yaml"
NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
TIMEOUT_S = 50.0


class Line(NamedTuple):
    """The two ends of a link, as each side names it, and the framing."""

    device: str
    ground: str
    framing: str = "ccsds"


class Ground:
    """Runs `kittiwake ground` on its end of a link."""

    def __init__(self, line: Line, dictionary: Path, folder: Path) -> None:
        self._options = ["--link", line.ground, "--framing", line.framing, "-d", str(dictionary)]
        self._folder = folder

    def command(self, action: str, *arguments: object) -> list[str]:
        """The command line of an action."""
        return [KITTIWAKE, "ground", action, *self._options, *[str(argument) for argument in arguments]]

    def __call__(self, action: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(action, *arguments),
            cwd=self._folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The image and the dictionary of a small deployment."""
    return build(SMALL, tmp_path_factory.mktemp("small"))


def make_line(kind: str, stack: ExitStack) -> Line:
    """A link of a kind, on ports that are free."""
    port, other = free_port(), free_port()
    if kind == "serial":
        cable = stack.enter_context(SerialCable())
        return Line(*[f"serial://{end}?baud=921600" for end in cable.ends])
    if kind == "udp":
        return Line(f"udp://127.0.0.1:{other}?listen={port}", f"udp://127.0.0.1:{port}?listen={other}")
    ends = (f"tcp-listen://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}")
    if kind == "tcp-client":
        return Line(ends[1], ends[0])
    return Line(*ends, framing="fprime" if kind == "fprime" else "ccsds")


@pytest.fixture
def start(small: tuple[Path, Path], tmp_path: Path) -> Iterator[Callable[..., tuple[Device, Ground]]]:
    """Starts a deployment on a link of a kind, and gives it with the ground at the other end."""
    with ExitStack() as stack:

        def run(kind: str = "tcp") -> tuple[Device, Ground]:
            line = make_line(kind, stack)
            device = stack.enter_context(Device(small[0], tmp_path / "root", line.device, ["--framing", line.framing]))
            device.await_line("TimeQualityChanged")
            return device, Ground(line, small[1], tmp_path)

        yield run


def events_of(out: str) -> list[str]:
    """The mnemonics of the events of the dispatcher in what was printed."""
    lines = [line for line in out.splitlines() if " CdhCore.cmdDisp." in line]
    return [line.partition(" CdhCore.cmdDisp.")[2].partition(":")[0] for line in lines]


@pytest.mark.parametrize("kind", ["tcp", "tcp-client", "udp", "serial", "fprime"])
def test_a_command_is_sent_and_its_events_are_printed(kind: str, start: Callable[..., tuple[Device, Ground]]) -> None:
    _, ground = start(kind)
    sent = ground("send", NO_OP)
    assert (sent.returncode, sent.stderr) == (0, "")
    assert sorted(events_of(sent.stdout)) == ["NoOpReceived", "OpCodeCompleted", "OpCodeDispatched"]


@pytest.mark.parametrize("kind", ["tcp", "udp", "serial", "fprime"])
def test_a_file_goes_up_and_comes_back_the_same(
    kind: str, start: Callable[..., tuple[Device, Ground]], tmp_path: Path
) -> None:
    device, ground = start(kind)
    content = random.Random(2).randbytes(50_001)
    (tmp_path / "sent").write_bytes(content)
    up = ground("upload", "sent", "/kept.bin")
    assert (up.returncode, up.stdout.splitlines()[-1]) == (0, "/kept.bin: 50001 bytes"), up.stderr
    assert (device.root / "kept.bin").read_bytes() == content
    down = ground("download", "/kept.bin", "back")
    assert down.returncode == 0, down.stderr
    assert (tmp_path / "back").read_bytes() == content
    assert not (tmp_path / "back.part").exists()


def test_an_empty_file_goes_up_and_comes_back(start: Callable[..., tuple[Device, Ground]], tmp_path: Path) -> None:
    _, ground = start()
    (tmp_path / "sent").write_bytes(b"")
    assert ground("upload", "sent", "/empty").returncode == 0
    (tmp_path / "back").mkdir()
    assert ground("download", "/empty", "back").returncode == 0
    assert (tmp_path / "back" / "empty").read_bytes() == b""


def test_a_command_that_fails_ends_with_1_and_its_reason(start: Callable[..., tuple[Device, Ground]]) -> None:
    _, ground = start()
    sent = ground("send", "FileHandling.fileManager.RemoveFile", "/missing", "false")
    assert sent.returncode == 1
    assert "OpCodeError" in sent.stdout
    assert sent.stderr.startswith("kittiwake ground send: FileHandling.fileManager.RemoveFile failed: EXECUTION_ERROR")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["CdhCore.cmdDisp.CMD_NOOP"], "did you mean CdhCore.cmdDisp.CMD_NO_OP?"),
        ([NO_OP, "5"], "takes 0 arguments (none), not 1"),
        (["CdhCore.cmdDisp.CMD_TEST_CMD_1", "1", "2.0", "256"], "arg3: 256 is outside U8"),
        (["CdhCore.version.VERSION", "ALLL"], "did you mean ALL?"),
    ],
)
def test_a_command_that_cannot_be_sent_is_misuse_and_needs_no_link(
    arguments: list[str], said: str, small: tuple[Path, Path], tmp_path: Path
) -> None:
    nobody = Line("", f"tcp://127.0.0.1:{free_port()}")
    sent = Ground(nobody, small[1], tmp_path)("send", *arguments)
    assert (sent.returncode, sent.stdout) == (2, "")
    assert said in sent.stderr


def test_the_answer_to_an_earlier_ground_is_not_taken_for_ours(
    start: Callable[..., tuple[Device, Ground]], small: tuple[Path, Path]
) -> None:
    device, ground = start()
    with make_link(device.link.replace("tcp-listen", "tcp")) as link:
        earlier = Station(link, load_dictionary(str(small[1])), "ccsds", print)
        earlier.connect(TIMEOUT_S)
        earlier.send_command(NO_OP, [])
    device.await_line("OpCodeCompleted")
    sent = ground("send", NO_OP)
    assert sent.returncode == 0
    assert sorted(events_of(sent.stdout)) == ["NoOpReceived", "OpCodeCompleted", "OpCodeDispatched"]


def test_nobody_at_the_other_end_is_said_after_the_time_given(small: tuple[Path, Path], tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    for link, said in (
        (f"tcp://127.0.0.1:{port}", "Connection refused"),
        (f"tcp-listen://127.0.0.1:{port}", "no deployment has connected"),
        ("serial:///dev/does-not-exist", "No such file or directory"),
    ):
        sent = Ground(Line("", link), small[1], tmp_path)("send", NO_OP, "--connect-timeout", "0.3")
        assert (sent.returncode, sent.stdout) == (1, "")
        assert said in sent.stderr
        assert "Traceback" not in sent.stderr
    link = f"udp://127.0.0.1:{port}?listen={other}"
    sent = Ground(Line("", link), small[1], tmp_path)("send", NO_OP, "--timeout", "0.5")
    assert (sent.returncode, sent.stderr) == (1, f"kittiwake ground send: {NO_OP} was not answered within 0.5 s\n")


def test_events_are_chosen_by_severity_and_name_and_come_as_json(start: Callable[..., tuple[Device, Ground]]) -> None:
    _, ground = start()
    ground("send", "FileHandling.fileManager.RemoveFile", "/missing", "false")
    heard = ground("events", "--json", "--severity", "ACTIVITY_HI", "--wait", "1", "ComCcsds.*")
    events = [json.loads(line) for line in heard.stdout.splitlines()]
    assert heard.returncode == 0
    assert "ComCcsds.link.LinkEstablished" in [event["name"] for event in events]
    assert all(event["name"].startswith("ComCcsds.") for event in events)
    assert all(event["severity"] not in ("ACTIVITY_LO", "DIAGNOSTIC") for event in events)
    wrong = ground("events", "ComCcsds.link.LinkEstablishd")
    assert wrong.returncode == 1
    assert "did you mean ComCcsds.link.LinkEstablished?" in wrong.stderr


def test_channels_print_the_last_value_of_each(start: Callable[..., tuple[Device, Ground]]) -> None:
    _, ground = start()
    heard = ground("channels", "--json", "--wait", "2.5", "ComCcsds.link.*")
    channels = [json.loads(line) for line in heard.stdout.splitlines()]
    names = [channel["name"] for channel in channels]
    assert heard.returncode == 0, heard.stderr
    assert "ComCcsds.link.BytesDown" in names
    assert len(set(names)) == len(names)
    assert next(one["value"] for one in channels if one["name"] == "ComCcsds.link.BytesDown") > 0


def test_a_watch_that_follows_connects_again(
    start: Callable[..., tuple[Device, Ground]],
) -> None:
    device, ground = start()
    process = subprocess.Popen(
        ground.command("events", "--follow", "ComCcsds.link.LinkEstablished"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "LinkEstablished" in process.stdout.readline()
        device.kill()
        device.start()
        assert "LinkEstablished" in process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=TIMEOUT_S)[1]
    assert process.returncode == 130
    assert said.endswith("connected again\n")
    assert "Traceback" not in said


def test_a_file_that_the_deployment_refuses_is_named_with_its_reason(
    start: Callable[..., tuple[Device, Ground]], tmp_path: Path
) -> None:
    _, ground = start()
    (tmp_path / "sent").write_bytes(b"x" * 5000)
    up = ground("upload", "sent", "../../outside")
    assert up.returncode == 1
    assert up.stderr == "kittiwake ground upload: Could not open file ../../outside: leads outside the root\n"
    (tmp_path / "back").write_text("old")
    down = ground("download", "/missing", "back")
    assert down.returncode == 1
    assert "FileOpenError" in down.stdout
    assert down.stderr == "kittiwake ground download: FileHandling.fileDownlink.SendFile failed: EXECUTION_ERROR\n"
    assert (tmp_path / "back").read_text() == "old"
    assert ground("upload", "absent", "/x").stderr == "kittiwake ground upload: absent: No such file or directory\n"
    assert ground("download", "/x", "no/such/folder/x").returncode == 2


def test_a_startup_sequence_runs_from_the_start_after_its_upload_until_it_is_removed(
    reference: tuple[Path, Path], start_device: Callable[..., Device], tmp_path: Path
) -> None:
    source = ROOT / "sequences" / "startup.seq"
    compiled = [KITTIWAKE, "seq", "compile", str(source), "-d", str(reference[1]), "-o", str(tmp_path / "startup.bin")]
    subprocess.run(compiled, check=True, timeout=TIMEOUT_S, capture_output=True)
    port = free_port()
    ground = Ground(Line("", f"tcp://127.0.0.1:{port}"), reference[1], tmp_path)
    device = start_device(f"tcp-listen://127.0.0.1:{port}")
    assert ground("upload", "startup.bin", "/startup.bin").returncode == 0
    assert device.stop() == 0
    device.start()
    device.await_line("startup sequence ends")
    assert ground("send", "FileHandling.fileManager.RemoveFile", "/startup.bin", "false").returncode == 0
    assert device.stop() == 0
    device.start()
    device.await_line("StartupSequenceAbsent")
