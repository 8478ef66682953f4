"""A real broker (Mosquitto) in a process of its own, and a client of it that keeps what it hears."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, Self

import pytest

from tests.ports import free_port

LIMIT_S = 20.0
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def program(name: str) -> str:
    """The path of a program; the test is skipped where there is none, as Debian has it outside of a user's PATH."""
    found = shutil.which(name) or shutil.which(name, path=_PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: mosquitto; `make browser` installs it where it may)")
    return found


def until(condition: Callable[[], bool], step: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
    """Takes steps until it holds. Raises `AssertionError` after 20 s."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that"
        step()


class Broker:
    """Mosquitto on a port of loopback; it keeps nothing when it ends."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._program = program("mosquitto")
        self._config = folder / "broker.conf"
        rest = lines or ("allow_anonymous true",)
        self._config.write_text("\n".join([f"listener {self.port} 127.0.0.1", "user root", *rest, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and returns when it listens."""
        command = [self._program, "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the broker has ended"
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """From now on it takes what comes and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Listener:
    """Hears all topics; `topics` has the last payload of each, `heard` all messages in their order."""

    def __init__(self, broker: Broker, filters: str = "#", **options: Any) -> None:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        self.topics: dict[str, bytes] = {}
        self.retained: dict[str, bytes] = {}
        self.heard: list[tuple[str, bytes]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        if "user" in options:
            self._client.username_pw_set(options["user"], options["password"])
        if "ca" in options:
            self._client.tls_set(ca_certs=options["ca"])
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *_: client.subscribe(filters, qos=1)
        self._client.connect("127.0.0.1", broker.port)
        self._is_subscribed = Event()
        self._client.on_subscribe = lambda *_: self._is_subscribed.set()
        self._client.loop_start()
        assert self._is_subscribed.wait(LIMIT_S), "the broker takes no subscription"

    def _hear(self, _client: object, _data: object, message: Any) -> None:
        self.heard.append((message.topic, message.payload))
        self.topics[message.topic] = message.payload
        if message.retain:
            self.retained[message.topic] = message.payload

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publishes, and returns when the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
