"""NetworkManagerBearer with a pretended NetworkManager: orders, failures, loss, and what is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import NetworkManagerBearer
from kittiwake_components.ports.bearer import UNKNOWN_RSSI, BearerCondition, BearerOrder
from tests.components.network_manager_bearer.pretended import PretendedNetworkManager

UP, DEGRADED, DOWN = BearerCondition.UP, BearerCondition.DEGRADED, BearerCondition.DOWN
FIELD = "connection=field"


class Bench(ComponentTester[NetworkManagerBearer]):
    """The component on a machine with a pretended NetworkManager that knows the profiles `field` and `office`."""

    def __init__(self, **settings: Any) -> None:
        self.manager = PretendedNetworkManager("field", "office")
        platform = SimulatedPlatform(1)
        platform.programs.install("nmcli", self.manager.run)
        super().__init__(NetworkManagerBearer, settings=settings, platform=platform)

    def order(self, order: BearerOrder, setup: str = FIELD) -> None:
        self.call.control_in(order, setup)

    @property
    def told(self) -> list[Any]:
        return list(self.ports.status_out)


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(NetworkManagerBearer) == []


def test_it_brings_a_profile_up_and_down() -> None:
    """REQ-NMB-001, REQ-NMB-003."""
    with Bench() as bench:
        bench.order(BearerOrder.BRING_UP)
        assert bench.told == [(UP, -58, "")]
        assert bench.manager.active == {"field"}
        assert bench.channels["Connection"] == "field"
        assert bench.channels["Rssi"] == -58
        bench.order(BearerOrder.BRING_UP)
        assert len(bench.told) == 2
        bench.order(BearerOrder.TAKE_DOWN)
        assert bench.manager.active == set()
        assert bench.channels["Condition"] is DOWN
        assert bench.channels["Connection"] == ""
        assert bench.manager.profiles == {"field", "office"}
        before = len(bench.manager.asked)
        bench.advance(100)
        assert len(bench.manager.asked) == before
        assert len(bench.told) == 2


def test_a_wireless_network_has_a_profile_for_the_time_being() -> None:
    """REQ-NMB-001, REQ-NMB-007: in NetworkManager's memory alone, and its password goes in by standard input."""
    with Bench(interface="wlan0") as bench:
        bench.order(BearerOrder.BRING_UP, "ssid=field;password=very secret")
        assert bench.told == [(UP, -58, "")]
        assert "kittiwake-wlan0" in bench.manager.active
        raising = next(place for place, one in enumerate(bench.manager.asked) if "connection up" in one)
        assert "secret" not in "".join(bench.manager.asked)
        assert b"802-11-wireless-security.psk:very secret\n" in bench.manager.secrets[raising]
        bench.order(BearerOrder.TAKE_DOWN)
        assert bench.manager.profiles == {"field", "office"}
        shown = str([*bench.events, *bench.told, *bench.channel("Connection").history])
        assert "secret" not in shown


def test_without_nmcli_it_says_so_and_tries_nothing_by_itself() -> None:
    """REQ-NMB-002."""
    with Bench() as bench:
        bench.platform.programs.remove("nmcli")
        for order in (BearerOrder.TAKE_DOWN, BearerOrder.BRING_UP, BearerOrder.SCAN):
            bench.order(order)
        reason = "nmcli is not there: NetworkManager is not installed"
        assert bench.told == [(DOWN, UNKNOWN_RSSI, reason)] * 2
        bench.advance(3600)
        assert len(bench.told) == 2


@pytest.mark.parametrize(
    "setup, attribute, value, reason",
    [
        (FIELD, "is_running", False, "NetworkManager is not running"),
        (FIELD, "failure", "No suitable device found", "Connection activation failed: No suitable device found"),
        (FIELD, "hangs", True, "nmcli took too long, and was ended"),
        ("connection=nowhere", "hangs", False, "unknown connection 'nowhere'."),
        ("ssid=x;password=short", "hangs", False, "password has 8 to 63 characters, or 64 hexadecimal digits"),
        ("", "hangs", False, "no setup names a connection or an ssid"),
    ],
)
def test_a_failure_is_told_once_with_its_reason_and_not_tried_again(
    setup: str, attribute: str, value: Any, reason: str
) -> None:
    """REQ-NMB-002: that is the manager's to do."""
    with Bench() as bench:
        setattr(bench.manager, attribute, value)
        bench.order(BearerOrder.BRING_UP, setup)
        assert bench.told == [(DOWN, UNKNOWN_RSSI, reason)]
        before = len(bench.manager.asked)
        bench.order(BearerOrder.TAKE_DOWN, "")
        bench.advance(600)
        assert len(bench.told) == 1
        assert len(bench.manager.asked) <= before + 1
        setattr(bench.manager, attribute, type(value)(not value) if isinstance(value, bool) else "")
        bench.manager.hangs = False
        bench.order(BearerOrder.BRING_UP)
        assert bench.told[-1][0] is UP


def test_another_setup_is_another_connection() -> None:
    """REQ-NMB-003: so a candidate configuration is really tried."""
    with Bench() as bench:
        bench.order(BearerOrder.BRING_UP)
        bench.order(BearerOrder.BRING_UP, "connection=office")
        assert bench.manager.active == {"office"}
        assert [one[0] for one in bench.told] == [UP, UP]


def test_its_own_setup_is_for_an_order_without_one() -> None:
    """REQ-NMB-001: as in recovery."""
    with Bench(setup="connection=office") as bench:
        bench.order(BearerOrder.BRING_UP, "")
        assert bench.manager.active == {"office"}


