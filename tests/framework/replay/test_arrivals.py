"""What comes from threads: made a value and made again, of the deployment's own classes and of no other."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given

from kittiwake.platform.interface import Finished
from kittiwake.replay.arrivals import DEPTH_LIMIT, ENUM, FAULT, NAMED, thing_of, value_of
from kittiwake.replay.values import ValueRefused, packed, unpacked
from kittiwake_components.platform_driver.drivers.interface import NoAnswer, PointAddress, Reading, Unreachable
from kittiwake_components.ports.platform_driver import Quality
from kittiwake_components.transfer_service.ftp_session import FtpRefused
from tests.framework.replay.test_values import kinds, values

PACKAGES = frozenset(["kittiwake", "kittiwake_components"])


def again(thing: Any) -> Any:
    return thing_of(unpacked(packed(value_of(thing, PACKAGES))), PACKAGES)


@given(values)
def test_plain_things_come_out_as_they_went_in(value: Any) -> None:
    assert kinds(again(value)) == kinds(value)


def test_things_of_the_deployment_keep_their_classes() -> None:
    address = PointAddress("p", "analog-input,1", settings={"scale": 2.0})
    found = again([address, Reading(21.5), Quality.STALE, Finished(0, "Linux"), {("a", 1): (address,)}])
    assert found == [address, Reading(21.5), Quality.STALE, Finished(0, "Linux"), {("a", 1): (address,)}]
    assert [type(one) for one in found] == [PointAddress, Reading, Quality, Finished, dict]
    reading = again(Reading(None, Unreachable("it is gone")))
    assert type(reading.fault) is Unreachable
    assert str(reading.fault) == "it is gone"


@pytest.mark.parametrize(
    "fault",
    [
        NoAnswer("no answer"), FtpRefused(530, is_login=True), OSError(28, "No space left on device"),
        FileNotFoundError(2, "No such file or directory", "/x"), TimeoutError(110, "too late"),
        ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] unable"), ValueError("odd", 7),
    ],
    ids=lambda fault: type(fault).__name__,
)  # fmt: skip
def test_faults_say_and_hold_the_same(fault: Exception) -> None:
    made = again(fault)
    assert type(made) is type(fault)
    assert (made.args, str(made), vars(made)) == (fault.args, str(fault), vars(fault))
    assert getattr(made, "errno", None) == getattr(fault, "errno", None)


def test_a_fault_of_a_library_is_the_nearest_that_is_known() -> None:
    class Special(ConnectionResetError):
        def __init__(self, more: object) -> None:
            super().__init__(104, "gone", more)

    made = again(Special(object()))
    assert type(made) is ConnectionResetError


@pytest.mark.parametrize("thing", [object(), OrderedDict(a=1), lambda: None, {1, 2}, ssl.TLSVersion.TLSv1_3])
def test_what_is_no_value_is_refused_by_its_type(thing: Any) -> None:
    with pytest.raises(ValueRefused, match=type(thing).__name__):
        value_of([thing], PACKAGES)


def test_what_is_too_deep_is_refused() -> None:
    thing: Any = 1
    for _ in range(DEPTH_LIMIT + 2):
        thing = [thing]
    with pytest.raises(ValueRefused, match="deep"):
        value_of(thing, PACKAGES)


@pytest.mark.parametrize(
    "value",
    [
        (ENUM, "os:PathLike", "x"), (NAMED, "kittiwake.platform.interface:Clock", []), (NAMED, "os:stat_result", []),
        (FAULT, "os:system", [], None, []), (FAULT, "builtins:exec", [], None, []), (9, 1), (NAMED, "kittiwake:No", []),
        (ENUM, "kittiwake_components.ports.platform_driver:Quality", "NONE_OF_THEM"),
        (ENUM, "kittiwake_components.moved_since:Quality", "GOOD"),
        (FAULT, "kittiwake_components.moved_since:Refused", [], None, []),
    ],
)  # fmt: skip
def test_a_recording_makes_nothing_else(value: Any) -> None:
    with pytest.raises((LookupError, ValueError)):
        thing_of(value, PACKAGES)
