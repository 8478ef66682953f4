"""The BACnet driver against real BACnet devices on loopback addresses, each in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DeviceAddress,
    DriverInterfaceError,
    DriverServices,
    NoAnswer,
    NotSupported,
    PointAddress,
    ReadOnly,
    Unreachable,
)
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
from kittiwake_components.platform_driver.drivers.sessions.bacnet_session import ANSWER_BYTES, REQUEST_BYTES
from tests.building.bacnet_peer import BacnetPeer
from tests.building.driver_bench import DriverBench, OpenDevice
from tests.ports import free_port

KINDS = [
    f"{kind}-{role}" for kind in ("analog", "binary", "multi-state") for role in ("input", "output", "value")
]  # fmt: skip
POINTS = dict.fromkeys(KINDS, 4)
QUICK = {"timeout_s": 1.0, "retries": 0}


@pytest.fixture(scope="module")
def shared_peer() -> Iterator[BacnetPeer]:
    with BacnetPeer(1001, POINTS) as peer:
        yield peer


@pytest.fixture
def peer(shared_peer: BacnetPeer) -> BacnetPeer:
    """The device as it was at first, but for what it counts and for values that a test wrote."""
    shared_peer.replug()
    shared_peer.refuse_rpm(False)
    shared_peer.forget_subscriptions()
    return shared_peer


@pytest.fixture
def device(bench: DriverBench, peer: BacnetPeer) -> Iterator[OpenDevice]:
    with bench.open(BacnetDriver, peer.address, **QUICK) as device:
        yield device


# Reading


def test_values_have_the_types_of_their_objects(device: OpenDevice) -> None:
    readings = device.read("analog-input,2", "binary-input,1", "multi-state-input,2", "analog-input,1 units")
    assert [reading.value for reading in readings] == [1.0, True, 3, "degrees-celsius"]
    assert [reading.fault for reading in readings] == [None] * 4


def test_inactive_is_false(device: OpenDevice) -> None:
    """Upstream: the string "inactive" is truthy, so that a kill switch that is off reads as enabled."""
    for value in (device.value("binary-input,2"), device.value("binary-value,2")):
        assert value is False


def test_other_properties_are_texts_truths_and_objects(device: OpenDevice) -> None:
    assert device.value("analog-input,1 object-name") == "analog-input-1"
    assert device.value("analog-input,1 out-of-service") is False
    flags = device.value("analog-input,1 status-flags")
    assert flags == {"in-alarm": False, "fault": False, "overridden": False, "out-of-service": False}
    assert device.value("multi-state-input,1 state-text") == {"1": "off", "2": "low", "3": "high"}
    assert device.value("multi-state-input,1 state-text[2]") == "low"
    assert isinstance(device.value("device,1001 local-date"), str)


def test_an_object_that_is_not_there_spoils_no_other(device: OpenDevice) -> None:
    first, absent, unknown, last = device.read(
        "analog-input,1", "analog-input,99", "analog-input,1 nonsense", "analog-input,3"
    )
    assert (first.value, last.value) == (0.5, 1.5)
    assert isinstance(absent.fault, DriverInterfaceError)
    assert "unknown-object" in str(absent.fault)
    assert isinstance(unknown.fault, DriverInterfaceError)


def test_many_points_are_read_in_few_requests(device: OpenDevice, peer: BacnetPeer) -> None:
    before = peer.counts()
    readings = device.read(*(f"{kind},{number}" for kind in KINDS for number in range(1, 5)))
    assert all(reading.fault is None for reading in readings)
    after = peer.counts()
    assert after["rpm"] - before["rpm"] == 1
    assert after["read"] == before["read"]


def test_no_points_are_no_request(device: OpenDevice, peer: BacnetPeer) -> None:
    before = peer.counts()
    assert device.read() == []
    assert peer.counts() == before


@pytest.mark.parametrize("max_apdu", [50, 128, 206, 480])
def test_batches_fit_into_what_a_small_device_takes(bench: DriverBench, max_apdu: int) -> None:
    """No message is longer than the device's own limit, and none is segmented."""
    with (
        BacnetPeer(7, {"analog-input": 60}, max_apdu=max_apdu, segmentation="no-segmentation") as peer,
        bench.open(BacnetDriver, peer.address, **QUICK) as device,
    ):
        before = peer.counts()
        readings = device.read(*(f"analog-input,{number}" for number in range(1, 61)))
        assert [reading.value for reading in readings] == [number * 0.5 for number in range(1, 61)]
        after = peer.counts()
        in_a_batch = max_apdu // max(ANSWER_BYTES["present-value"], REQUEST_BYTES)
        assert after["read"] + after["rpm"] - before["read"] - before["rpm"] <= 60 / in_a_batch * 1.5 + 1


