"""Link: what its gate holds back while no bearer carries it (requirements in its README.md)."""

from __future__ import annotations

from typing import Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.recovery import Recovery
from kittiwake.testing import ComponentTester
from kittiwake_components import Link
from kittiwake_components.ports.link import LinkState

HOST = "127.0.0.1"
SERVER = f"tcp-listen://{HOST}:5000"
UDP = f"udp://{HOST}:6001?listen=6000"


def _tester(url: str, **settings: Any) -> ComponentTester[Link]:
    return ComponentTester(Link, settings={"url": url, **settings}, platform=SimulatedPlatform(7))


def _received(tester: ComponentTester[Link]) -> bytes:
    return b"".join(data for (data,) in tester.ports.data_out)


def _states(tester: ComponentTester[Link]) -> list[LinkState]:
    return [state for (state,) in tester.ports.state_out]


def _send(tester: ComponentTester[Link], data: bytes) -> None:
    tester.call.data_in(data)
    tester.call.flush()


def _shut(tester: ComponentTester[Link], *, shut: bool = True) -> None:
    tester.call.gate_in(LinkState.DOWN if shut else LinkState.UP)


def test_while_no_bearer_carries_it_nothing_goes_and_a_connexion_outlives_that() -> None:
    """REQ-LK-013: over TCP what waits on either side goes on afterwards."""
    with _tester(SERVER) as tester:
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        _shut(tester)
        _shut(tester)
        ground.send(b"up")
        assert tester.call.room() == 0
        _send(tester, b"down")
        tester.advance(100)
        tester.call.run(0)
        assert _received(tester) == b""
        assert ground.receive(100) is None
        _shut(tester, shut=False)
        tester.settle()
        assert _received(tester) == b"up"
        assert ground.receive(100) == b"down"
        assert tester.call.room() > 0
        assert _states(tester) == [LinkState.UP, LinkState.DOWN, LinkState.UP]
        assert tester.channels["Connections"] == 1


def test_a_ground_that_connects_while_no_bearer_carries_is_heard_once_one_does() -> None:
    """REQ-LK-013: the link does not say that it is up before."""
    with _tester(SERVER) as tester:
        _shut(tester)
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(1)
        ground.send(b"up")
        tester.advance(1)
        assert _states(tester) == []
        assert _received(tester) == b""
        _shut(tester, shut=False)
        tester.settle()
        assert _states(tester) == [LinkState.UP]
        assert _received(tester) == b"up"


def test_datagrams_that_come_while_no_bearer_carries_are_lost() -> None:
    """REQ-LK-013: as a radio that is off would not have heard them."""
    with _tester(UDP) as tester:
        ground = tester.platform.network.open_udp(HOST, 6001, (HOST, 6000))
        _shut(tester)
        ground.send(b"lost")
        tester.advance(1)
        _shut(tester, shut=False)
        ground.send(b"heard")
        tester.advance(1)
        assert _received(tester) == b"heard"


def test_a_peer_is_not_given_up_for_what_the_gate_holds_back() -> None:
    """REQ-LK-013, REQ-LK-006: its time to take something begins when the gate opens."""
    with _tester(SERVER, stall_limit_s=30) as tester:
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        tester.platform.network.buffer_size = 4
        _send(tester, b"longer than four")
        _shut(tester)
        for _ in range(100):
            tester.call.run(0)
            tester.advance(1)
        _shut(tester, shut=False)
        tester.call.run(0)
        assert tester.events.named("LinkLost") == []
        taken = b""
        for _ in range(10):
            taken += ground.receive(100) or b""
            tester.advance(0.1)
        assert taken == b"longer than four"


def test_the_gate_stays_as_it_is_over_a_restart_of_the_instance() -> None:
    """REQ-LK-013: whoever holds it shut does not say so again."""
    with _tester(SERVER) as tester:
        _shut(tester)
        Recovery(tester.deployment, tester.deployment.main).restart("tested", lambda reason: None)
        tester.settle()
        tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(1)
        assert _states(tester) == []


def test_the_adapters_of_the_bearers_are_told_what_went() -> None:
    """REQ-LK-013: once a second, and what is left when the gate shuts; each byte once."""
    with _tester(SERVER) as tester:
        ground = tester.platform.network.connect_tcp(HOST, 5000)
        tester.advance(0.1)
        ground.send(b"up")
        tester.settle()
        _send(tester, b"down")
        tester.call.run(0)
        tester.call.run(0)
        _send(tester, b"more")
        _shut(tester)
        assert list(tester.ports.traffic_out[0]) == list(tester.ports.traffic_out[7]) == [(4, 2), (4, 0)]
