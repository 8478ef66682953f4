"""Programs that run beside a deployment: on the machine, through a real poller, and simulated, in virtual time."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake.platform.interface import Child, Platform
    from kittiwake.platform.simulated_children import Life, SimulatedProcess

SECOND = 1_000_000_000
PATIENCE_S = 20


def spawn(code: str, *arguments: str) -> Child:
    children = SystemPlatform().children
    return children.spawn([children.interpreter, "-c", code, *arguments])


def wait(platform: Platform, fileno: int, *, patience_s: float = PATIENCE_S) -> bool:
    """Whether a descriptor becomes readable in time."""
    poller = platform.poller()
    seen: list[int] = []
    poller.add(fileno, lambda: seen.append(fileno), None)
    end_ns = platform.clock.now_ns() + round(patience_s * SECOND)
    while not seen and platform.clock.now_ns() < end_ns:
        for callback in poller.wait(end_ns):
            callback()
    poller.close()
    return bool(seen)


def ended(child: Child) -> int | None:
    """How a program of the machine ends."""
    assert wait(SystemPlatform(), child.end_fileno())
    status = child.status()
    child.close()
    return status


def said(child: Child, until: Callable[[bytes], bool] = lambda data: data.endswith(b"\n")) -> bytes:
    """What a program of the machine writes, up to a condition or its end."""
    data = b""
    while not until(data):
        assert wait(SystemPlatform(), child.output.fileno())
        piece = child.output.receive(100)
        if piece == b"":
            break
        data += piece or b""
    return data


def test_a_program_is_spoken_to_over_its_pipes() -> None:
    child = spawn("import sys\nfor line in sys.stdin:\n print(line.strip()[::-1], flush=True)\nsys.exit(7)")
    assert child.output.receive(10) is None
    assert child.status() is None
    assert child.input.send(b"abc\n") == 4
    assert said(child) == b"cba\n"
    child.input.close()
    child.input.close()
    assert ended(child) == 7
    assert child.end_fileno() == child.output.fileno() == -1


def test_its_errors_come_apart_and_outputs_end_with_it() -> None:
    child = spawn("import sys; sys.stderr.write('oh'); sys.exit(1)")
    assert wait(SystemPlatform(), child.end_fileno())
    assert child.errors.receive(10) == b"oh"
    assert child.errors.receive(10) == b""
    assert child.output.receive(10) == b""
    assert child.output.overruns() == 0
    with pytest.raises(BrokenPipeError):
        child.input.send(b"x")
    assert ended(child) == 1


def test_it_has_a_session_of_its_own_no_shell_and_only_its_pipes() -> None:
    odd = "$(id); `id` * \n;&|"
    code = "import os, sys; print(os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd'))[:5], sys.argv[1:])"
    os.dup2(1, 150)  # as a shell's `150>lock` leaves it open
    child = spawn(code, odd)
    os.close(150)
    assert said(child) == f"True ['0', '1', '2', '3'] {[odd]}\n".encode()  # 3 lists the folder
    assert ended(child) == 0


def test_nothing_blocks_when_it_reads_nothing() -> None:
    child = spawn("import time; time.sleep(60)")
    sent = 0
    while count := child.input.send(b"x" * 65536):
        sent += count
    assert sent >= 65536
    child.kill()
    assert ended(child) == -9
    child.kill()
    child.terminate()


def test_it_can_be_asked_to_end() -> None:
    child = spawn("import time; print('up', flush=True); time.sleep(60)")
    said(child)
    child.terminate()
    assert ended(child) == -15


def test_what_it_has_started_ends_with_it() -> None:
    """A camera command outlives a sensor that was killed, and would hold the camera."""
    code = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('started', flush=True)
time.sleep(60)
"""
    child = spawn(code)
    said(child)
    os.kill(child.pid, 9)
    assert wait(SystemPlatform(), child.end_fileno())
    assert child.status() == -9
    assert wait(SystemPlatform(), child.output.fileno())  # its own child held that as well
    assert child.output.receive(1) == b""
    child.close()


def test_a_program_that_is_not_there_is_an_error_and_leaves_nothing_open() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        SystemPlatform().children.spawn(["/no/such/program"])
    assert os.listdir("/proc/self/fd") == before


def test_one_that_the_system_cannot_watch_is_not_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def refuse(pid: int) -> int:
        started.append(pid)
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("os.pidfd_open", refuse)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="not implemented"):
        spawn("import time; time.sleep(60)")
    assert os.listdir("/proc/self/fd") == before
    [pid] = started
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_one_that_is_given_up_goes_on(tmp_path: Path) -> None:
    children = SystemPlatform().children
    assert children.interpreter == sys.executable
    gate = str(tmp_path / "gate")
    os.mkfifo(gate)
    code = "import sys; print('up', flush=True); sys.stdin.read(); open(sys.argv[1]).close()"
    child = children.spawn([sys.executable, "-c", code, gate])
    said(child)
    child.close()  # it sees the end of its input, and goes on until somebody comes to the gate
    os.close(os.open(gate, os.O_WRONLY))
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    children.spawn(["true"]).close()
    with pytest.raises(ChildProcessError):  # it is not left behind as a zombie
        os.waitpid(child.pid, 0)


