"""WiringMeter: alone, and in the reference deployment on virtual time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandResponse, OutputPort, PassiveComponent, sync_port
from kittiwake.model.fw import Ping
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay.freeze import FreezeRefused, freeze
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.metering import EVERYTHING, Meters, uncounted
from kittiwake.runtime.recovery import Recovery
from kittiwake.runtime.wiring import bound_output
from kittiwake.storage.root import Root
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake_components import WiringMeter
from kittiwake_components.wiring_meter.component import MAX_CONNECTIONS, MAX_QUEUES, PAGE, MeteringEnd
from tests.components.reference import REFERENCE, SETTINGS, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.runtime.image import Image


@pytest.fixture(scope="module")
def image() -> Image:
    return build_image(load_topology(REFERENCE), "")


HOME = "ReferenceDeployment"


class Node(PassiveComponent):
    """Something to count the calls of."""

    out = OutputPort(Ping)

    @sync_port(Ping)
    def take(self, key: int) -> None:
        """Nothing."""


class Metered:
    """The reference deployment and its meter."""

    def __init__(self, deployment: Any) -> None:
        self.deployment = deployment
        self.meter = deployment.instances[f"{HOME}.wiringMeter"]
        self.components = list(deployment.instances.values())
        self.connections = deployment.image["connections"]

    def bound(self) -> list[Any]:
        """What each connection calls now."""
        return [bound_output(self.components[one], output, index) for one, output, index, *_ in self.connections]

    def at(self, line: str) -> int:
        """The place of a connection, given as `instance.output`."""
        lines = [f"{self.components[one].name}.{output}" for one, output, *_ in self.connections]
        return lines.index(line)

    def calls(self) -> list[int]:
        """The counts of the latest report."""
        pages = [*self.meter.calls_0, *self.meter.calls_1, *self.meter.calls_2, *self.meter.calls_3]
        return pages[: len(self.connections)]


@pytest.fixture
def metered() -> Iterator[Metered]:
    made = Metered(reference(5.35))
    yield made
    made.deployment.stop()


def test_nothing_is_metered_until_it_is_commanded(metered: Metered) -> None:
    """REQ-WM-001: the wiring is that of a deployment without a meter, and no timer of it runs."""
    assert all(uncounted(call) is call for call in metered.bound())
    assert metered.meter._cells[0].tag == 0
    assert metered.meter._timer is None


def test_calls_of_each_connection_are_reported_every_period(metered: Metered) -> None:
    """REQ-WM-002."""
    metered.meter.meter_start(60, 2)
    metered.deployment.run_for(2.5)
    first = metered.meter.report
    assert (first.number, first.span_ms, first.remaining_s) == (1, 2000, 58)
    assert first.connections == len(metered.connections)
    calls = metered.calls()
    assert calls[metered.at(f"{HOME}.rateGroup1Hz.member_out")] == 2
    assert calls[metered.at(f"{HOME}.startupManager.run_sequence")] == 0
    metered.deployment.run_for(2)
    assert metered.meter.report.number == 2
    assert metered.calls()[metered.at(f"{HOME}.rateGroup1Hz.member_out")] == 2


def test_every_call_of_every_connection_is_counted(image: Image) -> None:
    """REQ-WM-002: as many as wiring that is metered from the start counts in the same time."""
    counted: dict[str, int] = {}
    platform = SimulatedPlatform(1)
    platform.files.make_folder("/root")
    meters = Meters([EVERYTHING])
    deployment = Deployment(image, platform, Root(platform.files, "/root"), SETTINGS, meters)
    deployment.start()
    deployment.run_for(5.35)  # between two cycles: a report at the time of one would be in the middle of it
    metered = Metered(deployment)
    before = [edge.calls for edge in meters.edges]
    metered.meter.meter_start(600, 60)
    deployment.run_for(60)
    assert metered.meter.report.span_ms == 60_000
    for at, edge in enumerate(meters.edges):
        counted[str(edge)] = metered.calls()[at] - (edge.calls - before[at])
    deployment.stop()
    assert {edge: off for edge, off in counted.items() if off} == {}
    assert sum(metered.calls()) > 1000


def test_it_ends_by_itself_and_the_wiring_is_as_it_was(metered: Metered) -> None:
    """REQ-WM-003: nothing is left that could be taken for a count of now."""
    before = metered.bound()
    metered.meter.meter_start(10, 1)
    assert not any(uncounted(call) is call for call in metered.bound())
    metered.deployment.run_for(11)
    assert metered.bound() == before
    assert tuple(metered.meter.report)[1:] == (0, 0, 0, 0)
    assert set(metered.calls()) == {0}
    assert set(metered.meter.queue_peaks) == {0}


def test_rate_groups_call_their_members_plainly_again_and_keep_their_measures(metered: Metered) -> None:
    """REQ-WM-003: they keep what their outputs are bound to, and are told that it changed."""
    group = metered.deployment.instances[f"{HOME}.rateGroup1Hz"]
    longest = group._cycles.members.longest_ns()
    metered.meter.meter_start(5, 1)
    metered.deployment.run_for(2)
    counts = metered.calls()[metered.at(f"{HOME}.rateGroup1Hz.member_out")]
    assert counts == 1
    metered.meter.meter_stop()
    metered.deployment.run_for(2)
    assert metered.meter._wiring is None
    for member, took in group._cycles.members.longest_ns().items():
        assert took >= longest[member]


def test_a_stop_ends_it_at_once_and_a_second_one_does_nothing() -> None:
    """REQ-WM-003."""
    tester: Any = ComponentTester(WiringMeter)
    assert tester.send("METER_START", 60, 1).response is CommandResponse.OK
    assert tester.send("METER_STOP").response is CommandResponse.OK
    assert tester.send("METER_STOP").response is CommandResponse.OK
    assert [event.args for event in tester.events.named("MeteringEnded")] == [(MeteringEnd.COMMANDED,)]
    tester.advance(120)
    assert tester.events.names() == ["MeteringStarted", "MeteringEnded"]
    tester.finish()


def test_a_second_start_takes_the_place_of_the_first(metered: Metered) -> None:
    """REQ-WM-003: no connection is counted twice, and there is one end."""
    before = metered.bound()
    metered.meter.meter_start(5, 1)
    metered.meter.meter_start(20, 1)
    metered.deployment.run_for(10)
    assert metered.calls()[metered.at(f"{HOME}.rateGroup1Hz.member_out")] == 1
    assert metered.meter.report.remaining_s > 0
    metered.meter.meter_stop()
    assert metered.bound() == before


@pytest.mark.parametrize("duration_s, period_s", [(0, 1), (3601, 1), (60, 0), (60, 61)])
def test_times_have_limits(duration_s: int, period_s: int) -> None:
    """REQ-WM-004."""
    tester: Any = ComponentTester(WiringMeter)
    arguments = struct.pack(">IH", duration_s, period_s)
    assert tester.send_raw("METER_START", arguments).response is CommandResponse.VALIDATION_ERROR
    assert not tester.events


def test_what_does_not_fit_the_report_is_said() -> None:
    """REQ-WM-004: the first 256 connections are counted, and a count has 16 bits."""
    rows: list[Any] = [
        ("node", Node, 0x1000, 0, 0, "", {}), ("meter", WiringMeter, 0x2000, 0, 0, "", {}),
    ]  # fmt: skip
    image = {
        "name": "Wide", "version": "1", "dictionary_hash": "", "instances": rows, "services": {}, "packets": [],
        "parameters": [], "connections": [(0, "out", 0, 0, "take", 0)] * (MAX_CONNECTIONS + 3),
    }  # fmt: skip
    platform = SimulatedPlatform(0)
    deployment = Deployment(image, platform, Root(platform.files, "/"))
    node, meter = list[Any](deployment.instances.values())
    partial = []
    meter.metering_partial = lambda *arguments: partial.append(arguments)
    meter.meter_start(60, 1)
    assert partial == [(MAX_CONNECTIONS, 0, 3)]
    for _ in range(70_000):
        node.out(1)
    deployment.run_for(1)
    assert meter.calls_0 == (65535, *[0] * (PAGE - 1))
    meter.meter_stop()
    assert node.out.__func__ is Node.take


def test_queues_tell_their_peak_of_the_period_and_their_high_water_mark(metered: Metered) -> None:
    """REQ-WM-005."""
    queues = metered.deployment.queues()
    place = next(at for at, queue in enumerate(queues) if queue.name == f"{HOME}.cmdSeq")
    queue = queues[place]
    put = queue.putter("test", lambda: None, 0, "drop")
    queue.monitor = metered.deployment.monitor
    metered.meter.meter_start(60, 2)
    for _ in range(queue.depth + 2):
        put()
    metered.deployment.run_for(2)
    assert metered.meter.report.queues == min(len(queues), MAX_QUEUES)
    assert metered.meter.queue_peaks[place] == queue.depth
    assert metered.meter.queue_drops[place] == 2
    metered.deployment.run_for(4)
    assert metered.meter.queue_peaks[place] <= 2
    assert metered.meter.queue_highs[place] == queue.high == queue.depth


def test_an_instance_that_is_restarted_or_set_aside_meanwhile_keeps_no_counter(metered: Metered) -> None:
    """REQ-WM-006: whichever of the two ends first."""
    before = metered.bound()
    resources = f"{HOME}.systemResources"
    recovery = Recovery(metered.deployment, metered.deployment.main)
    metered.meter.meter_start(60, 1)
    recovery.quarantine(resources, lambda _: None)
    metered.deployment.run_for(3)
    metered.meter.meter_stop()
    recovery.restart(resources, lambda _: None)
    metered.deployment.run_for(1)
    assert metered.bound() == before
    recovery.quarantine(resources, lambda _: None)
    metered.deployment.run_for(1)
    metered.meter.meter_start(60, 1)
    recovery.restart(resources, lambda _: None)
    metered.deployment.run_for(4)
    at = next(at for at, one in enumerate(metered.connections) if metered.components[one[3]].name == resources)
    assert metered.calls()[at] == 1
    metered.meter.meter_stop()
    assert metered.bound() == before


def test_no_state_is_frozen_in_which_calls_are_counted(metered: Metered) -> None:
    """REQ-WM-006: a replay from there would count nothing; the next quiet moment after the end is as good."""
    freeze(metered.deployment)
    metered.meter.meter_start(60, 1)
    metered.deployment.run_for(1)
    with pytest.raises(FreezeRefused, match="its calls are counted for a while"):
        freeze(metered.deployment)
    metered.meter.meter_stop()
    metered.deployment.run_for(1)
    freeze(metered.deployment)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(WiringMeter) == []
