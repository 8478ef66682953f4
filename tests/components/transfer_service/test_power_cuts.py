"""TransferService under power cuts: a file is whole in its place or not there, and gone only after it was delivered."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake_components.ports.link import LinkState
from tests.components.power_cuts import cut_everywhere
from tests.components.transfer_service.transfer_bench import (
    Pair,
    Tester,
    content,
    exists,
    in_bucket,
    new_tester,
    put_into_bucket,
)
from tests.framework.cfdp.lossy_link import PATIENCE
from tests.framework.cfdp.test_transfer import SEEDS
from tests.framework.cfdp.two_entities import Side

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = content(9, 1800)


def prepared(prepare: Callable[[Tester], None]) -> Callable[[int], Tester]:
    """Makes a tester of a seed, after what comes before the scenario."""

    def make(seed: int) -> Tester:
        tester = new_tester(seed)
        prepare(tester)
        return tester

    return make


def test_a_put_that_removes_outlives_every_cut() -> None:
    """REQ-TS-014, REQ-TS-007: what was acknowledged is delivered, and the source is there until it is."""

    def prepare(tester: Tester) -> None:
        put_into_bucket(tester, "unit-7/logs/a", b"old")
        tester.write_file("/logs/a", DATA)

    def scenario(tester: Tester, noted: list[int]) -> None:
        with tester.held():
            sent = tester.send("PUT", "logs", "/logs/a", "a", True)
        noted += [1] if sent.response is CommandResponse.OK else []

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        stored = in_bucket(tester, "unit-7/logs/a")
        assert stored in (DATA, b"old")
        assert exists(tester, "/logs/a") or stored == DATA
        tester.advance(100)
        if noted or not exists(tester, "/logs/a"):
            assert in_bucket(tester, "unit-7/logs/a") == DATA
            assert in_bucket(tester, "unit-7/logs/a.sha256").startswith(sha256(DATA).hexdigest().encode())
            assert not exists(tester, "/logs/a")
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0

    assert cut_everywhere(prepared(prepare), scenario, judge) > 30


def test_a_get_outlives_every_cut() -> None:
    """REQ-TS-014."""

    def prepare(tester: Tester) -> None:
        put_into_bucket(tester, "unit-7/config/c", DATA)
        put_into_bucket(tester, "unit-7/config/c.sha256", f"{sha256(DATA).hexdigest()}  c\n".encode())
        tester.write_file("/config/c", b"old")

    def scenario(tester: Tester, noted: list[int]) -> None:
        with tester.held():
            sent = tester.send("GET", "config", "c", "/config/c")
        noted += [1] if sent.response is CommandResponse.OK else []

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        assert tester.read_file("/config/c") in (DATA, b"old")
        tester.advance(100)
        if noted:
            assert tester.read_file("/config/c") == DATA
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0

    assert cut_everywhere(prepared(prepare), scenario, judge) > 20


class FarEnd:
    """The other end of the link as an entity in memory, which no power cut reaches.

    The packet `lost`, counted from 1, does not reach the device.
    """

    def __init__(self, lost: int = 0) -> None:
        self.side = Side(1)
        self.side.entity.patience = PATIENCE
        self.now_ns = 0
        self._lost = lost
        self._said = 0

    def talk(self, tester: Tester, seconds: float = 1.0) -> None:
        """Carries what both ends say until they are silent."""
        for _ in range(400):
            packets = list(tester.ports.pdu_out)
            tester.ports.pdu_out.clear()
            for data, _ in packets:
                self.side.entity.receive(data[2:], self.now_ns)
            answer = self.side.entity.next_pdu(self.now_ns)
            if answer is not None:
                self._said += 1
                if self._said != self._lost:
                    tester.call.pdu_in(b"\0\x20" + answer, 0, True)
            elif not packets:
                return


def run_on(tester: Tester, far: FarEnd) -> None:
    """Lets both ends finish after a restart."""
    tester.call.link_status(LinkState.UP)
    for _ in range(60):
        far.talk(tester)
        tester.advance(1.0)
        far.now_ns += 1_000_000_000


def test_a_file_sent_by_cfdp_outlives_every_cut_of_its_sender() -> None:
    """REQ-TS-014, REQ-TS-015: the same transaction goes on, and only what is missing is sent again."""
    ends: dict[int, FarEnd] = {}

    def prepare(tester: Tester) -> None:
        tester.write_file("/logs/a", DATA)
        ends[id(tester)] = FarEnd()

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.call.link_status(LinkState.UP)
        with tester.held():
            sent = tester.send("PUT", "ground", "/logs/a", "a", True)
        noted += [1] if sent.response is CommandResponse.OK else []
        ends[id(tester)].talk(tester)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        far = ends.pop(id(tester))
        for data, _ in ports.pdu_out:
            far.side.entity.receive(data[2:], far.now_ns)
        assert exists(tester, "/logs/a") or far.side.files == {"unit-7/a": DATA}
        run_on(tester, far)
        if noted:
            assert far.side.files == {"unit-7/a": DATA}
        if far.side.files:
            assert far.side.files == {"unit-7/a": DATA}
            assert not exists(tester, "/logs/a")
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0
        assert len(far.side.sinks) <= 1

    assert cut_everywhere(prepared(prepare), scenario, judge) > 10


@pytest.mark.parametrize("lost", [0, 2])
def test_a_file_that_arrives_by_cfdp_outlives_every_cut_of_its_receiver(lost: int) -> None:
    """REQ-TS-014, REQ-TS-015: the sender hears that it is delivered only when it is, and stays so.

    It hears that soon: when a piece came late, the end was acknowledged long ago, and it waits in silence.
    """
    ends: dict[int, FarEnd] = {}

    def prepare(tester: Tester) -> None:
        ends[id(tester)] = FarEnd(lost)

    def scenario(tester: Tester, noted: list[int]) -> None:
        far = ends[id(tester)]
        tester.call.link_status(LinkState.UP)
        far.side.put(2, 1, "deep/b", DATA, far.now_ns)
        far.talk(tester)
        noted.append(1)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        far = ends.pop(id(tester))
        if far.side.ends:
            assert tester.read_file("/inbox/deep/b") == DATA
        run_on(tester, far)
        assert tester.read_file("/inbox/deep/b") == DATA
        assert [condition.name for condition in far.side.ends.values()] == ["NO_ERROR"]
        assert tester.files.list(tester.root.resolve("/transfers/arriving")) == []

    assert cut_everywhere(prepared(prepare), scenario, judge) > 20


@pytest.mark.parametrize("seed", range(max(6, SEEDS // 4)))
def test_every_file_crosses_a_link_that_loses_and_is_down_half_of_the_time_between_power_cuts(seed: int) -> None:
    """REQ-TS-014, REQ-TS-015: 20 % lost, down half of the time, both ends cut off at file operations."""
    pair = Pair(seed, loss=0.2, up_s=20.0, down_s=20.0)
    wanted = {f"f{number}": content(seed * 100 + number, 10_000 + pair.random.below(30_000)) for number in range(5)}
    for name, data in wanted.items():
        pair.device.write_file(f"/logs/{name}", data)
    for name in wanted:
        assert pair.device.send("PUT", "ground", f"/logs/{name}", name, True).response is CommandResponse.OK
    for _ in range(8):
        pair.run(30.0, cut_each_s=4.0)
        pair.heal()
        for name, data in wanted.items():
            assert exists(pair.device, f"/logs/{name}") or pair.ground.read_file(f"/inbox/unit-7/{name}") == data
    for _ in range(8):  # far less than inactivity_s: nobody waits in silence for the other one
        if not any(exists(pair.device, f"/logs/{name}") for name in wanted):
            break
        pair.run(60.0)
    assert {name: pair.ground.read_file(f"/inbox/unit-7/{name}") for name in wanted} == wanted
    assert not any(exists(pair.device, f"/logs/{name}") for name in wanted)
    assert pair.cuts >= 5
    for tester in pair.ends:
        tester.finish()
