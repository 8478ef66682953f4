"""DpWriter: products are checked, durable before they are announced, and never overwrite one another."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.data_product import HEADER_SIZE, ProductHeader, pack_product
from kittiwake_components.dp_writer.component import DpWriter
from tests.components.power_cuts import cut_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

Tester = ComponentTester[DpWriter]
NAME = "/dp/Dp_00001040_00000100_00000005.fdp"


def product(data: bytes = b"data", seconds: int = 100) -> bytes:
    return pack_product(ProductHeader(0x410, 7, 2 << 64 | seconds * 1_000_000 + 5, 0), data)


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(DpWriter) as made:
        yield made


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(DpWriter) == []


def test_a_product_is_written_and_announced(tester: Tester) -> None:
    """REQ-DPW-001, REQ-DPW-002."""
    tester.call.buffer_send_in(product())
    assert tester.read_file(NAME) == product()
    assert tester.ports.dp_written_out == [(NAME, 7, len(product()))]
    assert tester.events.named("FileWritten")[0].args == (len(product()), NAME)
    assert tester.channels["NumSuccessfulWrites"] == tester.channels["NumBuffersReceived"] == 1
    assert tester.channels["NumBytesWritten"] == len(product())


def _with_header(**changes: int) -> bytes:
    """A product whose header was changed behind the checksum's back, and given a right one again."""
    header = bytearray(product()[: HEADER_SIZE - 4])
    for place, value in changes.items():
        header[int(place[1:])] = value
    return bytes(header) + crc32(header).to_bytes(4, "big") + product()[HEADER_SIZE:]


@pytest.mark.parametrize(
    "buffer, name",
    [
        (b"short", "BufferTooSmallForPacket"),
        (product()[:5] + b"\xff" + product()[6:], "InvalidHeaderHash"),
        (_with_header(b1=4), "InvalidHeader"),
        (product()[:-2], "BufferTooSmallForData"),
        (product()[:-1] + b"\0", "InvalidData"),
        (product() + b"\0", "InvalidData"),
    ],
)
def test_what_is_no_sound_product_is_not_written(tester: Tester, buffer: bytes, name: str) -> None:
    """REQ-DPW-003."""
    tester.call.buffer_send_in(buffer)
    assert tester.events.names() == [name]
    assert tester.channels["NumErrors"] == 1
    assert not tester.ports.dp_written_out
    assert not tester.files.exists("/kittiwake/dp")


def test_two_products_of_one_time_have_two_files(tester: Tester) -> None:
    """REQ-DPW-004: a clock that was never set begins anew at each boot."""
    for data in (b"one", b"two", b"three"):
        tester.call.buffer_send_in(product(data))
    names = [name for name, _, _ in tester.ports.dp_written_out]
    assert names == [NAME, NAME.replace(".fdp", "_1.fdp"), NAME.replace(".fdp", "_2.fdp")]
    assert [tester.read_file(name) for name in names] == [product(data) for data in (b"one", b"two", b"three")]


@pytest.mark.parametrize("operation, name", [("write_at", "FileWriteError"), ("exists", "FileOpenError")])
def test_what_the_disk_does_not_take_is_reported_and_leaves_nothing(tester: Tester, operation: str, name: str) -> None:
    """REQ-DPW-005."""
    tester.call.buffer_send_in(product(b"before"))
    tester.files.fail_every(operation, errno.ENOSPC)
    tester.call.buffer_send_in(product(b"lost"))
    tester.files.heal()
    assert tester.events.named(name)
    assert tester.channels["NumFailedWrites"] == 1
    assert [one for one in tester.files.list("/kittiwake/dp") if not one.endswith(".new")] == [NAME[4:]]


def test_a_full_queue_is_counted() -> None:
    """REQ-DPW-006."""
    with ComponentTester(DpWriter, queue=3) as tester:
        with tester.held():
            for seconds in range(5):
                tester.call.buffer_send_in(product(seconds=seconds))
        assert len(tester.ports.dp_written_out) == 3
        assert tester.channels["NumErrors"] == 2
        assert len(tester.events.named("ProductDropped")) == 2


def test_the_throttles_are_cleared_by_command(tester: Tester) -> None:
    """REQ-DPW-007."""
    for _ in range(2):
        for _ in range(15):
            tester.call.buffer_send_in(b"short")
        tester.send("CLEAR_EVENT_THROTTLE")
    assert len(tester.events.named("BufferTooSmallForPacket")) == 20


def test_every_cut_leaves_whole_products_and_all_that_were_announced() -> None:
    """REQ-DPW-002."""

    def scenario(tester: Tester, announced: list[int]) -> None:
        for seconds in range(3):
            tester.call.buffer_send_in(product(seconds=seconds))
            announced.append(seconds)

    def judge(tester: Tester, announced: list[int], ports: Any) -> None:
        folder = "/kittiwake/dp"
        names = tester.files.list(folder) if tester.files.exists(folder) else []
        whole = sorted(name for name in names if name.endswith(".fdp"))
        assert [tester.read_file(f"/dp/{name}") for name in whole] == [
            product(seconds=seconds) for seconds in range(len(whole))
        ]
        assert len(whole) >= max(len(announced), len(ports.dp_written_out))

    assert cut_everywhere(lambda seed: ComponentTester(DpWriter, seed=seed), scenario, judge) > 10
