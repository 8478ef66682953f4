"""What the bridge shows and takes, without a broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.mqtt_bridge.component import LONGEST_PAUSE_S, check_address, check_level, pause_s
from kittiwake_components.mqtt_bridge.entities import (
    ENTITIES_LIMIT,
    PAYLOAD_LIMIT,
    BadCommand,
    Entity,
    Topics,
    check_points,
    config_of,
    read_point,
)
from kittiwake_components.mqtt_bridge.outbox import ANSWERS_LIMIT, Outbox
from kittiwake_components.ports.platform_driver import Quality

TOPICS = Topics("kittiwake", "homeassistant", "Plant")
SETPOINT = read_point("b1/ahu1/Setpoint", "number 16 26.5 degC")
FAN = read_point("b1/ahu1/Fan", "switch")
TEMP = read_point("b1/ahu1/Temp", "sensor degC")


def test_a_number_has_the_config_that_home_assistant_documents() -> None:
    """REQ-MQ-002"""
    config = json.loads(config_of(SETPOINT, TOPICS, "Plant", "1.0"))
    state = "kittiwake/Plant/points/b1/ahu1/Setpoint/state"
    assert config["state_topic"] == state
    assert config["command_topic"] == "kittiwake/Plant/points/b1/ahu1/Setpoint/set"
    assert (config["min"], config["max"], config["unit_of_measurement"]) == (16.0, 26.5, "°C")
    assert config["device"]["identifiers"] == ["Plant"]
    assert config["availability"][0] == {"topic": "kittiwake/Plant/availability"}
    assert config["availability"][1]["topic"] == state
    assert config["origin"]["name"] == "Kittiwake"
    assert TOPICS.config(SETPOINT).startswith("homeassistant/number/Plant/b1_ahu1_Setpoint_")


def test_what_only_shows_takes_no_command() -> None:
    """REQ-MQ-002, REQ-MQ-004"""
    config = json.loads(config_of(TEMP, TOPICS, "Plant", "1.0"))
    assert "command_topic" not in config
    assert not TEMP.is_writable


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80), unique=True, max_size=20))
def test_each_entity_has_a_topic_of_its_own_that_home_assistant_takes(names: list[str]) -> None:
    """REQ-MQ-002"""
    slugs = [Entity(name, "sensor").slug for name in names]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.isascii() and slug.replace("_", "").isalnum() and len(slug) < 80 for slug in slugs)


@pytest.mark.parametrize(
    "form", ["", "nothing", "number", "number 1", "number 3 2", "number nan 2", "number x 2", "switch W", "sensor a b"]
)
def test_a_form_that_makes_no_sense_is_refused_when_the_topology_is_checked(form: str) -> None:
    """REQ-MQ-002"""
    with pytest.raises(ValueError, match=r"."):
        check_points({"a/b": form})


@pytest.mark.parametrize("path", ["b", "a/+/b", "a/#", ""])
def test_a_path_that_no_topic_can_have_is_refused(path: str) -> None:
    """REQ-MQ-002"""
    with pytest.raises(ValueError, match="no path"):
        check_points({path: "sensor"})


def test_settings_are_bounded() -> None:
    """REQ-MQ-007"""
    with pytest.raises(ValueError, match="at most"):
        check_points({f"a/b{number}": "sensor" for number in range(ENTITIES_LIMIT + 1)})
    for address in ("host", "host:", ":1883", "host:x", "host:0", "host:65536"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            check_address(address)
    check_address("broker.example:8883")
    with pytest.raises(ValueError, match="level"):
        check_level("a/b")


@pytest.mark.parametrize(
    "entity, payload, value",
    [
        (SETPOINT, b"21.5", 21.5), (SETPOINT, b"16", 16), (SETPOINT, b"null", None), (SETPOINT, b"", None),
        (FAN, b"ON", True), (FAN, b"off", False), (FAN, b"true", True), (FAN, b"inactive", False), (FAN, b"0", False),
    ],
)  # fmt: skip
def test_commands_are_values(entity: Entity, payload: bytes, value: Any) -> None:
    """REQ-MQ-004"""
    found = entity.value_of(payload)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "entity, payload",
    [
        (SETPOINT, b"27"), (SETPOINT, b"15.9"), (SETPOINT, b"x"), (SETPOINT, b"NaN"), (SETPOINT, b"true"),
        (SETPOINT, b"[21]"), (SETPOINT, b"\xff"), (SETPOINT, b"1" * (PAYLOAD_LIMIT + 1)), (SETPOINT, b"1e999"),
        (FAN, b"maybe"), (FAN, b"2"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_the_point_is_refused(entity: Entity, payload: bytes) -> None:
    """REQ-MQ-004"""
    with pytest.raises(BadCommand):
        entity.value_of(payload)


@given(st.binary(max_size=40))
def test_whatever_comes_is_a_value_or_refused(payload: bytes) -> None:
    """REQ-MQ-004"""
    for entity in (SETPOINT, FAN):
        try:
            value = entity.value_of(payload)
        except BadCommand:
            continue
        assert value is None or isinstance(value, bool) or 16 <= float(value) <= 26.5


def test_a_binary_value_is_shown_by_what_it_says() -> None:
    """REQ-MQ-003: also where a device gives it as a text."""
    assert json.loads(FAN.state("inactive", Quality.GOOD, 1))["value"] is False
    assert json.loads(FAN.state("active", Quality.GOOD, 1))["value"] is True
    assert json.loads(FAN.state("broken", Quality.GOOD, 1)) == {"value": None, "quality": "error", "time_us": 1}
    assert json.loads(TEMP.state(21.5, Quality.STALE, 2)) == {"value": 21.5, "quality": "stale", "time_us": 2}


def test_pauses_double_up_to_a_limit_and_differ_by_chance() -> None:
    """REQ-MQ-006"""
    assert [pause_s(failures, 0.0) for failures in range(4)] == [1.0, 2.0, 4.0, 8.0]
    assert pause_s(0, 1.0) == 0.5
    assert pause_s(1000, 0.0) == LONGEST_PAUSE_S


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.sampled_from(["show", "send", "lose", "new"]))))
def test_the_broker_has_the_latest_of_each_topic_at_the_end(steps: list[tuple[str, int, str]]) -> None:
    """REQ-MQ-003, REQ-MQ-006: whatever is lost or forgotten on the way."""
    outbox, latest, broker = Outbox(), dict[str, bytes](), dict[str, bytes]()
    for topic, number, what in steps:
        if what == "show":
            latest[topic] = payload = str(number).encode()
            outbox.show(topic, payload)
        elif what == "new":
            broker.clear()
            outbox.begin()
        elif (message := outbox.take()) is not None:
            if what == "send":
                broker[message.topic] = message.payload
            else:
                outbox.put_back(message)
        assert len(outbox) <= len(latest)
    while (message := outbox.take()) is not None:
        broker[message.topic] = message.payload
    assert broker == latest


def test_answers_are_bounded_and_counted() -> None:
    """REQ-MQ-007"""
    outbox = Outbox()
    for number in range(ANSWERS_LIMIT + 3):
        outbox.answer("r", str(number).encode())
    assert (len(outbox), outbox.dropped) == (ANSWERS_LIMIT, 3)
    first = outbox.take()
    assert first is not None
    assert (first.payload, first.is_retained) == (b"3", False)
