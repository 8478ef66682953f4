"""Looks for BACnet devices by broadcast, in a network of its own: `test_bacnet_broadcast.py` runs it there.

    python -m tests.building.broadcast_trial

It prints what was found as a line of JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from tests.building.bacnet_peer import BacnetPeer
from tests.building.driver_bench import DriverBench

NETWORK = "10.99.0"
BITS = 24
DEVICES = {2: 1001, 3: 1500}
PORT = 47808


def trial() -> dict[str, Any]:
    """What searches find, and what a device gives that is known by its number alone."""
    bench = DriverBench()
    local = f"{NETWORK}.1/{BITS}:{PORT}"

    def find(where: str) -> list[int]:
        found = bench.wait(lambda done: BacnetDriver.find_devices(where, bench.services, done))
        return sorted(one.settings["instance"] for one in found)

    peers = [
        BacnetPeer(instance, {"analog-input": 3}, host=f"{NETWORK}.{host}/{BITS}", port=PORT)
        for host, instance in DEVICES.items()
    ]
    try:
        with bench.open(BacnetDriver, "device:1500", local_address=local) as device:
            value = device.value("analog-input,3")
        return {"all": find(f"local={local}"), "range": find(f"1400-1600 local={local}"), "value": value}
    finally:
        for peer in peers:
            peer.stop()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(trial()) + "\n")
