"""What NetworkManager is to bring up: a profile that it has, or a wireless network by its name."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.bearer_setup import parse_setup

KEYS = ("connection", "ssid", "user", "password", "security", "hidden")
SECURITIES = ("wpa-psk", "sae")
SSID_SIZE = 32
_PASSPHRASE = range(8, 64)
_KEY_SIZE = 64


class NetworkSetup(NamedTuple):
    """`connection` is the name of a profile; with `ssid` one is made for the time being. Both may be empty: nothing.

    `user` and `password` are what a network wants that does not have them in its profile.
    """

    connection: str = ""
    ssid: str = ""
    user: str = ""
    password: str = ""
    security: str = SECURITIES[0]
    is_hidden: bool = False


def parse_network_setup(text: str) -> NetworkSetup:
    """A setup as `ssid=field;password=secret` or `connection=office`. Raises `ValueError`, which tells no secrets."""
    values = parse_setup(text, KEYS)
    for key, value in values.items():
        if not value or not value.isprintable():
            raise ValueError(f"{key} is empty or has a character that cannot be told")
    if "connection" in values and "ssid" in values:
        raise ValueError("the setup has a connection or an ssid, not both")
    if values and "connection" not in values and "ssid" not in values:
        raise ValueError("the setup needs a connection or an ssid")
    setup = NetworkSetup(
        values.get("connection", ""), values.get("ssid", ""), values.get("user", ""), values.get("password", ""),
        values.get("security", SECURITIES[0]), values.get("hidden", "no") == "yes",
    )  # fmt: skip
    if values.get("hidden", "no") not in ("yes", "no"):
        raise ValueError("hidden is yes or no")
    if setup.ssid:
        _check_wireless(setup)
    return setup


def _check_wireless(setup: NetworkSetup) -> None:
    if len(setup.ssid.encode()) > SSID_SIZE:
        raise ValueError(f"an ssid has at most {SSID_SIZE} bytes")
    if setup.security not in SECURITIES:
        raise ValueError(f"security is one of {', '.join(SECURITIES)}")
    is_key = len(setup.password) == _KEY_SIZE and all(one in "0123456789abcdefABCDEF" for one in setup.password)
    if setup.password and setup.security == "wpa-psk" and not is_key and len(setup.password) not in _PASSPHRASE:
        raise ValueError("password has 8 to 63 characters, or 64 hexadecimal digits")
