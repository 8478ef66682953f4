"""The FPP export as text: what FPP has no words for is mapped to the nearest, and a comment says so."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.export_formats import placeholders
from kittiwake.dictionary.fields import DictionaryFault
from kittiwake.dictionary.fpp import export_fpp
from kittiwake.dictionary.fpp_formats import fpp_format
from kittiwake.dictionary.fpp_text import ModuleTree, annotation_lines, literal, qualified, string, type_name
from kittiwake.model.component import ComponentType, PassiveComponent
from kittiwake.model.fw import CmdResponse
from kittiwake.model.ports import OutputPort, OutputPortArray, port, sync_port
from kittiwake.model.types import F32, F64, U8, U32, Bool, Ranged, String, wire_array, wire_struct, wire_type
from kittiwake.topology.model import Instance, Topology
from tests.framework.dictionary.rich import Measure, Mode, Reading, rich_topology


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return export_fpp(rich_topology())


def line_with(text: str, part: str) -> tuple[str, str]:
    """The one line that holds a part, and the line before it."""
    lines = [line.strip() for line in text.splitlines()]
    (index,) = [index for index, line in enumerate(lines) if part in line]
    return lines[index - 1], lines[index]


def test_every_part_of_the_model_has_a_file(files: dict[str, str]) -> None:
    assert list(files) == ["types.fpp", "ports.fpp", "components.fpp", "instances.fpp", "topology.fpp"]
    assert all(text.endswith("\n") and "\n\n\n" not in text for text in files.values())


@pytest.mark.parametrize(
    "remark, part",
    [
        ("# When the queue is full it drops the oldest message, which FPP cannot say.", "async input port run:"),
        ("# exclusive", "command LONG_RUN"),
        ("# hazardous", "command ERASE"),
        ("# priority lies between 1 and 9", "command ADJUST"),
        ("# The value lies between 1 and 5", "param LIMIT"),
        ("# engineering value = 0.5 x raw + -10", "telemetry Raw"),
        ("# unit: V", "telemetry Voltage"),
        ("# FPP has no {8.2f}", "event Wide"),
        ("# FPP shows every argument: 1 more", "event Half"),
        ("# FPP wants an asynchronous input; there is none.", "internal port nothing"),
    ],
)
def test_a_comment_says_what_fpp_cannot(files: dict[str, str], remark: str, part: str) -> None:
    before, _ = line_with(files["components.fpp"], part)
    assert before == remark


def test_bytes_on_a_port_become_an_opaque_type(files: dict[str, str]) -> None:
    before, line = line_with(files["ports.fpp"], "port Com(")
    assert line == "port Com(data: Fw.Buffer, context: U32)"
    assert before.startswith("@ One F´ packet")
    assert "# data is at most 4096 bytes" in files["ports.fpp"]
    assert "  type Buffer\n" in files["types.fpp"]


def test_threads_settings_and_parameters_of_an_instance_are_comments(files: dict[str, str]) -> None:
    before, line = line_with(files["instances.fpp"], "instance worker:")
    assert before == "# depth = [1, 2]"
    assert line == "instance worker: Tests.Worker base id 0x2000 queue size 10 priority 40"
    assert (
        "# thread: slow\n  # parameter gain = 2\n  # parameter limit = 4\n  instance second" in files["instances.fpp"]
    )


def test_services_become_pattern_graphs(files: dict[str, str]) -> None:
    for pattern in ("command", "event", "telemetry", "time", "param"):
        assert f"  {pattern} connections instance Core.services\n" in files["topology.fpp"]
    assert "# The health service is Core.services" in files["topology.fpp"]


def test_the_frameworks_ports_evade_names_that_the_component_has(files: dict[str, str]) -> None:
    _, line = line_with(files["components.fpp"], "time get port timeCallerSpecial")
    assert line == "time get port timeCallerSpecial"


def test_words_of_fpp_are_escaped() -> None:
    assert qualified("Core.state.Time.size") == "Core.$state.Time.$size"


def test_literals_are_fpps() -> None:
    assert literal(wire_type(Bool), True) == "true"
    assert literal(wire_type(F32), -2.5e-7) == "-2.5e-07"
    assert literal(wire_type(F64), float("inf")) is None
    assert literal(wire_type(Mode), Mode.size) == "Rich.Mode.$size"
    assert literal(wire_type(String(20)), 'a "b" \\') == '"a \\"b\\" \\\\"'
    reading = Reading(Mode.IDLE, (1, 2, 1), "", (0.0, 0.0, 0.0))
    assert literal(wire_type(Reading), reading) is None


def test_text_is_kept_on_one_line() -> None:
    assert string("one\ntwo") == '"one two"'
    assert annotation_lines("one\n    two\n") == ["@ one two"]
    assert all(len(line) <= 112 for line in annotation_lines("word " * 100))


def test_a_range_is_not_part_of_a_types_name() -> None:
    assert type_name(Ranged(wire_type(U8), 1, 5)) == "U8"
    assert type_name(wire_type(String(7))) == "string size 7"


def test_definitions_of_one_module_stand_together() -> None:
    tree = ModuleTree()
    tree.add("A.B.one", ["one"])
    tree.add("two", ["two"])
    tree.add("A.three", ["three"])
    words = tree.text("All.").split()
    assert words == ["#", "All.", "two", "module", "A", "{", "three", "module", "B", "{", "one", "}", "}"]


@given(st.lists(st.sampled_from(["{}", "{x}", "{.2f}", "{8.2f}", "{04x}", "{{", "}}", "text "]), max_size=6), st.data())
def test_a_format_has_a_placeholder_for_each_argument(parts: list[str], data: st.DataObject) -> None:
    format = "".join(parts)
    given_placeholders = len(placeholders(format))
    count = given_placeholders + data.draw(st.integers(0, 2))
    forms = [data.draw(st.sampled_from([wire_type(U32), wire_type(F32)])) for _ in range(count)]
    made, note = fpp_format(format, forms)
    assert len(placeholders(made)) == count
    assert (note == "") == (made == format)
    assert fpp_format(made, forms) == (made, "")


TwoBytes: Any = wire_array("", U8, 2)


@wire_struct(name="Small.Pair")
class Pair:
    values: TwoBytes = (1, 2)


def _topology(*instances: Instance, **services: str) -> Topology:
    return Topology("Small", instances, (), services)


def test_two_ports_of_one_name_that_differ_are_a_fault() -> None:
    @port("Rich.Measure")
    def Other(value: U8) -> None: ...

    class Here(PassiveComponent):
        measure = OutputPort(Measure)

    class There(PassiveComponent):
        measure = OutputPort(Other)

    with pytest.raises(DictionaryFault, match=r"Rich\.Measure is another port here than elsewhere"):
        export_fpp(_topology(Instance("here", Here, "", 0), Instance("there", There, "", 0x100)))


def test_two_components_of_one_name_are_told_apart_by_their_modules() -> None:
    class Twin(PassiveComponent):
        __module__ = "package.first"

    other = ComponentType("Twin", (PassiveComponent,), {"__module__": "package.second"})
    text = export_fpp(_topology(Instance("a", Twin, "", 0), Instance("b", other, "", 0x100)))["instances.fpp"]
    assert "instance a: Package.First.Twin base id 0x0" in text
    assert "instance b: Package.Second.Twin base id 0x100" in text


def test_a_service_whose_ports_do_not_fit_the_pattern_gets_a_comment() -> None:
    class Crowded(PassiveComponent):
        spare = OutputPortArray(CmdResponse, 2)

        @sync_port(CmdResponse)
        def first(self, opcode: int, sequence: int, response: Any) -> None: ...

        @sync_port(CmdResponse)
        def second(self, opcode: int, sequence: int, response: Any) -> None: ...

    text = export_fpp(_topology(Instance("crowded", Crowded, "", 0), command="crowded"))["topology.fpp"]
    assert "# The command service is crowded, whose ports do not fit FPP's pattern." in text
    assert "command connections" not in text


def test_a_topology_named_as_a_module_stands_inside_of_it() -> None:
    text = export_fpp(evolve(rich_topology(), name="Core"))["topology.fpp"]
    assert "\nmodule Core {\n" in text
    assert "  deployment topology Core {\n    instance services\n    instance worker\n" in text
    assert "command connections instance services\n" in text


def test_a_topology_named_as_an_instance_gets_another_name() -> None:
    text = export_fpp(evolve(rich_topology(), name="worker"))["topology.fpp"]
    assert "# The topology is worker, which is the name of an instance as well." in text
    assert "deployment topology workerTopology {" in text


def test_a_default_of_mixed_inline_elements_is_left_to_fpp() -> None:
    @port("Small.Give")
    def Give(pair: Pair) -> None: ...

    class Giver(PassiveComponent):
        give = OutputPort(Give)

    text = export_fpp(_topology(Instance("giver", Giver, "", 0)))["types.fpp"]
    assert "# The default is FPP's: it cannot write the declared one.\n  struct Pair {" in text
