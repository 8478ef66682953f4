"""TransferService with a store at the other end of the link, by CFDP, and files that arrive from there."""

from __future__ import annotations

import pytest

from kittiwake.cfdp.pdu import TO_RECEIVER, Condition, Eof, FileData, Finished, Header, Metadata, decode, encode
from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake_components.ports.link import LinkState
from tests.components.transfer_service.transfer_bench import PARAMETERS, Pair, content, exists, new_tester

APID = b"\x00\x20"
FROM_GROUND = Header(1, 5, 2, TO_RECEIVER)


def test_a_file_crosses_and_both_ends_tell() -> None:
    """REQ-TS-015, REQ-TS-016."""
    pair = Pair(1)
    data = content(1, 5000)
    pair.device.write_file("/logs/a", data)
    assert pair.device.send("PUT", "ground", "/logs/a", "deep/a", False).response is CommandResponse.OK
    pair.run(10.0)
    assert pair.ground.read_file("/inbox/unit-7/deep/a") == data
    assert [event.args for event in pair.ground.events.named("FileArrived")] == [("/inbox/unit-7/deep/a", 5000)]
    assert pair.ground.ports.file_announce == [("/inbox/unit-7/deep/a",)]
    assert [event.args[2:] for event in pair.device.events.named("TransferDone")] == [("/logs/a", 5000)]
    assert exists(pair.device, "/logs/a")
    for tester in pair.ends:
        tester.call.run(0)
        tester.finish()
    assert pair.device.channels["BytesSent"] == pair.ground.channels["BytesReceived"] == 5000


def test_files_cross_both_ways_at_once_and_an_empty_one_too() -> None:
    """REQ-TS-015."""
    pair = Pair(2, loss=0.2)
    stores = ["store_name=device kind=updates entity=2 prefix=up"]
    pair.ground = new_tester(7, entity=1, stores=stores)
    pair.ground.write_file("/image", content(2, 9000))
    pair.device.write_file("/logs/empty", b"")
    pair.ground.send("PUT", "device", "/image", "image", False)
    pair.device.send("PUT", "ground", "/logs/empty", "empty", True)
    pair.run(120.0)
    assert pair.device.read_file("/inbox/up/image") == content(2, 9000)
    assert pair.ground.read_file("/inbox/unit-7/empty") == b""
    for tester in pair.ends:
        tester.finish()


def test_nothing_is_said_while_the_link_is_down_or_its_queue_full() -> None:
    """REQ-TS-017."""
    with new_tester() as tester:
        tester.write_file("/logs/a", bytes(100))
        tester.send("PUT", "ground", "/logs/a", "a", False)
        tester.advance(10_000)
        assert tester.ports.pdu_out == []
        tester.call.flow_in(True)
        tester.call.link_status(LinkState.UP)
        assert tester.ports.pdu_out == []
        tester.call.flow_in(False)
        assert [type(decode(data[2:])[1]) for data, _ in tester.ports.pdu_out] == [Metadata, FileData, Eof]
        assert all(data.startswith(APID) for data, _ in tester.ports.pdu_out)
        assert tester.ports.status_out == [(LinkState.UP,)]


def test_a_pause_from_within_a_packet_loses_none() -> None:
    """REQ-TS-017: the queue asks for it while it takes a packet."""
    taken: list[bytes] = []

    def take(data: bytes, context: int) -> None:
        taken.append(data)
        tester.call.flow_in(True)

    with new_tester(returns={"pdu_out": take}) as tester:
        tester.write_file("/logs/a", bytes(2000))
        tester.call.link_status(LinkState.UP)
        tester.send("PUT", "ground", "/logs/a", "a", False)
        for _ in range(10):
            tester.call.flow_in(False)
        said = [decode(data[2:])[1] for data in taken]
        assert [pdu.offset for pdu in said if isinstance(pdu, FileData)] == [0, 400, 800, 1200, 1600]
        assert [type(pdu) for pdu in said if not isinstance(pdu, FileData)] == [Metadata, Eof]


def test_what_is_no_packet_of_ours_is_dropped_and_counted() -> None:
    """REQ-TS-017."""
    with new_tester() as tester:
        tester.call.pdu_in(b"\x00\x21" + encode(FROM_GROUND, FileData(0, b"x")), 0, True)
        tester.call.pdu_in(APID + b"nonsense", 0, True)
        tester.call.pdu_in(APID, 0, True)
        tester.call.run(0)
        assert tester.channels["DroppedPdus"] == 2
        assert tester.files.list(tester.root.resolve("/transfers/arriving")) == []


def test_a_name_that_leads_out_of_the_inbox_is_rejected_and_the_sender_hears() -> None:
    """REQ-TS-016."""
    with new_tester() as tester:
        tester.call.link_status(LinkState.UP)
        for number, name in enumerate(("../../etc/passwd", "..", "", "/")):
            header = FROM_GROUND._replace(number=number)
            for pdu in (Metadata(0, "a", name), Eof(Condition.NO_ERROR, 0, 0)):
                tester.call.pdu_in(APID + encode(header, pdu), 0, True)
        assert len(tester.events.named("ArrivalFailed")) == 4
        said = [decode(data[2:])[1] for data, _ in tester.ports.pdu_out]
        assert [pdu.condition.name for pdu in said if isinstance(pdu, Finished)] == ["FILESTORE_REJECTED"] * 4
        assert tester.files.list(tester.root.resolve("/inbox")) == []


