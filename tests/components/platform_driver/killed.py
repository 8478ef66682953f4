"""A process with a platform driver, to be killed: `killed.py FOLDER GATEWAY [VALUE]`; a value is written first."""

from __future__ import annotations

import sys
from typing import Any

from kittiwake.platform.system import SystemPlatform
from kittiwake_components import PlatformDriver
from tests.framework.runtime.wired import deploy


def main(folder: str, url: str, value: str = "") -> None:
    own = {"settings": {"seed": False, "database": f"{folder}/d.sqlite", "values": f"{folder}/v.sqlite"}, "depth": 50}
    deployment, _ = deploy({"driver": (PlatformDriver, own)}, [], platform=SystemPlatform())
    instances: dict[str, Any] = dict(deployment.instances)
    deployment.start()
    engine = instances["driver"].engine()
    if value:
        device = engine.changes.create_device({
            "name": "ahu", "driver_type": "bacnet_jsonrpc", "device_address": "1001", "rpc_base_url": url,
            "enabled": True, "scrape_interval_seconds": 0.1,
        })  # fmt: skip
        engine.changes.create_point(device.id, {"name": "Valve", "object_identifier": "analog-output,1"})
        deployment.run_for(0.5)
        engine.write("ahu/Valve", float(value), 8, 0.0, lambda result: None)
    deployment.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
