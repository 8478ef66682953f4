"""Which downlinks a topology has, what reaches each, and when its telemetry goes out."""

from __future__ import annotations

from typing import Any

from kittiwake.budget.links import Schedule, links_of, schedule_of
from kittiwake.budget.plan import make_budget
from kittiwake.budget.report import Rates, budget_json, budget_text
from kittiwake.topology.model import Connection, Instance, Topology
from kittiwake_components import (
    ActiveRateGroup,
    ComQueue,
    EventLog,
    Framer,
    RateGroupDriver,
    TelemetryStore,
)
from tests.framework.budget.downlink import reference


def instance(name: str, component: Any, base: int, **settings: Any) -> Instance:
    return Instance(name, component, "", base, settings=settings)


def joined(source: str, output: str, target: str, port: str, index: int = 0) -> Connection:
    return Connection("All", source, output, index, target, port, 0)


TWO = Topology(
    "Two",
    (
        instance("driver", RateGroupDriver, 0x100, tick_us=20_000, dividers=[1, 250]),
        instance("slow", ActiveRateGroup, 0x200),
        Instance("store", TelemetryStore, "", 0x300, settings={"rates": {"Commands": 3}}, parameters={"level": 2}),
        instance("events", EventLog, 0x400),
        instance("uartQueue", ComQueue, 0x500),
        instance("uart", Framer, 0x600, framing="fprime"),
        instance("loraQueue", ComQueue, 0x700),
        instance("lora", Framer, 0x800, frame_size=248, spacecraft_id=0x55),
        instance("spare", Framer, 0x900),
    ),
    (
        joined("driver", "cycle_out", "slow", "cycle_in", 1),
        joined("slow", "member_out", "store", "run"),
        joined("store", "pkt_send", "uartQueue", "com_packet_in"),
        joined("uartQueue", "data_out", "uart", "packet_in"),
        joined("events", "pkt_send", "uartQueue", "com_packet_in"),
        joined("events", "pkt_send", "loraQueue", "com_packet_in"),
        joined("loraQueue", "data_out", "lora", "packet_in"),
    ),
    {"telemetry": "store", "event": "events"},
)


def test_each_framer_is_a_link_with_its_own_framing() -> None:
    uart, lora, spare = links_of(TWO)
    assert (uart.name, uart.framing, uart.has_telemetry, uart.has_events) == ("uart", "fprime", True, True)
    assert (lora.framing, lora.parameters.frame_size, lora.parameters.spacecraft_id) == ("ccsds", 248, 0x55)
    assert (lora.has_telemetry, lora.has_events) == (False, True)
    assert (spare.has_telemetry, spare.has_events) == (False, False)
    assert [link.framing for link in links_of(TWO, "ccsds", 512)] == ["ccsds"] * 3


def test_the_schedule_is_the_rate_group_s_and_the_store_s() -> None:
    assert schedule_of(TWO) == Schedule(5.0, {"Commands": 3}, 2)
    assert schedule_of(Topology("None", (), (), {})) == Schedule()


def test_what_does_not_reach_a_link_costs_nothing_there() -> None:
    _, dictionary = reference()
    budget = make_budget(dictionary, links_of(TWO), schedule_of(TWO))
    uart, lora, spare = [budget.load(link) for link in budget.links]
    assert uart.telemetry > 0
    assert (lora.telemetry, spare.telemetry, spare.events) == (0, 0, 0)
    assert lora.events > 0
    rates = Rates(9600, {"lora": 1200})
    text = budget_text(budget, rates, 60)
    assert "lora: CCSDS, TM frames of 248 B, 1200 bit/s" in text
    assert "spare: CCSDS, TM frames of 1024 B, 9600 bit/s; neither telemetry nor events reach it" in text
    made = budget_json(budget, rates, 60)
    assert [link["pass"]["bytes"] for link in made["links"]] == [72_000, 9_000, 72_000]
