"""`python -m tests.soak channels`: a thousand channels at 10 Hz for half an hour, with three dashboards open.

It starts the deployment of `soak.yaml`, the ground station with archive and dashboard, and three browsers: one at the
overview, one at the table of all channels, one at a live chart. Twice a second a command is sent and answered. It reads
every process's memory on the way, and compares the archive with what the deployment counted. The exit status is 1 if
memory grows, a sample is lost, a command is not answered or a page stands still.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import resident_mb
from kittiwake_ground.archive.opening import DATABASE
from tests.peers import ROOT
from tests.ports import free_port
from tests.soak.judgement import Bound, Reading, archived_counts, growths
from tests.system.browser import Browser
from tests.system.device import Device, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES = 30.0
WARM_UP_MINUTES = 10.0
READ_EVERY_S = 2.0
PRINT_EVERY = 30
"""Readings from one line of progress to the next."""

COMMAND_EVERY_S = 0.5
CHANNELS = 1000
NAME = "soak"
NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
DROPPED = "ComCcsds.comQueue.PacketsDropped"
SLIPS = "Soak.rateGroup10Hz.RgCycleSlips"
CHARTED = ",".join([f"Soak.rack{number}.Level{number}" for number in range(4)])
PAGES = {"overview": "overview", "channels": "channels", "charts": f"charts?channels={CHARTED}&span=60"}
LOSSES = ("crc_errors", "gaps", "skipped_bytes", "undecodable")
MOVED_WITHIN_S = 20.0


class PageStill(AssertionError):
    """A page shows nothing new."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the soak and prints its figures; 1 if one of them is not as it must be."""
    parser = argparse.ArgumentParser("python -m tests.soak channels", description="1,000 channels, three dashboards.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long (default: %(default)g)")
    parser.add_argument(
        "--warm-up", type=float, default=WARM_UP_MINUTES, metavar="MINUTES",
        help="after how long memory must be flat: the histories that are held are full then (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--pages", type=int, default=len(PAGES), help="dashboards to open (default: %(default)s)")
    options = parser.parse_args(arguments)
    os.environ["PYTHONPATH"] = str(ROOT)  # where the deployment finds the component of the soak
    with tempfile.TemporaryDirectory(prefix="kw-soak-") as folder:
        return _soak(Path(folder), options.minutes * 60, options.warm_up * 60, options.pages)


def _soak(folder: Path, duration_s: float, warm_up_s: float, pages: int) -> int:
    image, dictionary = build(Path(__file__).with_name("soak.yaml"), folder)
    port = free_port()
    with ExitStack() as stack:
        device = stack.enter_context(Device(image, folder / "root", f"tcp-listen://127.0.0.1:{port}", ["--quiet"]))
        server = GroundServer(folder / "ground", [f"{NAME}={dictionary},tcp://127.0.0.1:{port}"])
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        server.await_link(NAME)
        opened = {name: stack.enter_context(Browser()) for name in list(PAGES)[:pages]}
        for name, browser in opened.items():
            browser.open(f"{server.url}d/{NAME}/{PAGES[name]}")
        run = Run(device, server, opened)
        run.last(duration_s)
        faults = run.still_pages()
        faults += run.ended()
        server.stop()
    faults += [f"the server said: {line}" for line in server.lines if not line.startswith("Ground station: ")]
    print(run.figures(warm_up_s))
    for growth in growths(run.readings, Bound(warm_up_s)):
        print(growth)
        faults += growth.faults
    faults += _judge_archive(folder / "ground" / "archive" / DATABASE)
    print("\n".join(faults) if faults else "Nothing grew and nothing was lost.", flush=True)
    return 1 if faults else 0


def _judge_archive(database: Path) -> list[str]:
    """Prints what is archived of what was counted, and gives what is missing."""
    counts = archived_counts(database)
    channels = sum([one.channels for one in counts])
    counted = sum([one.counted * one.channels for one in counts])
    print(f"archive: {channels} channels, {counted} samples counted by the deployment, {_size_mb(database):.0f} MB")
    faults = [f"{one.instance}: {one.lost} samples of {one.counted} are not archived" for one in counts if one.lost]
    if channels != CHANNELS:
        faults.append(f"{channels} channels are archived, not {CHANNELS}")
    return faults


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


