"""`kittiwake up`: builds a topology, starts its deployment, and serves the ground station in front of it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.supervise import DATAGRAM_BYTES, end_with_parent
from kittiwake.storage.root import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_TIMEOUT_S = 10.0
"""How long the deployment has to end when it is asked to; then it is killed."""

NAME = "station"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    from kittiwake.cli.run_options import DEFAULT_LINK
    from kittiwake_ground import configuration

    link_port = int(DEFAULT_LINK.rpartition(":")[2])
    port = configuration.DEFAULT_PORT
    made = argparse.ArgumentParser(
        "kittiwake up", description="Build a topology, start its deployment, and serve the ground station in front."
    )
    made.add_argument("topology", type=Path, help="topology file (YAML)")
    made.add_argument("--build", type=Path, default=Path("build"), metavar="DIR", help="default: build")
    made.add_argument("--root", type=Path, metavar="DIR", help="where the deployment keeps its files")
    made.add_argument(
        "--link-port", type=int, default=link_port, metavar="PORT", help="default: %(default)s; 0 takes a free one"
    )
    made.add_argument(
        "--port", type=int, default=port, help="of the ground station (default: %(default)s); 0 takes a free one"
    )
    made.add_argument("--keys", type=Path, metavar="FILE", help="sign commands with the active key of FILE")
    made.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, as `kittiwake run` takes it"
    )
    made.add_argument(
        "--building", metavar="URL,TOKENFILE",
        help="the deployment's building API, and a file that has a token for it, for the dashboard",
    )  # fmt: skip
    made.add_argument("--procedures", type=Path, metavar="DIR", help="a folder of Python procedures for operators")
    made.add_argument("--folder", type=Path, help="for the ground station's archive and files (default: var/ground)")
    made.add_argument("--inspect", action="store_true", help="have the deployment answer `kittiwake top` and `explain`")
    made.add_argument("--quiet", action="store_true", help="do not write the deployment's events to the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Runs both until it is interrupted; 1 if one of them cannot start."""
    return carry_out(parser(), _up, arguments)


def _up(options: argparse.Namespace) -> int:
    from kittiwake.cli.build import build, compile_topology
    from kittiwake_ground.commands import serve

    topology = compile_topology(options.topology)
    if topology is None:
        return 1
    _, image, dictionary = build(topology, options.build)
    port = _bindable("--link-port", options.link_port)
    if options.port:
        _bindable("--port", options.port)
    words = ["--port", str(options.port), "--deployment", f"{NAME}={dictionary},tcp://127.0.0.1:{port}"]
    for option in ("folder", "procedures"):
        if getattr(options, option) is not None:
            words += [f"--{option}", str(getattr(options, option))]
    command = [sys.executable, "-m", "kittiwake.cli.main", "run", str(image)]
    command += ["--link", f"tcp-listen://127.0.0.1:{port}"]
    if options.root is not None:
        command += ["--root", str(options.root)]
    if options.keys is not None:
        command += ["--keys", str(options.keys)]
        words += ["--keys", str(options.keys)]
    command += [word for setting in options.set for word in ("--set", setting)]
    if options.building is not None:
        words += ["--building", options.building]
    command += [flag for flag, is_set in (("--quiet", options.quiet), ("--inspect", options.inspect)) if is_set]
    # The server hands a signal on once it has ended; by itself SIGTERM would then end this process on the spot.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    never_started = threading.Event()
    status = 0
    try:
        with _deployment(command, never_started) as process:
            print(f"Deployment: {topology.name} at tcp://127.0.0.1:{port}, process {process.pid}", flush=True)
            status = serve.main(words)
    except KeyboardInterrupt:
        pass
    return 1 if never_started.is_set() else status


@contextmanager
def _deployment(command: list[str], never_started: threading.Event) -> Iterator[subprocess.Popen[bytes]]:
    """The deployment in a process of its own, which a Ctrl-C on the terminal reaches only through this one.

    It goes with this process, however that ends. Where it ends before it has started, it has said why on the terminal;
    then the event is set, and this process is interrupted.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
        line.bind("")  # to a free name of the abstract namespace (unix(7)), written as sd_notify(3) has it
        address = "@" + line.getsockname()[1:].decode()
        # The thread that watches comes later.
        process = subprocess.Popen(
            command, start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": address},
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )  # fmt: skip
        wanted = threading.Event()

        def watch() -> None:
            status = process.wait()
            if wanted.is_set():
                return
            if _was_ready(line):
                print(f"The deployment has ended with status {status}; the ground station goes on", flush=True)
            else:
                never_started.set()
                os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield process
        finally:
            wanted.set()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _was_ready(line: socket.socket) -> bool:
    """Whether the deployment has said that it had started, as sd_notify(3) has it."""
    with contextlib.suppress(BlockingIOError):
        while True:
            if b"READY=1" in line.recv(DATAGRAM_BYTES).split(b"\n"):
                return True
    return False


def _bindable(option: str, port: int) -> int:
    """The port, or a free one for 0. Raises `ValueError` for one that is taken.

    A deployment waits for its port, as a device must; here the ground station would meanwhile drive whoever has it.
    """
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as fault:
            raise ValueError(f"{option} {port}: {reason_of(fault)}; name another one, or 0 for a free one") from None
        return int(found.getsockname()[1])
