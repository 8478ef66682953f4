"""JSON-RPC 2.0 over HTTP to a gateway; the calls block, and are made in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.drivers.interface import DriverFault, NoAnswer, Unreachable

if TYPE_CHECKING:
    from http.client import HTTPConnection

MAX_ANSWER = 8_388_608
TEXT_SIZE = 200


class RpcRefused(DriverFault):
    """The gateway answered the call with an error of JSON-RPC, or of HTTP."""

    TYPE = "RuntimeError"


def parse_gateway(url: str, entrypoint: str) -> tuple[bool, str, str, str]:
    """Whether it is HTTPS, host with port, the path of the address, and that of all calls. Raises `ValueError`."""
    scheme, found, rest = url.partition("://")
    place, _, base = rest.partition("/")
    if not found or scheme not in ("http", "https") or not place or "@" in place or any(c in url for c in " ?#"):
        raise ValueError(f"{url!r} is no address of a gateway, such as http://127.0.0.1:8080")
    path = f"/{base.strip('/')}" if base.strip("/") else ""
    return scheme == "https", place, path, f"{path}/{entrypoint.strip('/')}"


class RpcGateway:
    """One connection, which is kept. One call at a time.

    Calls go to the entrypoint, as the upstream's do. Where the gateway has none, as newer ones of diy-bacnet-server,
    each method has a path of its own.
    """

    THREAD_SIDE = ("_connection", "_has_entrypoint", "_number")

    _connection: HTTPConnection | None = None

    def __init__(self, url: str, entrypoint: str, bearer: str, timeout_s: float) -> None:
        self._is_secure, self._place, self._base, self._entrypoint = parse_gateway(url, entrypoint)
        self._has_entrypoint = True
        self._headers = {"Content-Type": "application/json"}
        if bearer:
            self._headers["Authorization"] = f"Bearer {bearer}"
        self._timeout_s = timeout_s
        self._number = 0

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a method. Raises `Unreachable`, `NoAnswer` and `RpcRefused`."""
        import json

        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        packed = json.dumps(asked).encode()
        status, body = self._post(method, packed)
        if status in (404, 405) and self._has_entrypoint:
            self._has_entrypoint = False
            status, body = self._post(method, packed)
        if status in (401, 403):
            raise Unreachable(f"the gateway wants another token: HTTP {status}")
        if status != 200:
            raise RpcRefused(f"the gateway answers HTTP {status}")  # of this call: others may go well
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise Unreachable("the gateway does not speak JSON") from None
        if not isinstance(answer, dict) or answer.get("id") != self._number:
            raise Unreachable("the gateway does not speak JSON-RPC 2.0")
        if answer.get("error") is not None:
            raise RpcRefused(_reason_of(answer["error"]))
        return answer.get("result")

    def _post(self, method: str, body: bytes) -> tuple[int, bytes]:
        """Asks, and once more if a kept connection turns out to be closed."""
        from http.client import HTTPException, RemoteDisconnected

        is_kept = self._connection is not None
        try:
            return self._ask(self._entrypoint if self._has_entrypoint else f"{self._base}/{method}", body)
        except TimeoutError:
            self.close()
            raise NoAnswer(f"the gateway has not answered within {self._timeout_s:g} s") from None
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError) as fault:
            self.close()
            if is_kept:
                return self._post(method, body)
            raise Unreachable(f"the gateway has closed the connection: {fault}") from None
        except (OSError, HTTPException) as fault:
            self.close()
            raise Unreachable(f"{self._place}: {fault}"[:TEXT_SIZE]) from None

    def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        if self._connection is None:
            kind = HTTPSConnection if self._is_secure else HTTPConnection
            self._connection = kind(self._place, timeout=self._timeout_s)
        self._connection.request("POST", path, body, self._headers)
        response = self._connection.getresponse()
        found = response.read(MAX_ANSWER + 1)
        if len(found) > MAX_ANSWER:
            raise HTTPException(f"an answer of more than {MAX_ANSWER} bytes")
        return response.status, found

    def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _reason_of(error: Any) -> str:
    """What an error of JSON-RPC says: its message, and the detail of its data."""
    if not isinstance(error, dict):
        return str(error)[:TEXT_SIZE]
    data = error.get("data")
    detail = data.get("detail") if isinstance(data, dict) else None
    return f"{error.get('message', 'error')}{f': {detail}' if detail else ''}"[:TEXT_SIZE]
