"""Copies between the root and a store that is a folder: in pieces, resumed where they were, checked by SHA-256.

A manifest `<name>.sha256` stands beside each file of a store, in the form that `sha256sum -c` reads. Every function
that makes steps is a generator: whoever drives it may do something else, or lose its power, between any two.
"""

from __future__ import annotations

import errno
import posixpath
from hashlib import sha256
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.finding import move_aside
from kittiwake.storage.streamed import PART, StreamedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding
    from kittiwake_components.transfer_service.jobs import Job

    Steps = Generator[bool | None, None, None]
    Read = Callable[[int, int], Generator[bool | None, None, bytes]]

MANIFEST = ".sha256"
MAX_MANIFEST = 512
MAX_ENTRIES = 10_000
DIGEST_SIZE = 64


class ChecksumFault(ValueError):
    """A copy that is not what it should be; `kept` is where it was put aside, if it was."""

    def __init__(self, path: str, wanted: str, found: str, kept: Finding | None = None) -> None:
        super().__init__(f"{path} has SHA-256 {found[:16]}.., {wanted[:16]}.. is wanted")
        self.kept = kept


def digest_of(files: Files, path: str, chunk: int) -> Generator[bool | None, None, tuple[str, int]]:
    """The SHA-256 of a file in hexadecimal, and its size. Raises `OSError`."""
    found, offset = sha256(), 0
    with files.open(path, "r") as file:
        while data := file.read_at(offset, chunk):
            found.update(data)
            offset += len(data)
            yield None
    return found.hexdigest(), offset


def read_manifest(files: Files, path: str) -> str:
    """The digest that a file's manifest states; empty without one that can be read."""
    try:
        return digest_in(files.read(path + MANIFEST, MAX_MANIFEST))
    except OSError:
        return ""


def manifest_of(digest: str, path: str) -> bytes:
    """The manifest of a file, as `sha256sum -c` reads it in the folder of the file."""
    return f"{digest}  {posixpath.basename(path)}\n".encode()


def digest_in(manifest: bytes) -> str:
    """The digest that a manifest states; empty without one."""
    digest = manifest[:DIGEST_SIZE].decode("ascii", "replace")
    is_digest = len(digest) == DIGEST_SIZE and all(letter in "0123456789abcdef" for letter in digest)
    return digest if is_digest else ""


def used_bytes(files: Files, folder: str) -> int:
    """What the files below a folder take. Raises `OSError`, also for more than `MAX_ENTRIES`."""
    total, waiting, seen = 0, [folder], 0
    while waiting:
        path = waiting.pop()
        for name in files.list(path):
            seen += 1
            if seen > MAX_ENTRIES:
                raise OSError(errno.EFBIG, f"the store has more than {MAX_ENTRIES} files")
            entry = posixpath.join(path, name)
            if files.is_folder(entry):
                waiting.append(entry)
            else:
                total += files.size(entry)
    return total


def filled(
    part: StreamedFile, read: Read, job: Job, keep: Callable[[Job], None], chunk: int
) -> Generator[bool | None, None, str]:
    """Fills a part from where it was, and gives its digest, read back from it. Raises `OSError`."""
    if not job.offset or part.resume() < job.offset:
        part.start()
        job.offset = 0
    while data := (yield from read(job.offset, chunk)):
        part.write_at(job.offset, data)
        part.sync()
        job.offset += len(data)
        keep(job)
    found, offset = sha256(), 0
    while data := part.read_at(offset, chunk):
        found.update(data)
        offset += len(data)
        yield None
    return found.hexdigest()


def removed_unless_changed(files: Files, path: str, digest: str, chunk: int) -> Generator[bool | None, None, bool]:
    """Removes a file that the other side has, if it still has that SHA-256; says whether it is gone, durably."""
    try:
        found, _ = yield from digest_of(files, path, chunk)
        if found != digest:
            return False
        files.remove(path)
        files.sync_folder(posixpath.dirname(path))
    except FileNotFoundError:
        pass  # removed before a restart
    except OSError:
        return False
    return True


