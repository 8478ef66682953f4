"""The bridge with a real broker: what it shows, what it takes, and what is there after the broker was killed."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import MqttBridge
from kittiwake_components.mqtt_bridge.component import WAITING_LIMIT
from kittiwake_components.ports.platform_driver import Quality
from tests.components.mqtt_bridge.broker import Broker, Listener, program, until

POINTS = {
    "b1/ahu1/Temp": "sensor degC", "b1/ahu1/Setpoint": "number 16 26 degC", "b1/ahu1/Fan": "switch",
    "b1/ahu1/Smoke": "binary_sensor",
}  # fmt: skip
HERE = "kittiwake/Plant"
SETPOINT = f"{HERE}/points/b1/ahu1/Setpoint"
TEMP = f"{HERE}/points/b1/ahu1/Temp"


class Bench:
    """A bridge on virtual time with its thread in real time, and what stands in the place of the driver."""

    def __init__(self, address: str, **settings: Any) -> None:
        given = {"address": address, "points": POINTS, "channels": ["tested.Entities"], "node": "Plant", **settings}
        self.tester: ComponentTester[MqttBridge] = ComponentTester(MqttBridge, settings=given, queue=50)
        # On virtual time there are no threads; here there is one all the same.
        self.tester.platform.has_threads = True
        self.tester.component.start()
        self.tester.settle()
        self.answers = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.tester.stop()
        if kind is None:
            self.tester.assert_no_faults()

    def step(self) -> None:
        """A little time passes on both clocks, and the driver answers what it was asked."""
        self.tester.advance(0.1)
        calls = self.tester.ports.call_out
        while calls and self.answers:
            token, method, packed = calls.pop(0)
            assert method == "write_point"
            value = json.loads(packed)["body"]["value"]
            status, body = (200, {"value": value}) if value != 25 else (409, {"fault": "RuntimeError", "detail": "no"})
            self.tester.call.reply_in(token, status, "", json.dumps(body).encode())
        time.sleep(0.01)

    def until(self, condition: Any) -> None:
        """Steps until it holds."""
        until(condition, self.step)

    def read(self, path: str, value: Any, quality: Quality = Quality.GOOD) -> None:
        """A reading comes."""
        self.tester.call.value_in(path, json.dumps(value), quality, 7)

    def connect(self) -> None:
        """Waits until the broker is there."""
        self.until(lambda: self.tester.channels["Connected"])

    def reasons(self, event: str) -> list[str]:
        """Why, in the events of a name."""
        return [str(one.named_args()["reason"]) for one in self.tester.events.named(event)]


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    with Broker(tmp_path) as broker:
        yield broker


def value_of(listener: Listener, topic: str) -> Any:
    """The value in the last state of an entity."""
    payload = listener.topics.get(f"{topic}/state")
    return json.loads(payload)["value"] if payload else None


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(MqttBridge) == []


def test_it_is_off_unless_it_has_an_address() -> None:
    """REQ-MQ-001"""
    with ComponentTester(MqttBridge, settings={"points": POINTS}) as tester:
        tester.call.run(0)
        tester.call.value_in("b1/ahu1/Temp", "1", Quality.GOOD, 1)
        tester.advance(100)
        assert not tester.events


def test_virtual_time_has_no_broker() -> None:
    """REQ-MQ-001"""
    with ComponentTester(MqttBridge, settings={"address": "127.0.0.1:1"}) as tester:
        assert tester.events.named("BrokerLost")[0].named_args()["reason"] == "it needs real time"


def test_without_tls_it_speaks_to_loopback_alone() -> None:
    """REQ-MQ-005"""
    with Bench("192.0.2.1:1883") as bench:
        assert "open_network has to allow" in bench.reasons("BrokerLost")[-1]


def test_points_and_channels_are_found_and_shown(broker: Broker) -> None:
    """REQ-MQ-002, REQ-MQ-003: configs, states and availability are retained, for who comes later."""
    with Bench(broker.address) as bench:
        bench.connect()
        bench.read("b1/ahu1/Temp", 21.5)
        bench.read("b1/ahu1/Smoke", "inactive")
        bench.read("b1/other/Temp", 99.0)
        bench.tester.call.run(0)
        with Listener(broker) as listener:
            bench.until(lambda: {f"{HERE}/points/b1/ahu1/Smoke/state", f"{TEMP}/state"} <= set(listener.topics))
        with Listener(broker) as listener:  # one that comes later
            bench.until(lambda: f"{TEMP}/state" in listener.retained)
            bench.until(lambda: len([topic for topic in listener.retained if topic.endswith("/config")]) == 5)
            configs = [topic for topic in listener.retained if topic.endswith("/config")]
            assert sorted(topic.split("/")[1] for topic in configs) == [
                "binary_sensor", "number", "sensor", "sensor", "switch",
            ]  # fmt: skip
            assert value_of(listener, TEMP) == 21.5
            bench.until(lambda: value_of(listener, f"{HERE}/points/b1/ahu1/Smoke") is False)
            bench.until(lambda: listener.topics.get(f"{HERE}/availability") == b"online")
            assert not [topic for topic in listener.topics if "other" in topic]
            bench.read("b1/ahu1/Temp", 21.5, Quality.STALE)
            bench.until(lambda: b"stale" in listener.topics[f"{TEMP}/state"])


def test_an_entity_that_is_no_more_is_taken_out_of_home_assistant(broker: Broker) -> None:
    """REQ-MQ-002"""
    old = "homeassistant/sensor/Plant/old_12345678/config"
    with Listener(broker) as listener:
        listener.publish(old, b"{}", retain=True)
        listener.publish("homeassistant/sensor/Other/old/config", b"{}", retain=True)
        with Bench(broker.address) as bench:
            bench.until(lambda: listener.topics.get(old) == b"")
            bench.connect()
        assert listener.topics["homeassistant/sensor/Other/old/config"] == b"{}"


@pytest.mark.parametrize(
    "payload, answer",
    [
        (b"21.5", {"value": 21.5}), (b"null", {"value": None}), (b"27", {"error": "27 is not from 16 to 26"}),
        (b"x", {"error": "'x' is no number"}), (b"25", {"error": "RuntimeError: no"}),
    ],
)  # fmt: skip
def test_a_command_is_checked_carried_out_and_answered(broker: Broker, payload: bytes, answer: Any) -> None:
    """REQ-MQ-004"""
    with Listener(broker) as listener, Bench(broker.address) as bench:
        bench.connect()
        listener.publish(f"{SETPOINT}/set", payload)
        bench.until(lambda: f"{SETPOINT}/result" in listener.topics)
        assert json.loads(listener.topics[f"{SETPOINT}/result"]) == answer
        assert f"{SETPOINT}/result" not in listener.retained
        counts = bench.tester.component.writes, bench.tester.component.refused
        assert counts == ((1, 0) if "value" in answer else (0, 1))
        listener.publish(f"{TEMP}/set", b"1")  # a sensor hears no commands
        for _ in range(20):
            bench.step()
        assert f"{TEMP}/result" not in listener.topics


def test_a_command_that_was_retained_is_refused(broker: Broker) -> None:
    """REQ-MQ-004: it would be carried out anew at each connection."""
    with Listener(broker) as listener:
        listener.publish(f"{SETPOINT}/set", b"21", retain=True)
        with Bench(broker.address) as bench:
            bench.until(lambda: f"{SETPOINT}/result" in listener.topics)
            assert bench.reasons("CommandRefused") == ["a command must not be retained"]
            assert bench.tester.component.writes == 0


def test_the_ground_may_forbid_commands_and_too_many_are_refused(broker: Broker) -> None:
    """REQ-MQ-004, REQ-MQ-007"""
    with Listener(broker) as listener, Bench(broker.address) as bench:
        bench.connect()
        bench.answers = False
        for _ in range(WAITING_LIMIT + 3):
            listener.publish(f"{SETPOINT}/set", b"21")
        bench.until(lambda: bench.tester.channels["Refused"] == 3)
        bench.answers = True
        bench.until(lambda: bench.tester.channels["Writes"] == WAITING_LIMIT)
        bench.tester.set_parameter("WRITABLE", False)
        listener.publish(f"{SETPOINT}/set", b"21")
        bench.until(lambda: bench.reasons("CommandRefused")[-1] == "WRITABLE is false")


def test_a_broker_that_was_killed_and_has_forgotten_all_gets_what_holds_now(broker: Broker) -> None:
    """REQ-MQ-006: what was shown while it was away too; of each topic the latest."""
    with Bench(broker.address) as bench:
        bench.connect()
        bench.read("b1/ahu1/Temp", 20.0)
        with Listener(broker) as listener:
            bench.until(lambda: value_of(listener, TEMP) == 20.0)
        broker.kill()
        bench.until(lambda: not bench.tester.channels["Connected"])
        for value in (20.5, 21.0, 21.5):
            bench.read("b1/ahu1/Temp", value)
        bench.read("b1/ahu1/Fan", True)
        for _ in range(30):
            bench.step()
        assert len(bench.reasons("BrokerLost")) > 1, "it tries again and again"
        broker.start()
        bench.connect()
        with Listener(broker) as listener:
            bench.until(lambda: value_of(listener, TEMP) == 21.5)
            bench.until(lambda: value_of(listener, f"{HERE}/points/b1/ahu1/Fan") is True)
            bench.until(lambda: len([topic for topic in listener.topics if topic.endswith("/config")]) == 5)
            bench.until(lambda: listener.topics.get(f"{HERE}/availability") == b"online")
            listener.publish(f"{SETPOINT}/set", b"21")
            bench.until(lambda: f"{SETPOINT}/result" in listener.topics)
        bench.tester.call.run(0)
        assert bench.tester.channels["Replaced"] in (2, 3), "the last one before may not have been acknowledged"


def test_an_answer_that_the_broker_did_not_acknowledge_is_sent_to_the_next_one(broker: Broker) -> None:
    """REQ-MQ-006"""
    with Bench(broker.address) as bench:
        bench.connect()
        bench.answers = False
        with Listener(broker) as listener:
            listener.publish(f"{SETPOINT}/set", b"21")
            bench.until(lambda: bool(bench.tester.ports.call_out))
        broker.freeze()
        bench.answers = True
        for _ in range(20):
            bench.step()
        assert bench.tester.channels["Writes"] == 1
        broker.kill()
        bench.until(lambda: not bench.tester.channels["Connected"])
        broker.start()
        with Listener(broker) as listener:
            bench.until(lambda: f"{SETPOINT}/result" in listener.topics)
            assert json.loads(listener.topics[f"{SETPOINT}/result"]) == {"value": 21}


def test_an_end_says_offline_and_so_does_the_last_will(broker: Broker) -> None:
    """REQ-MQ-003"""
    with Listener(broker) as listener:
        with Bench(broker.address) as bench:
            bench.connect()
            bench.until(lambda: listener.topics.get(f"{HERE}/availability") == b"online")
        until(lambda: listener.topics[f"{HERE}/availability"] == b"offline")


def test_a_user_and_a_password_are_read_from_a_file(tmp_path: Path) -> None:
    """REQ-MQ-005"""
    users = tmp_path / "users"
    made = [program("mosquitto_passwd"), "-b", "-c", str(users), "bridge", "secret"]
    subprocess.run(made, check=True, capture_output=True, timeout=20)
    with (
        Broker(tmp_path, "allow_anonymous false", f"password_file {users}") as broker,
        Bench(broker.address, credentials_file="/keys/mqtt") as bench,
    ):
        assert bench.reasons("BrokerLost")[-1].startswith("/keys/mqtt: ")
        bench.tester.write_file("/keys/mqtt", b"bridge\nwrong\n")
        bench.until(lambda: "authori" in bench.reasons("BrokerLost")[-1].lower())
        bench.tester.write_file("/keys/mqtt", b"bridge\nsecret\n")
        bench.connect()
        assert not [reason for reason in bench.reasons("BrokerLost") if "secret" in reason or "wrong" in reason]


# paho leaves the socket of a handshake that has failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_tls_checks_who_the_broker_is(tmp_path: Path) -> None:
    """REQ-MQ-005"""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
        str(certificate), "-days", "30", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1",
    ]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True, timeout=30, env={**os.environ, "LC_ALL": "C"})
    lines = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    with Broker(tmp_path, *lines) as broker:
        with Bench(broker.address, tls=True) as stranger:
            stranger.until(lambda: any("certificate" in reason.lower() for reason in stranger.reasons("BrokerLost")))
            assert not stranger.tester.channels["Connected"]
        until(lambda: all(thread.name != "mqtt-bridge" for thread in threading.enumerate()))
        gc.collect()
        with Bench(broker.address, tls=True, ca_file="/keys/ca.pem") as bench:
            bench.tester.write_file("/keys/ca.pem", certificate.read_bytes())
            bench.connect()
            bench.read("b1/ahu1/Temp", 21.5)
            with Listener(broker, ca=str(certificate)) as listener:
                bench.until(lambda: value_of(listener, TEMP) == 21.5)
