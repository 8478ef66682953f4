"""The Modbus driver against pymodbus's own server in a process, over TCP and over a serial line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DeviceAddress,
    DriverFault,
    DriverInterfaceError,
    NoAnswer,
    NotSupported,
    PointAddress,
    ReadOnly,
    Unreachable,
)
from kittiwake_components.platform_driver.drivers.modbus import ModbusDriver
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
from tests.building.driver_bench import DriverBench, OpenDevice
from tests.building.modbus_peer import ModbusPeer
from tests.system.serial_cable import SerialCable

QUICK = {"timeout_s": 1.0, "retries": 0}


@pytest.fixture(scope="module")
def peer() -> Iterator[ModbusPeer]:
    with ModbusPeer() as peer:
        yield peer


@pytest.fixture
def device(bench: DriverBench, peer: ModbusPeer) -> Iterator[OpenDevice]:
    for table in ("coil", "discrete", "holding", "input"):
        peer.set(table, 0, *[0] * 200)
    with bench.open(ModbusDriver, peer.address, **QUICK) as device:
        yield device


def test_all_four_tables_are_read(device: OpenDevice, peer: ModbusPeer) -> None:
    peer.set("coil", 3, True)
    peer.set("discrete", 4, True)
    peer.set("holding", 5, 555)
    peer.set("input", 6, 666)
    names = ["coil,3", "coil,2", "discrete-input,4", "holding-register,5", "input-register,6"]
    assert [reading.value for reading in device.read(*names)] == [True, False, True, 555, 666]


@pytest.mark.parametrize(
    "settings, value, registers",
    [
        ({}, 65_535, [0xFFFF]),
        ({"type": "int16"}, -2, [0xFFFE]),
        ({"type": "int32"}, -2, [0xFFFF, 0xFFFE]),
        ({"type": "uint32"}, 0x12345678, [0x1234, 0x5678]),
        ({"type": "uint32", "word_order": "little"}, 0x12345678, [0x5678, 0x1234]),
        ({"type": "uint64"}, 0x1122334455667788, [0x1122, 0x3344, 0x5566, 0x7788]),
        ({"type": "float32"}, 21.3, [0x41AA, 0x6666]),
        ({"type": "float64"}, 1.1, [0x3FF1, 0x9999, 0x9999, 0x999A]),
        ({"type": "int16", "scale": 0.1}, -21.5, [0xFF29]),
        ({"scale": 0.5, "offset": -10.0}, 3.5, [27]),
        ({}, 0, [0]),
    ],
)
def test_values_are_written_and_read_in_the_registers_own_type(
    device: OpenDevice, peer: ModbusPeer, settings: dict[str, Any], value: Any, registers: list[int]
) -> None:
    """Upstream: writes of 0 are easily taken for none."""
    point = device.point("holding-register,20", **settings)
    peer.set("holding", 20, 1, 1, 1, 1)
    assert device.write("holding-register,20", value, **settings) == value
    assert peer.get("holding", 20, len(registers)) == registers
    (reading,) = device.read_points([point])
    assert reading.value == value
    assert type(reading.value) is type(value)


def test_a_write_says_what_the_register_took(device: OpenDevice) -> None:
    assert device.write("holding-register,20", 21.53, type="int16", scale=0.1) == 21.5


@pytest.mark.parametrize("value", [True, False, 1, 0])
def test_coils_are_written(device: OpenDevice, peer: ModbusPeer, value: Any) -> None:
    peer.set("coil", 7, not value)
    assert device.write("coil,7", value) is bool(value)
    assert peer.get("coil", 7) == [bool(value)]


@pytest.mark.parametrize(
    "point, value, fault",
    [
        ("discrete-input,1", True, ReadOnly),
        ("input-register,1", 1, ReadOnly),
        ("holding-register,1", 65_536, BadValue),
        ("holding-register,1", -1, BadValue),
        ("holding-register,1", "1", BadType),
        ("holding-register,1", True, BadType),
        ("holding-register,1", None, BadValue),
        ("holding-register,1", float("nan"), BadValue),
        ("coil,1", 2, BadValue),
        ("coil,1", "on", BadValue),
        ("holding-register,500", 1, DriverInterfaceError),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(
    device: OpenDevice, peer: ModbusPeer, point: str, value: Any, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        device.write(point, value, 8)
    assert peer.get("holding", 0, 200) == [0] * 200
    assert peer.get("coil", 0, 200) == [False] * 200


def test_neighbours_are_read_by_one_request(device: OpenDevice, peer: ModbusPeer) -> None:
    peer.set("holding", 0, *range(200))
    names = [f"holding-register,{address}" for address in (*range(60), *range(65, 100))]
    before = peer.requests()
    assert [reading.value for reading in device.read(*reversed(names))] == [*reversed([*range(60), *range(65, 100)])]
    assert peer.requests() - before == 1


def test_a_place_that_is_not_there_spoils_no_other(device: OpenDevice, peer: ModbusPeer) -> None:
    peer.set("holding", 198, 8, 9)
    names = ["holding-register,198", "holding-register,199", "holding-register,200", "holding-register,201"]
    for _ in range(2):
        before = peer.requests()
        first, second, third, fourth = device.read(*names)
        assert (first.value, second.value) == (8, 9)
        assert isinstance(third.fault, DriverInterfaceError)
        assert isinstance(fourth.fault, DriverInterfaceError)
    assert peer.requests() - before == 4  # what is known to be refused together is not tried again


def test_a_gap_that_cannot_be_read_is_left_out(bench: DriverBench, peer: ModbusPeer) -> None:
    """Two points in reach of each other, over the end of what there is."""
    with bench.open(ModbusDriver, peer.address, **QUICK) as device:
        near, far = device.read("holding-register,197", "holding-register,203")
        assert near.fault is None
        assert isinstance(far.fault, DriverInterfaceError)


def test_a_unit_that_is_not_there_is_a_fault(bench: DriverBench, peer: ModbusPeer) -> None:
    with bench.open(ModbusDriver, peer.address, unit=9, **QUICK) as device, pytest.raises(DriverFault):
        device.value("coil,1")


# Sessions


def test_a_unit_that_hangs_is_silent_and_answers_again(bench: DriverBench) -> None:
    with ModbusPeer() as peer, bench.open(ModbusDriver, peer.address, **QUICK) as device:
        peer.set("holding", 1, 11)
        peer.set("holding", 2, 22)
        peer.hang()
        with pytest.raises(NoAnswer, match=r"did not answer within 1 s"):
            device.read("holding-register,1")
        peer.go_on()
        # The answer that came too late is taken for no other.
        assert device.value("holding-register,2") == 22


def test_a_unit_that_restarts_keeps_the_session(bench: DriverBench) -> None:
    with ModbusPeer() as peer, bench.open(ModbusDriver, peer.address, **QUICK) as device:
        assert device.value("holding-register,1") == 0
        peer.kill()
        with pytest.raises(DriverFault):
            device.read("holding-register,1")
        with pytest.raises(Unreachable):
            device.read("holding-register,1")
        peer.start()
        peer.set("holding", 1, 12)
        assert device.value("holding-register,1") == 12


def test_a_unit_that_is_away_cannot_be_opened(bench: DriverBench) -> None:
    with ModbusPeer() as peer:
        address = peer.address
    with pytest.raises(Unreachable, match="cannot be reached"):
        bench.open(ModbusDriver, address, **QUICK)


def test_units_at_one_address_share_the_connection(bench: DriverBench, peer: ModbusPeer) -> None:
    first = bench.open(ModbusDriver, peer.address, **QUICK)
    second = bench.open(ModbusDriver, peer.address, **QUICK)
    first.close()
    assert second.value("holding-register,199") is not None
    with pytest.raises(Unreachable, match="other settings"):
        bench.open(ModbusDriver, peer.address, framing="rtu", **QUICK)
    second.close()


def test_it_tells_of_no_changes_and_lists_no_points(device: OpenDevice) -> None:
    with pytest.raises(NotSupported):
        device.subscribe("coil,1")
    with pytest.raises(NotSupported):
        device.wait(device.driver.discover)


# The serial line


def test_a_serial_line_is_read_written_unplugged_and_replugged(bench: DriverBench) -> None:
    with SerialCable() as cable:
        peer = ModbusPeer(serial=cable.ends[1])
        with bench.open(ModbusDriver, cable.ends[0], parity="N", **QUICK) as device:
            assert device.write("holding-register,3", 21.3, type="float32") == 21.3
            assert device.write("coil,3", True) is True
            (reading,) = device.read_points([device.point("holding-register,3", type="float32")])
            assert reading.value == 21.3
            assert device.value("coil,3") is True
            peer.stop()
            with pytest.raises(NoAnswer):
                device.read("coil,3")
            peer.start()
            assert device.value("coil,3") is False
        peer.stop()


def test_a_serial_line_that_is_not_there_cannot_be_opened(bench: DriverBench) -> None:
    with pytest.raises(Unreachable):
        bench.open(ModbusDriver, "/dev/no-such-line", **QUICK)


# What may be configured


def test_the_registry_knows_it() -> None:
    assert DriverRegistry().find("modbus") is ModbusDriver


@pytest.mark.parametrize("address", ["", "a b", "host:0", "host:70000", "host:x:1", ":502"])
def test_addresses_that_no_unit_has_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no Modbus address"):
        ModbusDriver.check_device(DeviceAddress("id", "it", address))


@pytest.mark.parametrize(
    "name, settings",
    [
        ("holding-register", {}),
        ("register,1", {}),
        ("holding-register,x", {}),
        ("holding-register,65536", {}),
        ("holding-register,65535", {"type": "int32"}),
        ("coil,1", {"type": "int16"}),
        ("coil,1", {"scale": 2.0}),
        ("holding-register,1", {"scale": 0.0}),
    ],
)
def test_points_that_no_unit_has_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no place|ends after|is a bit|is not 0"):
        ModbusDriver.check_point(PointAddress("id", name, settings=settings))
