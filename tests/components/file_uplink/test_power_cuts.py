"""The power goes at every file operation of an uplink: the destination is the old file or the new one, whole."""

from __future__ import annotations

import pytest

from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from kittiwake.wire.file_packets import DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake_components.file_uplink.component import FileUplink

OLD = b"old content" * 100
NEW = bytes(range(256)) * 8
CHUNK = 700


def uplink(tester: ComponentTester[FileUplink]) -> None:
    whole = FileChecksum()
    whole.update(0, NEW)
    tester.call.buffer_send_in(StartPacket(0, len(NEW), "/s", "/seq.bin").encode(), 0, True)
    index = 0
    for index, offset in enumerate(range(0, len(NEW), CHUNK), 1):
        tester.call.buffer_send_in(DataPacket(index, offset, NEW[offset : offset + CHUNK]).encode(), 0, True)
    tester.call.buffer_send_in(EndPacket(index + 1, whole.value).encode(), 0, True)


def fresh(seed: int, old: bytes | None) -> ComponentTester[FileUplink]:
    tester = ComponentTester(FileUplink, seed=seed)
    if old is not None:
        tester.write_file("/seq.bin", old)
    return tester


def content(tester: ComponentTester[FileUplink]) -> bytes | None:
    try:
        return tester.read_file("/seq.bin")
    except FileNotFoundError:
        return None


def operations_of_an_uplink(old: bytes | None) -> int:
    tester = fresh(0, old)
    before = int(tester.files.operations)
    uplink(tester)
    return int(tester.files.operations) - before


@pytest.mark.parametrize("old", [OLD, None])
@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_leaves_the_old_file_or_the_new_one(seed: int, old: bytes | None) -> None:
    """REQ-FU-001, REQ-FU-002: and once FileReceived was reported, the new one."""
    seen = set()
    for operation in range(1, operations_of_an_uplink(old) + 1):
        for after in (False, True):
            tester = fresh(seed, old)
            tester.files.cut_at(tester.files.operations + operation, after=after)
            with pytest.raises(PowerCut):
                uplink(tester)
            assert tester.events == []
            tester.crash()
            found = content(tester)
            assert found in (old, NEW)
            seen.add(found)
            uplink(tester)
            assert content(tester) == NEW
            tester.crash()
            assert content(tester) == NEW
    assert seen == {old, NEW}
