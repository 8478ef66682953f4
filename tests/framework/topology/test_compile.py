"""What a sound topology file compiles to: names, imports, overrides, services, indices, packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.topology.compile import load_topology
from kittiwake.topology.draft import MAX_FILES, MAX_INSTANCES
from kittiwake.topology.model import Connection, Packet
from tests.framework.topology.parts import SERVICES, Worker, compiled, refused, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SUB = """
    subtopology: Core
    doc: What every deployment has.
    instances:
      all: {component: PARTS.Services, id: 0x100}
      worker: {component: PARTS.Worker, id: 0x200, queue: 5, parameters: {gain: 4}}
    services: {command: all, event: all}
    connections:
      Core:
        - worker.words_out -> worker.words_in
    packets:
      Core: {id: 1, group: 1, channels: [worker.Level]}
    omitted: [worker.count]
"""

MAIN = """
    topology: Main
    doc: The main one.
    imports: [core.yaml]
    instances:
      worker: {component: PARTS.Worker, id: 0x300, queue: 7, priority: 9, thread: slow, doc: Its own.}
    overrides:
      Core.worker: {queue: 50, parameters: {ARMED: false}}
    services: {telemetry: Core.all, parameter: Core.all}
    connections:
      Main:
        - worker.wordsOut -> Core.worker.wordsIn
    packets:
      Main: {id: 2, group: 3, channels: [worker.count, Core.worker.level]}
    omitted: [Main.worker.Level]
