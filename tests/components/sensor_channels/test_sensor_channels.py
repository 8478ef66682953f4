"""A sensor as channels: its state, its latest good values, and since when they are not good."""

from __future__ import annotations

import pytest

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import AirQualityChannels, AudioChannels, CpuChannels, ScaleChannels, TempChannels
from kittiwake_components.deployment_time import NO_TIME
from kittiwake_components.ports.hive import SensorReport, SensorState
from kittiwake_components.sensor_channels.component import SensorChannels, check_sensor
from kittiwake_components.sensors.airquality import AirQuality
from kittiwake_components.sensors.audio import Audio
from kittiwake_components.sensors.cpu import Cpu
from kittiwake_components.sensors.scale import Scale
from kittiwake_components.sensors.temp import Temp

NAN = float("nan")
PAIRS = [(AudioChannels, Audio), (TempChannels, Temp), (ScaleChannels, Scale), (AirQualityChannels, AirQuality),
         (CpuChannels, Cpu)]  # fmt: skip


def test_the_design_sheet_is_true() -> None:
    assert differences(SensorChannels) == []


@pytest.mark.parametrize("channels, sensor", PAIRS)
def test_each_reading_has_its_channel_with_its_unit(channels: type[SensorChannels], sensor: type) -> None:
    """REQ-SC-001: what the sensors of the house read and what is shown of them are the same."""
    own = SensorChannels.__declarations__.channels
    shown = {name: one.unit for name, one in channels.__declarations__.channels.items() if name not in own}
    assert shown == {reading.name: reading.unit for reading in sensor.readings}  # type: ignore[attr-defined]


def test_the_latest_good_value_stays_and_since_when_it_is_bad_is_shown() -> None:
    """REQ-SC-002. The original's field app: the latest value that is no NaN, and since when it is."""
    with ComponentTester(TempChannels, name="temp") as tester:
        assert (tester.channels["LastGood"], tester.channels["BadSince"]) == (NO_TIME, NO_TIME)
        tester.call.reading_in("temp", "temperature", 21.5)
        tester.call.reading_in("temp", "humidity", 60.0)
        good = tester.channels["LastGood"]
        tester.advance(10)
        tester.call.reading_in("temp", "temperature", NAN)
        tester.call.reading_in("audio", "temperature", 5.0)
        assert tester.channels["Temperature"] == 21.5
        assert tester.channels["BadSince"].seconds == good.seconds + 10
        assert tester.channels["LastGood"] == good
        tester.advance(10)
        tester.call.reading_in("temp", "temperature", NAN)
        tester.call.reading_in("temp", "humidity", NAN)
        assert tester.channels["BadSince"].seconds == good.seconds + 10
        tester.call.reading_in("temp", "temperature", 22.0)
        assert tester.channels["BadSince"].seconds == good.seconds + 20
        tester.call.reading_in("temp", "humidity", 61.0)
        assert tester.channels["BadSince"] == NO_TIME
        assert tester.channels["LastGood"].seconds == good.seconds + 20
        assert tester.channels["Humidity"] == 61.0


def test_the_state_of_its_own_sensor_alone_is_shown() -> None:
    """REQ-SC-003."""
    with ComponentTester(SensorChannels, settings={"sensor": "front"}) as tester:
        tester.call.report_in(SensorReport("audio", SensorState.RECORDING, NO_TIME, 1, 2, 3))
        assert tester.channels["Captures"] is None
        tester.call.report_in(SensorReport("front", SensorState.RECORDING, NO_TIME, 1, 2, 3))
        assert tester.channel("State").history == [SensorState.STOPPED, SensorState.RECORDING]
        assert [tester.channels[name] for name in ("Captures", "Misses", "Restarts")] == [1, 2, 3]
        tester.call.reading_in("front", "brightness", 1.0)
        assert tester.channels["LastGood"] != NO_TIME


def test_a_name_that_no_sensor_can_have_is_refused() -> None:
    check_sensor("x" * 40)
    with pytest.raises(ValueError, match="at most 40 bytes"):
        check_sensor("x" * 41)
