"""`budget` and `packet`: what the deployment's telemetry costs, and how it stands on the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REFERENCE = ROOT / "topologies" / "reference.yaml"
PACKETS = REFERENCE.read_text(encoding="utf-8").count("group: ")
SVG = "{http://www.w3.org/2000/svg}"


def test_the_budget_of_a_topology_has_packets_levels_and_loads(kittiwake: Callable[..., Any]) -> None:
    status, out, err = kittiwake("budget", REFERENCE, "--rate", "9600", "--pass", "600")
    assert (status, err) == (0, "")
    assert f"ReferenceDeployment: {PACKETS} packets" in out
    assert "ComCcsds.framer: CCSDS, TM frames of 1024 B, 9600 bit/s" in out
    assert "up to 1" in out
    assert "a pass of 600 s carries 720,000 B" in out


def test_the_budget_as_json_agrees_with_itself(kittiwake: Callable[..., Any]) -> None:
    made = json.loads(kittiwake("budget", REFERENCE, "--json", "--rate", "9600", "--framing", "fprime").out)
    link = made["links"][0]
    assert link["framing"] == "fprime"
    for packet, cost in zip(made["packets"], link["packets"], strict=True):
        assert cost["link_bytes"] == packet["packet_bytes"] + 12
        assert cost["seconds"] == pytest.approx(cost["link_bytes"] * 8 / 9600)
        assert sum([channel["bytes"] for channel in packet["channels"]]) == packet["values_bytes"]
        last = packet["channels"][-1]
        assert last["offset"] + last["bytes"] == packet["packet_bytes"]
    assert sum([group["link_bytes"] for group in link["groups"]]) == sum([one["link_bytes"] for one in link["packets"]])


def test_a_uart_takes_ten_bits_a_byte_and_links_may_differ(kittiwake: Callable[..., Any]) -> None:
    plain = json.loads(kittiwake("budget", REFERENCE, "--json", "--rate", "9600").out)
    uart = json.loads(kittiwake("budget", REFERENCE, "--json", "--rate", "ComCcsds.framer=9600", "--uart").out)
    assert uart["links"][0]["load"] == pytest.approx(plain["links"][0]["load"] * 1.25)


def test_a_dictionary_alone_has_a_budget_too(kittiwake: Callable[..., Any], dictionary: Path) -> None:
    status, out, _ = kittiwake("budget", dictionary, "--verbose")
    assert status == 0
    assert "CdhCore.cmdDisp.CommandsDispatched" in out
    assert "every channel once" in out


def test_a_slower_rate_costs_less(kittiwake: Callable[..., Any]) -> None:
    def telemetry(*options: str) -> float:
        made = json.loads(kittiwake("budget", REFERENCE, "--json", "--framing", "fprime", *options).out)
        return float(made["links"][0]["telemetry_bytes_per_s"])

    assert telemetry() - telemetry("--every", "Commands=3") == pytest.approx(79 * 2 / 3)
    assert telemetry("--cycle", "2") == pytest.approx(telemetry() / 2)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--rate", "fast"], "--rate: 'fast' is no number"),
        (["--rate", "0"], "--rate is more than 0"),
        (["--rate", "ComCcsds.farmer=1200"], "did you mean ComCcsds.framer?"),
        (["--rate", "1", "--rate", "2"], "twice for all links"),
        (["--every", "Commands"], "--every wants NAME=NUMBER"),
        (["--every", "Comands=2"], "did you mean Commands?"),
        (["--cycle", "0"], "--cycle is more than 0 and at most"),
        (["--cycle", "inf"], "--cycle is more than 0 and at most"),
        (["--pass", "-1"], "--pass is more than 0 and at most"),
        (["--pass", "nan"], "--pass is more than 0 and at most"),
        (["--level", "-1"], "--level is 0 or more"),
        (["--frame-size", "0"], "--frame-size is 1 or more bytes"),
        (["--events", "-1"], "--events is 0 to"),
        (["--frame-size", "4"], "TM frame size 4"),
        (["--packet-set", "None"], "there is no packet set 'None'"),
    ],
)
def test_what_makes_no_sense_is_refused(kittiwake: Callable[..., Any], options: list[str], message: str) -> None:
    status, out, err = kittiwake("budget", REFERENCE, *options)
    assert status in (1, 2)
    assert out == ""
    assert message in err


def test_every_telemetry_packet_is_drawn(kittiwake: Callable[..., Any]) -> None:
    status, out, _ = kittiwake("packet", REFERENCE)
    assert status == 0
    assert out.count("packet of ") == PACKETS
    assert "|   spacecraft id   |" in out


def test_a_drawing_has_its_rows_and_its_table(kittiwake: Callable[..., Any]) -> None:
    out = kittiwake("packet", REFERENCE, "Commands", "--bare").out
    lines = out.splitlines()
    assert lines[0] == "Commands: packet of 67 bytes"
    assert "     0 |           descriptor          |           packet id           |" in lines
    assert any(line.split()[:3] == ["15", "32", "value"] for line in lines)
    widths = {len(line) for line in lines if line.endswith("|") and line[7] == "|"}
    assert max(widths) == 72, "7 of margin, 32 bits of two columns, and the last side"


@pytest.mark.parametrize("name", ["CdhCore.cmdDisp.NoOpStringReceived", "ReferenceDeployment.cmdSeq.CurrentFile"])
@pytest.mark.parametrize("framing", ["ccsds", "fprime"])
def test_events_and_channels_are_drawn_as_svg(
    kittiwake: Callable[..., Any], folder: Path, name: str, framing: str
) -> None:
    assert kittiwake("packet", REFERENCE, name, "--framing", framing, "-o", "p.svg").status == 0
    drawn = ET.fromstring((folder / "p.svg").read_text())
    titles = [one.text or "" for one in drawn.iter(f"{SVG}title")]
    assert any("at most" in title for title in titles), "a string that is not padded"
    assert any(title.startswith("descriptor: U16, 16 bits") for title in titles)


def test_a_packet_larger_than_a_frame_is_drawn_without_it(kittiwake: Callable[..., Any]) -> None:
    out = kittiwake("packet", REFERENCE, "Sequencer", "--frame-size", "64").out
    assert "goes over 6 TM frames of 64 bytes, 8 of each their own" in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["Comands"], "did you mean Commands?"),
        (["Commands", "--link", "Nowhere"], "there is no link 'Nowhere'"),
        (["--format", "svg"], "an SVG holds one packet"),
    ],
)
def test_what_cannot_be_drawn_is_said(kittiwake: Callable[..., Any], arguments: list[str], message: str) -> None:
    status, out, err = kittiwake("packet", REFERENCE, *arguments)
    assert status in (1, 2)
    assert out == ""
    assert message in err
