"""`graph`, `schema`, `dictionary` and `fpp`: what is made from a topology."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.dictionary.load import load_dictionary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    "format, start", [("mermaid", "flowchart LR\n"), ("dot", 'digraph "Small" {'), ("svg", "<svg ")]
)
def test_a_graph_is_drawn_in_each_format(format: str, start: str, kittiwake: Callable[..., Any], small: Path) -> None:
    status, out, err = kittiwake("graph", small, "--format", format)
    assert (status, err) == (0, "")
    assert out.startswith(start)
    assert "cmdDisp" in out


def test_the_name_of_the_file_chooses_the_format(kittiwake: Callable[..., Any], small: Path, folder: Path) -> None:
    assert kittiwake("graph", small, "-o", "drawn/small.svg") == (0, "drawn/small.svg\n", "")
    assert (folder / "drawn/small.svg").read_text().startswith("<svg ")
    assert [path.name for path in (folder / "drawn").iterdir()] == ["small.svg"]


def test_a_graph_shows_only_the_groups_that_are_asked_for(kittiwake: Callable[..., Any], small: Path) -> None:
    out = kittiwake("graph", small, "--group", "RateGroups", "--group", "Commands").out
    assert "posixTime" in out
    assert "framer" not in out


def test_a_group_that_does_not_exist_is_named_with_its_nearest(kittiwake: Callable[..., Any], small: Path) -> None:
    status, out, err = kittiwake("graph", small, "--group", "RateGruops")
    assert (status, out) == (1, "")
    assert err == "kittiwake graph: there is no connection group RateGruops (did you mean RateGroups?)\n"


def test_the_schema_is_json_and_knows_the_components(kittiwake: Callable[..., Any]) -> None:
    status, out, _ = kittiwake("schema")
    assert status == 0
    schema = json.loads(out)
    assert "kittiwake_components.CommandDispatcher" in json.dumps(schema["definitions"]["instance"])


def test_the_dictionary_can_be_loaded(kittiwake: Callable[..., Any], small: Path, folder: Path) -> None:
    assert kittiwake("dictionary", small, "-o", "d.json") == (0, "d.json\n", "")
    assert "CdhCore.cmdDisp.CMD_NO_OP" in load_dictionary(str(folder / "d.json")).commands
    assert kittiwake("dictionary", small).out == (folder / "d.json").read_text()


def test_the_fpp_files_are_written_and_named(kittiwake: Callable[..., Any], small: Path, folder: Path) -> None:
    status, out, _ = kittiwake("fpp", small, "-o", "fpp")
    assert status == 0
    assert sorted(out.split()) == sorted(str(path.relative_to(folder)) for path in (folder / "fpp").iterdir())
    assert "topology Small" in (folder / "fpp/topology.fpp").read_text()


def test_fpp_wants_a_folder(kittiwake: Callable[..., Any], small: Path) -> None:
    status, _, err = kittiwake("fpp", small)
    assert status == 2
    assert "-o" in err


@pytest.mark.parametrize("command", [("graph",), ("dictionary",), ("fpp", "-o", "made")], ids=lambda words: words[0])
def test_faults_of_a_topology_are_shown_with_their_places_and_nothing_is_written(
    command: tuple[str, ...], kittiwake: Callable[..., Any], folder: Path
) -> None:
    (folder / "bad.yaml").write_text("topology: Bad\ninstances:\n  a: {component: kittiwake_components.Nope, id: 1}\n")
    status, out, err = kittiwake(*command, "bad.yaml")
    assert (status, out) == (1, "")
    assert "bad.yaml:3:18: kittiwake_components has no component Nope" in err
    assert "\n    " + " " * 17 + "^" in err
    assert not (folder / "made").exists()


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"[" * 5000, b"topology: [\n"])
@pytest.mark.parametrize("command", [("graph",), ("dictionary",), ("fpp", "-o", "made"), ("check",), ("build",)])
def test_whatever_stands_in_a_topology_file_gets_a_message(
    command: tuple[str, ...], content: bytes | None, kittiwake: Callable[..., Any], folder: Path
) -> None:
    if content is not None:
        (folder / "bad.yaml").write_bytes(content)
    status, out, err = kittiwake(*command, "bad.yaml")
    assert (status, out) == (1, "")
    assert "bad.yaml" in err


def test_a_place_that_cannot_be_written_is_named(kittiwake: Callable[..., Any], small: Path, folder: Path) -> None:
    (folder / "taken").mkdir()
    status, _, err = kittiwake("dictionary", small, "-o", "taken")
    assert (status, err) == (1, "kittiwake dictionary: taken: Is a directory\n")
    (folder / "file").write_text("")
    status, _, err = kittiwake("fpp", small, "-o", "file")
    assert status == 1
    assert err.startswith("kittiwake fpp: file")
    assert (folder / "file").read_text() == ""


def test_the_dictionary_is_written_as_xtce(kittiwake: Callable[..., Any], small: Path, dictionary: Path) -> None:
    nested = kittiwake("xtce", "--topology", small)
    assert (nested.status, nested.err) == (0, "")
    assert nested.out == kittiwake("xtce", "-d", dictionary).out
    assert '<SpaceSystem name="cmdDisp">' in nested.out
    assert 'name="CdhCore_cmdDisp_CommandsDispatched"' in kittiwake("xtce", "-d", dictionary, "--flat").out
