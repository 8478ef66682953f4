"""Entities: many files at a time, both ways, over links that lose and fail; nothing unbounded, nothing told twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.cfdp.entity import MAX_REMEMBERED, Entity, Limits, TooManyTransactions
from kittiwake.cfdp.pdu import (
    TO_RECEIVER,
    TO_SENDER,
    Ack,
    Condition,
    Directive,
    Eof,
    FileData,
    FileStatus,
    Finished,
    Header,
    Metadata,
    Nak,
    decode,
    encode,
)
from kittiwake.cfdp.receiver import Receiver
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from tests.framework.cfdp.lossy_link import PATIENCE, LossyLink
from tests.framework.cfdp.test_transfer import SEEDS
from tests.framework.cfdp.two_entities import Side, TwoEntities

TO_TWO = Header(1, 7, 2, TO_RECEIVER)
WHOLE = Finished(Condition.NO_ERROR, True, FileStatus.RETAINED)


def content(seed: int, size: int) -> bytes:
    return SeededRandom(seed).token_bytes(size)


def spoken(entity: Entity, now_ns: int = 0) -> list[str]:
    found = []
    while (data := entity.next_pdu(now_ns)) is not None:
        found.append(type(decode(data)[1]).__name__)
    return found


@given(
    st.integers(0, 5000), st.lists(st.tuples(st.booleans(), st.integers(0, 6000), st.integers(0, 3)), max_size=8),
    st.floats(0, 0.4), st.floats(0, 0.3), st.floats(0, 0.3),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_many_files_cross_whatever_the_link_does(
    seed: int, files: list[tuple[bool, int, int]], loss: float, doubled: float, late: float
) -> None:
    pair = TwoEntities(LossyLink(seed, loss, doubled, late), outages=((3.0, 20.0), (21.0, 40.0)))
    wanted: list[dict[str, bytes]] = [{}, {}]
    for number, (is_from_one, size, priority) in enumerate(files):
        data = content(number, size)
        wanted[is_from_one][str(number)] = data
        side = pair.one if is_from_one else pair.two
        side.put(2 if is_from_one else 1, number, str(number), data, 0, priority)
    pair.run()
    assert [pair.one.files, pair.two.files] == wanted
    assert set({**pair.one.ends, **pair.two.ends}.values()) <= {Condition.NO_ERROR}
    for side in (pair.one, pair.two):
        assert not side.entity.sending
        assert not side.entity.receiving


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_files_cross_both_ways_at_once(seed: int, loss: float) -> None:
    pair = TwoEntities(LossyLink(seed, loss, doubled=0.1, late=0.1), outages=((0.2, 5.0),))
    random = SeededRandom(seed)
    up, down = content(seed, random.below(30_000)), content(seed + 1, random.below(30_000))
    pair.one.put(2, 1, "down", down, 0)
    pair.two.put(1, 1, "up", up, 0)
    pair.run()
    assert pair.one.files == {"up": up}
    assert pair.two.files == {"down": down}
    assert pair.one.ends == pair.two.ends == {1: Condition.NO_ERROR}


def test_an_outage_longer_than_every_patience_ends_nothing() -> None:
    pair = TwoEntities(LossyLink(1, 0.2), outages=((0.1, 100_000.0),))
    pair.one.put(2, 1, "a", content(1, 50_000), 0)
    pair.run(until_s=200_000)
    assert pair.two.files == {"a": content(1, 50_000)}


def test_the_important_go_first_and_equals_take_turns() -> None:
    side = Side(1)
    for number, priority in ((1, 5), (2, 0), (3, 0)):
        side.put(2, number, "x", bytes(3000), 0, priority)
    numbers = []
    while (data := side.entity.next_pdu(0)) is not None:
        numbers.append(decode(data)[0].number)
    assert numbers == [2, 3] * 5 + [1] * 5


def test_there_are_only_so_many_at_a_time() -> None:
    pair = TwoEntities(LossyLink(0), Limits(receiving=2, sending=3))
    for number in range(3):
        pair.one.put(2, number, str(number), b"x", 0)
    with pytest.raises(TooManyTransactions):
        pair.one.put(2, 3, "3", b"x", 0)
    pair.run()
    assert set(pair.two.files) == {"0", "1", "2"}  # the third came once there was room for it
    assert pair.two.entity.dropped_pdus
    assert not pair.one.entity.dropped_pdus


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x20", b"nonsense", encode(TO_TWO, Nak(0, 1, ())),
        encode(TO_TWO._replace(destination=3), FileData(0, b"x")),
        encode(TO_TWO._replace(acknowledged=False), FileData(0, b"x")),
        encode(TO_TWO._replace(direction=TO_SENDER), WHOLE),
        encode(Header(2, 9, 1, TO_SENDER), Nak(0, 1, ())),
    ],
)  # fmt: skip
def test_what_is_of_no_transaction_is_counted_and_dropped(data: bytes) -> None:
    side = Side(2)
    side.entity.receive(data, 0)
    assert side.entity.dropped_pdus == 1
    assert spoken(side.entity) == []
    assert not side.sinks


@given(st.lists(st.binary(max_size=60), max_size=30))
@settings(deadline=None)
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    side = Side(2)
    for piece in pieces:
        side.entity.receive(piece, 0)
        side.entity.receive(bytes((0x20,)) + len(piece).to_bytes(2, "big") + b"\x13" + b"\0\1\0\0\0\7\0\2" + piece, 0)
        spoken(side.entity)
    assert side.entity.dropped_pdus >= len(pieces)  # no piece by itself is a PDU


def test_an_end_that_comes_again_is_answered_and_begins_nothing_anew() -> None:
    side = Side(2)
    side.entity.remember((1, 7), WHOLE)
    side.entity.receive(encode(TO_TWO, FileData(0, b"late")), 0)
    assert spoken(side.entity) == []
    side.entity.receive(encode(TO_TWO, Eof(Condition.NO_ERROR, 0, 3)), 0)
    assert spoken(side.entity) == ["Ack", "Finished"]
    assert not side.sinks


def test_a_receiver_whose_sender_has_forgotten_is_heard() -> None:
    side = Side(1)
    side.entity.receive(encode(TO_TWO._replace(direction=TO_SENDER), WHOLE), 0)
    data = side.entity.next_pdu(0)
    assert data is not None
    assert decode(data) == (TO_TWO, Ack(Directive.FINISHED, Condition.NO_ERROR, 3))


def test_only_so_many_ends_are_remembered_and_answered() -> None:
    side = Side(2)
    for number in range(MAX_REMEMBERED + 1):
        side.entity.remember((1, number), WHOLE)
        side.entity.receive(encode(TO_TWO._replace(number=number), Eof(Condition.NO_ERROR, 0, 3)), 0)
    assert len(spoken(side.entity)) == 64
    side.entity.receive(encode(TO_TWO._replace(number=0), Metadata(0, "a", "b")), 0)
    assert (1, 0) in side.sinks


def test_a_file_that_nobody_wants_is_not_taken() -> None:
    side = Side(2)
    side.is_refusing = True
    side.entity.receive(encode(TO_TWO, FileData(0, b"x")), 0)
    assert side.entity.dropped_pdus == 1


def test_both_sides_hear_of_a_cancellation_once() -> None:
    pair = TwoEntities(LossyLink(2, 0.2))
    pair.one.put(2, 1, "a", bytes(100_000), 0)
    pair.two.put(1, 2, "b", bytes(100_000), 0)
    pair.run(until_s=0.6)
    assert pair.one.entity.cancel((1, 1), pair.link.now_ns)
    assert pair.one.entity.cancel((2, 2), pair.link.now_ns)
    assert not pair.one.entity.cancel((9, 9), pair.link.now_ns)
    pair.run()
    assert pair.one.ends == {1: Condition.CANCELLED}
    assert pair.two.ends == {2: Condition.CANCELLED}
    assert not pair.one.files
    assert not pair.two.files


def test_a_file_that_cannot_be_read_ends_its_transaction_alone() -> None:
    pair = TwoEntities(LossyLink(2))

    def fail(offset: int, count: int) -> bytes:
        raise OSError("gone")

    pair.one.entity.put(TO_TWO, Metadata(10, "a", "a"), fail, 0)
    pair.one.put(2, 8, "b", b"sound", 0)
    pair.run()
    assert pair.one.ends == {7: Condition.FILESTORE_REJECTED, 8: Condition.NO_ERROR}
    assert pair.two.files == {"b": b"sound"}


def test_a_transaction_begins_once_and_under_its_own_name() -> None:
    side = Side(1)
    side.put(2, 1, "a", b"", 0)
    with pytest.raises(ValueError, match="not for entity 1"):
        side.put(2, 1, "a", b"", 0)
    with pytest.raises(ValueError, match="not for entity 1"):
        side.entity.put(Header(2, 1, 1, TO_RECEIVER), Metadata(0, "a", "a"), lambda *_: b"", 0)


def test_a_receiver_that_restarts_after_the_end_was_acknowledged_asks_for_the_rest() -> None:
    """The sender has its answer and does not say the end again: what was known must go on."""
    pair = TwoEntities(LossyLink(3))
    data = content(3, 20_000)
    pair.link.loss = 0.5
    pair.one.put(2, 7, "a", data, 0)
    pair.run(until_s=0.09)
    pair.link.loss = 0.0
    pair.run(until_s=0.5)
    (before,) = pair.two.entity.receiving
    assert before.eof is not None
    sink = pair.two.sinks[(1, 7)]
    pair.two.entity = Entity(2, pair.two, PATIENCE)
    receiver = Receiver(before.header, sink, PATIENCE, pair.link.now_ns, before.coverage)
    receiver.resume(before.metadata, before.eof, pair.link.now_ns)
    pair.two.entity.take_up(receiver)
    pair.run()
    assert pair.two.files == {"a": data}


def test_a_receiver_that_restarts_before_its_end_was_acknowledged_says_it_again() -> None:
    """The sender's end of file is acknowledged, so it waits: if nobody spoke, both would be silent for long."""
    pair = TwoEntities(LossyLink(3))
    pair.one.put(2, 7, "a", b"sound", 0)
    while not pair.two.files:
        pair.run(until_s=pair.link.now_ns / NS_PER_S + 0.01)
    (before,) = pair.two.entity._receivers.values()
    pair.two.entity = Entity(2, pair.two, PATIENCE)
    pair.link.loss = 1.0
    receiver = Receiver(before.header, pair.two.sinks[(1, 7)], PATIENCE, pair.link.now_ns)
    receiver.resume_finished(before.finished(), pair.link.now_ns)
    pair.two.entity.tell_again(receiver)
    pair.run(until_s=20.0)
    assert not pair.two.closed_numbers
    pair.link.loss = 0.0
    pair.run(until_s=30.0)
    assert pair.one.ends == {7: Condition.NO_ERROR}
    assert pair.two.closed_numbers == [7]
    assert pair.link.now_ns < 30 * NS_PER_S


def test_time_that_the_link_was_down_is_not_waited_for() -> None:
    side = Side(1)
    side.put(2, 1, "a", b"", 0)
    assert spoken(side.entity) == ["Metadata", "Eof"]
    assert side.entity.next_ns(0) == 2 * NS_PER_S
    side.entity.set_link(False, NS_PER_S)
    assert side.entity.next_ns(5 * NS_PER_S) is None
    assert spoken(side.entity, 50 * NS_PER_S) == []
    side.entity.set_link(True, 100 * NS_PER_S)
    assert side.entity.next_ns(100 * NS_PER_S) == 101 * NS_PER_S
    assert spoken(side.entity, 100 * NS_PER_S) == []
    assert spoken(side.entity, 101 * NS_PER_S) == ["Eof"]