def test_an_answer_that_turns_out_too_long_is_asked_for_in_parts(bench: DriverBench) -> None:
    with (
        BacnetPeer(7, {"multi-state-input": 60}, max_apdu=480, segmentation="no-segmentation") as peer,
        bench.open(BacnetDriver, peer.address, **QUICK) as device,
    ):
        names = [f"multi-state-input,{number} description" for number in range(1, 61)]
        before = peer.counts()["rpm"]
        readings = device.read(*names, *(f"multi-state-input,{number} state-text" for number in range(1, 21)))
        assert all(reading.fault is None for reading in readings)
        assert readings[0].value == "Point 1 of the kind multi-state-input"
        assert peer.counts()["rpm"] - before < 40


def test_a_device_without_rpm_is_read_point_by_point_until_the_next_session(
    bench: DriverBench, peer: BacnetPeer
) -> None:
    peer.refuse_rpm(True)
    names = [f"analog-input,{number}" for number in range(1, 5)]
    with bench.open(BacnetDriver, peer.address, **QUICK) as device:
        before = peer.counts()
        for _ in range(3):
            assert [reading.value for reading in device.read(*names)] == [0.5, 1.0, 1.5, 2.0]
        after = peer.counts()
        assert after["rpm"] - before["rpm"] == 1  # it is asked once, not at every poll
        assert after["read"] - before["read"] == 12
    peer.refuse_rpm(False)
    with bench.open(BacnetDriver, peer.address, **QUICK) as device:
        before = peer.counts()
        device.read(*names)
        assert peer.counts()["rpm"] - before["rpm"] == 1


def test_a_batch_of_one_reads_point_by_point(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, max_batch=1, **QUICK) as device:
        before = peer.counts()
        assert [reading.value for reading in device.read("analog-input,1", "analog-input,2")] == [0.5, 1.0]
        assert peer.counts()["read"] - before["read"] == 2


# Writing


@pytest.mark.parametrize(
    "point, value, taken, shown",
    [
        ("analog-output,1", 21.3, 21.3, pytest.approx(21.3)),
        ("analog-output,1", 0, 0.0, 0.0),
        ("analog-value,1", -0.5, -0.5, -0.5),
        ("binary-output,1", True, True, "active"),
        ("binary-output,1", False, False, "inactive"),
        ("binary-output,1", 0, False, "inactive"),
        ("binary-value,1", "inactive", False, "inactive"),
        ("multi-state-output,1", 2, 2, 2.0),
    ],
)
def test_a_write_stands_at_its_priority_until_null_releases_it(
    device: OpenDevice, peer: BacnetPeer, point: str, value: Any, taken: Any, shown: Any
) -> None:
    """Upstream: writes of 0 and False are easily taken for none."""
    result = device.write(point, value, 8)
    assert result == taken
    assert type(result) is type(taken)
    assert peer.priorities(point) == [None] * 7 + [shown] + [None] * 8
    assert device.value(point) == taken
    array = device.value(f"{point} priority-array")
    assert array == {str(number): taken if number == 8 else None for number in range(1, 17)}
    assert device.write(point, None, 8) is None
    assert peer.priorities(point) == [None] * 16


def test_the_highest_priority_wins_and_the_next_one_follows(device: OpenDevice, peer: BacnetPeer) -> None:
    device.write("analog-output,2", 10.0, 16)
    device.write("analog-output,2", 20.0, 8)
    assert device.value("analog-output,2") == 20.0
    device.write("analog-output,2", None, 8)
    assert device.value("analog-output,2") == 10.0
    device.write("analog-output,2", None)  # without a priority: the lowest
    assert peer.priorities("analog-output,2") == [None] * 16


