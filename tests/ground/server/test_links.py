"""Links of every kind, and what is said of their state."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_ground.configuration import DeploymentConfiguration
from kittiwake_ground.server.archive_sink import NoArchive
from kittiwake_ground.server.deployment import Deployment
from tests.ground.server.foreign import DICTIONARY, measured, until
from tests.ports import free_port
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kittiwake_ground.server.archive_sink import ArchiveSink

FRAME = FRAMINGS["fprime"].downlink_framer(FramingParameters()).frame(measured(3))


@asynccontextmanager
async def deployed(folder: Path, link: str, archive: ArchiveSink | None = None) -> AsyncIterator[Deployment]:
    """A deployment on a link."""
    path = folder / "dictionary.json"
    path.write_text(json.dumps(DICTIONARY))
    made = Deployment(DeploymentConfiguration("ref", path, link, "fprime"), folder, archive or NoArchive())
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        assert made.link.state == "down"


def test_udp_is_up_once_something_sound_has_come(tmp_path: Path) -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.bind(("127.0.0.1", 0))
            device.setblocking(False)
            here, there = free_port(), device.getsockname()[1]
            async with deployed(tmp_path, f"udp://127.0.0.1:{there}?listen={here}") as made:
                await until(lambda: made.session.link.is_open)
                assert (made.link.state, made.link.silent) == ("connecting", True)
                device.sendto(b"noise", ("127.0.0.1", here))
                device.sendto(FRAME, ("127.0.0.1", here))
                await until(lambda: made.link.state == "up")
                assert not made.link.silent
                assert made.hub.latest["Ref.heater.Temperature"].value == 3
                await until(lambda: made.session.ready)
                made.commands.submit("Ref.dispatcher.CMD_NO_OP")
                sent = await asyncio.get_running_loop().sock_recv(device, 1000)
                assert sent.startswith(b"\xde\xad\xbe\xef")

    asyncio.run(run())


def test_a_serial_line_is_up_once_something_sound_has_come(tmp_path: Path) -> None:
    async def run() -> None:
        with SerialCable() as cable:
            ends = cable.ends
            async with deployed(tmp_path, f"serial://{ends[0]}?baud=115200") as made:
                await until(lambda: made.session.link.is_open)
                with open(ends[1], "wb", buffering=0) as device:
                    device.write(FRAME)
                    await until(lambda: made.link.state == "up")

    asyncio.run(run())


def test_a_link_that_broke_while_something_was_sent_is_made_again(tmp_path: Path) -> None:
    """Whoever reads it hears of that too: it would wait for ever for a connection that is closed."""

    async def run() -> None:
        port = free_port()
        async with deployed(tmp_path, f"tcp-listen://127.0.0.1:{port}") as made:
            _, first = await _connected(port)
            await until(lambda: made.link.state == "up")
            await asyncio.sleep(0.05)
            made.session.link.drop()  # as a send does that fails
            await until(lambda: made.link.state != "up")
            _, second = await _connected(port)
            await until(lambda: made.link.connections == 2)
            first.close()
            second.close()

    asyncio.run(run())


def test_a_deployment_that_connects_anew_replaces_its_old_connection(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        async with deployed(tmp_path, f"tcp-listen://127.0.0.1:{port}") as made:
            _, first = await _connected(port)
            await until(lambda: made.link.state == "up")
            reader, second = await _connected(port)
            await until(lambda: made.link.connections == 2)
            second.write(FRAME)
            await until(lambda: made.link.packets == 1)
            await until(lambda: made.session.ready)
            made.commands.submit("Ref.dispatcher.CMD_NO_OP")
            assert await reader.read(100)
            first.close()
            second.close()
            await until(lambda: made.link.state != "up")

    asyncio.run(run())


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("link", ["tcp://127.0.0.1:1", "serial:///dev/none", "tcp://no-such-host.invalid:5"])
def test_a_link_that_cannot_be_made_says_why_and_is_tried_again(tmp_path: Path, link: str) -> None:
    async def run() -> None:
        async with deployed(tmp_path, link) as made:
            with made.hub.subscribe(["links"]) as news:
                states: list[str] = []
                while states.count("down") < 2:
                    states += [update.subject.state for update in await news.wait()]
            assert made.link.reason
            assert made.link.connections == 0
            assert made.commands.submit("Ref.dispatcher.CMD_NO_OP").state == "queued"

    asyncio.run(run())


def test_a_link_that_is_just_being_made_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """Python 3.11's `wait_for` can lose the word to end, when what it waits for comes at that moment."""

    async def run() -> None:
        for turns in range(30):
            async with asyncio.timeout(10), deployed(tmp_path, "tcp://127.0.0.1:1") as made:
                while made.link.state != "connecting":
                    await asyncio.sleep(0)
                for _ in range(turns):
                    await asyncio.sleep(0)

    asyncio.run(run())


class Behind(NoArchive):
    """An archive that has more than half of what it can hold, until it is told otherwise."""

    def __init__(self) -> None:
        self.is_behind = True


def test_a_link_is_left_unread_while_the_archive_is_behind_and_nothing_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        archive = Behind()
        sent = 40_000
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with deployed(tmp_path, f"tcp://127.0.0.1:{listener.getsockname()[1]}", archive) as made:
                stream, _ = await asyncio.to_thread(listener.accept)
                with stream:
                    sending = asyncio.create_task(asyncio.to_thread(stream.sendall, FRAME * sent))
                    await until(lambda: made.hub.sample_count)
                    before = made.hub.sample_count
                    await asyncio.sleep(0.1)
                    assert made.hub.sample_count == before
                    archive.is_behind = False
                    await until(lambda: made.hub.sample_count == sent)
                    await sending

    asyncio.run(run())


def test_an_archive_that_stays_behind_holds_a_link_up_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kittiwake_ground.server.session.LONGEST_PAUSE_S", 0.05)

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with deployed(tmp_path, f"tcp://127.0.0.1:{listener.getsockname()[1]}", Behind()) as made:
                stream, _ = await asyncio.to_thread(listener.accept)
                with stream:
                    for number in range(1, 4):
                        stream.sendall(FRAME)
                        await until(lambda number=number: made.hub.sample_count == number)

    asyncio.run(run())
