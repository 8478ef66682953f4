"""Objects of an S3-compatible server: requests signed by AWS Signature Version 4, one at a time, path-style addresses.

The blocking calls are made by a `Worker`, so that the loop goes on meanwhile.
"""

from __future__ import annotations

import errno
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.wire.calendar import date_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from http.client import HTTPConnection

    from kittiwake.platform.interface import Clock
    from kittiwake_components.transfer_service.worker import Worker

    Sending = Generator[bool | None, None, None]
    Answering = Generator[bool | None, None, "Answer"]

TIMEOUT_S = 30.0
MAX_ANSWER = 2 << 20
DIGEST_HEADER = "x-amz-meta-sha256"
EMPTY_DIGEST = sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "/-._~"
NOT_FOUND = 404


class Keys(NamedTuple):
    """Who asks."""

    access: str
    secret: str


class Answer(NamedTuple):
    """What the server said; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Place(NamedTuple):
    """A bucket: `endpoint` is http://host:port or https://host."""

    endpoint: str
    region: str
    bucket: str


def quoted(path: str) -> str:
    """A path as it stands in a request and in what is signed: all but unreserved characters as %XX."""
    return "".join(
        [
            chr(byte) if chr(byte) in _UNRESERVED or (byte < 128 and chr(byte).isalnum()) else f"%{byte:02X}"
            for byte in path.encode()
        ]
    )


def stamp_of(seconds: int) -> str:
    """A time since the Unix epoch as the header x-amz-date states it."""
    days, rest = divmod(seconds, 86_400)
    year, month, day = date_of(days)
    return f"{year:04}{month:02}{day:02}T{rest // 3600:02}{rest // 60 % 60:02}{rest % 60:02}Z"


def authorization(method: str, path: str, headers: Mapping[str, str], keys: Keys, region: str) -> str:
    """The Authorization header of a request without a query (AWS Signature Version 4, "Authenticating requests").

    `headers` have names in lower case and hold host, x-amz-date and x-amz-content-sha256; all of them are signed.
    """
    names = sorted(headers)
    signed = ";".join(names)
    lines = [method, path, "", *[f"{name}:{headers[name].strip()}" for name in names], "", signed]
    request = "\n".join([*lines, headers["x-amz-content-sha256"]])
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac_digest(key, part.encode(), "sha256")
    return f"{_ALGORITHM} Credential={keys.access}/{scope},SignedHeaders={signed},Signature={key.hex()}"


class Bucket:
    """A connection to one bucket. Every generator raises `OSError` for what the network or the server refuses."""

    def __init__(self, place: Place, keys: Keys, clock: Clock, worker: Worker) -> None:
        self._place = place
        self._keys = keys
        self._clock = clock
        self._worker = worker
        scheme, _, self._host = place.endpoint.partition("://")
        self._is_secure = scheme == "https"
        self._connection: HTTPConnection | None = None

    def begin(self, method: str, key: str, digest: str, headers: Mapping[str, str]) -> Sending:
        """Sends the head of a request whose body has this digest."""
        path = quoted(f"/{self._place.bucket}/{key}")
        stamp = stamp_of(self._clock.wall_ns() // NS_PER_S)
        signed = {"host": self._host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
        signed |= {name: value for name, value in headers.items() if name != "content-length"}
        allowed = authorization(method, path, signed, self._keys, self._place.region)
        all_headers = {**signed, **headers, "authorization": allowed}
        yield from self._worker.call(lambda: self._send_head(method, path, all_headers))

    def _send_head(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        from http.client import HTTPConnection, HTTPSConnection

        if self._connection is None:
            make = HTTPSConnection if self._is_secure else HTTPConnection
            self._connection = make(self._host, timeout=TIMEOUT_S)
        self._connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def send(self, data: bytes) -> Sending:
        """Sends a piece of the body."""
        yield from self._worker.call(lambda: self._opened().send(data))

    def _opened(self) -> HTTPConnection:
        if self._connection is None:
            raise OSError(errno.ENOTCONN, "no request has begun")
        return self._connection

    def answer(self) -> Answering:
        """What the server says to the request; refusals other than 404 raise."""
        found: Answer = yield from self._worker.call(self._receive)
        if found.status >= 300 and found.status != NOT_FOUND:
            raise OSError(errno.EACCES, f"the server answers {found.status} {_code(found.body)}".strip())
        return found

    def _receive(self) -> Answer:
        response = self._opened().getresponse()
        body = response.read(MAX_ANSWER)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)

    def head(self, key: str) -> Answering:
        """The size and the headers of an object."""
        yield from self.begin("HEAD", key, EMPTY_DIGEST, {})
        return (yield from self.answer())

    def read(self, key: str, offset: int, count: int, tag: str) -> Generator[bool | None, None, bytes]:
        """Bytes of an object that still has the entity tag `tag`."""
        wanted = {"range": f"bytes={offset}-{offset + count - 1}"} | ({"if-match": tag} if tag else {})
        yield from self.begin("GET", key, EMPTY_DIGEST, wanted)
        found = yield from self.answer()
        if found.status == NOT_FOUND:
            raise FileNotFoundError(errno.ENOENT, "the store has no such object")
        if found.status != 206 or len(found.body) != count:
            raise OSError(errno.EIO, f"the server gives {len(found.body)} bytes instead of {count}")
        return found.body

    def close(self) -> None:
        """Ends the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _code(body: bytes) -> str:
    """The error code of an answer in XML."""
    _, _, rest = body.partition(b"<Code>")
    code, end, _ = rest.partition(b"</Code>")
    return code.decode("ascii", "replace")[:60] if end else ""


def parse_keys(data: bytes) -> Keys:
    """The keys of a file of two lines. Raises `OSError`."""
    lines: list[Any] = data.decode("ascii", "replace").split()
    if len(lines) != 2:
        raise OSError(errno.EACCES, "its credentials must be two lines: access key and secret key")
    return Keys(*lines)
