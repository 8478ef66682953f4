"""A deployment whose link is carried by simulated bearers: the ground hears it only while one is up (REQ-SBR-008)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.components.link.stack import COMPLETED, NO_OP, TOPOLOGY, Ground, Stack

_INSTANCES = """  connexionManager:
    component: kittiwake_components.ConnexionManager
    id: 0x10070000
    queue: 20
    priority: 25
    settings: {bearers: [wifi, radio]}
  wifi:
    component: kittiwake_components.SimulatedBearer
    id: 0x10071000
    settings: {outages: [60-120, 200-300]}
  radio:
    component: kittiwake_components.SimulatedBearer
    id: 0x10072000
    settings: {outages: [200-300]}
services:"""

_WIRES = """connections:
  Bearers:
    - connexionManager.status_out[0] -> ComCcsds.link.gate_in
    - rateGroup.member_out -> connexionManager.run
    - connexionManager.control[0] -> wifi.control_in
    - wifi.status_out -> connexionManager.status_in[0]
    - ComCcsds.link.traffic_out[0] -> wifi.traffic_in
    - wifi.traffic_out -> connexionManager.traffic_in[0]
    - connexionManager.control[1] -> radio.control_in
    - radio.status_out -> connexionManager.status_in[1]
    - ComCcsds.link.traffic_out[1] -> radio.traffic_in
    - radio.traffic_out -> connexionManager.traffic_in[1]
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    text = TOPOLOGY.read_text()
    text = text.replace("../../../topologies", str(TOPOLOGY.parents[3] / "topologies"))
    path = tmp_path / "gated.yaml"
    path.write_text(text.replace("services:", _INSTANCES).replace("connections:\n", _WIRES))
    return Stack(tmp_path, topology=path)


def _instance(stack: Stack, name: str) -> Any:
    return stack.deployment.instances[f"Stack.{name}"]


def _answers(ground: Ground, seconds: float) -> int:
    """How many of the commands, one a second, are answered meanwhile."""
    before = len(ground.events(COMPLETED))
    for _ in range(round(seconds)):
        ground.send(ground.frames(NO_OP)[0])
        ground.exchange(1.0, 0.1)
    return len(ground.events(COMPLETED)) - before


def test_the_ground_hears_the_deployment_while_a_bearer_is_up(stack: Stack) -> None:
    """REQ-SBR-008: before the first is up, over wifi, over the radio instead, and when none can be had."""
    ground = Ground(stack)
    manager = _instance(stack, "connexionManager")
    ground.exchange(2.0, 0.1)
    assert ground.received_bytes == 0
    assert _answers(ground, 10) > 5
    assert manager.current_bearer == "wifi"

    ground.exchange(55.0, 0.1)
    assert manager.current_bearer == "radio"
    assert _answers(ground, 10) > 5

    ground.exchange(210.0 - stack.platform.clock.now_ns() / 1e9, 0.1)
    assert manager.current_bearer == ""
    before = ground.received_bytes
    assert _answers(ground, 20) == 0
    assert ground.received_bytes == before

    ground.exchange(400.0 - stack.platform.clock.now_ns() / 1e9, 0.1)
    assert manager.current_bearer != ""
    assert _answers(ground, 10) > 5


def test_each_byte_counts_for_the_bearer_that_carried_it(stack: Stack) -> None:
    """REQ-SBR-008: what the manager shows is what the link has carried."""
    ground = Ground(stack)
    _answers(ground, 100)
    stack.run_for(2.0)
    ground.receive()
    manager, link = _instance(stack, "connexionManager"), stack.component("link")
    # The manager shows it a second later, and what goes while one takes over from the other counts for both.
    assert manager.bytes_down == pytest.approx(link.bytes_up, abs=100)
    assert manager.bytes_up == pytest.approx(link.bytes_down, abs=4096)
    assert _instance(stack, "wifi").bringups >= 1
    assert _instance(stack, "radio").bringups == 1
