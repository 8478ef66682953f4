"""What the runtime reports about itself; Health turns it into events with names in them."""

from __future__ import annotations

from typing import Any, Protocol


class Monitor(Protocol):
    """Takes the runtime's findings. No method may raise."""

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """A handler raised; only its message failed."""

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """A handler ran for longer than its limit."""

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """A message found no room; `full` is what the port declares for that case."""

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """A command was answered with an error for the reason given."""


class FirstFaults:
    """The monitor of a deployment without Health: it keeps the first findings as text, for tests and for logs."""

    LIMIT = 1000

    def __init__(self) -> None:
        self.found: list[str] = []
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    def _keep(self, text: str, method: str, *arguments: Any) -> None:
        if len(self.found) < self.LIMIT:
            self.found.append(text)
            self._calls.append((method, arguments))

    def pass_on(self, monitor: Monitor) -> None:
        """Gives all that was found so far to another monitor, once."""
        calls, self._calls = self._calls, []
        for method, arguments in calls:
            getattr(monitor, method)(*arguments)

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """Keeps the finding."""
        self._keep(f"{instance}.{handler} failed: {reason}", "handler_failed", instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """Keeps the finding."""
        self._keep(f"{instance}.{handler} took {duration_us} us", "handler_slow", instance, handler, duration_us)

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """Keeps the finding."""
        self._keep(f"{instance}.{port}: queue full ({full})", "queue_full", instance, port, full)

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """Keeps the finding."""
        self._keep(f"{instance}.{command} refused: {why}", "command_refused", instance, command, why)


def fault_reason(fault: BaseException, limit: int = 120) -> str:
    """One line that says what was raised and where, from the innermost frame of the traceback."""
    trace = fault.__traceback__
    where = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" ({code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    try:
        text = f"{type(fault).__name__}: {fault}".replace("\n", " ")
    except Exception:
        # What it says fails too; whoever reports it must not.
        text = type(fault).__name__
    return text[: limit - len(where)] + where
