"""What a modem needs to know: from the manager's setup."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.bearer_setup import parse_setup

KEYS = ("apn", "user", "password", "auth", "pin", "dial", "roaming")
_AUTHENTICATIONS = {"pap": 1, "chap": 2}
_DIALLED = frozenset("0123456789*#+,ABCDTPW")


class ModemSetup(NamedTuple):
    """`apn`, `user`, `password` and `authentication` (27.007 +CGAUTH) of the context, the SIM's `pin`.

    With `dial` a call is made to that number instead, and its bytes are the link's. `may_roam` lets it register in a
    network that is not the SIM's own.
    """

    apn: str = ""
    user: str = ""
    password: str = ""
    authentication: int = 1
    pin: str = ""
    dial: str = ""
    may_roam: bool = True


def parse_modem_setup(text: str) -> ModemSetup:
    """A setup as `apn=internet;user=me;password=secret`. Raises `ValueError`, which tells no secrets."""
    values = parse_setup(text, KEYS)
    for key, value in values.items():
        if '"' in value or not (value.isascii() and value.isprintable()):
            raise ValueError(f"{key} has a character that a modem cannot be told")
    pin, dial = values.get("pin", ""), values.get("dial", "")
    if pin and not (pin.isdecimal() and 4 <= len(pin) <= 8):
        raise ValueError("pin has 4 to 8 digits")
    if not _DIALLED.issuperset(dial):
        raise ValueError(f"dial is a number like *99#, not {dial!r}")
    authentication = values.get("auth", "pap")
    if authentication not in _AUTHENTICATIONS:
        raise ValueError(f"auth is pap or chap, not {authentication!r}")
    roaming = values.get("roaming", "yes")
    if roaming not in ("yes", "no"):
        raise ValueError(f"roaming is yes or no, not {roaming!r}")
    return ModemSetup(
        values.get("apn", ""), values.get("user", ""), values.get("password", ""), _AUTHENTICATIONS[authentication],
        pin, dial, roaming == "yes",
    )  # fmt: skip
