"""How much went over a network interface, by the kernel's counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.devices import SystemDevice

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

NAME_SIZE = 15  # IFNAMSIZ of linux/if.h, without its end


def check_interface(name: str) -> None:
    """Raises `ValueError` for what cannot be the name of an interface; empty means none."""
    if len(name.encode()) > NAME_SIZE or name in (".", "..") or any(one in " /\t\n:" for one in name):
        raise ValueError(f"an interface has a name like wlan0, of at most {NAME_SIZE} bytes, not {name!r}")


class InterfaceTraffic:
    """Bytes sent and received since it was last asked; without an interface there are none."""

    def __init__(self, files: Files, interface: str) -> None:
        self._device = SystemDevice(files, f"/sys/class/net/{interface}/statistics") if interface else None
        self._before = 0, 0

    def begin(self) -> None:
        """What went before now does not count."""
        self._before = self._counters()

    def since_last(self) -> tuple[int, int]:
        """What went since `begin` or the last call. Counters that went back began anew: the interface came again."""
        before, self._before = self._before, self._counters()
        sent, received = [now - then if now >= then else now for now, then in zip(self._before, before, strict=True)]
        return sent, received

    def _counters(self) -> tuple[int, int]:
        if self._device is None:
            return 0, 0
        try:
            return int(self._device.read("tx_bytes")), int(self._device.read("rx_bytes"))
        except OSError:
            return 0, 0  # it is gone, and what it counted with it
