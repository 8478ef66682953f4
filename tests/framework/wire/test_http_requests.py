"""Requests of HTTP as a small local service takes them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.http_requests import MAX_HEAD, HttpFault, Request, RequestReader, encode_answer

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"


def read(data: bytes, portion: int = 1 << 20) -> list[Request]:
    reader = RequestReader(max_body=100)
    found = []
    for at in range(0, len(data), portion):
        reader.feed(data[at : at + portion])
        while (request := reader.request()) is not None:
            found.append(request)
    return found


@given(st.integers(1, 80))
def test_requests_come_in_whatever_portions_they_are_cut_into(portion: int) -> None:
    requests = read(POST * 3, portion)
    assert [request.body for request in requests] == [b"hello"] * 3
    assert requests[0].fields == {"host": "localhost", "content-length": "5"}
    assert requests[0].keep_alive


@pytest.mark.parametrize(
    "version, connection, kept",
    [("1.1", "", True), ("1.1", "close", False), ("1.0", "", False), ("1.0", "Keep-Alive", True)],
)
def test_a_connection_is_kept_as_the_version_and_the_caller_say(version: str, connection: str, kept: bool) -> None:
    [request] = read(f"GET / HTTP/{version}\r\nConnection: {connection}\r\n\r\n".encode())
    assert request.keep_alive is kept


@pytest.mark.parametrize(
    "data, status",
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nnonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 431),
        (b"x" * MAX_HEAD, 431),
    ],
)
def test_what_is_not_served_is_answered_with_its_status(data: bytes, status: int) -> None:
    with pytest.raises(HttpFault) as fault:
        read(data)
    assert fault.value.status == status


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda rest: POST[:40] + rest), st.integers(1, 50))
def test_nothing_that_comes_raises_anything_else(data: bytes, portion: int) -> None:
    with suppress(HttpFault):
        read(data, portion)


def test_an_answer_says_its_length_and_whether_the_connection_is_kept() -> None:
    assert encode_answer(200, b"ok", "text/xml", keep_alive=False) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    )
