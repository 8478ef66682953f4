"""The handbook has every entry once, leads to what it names, and lets nothing of a dictionary out of its place."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.cli.main import main
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.handbook.page import About, handbook_page, policy
from kittiwake.topology.compile import load_topology
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary

SMALL = ROOT / "tests/framework/cli/small.yaml"
SECTIONS = ("commands", "events", "telemetryChannels", "parameters")
REFERENCE = ROOT / "topologies/reference.yaml"


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, and the hooks of scripts in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.hooks: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name.startswith("on") or name == "src":
                self.hooks.append(name)

    def handle_data(self, data: str) -> None:
        self.text += data


def small() -> dict[str, Any]:
    return deepcopy(_exported())


@cache
def _exported() -> dict[str, Any]:
    return export_dictionary(load_topology(SMALL))


def tiny() -> dict[str, Any]:
    """A few entries of each kind."""
    plain = small()
    packets = plain.pop("telemetryPacketSets")
    for section in SECTIONS:
        plain[section] = plain[section][:2]
    return {**plain, "telemetryPacketSets": packets[:0]}


def ids_of(dictionary: Dictionary) -> set[str]:
    named: dict[str, Iterable[str]] = {
        "command": dictionary.commands, "event": dictionary.events, "channel": dictionary.channels,
        "parameter": dictionary.parameters, "type": dictionary.types,
    }  # fmt: skip
    packets = {f"packet:{one.name}" for packets in dictionary.packet_sets for one in packets.packets}
    return packets | {f"{kind}:{name}" for kind, names in named.items() for name in names}


def test_every_entry_is_there_once_and_every_link_leads_somewhere() -> None:
    dictionary = read_dictionary(export_dictionary(load_topology(REFERENCE)), "reference")
    page = Page(handbook_page(dictionary))
    assert len(page.ids) == len(set(page.ids))
    assert ids_of(dictionary) <= set(page.ids)
    assert {unquote(one.removeprefix("#")) for one in page.links} <= set(page.ids)
    for words in ("Does nothing but repeat the string.", "yellow 90, red 99", "{.2f}", "Invalid opcode 0x{x} received"):
        assert words in page.text
    assert (page.tags.count("script"), page.hooks) == (1, [])


@given(st.text(max_size=30), st.data())
def test_whatever_a_dictionary_says_is_text(words: str, data: st.DataObject) -> None:
    """A foreign dictionary's texts make no element, no attribute and no script."""
    said = data.draw(st.sampled_from(["<script>alert(1)</script>", '" onclick="x', "</style>", "<!--", "'", "&lt;"]))
    plain = tiny()
    quiet = Page(handbook_page(read_dictionary(plain, "small")))
    texts = said + words
    for section in SECTIONS:
        for one in plain[section]:
            one["annotation"] = texts
            for formal in one.get("formalParams", ()):
                formal["annotation"] = texts
    plain["events"][0]["format"] = "{}" * len(plain["events"][0]["formalParams"]) + texts.replace("{", "").replace(
        "}", ""
    )
    plain["metadata"]["projectVersion"] = plain["metadata"]["deploymentName"] = texts
    page = Page(handbook_page(read_dictionary(plain, "small"), about={"CdhCore.cmdDisp": About(texts, texts)}))
    assert (page.tags.count("script"), page.hooks) == (1, [])
    assert set(page.tags) <= {*quiet.tags, "p", "th", "td", "dt", "dd", "dl"}
    assert set(page.ids) == set(quiet.ids)


def test_names_that_no_kittiwake_gives_are_escaped_too() -> None:
    """A name of a foreign dictionary stands in addresses and attributes as well."""
    plain = small()
    name = 'Ref."><img src=x onerror=alert(1)>.a&b c'
    plain["commands"][0]["name"] = name
    page = Page(handbook_page(read_dictionary(plain, "small"), title="<b>", hazardous=[name]))
    assert page.hooks == []
    assert "img" not in page.tags
    assert f"command:{name}" in page.ids
    assert f"#command:{name}" in [unquote(one) for one in page.links]
    assert "hazardous" in page.text


def test_the_policy_lets_only_the_search_run() -> None:
    html = handbook_page(read_dictionary(small(), "small"))
    assert policy() in html
    assert "default-src 'none'" in policy()
    assert "http://" not in html.replace("http-equiv", "")


def test_the_command_writes_a_topology_and_a_dictionary(tmp_path: Path, capsys: Any) -> None:
    dictionary = tmp_path / "small.json"
    dictionary.write_text(json.dumps(small()))
    for source in (SMALL, dictionary):
        folder = tmp_path / source.suffix
        assert main(["handbook", str(source), "-o", str(folder)]) == 0
        assert capsys.readouterr().out.strip() == str(folder / "index.html")
        assert "CdhCore.cmdDisp.CMD_NO_OP_STRING" in (folder / "index.html").read_text()
    assert "F´'s command dispatcher." in (tmp_path / ".yaml" / "index.html").read_text().replace("&#x27;", "'")
    assert main(["handbook", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err
