"""A gateway for tests: diy-bacnet-server's methods over real HTTP, for one device with a few objects."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class Gateway:
    """Serves device 1001. What it was asked is in `calls`; tests change the rest at any time."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"analog-input,1": 21.5, "binary-value,1": "inactive", "analog-output,1": 3.0}
        self.priorities: dict[str, dict[int, Any]] = {}
        self.calls: list[tuple[str, Any]] = []
        self.bearer = ""
        self.rows: Any = None
        self.status = 200
        self.closes = False
        self.has_routes = False
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = gateway.answer(self.path, self.headers.get("Authorization", ""), json.loads(body))
                self.send_response(status)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = gateway.closes

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, authorization: str, call: Any) -> tuple[int, Any]:
        if self.status != 200:
            return self.status, b"no JSON"
        if path != (f"/{call['method']}" if self.has_routes else "/api"):
            return 405, {"detail": "Method Not Allowed"}
        if authorization != (f"Bearer {self.bearer}" if self.bearer else ""):
            return 401, {"detail": "Not authenticated"}
        method, params = call["method"], call["params"]
        self.calls.append((method, params))
        if method == "client_write_property" and params["request"]["object_identifier"] not in self.values:
            return 500, b"Internal Server Error"  # as the real one does
        head = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return 200, {**head, "result": getattr(self, method)(**params)}
        except LookupError as fault:
            error = {"code": -32000, "message": "Failed", "data": {"detail": str(fault).strip("'\"")}}
            return 200, {**head, "error": error}

    def _value(self, name: str) -> Any:
        if name not in self.values:
            raise LookupError("Read failed: object: unknown-object")
        written = self.priorities.get(name)
        return written[min(written)] if written else self.values[name]

    def server_hello(self) -> Any:
        return {"message": "ready"}

    def client_read_property(self, request: Any) -> Any:
        assert request["device_instance"] == 1001
        return {request["property_identifier"]: self._value(request["object_identifier"])}

    def client_read_multiple(self, request: Any) -> Any:
        if self.rows is not None:
            return {"success": True, "message": "", "data": {"results": self.rows}}
        rows: list[Any] = []
        for one in request["requests"]:
            if one["object_identifier"] not in self.values:
                rows = [{"error": "Error during RPM"}]
                break
            rows.append({**one, "property_array_index": None, "value": self._value(one["object_identifier"])})
        return {"success": True, "message": "Read Multiple complete", "data": {"results": rows}}

    def client_write_property(self, request: Any) -> Any:
        name, value, priority = request["object_identifier"], request["value"], request["priority"]
        if "input" in name:
            raise LookupError("Write failed: property: write-access-denied")
        written = self.priorities.setdefault(name, {})
        written.pop(priority, None)
        if value != "null":
            written[priority] = value
        return {"status": "success", "response": "None"}

    def client_point_discovery(self, instance: Any) -> Any:
        objects = [
            {"object_identifier": name, "name": name.upper(), "commandable": "output" in name} for name in self.values
        ]
        return {"success": True, "message": "", "data": {"objects": objects}}

    def client_whois_range(self, request: Any) -> Any:
        if not request["start_instance"] <= 1001 <= request["end_instance"]:
            return {"success": True, "message": "", "data": {"devices": "No response(s) on WhoIs"}}
        device = {
            "i-am-device-identifier": "device,1001", "device-address": "10.0.0.9", "device-description": "AHU",
            "vendor-id": 999,
        }  # fmt: skip
        return {"success": True, "message": "", "data": {"devices": [device]}}
