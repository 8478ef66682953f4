"""NetworkManager's `nmcli`: the commands that are needed, and what it prints (nmcli(1), terse output)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.ports.bearer import UNKNOWN_RSSI

if TYPE_CHECKING:
    from kittiwake.platform.interface import Finished
    from kittiwake_components.network_manager_bearer.setup import NetworkSetup

NOT_RUNNING = 8
NOT_THERE = 10
"""Exit statuses: NetworkManager is not running; the connection, device or access point does not exist."""

ACTIVATED = "activated"
SECRETS_FILE = "/dev/stdin"
_PSK = "802-11-wireless-security.psk"
_WEAKEST_DBM, _STRONGEST_DBM = -100, -40


class Profile(NamedTuple):
    """A profile by its name; `is_own` if it was made by us, and is to go again."""

    name: str
    is_own: bool


def making(setup: NetworkSetup, profile: Profile, interface: str) -> list[str]:
    """Makes a profile for a wireless network, in memory alone. Its password is none of the arguments."""
    arguments = ["-t", "connection", "add", "type", "wifi", "con-name", profile.name, "ifname", interface or "*"]
    arguments += ["save", "no", "autoconnect", "no", "ssid", setup.ssid]
    if setup.is_hidden:
        arguments += ["802-11-wireless.hidden", "yes"]
    if setup.password:
        arguments += ["802-11-wireless-security.key-mgmt", setup.security, f"{_PSK}-flags", "2"]
    return arguments


def raising(setup: NetworkSetup, profile: Profile, interface: str, wait_s: float) -> tuple[list[str], bytes]:
    """Brings a profile up and waits for that; the arguments, and the secrets for its standard input."""
    arguments = ["-t", "--wait", str(max(round(wait_s), 1)), "connection", "up", "id", profile.name]
    if interface:
        arguments += ["ifname", interface]
    if setup.password:
        arguments += ["passwd-file", SECRETS_FILE]
    return arguments, secrets_of(setup)


def secrets_of(setup: NetworkSetup) -> bytes:
    """The secrets as `passwd-file` has them: what the profile has no use for is ignored."""
    if not setup.password:
        return b""
    lines = [f"{name}:{_escaped(setup.password)}\n" for name in (_PSK, "802-1x.password")]
    if setup.user:
        lines.append(f"802-1x.identity:{_escaped(setup.user)}\n")
    return "".join(lines).encode()


def _escaped(secret: str) -> str:
    r"""Backslashes are escapes there, and spaces at the ends are dropped unless they are written as `\040`."""
    core = secret.strip(" ")
    before, _, after = secret.partition(core) if core else (secret, "", "")
    return before.replace(" ", r"\040") + core.replace("\\", r"\\") + after.replace(" ", r"\040")


def lowering(profile: Profile) -> list[str]:
    """Takes a profile down."""
    return ["-t", "connection", "down", "id", profile.name]


def removing(profile: Profile) -> list[str]:
    """Removes a profile."""
    return ["-t", "connection", "delete", "id", profile.name]


def showing(profile: Profile) -> list[str]:
    """Shows how a profile is."""
    return ["-t", "-f", "GENERAL.STATE,GENERAL.DEVICES,IP4.ADDRESS", "connection", "show", "id", profile.name]


def measuring(interface: str, *, is_anew: bool) -> list[str]:
    """Lists the wireless networks that are heard; `is_anew` listens for them now."""
    arguments = ["-t", "-f", "IN-USE,SIGNAL,SSID", "device", "wifi", "list"]
    if interface:
        arguments += ["ifname", interface]
    return [*arguments, "--rescan", "yes" if is_anew else "no"]


def fields(line: str) -> list[str]:
    """The fields of a line of terse output: colons between them, backslashes before colons and backslashes in them."""
    found, field = [], ""
    characters = iter(line)
    for character in characters:
        if character == "\\":
            field += next(characters, "")
        elif character == ":":
            found.append(field)
            field = ""
        else:
            field += character
    return [*found, field]


def properties(output: str) -> dict[str, str]:
    """The values of `NAME:VALUE` lines; of those that come more than once (`IP4.ADDRESS[1]`) the first."""
    found: dict[str, str] = {}
    for line in output.splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.partition("[")[0], value)
    return found


def strength_dbm(output: str, ssid: str = "") -> int:
    """The signal of the network that is in use, else the best of those named `ssid`; of a list by `measuring`."""
    rows = [
        row for row in map(fields, output.splitlines()) if len(row) == 3 and row[1].isascii() and row[1].isdecimal()
    ]
    percents = [int(row[1]) for row in rows if row[0] == "*"] or [
        int(row[1]) for row in rows if ssid and row[2] == ssid
    ]
    if not percents:
        return UNKNOWN_RSSI
    # NetworkManager makes percents of dBm so; strengths beyond either end are lost.
    return round(_WEAKEST_DBM + min(max(percents), 100) * (_STRONGEST_DBM - _WEAKEST_DBM) / 100)


def why(finished: Finished) -> str:
    """Why it failed, in a line."""
    if finished.status == NOT_RUNNING:
        return "NetworkManager is not running"
    lines = [line.strip() for line in finished.errors.splitlines() if line.strip()]
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return next(iter([*told, *lines]), f"nmcli ended with status {finished.status}")
