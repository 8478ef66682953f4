"""Settings and fixtures of the whole test suite."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.peers import PeerMissing, find_peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A script's background job ignores Ctrl-C, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The default is the same on every run and on slow machines; `HYPOTHESIS_PROFILE=fuzz` (`make fuzz`) looks further.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=60, database=None)
settings.register_profile(
    "fuzz",
    derandomize=False,
    deadline=None,
    max_examples=int(os.environ.get("KITTIWAKE_FUZZ_EXAMPLES", "20000")),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


REAL_TIME = ("tests/system", "tests/docs", "tests/soak")
"""Where tests drive programs in real time, unless they are marked as `virtual_time`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shares the tests out among two workers, by file: those in real time have one for themselves, and begin.

    After them come the long simulated flights, so that what is left for the end is short.
    """
    shares = [_share(item) for item in items]
    for item, (_, name) in zip(items, shares, strict=True):
        item.add_marker(pytest.mark.xdist_group(name))
    order = sorted(range(len(items)), key=lambda place: shares[place][0])
    items[:] = [items[place] for place in order]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuses to begin where pytest-xdist does not heed the groups: tests in real time would disturb each other."""
    if session.config.getoption("loadgroup", default=False):
        alone = [item.nodeid for item in session.items if "@" not in item.nodeid]
        if alone:
            raise pytest.UsageError(f"this pytest-xdist and this pytest lose the group of {alone[0]}")


def _share(item: pytest.Item) -> tuple[int, str]:
    """When a test's turn comes, and the name of what stays together on one worker."""
    file = item.path.relative_to(item.config.rootpath).as_posix()
    if item.get_closest_marker("virtual_time"):
        return 1, file
    return (0, "real time") if file.startswith(REAL_TIME) else (2, file)


@pytest.fixture(scope="session")
def require_peer() -> Callable[[str], Path]:
    """Gives the path of a peer's program by name; without it the test is skipped, or fails where CI is set."""

    def require(name: str) -> Path:
        try:
            return find_peer(name)
        except PeerMissing as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing), pytrace=False)
            pytest.skip(str(missing))

    return require
