"""Copies between the root and a server with folders (FTP, SFTP): resumed where they were, and over only on evidence.

That the server has acknowledged a transfer and states its size is no evidence: it says how many bytes it was given, not
what it keeps. Evidence is the SHA-256 that the server computes of its file where it can (HASH, XSHA256), else the file
itself, read back. Only then does the part get its name, and the manifest is written beside it.
"""

from __future__ import annotations

import errno
import posixpath
from hashlib import sha256
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.streamed import PART, FileTooLarge, StreamedFile
from kittiwake_components.transfer_service.far_client import PIECE, files_below
from kittiwake_components.transfer_service.folder_copy import (
    MANIFEST,
    MAX_ENTRIES,
    MAX_MANIFEST,
    ChecksumFault,
    digest_in,
    digest_of,
    filled,
    manifest_of,
    put_aside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.interface import Files
    from kittiwake_components.transfer_service.far_client import FarClient
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.jobs import Job
    from kittiwake_components.transfer_service.worker import Worker

LONG_CALL_S = 360.0
"""For listings and digests."""

_NEW = ".new"


class FarFile:
    """A file of the server, `path` there. With `is_read_back` a copy is read back where nothing else proves it.

    Where it `has_manifest`, one stands beside it.
    """

    def __init__(
        self, client: FarClient, worker: Worker, path: str, *, is_read_back: bool, has_manifest: bool = True
    ) -> None:  # fmt: skip
        self.client = client
        self.call = worker.call
        self.path = path
        self.is_read_back = is_read_back
        self._has_manifest = has_manifest

    def connect(self) -> None:
        """Connects, unless a copy before this one has; in the thread, as all that asks the client."""
        if not self.client.is_connected:
            self.client.connect()

    def manifest(self) -> Generator[bool | None, None, str]:
        """The digest that the manifest beside the file states; empty without one."""
        if not self._has_manifest:
            return ""
        text = yield from self.call(lambda: self.client.read(self.path + MANIFEST, MAX_MANIFEST))
        return digest_in(text or b"")

    def write_manifest(self, digest: str) -> Steps:
        """Writes it beside, reads it back, and renames it."""
        if not self._has_manifest:
            return
        path, text = self.path + MANIFEST, manifest_of(digest, self.path)
        yield from self.call(lambda: self.client.write(path + _NEW, text))
        if (yield from self.call(lambda: self.client.read(path + _NEW, MAX_MANIFEST))) != text:
            raise OSError(errno.EIO, "the server does not keep the manifest as it was sent")
        yield from self.call(lambda: self.client.replace(path + _NEW, path))

    def stated_digest(self, path: str) -> Generator[bool | None, None, str]:
        """The digest that the server computes; empty where it computes none."""
        return (yield from self.call(lambda: self.client.digest(path), LONG_CALL_S))

    def kept_digest(self, path: str, job: Job) -> Generator[bool | None, None, str]:
        """The digest of what the server keeps at `path`, on the best evidence that there is."""
        stated = yield from self.stated_digest(path)
        if stated:
            return stated
        if not self.is_read_back:
            size = yield from self.call(lambda: self.client.size(path))
            return job.digest if size == job.size else ""
        found, count = sha256(), 0
        yield from self.call(lambda: self.client.begin_download(path))
        while data := (yield from self.call(lambda: self.client.receive(PIECE))):
            found.update(data)
            count += len(data)
            if count > job.size:
                raise OSError(errno.EIO, f"the server keeps more than the {job.size} bytes of the file")
        return found.hexdigest()


class ServerCopy:
    """One copy between the file at `path` and one of a server; `keep` makes the job's progress durable."""

    def __init__(
        self, files: Files, path: str, far: FarFile, job: Job, keep: Callable[[Job], None], chunk: int, limit: int
    ) -> None:
        self._files = files
        self._path = path
        self._far = far
        self._call = far.call
        self._client = far.client
        self._job = job
        self._keep = keep
        self._chunk = chunk
        self._limit = limit

    def put(self, top: str, quota: int) -> Steps:
        """To the server. Raises `OSError`, and `ChecksumFault` for a copy that differs: it is dropped."""
        job, far, client = self._job, self._far, self._client
        digest, size = yield from digest_of(self._files, self._path, self._chunk)
        if (digest, size) != (job.digest, job.size):
            job.begin_anew()
            job.digest, job.size = digest, size
        if size > self._limit:
            raise FileTooLarge(self._path, size, self._limit)
        self._keep(job)
        yield from self._call(self._far.connect)
        manifest = yield from far.manifest()
        if (yield from self._stands(manifest)):
            if manifest != digest:
                yield from far.write_manifest(digest)
            return
        if quota:
            yield from self._check_quota(top, quota)
        yield from self._call(lambda: client.make_folders(posixpath.dirname(far.path)))
        part = far.path + PART
        yield from self._uploaded(part)
        found = yield from far.kept_digest(part, job)
        if found != digest:
            yield from self._call(lambda: client.remove(part))
            raise ChecksumFault(self._path, digest, found)
        if manifest:  # a reader never meets the new file beside the manifest of another
            yield from self._call(lambda: client.remove(far.path + MANIFEST))
        yield from self._call(lambda: client.replace(part, far.path))
        yield from far.write_manifest(digest)

    def _stands(self, manifest: str) -> Generator[bool | None, None, bool]:
        """Whether the server has this very file already: the power went before the last step, or it was put before.

        Without the manifest the size alone says nothing: an old file may have the same.
        """
        job, far = self._job, self._far
        if manifest != job.digest and (job.offset < job.size or not far.is_read_back):
            return False
        if (yield from self._call(lambda: self._client.size(far.path))) != job.size:
            return False
        return (yield from far.kept_digest(far.path, job)) == job.digest

    def _check_quota(self, top: str, quota: int) -> Steps:
        job, far = self._job, self._far
        found = yield from self._call(lambda: files_below(self._client, top, MAX_ENTRIES), LONG_CALL_S)
        given_back = (far.path, far.path + PART)
        used = sum([max(0, entry.size) for entry in found if posixpath.join(top, entry.name) not in given_back])
        if used + job.size > quota:
            raise OSError(errno.EDQUOT, f"{job.size} bytes would go over the store's quota of {quota}")

    def _uploaded(self, part: str) -> Steps:
        """Sends what the part lacks. Only one that this job has begun is gone on with."""
        job, client = self._job, self._client
        there = (yield from self._call(lambda: client.size(part))) if job.offset else None
        offset = there if there is not None and there <= job.size else 0
        if offset and offset == job.size:
            return
        offset = job.offset = yield from self._call(lambda: client.begin_upload(part, offset))
        with self._files.open(self._path, "r") as file:
            while offset < job.size:
                data = file.read_at(offset, min(PIECE, self._chunk, job.size - offset))
                if not data:
                    raise OSError(errno.EIO, "the file became shorter on its way")
                yield from self._call(lambda data=data: client.send(data))  # type: ignore[misc]
                offset += len(data)
                if offset - job.offset >= self._chunk:
                    job.offset = offset
                    self._keep(job)
        yield from self._call(client.end_upload)
        job.offset = offset
        self._keep(job)

    def get(self) -> Steps:
        """From the server. Raises as `put` does; a copy that differs from the manifest is put aside."""
        files, job, far, client = self._files, self._job, self._far, self._client
        yield from self._call(self._far.connect)
        size = yield from self._call(lambda: client.size(far.path))
        manifest = yield from far.manifest()
        stamp = manifest or (yield from self._call(lambda: client.modified(far.path)))
        if not stamp or (stamp, size) != (job.digest, job.size):
            job.begin_anew()
            job.digest, job.size = stamp, size or 0
        if manifest and (yield from self._is_here(manifest)):
            return
        if (size or 0) > self._limit:
            raise FileTooLarge(far.path, size or 0, self._limit)
        make_folders_durably(files, posixpath.dirname(self._path))
        part = StreamedFile(files, self._path, self._limit)
        copied = yield from self._downloaded(part, size)
        stated = manifest or (yield from far.stated_digest(far.path))
        if stated and copied != stated:
            raise ChecksumFault(self._path, stated, copied, put_aside(files, part, self._path))
        job.size = part.size()
        part.finish(size=size)

    def _is_here(self, digest: str) -> Generator[bool | None, None, bool]:
        if not self._files.exists(self._path):
            return False
        found, _ = yield from digest_of(self._files, self._path, self._chunk)
        return found == digest

    def _downloaded(self, part: StreamedFile, size: int | None) -> Generator[bool | None, None, str]:
        """Fetches what the part lacks, and gives the digest of the whole."""
        job, client, path = self._job, self._client, self._path + PART
        if not self._files.exists(path) or self._files.size(path) < job.offset:
            job.offset = 0
        if not job.offset or job.offset != size:  # else all has come: no server need understand an offset at the end
            job.offset = yield from self._call(lambda: client.begin_download(self._far.path, job.offset))

        faults: list[OSError] = []

        def read(offset: int, count: int) -> Generator[bool | None, None, bytes]:
            found = bytearray()
            while (missing := count - len(found)) and not faults:
                try:
                    data = yield from self._call(lambda missing=missing: client.receive(missing))  # type: ignore[misc]
                except OSError as fault:
                    faults.append(fault)
                    break
                if not data:
                    break
                found += data
            if faults and not found:  # what has come before the fault is kept first
                raise faults[0]
            return bytes(found)

        return (yield from filled(part, read, job, self._keep, self._chunk))
