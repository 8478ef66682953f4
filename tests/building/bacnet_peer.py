"""Real BACnet/IP devices for tests: bacpypes3 applications in processes of their own on loopback addresses.

    with BacnetPeer(1001, {"analog-input": 40, "analog-output": 10}) as peer:
        ...                            # peer.address is "127.0.0.2:41234"
        peer.unplug()                  # it hears and says nothing
        peer.replug()
        peer.kill()
        peer.start()                   # the device restarts, at the same address

A Who-Is that is broadcast does not reach other loopback addresses: it has to be sent to a device's address.
"""

from __future__ import annotations

from typing import Any

from tests.building.led_process import LedProcess


class BacnetPeer(LedProcess):
    """One device; `points` gives the number of objects of each kind, numbered from 1.

    Their values at first: analog 0.5 x number, binary active if the number is odd, multi-state 1 + number % 3.
    Outputs and values are commandable. `behaviour`: `max_apdu`, `segmentation`, `refuses_rpm`, `refuses_cov`.
    """

    MODULE = "tests.building.bacnet_process"

    def __init__(
        self, instance: int, points: dict[str, int], host: str = "127.0.0.2", port: int = 0, **behaviour: Any
    ) -> None:
        self.instance = instance
        self.points = points
        self.host = host
        self.port = port
        self._behaviour = behaviour
        super().__init__()

    def spec(self) -> dict[str, Any]:
        return {"address": self.address, "instance": self.instance, "points": self.points, **self._behaviour}

    def started(self, announcement: dict[str, Any]) -> None:
        self.port = announcement["port"]

    @property
    def address(self) -> str:
        """Where the device is, as host:port."""
        return f"{self.host}:{self.port}"

    def unplug(self) -> None:
        """Pulls the network plug: what is sent meanwhile is lost."""
        self.order(plug=False)

    def unplug_after(self, requests: int) -> None:
        """Pulls the plug when so many requests have come."""
        self.order(unplug_after=requests)

    def replug(self) -> None:
        """Puts the plug in again."""
        self.order(plug=True)

    def refuse_rpm(self, refuses: bool) -> None:
        """Whether ReadPropertyMultiple is rejected as unknown from now on."""
        self.order(refuses_rpm=refuses)

    def set(self, point: str, value: Any) -> None:
        """Changes a present value, as the plant would: `set("analog-input,1", 21.5)`."""
        self.order(set=point, value=value)

    def get(self, point: str) -> Any:
        """The present value: a float, or the name of an enumeration's constant."""
        return self.order(get=point)["value"]

    def priorities(self, point: str) -> list[Any]:
        """The 16 values of the priority array, `None` where nobody commands."""
        array: list[Any] = self.order(priorities=point)["value"]
        return array

    def counts(self) -> dict[str, int]:
        """How many requests came: `rpm`, `read`, `subscribe`."""
        return self.order(counts=True)

    def subscriptions(self) -> int:
        """How many COV subscriptions are in force."""
        count: int = self.order(subscriptions=True)["value"]
        return count

    def forget_subscriptions(self) -> None:
        """Drops all COV subscriptions without a word."""
        self.order(forget_subscriptions=True)
