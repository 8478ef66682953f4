"""A topology with many faults lists every one, each with its place, its line, a caret and a suggestion."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from kittiwake.faults import Faults
from kittiwake.topology.compile import load_topology
from tests.framework.topology.parts import P, messages, refused, write

if TYPE_CHECKING:
    from pathlib import Path

TEN_FAULTS = """
    topology: Ten
    instancs: {}
    instances:
      ticker: {component: PARTS.Tickr, id: 0x100}
      one: {component: PARTS.Worker, id: 0x200, queue: 10, priority: fast}
      two: {component: PARTS.Worker, id: 0x203, queue: 10, parameters: {gain: 12}}
      relay: {component: PARTS.Relay, id: 0x300}
      all: {component: PARTS.Services, id: 0x400}
    services: {command: al, event: all, telemetry: all, parameter: all}
    connections:
      Words:
        - one.words_out -> relay.words_im
        - relay.words_out -> two.run
        - one.words_out -> twoo.words_in
    packets:
      Health: {id: 1, group: 1, channels: [one.Level, one.Count, two.Level, two.Cuont]}
    omitted: [two.Count]
"""


def test_a_file_with_ten_faults_lists_ten(tmp_path: Path) -> None:
    faults = refused(tmp_path, TEN_FAULTS)

    lines = dedent(TEN_FAULTS).replace("PARTS", P).split("\n")
    assert [(line, re.match(r"\w+", lines[line - 1][col - 1 :])[0]) for line, col, *_ in messages(faults)] == [  # type: ignore[index]
        (3, "instancs"), (5, "tests"), (6, "fast"), (7, "0x203"), (7, "12"), (10, "al"), (13, "words_im"), (14, "two"),
        (15, "twoo"), (17, "Cuont"),
    ]  # fmt: skip
    assert [(message, hint) for _, _, message, hint in messages(faults)] == [
        ("a topology has no key 'instancs'", "did you mean instances?"),
        ("tests.framework.topology.parts has no component Tickr", "did you mean Ticker?"),
        ("priority is a whole number, not 'fast'", ""),
        ("ids 0x203 to 0x208 overlap those of Ten.one (0x200 to 0x205)", "there is room at 0x500"),
        ("gain: 12 is outside 1 to 9", "From 1 to 9."),
        ("there is no instance al", "did you mean all?"),
        ("Relay has no input port words_im", "did you mean words_in?"),
        ("words_out is of type Parts.Words, Ten.two.run of type Svc.Sched", ""),
        ("there is no instance twoo", "did you mean two?"),
        ("two has no channel Cuont", "did you mean Count?"),
    ]


def test_faults_are_rendered_with_line_and_caret(tmp_path: Path) -> None:
    path = write(tmp_path, TEN_FAULTS)

    with pytest.raises(Faults) as caught:
        load_topology(path)

    assert (
        f"{path}:13:30: Relay has no input port words_im\n"
        "        - one.words_out -> relay.words_im\n"
        "                                 ^\n"
        "    did you mean words_in?\n"
    ) in caught.value.render()


def test_faults_of_imported_files_are_listed_with_those_of_the_main_one(tmp_path: Path) -> None:
    write(tmp_path, "subtopology: Sub\ninstances:\n  a: {component: PARTS.Rellay, id: 1}\n", "sub.yaml")
    faults = refused(
        tmp_path,
        """
        topology: Main
        imports: [sub.yaml, subb.yaml]
        instances:
          b: {component: PARTS.Relay, id: two}
        """,
    )

    assert [(fault.file.rpartition("/")[2], fault.line, fault.col, fault.hint) for fault in faults] == [
        ("main.yaml", 3, 21, "did you mean sub.yaml?"),
        ("main.yaml", 5, 60, ""),
        ("sub.yaml", 3, 18, "did you mean Relay?"),
    ]


def test_an_unusable_instance_causes_no_faults_elsewhere(tmp_path: Path) -> None:
    faults = refused(
        tmp_path,
        """
        topology: Main
        instances:
          broken: {component: PARTS.Absent, id: 1}
          relay: {component: PARTS.Relay, id: 2}
        connections:
          Words:
            - relay.words_out -> broken.words_in
            - broken.words_out -> relay.end_in
        """,
    )
    assert [fault.line for fault in faults] == [4]
