"""Bursts of pipelined commands against a real process: none is lost over TCP; over UDP and serial all are counted."""

from __future__ import annotations

import itertools
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port
from tests.system.device import Device
from tests.system.raw_ground import RawGround, Terminal
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
COMPLETED = "CdhCore.cmdDisp.OpCodeCompleted"
BURST = 10_000
MEMORY_GROWTH_LIMIT_KIB = 24 * 1024


def _peak_kib(device: Device) -> int:
    with open(f"/proc/{device.pid}/status", encoding="ascii") as status:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    assert found is not None
    return int(found[1])


@contextmanager
def _over_tcp(
    start_device: Callable[..., Device], dictionary: Path, framing: str
) -> Iterator[tuple[Device, RawGround]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        device = start_device(address, options=["--quiet", "--framing", framing])
        link, _ = listener.accept()
    with RawGround(dictionary, link, framing) as ground:
        assert ground.await_true(lambda: "CdhCore.cmdDisp.CommandsDispatched" in ground.channels, 20)
        yield device, ground


@pytest.mark.parametrize("framing", ["ccsds", "fprime"])
def test_each_of_ten_thousand_commands_in_one_write_is_answered_exactly_once(
    start_device: Callable[..., Device], reference: tuple[Path, Path], framing: str
) -> None:
    """REQ-RT-003, REQ-RT-005, REQ-LK-008: the link stops reading and goes on; memory does not grow with the burst."""
    with _over_tcp(start_device, reference[1], framing) as (device, ground):
        before = _peak_kib(device)
        ground.link.sendall(b"".join(ground.frames(NO_OP, BURST)))
        assert ground.await_true(lambda: ground.count(COMPLETED) >= BURST, 60)
        dispatched = "CdhCore.cmdDisp.CommandsDispatched"
        assert ground.await_true(lambda: ground.channels[dispatched] >= BURST, 20)
        assert ground.count(COMPLETED) == BURST
        assert ground.count("CdhCore.cmdDisp.NoOpReceived") == BURST
        assert ground.count("CdhCore.cmdDisp.OpCodeError") == 0
        assert ground.channels[dispatched] == BURST
        tags = [event.tag for event in ground.events]
        assert all(earlier < later for earlier, later in itertools.pairwise(tags))
        assert _peak_kib(device) - before < MEMORY_GROWTH_LIMIT_KIB


def test_a_burst_of_datagrams_is_answered_or_counted_by_name(
    start_device: Callable[..., Device], reference: tuple[Path, Path]
) -> None:
    """REQ-RT-006, REQ-LK-010: answered + dropped by the router + lost by the system = sent."""
    own, far = free_port(), free_port()
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    link.bind(("127.0.0.1", own))
    link.settimeout(0.1)
    device = start_device(f"udp://127.0.0.1:{own}?listen={far}", options=["--set", "ComCcsds.router.backlog=64"])
    with RawGround(reference[1], link) as ground:
        device.await_line("Link up")
        dispatched, dropped, lost = (
            "CdhCore.cmdDisp.CommandsDispatched", "ComCcsds.router.DroppedPackets", "ComCcsds.link.ReceiveOverruns",
        )  # fmt: skip
        assert ground.await_true(lambda: dispatched in ground.channels, 20)
        for frame in ground.frames(NO_OP, BURST):
            link.sendto(frame, ("127.0.0.1", far))

        def accounted() -> int:
            return sum(int(ground.channels.get(name, 0)) for name in (dispatched, dropped, lost))

        assert ground.await_true(lambda: accounted() >= BURST, 30)
        assert accounted() == BURST
        if ground.channels.get(dropped, 0):
            assert ground.await_true(lambda: ground.count("ComCcsds.router.PacketsDropped") > 0, 10)
        if ground.channels.get(lost, 0):
            assert ground.await_true(lambda: ground.count("ComCcsds.link.ReceiveOverrun") > 0, 10)


def test_a_burst_on_a_serial_line_is_answered_or_counted_by_name(
    start_device: Callable[..., Device], reference: tuple[Path, Path]
) -> None:
    """REQ-RT-006: answered + dropped by the router = sent; a pty loses nothing by itself."""
    with SerialCable() as cable:
        ground_end, device_end = cable.ends
        device = start_device(f"serial://{device_end}?baud=115200", options=["--set", "ComCcsds.router.backlog=64"])
        with RawGround(reference[1], Terminal(ground_end)) as ground:
            device.await_line("Link up")
            dispatched, dropped = "CdhCore.cmdDisp.CommandsDispatched", "ComCcsds.router.DroppedPackets"
            assert ground.await_true(lambda: dispatched in ground.channels, 20)
            ground.link.sendall(b"".join(ground.frames(NO_OP, BURST)))

            def accounted() -> int:
                return sum(int(ground.channels.get(name, 0)) for name in (dispatched, dropped))

            assert ground.await_true(lambda: accounted() >= BURST, 30)
            assert accounted() == BURST
