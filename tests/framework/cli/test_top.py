"""`kittiwake top`, and the socket through which a running deployment is inspected."""

from __future__ import annotations

import json
import socket
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.inspect_socket import MAX_CLIENTS, NAME, InspectSocket, NotInspected, dispatch_meter, read_snapshot
from kittiwake.cli.top import compare, table
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.inspection import MAX_ITEMS, MAX_TEXT, plain
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = "a-folder-with-a-name-that-is-much-too-long-for-the-address-of-a-socket-of-this-kind-" * 2


class Running:
    """The small deployment, really running, in a thread."""

    def __init__(self, topology: Path, root: Path) -> None:
        platform = SystemPlatform()
        meter = dispatch_meter()
        self.root = root
        self.deployment = Deployment(
            build_image(load_topology(topology)),
            platform,
            Root(platform.files, platform.files.real_path(str(root))),
            watch=meter,
        )
        self.socket = InspectSocket(self.deployment, meter)
        self._thread = threading.Thread(target=self.deployment.run)
        self._thread.start()

    def end(self) -> None:
        self.deployment.request_stop("the test is over", 0)
        self._thread.join(10)
        self.socket.close()


@pytest.fixture(scope="module")
def running(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("var") / LONG
    folder.mkdir()
    made = Running(small, folder)
    yield made
    made.end()
    assert not (folder / NAME).exists()
    with pytest.raises(NotInspected, match="--inspect"):
        read_snapshot(str(folder))


def test_top_shows_what_each_instance_does(running: Running, kittiwake: Callable[..., Any]) -> None:
    shown = kittiwake("top", "--once", "--every", 0.5, "--root", running.root)
    assert shown.status == 0
    head, columns, *rows = shown.out.splitlines()
    assert head.startswith("Small in ")
    assert columns.endswith("slips  instance")
    assert {"CdhCore.cmdDisp", "Small.rateGroup10Hz"} <= {row.split()[-1] for row in rows}


def test_top_gives_scripts_rates_as_json(running: Running, kittiwake: Callable[..., Any]) -> None:
    shown = kittiwake("top", "--once", "--every", 1, "--sort", "name", "--json", "--root", running.root)
    found = json.loads(shown.out)
    rows = {row["name"]: row for row in found["instances"]}
    assert list(rows) == sorted(rows)
    fast = rows["Small.rateGroup10Hz"]
    assert 2 <= fast["messages"] <= 30
    assert fast["slips"] >= 0
    assert fast["depth"] == 10
    assert sum(row["wakes"] for row in rows.values()) > 2
    assert 0 < found["cpu_us"] < 1e6


def test_only_the_owner_may_ask_and_many_at_once_are_turned_away(running: Running) -> None:
    assert stat.S_IMODE((running.root / NAME).stat().st_mode) == 0o600
    short = running.root.parent / "short"
    short.symlink_to(running.root)
    held = [socket.socket(socket.AF_UNIX) for _ in range(MAX_CLIENTS + 20)]
    try:
        for one in held:
            one.connect(str(short / NAME))
        # A snapshot fits into the system's buffers: each is served at once, and whoever reads nothing holds nobody up.
        assert read_snapshot(str(running.root))["deployment"] == "Small"
    finally:
        for one in held:
            one.close()


def test_without_a_deployment_it_says_what_to_do(kittiwake: Callable[..., Any], folder: Path) -> None:
    none = kittiwake("top", "--once")
    assert (none.status, "name its --root" in none.err) == (2, True)
    (folder / "var/one").mkdir(parents=True)
    refused = kittiwake("top", "--once")
    assert (refused.status, "was it started with --inspect?" in refused.err) == (1, True)
    (folder / "var/two").mkdir()
    assert "which one of var/one, var/two?" in kittiwake("top", "--once").err
    assert kittiwake("top", "--root", folder / "absent").status == 2
    assert kittiwake("top", "--every", "0").status == 2


def look(now_s: float, dispatches: int, served: int) -> dict[str, Any]:
    queue = {"depth": 4, "waiting": 1, "high": 3, "served": served, "dropped": {"run": 2}, "slowest_us": 7}
    return {
        "deployment": "D", "now_ns": round(now_s * 1e9), "wall_ns": 0, "loops": [{"name": "main", "turns": dispatches}],
        "usage": {name: {"dispatches": dispatches, "wakes": 1, "cpu_us": 10 * dispatches} for name in ("a", "main")},
        "instances": [{"name": "a", "kind": "active", "queue": queue, "restarts": 1, "evidence": {"slips": 5}}],
    }  # fmt: skip


def test_rates_are_taken_over_the_time_between_two_looks() -> None:
    found = compare(look(10, 100, 50), look(12, 140, 60))
    row, loop = found["instances"]
    assert (row["dispatches"], row["messages"], row["cpu_us"], row["slips"], row["dropped"]) == (20, 5, 200, 5, 2)
    assert (loop["name"], found["turns"], found["cpu_us"]) == ("(main)", 20, 400)
    assert "1/4     3          7     2     5  a  (restarted 1 times)" in table(found, "var/d")  # type: ignore[arg-type]


def test_a_deployment_that_was_started_anew_begins_at_zero() -> None:
    found = compare(look(100, 1000, 500), look(2, 40, 60))
    assert found["instances"][0]["dispatches"] == 20
    found = compare(look(10, 100, 50), look(12, 40, 60))
    assert found["instances"][0]["dispatches"] == pytest.approx(40 / 12)


def test_a_snapshot_is_bounded_and_plain() -> None:
    assert plain({"text": "x" * 999, "bytes": b"\1\2", "many": range(9), "list": [1] * 999}) == {
        "text": "x" * MAX_TEXT, "bytes": "0102", "many": "range(0, 9)", "list": [1] * MAX_ITEMS,
    }  # fmt: skip
