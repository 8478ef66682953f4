"""Points of a building's device as channels, so that dashboards, limits, sequences and the archive have them."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    F64,
    U32,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Setting,
    Size,
    event,
    guarded_port,
)
from kittiwake_components.platform_driver.values import unpacked
from kittiwake_components.point_channels.fitting import fitted
from kittiwake_components.ports.platform_driver import (
    NAME_SIZE,
    PATH_SIZE,
    DeviceHealth,
    DeviceStatus,
    PointValue,
    Quality,
)

REASON_SIZE = 120


def _check_device(path: str) -> None:
    if len(path.encode()) > NAME_SIZE:
        raise ValueError(f"the path of a device has at most {NAME_SIZE} bytes")


class PointChannels(PassiveComponent):
    """Base of those who show a device's points: a subclass declares a channel for each, with type, unit and limits.

        class AirHandler(PointChannels):
            zone_temp = Channel(F64, unit="degC", limits=Limits(high_red=35.0), doc="Temperature of the zone.")
            fan = Channel(Bool, doc="Whether the supply fan runs.")

    Each channel shows the point of its name (`ZoneTemp`) of the setting `device`; `points` names others. A channel
    keeps its last good value; what is wrong now, `quality` and `bad_points` say.
    """

    quality = Channel(Quality, on_change=True, doc="The worst of the points.")
    bad_points = Channel(U32, on_change=True, doc="Points whose value is not good now, or does not fit its channel.")
    device_status = Channel(DeviceStatus, on_change=True, doc="How the device is.")

    device = Setting(str, default="", check=_check_device, doc="The path of the device, as `campus/b1/ahu1`.")
    points = Setting(
        dict[str, str], default={},
        doc="Points of channels that are called otherwise: a name of the device's, or a path with slashes.",
    )  # fmt: skip

    @event(WARNING_LO, "{point} does not fit {channel}: {reason}", throttle=10, every_s=600.0)
    def misfit(
        self, point: Annotated[str, Size(PATH_SIZE)], channel: Annotated[str, Size(NAME_SIZE)],
        reason: Annotated[str, Size(REASON_SIZE)],
    ) -> None: ...  # fmt: skip

    @event(WARNING_LO, "The setting points names {channel}, but there is no such channel")
    def channel_unknown(self, channel: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    def initialize(self) -> None:
        declared = type(self).__declarations__.channels
        own = PointChannels.__declarations__.channels
        self._channels = {one.label: one for name, one in declared.items() if name not in own}
        self._labels: dict[str, list[str]] = {}
        for label in self._channels:
            path = self._path_of(label)
            if path:
                self._labels.setdefault(path, []).append(label)
        self._qualities = dict.fromkeys([label for labels in self._labels.values() for label in labels], Quality.NEVER)

    def start(self) -> None:
        for label in self.points:
            if label not in self._channels:
                self.channel_unknown(label)
        self._judge()

    def _path_of(self, label: str) -> str:
        """The point that a channel shows; nothing for one that shows none."""
        name = self.points.get(label, label if self.device else "")
        return name.strip("/") if "/" in name or not name else f"{self.device.strip('/')}/{name}"

    @guarded_port(PointValue)
    def value_in(self, point: str, value: str, quality: Quality, time_us: int) -> None:
        """A reading of a point; one that no channel shows is passed over."""
        labels = self._labels.get(point)
        if labels is None:
            return
        for label in labels:
            self._qualities[label] = self._show(label, point, value) if quality is Quality.GOOD else quality
        self._judge()

    def _show(self, label: str, point: str, value: str) -> Quality:
        channel = self._channels[label]
        try:
            setattr(self, channel.name, fitted(channel.type, unpacked(value)))
        except (ValueError, TypeError) as fault:
            self.misfit(point, label, str(fault))
            return Quality.ERROR
        return Quality.GOOD

    @guarded_port(DeviceHealth)
    def health_in(self, device: str, status: DeviceStatus, reason: str) -> None:
        """A device is in another state."""
        if device == self.device.strip("/"):
            self.device_status = status

    def _judge(self) -> None:
        self.quality = max(self._qualities.values(), default=Quality.GOOD)
        self.bad_points = sum([quality is not Quality.GOOD for quality in self._qualities.values()])


class PointBank(PointChannels):
    """Eight numbers, for those who want to declare no class: `points` says what is shown in which."""

    value1 = Channel(F64, doc="The point that `points` names for Value1.")
    value2 = Channel(F64, doc="The point that `points` names for Value2.")
    value3 = Channel(F64, doc="The point that `points` names for Value3.")
    value4 = Channel(F64, doc="The point that `points` names for Value4.")
    value5 = Channel(F64, doc="The point that `points` names for Value5.")
    value6 = Channel(F64, doc="The point that `points` names for Value6.")
    value7 = Channel(F64, doc="The point that `points` names for Value7.")
    value8 = Channel(F64, doc="The point that `points` names for Value8.")

    def _path_of(self, label: str) -> str:
        return super()._path_of(label) if label in self.points else ""
