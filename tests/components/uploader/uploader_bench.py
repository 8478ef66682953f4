"""What the uploader's tests share: captures as sensors publish them, and remotes on the simulated disk."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from kittiwake.testing import ComponentTester
from kittiwake_components import Uploader
from tests.components.transfer_service.transfer_bench import content, exists

FAR = "/far"
DAY = "2026-11-27"

Tester = ComponentTester[Uploader]


def capture_path(number: int, sensor: str = "audio", extension: str = "wav") -> str:
    """The path of a capture below the output folder: the larger the number, the later."""
    return f"{sensor}/{DAY}/hive@{DAY}@{8 + number // 60:02d}-{number % 60:02d}-00.{extension}"


def sidecar_of(data: bytes, **changed: Any) -> bytes:
    stated = {"sha256": sha256(data).hexdigest(), "bytes": len(data), "sensor": "audio", "truncated": False}
    return json.dumps({**stated, **changed}).encode()


def publish(
    tester: Tester, path: str, data: bytes, *, tell: bool = False, output: str = "/captures", **changed: Any
) -> None:  # fmt: skip
    """Publishes a capture as a sensor does: sidecar, then the whole file; with `tell` the orchestrator says so."""
    tester.write_file(f"{output}/{path}.json", sidecar_of(data, **changed))
    tester.write_file(f"{output}/{path}", data)
    if tell:
        tester.call.capture_done(path.partition("/")[0], path, len(data))


def uploader_tester(seed: int = 0, *, remote: str = "bucket_name=/far prefix=hive-7", **options: Any) -> Tester:
    """An uploader to a folder of the simulated disk."""
    settings = {"remote": remote, **options.pop("settings", {})}
    parameters = {"CHUNK": 512, "BACKOFF_S": 10, **options.pop("parameters", {})}
    open_ports = options.pop("open_ports", ("transfer_put",))
    tester = ComponentTester(
        Uploader, seed=seed, settings=settings, parameters=parameters, open_ports=open_ports, **options
    )  # fmt: skip
    if not tester.files.exists(FAR):
        tester.files.make_folder(FAR)
        tester.files.sync_folder("/")
    return tester


def far_files(tester: Tester, top: str = FAR) -> dict[str, bytes]:
    """What is in the far folder, by the names below it."""
    found, waiting = {}, [top]
    while waiting:
        folder = waiting.pop()
        for name in tester.files.list(folder):
            path = f"{folder}/{name}"
            if tester.files.is_folder(path):
                waiting.append(path)
            else:
                found[path.removeprefix(f"{top}/")] = tester.files.read(path, 1 << 24)
    return found


def far_captures(tester: Tester) -> dict[str, bytes]:
    """The captures in the far folder by their paths, each of which has its sidecar."""
    files = {name.removeprefix("hive-7/"): data for name, data in far_files(tester).items()}
    for name in [name for name in files if name.endswith(".json")]:
        sidecar = files.pop(name)
        assert json.loads(sidecar)["sha256"] == sha256(files[name.removesuffix(".json")]).hexdigest(), name
    return files


def left_files(tester: Tester) -> list[str]:
    """What is in the output folder, by the names below it."""
    top = tester.root.resolve("/captures")
    return sorted(far_files(tester, top)) if tester.files.exists(top) else []


__all__ = [
    "DAY", "FAR", "Tester", "capture_path", "content", "exists", "far_captures", "far_files", "left_files", "publish",
    "sidecar_of", "uploader_tester",
]  # fmt: skip
