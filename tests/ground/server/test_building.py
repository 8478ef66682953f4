"""Reading a building's API, whatever answers there."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.building.access import ApiUnreachable, api_address, read_token
from kittiwake_ground.building.rest import RestApi
from kittiwake_ground.building.snapshot import read_snapshot
from kittiwake_ground.server.building import Building

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Answers(ThreadingHTTPServer):
    """A server that has the same answer to everything, and counts how often it was asked."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = status, body
        self.asked = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """The terminal is the tests'."""


@contextmanager
def answering(status: int, body: bytes) -> Iterator[Answers]:
    with Answers(status, body) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "status, body, said",
    [
        (200, b"<html>", "no building's API (HTTP status 200)"), (200, b"\xff\xfe", "no building's API"),
        (200, b"null", "no building's API"), (200, b'[{"id": 1}]', "no building's API"),
        (200, b"[3]", "no building's API"),
        (200, b"[]", "no building's API"), (200, b"{}", "no building's API"),
        (200, b"[" * 100_000, "no building's API"),
        (401, b'{"detail": "a token is wanted"}', "a token is wanted"), (500, b'{"detail": null}', "HTTP status 500"),
        (503, b"[]", "HTTP status 503"),
    ],
)  # fmt: skip
def test_what_answers_without_sense_is_no_api(status: int, body: bytes, said: str) -> None:
    async def read(url: str) -> None:
        async with RestApi(url, "token") as api:
            await read_snapshot(api)

    with answering(status, body) as server, pytest.raises(ApiUnreachable, match=r".*") as raised:
        asyncio.run(read(server.url))
    assert said in raised.value.reason


def test_nobody_is_asked_while_nobody_looks_and_a_fault_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kittiwake_ground.server.building.RETRY_S", 0.01)
    token = tmp_path / "token"

    async def look(server: Answers) -> list[str]:
        building = Building(server.url, token)
        faults = []
        running = asyncio.create_task(building.run())
        await asyncio.sleep(0.05)
        assert server.asked == 0
        building.watch()
        for said in ("No such file", "a token is wanted there", "refused here"):
            while said not in building.fault:
                await asyncio.sleep(0.005)
            faults.append(building.fault)
            token.write_text("two words" if said.startswith("No") else "secret-of-mine")
        building.leave()
        await asyncio.sleep(0.05)
        before = server.asked
        await asyncio.sleep(0.1)
        assert server.asked == before > 0
        running.cancel()
        return faults

    with answering(403, b'{"detail": "refused here"}') as server:
        faults = asyncio.run(asyncio.wait_for(look(server), 20))
    assert faults[0].startswith(f"{token}: ")
    assert not any("secret" in fault for fault in faults)


@pytest.mark.parametrize(
    "text, address",
    [
        ("127.0.0.1:8091", "http://127.0.0.1:8091"), ("http://a:1/api/v1/", "http://a:1"),
        ("https://proxy/site/api/v1", "https://proxy/site"), ("http://[::1]:5", "http://[::1]:5"),
    ],
)  # fmt: skip
def test_an_address_may_say_api_v1_or_leave_it_out(text: str, address: str) -> None:
    assert api_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "http://", "ftp://a", "http://a:x", "http://a:99999", "http://me:secret@a", "http://a?x=1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        api_address(text)


@pytest.mark.parametrize("content", [b"", b"\n", b"a b", b"NAME operator 12345", b"\xff\xff", b"x" * 5000])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a token is wanted there"):
        read_token(path)
    path.write_bytes(b"  0123456789abcdef\r\n")
    assert read_token(path) == "0123456789abcdef"