# Simulated


def echo(process: SimulatedProcess) -> Life:
    process.write(b"ready\n")
    while line := (yield None):
        yield 0.5
        process.write(line + b"\n")
    process.write_errors(b"bye")
    return 3


def machine(program: Callable[[SimulatedProcess], Life]) -> tuple[SimulatedPlatform, Child, SimulatedProcess]:
    platform = SimulatedPlatform()
    platform.children.install("program", program)
    child = platform.children.spawn(["program", "x"])
    return platform, child, platform.children.started[0]


def test_a_simulated_program_lives_in_virtual_time() -> None:
    platform, child, process = machine(echo)
    assert process.command == ["program", "x"]
    assert wait(platform, child.output.fileno())
    assert child.output.receive(100) == b"ready\n"
    assert child.input.send(b"on") == 2
    assert not wait(platform, child.output.fileno(), patience_s=1.0)
    child.input.send(b"e\n")
    began_ns = platform.clock.now_ns()
    assert wait(platform, child.output.fileno())
    assert platform.clock.now_ns() == began_ns + SECOND // 2
    assert child.output.receive(100) == b"one\n"
    child.input.close()
    assert wait(platform, child.end_fileno())
    assert (child.status(), child.errors.receive(10), child.output.receive(10)) == (3, b"bye", b"")
    child.close()
    child.close()
    assert child.end_fileno() == -1
    assert platform.children.processes == []


def test_a_simulated_program_hears_a_line_that_comes_while_it_waits_for_a_time() -> None:
    heard: list[bytes | None] = []

    def program(process: SimulatedProcess) -> Life:
        heard.append((yield 10.0))
        heard.append((yield 10.0))
        return 0

    platform, child, _ = machine(program)
    child.input.send(b"stop\nx")
    assert wait(platform, child.end_fileno())
    assert heard == [b"stop", None]
    assert platform.clock.now_ns() == 10 * SECOND


def test_a_simulated_program_can_wait_beyond_the_end_of_its_input() -> None:
    heard: list[bytes | None] = []

    def program(process: SimulatedProcess) -> Life:
        for wait_s in (5.0, 5.0, None):
            heard.append((yield wait_s))
        return 0

    platform, child, _ = machine(program)
    child.input.close()
    assert wait(platform, child.end_fileno())
    assert heard == [b"", None, b""]
    assert platform.clock.now_ns() == 5 * SECOND


def test_simulated_signals_end_a_program_unless_it_says_otherwise() -> None:
    platform, child, process = machine(echo)
    process.ignores_term = True
    child.terminate()
    assert child.status() is None
    process.is_stuck = True
    child.kill()
    assert (child.status(), process.due_ns()) == (None, None)
    process.is_stuck = False
    child.kill()
    assert (child.status(), child.output.receive(1)) == (-9, b"")
    with pytest.raises(BrokenPipeError):
        child.input.send(b"x")
    child.kill()
    assert platform.clock.now_ns() == 0
    assert wait(platform, child.end_fileno())


def test_a_simulated_program_whose_reader_is_gone_ends() -> None:
    platform, child, process = machine(echo)
    child.close()
    platform.children.run_due()
    assert process.status == 1


def test_a_simulated_program_outlives_its_parent_and_not_the_power() -> None:
    platform, child, process = machine(echo)
    wait(platform, child.output.fileno())
    again = platform.restart()
    assert again.children.processes == [process]
    assert process.clock is again.clock
    assert process.files is again.files
    again.children.run_due()
    assert process.status is not None
    again.children.spawn(["program"])
    dark = again.crash()
    assert dark.children.processes == []
    assert dark.children.spawn(["program"]).status() is None
    dark.children.remove("program")
    with pytest.raises(FileNotFoundError) as missing:
        dark.children.spawn(["program"])
    assert missing.value.errno == errno.ENOENT


def test_a_simulated_program_sees_the_end_of_its_input_in_the_time_after_its_parents() -> None:
    platform, child, process = machine(echo)
    wait(platform, child.output.fileno())
    platform.network.latency_ns = NS_PER_S
    again = platform.restart()
    due_ns = again.children.run_due()
    assert due_ns is not None
    assert process.status is None
    again.clock.advance_to(due_ns)
    again.children.run_due()
    assert process.status is not None


def test_a_simulated_program_that_never_waits_is_an_error() -> None:
    def program(process: SimulatedProcess) -> Life:
        while True:
            yield 0.0

    platform, child, _ = machine(program)
    with pytest.raises(RuntimeError, match="goes on for ever"):
        wait(platform, child.output.fileno())
