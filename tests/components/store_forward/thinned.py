"""StoreForward in a deployment that has telemetry packets, whose names it looks up."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.journal import Journal
from kittiwake.storage.root import Root
from kittiwake_components.store_forward.backlog import PACKET_SIZE_MAX, VERSION
from kittiwake_components.store_forward.component import SEGMENT_BYTES, StoreForward
from tests.components.store_forward.stored import telemetry


def kept_of(intervals_s: dict[str, int]) -> dict[int, int]:
    """How many packets of the ids 3 (Fast) and 4 (Slow) are stored within 45 seconds, at one each a second."""
    platform = SimulatedPlatform(0)
    image: Any = {
        "name": "Thinned", "version": "", "dictionary_hash": "",
        "instances": [("store", StoreForward, 0x100, 0, 0, "", {"intervals_s": intervals_s})],
        "connections": [], "services": {}, "packets": [("Fast", 3, 1, []), ("Slow", 4, 1, [])], "parameters": [],
    }  # fmt: skip
    deployment = Deployment(image, platform, Root(platform.files, "/"))
    deployment.start()
    store: Any = deployment.instances["store"]
    store.grace_s = 0
    store.run(0)
    for _ in range(45):
        for id in (3, 4):
            store.packet_in(1, telemetry(id), 0)
        deployment.run_for(1)
        store.run(0)
    deployment.stop()
    journal = Journal(
        platform.files, "/store/00000001", VERSION, record_limit=PACKET_SIZE_MAX, size_limit=SEGMENT_BYTES
    )
    journal.open()
    return Counter(int.from_bytes(data[2:4], "big") for data in journal.records())
