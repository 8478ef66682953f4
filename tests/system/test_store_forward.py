"""What happened while nobody listened: the unmodified fprime-gds receives it, from two boots, with its own times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port
from tests.system.device import Device, build
from tests.system.extended_reference import extended_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.gds import Gds

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

STORE = """\
    component: kittiwake_components.StoreForward
    id: 0x10070000
    parameters: {grace_s: 0, sync_s: 1, telemetry_s: 1, forward_rate: 0}
"""
WIRES = [
    "rateGroup10Hz.member_out -> storeForward.run",
    "CdhCore.events.pkt_send -> storeForward.packet_in[0]",
    "CdhCore.tlmSend.pkt_send -> storeForward.packet_in[1]",
    "storeForward.packet_out[0] -> ComCcsds.comQueue.com_packet_in[0]",
    "storeForward.packet_out[1] -> ComCcsds.comQueue.com_packet_in[2]",
    "storeForward.stored_out -> ComCcsds.comQueue.com_packet_in[3]",
    "ComCcsds.comQueue.gone_out[3] -> storeForward.packets_gone",
]
REPLACED = [
    f"CdhCore.{source}.pkt_send -> ComCcsds.comQueue.com_packet_in[{queue}]"
    for source, queue in (("events", 0), ("tlmSend", 2))
]


def test_the_ground_receives_what_happened_while_it_was_away(
    start_gds: Callable[..., Gds], tmp_path: Path
) -> None:  # fmt: skip
    """REQ-SF-002, REQ-SF-003."""
    image, dictionary = build(extended_reference(tmp_path, "storeForward", STORE, WIRES, REPLACED), tmp_path / "built")
    port = free_port()
    with Device(image, tmp_path / "root", f"tcp://127.0.0.1:{port}") as device:
        device.await_line("FrameworkVersion")
        device.await_line("packets are stored")
        device.stop()
    with Device(image, tmp_path / "root", f"tcp://127.0.0.1:{port}") as device:
        device.await_line("packets of earlier boots are stored")
        gds = start_gds(dictionary, port=port)
        device.await_line("Link up")
        # What comes in the first moments of its connection fprime-gds may lose between its own processes: nothing is
        # forwarded before a command and its response have shown that all of them hear each other.
        assert gds.send_and_complete("ReferenceDeployment.storeForward.FORWARD_RATE_PRM_SET", 100_000)
        gds.await_event("ForwardingDone", timeout_s=40)
        gds.await_channel("ReferenceDeployment.storeForward.PacketsStored", 0)
        events = gds.events()
        first, second = [event for event in events if event.name.endswith("FrameworkVersion")]
        assert first.time < second.time
        boots = [update for update in gds.channels() if update.name.endswith("startupManager.BootCount")]
        times = {value: min(one.time for one in boots if one.value == value) for value in (1, 2)}
        assert first.time < times[1] < second.time < times[2]
        assert gds.send_and_complete("CdhCore.cmdDisp.CMD_NO_OP")
