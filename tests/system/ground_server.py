"""A ground station in a process of its own, as `kittiwake ground serve` runs it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.system.device import KITTIWAKE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
WAIT_S = 50.0


class ServerFault(RuntimeError):
    """The server did not start; the message has what it printed."""


class GroundServer:
    """One server on a free port. `get` and the rest are requests below `/api/v1`."""

    def __init__(self, folder: Path, deployments: Sequence[str], options: Sequence[str] = ()) -> None:
        chosen = [word for one in deployments for word in ("--deployment", one)]
        self.command = [KITTIWAKE, "ground", "serve", "--port", "0", "--folder", str(folder), "--no-dashboard"]
        self.command += [*chosen, *options]
        self.lines: list[str] = []
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self.http = httpx.Client(timeout=WAIT_S + 10)

    def __enter__(self) -> GroundServer:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        addresses: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self.process, addresses), daemon=True)
        self._reader.start()
        try:
            self.url = addresses.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            self.__exit__()
            raise ServerFault("\n".join(self.lines)) from None
        if not self.url:
            self.__exit__()
            raise ServerFault("\n".join(self.lines))
        self.http.base_url = httpx.URL(self.url + "api/v1/")
        return self

    def _read(self, process: subprocess.Popen[str], addresses: queue.SimpleQueue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ground station: "):
                addresses.put(line.split()[-1])
        addresses.put("")

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(STOP_TIMEOUT_S)
            self._reader.join(STOP_TIMEOUT_S)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks the server to end, and gives its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S)

    def cpu_s(self) -> float:
        """The processor time that the server has taken so far, in seconds."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str, **parameters: Any) -> Any:
        """The object at a path; the request must succeed."""
        return self.ok(self.http.get(path, params=parameters or None))

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """What a request with a JSON body is answered with; it must succeed."""
        return self.ok(self.http.post(path, json=body, **options))

    @staticmethod
    def ok(response: httpx.Response) -> Any:
        """The object of a response that is no error."""
        assert response.is_success, (response.status_code, response.text)
        return response.json()

    def send(self, deployment: str, name: str, *arguments: Any, **more: Any) -> Any:
        """Sends a command and gives it once it has ended."""
        return self.post(
            f"deployments/{deployment}/commands", {"name": name, "arguments": list(arguments), "wait": True, **more}
        )

    def upload(self, deployment: str, content: bytes, remote: str) -> Any:
        """Brings a file up and gives the transfer once it has ended."""
        begun = self.ok(self.http.post(f"deployments/{deployment}/uploads", params={"remote": remote}, content=content))
        return self.get(f"deployments/{deployment}/transfers/{begun['id']}", wait_s=WAIT_S)

    def await_that(self, path: str, holds: Callable[[Any], bool], timeout_s: float = WAIT_S) -> Any:
        """Asks for an object until something holds of it, and gives it."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.get(path)
            if holds(found):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def await_link(self, deployment: str, state: str = "up") -> Any:
        """Waits until the link of a deployment is in a state."""
        return self.await_that(f"deployments/{deployment}/link", lambda link: link["state"] == state)
