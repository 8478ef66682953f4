"""Watchdogs outside of the process: a device of the kernel, and a service manager that is told by datagrams.

The datagrams are those of systemd's sd_notify(3), which `kittiwake run --supervise` understands as well.
"""

from __future__ import annotations

import os

NOTIFY = "notify"
_SET_TIMEOUT = 0xC0045706  # WDIOC_SETTIMEOUT of linux/watchdog.h
_DISARM = b"V"  # the "magic close"
_US_PER_S = 1_000_000


def notify(text: str) -> bool:
    """Tells the service manager, if there is one (`READY=1`, `WATCHDOG=1`...). Raises `OSError`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    import socket

    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
        line.sendto(text.encode(), address)
    return True


class NotifyWatchdog:
    """A service manager that ends the process when no stroke came for `timeout_s`."""

    __slots__ = ("timeout_s",)

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s

    def stroke(self) -> None:
        """Starts its time anew. Raises `OSError`."""
        notify("WATCHDOG=1")

    def close(self, *, disarm: bool) -> None:
        """Tells it that the process is about to end, if that is meant to be."""
        if disarm:
            notify("STOPPING=1")


class DeviceWatchdog:
    """A watchdog of the kernel, which resets the machine; it runs from its opening on."""

    __slots__ = ("_fd", "timeout_s")

    def __init__(self, path: str, timeout_s: int) -> None:
        from array import array
        from fcntl import ioctl

        self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        value = array("i", [timeout_s])
        try:
            ioctl(self._fd, _SET_TIMEOUT, value, True)
        except OSError:
            value[0] = timeout_s  # one with a fixed time
        self.timeout_s = float(value[0])

    def stroke(self) -> None:
        """Starts its time anew. Raises `OSError`."""
        os.write(self._fd, b"\0")

    def close(self, *, disarm: bool) -> None:
        """Stops it where the driver allows that, or lets it run on: the next process has its time to open it."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        try:
            if disarm:
                os.write(fd, _DISARM)
        finally:
            os.close(fd)


def open_watchdog(where: str, timeout_s: int) -> NotifyWatchdog | DeviceWatchdog | None:
    """The watchdog at `where` (`notify`, or a device's path); `None` if no service manager wants strokes."""
    if where != NOTIFY:
        return DeviceWatchdog(where, timeout_s)
    wanted_us = os.environ.get("WATCHDOG_USEC", "")
    if not wanted_us.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return NotifyWatchdog(int(wanted_us) / _US_PER_S)
