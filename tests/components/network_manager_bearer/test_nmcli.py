"""What nmcli is asked, and how its answers are read (REQ-NMB-007, REQ-NMB-008)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.interface import Finished
from kittiwake_components.network_manager_bearer import nmcli
from kittiwake_components.network_manager_bearer.nmcli import Profile
from kittiwake_components.network_manager_bearer.setup import NetworkSetup, parse_network_setup
from kittiwake_components.ports.bearer import UNKNOWN_RSSI

OWN = Profile("kittiwake-wifi", is_own=True)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r")), min_size=1))
def test_fields_come_back_from_terse_output(values: list[str]) -> None:
    """REQ-NMB-008: colons and backslashes in them are escaped by nmcli."""
    line = ":".join([value.replace("\\", "\\\\").replace(":", "\\:") for value in values])
    assert nmcli.fields(line) == values


@given(st.text())
def test_no_output_breaks_the_readers(text: str) -> None:
    """REQ-NMB-008."""
    nmcli.properties(text)
    assert -100 <= nmcli.strength_dbm(text, "x") <= -40 or nmcli.strength_dbm(text, "x") == UNKNOWN_RSSI
    assert nmcli.why(Finished(1, "", text))


@pytest.mark.parametrize(
    "output, ssid, strength_dbm",
    [
        ("*:100:a\n :50:b\n", "b", -40),
        (" :50:a\n :20:a\n :90:b\n", "a", -70),
        (" :0:a:b\n :0:a\\:b\n", "a:b", -100),
        (" :50:a\n", "", UNKNOWN_RSSI),
        ("", "a", UNKNOWN_RSSI),
        ("*:x:a\n*:\N{SUPERSCRIPT TWO}:a", "a", UNKNOWN_RSSI),
    ],
)
def test_the_signal_is_that_in_use_or_the_best_of_the_name(output: str, ssid: str, strength_dbm: int) -> None:
    """REQ-NMB-005."""
    assert nmcli.strength_dbm(output, ssid) == strength_dbm


def _unescaped(value: str) -> str:
    """As nmcli reads its passwd-file: spaces at the ends go, octal and backslash escapes are undone."""
    value = value.strip(" ")
    return re.sub(r"\\([0-7]{3}|.)", lambda found: _character(found[1]), value)


def _character(escape: str) -> str:
    return chr(int(escape, 8)) if len(escape) == 3 else escape


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=63))
def test_any_password_comes_back_from_what_nmcli_reads(password: str) -> None:
    """REQ-NMB-007: with backslashes, colons, and spaces at its ends."""
    lines = nmcli.secrets_of(NetworkSetup(ssid="x", password=password, user="me")).decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "802-11-wireless-security.psk", "802-1x.password", "802-1x.identity",
    ]  # fmt: skip
    assert _unescaped(lines[0].partition(":")[2]) == password
    assert lines[2] == "802-1x.identity:me"


def test_no_secret_is_an_argument() -> None:
    """REQ-NMB-007: arguments are seen by everybody on the machine."""
    setup = NetworkSetup(ssid="my net", password="very secret", is_hidden=True)
    commands = [nmcli.making(setup, OWN, "wlan0"), nmcli.raising(setup, OWN, "wlan0", 25.0)[0]]
    for command in commands:
        assert "very secret" not in " ".join(command)
    assert commands[0] == [
        "-t", "connection", "add", "type", "wifi", "con-name", "kittiwake-wifi", "ifname", "wlan0", "save", "no",
        "autoconnect", "no", "ssid", "my net", "802-11-wireless.hidden", "yes",
        "802-11-wireless-security.key-mgmt", "wpa-psk", "802-11-wireless-security.psk-flags", "2",
    ]  # fmt: skip
    assert commands[1] == [
        "-t", "--wait", "25", "connection", "up", "id", "kittiwake-wifi", "ifname", "wlan0",
        "passwd-file", "/dev/stdin",
    ]  # fmt: skip
    assert nmcli.raising(NetworkSetup(connection="a"), Profile("a", is_own=False), "", 0.1) == (
        ["-t", "--wait", "1", "connection", "up", "id", "a"], b"",
    )  # fmt: skip


@pytest.mark.parametrize(
    "finished, reason",
    [
        (Finished(8, "", "Error: NetworkManager is not running.\n"), "NetworkManager is not running"),
        (Finished(10, "", "Error: unknown connection 'x'.\n"), "unknown connection 'x'."),
        (Finished(4, "", "Warning: y\nError: Secrets were required.\nHint: z\n"), "Secrets were required."),
        (Finished(1, "", "\n strange \n"), "strange"),
        (Finished(-9, "", ""), "nmcli ended with status -9"),
    ],
)
def test_why_it_failed_is_one_line(finished: Finished, reason: str) -> None:
    """REQ-NMB-002."""
    assert nmcli.why(finished) == reason


@pytest.mark.parametrize(
    "text, reason",
    [
        ("ssid=a;connection=b", "not both"),
        ("password=secret123", "needs a connection or an ssid"),
        ("ssid=", "ssid is empty"),
        ("ssid=a\nb", "ssid is empty or has a character"),
        ("ssid=" + "x" * 33, "at most 32 bytes"),
        ("ssid=a;password=short", "password has 8 to 63"),
        ("ssid=a;password=" + "g" * 64, "password has 8 to 63"),
        ("ssid=a;security=wep", "security is one of wpa-psk, sae"),
        ("ssid=a;hidden=perhaps", "hidden is yes or no"),
        ("apn=a", "knows connection, ssid"),
    ],
)
def test_a_setup_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    """REQ-NMB-002."""
    with pytest.raises(ValueError, match=re.escape(reason)) as refused:
        parse_network_setup(text)
    assert "secret123" not in str(refused.value)


def test_setups_are_read() -> None:
    """REQ-NMB-001."""
    assert parse_network_setup("") == NetworkSetup()
    assert parse_network_setup(r"ssid=my\;net;password=12345678;security=sae;hidden=yes") == NetworkSetup(
        "", "my;net", "", "12345678", "sae", True
    )
    assert parse_network_setup("connection=eduroam;user=me;password=x").user == "me"
    assert parse_network_setup("ssid=a;password=" + "0aF9" * 16).password == "0aF9" * 16
