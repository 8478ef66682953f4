"""Hosts that are this machine, and those that only look so."""

from __future__ import annotations

import pytest

from kittiwake.wire.link_address import is_loopback, names_loopback, parse_link

OURS = ("localhost", "LOCALHOST", "127.0.0.1", "127.1.2.255", "::1")
OTHERS = (
    "",
    "127.example.org",
    "127.0.0.1.example.org",
    "127.0.0",
    "127.0.0.256",
    "128.0.0.1",
    "0.0.0.0",
    "::2",
    "127.0.0.\u0661",
)


@pytest.mark.parametrize("host", OURS)
def test_this_machine_is_known_with_and_without_a_port(host: str) -> None:
    assert is_loopback(host)
    assert names_loopback(host)
    assert names_loopback(f"[{host}]:8090" if ":" in host else f"{host}:8090")
    assert names_loopback(f"[{host}]") or ":" not in host


@pytest.mark.parametrize("host", OTHERS)
def test_a_name_that_begins_as_ours_is_somebody_elses(host: str) -> None:
    """A link to 127.example.org was taken for one that nobody outside can reach, and went unsigned."""
    assert not is_loopback(host)
    assert not names_loopback(host)
    assert not names_loopback(f"{host}:8090")


def test_a_link_is_local_as_its_host_is() -> None:
    assert parse_link("tcp://127.0.0.1:50000").is_local
    assert not parse_link("tcp://127.example.org:50000").is_local
