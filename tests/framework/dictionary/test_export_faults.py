"""What no F´ dictionary can say is refused, with the names of all who say it."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
from attrs import evolve

from kittiwake.dictionary.export import export_dictionary, write_dictionary
from kittiwake.dictionary.fields import DictionaryFault
from kittiwake.model.channels import Channel, Limits
from kittiwake.model.commands import command
from kittiwake.model.component import PassiveComponent
from kittiwake.model.events import ACTIVITY_HI, event
from kittiwake.model.parameters import Parameter
from kittiwake.model.types import F32, U8, U32, Size, wire_array, wire_enum, wire_struct
from kittiwake.topology.model import Instance, Packet, Topology


def topology_of(*components: Any) -> Topology:
    instances = tuple(
        Instance(f"one{index}", component, f"here:{component.__name__}", index * 0x100)
        for index, component in enumerate(components)
    )
    return Topology("Faulty", instances, (), {})


def faults_of(topology: Topology) -> list[str]:
    with pytest.raises(DictionaryFault) as caught:
        export_dictionary(topology)
    assert caught.value.where == "Faulty"
    return caught.value.faults


@wire_enum(U8, name="Here.Mode")
class Mode(IntEnum):
    OFF = 0
    ON = 1


@wire_enum(U8, name="Here.Mode")
class SameMode(IntEnum):
    OFF = 0
    ON = 1


@wire_enum(U8, name="Here.Mode")
class OtherMode(IntEnum):
    OFF = 1
    ON = 0


@wire_enum(U8, name="Fw.CmdResponse")
class WrongResponse(IntEnum):
    OK = 1


@wire_struct(name="Here.Holder")
class Holder:
    data: Annotated[bytes, Size(8)]


Inline: Any = wire_array("", U8, 2)


class First(PassiveComponent):
    mode = Channel(Mode)


class Same(PassiveComponent):
    mode = Channel(SameMode)


class Other(PassiveComponent):
    mode = Channel(OtherMode)


class Takes(PassiveComponent):
    held = Channel(Holder)

    @command
    def take(self, data: Annotated[bytes, Size(8)]) -> None: ...


class Wrong(PassiveComponent):
    response = Channel(WrongResponse)
    pair = Channel(Inline)
    shown = Channel(Mode, format="{:d}")
    twice = Channel(U32, format="{} {}")
    named = Channel(U32, format="{value:x}")
    hex = Channel(F32, format="{:x}", limits=Limits(high_red=float("inf")))
    endless = Parameter(F32, default=float("inf"))
    odd = Channel(U32, name="Not a name")

    @event(ACTIVITY_HI, "{mode:x}")
    def strange(self, mode: Mode) -> None: ...


def test_two_types_of_one_name_that_differ_are_a_fault() -> None:
    assert faults_of(topology_of(First, Other)) == [
        "one1.Mode: Here.Mode is another type here than in one0.Mode",
    ]


def test_two_equal_types_of_one_name_are_one() -> None:
    types = export_dictionary(topology_of(First, Same))["typeDefinitions"]
    assert [one["qualifiedName"] for one in types].count("Here.Mode") == 1


def test_bytes_are_for_ports_alone() -> None:
    assert faults_of(topology_of(Takes)) == [
        "one0.TAKE: data: bytes can only go through ports: the dictionary has no type for them",
        "Here.Holder.data (in one0.Held): bytes can only go through ports: the dictionary has no type for them",
    ]


def test_every_fault_is_listed_at_once() -> None:
    found = "\n".join(faults_of(topology_of(Wrong)))
    assert "one0.Response: Fw.CmdResponse is another type here than in the standard types" in found
    assert "one0.Pair: an array without a name can only be a member of a struct" in found
    assert "one0.Shown: the format has {d} where {} should stand for Here.Mode" in found
    assert "one0.Twice: the format '{} {}' should hold one placeholder, without a name" in found
    assert "one0.Named: the format '{value:x}' should hold one placeholder, without a name" in found
    assert "one0.Hex: the format has {x}, which is for integers, where F32 is shown" in found
    assert "one0.Hex.limits.high.red: JSON has no inf" in found
    assert "one0.ENDLESS.default: JSON has no inf" in found
    assert "the name 'one0.Not a name' should be letters" in found
    assert "one0.Strange: the format has {x} where {} should stand for Here.Mode" in found


def test_ids_that_overlap_are_a_fault() -> None:
    topology = topology_of(First, Same)
    first, second = topology.instances
    overlapping = evolve(topology, instances=(first, evolve(second, base_id=first.base_id)))
    assert faults_of(overlapping) == ["telemetryChannels.id: 0 stands twice: one0.Mode and one1.Mode"]


def test_two_packets_of_one_name_or_id_are_a_fault() -> None:
    packets = (Packet("P", 1, 0, (("one0", "mode"),)), Packet("P", 1, 0, (("one0", "mode"),)))
    assert len(faults_of(evolve(topology_of(First), packets=packets))) == 2


def test_a_faulty_topology_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text("old")
    with pytest.raises(DictionaryFault):
        write_dictionary(str(path), topology_of(Takes))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
