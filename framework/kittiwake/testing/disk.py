"""Files that a test puts onto a simulated disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.simulated_files import SimulatedFiles


def put_file(files: SimulatedFiles, path: str, data: bytes) -> None:
    """Puts a file in place of what stands there, durable at once; folders on the way are made."""
    folder = path.rpartition("/")[0]
    files.make_folders(folder)
    if files.exists(path):
        files.remove(path)
    file = files.open(path, "x")
    file.write_at(0, data)
    file.sync()
    file.close()
    while folder:
        files.sync_folder(folder)
        folder = folder.rpartition("/")[0]
    files.sync_folder("/")
