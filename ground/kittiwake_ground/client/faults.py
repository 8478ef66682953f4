"""What can go wrong for a client, each with what it is about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from kittiwake_ground.client.records import CommandResult, SequenceRun, TransferResult


class GroundFault(Exception):
    """Anything that the client raises by itself."""


class ServerUnreachable(GroundFault, ConnectionError):
    """Nobody answers at `url`, or it is no ground station, or it went away."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no ground station answers at {url}: {reason}")
        self.url = url
        self.reason = reason


class RequestRefused(GroundFault, ValueError):
    """The server refused a request: `status` is that of HTTP, `errors` are the faults of a text if it has any.

    `hazards` are the hazardous commands of a sequence that are to be confirmed.
    """

    def __init__(
        self, status: int, detail: str, hint: str = "", errors: Sequence[Mapping[str, Any]] = (),
        hazards: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(f"{detail} ({hint})" if hint and hint not in detail else detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.errors = tuple(errors)
        self.hazards = tuple(hazards)


class CommandFailed(GroundFault, RuntimeError):
    """A command ended otherwise than completed, or not in time; `result` has its life."""

    def __init__(self, result: CommandResult) -> None:
        super().__init__(f"{result.name} {result.outcome}")
        self.result = result

    @property
    def response(self) -> str:
        """F´'s word for what went wrong, as in EXECUTION_ERROR; empty where the deployment gave none."""
        return self.result.response

    @property
    def reason(self) -> str:
        """What went wrong in words."""
        return self.result.reason


class TransferFailed(GroundFault, RuntimeError):
    """A file did not arrive; `result` is the transfer."""

    def __init__(self, result: TransferResult) -> None:
        super().__init__(f"{result.remote}: {result.reason or result.state}")
        self.result = result


class SequenceFailed(GroundFault, RuntimeError):
    """A sequence did not run to its end without errors; `run` is its run."""

    def __init__(self, run: SequenceRun) -> None:
        why = f": {run.reason}" if run.reason else ""
        super().__init__(f"the run of {run.remote} {run.state if run.final else 'did not end in time'}{why}")
        self.run = run


class WaitTimedOut(GroundFault, TimeoutError):
    """What was waited for did not come; `seen` are the values or events that came instead, the newest last."""

    def __init__(self, message: str, seen: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.seen = tuple(seen)


class ExpectationFailed(GroundFault, AssertionError):
    """What was expected did not come; `seen` as in `WaitTimedOut`."""

    def __init__(self, message: str, seen: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.seen = tuple(seen)


def cause_of(fault: BaseException) -> str:
    """What the system said, beneath what the libraries make of it."""
    from ssl import SSLError

    inner: BaseException | None = fault
    while inner is not None:
        if isinstance(inner, SSLError):  # its number is none of the system's
            return f"TLS: {getattr(inner, 'verify_message', '') or inner.reason or 'it failed'}"
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno > 0:
            return os.strerror(inner.errno)
        inner = inner.__cause__ or inner.__context__
    return str(fault) or type(fault).__name__
