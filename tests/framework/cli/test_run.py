"""`kittiwake run`: what it refuses says why, without a traceback; what it starts ends when it is told to."""

from __future__ import annotations

import marshal
import os
import signal
import socket
import subprocess
import sys
import time
from binascii import crc32
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main
from kittiwake.cli.run import _take_slot
from kittiwake.cli.run_options import Options
from kittiwake.runtime.image import MAGIC
from kittiwake.storage.slots import Start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAIT_S = 30


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """The image of the small deployment."""
    folder = tmp_path_factory.mktemp("image")
    assert main(["build", str(small), "-o", str(folder)]) == 0
    return folder / "Small.image"


def packed(content: Any) -> bytes:
    body = content if isinstance(content, bytes) else marshal.dumps(content, 4)
    return MAGIC + crc32(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "options, message",
    [
        (["--wrong"], "there is no option --wrong"),
        (["--root"], "--root needs a value"),
        (["--root="], "--root needs a value"),
        (["--quiet=1"], "there is no option --quiet=1"),
        (["another.image"], "one topology or image is started, not"),
        (["--set", "A=B"], "--set wants INSTANCE.SETTING=VALUE, not 'A=B'"),
        (["--set", "gone.x=1"], "the deployment has no instance 'gone'"),
        (["--set", "CdhCore.health.gone=1"], "CdhCore.health.gone: there is no such setting"),
        (["--set", "CdhCore.health.warn_cycles=x"], "CdhCore.health.warn_cycles: 'x' is no number"),
        (["--set", "CdhCore.health.warn_cycles=-1"], "-1 is outside 1 to 1000000"),
        (["--set", "Small.rateGroupDriver.dividers=1,x"], "Small.rateGroupDriver.dividers: 'x' is no number"),
        (["--set", "CdhCore.textLogger.console=maybe"], "'maybe' is neither true nor false"),
        (["-p", "abc"], "needs a host and a port"),
        (["-a", "127.0.0.1", "-p", "99999"], "port 99999 is outside 1 to 65535"),
        (["--link", "smoke://signal"], "'smoke://signal' is no link"),
        (["--link", "tcp-listen://0.0.0.0:5000"], "can be reached by others, and commands are not signed"),
        (["--link", "serial:///dev/ttyS9?baud=9600"], "can be reached by others, and commands are not signed"),
        (["--keys", "k", "--insecure"], "either --keys, or --insecure"),
        (["--framing", "postal"], "the framings are ccsds, fprime, not 'postal'"),
        (["--trace", "gone"], "--trace: the deployment has no instance 'gone'"),
    ],
)
def test_arguments_that_make_no_sense_are_named(
    options: list[str], message: str, image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    status, out, err = kittiwake("run", image, *options)
    assert (status, out) == (2, "")
    assert err.startswith("kittiwake run: ")
    assert message in err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "No such file"),
        ("1 active\n", "uplink.keys:1: a line holds four words"),
        ("", "no key is active; `kittiwake keys new` makes one"),
        (f"1 retired 2026-01-02T03:04:05Z {'00' * 16}\n", "no key is active"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named(
    text: str | None, message: str, image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    if text is not None:
        (folder / "uplink.keys").write_text(text)
    status, out, err = kittiwake("run", image, "--keys", "uplink.keys", "--link", "none")
    assert (status, out) == (1, "")
    assert message in err


def test_a_deployment_without_an_authenticator_takes_no_keys(
    image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    content = marshal.loads(image.read_bytes()[len(MAGIC) + 4 :])
    content["instances"] = [one for one in content["instances"] if not one[1].endswith(":Authenticator")]
    (folder / "plain.image").write_bytes(packed(content))
    assert "the deployment has no authenticator" in kittiwake("run", "plain.image", "--keys", "k").err


def test_a_file_is_wanted(kittiwake: Callable[..., Any]) -> None:
    assert kittiwake("run").err == "kittiwake run: a topology file or an image is missing\n"


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "this is no Kittiwake image"),
        (b"\x00" * 100, "this is no Kittiwake image"),
        (packed({})[:-1], "the image is damaged (its checksum is wrong)"),
        (packed(b""), "the image cannot be read (EOF"),
        (packed(b"\xff\xff"), "the image cannot be read (bad marshal data"),
        (packed([1]), "the image lacks what this version of Kittiwake needs"),
        (packed({"name": "Old"}), "the image lacks what this version of Kittiwake needs"),
    ],
)
def test_a_file_that_is_no_image_is_refused(
    data: bytes, message: str, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    (folder / "bad.image").write_bytes(data)
    status, _, err = kittiwake("run", "bad.image")
    assert status == 1
    assert err.startswith(f"kittiwake run: bad.image: {message}")
    assert "build it again" in err


@pytest.mark.parametrize("path", ["kittiwake_components.health.component:Gone", "kittiwake_components.gone:Health"])
def test_an_image_of_components_that_are_gone_says_so(
    path: str, image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    content = marshal.loads(image.read_bytes()[len(MAGIC) + 4 :])
    name, _, *rest = content["instances"][0]
    content["instances"][0] = (name, path, *rest)
    (folder / "old.image").write_bytes(packed(content))
    status, _, err = kittiwake("run", "old.image", "--link", "none")
    assert status == 1
    assert err.startswith(f"kittiwake run: the component {path} cannot be loaded")


def test_files_and_folders_that_cannot_be_used_are_named(
    image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    assert kittiwake("run", "gone.image")[::2] == (1, "kittiwake run: gone.image: No such file or directory\n")
    assert kittiwake("run", folder)[::2] == (1, f"kittiwake run: {folder}: Is a directory\n")
    status, _, err = kittiwake("run", "gone.yaml")
    assert status == 1
    assert err.splitlines()[0] == "gone.yaml:1:1: cannot be read: No such file or directory"
    (folder / "file").touch()
    status, _, err = kittiwake("run", image, "--root", "file")
    assert (status, err) == (1, f"kittiwake run: {folder}/file: File exists\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_what_is_queued_is_flushed(number: signal.Signals, image: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        device = subprocess.Popen(
            [sys.executable, "-m", "kittiwake.cli.main", "run", str(image), "--root", str(folder / "root"),
             "--link", f"tcp-listen://127.0.0.1:{port}", "--trace", "*"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert device.stdout is not None
        lines = []
        for line in device.stdout:
            lines.append(line)
            if "LinkFailed" in line:
                break
        device.send_signal(number)
        out, err = device.communicate(timeout=WAIT_S)
    assert "Address already in use" in lines[-1]
    assert (device.returncode, err) == (0, "")
    assert out.splitlines()[-1] == f"stopped: signal {number.value}"
    assert "longest us  connection" in out
    assert "Small.rateGroupDriver.cycle_out[0] -> Small.rateGroup10Hz.cycle_in" in out


def test_signals_that_come_while_it_ends_change_nothing(image: Path, folder: Path) -> None:
    device = subprocess.Popen(
        [sys.executable, "-m", "kittiwake.cli.main", "run", str(image), "--root", "root", "--link", "none"],
        stdout=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    assert device.stdout is not None
    assert any("TimeQualityChanged" in line for line in iter(device.stdout.readline, "")), "it did not start"
    device.send_signal(signal.SIGINT)
    while device.poll() is None:  # up to its very end, which sends nothing to a process that has none
        device.send_signal(signal.SIGTERM)
        time.sleep(0.0005)
    out, _ = device.communicate()
    assert (device.returncode, out.splitlines()[-1]) == (0, f"stopped: signal {signal.SIGINT.value}")


@pytest.mark.parametrize("way", ["dev", "supervise"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_stopped_before_it_heeds_signals_has_ended_in_order(
    way: str, number: signal.Signals, small: Path, folder: Path
) -> None:
    young = folder / "kittiwake"  # as a deployment is while its interpreter starts
    young.write_text(f"#!{sys.executable}\nimport signal, time\nsignal.signal(2, 0)\nprint('up', flush=True)\n"
                     "time.sleep(60)\n")  # fmt: skip
    young.chmod(0o755)
    code = f"import sys\nsys.argv[0] = {str(young)!r}\nfrom kittiwake.cli.{way} import main\n"
    arguments = [str(small)] if way == "supervise" else ["--dev", str(small)]
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}sys.exit(main({arguments!r}))"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        parent.send_signal(number)
        assert parent.wait(WAIT_S) == 0


def test_a_root_that_another_deployment_uses_is_refused_until_that_was_killed(
    image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    command = [sys.executable, "-m", "kittiwake.cli.main", "run", str(image), "--root", "root", "--link", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as device:
        assert device.stdout is not None
        assert device.stdout.readline()
        status, _, err = kittiwake("run", image, "--root", folder / "root", "--link", "none")
        device.kill()
    assert status == 1
    assert err.startswith(f"kittiwake run: another deployment keeps its files in {folder}/root: end it, or name")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as device:
        assert device.stdout is not None
        assert device.stdout.readline(), "the claim outlived its process"
        device.kill()


@pytest.mark.parametrize("before, after", [("", "/slots/a/packages"), ("/mine", "/slots/a/packages:/mine")])
def test_programs_beside_a_deployment_are_of_the_release_that_a_slot_holds(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Start("a", "/slots/a/image", "/slots/a/packages")
    monkeypatch.setattr("kittiwake.storage.slots.choose_start", lambda *_: start)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", before)
    options = Options()
    options.slots, options.quiet = str(tmp_path), True
    _take_slot(options)
    assert (sys.path[0], os.environ["PYTHONPATH"]) == ("/slots/a/packages", after)
    assert options.file == "/slots/a/image"
