"""`python -m tests.soak deployments`: ten deployments of the five topologies on one ground station for half an hour.

All of them send all that they have, and are commanded all the while; in the middle one is killed and started again.
Memory of the ground station, of each deployment and of the browser is read on the way. At the end each start's own
counts of telemetry packets and events are held against the archive. The exit status is 1 if memory grows, anything was
lost, or a command was not answered.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import resident_mb
from kittiwake.cli.build import build, compile_topology
from kittiwake.dictionary.load import load_dictionary
from kittiwake_ground.archive.opening import DATABASE
from kittiwake_ground.server.session import now_us
from tests.peers import ROOT
from tests.ports import free_port
from tests.soak.accounts import EVENTS, PACKETS, Account, Start, Uncounted, account
from tests.soak.judgement import Bound, Reading, growths
from tests.system.browser import Browser
from tests.system.device import Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MINUTES = 30.0
WARM_UP_MINUTES = 9.0
READ_EVERY_S = 2.0
PRINT_EVERY = 30
"""Readings from one line of progress to the next."""

FILL_EVERY_S = 0.06
"""While they warm up, from a command to the next, which is another deployment's. It fills what a ground station holds
of each, so that only what leaks grows afterwards; a person may act twenty times a second."""

HISTORY_SIZE = 40
"""Values of each channel that the ground station holds: packets come every three seconds on average, some seldom."""

COMMAND_EVERY_S = 0.25
"""The same afterwards."""

COUNTS_WITHIN_S = 30.0
"""How long to wait, at the end and before the kill, for counts that stay the same: those are exact."""

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
DUMP = "CdhCore.events.DUMP_FILTER_STATE"
SET_LEVEL = "CdhCore.tlmSend.SET_LEVEL"
SET_RATE = "CdhCore.tlmSend.SET_RATE"
GROUND_WARM_UP_SHARE = 2.0
"""The ground station is warm after so many times as long: its archive's cache of 64 MB fills as the archive grows."""

DEPLOYMENT_GROWTH_MB = 1.0
GROUND_GROWTH_MB = 8.0
LOSSES = ("crc_errors", "gaps", "skipped_bytes", "undecodable")


class Kind(NamedTuple):
    """A topology: what its deployments are given at each start, and told as soon as they are heard."""

    name: str
    settings: tuple[str, ...] = ()
    commands: tuple[tuple[object, ...], ...] = ()
    files: Callable[[Path], None] = lambda root: None


def _hive_files(root: Path) -> None:
    """Four simulated sensors that record for a second every half minute, day and night."""
    window = [
        'pytz_time_zone = "UTC"',
        'capture_window_start_time = "0000"',
        'capture_window_end_time = "2359"',
        "capture_duration_seconds = 1",
        "capture_interval_seconds = 30",
    ]
    sensors = [f'[{name}]\ndevice = "simulated"' for name in ("audio", "temp", "scale", "airquality")]
    (root / "hive.toml").write_text("\n".join(["[global]", *window, *sensors]))


def _building_files(root: Path) -> None:
    """The simulated building of the sequence runs at the start, and is there at the next one."""
    from kittiwake.cli.main import main

    status = main([
        "seq", "compile", str(ROOT / "sequences/building.seq"), "--topology", str(ROOT / "topologies/building.yaml"),
        "-o", str(root / "startup.bin"),
    ])  # fmt: skip
    assert status == 0


KINDS = (
    Kind("reference"),
    # Its telemetry is meant for a radio; here it comes as often as that of the others.
    Kind("proves", commands=(("ReferenceDeployment.telemetryDelay.DIVIDER_PRM_SET", 0),)),
    # Its power unit has a supply, and it stays on: a link that is meant to be up loses nothing.
    Kind(
        "station",
        ("StationDeployment.powerManager.simulated_supply_w=5.0",),
        (("StationDeployment.supervisor.FORCE_POWERED_PRM_SET", True),),
    ),
    Kind("building", files=_building_files),
    Kind("hive", ("HiveDeployment.textCommands.url=",), files=_hive_files),
)


