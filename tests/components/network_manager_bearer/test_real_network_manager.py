"""NetworkManagerBearer with NetworkManager itself, and programs that take long, on the machine's own clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kittiwake_components import NetworkManagerBearer
from kittiwake_components.ports.bearer import BearerCondition
from tests.components.connexion_manager.on_machine import StationOnMachine
from tests.components.network_manager_bearer.private_network_manager import PrivateNetworkManager, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def network_manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateNetworkManager]:
    if reason := obstacle():
        pytest.skip(reason)
    with PrivateNetworkManager(tmp_path_factory.mktemp("nm")) as network_manager:
        network_manager.add_profile("field")
        network_manager.add_profile(
            "locked", "802-1x.eap", "md5", "802-1x.identity", "me", "802-1x.password-flags", "2"
        )
        yield network_manager


def _station(tmp_path: Path, setup: str, **settings: object) -> StationOnMachine:
    return StationOnMachine(NetworkManagerBearer, {"setup": setup, "measure_s": 1.0, **settings}, tmp_path)


@pytest.mark.peer
def test_the_manager_brings_it_up_sees_it_lost_and_takes_it_down(
    network_manager: PrivateNetworkManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-NMB-001, REQ-NMB-003, REQ-NMB-004."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", network_manager.address)
    with _station(tmp_path, "connection=field", interface="veth0") as station:
        assert station.comes_up()
        assert station.adapter.connection == "field"
        assert "field:veth0" in network_manager.nmcli("-t", "-f", "NAME,DEVICE", "connection", "show").stdout
        network_manager.nmcli("connection", "down", "id", "field")
        assert station.is_lost()
        assert station.comes_up()
        assert station.adapter.bringups == 2
        station.manager.keep_up = False
        shown = ["-t", "-f", "NAME", "connection", "show", "--active"]
        assert station.until(lambda: "field" not in network_manager.nmcli(*shown).stdout)


@pytest.mark.peer
def test_a_failure_is_told_in_its_words(
    network_manager: PrivateNetworkManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-NMB-002: what cannot be had here is told, and no profile of ours is left behind."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", network_manager.address)
    with _station(tmp_path, "ssid=nowhere;password=12345678") as station:
        assert station.is_lost()
        assert "No suitable device found" in station.told[0][1]
        assert station.until(lambda: "kittiwake" not in network_manager.nmcli("-t", "connection", "show").stdout)
    with _station(tmp_path, "connection=unknown") as station:
        assert station.is_lost()
        assert station.told[0] == (BearerCondition.DOWN, "unknown connection 'unknown'.")


@pytest.mark.peer
def test_a_password_reaches_the_network_and_nobody_else(
    network_manager: PrivateNetworkManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-NMB-007: the authenticator lets in who knows it, and no argument list of nmcli has it."""
    if not network_manager.has_authenticator:
        pytest.skip("not installed: wpa_supplicant and hostapd (Debian: wpasupplicant, hostapd)")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", network_manager.address)
    program, listed = tmp_path / "nmcli", tmp_path / "listed"
    program.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$*" >> {listed}\nexec nmcli "$@"\n')
    program.chmod(0o755)
    with _station(tmp_path, "connection=locked;user=me;password=secret \\\\ word", program=str(program)) as station:
        assert station.comes_up()
    assert "connection up id locked passwd-file /dev/stdin" in listed.read_text()
    assert "secret" not in listed.read_text()
    network_manager.nmcli("connection", "down", "id", "locked", check=False)


@pytest.mark.peer
def test_an_order_down_ends_a_connection_that_is_coming_up(
    network_manager: PrivateNetworkManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-NMB-003: it does not wait for the time of `nmcli --wait` to be over."""
    if not network_manager.has_authenticator:
        pytest.skip("not installed: wpa_supplicant and hostapd (Debian: wpasupplicant, hostapd)")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", network_manager.address)
    with _station(tmp_path, "connection=locked;user=me;password=wrong", connect_s=40.0) as station:
        shown = ["-t", "-f", "NAME", "connection", "show", "--active"]
        assert station.until(lambda: "locked" in network_manager.nmcli(*shown).stdout)
        begin_s = time.monotonic()
        station.manager.keep_up = False
        assert station.until(lambda: "locked" not in network_manager.nmcli(*shown).stdout)
        assert station.until(lambda: bool(station.adapter._present is None))
        assert time.monotonic() - begin_s < 10


def test_a_program_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    """REQ-NMB-008, REQ-NMB-002: it is killed after its time, the loop goes on meanwhile, and the reason is told."""
    program = tmp_path / "nmcli"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    settings = {"program": str(program), "command_s": 0.5, "connect_s": 1.0}
    with _station(tmp_path, "ssid=field", **settings) as station:
        assert station.is_lost()
        assert station.ticks >= 8  # of 15, in the time of three commands; it would be one between each two
        assert station.told[0] == (BearerCondition.DOWN, "nmcli took too long, and was ended")


STAND_IN = """#!/bin/sh
# Connects for as long as nobody says `down`; then, or where `free` is there, as quickly as it can.
cd {folder}
case "$*" in
    *"connection up"*)
        if [ ! -e free ]; then
            rm -f interrupted
            echo up >> asked
            while [ ! -e interrupted ]; do sleep 0.05; done
            rm interrupted
            echo "Error: Connection activation failed: The base network connection was interrupted" >&2
            exit 4
        fi
        touch active ;;
    *"connection down"*)
        echo down >> asked
        touch interrupted
        rm -f active ;;
    *"connection show"*)
        if [ -e active ]; then echo GENERAL.STATE:activated; echo GENERAL.DEVICES:nothing0; fi ;;
    *)
        exit 10 ;;
esac
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    program = tmp_path / "nmcli"
    program.write_text(STAND_IN.format(folder=tmp_path))
    program.chmod(0o755)
    return program


def _asked(program: Path) -> list[str]:
    path = program.with_name("asked")
    return path.read_text().split() if path.exists() else []


def test_an_order_down_does_not_wait_for_what_is_coming_up(stand_in: Path, tmp_path: Path) -> None:
    """REQ-NMB-003, REQ-NMB-008."""
    with _station(tmp_path, "connection=field", program=str(stand_in), connect_s=40.0) as station:
        assert station.until(lambda: _asked(stand_in)[-1:] == ["up"])
        begin_s = time.monotonic()
        station.manager.keep_up = False
        assert station.until(lambda: bool(station.adapter._present is None))
        assert time.monotonic() - begin_s < 10
        assert station.adapter.condition is BearerCondition.DOWN


def test_one_that_is_ordered_down_and_up_again_comes_up(stand_in: Path, tmp_path: Path) -> None:
    """REQ-NMB-003: that the first attempt was ended is no failure of the second."""
    with _station(tmp_path, "connection=field", program=str(stand_in), connect_s=40.0) as station:
        assert station.until(lambda: _asked(stand_in)[-1:] == ["up"])
        stand_in.with_name("free").touch()
        station.adapter.take_down()
        station.adapter.bring_up("")
        assert station.comes_up()
        assert station.manager.failures == [0]


def test_a_machine_without_networkmanager_says_so(tmp_path: Path) -> None:
    """REQ-NMB-002: also where the adapter is part of a deployment that was made for another machine."""
    with _station(tmp_path, "ssid=field", program="/no/such/nmcli") as station:
        assert station.is_lost()
        assert station.told[0][1] == "/no/such/nmcli is not there: NetworkManager is not installed"
        assert station.until(lambda: station.adapter.bringups >= 2)
        assert station.adapter.bringups < 5