class Run:
    """What goes on while the soak lasts."""

    def __init__(self, device: Device, server: GroundServer, pages: dict[str, Browser]) -> None:
        self.readings: list[Reading] = []
        self._device = device
        self._server = server
        self._pages = pages
        self._commands = 0
        self._unanswered: list[str] = []
        self._slowest_s = 0.0
        self._began_s = time.monotonic()
        self._cpu_s = 0.0
        self._samples = 0
        self._slips = 0
        self._dropped_before: list[int] = []

    def last(self, duration_s: float) -> None:
        """Sends commands and reads memory until the time is over."""
        path = f"deployments/{NAME}/channels?name={DROPPED}"
        # What overflowed while the ground station was still starting is no loss of the soak.
        self._dropped_before = self._server.await_that(path, lambda seen: bool(seen["channels"]))["channels"][0][
            "value"
        ]
        self._began_s = time.monotonic()
        begun_cpu_s, begun = self._server.cpu_s(), self._deployment()["samples"]
        due_s = 0.0
        while (elapsed_s := time.monotonic() - self._began_s) < duration_s:
            self._command()
            if elapsed_s >= due_s:
                due_s += READ_EVERY_S
                self._read(elapsed_s)
            ahead_s = self._began_s + elapsed_s + COMMAND_EVERY_S - time.monotonic()
            time.sleep(max(0.0, ahead_s))
        self._cpu_s = (self._server.cpu_s() - begun_cpu_s) / duration_s
        self._samples = (self._deployment()["samples"] - begun) / duration_s

    def _read(self, elapsed_s: float) -> None:
        reading = Reading(elapsed_s, self._memory_mb())
        if len(self.readings) % PRINT_EVERY == 0:
            shown = ", ".join([f"{name} {memory_mb:.1f}" for name, memory_mb in reading.memory_mb.items()])
            print(f"{elapsed_s / 60:5.1f} min: {shown} MB", flush=True)
        self.readings.append(reading)

    def _deployment(self) -> Any:
        return self._server.get(f"deployments/{NAME}")

    def _command(self) -> None:
        began = time.monotonic()
        record = self._server.send(NAME, NO_OP)
        self._commands += 1
        self._slowest_s = max(self._slowest_s, time.monotonic() - began)
        if record["state"] != "completed":
            self._unanswered.append(f"command {self._commands}: {record['state']}: {record['reason']}")

    def _memory_mb(self) -> dict[str, float]:
        assert self._server.process is not None
        found = {"ground station": resident_mb(self._server.process.pid), "deployment": resident_mb(self._device.pid)}
        for name, browser in self._pages.items():
            browser.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
            usage = browser.driver.execute_cdp_cmd("Runtime.getHeapUsage", {})
            found[f"page {name}"] = usage["usedSize"] / 1e6
        return found

    def still_pages(self) -> list[str]:
        """What is wrong with the pages at the end: one that complains, or whose values do not move any more."""
        faults = []
        for name, browser in self._pages.items():
            faults += [f"page {name} wrote: {one}" for one in browser.complaints()]
            what = "return window.kittiwakeCharts?.summary()?.range.max || document.body.innerText"
            shown = browser.script(what)
            deadline = time.monotonic() + MOVED_WITHIN_S
            while browser.script(what) == shown:
                if time.monotonic() > deadline:
                    faults.append(f"page {name} stands still")
                    break
                time.sleep(0.2)
        return faults

    def ended(self) -> list[str]:
        """What the link and the deployment counted as lost."""
        found = self._deployment()
        dropped = self._server.get(f"deployments/{NAME}/channels/{DROPPED}")["value"]
        self._slips = self._server.get(f"deployments/{NAME}/channels/{SLIPS}")["value"]
        faults = [f"the link counted {count} {name}" for name in LOSSES if (count := found["link"][name])]
        if dropped != self._dropped_before:
            faults.append(f"the deployment dropped packets: {dropped}, and {self._dropped_before} at the start")
        if found["link"]["connections"] != 1:
            faults.append(f"the link was made {found['link']['connections']} times")
        return faults + self._unanswered

    def figures(self, warm_up_s: float) -> str:
        """What was measured, as text."""
        minutes = self.readings[-1].elapsed_s / 60
        work = f"{self._commands} commands, the slowest answered in {self._slowest_s * 1e3:.0f} ms"
        return "\n".join([
            f"{minutes:.1f} minutes, memory judged after {warm_up_s / 60:g}; {os.cpu_count()} cores",
            f"{self._samples:,.0f} samples a second; the ground station took {self._cpu_s:.0%} of a core",
            f"{work}; {self._slips} cycles of the deployment were late",
        ])  # fmt: skip
