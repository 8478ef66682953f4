"""The ground's side of the harness: fprime-gds's own pipeline and IntegrationTestAPI, spoken to in lines of JSON.

Runs with the Python of the peers' environment, as `tests.system.gds.Gds` starts it. A request is
`{"call": name, "args": [...], "kwargs": {...}}`, an answer `{"result": ...}` or `{"error": text, "kind": class}`.
A name that `Console` does not have is a method of the IntegrationTestAPI.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

import zmq
from fprime_gds.common.handlers import DataHandler
from fprime_gds.common.testing_fw.api import IntegrationTestAPI
from fprime_gds.common.utils.event_severity import EventSeverity
from fprime_gds.common.zmq_transport import ZmqClient
from fprime_gds.executables.cli import ConfigDrivenParser, StandardPipelineParser


class WatchedContext(zmq.Context):  # type: ignore[misc]  # the development environment has no pyzmq
    """A context whose publisher and subscriber tell when the station's end has joined: until then messages get lost."""

    monitors: dict[int, Any] = {}  # noqa: RUF012  # zmq takes instance attributes for socket options

    def socket(self, socket_type: int, *args: Any, **kwargs: Any) -> Any:
        """As zmq's, with a monitor attached before anything can connect."""
        made = super().socket(socket_type, *args, **kwargs)
        if socket_type in (zmq.PUB, zmq.SUB):
            self.monitors[socket_type] = made.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        return made


class WatchedClient(ZmqClient):  # type: ignore[misc]
    """The stock client on a watched context."""

    def __init__(self) -> None:
        super().__init__()
        self.zmq.context = WatchedContext()


def plain(item: Any) -> Any:
    """An event, a channel or a value of the ground system as plain data."""
    if isinstance(item, (list, tuple)):
        return [plain(part) for part in item]
    if isinstance(item, dict):
        return {str(key): plain(part) for key, part in item.items()}
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if hasattr(item, "get_time"):
        return record(item)
    return str(item)


def record(item: Any) -> dict[str, Any]:
    """An event or a channel, with all that a test may ask of it."""
    stamp = item.get_time()
    entry = {
        "name": item.template.get_full_name(),
        "id": item.id,
        "time": [stamp.timeBase.numeric_value, stamp.timeContext, stamp.seconds, stamp.useconds],
        "text": item.get_display_text(),
    }
    if hasattr(item, "get_severity"):
        entry["severity"] = item.get_severity().name
        entry["args"] = [plain(argument.val) for argument in item.get_args() or ()]
    else:
        entry["value"] = plain(item.get_val())
    return entry


class Arrivals(DataHandler):  # type: ignore[misc]
    """What came, in the order in which it came; the API's own histories are sorted by time tag."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.changed = threading.Condition()

    def data_callback(self, data: Any, sender: Any = None) -> None:
        """Takes one item from the decoders."""
        with self.changed:
            self.items.append(record(data))
            self.changed.notify_all()

    def find(self, name: str, wanted: dict[str, Any], since: int, timeout_s: float) -> dict[str, Any] | None:
        """The first item from index `since` on that has the name, in full or its last part, and all wanted values."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while True:
                for item in self.items[since:]:
                    named = item["name"] == name or item["name"].endswith("." + name)
                    if named and all(item[key] == value for key, value in wanted.items()):
                        return item
                since = max(since, len(self.items))
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)


class Console:
    """The calls that a test can make, besides those of the IntegrationTestAPI."""

    def __init__(self, arguments: list[str]) -> None:
        options, _, _ = ConfigDrivenParser.parse_known_args([StandardPipelineParser], arguments=arguments, client=True)
        options.connection_transport = WatchedClient
        self.pipeline = StandardPipelineParser.pipeline_factory(options)
        self.api = IntegrationTestAPI(self.pipeline)
        self.api.setup()
        self.event_arrivals = Arrivals()
        self.channel_arrivals = Arrivals()
        self.pipeline.coders.register_event_consumer(self.event_arrivals)
        self.pipeline.coders.register_channel_consumer(self.channel_arrivals)

    def await_station(self, timeout_s: float) -> bool:
        """Whether both sockets have joined the station's within the time; each joining is told once."""
        deadline = time.monotonic() + timeout_s
        for kind in (zmq.PUB, zmq.SUB):
            monitor = None
            while monitor is None and time.monotonic() < deadline:
                monitor = WatchedContext.monitors.get(kind)  # the subscriber is made by a thread of the pipeline
                time.sleep(0 if monitor else 0.005)
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            if monitor is None or not monitor.poll(left_ms):
                return False
            monitor.recv_multipart()
        return True

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """The events from index `since` on, in the order in which they came."""
        return self.event_arrivals.items[since:]

    def channels(self, since: int = 0) -> list[dict[str, Any]]:
        """The channel updates from index `since` on, in the order in which they came."""
        return self.channel_arrivals.items[since:]

    def event_count(self) -> int:
        """How many events have come."""
        return len(self.event_arrivals.items)

    def channel_count(self) -> int:
        """How many channel updates have come."""
        return len(self.channel_arrivals.items)

    def find_event(self, name: str, wanted: dict[str, Any], since: int, timeout_s: float) -> dict[str, Any] | None:
        """See `Arrivals.find`."""
        return self.event_arrivals.find(name, wanted, since, timeout_s)

    def find_channel(self, name: str, wanted: dict[str, Any], since: int, timeout_s: float) -> dict[str, Any] | None:
        """See `Arrivals.find`."""
        return self.channel_arrivals.find(name, wanted, since, timeout_s)

    def downlink_count(self) -> int:
        """How many downlinks have begun."""
        return len(self.pipeline.files.downlinker.files)

    def find_downlink(self, destination: str, since: int, timeout_s: float) -> str | None:
        """The file that the first downlink to `destination` was stored in, from index `since` on, once finished."""
        downlinker = self.pipeline.files.downlinker
        stored = downlinker.sanitize(destination)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for transfer in downlinker.files[since:]:
                named = os.path.basename(transfer.destination) == stored
                if named and transfer.state == "FINISHED" and transfer is not downlinker.active:
                    return str(transfer.destination)
            time.sleep(0.02)  # the downlinker announces nothing
        return None

    def call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Runs one request."""
        if "severity" in kwargs:
            kwargs["severity"] = EventSeverity[kwargs["severity"]]
        method = getattr(self, name, None) or getattr(self.api, name)
        return plain(method(*args, **kwargs))


def main() -> None:
    """Answers requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the pipeline prints goes to the log
    console = Console(sys.argv[1:])
    print(json.dumps({"result": "connected"}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": console.call(request["call"], request["args"], request["kwargs"])}
        except Exception as failure:  # noqa: BLE001  # whatever it is, the test hears of it
            answer = {"error": str(failure), "kind": type(failure).__name__}
        print(json.dumps(answer), file=answers, flush=True)
    console.api.teardown()
    os._exit(0)  # the pipeline's threads would wait for the station


if __name__ == "__main__":
    main()
