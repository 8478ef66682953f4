"""What is refused about instances: components, queues, ids, settings, parameters, services."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.framework.topology.parts import SERVICES, messages, refused

if TYPE_CHECKING:
    from pathlib import Path


def of_instance(folder: Path, fields: str) -> list[tuple[str, str]]:
    """Messages and hints for one instance with those fields (of this module unless they name a component)."""
    written = fields if fields.startswith("component") else f"component: PARTS.{fields}"
    serves = "{component: PARTS.Services, id: 0x9000}"
    text = f"topology: Main\ninstances:\n  one: {{{written}}}\n  all: {serves}\n{SERVICES}\n"
    return [(fault.message, fault.hint) for fault in refused(folder, text)]


@pytest.mark.parametrize(
    "fields, message, hint",
    [
        ("component: Relay, id: 1", "'Relay' is no name of a class; write its module too, as in package.Class", ""),
        ("component: no_such.Relay, id: 1", "no_such cannot be imported: there is no module no_such", ""),
        ("Words, id: 1", "tests.framework.topology.parts.Words is no component", "components derive from"),
        ("Relay", "an instance misses its key id", "The base of"),
        ("Relay, id: -1", "id -1 is outside 0x0 to 0xffffffff", ""),
        ("Worker, id: 0xFFFFFFFF, queue: 1", "id 0xFFFFFFFF is outside 0x0 to 0xfffffffa", ""),
        ("Relay, id: 1, queue: 5", "Relay is a passive component and has no queue", ""),
        ("Relay, id: 1, priority: 5", "Relay is a passive component and has no priority", ""),
        ("Basket, id: 1, queue: 5, thread: t", "Basket is a queued component and has no thread", ""),
        ("Basket, id: 1", "Basket is a queued component and needs its queue's depth", "queue: 10"),
        ("Worker, id: 1", "Worker is an active component and needs its queue's depth", "queue: 10"),
        ("Worker, id: 1, queue: 0", "queue 0 is outside 1 to 100000", ""),
        ("Worker, id: 1, queue: 1, priority: 256", "priority 256 is outside 0 to 255", ""),
        ("Worker, id: 1, queue: 1, thread: main", "'main' is no name of a thread", "any name but main"),
        ("Worker, id: 1, queue: true", "queue is a whole number, not true", ""),
        ("Relay, id: 1, colour: red", "an instance has no key 'colour'", "keys: component, id"),
        ("Ticker, id: 1, settings: {limit: [1]}", "Ticker has no setting limit", "did you mean limits?"),
        ("Ticker, id: 1, settings: {limits: 1}", "limits is a list, each a whole number, not 1", ""),
        ("Ticker, id: 1, settings: {limits: [1, x]}", "limits[1] is a whole number, not 'x'", ""),
        ("Ticker, id: 1, settings: {limits: [2, 1]}", "limits: [2, 1] do not ascend", "Limits that"),
        ("Ticker, id: 1, settings: {names: {a: yes}}", "names.a is a number, not 'yes'", ""),
        ("Ticker, id: 1, settings: {names: {a: 1, b: 5.1}}", "names: 5.1 is outside -5 to 5", ""),
        ("Ticker, id: 1, settings: {title: 1.0}", "title is a text, not 1.0", "put it into quotes"),
        ("Ticker, id: 1, settings: {fast: 1}", "fast is true or false, not 1", ""),
        ("Ticker, id: 1, settings: [1]", "settings is a table, not a list", ""),
        ("Worker, id: 1, queue: 1, parameters: {gian: 1}", "Worker has no parameter gian", "did you mean gain?"),
        ("Worker, id: 1, queue: 1, parameters: {GAIN: 10}", "GAIN: 10 is outside 1 to 9", "From 1 to 9."),
        ("Worker, id: 1, queue: 1, parameters: {gain: [1]}", "gain: U8 wants an integer, not [1]", ""),
        ("Worker, id: 1, queue: 1, parameters: {gain: 2, GAIN: 3}", "the parameter gain is here a second", ""),
    ],
)  # fmt: skip
def test_one_fault_of_an_instance(tmp_path: Path, fields: str, message: str, hint: str) -> None:
    ((found_message, found_hint),) = of_instance(tmp_path, fields)
    assert found_message.startswith(message)
    assert found_hint.startswith(hint)


@pytest.mark.parametrize(
    "source, reason",
    [
        ("import absent_module_of_author\n", "there is no module absent_module_of_author"),
        ("x = 1\nraise ValueError('broken')\n", "ValueError: broken (broken_part.py:2)"),
        ("def f(:\n", "SyntaxError: invalid syntax (broken_part.py:1)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (broken_part.py:1)"),
    ],
)
def test_a_component_whose_module_fails_is_a_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    (tmp_path / "broken_part.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_part", raising=False)
    ((message, _),) = of_instance(tmp_path, "component: broken_part.Part, id: 1")
    assert message == f"broken_part cannot be imported: {reason}"


def test_ids_that_overlap_say_with_what_and_where_there_is_room(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        f"""
        topology: Main
        instances:
          one: {{component: PARTS.Worker, id: 0x100, queue: 1}}
          two: {{component: PARTS.Worker, id: 0x105, queue: 1}}
          three: {{component: PARTS.Worker, id: 0x200, queue: 1}}
          four: {{component: PARTS.Worker, id: 0x10B, queue: 1}}
          all: {{component: PARTS.Services, id: 0x300}}
        {SERVICES}
        """,
    )
    assert [(fault.line, fault.message, fault.hint) for fault in faults] == [
        (5, "ids 0x105 to 0x10a overlap those of Main.one (0x100 to 0x105)", "there is room at 0x400"),
    ]


def test_services_that_declarations_need_are_missing(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        """
        topology: Main
        instances:
          one: {component: PARTS.Worker, id: 0x100, queue: 1}
          two: {component: PARTS.Worker, id: 0x200, queue: 1}
          bulky: {component: PARTS.Bulky, id: 0x300}
        """,
    )
    assert [(fault.line, fault.col, fault.message) for fault in faults] == [
        (2, 11, "the service command is missing: Main.one and 1 more declare commands"),
        (2, 11, "the service event is missing: Main.one and 1 more declare events"),
        (2, 11, "the service telemetry is missing: Main.one and 2 more declare channels"),
        (2, 11, "the service parameter is missing: Main.one and 1 more declare parameters"),
    ]


def test_a_service_is_an_instance_that_can_serve(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        """
        topology: Main
        instances:
          relay: {component: PARTS.Relay, id: 0x100}
        services: {command: relay, event: [relay], telemetry: realy, health: relay, comand: relay, time: relay}
        """,
    )
    assert [(message, hint) for _, _, message, hint in messages(faults)] == [
        ("Relay cannot be the command service: it has no input port comp_cmd_stat", ""),
        ("Relay cannot be the command service: it has no method comp_cmd_reg", ""),
        ("a service is the name of an instance, not a list", ""),
        ("there is no instance realy", "did you mean relay?"),
        ("Relay cannot be the health service: it has no method handler_failed", ""),
        ("Relay cannot be the health service: it has no method handler_slow", ""),
        ("Relay cannot be the health service: it has no method queue_full", ""),
        ("Relay cannot be the health service: it has no method command_refused", ""),
        ("there is no service 'comand'", "did you mean command?"),
    ]


def test_a_service_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "subtopology: A\nservices: {time: r}\ninstances:\n  r: {component: PARTS.Relay, id: 1}\n"
    )
    (tmp_path / "a.yaml").write_text(
        (tmp_path / "a.yaml").read_text().replace("PARTS", "tests.framework.topology.parts")
    )
    (fault,) = refused(tmp_path, "topology: Main\nimports: [a.yaml]\nservices: {time: A.r}\n")
    assert fault.message.startswith("the service time is already r (")
