"""The record of the slots, and what a start chooses by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
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
