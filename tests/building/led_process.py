"""A peer in a process of its own that obeys orders: a JSON object goes in as a line, one comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from tests.peers import ROOT

if TYPE_CHECKING:
    from types import TracebackType

END_LIMIT_S = 10


class LedProcess:
    """`MODULE` is run with what `spec` gives, as JSON; its first line is what `started` is told."""

    MODULE: str

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def spec(self) -> dict[str, Any]:
        """What the process is to be."""
        raise NotImplementedError

    def started(self, announcement: dict[str, Any]) -> None:
        """The process is ready."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the process, at the former address if there was one, and returns when it can be reached."""
        assert self._process is None
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.MODULE, json.dumps(self.spec())],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started(self._hear())

    def stop(self) -> None:
        """Ends the process in good order; a second time does nothing."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the process as a failure of its power would."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """Stops the process in its tracks: what is sent to it waits for `go_on`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def order(self, **order: Any) -> dict[str, Any]:
        """Gives an order and returns the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=END_LIMIT_S)

    def _hear(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self.MODULE} has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "fault" not in answer, answer["fault"]
        return answer
