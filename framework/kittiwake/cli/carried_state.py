"""What `kittiwake run --thaw FILE` adds to a run: the state of the run before, and that of this one for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.carry import frozen_state, thaw_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.deployment import Deployment

MAX_STATE_BYTES = 64 * 1024 * 1024


def thaw_from(deployment: Deployment, path: str, *, quiet: bool) -> None:
    """Gives the deployment what fits of the state in a file, if there is one. Raises `OSError`."""
    try:
        data = SystemFiles().read(path, MAX_STATE_BYTES)
    except FileNotFoundError:
        return
    taken, left = thaw_state(deployment, data)
    if not quiet:
        more = f"; begun anew: {', '.join(left[:10])}" if left else ""
        print(f"thawed: {taken} values{more}", flush=True)


def freezing(
    deployment: Deployment, path: str, request_stop: Callable[[str, int], None]
) -> Callable[[str, int], None]:  # fmt: skip
    """`request_stop` with the state frozen into the file before, on the main loop, between two of its messages."""

    def leave(reason: str, status: int) -> None:
        with open(path, "wb") as file:
            file.write(frozen_state(deployment))
        request_stop(reason, status)

    def ask(reason: str, status: int) -> None:
        # A second signal does not wait for a loop that is stuck, nor a state that cannot be written for anybody.
        if deployment.exit_reason or asked or not deployment.main.post(leave, reason, status):
            request_stop(reason, status)
        asked.append(reason)

    asked: list[str] = []
    return ask
