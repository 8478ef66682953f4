"""The record of the slots, and what a start chooses by it."""

from __future__ import annotations

import errno
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.simulated_files import SimulatedFile
from kittiwake.storage.finding import NotReadYet, ReadFailed
from kittiwake.storage.slots import (
    FACTORY,
    Outcome,
    Slot,
    Slots,
    SlotState,
    Start,
    StoredFile,
    Table,
    choose_start,
    decode_table,
)

NAMES = st.sampled_from([FACTORY, "a", "b"])
STORED = st.builds(StoredFile, st.integers(0, 0xFFFFFFFF), st.binary(min_size=32, max_size=32))
SLOTS = st.builds(
    Slot,
    st.sampled_from(SlotState),
    st.integers(0, 0xFFFFFFFF),
    st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=32),
    STORED,
    STORED,
)
TABLES = st.builds(
    Table, SLOTS, SLOTS, NAMES, NAMES, st.integers(0, 255), st.sampled_from(Outcome), NAMES, st.integers(0, 0xFFFFFFFF)
)


@given(TABLES)
def test_a_table_comes_back_as_it_was_written(table: Table) -> None:
    assert decode_table(table.encode()) == table


@given(st.binary(max_size=260))
def test_bytes_that_are_no_table_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        decode_table(data)


@given(TABLES, st.sampled_from(["a", "b"]))
def test_a_slot_that_is_given_up_is_nowhere_in_use(table: Table, name: str) -> None:
    made = table.given_up(name, Outcome.DAMAGED)
    assert name not in (made.active, made.pending)
    assert made.slot(name).state is SlotState.FAILED


def test_an_empty_folder_starts_the_image_of_the_command_line() -> None:
    platform = SimulatedPlatform()
    platform.files.make_folder("/slots")
    assert choose_start(platform.files, "/slots") == Start()
    assert platform.files.list("/slots") == [], "a start that has nothing to count writes nothing"


def test_a_folder_that_is_not_there_starts_the_image_of_the_command_line() -> None:
    assert choose_start(SimulatedPlatform().files, "/none") == Start()


def test_a_record_of_nonsense_is_no_slot() -> None:
    platform = SimulatedPlatform()
    platform.files.make_folder("/slots")
    slots = Slots(platform.files, "/slots")
    payload = bytearray(Table().encode())
    payload[0] = 9
    slots._record.write(bytes(payload))
    assert choose_start(platform.files, "/slots") == Start()
    slots.read()
    assert slots.table.outcome is Outcome.RECORD_LOST


IMAGES = {"a": b"the first", "b": b"the second"}


def with_both_confirmed(active: str = "b") -> SimulatedPlatform:
    """A machine with software in both slots."""
    platform = SimulatedPlatform()
    table = Table(active=active, lowest_sequence=2)
    for sequence, (name, image) in enumerate(IMAGES.items(), start=1):
        platform.files.make_folders(f"/slots/{name}")
        with platform.files.open(f"/slots/{name}/image", "w") as file:
            file.write_at(0, image)
            file.sync()
        stored = StoredFile(len(image), sha256(image).digest())
        table = table.with_slot(name, Slot(SlotState.CONFIRMED, sequence, str(sequence), stored))
    slots = Slots(platform.files, "/slots")
    slots.write(table)
    slots.write(table)
    return platform


def table_on(platform: SimulatedPlatform) -> Table:
    slots = Slots(platform.files, "/slots")
    slots.read()
    return slots.table


def test_an_image_that_cannot_be_read_now_is_left_out_of_this_start_and_not_given_up() -> None:
    platform = with_both_confirmed()
    before = table_on(platform)
    open_file = platform.files.open

    def silent(path: str, mode: str) -> SimulatedFile:
        if path == "/slots/b/image":
            raise OSError(errno.EIO, "Input/output error", path)
        return open_file(path, mode)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(platform.files, "open", silent)
        assert choose_start(platform.files, "/slots").slot == "a"
    assert table_on(platform) == before
    assert choose_start(platform.files, "/slots").slot == "b"


def test_an_image_that_is_gone_or_damaged_is_given_up() -> None:
    platform = with_both_confirmed()
    platform.files.damage("/slots/b/image", 0, b"?")
    assert choose_start(platform.files, "/slots").slot == "a"
    assert table_on(platform).slot("b").state is SlotState.FAILED
    platform = with_both_confirmed()
    platform.files.remove("/slots/b/image")
    assert choose_start(platform.files, "/slots").slot == "a"
    assert table_on(platform).slot("b").state is SlotState.FAILED


def test_where_nothing_can_be_read_the_factory_starts_and_the_record_stays_as_it_is() -> None:
    """The lowest sequence stands there: a record that began anew would let an older package in again."""
    platform = with_both_confirmed()
    before = table_on(platform)
    platform.files.fail_every("read_at", errno.EIO)
    assert choose_start(platform.files, "/slots") == Start()
    slots = Slots(platform.files, "/slots")
    with pytest.raises(ReadFailed):
        slots.read()
    with pytest.raises(NotReadYet):
        slots.write(Table())
    platform.files.heal()
    assert slots.require_read() == ()
    assert slots.table == before == table_on(platform)


def test_one_copy_of_the_record_that_cannot_be_read_does_not_stop_what_is_confirmed() -> None:
    for at in (2, 5):  # the header of either copy
        platform = with_both_confirmed()
        platform.files.fail_at(platform.files.operations + at, errno.EIO)
        assert choose_start(platform.files, "/slots").slot == "b"
        assert table_on(platform).lowest_sequence == 2
