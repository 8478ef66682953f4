"""A microphone through ALSA, by pyalsaaudio (the extra `audio`)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake_components.sensors.capture import Capture

_PERIODS_PER_S = 20
"""A read waits for one period, and a stop so long at most."""

_MAX_OVERRUNS = 100


class AlsaMicrophone:
    """An ALSA device that captures. Raises `OSError` where it cannot be opened or set."""

    def __init__(self, device: str, rate: int, channels: int, sample_bytes: int, gain: int | None = None) -> None:
        """Opens a device; a `gain` in percent is set on its capture control."""
        import alsaaudio

        formats = {2: alsaaudio.PCM_FORMAT_S16_LE, 3: alsaaudio.PCM_FORMAT_S24_3LE, 4: alsaaudio.PCM_FORMAT_S32_LE}
        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_CAPTURE,
                device=device,
                rate=rate,
                channels=channels,
                format=formats[sample_bytes],
                periodsize=rate // _PERIODS_PER_S,
            )
            if gain is not None:
                alsaaudio.Mixer("Capture", device=device).setvolume(gain, pcmtype=alsaaudio.PCM_CAPTURE)
        except alsaaudio.ALSAAudioError as fault:
            raise OSError(errno.EIO, str(fault), device) from None

    def next_period(self, capture: Capture) -> bytes:
        if not capture.remaining_s:
            return b""
        for _ in range(_MAX_OVERRUNS):
            count, samples = self._pcm.read()
            if count > 0:
                return bytes(samples)
            if count != -errno.EPIPE:  # that is an overrun: what was lost is lost, and it goes on
                break
        raise OSError(errno.EIO, "the microphone gives nothing")

    def close(self) -> None:
        """Gives the device back."""
        self._pcm.close()
