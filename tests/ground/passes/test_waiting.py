"""What waits on board, by the channels that tell of it, whatever the instances are called."""

from __future__ import annotations

from typing import Any

from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.load import read_dictionary
from kittiwake.wire.packets import channel_entry, channel_packet
from kittiwake_ground.passes.waiting import waiting_down
from kittiwake_ground.server.hub import Hub
from kittiwake_ground.server.transfer import DOWN, UP, Transfer
from tests.ground.passes.rig import T0
from tests.ground.server.foreign import DICTIONARY, U32

TELLING = (
    "Sat.store.StoredBytes", "Sat.cat.DpsPending", "Sat.cat.CatalogDps", "Sat.cat.CatalogBytes",
    "Sat.cfdp.QueueDepth", "Sat.cfdp.OldestPendingAge", "Sat.mqtt.QueueDepth",
)  # fmt: skip


def hub_with(**values: int) -> Hub:
    """A hub of a deployment that has told values: the part of a name before the last dot is joined by `_`."""
    channels = [
        {"name": name, "type": U32, "id": number, "telemetryUpdate": "always"} for number, name in enumerate(TELLING, 1)
    ]
    plain: dict[str, Any] = {**DICTIONARY, "telemetryChannels": channels}
    dictionary = read_dictionary(plain, "waiting")
    hub = Hub("sat", dictionary, 10)
    for key, value in values.items():
        name = f"Sat.{key.replace('_', '.')}"
        entry = channel_entry(dictionary.channel(name).id, 2 << 64, value.to_bytes(4, "big"))
        hub.take_samples(Decoder(dictionary).decode(channel_packet([entry])), T0)  # type: ignore[arg-type]
    return hub


def test_nothing_is_known_before_something_is_told() -> None:
    assert waiting_down(hub_with(), []) == []
    assert waiting_down(hub_with(store_StoredBytes=0, cat_DpsPending=0, cfdp_QueueDepth=0), []) == []


def test_stored_packets_products_and_transfers_wait_in_the_order_in_which_they_go() -> None:
    hub = hub_with(
        store_StoredBytes=5000, cat_DpsPending=3, cat_CatalogDps=12, cat_CatalogBytes=1200, cfdp_QueueDepth=2,
        cfdp_OldestPendingAge=9, mqtt_QueueDepth=7,
    )  # fmt: skip
    file = Transfer(1, DOWN, "/image.jpg", "image.jpg", "ada")
    sized = Transfer(2, DOWN, "/log.txt", "log.txt", "ada")
    sized.size, sized.done_bytes = 900, 300
    up, ended = Transfer(3, UP, "/up", "up", "ada"), Transfer(4, DOWN, "/old", "old", "ada")
    ended.end("completed")
    found = waiting_down(hub, [file, sized, up, ended])
    assert [(one.name, one.kind, one.bytes) for one in found] == [
        ("Sat.store", "stored packets", 5000), ("/image.jpg", "file", None), ("/log.txt", "file", 600),
        ("Sat.cat", "data products", 300), ("Sat.cfdp", "transfers", None),
    ]  # fmt: skip
    assert found[3].note == "3 of 12 in its catalogue"


def test_a_catalogue_that_tells_no_size_leaves_it_open() -> None:
    (found,) = waiting_down(hub_with(cat_DpsPending=3), [])
    assert (found.bytes, found.note) == (None, "3 of ? in its catalogue")
