"""What the PROVES satellite does by itself, in virtual time: limits, a silent radio, recordings for the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.limits.compile import compile_limits
from kittiwake.model.fw import On
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.wire.data_product import parse_product
from kittiwake_components.lora.settings import TransmitState
from kittiwake_components.store_forward.component import StoreState
from tests.peers import ROOT
from tests.system.proves_flight import FOLDER, ProvesFlight, built

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.virtual_time

LIMITS = "sequences/proves/limits.yaml"


@pytest.fixture
def made() -> Iterator[ProvesFlight]:
    """A satellite with its limits on board, and a modem on the ground."""
    flight = ProvesFlight(
        SimulatedPlatform(0), {"ReferenceDeployment.loraModem": {"url": "tcp-listen://127.0.0.1:50001"}}
    )
    text = (ROOT / LIMITS).read_text(encoding="utf-8")
    flight.write("seq/limits.bin", compile_limits(text, LIMITS, built()[1]))
    yield flight.start()
    flight.stop()


def test_a_weak_battery_ends_the_payload_by_the_default_table_and_not_the_mode(made: ProvesFlight) -> None:
    made.run(5)
    assert made.named("limitChecker.TableLoaded") == [("PROVES", 6, 3)]
    made.command("ReferenceDeployment.payloadPowerLoadSwitch.TURN_ON")
    made.craft.battery.charge, made.craft.panel_w = 0.11, 0.0
    made.run(50)
    assert made["payloadPowerLoadSwitch"].is_on == On.ON
    made.run(20)
    assert made["payloadPowerLoadSwitch"].is_on == On.OFF
    assert made.named("limitChecker.ResponseCompleted") == [("payload_off",)]
    assert made.named("modeManager.EnteringSafeMode") == []


def test_what_the_silent_radio_did_not_send_follows_once_it_transmits(made: ProvesFlight) -> None:
    ground = made.platform.network.connect_tcp("127.0.0.1", 50001)
    made.run(120)
    store = made["storeForward"]
    assert store.store_state == StoreState.STORING
    kept = store.packets_stored
    assert kept > 20
    made.command("ReferenceDeployment.downlinkDelay.DIVIDER_PRM_SET 0")
    made["lora"].transmit(TransmitState.ENABLED)
    heard = 0
    for _ in range(1200):
        made.run(1)
        heard += len(ground.receive(10_000) or b"")
        if store.store_state == StoreState.LIVE:
            break
    assert store.store_state == StoreState.LIVE
    assert store.packets_forwarded >= kept
    assert store.packets_lost == 0
    assert heard >= 248 * 10


def test_the_rails_are_recorded_and_in_the_catalogue(made: ProvesFlight) -> None:
    made.run(3)
    made.command("ReferenceDeployment.powerMonitor.RECORD_RAILS 60")
    made.run(70)
    assert made.named("powerMonitor.RailsRecorded") == [(60,)]
    [(_, file)] = made.named("DataProducts.dpWriter.FileWritten")
    with made.platform.files.open(f"{FOLDER}{file}", "r") as opened:
        header, data = parse_product(opened.read_at(0, 4096))
    assert header.priority == 5
    assert len(data) == 3 * (4 + 2 + 60 * 4)
    assert made["DataProducts.dpCat"].dps_pending == 1