@pytest.mark.parametrize(
    "point, value, fault",
    [
        ("analog-input,1", 3.0, ReadOnly),
        ("analog-output,99", 3.0, DriverInterfaceError),
        ("analog-output,3", "warm", BadType),
        ("analog-output,3", True, BadType),
        ("analog-output,3", 1e300, BadValue),
        ("binary-output,3", "off", BadValue),
        ("binary-output,3", 2, BadValue),
        ("multi-state-output,3", 99, BadValue),
        ("multi-state-output,3", 1.5, BadValue),
        ("multi-state-output,3", -1, BadValue),
        ("analog-output,3 priority-array", {"8": 1.0}, BadType),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(
    device: OpenDevice, peer: BacnetPeer, point: str, value: Any, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        device.write(point, value, 8)
    for kind in ("analog-output", "binary-output", "multi-state-output"):
        assert peer.priorities(f"{kind},3") == [None] * 16


# Sessions


def test_an_unplugged_device_is_silent_and_a_plugged_one_answers_again(device: OpenDevice, peer: BacnetPeer) -> None:
    peer.unplug()
    with pytest.raises(NoAnswer, match=r"did not answer within 1 s"):
        device.read("analog-input,1", "analog-input,2")
    with pytest.raises(NoAnswer):
        device.write("analog-output,1", 1.0, 8)
    peer.replug()
    assert device.value("analog-input,1") == 0.5


def test_a_device_that_falls_silent_on_the_way_keeps_what_it_gave(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, max_batch=1, **QUICK) as device:
        peer.unplug_after(2)
        first, second, third = device.read("analog-input,1", "analog-input,2", "analog-input,3")
        assert (first.value, second.value) == (0.5, 1.0)
        assert isinstance(third.fault, NoAnswer)


def test_a_device_that_restarts_keeps_the_session(bench: DriverBench) -> None:
    with BacnetPeer(8, {"analog-input": 2}) as peer, bench.open(BacnetDriver, peer.address, **QUICK) as device:
        peer.set("analog-input,1", 30.0)
        assert device.value("analog-input,1") == 30.0
        peer.kill()
        with pytest.raises(NoAnswer):
            device.read("analog-input,1", "analog-input,2")
        peer.start()
        assert device.value("analog-input,1") == 0.5


def test_a_device_that_is_away_cannot_be_opened_and_can_when_it_is_back(bench: DriverBench, peer: BacnetPeer) -> None:
    peer.unplug()
    with pytest.raises(NoAnswer):
        bench.open(BacnetDriver, peer.address, **QUICK)
    peer.replug()
    with bench.open(BacnetDriver, peer.address, **QUICK) as device:
        assert device.value("analog-input,1") == 0.5


def test_an_address_may_say_that_it_is_a_device(bench: DriverBench, peer: BacnetPeer) -> None:
    """Upstream: an address may carry a `device:` prefix."""
    with bench.open(BacnetDriver, f"device:{peer.address}", **QUICK) as device:
        assert device.value("analog-input,1") == 0.5


def test_another_device_at_the_address_is_found_out(bench: DriverBench, peer: BacnetPeer) -> None:
    """Upstream: nothing reveals a misconfigured device (open-fdd #152)."""
    with bench.open(BacnetDriver, peer.address, instance=1001, **QUICK):
        pass
    with pytest.raises(Unreachable, match=r"device 1001 answers at .*, not 1002"):
        bench.open(BacnetDriver, peer.address, instance=1002, **QUICK)


def test_a_number_needs_a_network_to_look_in(bench: DriverBench) -> None:
    with pytest.raises(Unreachable, match="needs local_address"):
        bench.open(BacnetDriver, "device:1001", **QUICK)
    with pytest.raises(NotSupported, match="cannot broadcast"):
        bench.open(BacnetDriver, "device:1001", local_address="127.0.0.1:0", **QUICK)


@pytest.mark.parametrize("local", ["192.0.2.1:0", "nonsense"])
def test_a_local_address_that_cannot_be_had_is_a_clear_fault(bench: DriverBench, peer: BacnetPeer, local: str) -> None:
    with pytest.raises(Unreachable, match=local):
        bench.open(BacnetDriver, peer.address, local_address=local, **QUICK)


def test_devices_share_a_thread_that_ends_with_the_last(bench: DriverBench, peer: BacnetPeer) -> None:
    first = bench.open(BacnetDriver, peer.address, **QUICK)
    shared = bench.services.shared["bacnet"]
    second = bench.open(BacnetDriver, peer.address, **QUICK)
    assert bench.services.shared["bacnet"] is shared
    first.close()
    assert second.value("analog-input,1") == 0.5
    second.close()
    bench.until(lambda: not bench.services.shared)


def test_a_local_port_can_be_had_again_at_once(bench: DriverBench, peer: BacnetPeer) -> None:
    """A reload closes the session and opens one that wants the same port."""
    port = free_port()
    for _ in range(20):
        with bench.open(BacnetDriver, peer.address, local_address=f"127.0.0.1:{port}", **QUICK) as device:
            assert device.value("analog-input,1") == 0.5


def test_closing_answers_what_still_waits(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, timeout_s=20.0) as device:
        peer.unplug()
        answers: list[Any] = []
        device.driver.read([device.point("analog-input,1")], answers.append)
    assert len(answers) == 1
    assert isinstance(answers[0], Unreachable)


def test_a_device_can_be_closed_before_it_has_opened(bench: DriverBench, peer: BacnetPeer) -> None:
    peer.unplug()
    driver = bench.made(BacnetDriver, peer.address, timeout_s=20.0)
    answers: list[Any] = []
    driver.open(answers.append)
    bench.wait(driver.close)
    assert len(answers) == 1
    assert isinstance(answers[0], Unreachable)
    bench.wait(driver.close)  # a second close does nothing


def test_what_is_not_open_says_so(bench: DriverBench, peer: BacnetPeer) -> None:
    driver = bench.made(BacnetDriver, peer.address)
    with pytest.raises(Unreachable, match="not open"):
        bench.wait(lambda done: driver.read([], done))


def test_a_missing_library_is_named(bench: DriverBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("no module named 'bacpypes3'")

    monkeypatch.setattr(BacnetDriver, "MAKE_COMMON", missing)
    with pytest.raises(Unreachable, match=r"kittiwake\[building\].*bacpypes3"):
        bench.open(BacnetDriver, "127.0.0.1:47808")


def test_virtual_time_has_no_bacnet() -> None:
    services = DriverServices(SimulatedPlatform(), None, lambda *_: None, {})  # type: ignore[arg-type]
    answers: list[Any] = []
    BacnetDriver(DeviceAddress("id", "it", "127.0.0.2"), services).open(answers.append)
    assert isinstance(answers[0], NotSupported)


# Changes


@pytest.mark.parametrize("confirmed", ["confirmed", "unconfirmed"])
def test_changes_are_told(bench: DriverBench, peer: BacnetPeer, confirmed: str) -> None:
    with bench.open(BacnetDriver, peer.address, cov=confirmed, **QUICK) as device:
        device.subscribe("analog-input,4", "binary-value,4", "analog-input,4 units")
        bench.until(lambda: len(device.changes) == 2)  # each is told what is the case now
        peer.set("analog-input,4", 30.25)
        bench.until(lambda: len(device.changes) == 3)
        peer.set("binary-value,4", "active")
        bench.until(lambda: len(device.changes) == 4)
        assert device.changes[2][0] == "analog-input,4"
        assert device.changes[2][1].value == 30.25
        assert device.changes[3][1].value is True
        assert peer.subscriptions() == 2
    assert peer.subscriptions() == 0
    peer.set("analog-input,4", 2.0)
    peer.set("binary-value,4", "inactive")


def test_a_device_that_forgot_its_subscriptions_gets_them_anew(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, cov="unconfirmed", cov_lifetime_s=2, **QUICK) as device:
        device.subscribe("analog-input,1")
        peer.forget_subscriptions()
        bench.until(lambda: peer.subscriptions() == 1)
        count = len(device.changes)
        peer.set("analog-input,1", 40.0)
        bench.until(lambda: len(device.changes) > count)
    peer.set("analog-input,1", 0.5)


def test_a_device_that_restarted_gets_its_subscriptions_as_soon_as_it_answers(bench: DriverBench) -> None:
    with (
        BacnetPeer(9, {"analog-input": 2}) as peer,
        bench.open(BacnetDriver, peer.address, cov="unconfirmed", **QUICK) as device,
    ):
        device.subscribe("analog-input,1", "analog-input,2")
        peer.kill()
        with pytest.raises(NoAnswer):
            device.value("analog-input,1")
        peer.start()
        assert device.value("analog-input,1") == 0.5
        bench.until(lambda: peer.subscriptions() == 2)  # long before the 300 s of their lifetime


def test_renewals_go_on_after_silence(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, cov="unconfirmed", cov_lifetime_s=2, **QUICK) as device:
        device.subscribe("analog-input,1")
        peer.unplug()
        bench.until(lambda: peer.subscriptions() == 0)  # it has expired
        peer.replug()
        bench.until(lambda: peer.subscriptions() == 1)
        assert device.value("analog-input,1") == 0.5


def test_a_device_without_subscriptions_is_no_fault(bench: DriverBench) -> None:
    with (
        BacnetPeer(9, {"analog-input": 2}, refuses_cov=True) as peer,
        bench.open(BacnetDriver, peer.address, cov="unconfirmed", **QUICK) as device,
    ):
        with pytest.raises(NotSupported):
            device.subscribe("analog-input,1")
        assert device.value("analog-input,1") == 0.5


def test_nothing_is_subscribed_unless_it_is_asked_for(device: OpenDevice) -> None:
    with pytest.raises(NotSupported):
        device.subscribe("analog-input,1")


def test_an_object_that_takes_no_subscription_leaves_the_others(bench: DriverBench, peer: BacnetPeer) -> None:
    with bench.open(BacnetDriver, peer.address, cov="unconfirmed", **QUICK) as device:
        device.subscribe("analog-input,99", "analog-input,2")
        bench.until(lambda: bool(device.changes))
        assert peer.subscriptions() == 1


# Discovery


def test_the_points_of_a_device_are_found(device: OpenDevice) -> None:
    found = {point.object_identifier: point for point in device.wait(device.driver.discover)}
    assert sorted(found) == sorted(f"{kind},{number}" for kind in KINDS for number in range(1, 5))
    assert found["analog-input,1"].name == "analog-input-1"
    assert found["analog-input,1"].units == "degrees-celsius"
    assert found["binary-input,1"].units == ""
    assert {point.object_identifier.partition(",")[0] for point in found.values() if point.is_writable} == {
        kind for kind in KINDS if not kind.endswith("-input")
    }


def test_a_long_object_list_is_read_by_index(bench: DriverBench) -> None:
    with (
        BacnetPeer(9, {"analog-input": 60}, max_apdu=206, segmentation="no-segmentation") as peer,
        bench.open(BacnetDriver, peer.address, **QUICK) as device,
    ):
        assert len(device.wait(device.driver.discover)) == 60


def test_a_directed_who_is_finds_devices(bench: DriverBench, peer: BacnetPeer) -> None:
    with BacnetPeer(2002, {}, host="127.0.0.3") as other:

        def find(where: str) -> Any:
            return bench.wait(lambda done: BacnetDriver.find_devices(where, bench.services, done))

        found = find(f"{peer.address} {other.address}")
        assert [(one.name, one.address, one.settings) for one in found] == [
            ("device-1001", peer.address, {"instance": 1001}), ("device-2002", other.address, {"instance": 2002}),
        ]  # fmt: skip
        with bench.open(BacnetDriver, found[1].address, **found[1].settings, **QUICK):
            pass


@pytest.mark.parametrize("where, fault", [("", NotSupported), ("9-3", BadValue), ("5000000", BadValue)])
def test_a_search_that_cannot_be_made_says_why(bench: DriverBench, where: str, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        bench.wait(lambda done: BacnetDriver.find_devices(where, bench.services, done))


# What may be configured


def test_the_registry_knows_it() -> None:
    assert DriverRegistry().find("bacnet") is BacnetDriver


@pytest.mark.parametrize("address", ["", "device:", "192.168.1.20 x", "5000000"])
def test_addresses_that_no_device_has_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="device"):
        BacnetDriver.check_device(DeviceAddress("id", "it", address))


@pytest.mark.parametrize("name", ["", "analog-input", "analog-input,x", "analog-input,4194304", ",1", "analog input,1"])
def test_points_that_no_device_has_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no BACnet object"):
        BacnetDriver.check_point(PointAddress("id", name))
