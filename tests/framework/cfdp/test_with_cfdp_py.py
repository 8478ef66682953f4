"""Files to and from the real cfdp-py. Its timers read the wall clock, so these runs last as long as they do."""

from __future__ import annotations

import subprocess
from pathlib import Path
from time import monotonic_ns, sleep
from typing import TYPE_CHECKING

import pytest

from kittiwake.cfdp.pdu import Condition
from kittiwake.cfdp.timing import Patience
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from tests.framework.cfdp.two_entities import Side
from tests.peers import find_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.peer

PATIENCE = Patience(ack_s=0.3, nak_s=0.3, inactivity_s=20.0, limit=30, segment_size=1024)
PEER = Path(__file__).with_name("cfdp_py_peer.py")
LIMIT_S = 30
SIZES = [0, 1, 1024, 100_001]
LOSSES = [0.0, 0.05]


class CfdpPy:
    """The peer's process."""

    def __init__(self, role: str, source: Path, destination: str) -> None:
        self.process = subprocess.Popen(
            [find_peer("python"), PEER, role, source, destination], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=source.parent,
        )  # fmt: skip

    def exchange(self, pdu: bytes) -> Iterator[bytes]:
        """Gives it a PDU, or nothing, and takes what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(pdu.hex() + "\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline().strip():
            yield bytes.fromhex(line)
        assert self.process.poll() is None, "cfdp-py has ended"

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def run(side: Side, peer: CfdpPy, loss: float, is_over: Callable[[], bool]) -> int:
    """Carries PDUs both ways, losing some, until it is over; says how many there were."""
    random = SeededRandom(1)
    start_ns = monotonic_ns()
    pdus = 0
    try:
        while not is_over():
            now_ns = monotonic_ns()
            assert now_ns - start_ns < LIMIT_S * NS_PER_S, "the transfer has no end"
            ours = side.entity.next_pdu(now_ns)
            pdus += ours is not None
            theirs = list(peer.exchange(b"" if ours is None or random.chance(loss) else ours))
            for pdu in theirs:
                pdus += 1
                if not random.chance(loss):
                    side.entity.receive(pdu, monotonic_ns())
            if ours is None and not theirs:
                sleep(0.005)  # both wait for a timer
    finally:
        peer.close()
    return pdus


def new_side() -> Side:
    side = Side(1)
    side.entity.patience = PATIENCE
    return side


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_cfdp_py_receives_what_is_sent(tmp_path: Path, size: int, loss: float) -> None:
    content = SeededRandom(size).token_bytes(size)
    side = new_side()
    target = tmp_path / "came.bin"
    side.put(2, 7, str(target), content, monotonic_ns())
    pdus = run(side, CfdpPy("receive", tmp_path / "unused", "-"), loss, lambda: bool(side.ends))
    assert side.ends == {7: Condition.NO_ERROR}
    assert target.read_bytes() == content
    assert pdus <= 1.3 * (-(-size // 1024) + 6) + 12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", SIZES)
def test_what_cfdp_py_sends_is_received(tmp_path: Path, size: int, loss: float) -> None:
    content = SeededRandom(size).token_bytes(size)
    source = tmp_path / "goes.bin"
    source.write_bytes(content)
    side = new_side()
    run(side, CfdpPy("send", source, "came.bin"), loss, lambda: bool(side.files) and not side.entity.receiving)
    assert side.files == {"came.bin": content}
