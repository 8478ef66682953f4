"""What a search for BACnet devices may say: numbers, addresses, and from where."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.drivers.interface import BadValue

LAST_INSTANCE = 4_194_302
ADDRESSES_LIMIT = 256


class Search(NamedTuple):
    """Devices with numbers from `low` to `high` (or any), at `addresses` or wherever a broadcast goes."""

    low: int | None
    high: int | None
    addresses: tuple[str, ...]
    local_address: str


def parse_search(where: str) -> Search:
    """A search from its words, as `1000-1999 local=192.168.1.5/24` or `127.0.0.2:47808`. Raises `BadValue`."""
    low = high = None
    addresses = []
    local = ""
    for word in where.replace(",", " ").split():
        first, dash, last = word.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            low, high = int(first), int(last or first)
            if not low <= high <= LAST_INSTANCE:
                raise BadValue(f"{word} is no range of device numbers, which go from 0 to {LAST_INSTANCE}")
        elif word.startswith("local="):
            local = word.removeprefix("local=")
        else:
            addresses.append(word.removeprefix("device:"))
    if len(addresses) > ADDRESSES_LIMIT:
        raise BadValue(f"at most {ADDRESSES_LIMIT} addresses can be asked at a time, not {len(addresses)}")
    return Search(low, high, tuple(addresses), local)
