"""LimitChecker in a whole deployment: files of limits compiled by the ground, real channels, events and commands."""

from __future__ import annotations

from functools import cache
from typing import Any

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.limits.compile import compile_limits
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.sequence.compile import compile_text
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake_components.ports.mode import SafeModeReason
from tests.framework.limits.station import TOPOLOGY

LIMITS = """\
limits: Station
watchpoints:
  low: {channel: Limited.probe.Volts, is: beyond yellow, samples: 2}
  full: {channel: Limited.probe.Level, is: '>= 200'}
actionpoints:
  say: {when: low and not full, command: 'CdhCore.cmdDisp.CMD_NO_OP_STRING "low"', most: 0}
  run: {when: full, sequence: /full.bin, sequencer: Limited.seq}
  safe: {event: CdhCore.cmdDisp.TestCmd1Args, safe_mode: true}
  wrong: {when: full, command: Limited.seq.CS_START}
"""
SEQUENCE = "R00:00:02 CdhCore.cmdDisp.CMD_TEST_CMD_1 1, 2.0, 3\n"


@cache
def built() -> tuple[Any, Any]:
    topology = load_topology(TOPOLOGY)
    return build_image(topology, ""), read_dictionary(export_dictionary(topology, "1"), "limited")


class Station:
    """The deployment on a simulated machine, with its table loaded."""

    def __init__(self) -> None:
        image, self.dictionary = built()
        platform = SimulatedPlatform(1)
        platform.files.make_folder("/data")
        for name, data in (
            ("limits.bin", compile_limits(LIMITS, "limits.yaml", self.dictionary)),
            ("full.bin", compile_text(SEQUENCE, "full.seq", self.dictionary)),
        ):
            with platform.files.open(f"/data/{name}", "x") as file:
                file.write_at(0, data)
        self.deployment = Deployment(image, platform, Root(platform.files, "/data"))
        instances: dict[str, Any] = dict(self.deployment.instances)
        self.probe, self.limits = instances["Limited.probe"], instances["Limited.limits"]
        self.events: list[str] = []
        log = instances["CdhCore.events"]
        forward = log.pkt_send

        def keep(packet: bytes, context: int) -> None:
            self.events.append(self.dictionary.events_by_id[int.from_bytes(packet[2:6], "big")].name.rpartition(".")[2])
            forward(packet, context)

        log.pkt_send = keep
        self.deployment.start()
        self.deployment.run_for(2.5)
        self.limits.load_table("/limits.bin")

    def run_for(self, seconds: float) -> None:
        self.deployment.run_for(seconds)


def test_a_channel_of_the_store_is_answered_through_the_dispatcher() -> None:
    """REQ-LC-004, REQ-LC-010."""
    station = Station()
    station.probe.level = 7
    for volts in (7.0, 6.4, 6.4):
        station.probe.volts = volts
        station.run_for(1)
    assert station.events.count("NoOpStringReceived") == 1
    assert station.events.count("ResponseCompleted") == 1
    assert station.limits.actionpoints_violated == 1
    station.run_for(100)
    assert station.events.count("NoOpStringReceived") == 1


def test_a_sequence_an_event_and_safe_mode_follow_one_another() -> None:
    """REQ-LC-009, REQ-LC-013."""
    station = Station()
    station.probe.level = 200
    station.run_for(1.5)
    assert station.limits.responses_pending == 1
    assert not station.probe.forced
    station.run_for(5)
    assert station.probe.forced == [SafeModeReason.LIMIT_VIOLATION]
    assert station.limits.responses_pending == 0
    assert station.limits.responses == 3
    assert station.limits.responses_failed == 1
    order = [name for name in station.events if name in ("CS_SequenceComplete", "TestCmd1Args", "SafeModeForced")]
    assert order[0] == "TestCmd1Args"
