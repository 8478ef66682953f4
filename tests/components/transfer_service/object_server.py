"""A small S3-like server on loopback: it checks the signature and the digest of each request, and keeps objects."""

from __future__ import annotations

from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from kittiwake_components.transfer_service.s3 import Keys, authorization

if TYPE_CHECKING:
    from typing import Self

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
REGION = "eu-central-1"
META = "x-amz-meta-"


class ObjectServer:
    """Objects by path, with their metadata. The next `failures` requests are answered 503."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures = 0
        handler = type("Handler", (_Handler,), {"objects": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: ObjectServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._is_refused(body):
            headers = {name.lower(): value for name, value in self.headers.items()}
            meta = {name: value for name, value in headers.items() if name.startswith(META)}
            self.objects.objects[self.path] = body, meta
            self._say(200)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self._is_refused(b""):
            return
        data, meta = self.objects.objects.get(self.path, (None, {}))
        if data is None:
            self._fail(404, "NoSuchKey")
            return
        tag = f'"{sha256(data).hexdigest()[:32]}"'
        if self.headers.get("if-match", tag) != tag:
            self._fail(412, "PreconditionFailed")
            return
        wanted = self.headers.get("range")
        if wanted is not None:
            first, last = wanted.removeprefix("bytes=").split("-")
            data = data[int(first) : int(last) + 1]
        self._say(200 if wanted is None else 206, data, {**meta, "etag": tag})

    def _is_refused(self, body: bytes) -> bool:
        server = self.objects
        server.requests.append((self.command, self.path))
        said = self.headers.get("authorization", "")
        signed = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        headers = {name: self.headers.get(name, "") for name in signed}
        if server.failures:
            server.failures -= 1
            self._fail(503, "SlowDown")
        elif "host" not in signed or authorization(self.command, self.path, headers, KEYS, REGION) != said:
            self._fail(403, "SignatureDoesNotMatch")
        elif headers["x-amz-content-sha256"] != sha256(body).hexdigest():
            self._fail(400, "XAmzContentSHA256Mismatch")
        else:
            return False
        return True

    def _fail(self, status: int, code: str) -> None:
        self._say(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