def test_a_far_end_that_never_answers_is_tried_again_with_a_new_transaction() -> None:
    """REQ-TS-008."""
    with new_tester(parameters={**PARAMETERS, "max_retry": 1}) as tester:
        tester.write_file("/logs/a", bytes(100))
        tester.call.link_status(LinkState.UP)
        tester.send("PUT", "ground", "/logs/a", "a", True)
        tester.advance(3600)
        assert [event.args[3] for event in tester.events.named("TransferFailed")] == ["CFDP: ACK_LIMIT"] * 2
        first, second = sorted({decode(data[2:])[0].number for data, _ in tester.ports.pdu_out})
        assert second == first + 1
        assert exists(tester, "/logs/a")
        tester.reboot()
        tester.call.link_status(LinkState.UP)
        tester.send("RETRY", 0)
        assert decode(tester.ports.pdu_out[0][0][2:])[0].number == second + 1


def test_a_device_whose_journal_is_lost_does_not_use_its_old_numbers() -> None:
    """REQ-TS-007: the other end would say that it holds a file, and mean an old one of that number."""

    def first_number(seed: int) -> int:
        with new_tester(seed) as tester:
            tester.write_file("/logs/a", bytes(100))
            tester.call.link_status(LinkState.UP)
            tester.send("PUT", "ground", "/logs/a", "a", True)
            return decode(tester.ports.pdu_out[0][0][2:])[0].number

    assert len({first_number(seed) for seed in range(5)}) == 5


def test_a_file_of_the_link_is_cancelled_on_both_sides() -> None:
    """REQ-TS-004."""
    pair = Pair(3, loss=0.2)
    pair.device.write_file("/logs/a", bytes(20_000))
    pair.device.send("PUT", "ground", "/logs/a", "a", True)
    pair.run(2.0)
    assert pair.device.send("CANCEL", 1).response is CommandResponse.OK
    pair.run(20.0)
    assert pair.ground.events.named("ArrivalFailed")
    assert not exists(pair.ground, "/inbox/unit-7/a")
    assert exists(pair.device, "/logs/a")
    for tester in pair.ends:
        assert tester.files.list(tester.root.resolve("/transfers/arriving")) == []
        tester.finish()


def test_a_restart_goes_on_where_it_was_and_says_so() -> None:
    """REQ-TS-018, REQ-TS-015: far fewer packets than to begin anew."""
    pair = Pair(4)
    data = content(4, 40_000)
    pair.device.write_file("/logs/a", data)
    pair.device.send("PUT", "ground", "/logs/a", "a", True)
    pair.run(9.0)
    before = pair.pdus
    assert 60 < before < 100
    pair.device.reboot()
    pair.ground.crash()
    pair.tell_state()
    assert pair.device.events.named("TransferResumed")
    pair.run(30.0)
    assert pair.ground.read_file("/inbox/unit-7/a") == data
    assert pair.pdus - before < 60
    for tester in pair.ends:
        tester.finish()


def test_a_resumed_copy_does_not_begin_anew() -> None:
    """REQ-TS-018."""
    with new_tester() as tester:
        data = content(5, 5000)
        tester.write_file("/logs/a", data)
        tester.files.cut_at(tester.files.operations + 70)
        with pytest.raises(PowerCut):
            tester.send("PUT", "logs", "/logs/a", "a", False)
        tester.crash()
        (resumed,) = tester.events.named("TransferResumed")
        assert resumed.args[2] >= 1024
        tester.advance(1)
        assert tester.events.named("TransferDone")


def test_transfers_that_get_on_are_work_and_others_are_not() -> None:
    """REQ-TS-030, REQ-TS-032."""
    pair = Pair(3)
    device = pair.device
    assert device.call.due_work() == 0
    device.write_file("/logs/a", content(3, 5000))
    device.send("PUT", "ground", "/logs/a", "a", False)
    assert device.call.due_work() == 1, "a bearer may be on its way up"
    device.advance(16.0)
    assert device.call.due_work() == 0, "the link does not come"
    device.send("PUT", "ground", "/logs/a", "b", False)
    assert device.call.due_work() == 0, "nor does it for another file"
    device.call.link_status(LinkState.UP)
    assert device.call.due_work() == 2
    device.advance(16.0)
    assert device.call.due_work() == 0, "nobody answers"
    pair.run(100.0)
    assert device.ports.acknowledged == [()] * 2, "the ground has them"
    assert device.call.due_work() == 0
    for tester in pair.ends:
        tester.finish()


def test_a_file_that_arrives_is_work_too() -> None:
    """REQ-TS-030."""
    with new_tester() as tester:
        tester.call.link_status(LinkState.UP)
        tester.call.pdu_in(APID + encode(FROM_GROUND, Metadata(900, "a", "a")), 0, True)
        assert tester.call.due_work() == 1
        tester.advance(16.0)
        assert tester.call.due_work() == 0
