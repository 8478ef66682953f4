"""A broadcast Who-Is, in a network namespace: on loopback a broadcast does not reach other addresses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.building.broadcast_trial import BITS, DEVICES, NETWORK
from tests.peers import ROOT

NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
ADDRESSES = " && ".join(
    f"ip addr add {NETWORK}.{host}/{BITS} brd {NETWORK}.255 dev lo" for host in (1, *DEVICES)
)  # fmt: skip
SETUP = f"ip link set lo up && {ADDRESSES}"


def in_namespace(command: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell command where there is nothing but these addresses."""
    return subprocess.run(
        [*NAMESPACE, f"{SETUP} && {command}"], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )


def test_devices_are_found_by_broadcast_and_by_their_number() -> None:
    try:
        possible = in_namespace("true").returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("this machine gives no network namespaces")
    ended = in_namespace(f"{sys.executable} -m tests.building.broadcast_trial")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"all": [1001, 1500], "range": [1500], "value": 1.5}