class Member:
    """One deployment of the soak, with each of its starts."""

    def __init__(self, kind: Kind, number: int, folder: Path, built: tuple[Path, Path]) -> None:
        self.name = f"{kind.name}-{number}"
        self.kind = kind
        self.dictionary_path = built[1]
        self.packets = load_dictionary(str(built[1])).packet_sets[0].packets
        self.port = free_port()
        root = folder / self.name
        root.mkdir()
        kind.files(root)
        options = ["--quiet", *[word for one in kind.settings for word in ("--set", one)]]
        self.device = Device(built[0], root, f"tcp-listen://127.0.0.1:{self.port}", options)
        self.starts_us: list[int] = []

    def start(self) -> None:
        """Starts it, again too."""
        self.starts_us.append(now_us())
        self.device.start()

    @property
    def process(self) -> str:
        """What its memory is listed under: each start is a process of its own."""
        again = f" (start {len(self.starts_us)})" if len(self.starts_us) > 1 else ""
        return f"{self.name}{again}"

    def prepare(self, server: GroundServer) -> None:
        """Has it send all that it has, and its counts once a cycle."""
        server.await_link(self.name)
        commands: list[tuple[object, ...]] = [(SET_LEVEL, max(packet.group for packet in self.packets))]
        for packet in self.packets:
            if {PACKETS, EVENTS} & {channel.name for channel in packet.channels}:
                commands.append((SET_RATE, packet.id, 1))
        for name, *arguments in [*commands, *self.kind.commands]:
            record = server.send(self.name, str(name), *arguments)
            assert record["state"] == "completed", record

    def starts(self) -> list[Start]:
        """Its starts, each until the next one."""
        ends = [*self.starts_us[1:], now_us() + 3_600_000_000]
        pairs = zip(self.starts_us, ends, strict=True)
        return [Start(self.name, number, began, end) for number, (began, end) in enumerate(pairs, 1)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the soak and prints its figures; 1 if one of them is not as it must be."""
    parser = argparse.ArgumentParser("python -m tests.soak deployments", description="Many deployments on one ground.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long (default: %(default)g)")
    parser.add_argument("--each", type=int, default=2, help="deployments of each topology (default: %(default)s)")
    parser.add_argument(
        "--warm-up", type=float, default=WARM_UP_MINUTES, metavar="MINUTES",
        help="after how long memory must be flat; in a shorter run it is not judged (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--pages", type=int, default=1, help="0 to open no dashboard")
    parser.add_argument("--kill", default="station-1", help="which is killed in the middle (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kw-soak-") as folder:
        return _soak(Path(folder), options)


def _soak(folder: Path, options: argparse.Namespace) -> int:
    members = _members(folder, options.each)
    with ExitStack() as stack:
        for member in members:
            stack.callback(member.device.kill)
            member.start()
        server = GroundServer(folder / "ground", [], ["--config", str(_configuration(folder, members))])
        if options.pages:
            server.command.remove("--no-dashboard")
        stack.enter_context(server)
        run = Run(server, members, stack.enter_context(Browser()) if options.pages else None)
        run.prepare()
        run.last(options.minutes * 60, options.warm_up * 60, options.kill)
        faults = run.ended()
        server.stop()
    faults += [f"the server said: {line}" for line in server.lines if not line.startswith("Ground station: ")]
    print(run.figures())
    faults += _judge_accounts(folder / "ground" / "archive" / DATABASE, members)
    faults += _judge_memory(run.readings, options.minutes * 60, options.warm_up * 60)
    print("\n".join(faults) if faults else "Nothing grew and nothing was lost.", flush=True)
    return 1 if faults else 0


def _judge_memory(readings: Sequence[Reading], duration_s: float, warm_up_s: float) -> list[str]:
    """Prints how memory grew, and gives what grew too much; a run that is too short for the warm-up tells nothing."""
    ground_warm_up_s = GROUND_WARM_UP_SHARE * warm_up_s
    if duration_s <= ground_warm_up_s:
        return []
    others = {name: Bound(ground_warm_up_s, GROUND_GROWTH_MB) for name in ("ground", "page")}
    found = growths(readings, Bound(warm_up_s, DEPLOYMENT_GROWTH_MB), others)
    for growth in found:
        print(growth)
    return [fault for growth in found for fault in growth.faults]


def _configuration(folder: Path, members: Sequence[Member]) -> Path:
    """The ground station's configuration: it holds few values of each channel, so that these are soon full."""
    path = folder / "ground.toml"
    tables = [
        f'[deployments.{one.name}]\ndictionary = "{one.dictionary_path}"\nlink = "tcp://127.0.0.1:{one.port}"\n'
        f"history_size = {HISTORY_SIZE}\n"
        for one in members
    ]
    path.write_text("\n".join(tables))
    return path


def _members(folder: Path, each: int) -> list[Member]:
    built = {}
    for kind in KINDS:
        topology = compile_topology(ROOT / "topologies" / f"{kind.name}.yaml")
        assert topology is not None, kind.name
        _, image, dictionary = build(topology, folder / "build" / kind.name)
        built[kind.name] = (image, dictionary)
    return [Member(kind, number, folder, built[kind.name]) for number in range(1, each + 1) for kind in KINDS]


def _judge_accounts(database: Path, members: Iterable[Member]) -> list[str]:
    """Prints each start's account, and gives what is wrong with them."""
    print(f"{'deployment':<14}{'start':>6}{'seconds':>9}{'packets':>10}{'events':>9}{'samples':>12}   lost")
    faults: list[str] = []
    totals = [0, 0, 0]
    for member in members:
        for start in member.starts():
            try:
                found = account(database, member.packets, start)
            except Uncounted as fault:
                faults.append(str(fault))
                continue
            faults += found.faults
            print(_row(found))
            counts = (found.packets_sent, found.events_sent, found.samples)
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
    size_mb = database.stat().st_size / 1e6
    print(f"{'all':<29}{totals[0]:>10,}{totals[1]:>9,}{totals[2]:>12,}   archive: {size_mb:.0f} MB")
    return faults


def _row(found: Account) -> str:
    start = found.start
    lost = "; ".join(found.faults) or "nothing"
    return (
        f"{start.deployment:<14}{start.number:>6}{found.seconds:>9.0f}{found.packets_sent:>10,}"
        f"{found.events_sent:>9,}{found.samples:>12,}   {lost}"
    )


class Run:
    """What goes on while the soak lasts."""

    def __init__(self, server: GroundServer, members: Sequence[Member], page: Browser | None) -> None:
        self.readings: list[Reading] = []
        self._server = server
        self._members = members
        self._page = page
        self._commands = 0
        self._unanswered: list[str] = []
        self._slowest_s = 0.0
        self._duration_s = 0.0
        self._cpu_s = 0.0

    def prepare(self) -> None:
        """Has all of them send all they have, and opens the page."""
        with ThreadPoolExecutor(len(self._members)) as workers:
            list(workers.map(lambda member: member.prepare(self._server), self._members))
        if self._page is not None:
            self._page.open(f"{self._server.url}fleet")

    def last(self, duration_s: float, warm_up_s: float, killed: str) -> None:
        """Commands, reads memory, and kills one of them in the middle, until the time is over."""
        began_s, begun_cpu_s = time.monotonic(), self._server.cpu_s()
        victim = next(one for one in self._members if one.name == killed)
        turn, due_s = 0, 0.0
        while (elapsed_s := time.monotonic() - began_s) < duration_s:
            if elapsed_s > duration_s / 2 and len(victim.starts_us) == 1:
                self._restart(victim)
            is_warm = elapsed_s > warm_up_s
            self._command(self._members[turn % len(self._members)], NO_OP if is_warm else DUMP)
            turn += 1
            if elapsed_s >= due_s:
                due_s = elapsed_s + READ_EVERY_S
                self._read(elapsed_s)
            next_s = elapsed_s + (COMMAND_EVERY_S if is_warm else FILL_EVERY_S)
            time.sleep(max(0.0, began_s + next_s - time.monotonic()))
        self._duration_s = time.monotonic() - began_s
        self._cpu_s = (self._server.cpu_s() - begun_cpu_s) / self._duration_s
        with ThreadPoolExecutor(len(self._members)) as workers:
            list(workers.map(self._await_same_counts, self._members))

    def _restart(self, member: Member) -> None:
        """Ends a deployment as a power cut does, right behind its answer to a command, and starts it again."""
        self._await_same_counts(member)
        self._command(member, NO_OP)
        print(f"{member.name} is killed and started again", flush=True)
        member.device.kill()
        member.start()
        before = self._server.get(f"deployments/{member.name}")["link"]["connections"]
        self._server.await_that(f"deployments/{member.name}", lambda seen: seen["link"]["connections"] > before)
        member.prepare(self._server)

    def _await_same_counts(self, member: Member) -> None:
        """Waits until counts of the events in a row, of a deployment that nobody commands, are the same."""
        path, deadline = f"deployments/{member.name}/channels/{EVENTS}", time.monotonic() + COUNTS_WITHIN_S
        before = self._server.get(path)
        same = 0
        while same < 2 and time.monotonic() < deadline:
            now = self._server.get(path)
            if now["received_us"] != before["received_us"]:
                same = same + 1 if now["value"] == before["value"] else 0
                before = now
            time.sleep(0.1)

    def _read(self, elapsed_s: float) -> None:
        reading = Reading(elapsed_s, self._memory_mb())
        if len(self.readings) % PRINT_EVERY == 0:
            shown = ", ".join(f"{name} {memory_mb:.1f}" for name, memory_mb in reading.memory_mb.items())
            print(f"{elapsed_s / 60:5.1f} min: {shown} MB", flush=True)
        self.readings.append(reading)

    def _memory_mb(self) -> dict[str, float]:
        assert self._server.process is not None
        found = {"ground station": resident_mb(self._server.process.pid)}
        for member in self._members:
            found[member.process] = resident_mb(member.device.pid)
        if self._page is not None:
            self._page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
            found["page fleet"] = self._page.driver.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"] / 1e6
        return found

    def _command(self, member: Member, name: str) -> None:
        began = time.monotonic()
        record = self._server.send(member.name, name)
        self._commands += 1
        self._slowest_s = max(self._slowest_s, time.monotonic() - began)
        if record["state"] != "completed":
            self._unanswered.append(f"{member.name}: {name}: {record['state']}: {record['reason']}")

    def ended(self) -> list[str]:
        """What the links and the deployments counted as lost."""
        faults = list(self._unanswered)
        for member in self._members:
            link = self._server.get(f"deployments/{member.name}")["link"]
            faults += [f"{member.name}: its link counted {link[name]} {name}" for name in LOSSES if link[name]]
            if link["connections"] != len(member.starts_us):
                faults.append(f"{member.name}: its link was made {link['connections']} times")
            if member.device.exit_code() is not None:
                faults.append(f"{member.name} ended with status {member.device.exit_code()}")
            for channel in self._dropped(member):
                if any(self._server.get(f"deployments/{member.name}/channels/{channel}")["value"]):
                    faults.append(f"{member.name}: {channel} is not nought")
        if self._page is not None:
            faults += [f"the page wrote: {one}" for one in self._page.complaints()]
        return faults

    def _dropped(self, member: Member) -> list[str]:
        """What counts the packets that the downlink to this ground station dropped."""
        names = [one["name"] for one in self._server.get(f"deployments/{member.name}/channels")["channels"]]
        return [name for name in names if name.endswith("comQueue.PacketsDropped") and "Lora" not in name]

    def figures(self) -> str:
        """What was measured, as text."""
        cores, load = os.cpu_count(), ", ".join(f"{one:.1f}" for one in os.getloadavg())
        minutes, slowest_ms = self._duration_s / 60, self._slowest_s * 1e3
        return "\n".join([
            f"{minutes:.1f} minutes, {len(self._members)} deployments; {cores} cores, load {load}",
            f"{self._commands} commands, the slowest answered in {slowest_ms:.0f} ms",
            f"the ground station took {self._cpu_s:.0%} of a core",
        ])  # fmt: skip