def put_aside(files: Files, part: StreamedFile, path: str) -> Finding:
    """Keeps the part of `path` as evidence, and says where."""
    part.suspend()
    kept = move_aside(files, path + PART, "fails its checksum")
    files.sync_folder(posixpath.dirname(path))
    return kept


class Copy:
    """One copy of `source` to `target`; `keep` makes the job's progress durable, at least once a `chunk` of bytes.

    What is put into a store that `has_manifests` gets one beside it.
    """

    def __init__(
        self, files: Files, source: str, target: str, job: Job, keep: Callable[[Job], None], chunk: int, limit: int, *,
        has_manifests: bool = True,
    ) -> None:  # fmt: skip
        self._files = files
        self._source = source
        self._target = target
        self._job = job
        self._keep = keep
        self._chunk = chunk
        self._limit = limit
        self._has_manifests = has_manifests

    def put(self, bucket: str, quota: int) -> Steps:
        """Into the store. Raises `OSError`, and `ChecksumFault` for a copy that differs: it is dropped."""
        files, job, target = self._files, self._job, self._target
        if not job.digest:
            job.digest, job.size = yield from digest_of(files, self._source, self._chunk)
            self._keep(job)
        if (yield from self._has(job.digest)):
            return
        if quota and used_bytes(files, bucket) - self._standing() + job.size > quota:
            raise OSError(errno.EDQUOT, f"{job.size} bytes would go over the store's quota of {quota}")
        make_folders_durably(files, posixpath.dirname(target))
        part = StreamedFile(files, target, self._limit)
        found = yield from self._copied(part)
        if found != job.digest:
            part.abort()
            raise ChecksumFault(self._source, job.digest, found)
        # A reader meets the new file without a manifest, but never beside that of another.
        if self._has_manifests:
            self._drop_manifest()
        part.finish(size=job.size)
        if self._has_manifests:
            self._write_manifest()

    def get(self) -> Steps:
        """Out of the store. Raises as `put` does; a copy that differs from the manifest is put aside."""
        files, job = self._files, self._job
        digest, size = read_manifest(files, self._source), files.size(self._source)
        if (digest, size) != (job.digest, job.size):
            job.begin_anew()
            job.digest, job.size = digest, size
        if digest and (yield from self._is(digest)):
            return
        make_folders_durably(files, posixpath.dirname(self._target))
        part = StreamedFile(files, self._target, self._limit)
        found = yield from self._copied(part)
        if digest and found != digest:
            raise ChecksumFault(self._source, digest, found, put_aside(files, part, self._target))
        part.finish(size=size)

    def _standing(self) -> int:
        """What the copy will give back of the store's room: the file it replaces, and its own part."""
        paths = (self._target, self._target + PART)
        return sum([self._files.size(path) for path in paths if self._files.exists(path)])

    def _has(self, digest: str) -> Generator[bool | None, None, bool]:
        """Whether the store holds this very file, with its manifest: the one before a restart was the last step."""
        if self._has_manifests and read_manifest(self._files, self._target) != digest:
            return False
        return (yield from self._is(digest))

    def _is(self, digest: str) -> Generator[bool | None, None, bool]:
        if not self._files.exists(self._target):
            return False
        found, _ = yield from digest_of(self._files, self._target, self._chunk)
        return found == digest

    def _copied(self, part: StreamedFile) -> Generator[bool | None, None, str]:
        with self._files.open(self._source, "r") as source:

            def read(offset: int, count: int) -> Generator[bool | None, None, bytes]:
                yield None
                return source.read_at(offset, count)

            return (yield from filled(part, read, self._job, self._keep, self._chunk))

    def _drop_manifest(self) -> None:
        try:
            self._files.remove(self._target + MANIFEST)
        except FileNotFoundError:
            return
        self._files.sync_folder(posixpath.dirname(self._target))

    def _write_manifest(self) -> None:
        place_file(self._files, self._target + MANIFEST, (manifest_of(self._job.digest, self._target),))
        self._files.sync_folder(posixpath.dirname(self._target))
