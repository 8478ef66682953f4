"""The socket through which a running deployment is inspected: `inspect.sock` in its root, for its owner alone.

Whoever connects gets one snapshot as JSON, and the connection ends. Nothing is read from there, and while nobody
connects the deployment does not wake for it.
"""

from __future__ import annotations

import json
import os
import socket
from threading import get_ident
from time import monotonic, sleep, thread_time_ns
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.inspection import snapshot
from kittiwake.runtime.metering import DispatchMeter

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.loop import Timer

NAME = "inspect.sock"
MAX_CLIENTS = 4
PATIENCE_S = 2.0
"""So long somebody may take to read a snapshot."""
_PAUSE_S = 0.02
MAX_SNAPSHOT_BYTES = 16 * 1024 * 1024


def dispatch_meter() -> DispatchMeter:
    """A meter of what a deployment's loops dispatch, by the time of their threads on the processor."""
    return DispatchMeter(thread_time_ns, get_ident)


class InspectSocket:
    """Listens in the root of a deployment until `close`. Raises `OSError`."""

    name = "inspection"
    """Whose dispatches its own are."""

    def __init__(self, deployment: Deployment, meter: DispatchMeter | None) -> None:
        self._deployment = deployment
        self._meter = meter
        self._folder = deployment.root.path
        self._loop = deployment.main
        self._clients: dict[int, _Client] = {}
        self._listening = _listen(self._folder)
        self._loop.poller.add(self._listening.fileno(), self._accept, None)
        if meter is not None:
            for loop in deployment.loops.values():
                loop.post(meter.run_on, loop)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return  # it has gone again
        if len(self._clients) >= MAX_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        data = json.dumps(snapshot(self._deployment, self._meter)).encode()
        client = _Client(connection, memoryview(data))
        self._clients[connection.fileno()] = client
        deadline_ns = self._loop.clock.now_ns() + round(PATIENCE_S * NS_PER_S)
        client.timer = self._loop.call_at(deadline_ns, self._drop, client)
        self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            while client.rest:
                client.rest = client.rest[client.connection.send(client.rest) :]
        except BlockingIOError:
            self._loop.poller.add(client.connection.fileno(), None, lambda: self._send(client))
            return
        except OSError:
            client.rest = memoryview(b"")
        self._drop(client)

    def _drop(self, client: _Client) -> None:
        number = client.connection.fileno()
        if self._clients.pop(number, None) is not None:
            if client.timer is not None:
                client.timer.cancel()
            self._loop.poller.remove(number)
            client.connection.close()

    def close(self) -> None:
        """Ends it, and takes the socket out of the root."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._loop.poller.remove(self._listening.fileno())
        self._listening.close()
        _remove(self._folder)


class _Client:
    """Somebody who reads a snapshot, of which `rest` is not sent yet."""

    def __init__(self, connection: socket.socket, rest: memoryview) -> None:
        self.connection = connection
        self.rest = rest
        self.timer: Timer | None = None


def _listen(folder: str) -> socket.socket:
    _remove(folder)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The mode counts from the first instant: a socket is made by `bind`.
        before = os.umask(0o177)
        try:
            with _NearPath(folder) as path:
                listening.bind(path)
        finally:
            os.umask(before)
        listening.setblocking(False)
        listening.listen(MAX_CLIENTS)
    except BaseException:
        listening.close()
        raise
    return listening


def _remove(folder: str) -> None:
    try:
        os.unlink(f"{folder}/{NAME}")
    except FileNotFoundError:
        return


class _NearPath:
    """The socket's path, short whatever the folder's is: an address of this kind has 107 bytes (unix(7))."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._number = -1

    def __enter__(self) -> str:
        self._number = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._number}/{NAME}"

    def __exit__(self, *_: object) -> None:
        os.close(self._number)


def _connect(connection: socket.socket, folder: str) -> None:
    """Connects; while others are in line, again and again for as long as one may take to read."""
    end_s = monotonic() + PATIENCE_S
    while True:
        try:
            with _NearPath(folder) as path:
                connection.connect(path)
        except BlockingIOError:
            if monotonic() >= end_s:
                raise
            sleep(_PAUSE_S)
        else:
            return


def _all_of(connection: socket.socket) -> bytes:
    data = bytearray()
    while (piece := connection.recv(1 << 16)) and len(data) <= MAX_SNAPSHOT_BYTES:
        data += piece
    return bytes(data)


class NotInspected(ValueError):
    """No running deployment answers there; the message says what to do."""


def read_snapshot(folder: str) -> dict[str, object]:
    """The snapshot of the deployment that keeps its files in a folder. Raises `NotInspected` and `OSError`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S * 2)
        try:
            _connect(connection, folder)
            data = _all_of(connection)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NotInspected(
                f"no deployment answers in {folder}: is it running, and was it started with --inspect?"
            ) from None
        except (BlockingIOError, TimeoutError):
            raise NotInspected(f"the deployment in {folder} does not answer: its main loop is busy or stuck") from None
    try:
        found = json.loads(data)
    except ValueError:
        raise NotInspected(f"{folder}/{NAME} does not give a whole snapshot; try again") from None
    if not isinstance(found, dict):
        raise NotInspected(f"{folder}/{NAME} is no deployment's")
    return found
