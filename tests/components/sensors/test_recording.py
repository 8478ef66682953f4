"""What a process finds of the one before it: whole recordings get their names, half ones go."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake_components.sensors.recording import Leftover, Recording, settle_leftovers

DAY = "/out/temp/2026-11-27"
PATH = f"{DAY}/hive@2026-11-27@08-00-00.csv"
CONTENT = b"time,temperature\n"
DIGEST = sha256(CONTENT).hexdigest()
TRUE = {"bytes": len(CONTENT), "sha256": DIGEST}


def left(files: dict[str, bytes]) -> SimulatedPlatform:
    """A machine with these files in the folder of a day."""
    platform = SimulatedPlatform()
    platform.files.make_folders(DAY)
    for name, data in files.items():
        with platform.files.open(f"{DAY}/{name}", "w") as file:
            file.write_at(0, data)
    return platform


def settle(platform: SimulatedPlatform) -> tuple[list[Leftover], list[str]]:
    """What became of the parts, and the files that are there now."""
    return list(settle_leftovers(platform.files, "/out/temp")), platform.files.list(DAY)


def test_a_part_that_was_described_is_published() -> None:
    name = PATH.rpartition("/")[2]
    platform = left({f"{name}.part": CONTENT, f"{name}.json": json.dumps(TRUE).encode()})
    assert settle(platform) == ([Leftover(PATH, len(CONTENT), DIGEST)], [name, f"{name}.json"])
    assert settle(platform) == ([], [name, f"{name}.json"])


@pytest.mark.parametrize(
    "description",
    [None, b"", b"[]", b"{", b'{"bytes": 17}', json.dumps({**TRUE, "bytes": 16}).encode(),
     json.dumps({**TRUE, "sha256": "0" * 64}).encode()],
)  # fmt: skip
def test_a_part_that_is_not_what_is_said_of_it_goes_with_what_is_said(description: bytes | None) -> None:
    name = PATH.rpartition("/")[2]
    files = {f"{name}.part": CONTENT} | ({} if description is None else {f"{name}.json": description})
    assert settle(left(files)) == ([Leftover(PATH)], [])


def test_a_part_beside_its_recording_goes_and_the_recording_stays() -> None:
    name = PATH.rpartition("/")[2]
    files = {
        name: CONTENT,
        f"{name}.json": json.dumps(TRUE).encode(),
        f"{name}.part": b"time",
        f"{name}.json.new": b"{",
    }
    assert settle(left(files)) == ([Leftover(PATH)], [name, f"{name}.json"])


def test_other_files_and_folders_are_left_alone() -> None:
    platform = left({"note.txt": b"", "x.new": b""})
    with platform.files.open("/out/temp/README", "w"):
        pass
    assert settle(platform) == ([], ["note.txt", "x.new"])
    assert list(settle_leftovers(platform.files, "/out/none")) == []


def test_a_recording_can_be_written_like_a_file() -> None:
    platform = SimulatedPlatform()
    recording = Recording(platform.files, PATH)
    recording.start()
    assert recording.write(b"0123456789") == 10
    assert (recording.seek(-4, 2), recording.write(b"AB"), recording.tell()) == (6, 2, 8)
    assert (recording.seek(-1, 1), recording.seek(2), recording.write(memoryview(b"x"))) == (7, 2, 1)
    size, digest = recording.publish({"sha256": "made up", "sensor": "temp"})
    assert platform.files.read(PATH, 99) == b"01x345AB89"
    assert (size, digest) == (10, sha256(b"01x345AB89").hexdigest())
    assert json.loads(platform.files.read(f"{PATH}.json", 999)) == {"sensor": "temp", "bytes": 10, "sha256": digest}
