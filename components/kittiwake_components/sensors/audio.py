"""Sound in the hive: a WAV file, from ALSA through pyalsaaudio, or made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake_components.sensors.sensor import Option, Reading, Sensor

if TYPE_CHECKING:
    from kittiwake_components.sensors.capture import Capture

SIMULATED = "simulated"
AUTO = "auto"
_PERIODS_PER_S = 10
_REPORT_S = 1.0
_SILENCE_DBFS = -144.0


def _bits(value: object) -> int:
    if str(value) in ("16", "24", "32"):
        return int(str(value))
    raise ValueError("16, 24 or 32")


class Microphone(Protocol):
    """Gives a tenth of a second of samples after the other, little-endian, channels interleaved."""

    def next_period(self, capture: Capture) -> bytes:
        """The next samples; nothing at the end of the capture. Raises `OSError`."""

    def close(self) -> None:
        """Gives the device back."""


class Audio(Sensor):
    """Sound as the original records it: 48000 Hz, 24 bits, one channel."""

    extension = "wav"
    readings = (Reading("level", "dBFS"),)

    device = Option(AUTO, f"An ALSA device, `{SIMULATED}`, or `{AUTO}`: ALSA's default if pyalsaaudio is installed.")
    sampling_frequency = Option(48000, "Samples a second.", unit="Hz", low=8000, high=192000)
    sample_format = Option(24, "Bits of a sample.", parse=_bits)
    channel_count = Option(1, "Channels.", low=1, high=8)
    gain = Option(49, "The gain of the capture control, set if set_gain says so.", unit="%", low=0, high=100)
    set_gain = Option(False, "Whether the gain is set.")

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample of one channel."""
        return self.sample_format // 8

    def prepare(self) -> None:
        """Raises `ValueError` where a device is named and pyalsaaudio is not installed."""
        from importlib.util import find_spec

        has_alsa = find_spec("alsaaudio") is not None
        if self.device not in (AUTO, SIMULATED) and not has_alsa:
            raise ValueError(
                f"device {self.device} needs pyalsaaudio: install kittiwake[audio], or set it to {SIMULATED}"
            )
        self.is_simulated = self.device == SIMULATED or not has_alsa

    def open_microphone(self) -> Microphone:
        """The microphone. Raises `OSError`."""
        if self.is_simulated:
            return SimulatedMicrophone(self)
        from kittiwake_components.sensors.alsa import AlsaMicrophone

        device = "default" if self.device == AUTO else self.device
        gain = self.gain if self.set_gain else None
        return AlsaMicrophone(device, self.sampling_frequency, self.channel_count, self.sample_bytes, gain)

    def record(self, capture: Capture) -> None:
        import wave

        microphone = self.open_microphone()
        try:
            with wave.open(capture.file, "wb") as sound:  # type: ignore[call-overload]
                sound.setnchannels(self.channel_count)
                sound.setsampwidth(self.sample_bytes)
                sound.setframerate(self.sampling_frequency)
                reported_s = 0.0
                left = round(capture.duration_s * self.sampling_frequency) * self.channel_count * self.sample_bytes
                while left and (period := microphone.next_period(capture)[:left]):
                    sound.writeframesraw(period)
                    left -= len(period)
                    if capture.elapsed_s >= reported_s:
                        capture.report((level_dbfs(period, self.sample_bytes),))
                        reported_s = capture.elapsed_s + _REPORT_S
        finally:
            microphone.close()


class SimulatedMicrophone:
    """The hum of a hive, at 230 Hz and its double: one second of it again and again, at the pace of the clock."""

    def __init__(self, audio: Audio) -> None:
        from math import sin, tau

        size, peak = audio.sample_bytes, 1 << (8 * audio.sample_bytes - 1)
        rate = audio.sampling_frequency
        samples = (
            int(peak * 0.05 * (sin(tau * 230 * number / rate) + 0.5 * sin(tau * 460 * number / rate)))
            for number in range(rate // _PERIODS_PER_S)
        )
        self._period = b"".join(
            sample.to_bytes(size, "little", signed=True) * audio.channel_count for sample in samples
        )
        self._count = 0

    def next_period(self, capture: Capture) -> bytes:
        if not capture.remaining_s:
            return b""
        self._count += 1
        capture.wait(self._count / _PERIODS_PER_S - capture.elapsed_s)
        return b"" if capture.is_stopping else self._period

    def close(self) -> None:
        """Nothing is held."""


def level_dbfs(samples: bytes, sample_bytes: int) -> float:
    """The level of some samples below full scale (RMS), from each sixteenth of them."""
    from math import log10

    peak = 1 << (8 * sample_bytes - 1)
    some = range(0, len(samples) - sample_bytes + 1, 16 * sample_bytes)
    squares = sum(int.from_bytes(samples[at : at + sample_bytes], "little", signed=True) ** 2 for at in some)
    return 10 * log10(squares / len(some) / peak**2) if squares else _SILENCE_DBFS