def test_what_an_earlier_process_left_up_goes_down_with_the_first_order() -> None:
    """REQ-NMB-003: the manager begins with everything down."""
    with Bench(setup="connection=office") as bench:
        bench.manager.active = {"office"}
        bench.order(BearerOrder.TAKE_DOWN, "")
        assert bench.manager.active == set()
    with Bench() as bench:
        bench.manager.profiles.add("kittiwake-wifi")
        bench.manager.active = {"kittiwake-wifi"}
        bench.order(BearerOrder.TAKE_DOWN, "")
        assert bench.manager.active == set()
        assert bench.told == []


def test_a_connection_is_watched() -> None:
    """REQ-NMB-004, REQ-NMB-005: its signal, and its end."""
    with Bench(measure_s=10.0) as bench:
        bench.order(BearerOrder.BRING_UP)
        bench.manager.networks = ["*:20:field"]
        bench.advance(10)
        assert bench.told[-1] == (DEGRADED, -88, "")
        bench.manager.networks = ["*:90:field"]
        bench.advance(10)
        assert bench.told[-1] == (UP, -46, "")
        bench.manager.active.clear()
        bench.advance(10)
        assert bench.told[-1] == (DOWN, UNKNOWN_RSSI, "NetworkManager has ended the connection")
        count = len(bench.told)
        bench.advance(100)
        assert len(bench.told) == count


def test_networkmanager_that_ends_is_a_loss_and_one_that_is_slow_is_not() -> None:
    """REQ-NMB-004."""
    with Bench(measure_s=10.0) as bench:
        bench.order(BearerOrder.BRING_UP)
        bench.manager.hangs = True
        bench.advance(20)
        assert {one[0] for one in bench.told} == {UP}
        bench.manager.hangs = False
        bench.advance(10)
        bench.manager.hangs = True
        bench.advance(30)
        assert bench.told[-1] == (DOWN, UNKNOWN_RSSI, "nmcli took too long, and was ended")
    with Bench(measure_s=10.0) as bench:
        bench.order(BearerOrder.BRING_UP)
        bench.manager.is_running = False
        bench.advance(10)
        assert bench.told[-1] == (DOWN, UNKNOWN_RSSI, "NetworkManager is not running")


def test_a_wire_has_no_signal_and_is_asked_for_it_once() -> None:
    """REQ-NMB-005."""
    with Bench(measure_s=10.0, interface="veth0") as bench:
        bench.manager.is_wireless = False
        bench.order(BearerOrder.BRING_UP)
        bench.advance(50)
        assert set(bench.told) == {(UP, UNKNOWN_RSSI, "")}
        assert len([one for one in bench.manager.asked if "wifi list" in one]) == 1


def test_a_scan_is_answered_by_how_it_is() -> None:
    """REQ-NMB-005."""
    with Bench(setup="ssid=other") as bench:
        bench.order(BearerOrder.SCAN)
        assert bench.told == [(DOWN, -58, "it is not wanted")]
        bench.manager.networks = [" :20:other"]
        bench.order(BearerOrder.SCAN)
        assert bench.told[1:] == [(DOWN, -88, "it is not wanted")]
        bench.order(BearerOrder.BRING_UP)
        bench.manager.networks = ["*:100:field"]
        bench.order(BearerOrder.SCAN)
        assert bench.told[-1] == (UP, -40, "")
        assert "--rescan yes" in bench.manager.asked[-1]


def test_what_its_interface_carried_is_told() -> None:
    """REQ-NMB-006: of the interface that NetworkManager chose, to the end of the connection."""
    with Bench(measure_s=10.0) as bench:
        folder = "/sys/class/net/wlan0/statistics"
        bench.platform.files.make_folders(folder)

        def counted(sent: int, received: int) -> None:
            for name, count in (("tx_bytes", sent), ("rx_bytes", received)):
                with bench.platform.files.open(f"{folder}/{name}", "w") as file:
                    file.write_at(0, b"%09d\n" % count)

        counted(1000, 2000)
        bench.order(BearerOrder.BRING_UP)
        counted(1100, 2050)
        bench.advance(10)
        counted(1101, 2051)
        bench.order(BearerOrder.TAKE_DOWN)
        assert list(bench.ports.traffic_out) == [(100, 50), (1, 1)]


ACTIONS = st.one_of(
    st.tuples(st.sampled_from(list(BearerOrder)), st.sampled_from([FIELD, "connection=office", "ssid=a", "x", ""])),
    st.tuples(st.just("advance"), st.sampled_from([0.5, 10.0, 40.0])),
    st.tuples(st.sampled_from(["is_running", "hangs", "is_wireless"]), st.booleans()),
    st.tuples(st.just("failure"), st.sampled_from(["", "No suitable device found"])),
    st.tuples(st.just("ended"), st.just("")),
)


@given(actions=st.lists(ACTIONS, max_size=15))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_the_last_order_counts(actions: list[tuple[Any, Any]]) -> None:
    """REQ-NMB-003, REQ-NMB-008: no handler fails, nothing is up that was ordered down, and the next order is served."""
    with Bench(measure_s=10.0) as bench:
        for what, value in actions:
            if isinstance(what, BearerOrder):
                bench.order(what, value)
            elif what == "advance":
                bench.advance(value)
            elif what == "ended":
                bench.manager.active.clear()
            else:
                setattr(bench.manager, what, value)
        bench.manager.is_running, bench.manager.hangs, bench.manager.failure = True, False, ""
        bench.order(BearerOrder.BRING_UP)
        if bench.told[-1] == (DOWN, UNKNOWN_RSSI, "NetworkManager has ended the connection"):
            bench.order(BearerOrder.BRING_UP)
        assert bench.told[-1][0] is UP
        assert "field" in bench.manager.active
        bench.order(BearerOrder.TAKE_DOWN)
        assert "field" not in bench.manager.active
        count = len(bench.told)
        bench.advance(100)
        assert len(bench.told) == count
