"""The dictionary says what is connected with what, in the order in which a deployment reports of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.fields import DictionaryFault
from kittiwake.dictionary.load import read_dictionary
from kittiwake.dictionary.topology import TOPOLOGY_KEY, DeployedConnection, DeployedInstance, PortEnd
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from tests.components.reference import REFERENCE


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return export_dictionary(load_topology(REFERENCE))


def test_it_has_the_instances_and_connections_of_the_image_in_their_order(written: dict[str, Any]) -> None:
    image = build_image(load_topology(REFERENCE))
    topology = read_dictionary(written, "written").topology
    assert topology is not None
    assert [(one.name, one.queue) for one in topology.instances] == [
        (name, depth) for name, _, _, depth, *_ in image["instances"]
    ]
    names = [one.name for one in topology.instances]
    assert [(*one.output, *one.input) for one in topology.connections] == [
        (names[source], output, at, names[target], port, index)
        for source, output, at, target, port, index in image["connections"]
    ]
    assert topology.instances[0] == DeployedInstance("CdhCore.cmdDisp", "CommandDispatcher", "active", 200)
    assert topology.connections[0] == DeployedConnection(
        "Events", PortEnd("CdhCore.events", "fatal_announce", 0), PortEnd("CdhCore.fatalHandler", "fatal_receive", 0)
    )
    assert [one.name for one in topology.queues()][:2] == ["CdhCore.cmdDisp", "CdhCore.events"]


def test_another_wiring_is_another_dictionary(written: dict[str, Any]) -> None:
    changed = copy.deepcopy(written)
    changed[TOPOLOGY_KEY]["connections"].reverse()
    assert read_dictionary(changed, "changed").hash != read_dictionary(written, "written").hash


def test_a_dictionary_without_it_has_none(written: dict[str, Any]) -> None:
    assert read_dictionary({key: one for key, one in written.items() if key != TOPOLOGY_KEY}, "f").topology is None


@pytest.mark.parametrize(
    "change, path",
    [
        ({"connections": [{"group": "A", "output": "a.b"}]}, "connections[0].output"),
        ({"connections": [{"group": "A", "output": "nobody.out[0]"}]}, "connections[0].output"),
        ({"connections": [{"group": "A"}]}, "connections[0].input"),
        ({"instances": [{"name": "a", "component": "A", "kind": "busy"}]}, "instances[0].kind"),
        ({"instances": 3}, "instances"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(written: dict[str, Any], change: dict[str, Any], path: str) -> None:
    changed = {**written, TOPOLOGY_KEY: {**written[TOPOLOGY_KEY], **change}}
    with pytest.raises(DictionaryFault) as caught:
        read_dictionary(changed, "changed")
    assert any(f"{TOPOLOGY_KEY}.{path}" in fault for fault in caught.value.faults)
