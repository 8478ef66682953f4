"""A serial port through pyserial, which knows the baud rates and quirks; bytes then go straight to the descriptor."""

from __future__ import annotations

import errno
import os
from struct import Struct

_TIOCGICOUNT = 0x545D  # asm-generic/ioctls.h
_COUNTS = Struct("=20i")  # struct serial_icounter_struct of linux/serial.h
_OVERRUN = 7  # by the receiver's hardware
_BUFFER_OVERRUN = 10  # by the driver's buffer


class SerialStream:
    """A serial port: raw, eight data bits, no parity, one stop bit, locked for this process. A pty works as well."""

    __slots__ = ("_lost_before", "_serial")

    def __init__(self, device: str, baud: int) -> None:
        import serial

        # With no time between bytes to wait for, VMIN is 1: a read without data is then EAGAIN, and b"" a hang-up.
        self._serial = serial.Serial(
            device, baud, timeout=0, write_timeout=0, inter_byte_timeout=0, exclusive=True, rtscts=False, xonxoff=False
        )
        self._lost_before = 0
        self._lost_before = self.overruns()

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed."""
        return int(self._serial.fileno()) if self._serial.is_open else -1

    def receive(self, limit: int) -> bytes | None:
        """What has come; `None` if nothing has, `b""` if the device was unplugged or the pty closed."""
        try:
            return os.read(self.fileno(), limit)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EIO:
                return b""
            raise

    def send(self, data: bytes) -> int:
        """Takes as much as there is room for. Raises `OSError` if the device is gone."""
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0

    def overruns(self) -> int:
        """Bytes that the receiver or its driver lost since the opening; 0 where the driver does not count them."""
        from fcntl import ioctl

        try:
            counts = _COUNTS.unpack(ioctl(self.fileno(), _TIOCGICOUNT, bytes(_COUNTS.size)))
        except (OSError, ValueError):  # a pty, or closed
            return 0
        return int(max(counts[_OVERRUN] + counts[_BUFFER_OVERRUN] - self._lost_before, 0))

    def close(self) -> None:
        """Closes without waiting for what was not yet sent; a second close does nothing."""
        self._serial.close()
