"""Where a Modbus unit is reached: a host and port, or a serial line."""

from __future__ import annotations

PORT = 502
LAST_PORT = 65_535


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address, or the path of a serial line and 0. Raises `ValueError`."""
    if address.startswith("/"):
        return address, 0
    host, _, port = address.partition(":")
    if len(host.split()) != 1 or (port and not (port.isdigit() and 0 < int(port) <= LAST_PORT)):
        raise ValueError(f"{address!r} is no Modbus address, such as 192.168.1.30:502 or /dev/ttyUSB0")
    return host, int(port or PORT)
