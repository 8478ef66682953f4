"""Any packets in any order, with stalls, restarts and power cuts: the file is always one that the ground has sent."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kittiwake.testing import ComponentTester
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake_components.file_uplink.component import FileUplink

if TYPE_CHECKING:
    from kittiwake.wire.file_packets import FilePacket

# Two of one size, so that an uplink of the one can go on with the bytes of the other.
CONTENTS = [sha256(seed).digest() + seed for seed in (b"one", b"two", b"three")]
PIECE = 9
NAME = "/target"


def pieces(content: bytes) -> list[tuple[int, bytes]]:
    return [(offset, content[offset : offset + PIECE]) for offset in range(0, len(content), PIECE)]


class Uplinks(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tester = ComponentTester(FileUplink)
        self.content = CONTENTS[0]
        self.index = 0
        self.sent: set[int] = set()

    def put(self, packet: FilePacket) -> None:
        self.tester.call.buffer_send_in(packet.encode(), 0, True)
        self.index += 1

    @rule(content=st.sampled_from(CONTENTS))
    def begins(self, content: bytes) -> None:
        self.content, self.index, self.sent = content, 0, set()
        self.put(StartPacket(0, len(content), "/source", NAME))

    @rule(lost=st.sets(st.integers(0, 3), max_size=2))
    def sends_all(self, lost: set[int]) -> None:
        for number in range(len(pieces(self.content))):
            if number not in lost:
                self.sends(number)

    @rule(number=st.integers(0, 3))
    def sends(self, number: int) -> None:
        self.sent.add(number)
        self.put(DataPacket(self.index, *pieces(self.content)[number]))

    @rule(offset=st.integers(0, 50), data=st.binary(min_size=1, max_size=8))
    def sends_what_is_wrong(self, offset: int, data: bytes) -> None:
        self.put(DataPacket(self.index, offset, data))

    @rule(whole=st.booleans())
    def ends(self, whole: bool) -> None:
        checksum = FileChecksum()
        for number, piece in enumerate(pieces(self.content)):
            if whole or number in self.sent:
                checksum.update(*piece)
        self.put(EndPacket(self.index, checksum.value))

    @rule()
    def cancels(self) -> None:
        self.put(CancelPacket(self.index))

    @rule(seconds=st.sampled_from([1, 200]))
    def waits(self, seconds: int) -> None:
        self.tester.advance(seconds)

    @rule(is_power_cut=st.booleans())
    def restarts(self, is_power_cut: bool) -> None:
        self.tester.assert_no_faults()
        before = self.stored()
        if is_power_cut:
            self.tester.crash()
        else:
            self.tester.restart()
        assert self.stored() == before

    def stored(self) -> bytes | None:
        try:
            return self.tester.read_file(NAME)
        except FileNotFoundError:
            return None

    @invariant()
    def what_is_stored_was_sent(self) -> None:
        """REQ-FU-001, REQ-FU-002, REQ-FU-003, REQ-FU-004."""
        assert self.stored() in (None, *CONTENTS)
        assert len(self.tester.ports.file_announce) == len(self.tester.events.named("FileReceived"))

    def teardown(self) -> None:
        self.tester.finish()
        names = self.tester.files.list(self.tester.root.path)
        assert set(names) <= {"target"}


TestUplinks = Uplinks.TestCase
TestUplinks.settings = settings(max_examples=100, stateful_step_count=25)
