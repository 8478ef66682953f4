"""Other programs, run to their end: output, input, status, limits of time and size, on the machine and simulated."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from kittiwake.platform.interface import Finished
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform

PROGRAMS = SystemPlatform().programs


def _python(code: str, *arguments: str, given: bytes = b"", time_limit_s: float = 20.0, limit: int = 65536) -> Finished:
    return PROGRAMS.run([sys.executable, "-c", code, *arguments], given=given, time_limit_s=time_limit_s, limit=limit)


def test_status_and_both_outputs_come_back() -> None:
    finished = _python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert finished == Finished(3, "out\n", "err\n")


def test_arguments_go_through_no_shell() -> None:
    odd = "$(id); `id` \"'\\ * \n;&|"
    assert _python("import sys; sys.stdout.write(sys.argv[1])", odd).output == odd


def test_what_is_given_is_its_input() -> None:
    assert _python("import sys; sys.stdout.write(sys.stdin.read()[::-1])", given=b"secret").output == "terces"
    assert _python("print(open('/dev/stdin').read())", given=b"by its name").output == "by its name\n"


def test_much_goes_both_ways_at_once() -> None:
    """More than the pipes hold, so that neither side may wait for the other."""
    data = b"x" * 1_000_000
    code = "import sys\nwhile data := sys.stdin.read(1000):\n sys.stdout.write(data)"
    assert len(_python(code, given=data, limit=2_000_000).output) == len(data)


def test_input_that_nobody_reads_is_no_fault() -> None:
    assert _python("import sys; sys.stdin.close(); print('done')", given=b"x" * 1_000_000).output == "done\n"


def test_output_is_kept_up_to_a_limit_and_the_program_goes_on_to_its_end() -> None:
    finished = _python("import sys; sys.stdout.write('x' * 1000000); sys.exit(5)", limit=100)
    assert finished == Finished(5, "x" * 100, "")


def test_one_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(child)!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    with pytest.raises(TimeoutError, match="took too long"):
        _python(code, time_limit_s=1.5)
    pid = int(child.read_text())
    end_s = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_child_that_holds_the_outputs_does_not_keep_it_waiting() -> None:
    code = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
print("done")
"""
    begin_s = time.monotonic()
    assert _python(code).output == "done\n"
    assert time.monotonic() - begin_s < 4


def test_one_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        PROGRAMS.run(["no-such-program-anywhere"], time_limit_s=1.0)
    with pytest.raises(PermissionError):
        PROGRAMS.run(["/dev/null"], time_limit_s=1.0)


def test_a_killed_one_says_so_and_messages_are_in_english() -> None:
    assert _python("import os; os.kill(os.getpid(), 9)").status == -9
    assert _python("import os; print(os.environ['LC_ALL'])").output == "C\n"


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    _python("pass")
    with pytest.raises(TimeoutError):
        _python("import time; time.sleep(9)", time_limit_s=0.1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_simulated_programs_are_functions() -> None:
    programs = SimulatedPlatform().programs
    with pytest.raises(FileNotFoundError):
        programs.run(["echo"], time_limit_s=1.0)
    programs.install("echo", lambda command, given: Finished(0, " ".join(command[1:]) + given.decode()))
    assert programs.run(["echo", "a", "b"], given=b"c", time_limit_s=1.0).output == "a bc"
    assert programs.run(["echo", "abc"], time_limit_s=1.0, limit=2).output == "ab"
    programs.remove("echo")
    with pytest.raises(FileNotFoundError):
        programs.run(["echo"], time_limit_s=1.0)