"""


def test_a_main_topology_is_joined_with_what_it_imports(tmp_path: Path) -> None:
    write(tmp_path, SUB, "core.yaml")
    topology = compiled(tmp_path, MAIN)

    assert (topology.name, topology.doc) == ("Main", "The main one.")
    assert [made.name for made in topology.instances] == ["Core.all", "Core.worker", "Main.worker"]
    imported, own = topology.instance("Core.worker"), topology.instance("Main.worker")
    assert (imported.component, imported.path) == (Worker, "tests.framework.topology.parts:Worker")
    assert (imported.queue, imported.parameters) == (50, {"gain": 4, "armed": False})
    assert (own.queue, own.priority, own.thread, own.doc) == (7, 9, "slow", "Its own.")
    assert topology.services == dict.fromkeys(("command", "event", "telemetry", "parameter"), "Core.all")
    assert topology.connections == (
        Connection("Core", "Core.worker", "words_out", 0, "Core.worker", "words_in", 0),
        Connection("Main", "Main.worker", "words_out", 0, "Core.worker", "words_in", 0),
    )
    assert topology.packets == (
        Packet("Core", 1, 1, (("Core.worker", "level"),)),
        Packet("Main", 2, 3, (("Main.worker", "count"), ("Core.worker", "level"))),
    )


def test_a_file_that_two_others_import_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "subtopology: Base\ninstances:\n  r: {component: PARTS.Relay, id: 1}\n", "base.yaml")
    write(tmp_path, "subtopology: Left\nimports: [base.yaml]\n", "left.yaml")
    write(tmp_path, "subtopology: Right\nimports: [./base.yaml]\n", "right.yaml")
    topology = compiled(tmp_path, "topology: Main\nimports: [left.yaml, right.yaml]\n")
    assert [made.name for made in topology.instances] == ["Base.r"]


def test_subtopologies_of_a_package_are_imported_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "orchard_parts"
    package.mkdir()
    (package / "__init__.py").touch()
    write(package, "subtopology: Base\ninstances:\n  r: {component: PARTS.Relay, id: 1}\n", "base.yaml")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "main").mkdir()
    topology = compiled(tmp_path / "main", "topology: Main\nimports: [orchard_parts:base.yaml]\n")
    assert [made.name for made in topology.instances] == ["Base.r"]
    misspelt, missing = refused(tmp_path, "topology: Main\nimports: [orchard_parts:bse.yaml, orchrd_parts:base.yaml]\n")
    assert (misspelt.message, misspelt.hint) == ("there is no file orchard_parts:bse.yaml", "did you mean base.yaml?")
    assert missing.message == "there is no Python package 'orchrd_parts', in which to look for base.yaml"


def test_indices_that_are_left_out_are_the_next_free_ones(tmp_path: Path) -> None:
    topology = compiled(
        tmp_path,
        """
        topology: Main
        instances:
          ticker: {component: PARTS.Ticker, id: 1}
          a: {component: PARTS.Basket, id: 2, queue: 1}
          b: {component: PARTS.Basket, id: 3, queue: 1}
          c: {component: PARTS.Basket, id: 4, queue: 1}
          x: {component: PARTS.Relay, id: 5}
          y: {component: PARTS.Relay, id: 6}
          ears: {component: PARTS.Listener, id: 7}
        connections:
          Ticks:
            - ticker.tick_out -> a.run
            - ticker.tick_out -> b.run
            - ticker.tick_out[0] -> c.run
          Words:
            - x.words_out -> ears.words_in
            - y.words_out -> ears.words_in[0]
            - x.other_out -> ears.words_in [0]
            - ears.required_out -> x.end_in
        """,
    )
    assert [(made.source, made.output_index, made.target, made.input_index) for made in topology.connections] == [
        ("Main.ticker", 1, "Main.a", 0),
        ("Main.ticker", 2, "Main.b", 0),
        ("Main.ticker", 0, "Main.c", 0),
        ("Main.x", 0, "Main.ears", 1),
        ("Main.y", 0, "Main.ears", 0),
        ("Main.x", 0, "Main.ears", 0),
        ("Main.ears", 0, "Main.x", 0),
    ]


def test_settings_are_plain_values_of_their_kinds(tmp_path: Path) -> None:
    topology = compiled(
        tmp_path,
        """
        topology: Main
        instances:
          t:
            component: PARTS.Ticker
            id: 1
            settings: {limits: [1, 0x10], names: {a: 1, b: 2.5}, title: "7", fast: true}
        """,
    )
    assert topology.instances[0].settings == {
        "limits": [1, 16], "names": {"a": 1.0, "b": 2.5}, "title": "7", "fast": True,
    }  # fmt: skip


def test_paths_may_be_given_as_texts(tmp_path: Path) -> None:
    path = write(tmp_path, f"topology: Main\ninstances:\n  all: {{component: PARTS.Services, id: 1}}\n{SERVICES}\n")
    assert load_topology(str(path)).services["event"] == "Main.all"


def test_imports_in_a_circle_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "subtopology: A\nimports: [b.yaml]\n", "a.yaml")
    write(tmp_path, "subtopology: B\nimports: [a.yaml]\n", "b.yaml")
    (fault,) = refused(tmp_path, "topology: Main\nimports: [a.yaml]\n")
    assert (fault.file.rpartition("/")[2], fault.message) == (
        "b.yaml",
        "imports form a circle: a.yaml -> b.yaml -> a.yaml",
    )


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "subtopology: A\n", "a.yaml")
    write(tmp_path, "subtopology: A\n", "b.yaml")
    (fault,) = refused(tmp_path, "topology: Main\nimports: [a.yaml, b.yaml]\n")
    assert fault.message.startswith("the name A is already that of ")


def test_a_main_topology_is_not_imported_and_a_subtopology_not_built(tmp_path: Path) -> None:
    write(tmp_path, "topology: Other\n", "other.yaml")
    (imported,) = refused(tmp_path, "topology: Main\nimports: [other.yaml]\n")
    (built,) = refused(tmp_path, "subtopology: Main\n")
    (nameless,) = refused(tmp_path, "doc: nothing\n")
    assert imported.message == "other.yaml is a main topology; only subtopologies are imported"
    assert built.message == "this is a subtopology; build the topology that imports it"
    assert "the key topology" in nameless.message


def test_a_file_is_one_table_with_one_name(tmp_path: Path) -> None:
    write(tmp_path, "- a list\n", "list.yaml")
    (both,) = refused(tmp_path, "topology: Main\nsubtopology: Main\n")
    (listed,) = refused(tmp_path, "topology: Main\nimports: [list.yaml]\n")
    (whole,) = refused(tmp_path, "just words\n")
    (number,) = refused(tmp_path, "topology: 12\n")
    assert both.message == "a file is a topology or a subtopology, not both"
    assert listed.message.startswith("a subtopology is a table of topology, ")
    assert whole.message.startswith("a topology is a table of ")
    assert number.message == "topology is a text, not 12"


def test_files_and_instances_are_bounded(tmp_path: Path) -> None:
    for number in range(MAX_FILES):
        write(tmp_path, f"subtopology: S{number}\n", f"s{number}.yaml")
    imports = ", ".join(f"s{number}.yaml" for number in range(MAX_FILES))
    (files,) = refused(tmp_path, f"topology: Main\nimports: [{imports}]\n")
    lines = "".join(f"  r{number}: {{component: PARTS.Relay, id: {number}}}\n" for number in range(MAX_INSTANCES + 1))
    (instances,) = refused(tmp_path, f"topology: Main\ninstances:\n{lines}")
    assert files.message == f"a topology has at most {MAX_FILES} files"
    assert instances.message == f"a topology has at most {MAX_INSTANCES} instances"


def test_only_imported_instances_are_overridden_and_only_by_the_main_file(tmp_path: Path) -> None:
    write(
        tmp_path, "subtopology: A\noverrides: {B.r: {}}\ninstances:\n  r: {component: PARTS.Relay, id: 1}\n", "a.yaml"
    )
    faults = refused(
        tmp_path,
        """
        topology: Main
        imports: [a.yaml]
        instances:
          own: {component: PARTS.Relay, id: 2}
        overrides:
          own: {queue: 1}
          A.s: {queue: 1}
          A.r: {id: 3}
        """,
    )
    assert [(fault.message, fault.hint) for fault in faults] == [
        ("only a main topology overrides what others declare", ""),
        ("own is an instance of this file; change it where it stands", ""),
        ("there is no imported instance A.s", "did you mean A.r?"),
        ("an override has no key 'id'", "keys: queue, priority, settings, parameters"),
    ]
