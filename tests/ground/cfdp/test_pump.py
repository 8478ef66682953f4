"""The exchange of a deployment in the server: archived once, silent while nobody hears, and started anew in order."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.system_files import SystemFiles
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_ground.archive import Archive
from kittiwake_ground.cfdp.exchange import Exchange
from kittiwake_ground.configuration import CfdpConfiguration, DeploymentConfiguration
from kittiwake_ground.server import deployment as deployment_module
from kittiwake_ground.server import session as session_module
from kittiwake_ground.server.archive_sink import NoArchive
from kittiwake_ground.server.archiving import ArchiveFeed
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.transfers import TransferRefused
from tests.framework.cfdp.two_entities import Side
from tests.ground.server.foreign import DICTIONARY, measured, until
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kittiwake_ground.server.archive_sink import ArchiveSink

FOLDER = "files/ref"


@asynccontextmanager
async def deployed(
    folder: Path, link: str, archive: ArchiveSink | None = None, cfdp: CfdpConfiguration | None = None
) -> AsyncIterator[Deployment]:
    """A deployment on a link."""
    path = folder / "dictionary.json"
    path.write_text(json.dumps(DICTIONARY))
    configuration = DeploymentConfiguration("ref", path, link, "fprime", cfdp=cfdp or CfdpConfiguration())
    made = Deployment(configuration, folder / FOLDER, archive or NoArchive())
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def arrive(folder: Path, name: str, content: bytes) -> None:
    """Lets a file arrive whose ground is killed before it has looked at it."""
    exchange = Exchange(
        SystemFiles(), str(folder / FOLDER), CfdpConfiguration(), 900, SeededRandom(1), lambda: time.time_ns() // 1000,
        lambda file: None,
    )  # fmt: skip
    exchange.open(0)
    exchange.set_link(True, 0)
    device = Side(2)
    device.put(1, 1, name, content, 0)
    for _ in range(100):
        for pdu in (device.entity.next_pdu(0),):
            if pdu is not None:
                exchange.receive(pdu, 0)
        answer = exchange.next_pdu(0)
        if answer is not None:
            device.entity.receive(answer, 0)
    assert len(device.ends) == 1
    assert len(exchange.undigested) == 1


def test_a_file_that_arrived_before_a_kill_is_archived_once(tmp_path: Path) -> None:
    content = SeededRandom(1).token_bytes(5000)
    arrive(tmp_path, "unit/a.log", content)

    async def run(archive: Archive) -> None:
        async with deployed(tmp_path, f"tcp://127.0.0.1:{free_port()}", ArchiveFeed(archive)) as made:
            await until(lambda: any(one.is_final for one in made.transfers.records.values()))
            [transfer] = made.transfers.records.values()
            assert (transfer.state, transfer.way, transfer.remote) == ("completed", "cfdp", "unit/a.log")
            assert transfer.path is not None
            assert transfer.path.read_bytes() == content

    for _ in range(3):
        with Archive(tmp_path / "archive") as archive:
            asyncio.run(run(archive))
            archive.flush()
            [file] = archive.files("ref")
    assert (file.direction, file.source, file.way, file.state) == ("down", "unit/a.log", "cfdp", "completed")
    assert file.sha256 == sha256(content).hexdigest()


def test_a_link_without_connections_is_down_once_nothing_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_module, "SILENT_AFTER_S", 0.4)
    monkeypatch.setattr(session_module, "REPORT_EVERY_S", 0.1)
    framer = FRAMINGS["fprime"].downlink_framer(FramingParameters())

    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.bind(("127.0.0.1", 0))
            device.setblocking(False)
            here, there = free_port(), device.getsockname()[1]
            link = f"udp://127.0.0.1:{there}?listen={here}"
            async with deployed(tmp_path, link, cfdp=CfdpConfiguration(answer_s=0.1)) as made:

                def speak() -> None:
                    device.sendto(framer.frame(measured(3)), ("127.0.0.1", here))

                def heard() -> int:
                    count = 0
                    while True:
                        try:
                            device.recv(2000)
                        except BlockingIOError:
                            return count
                        count += 1

                def is_answered() -> bool:
                    """Speaks again: on a busy machine the link may be down anew before anything goes out."""
                    speak()
                    return heard() > 0

                await until(lambda: made.session.link.is_open)
                await asyncio.sleep(0.8)
                made.upload_by_cfdp(b"abc", "a", "ada")
                await asyncio.sleep(0.3)
                assert heard() == 0
                await until(is_answered)
                await asyncio.sleep(0.6)
                heard()
                await asyncio.sleep(0.6)
                assert heard() == 0
                [transfer] = made.transfers.records.values()
                assert not transfer.is_final, transfer.reason
                await until(is_answered)

    asyncio.run(run())


def test_a_journal_that_cannot_be_opened_refuses_uploads_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "cfdp").write_text("in the way")

    async def run() -> None:
        async with deployed(tmp_path, f"tcp-listen://127.0.0.1:{free_port()}") as made:
            await asyncio.sleep(0.1)
            with pytest.raises(TransferRefused, match="CFDP cannot be used"):
                made.upload_by_cfdp(b"abc", "a", "ada")
            made.cfdp.take_packet(b"\x00\x20nonsense")
            assert made.transfers.records == {}

    asyncio.run(run())


def test_names_that_are_none_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with deployed(tmp_path, f"tcp-listen://127.0.0.1:{free_port()}") as made:
            for name in ("", "a\0b", "x" * 241, "folder/", "\ud800"):
                with pytest.raises(TransferRefused, match="names no file"):
                    made.upload_by_cfdp(b"abc", name, "ada")
            with pytest.raises(TransferRefused, match="names no file"):
                made.upload_by_cfdp(b"abc", "a", "ada", "\u65e5" * 100)

    asyncio.run(run())
