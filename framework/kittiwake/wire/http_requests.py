"""Requests of HTTP/1.1 (RFC 9112) as a small local service takes them: bounded, with a length, one after the other."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple

MAX_HEAD = 8192
"""The longest request line with all header fields, in bytes."""

MAX_FIELDS = 64
_END = b"\r\n\r\n"
_REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type",
    431: "Request Header Fields Too Large", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


class HttpFault(ValueError):
    """A request that is not served: the `status` of the answer, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request(NamedTuple):
    """One request. Names of `fields` are lower-case; a field that came more than once is joined by commas."""

    method: str
    target: str
    fields: dict[str, str]
    body: bytes
    keep_alive: bool


class RequestReader:
    """Takes the bytes of one connection in, in whatever portions they come."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._data = bytearray()
        self._head: Request | None = None
        self._length = 0

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request is there."""
        return bool(self._data) or self._head is not None

    def feed(self, data: bytes) -> None:
        """Takes bytes in. What is read before `request` is called is at most what its caller reads at a time."""
        self._data += data

    def request(self) -> Request | None:
        """The next whole request, if it is there. Raises `HttpFault`; nothing more can be read after that."""
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        if len(self._data) < self._length:
            return None
        body = bytes(self._data[: self._length])
        del self._data[: self._length]
        head, self._head = self._head, None
        return head._replace(body=body)

    def _read_head(self) -> bool:
        end = self._data.find(_END, 0, MAX_HEAD)
        if end < 0:
            if len(self._data) >= MAX_HEAD:
                raise HttpFault(431, f"the header is longer than {MAX_HEAD} bytes")
            return False
        lines = self._data[:end].decode("latin-1").split("\r\n")
        del self._data[: end + len(_END)]
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
            raise HttpFault(400, "this is no request of HTTP/1.1")
        fields = _fields(lines[1:])
        connection = fields.get("connection", "").lower()
        keep_alive = "close" not in connection and (words[2] == "HTTP/1.1" or "keep-alive" in connection)
        self._length = self._checked_length(words[0], fields)
        self._head = Request(words[0], words[1], fields, b"", keep_alive)
        return True

    def _checked_length(self, method: str, fields: dict[str, str]) -> int:
        if "transfer-encoding" in fields or "expect" in fields:
            raise HttpFault(501, "a body comes in one piece, with its length")
        text = fields.get("content-length")
        if text is None:
            if method == "POST":
                raise HttpFault(411, "the length of the body is missing")
            return 0
        if not text.isascii() or not text.isdigit() or len(text) > 10:
            raise HttpFault(400, "the length of the body is no number")
        if int(text) > self._max_body:
            raise HttpFault(413, f"a body has at most {self._max_body} bytes")
        return int(text)


def _fields(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise HttpFault(431, f"there are more than {MAX_FIELDS} header fields")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or not name.isascii() or not name.isprintable():
            raise HttpFault(400, "a header field is malformed")
        key = name.lower()
        fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    return fields


def encode_answer(status: int, body: bytes, media_type: str, *, keep_alive: bool) -> bytes:
    """An answer with its body."""
    fields = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}", f"Connection: {'keep-alive' if keep_alive else 'close'}",
    ]  # fmt: skip
    return "\r\n".join([*fields, "", ""]).encode("latin-1") + body
