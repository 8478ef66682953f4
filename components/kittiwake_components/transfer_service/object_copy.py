"""Copies between the root and a bucket of an S3-compatible server."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.streamed import FileTooLarge, StreamedFile
from kittiwake_components.transfer_service.folder_copy import ChecksumFault, digest_of, filled, put_aside
from kittiwake_components.transfer_service.s3 import DIGEST_HEADER, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.interface import Files
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.jobs import Job
    from kittiwake_components.transfer_service.s3 import Answer, Bucket


class ObjectCopy:
    """One copy between the file at `path` and the object `key`; `keep` makes the job's progress durable."""

    def __init__(
        self, files: Files, path: str, bucket: Bucket, key: str, job: Job, keep: Callable[[Job], None], chunk: int,
        limit: int,
    ) -> None:  # fmt: skip
        self._files = files
        self._path = path
        self._bucket = bucket
        self._key = key
        self._job = job
        self._keep = keep
        self._chunk = chunk
        self._limit = limit

    def put(self) -> Steps:
        """Into the bucket, in one request: the server checks the digest, and is asked for it afterwards."""
        job = self._job
        job.digest, job.size = yield from digest_of(self._files, self._path, self._chunk)
        if job.size > self._limit:
            raise FileTooLarge(self._path, job.size, self._limit)
        self._keep(job)
        if self._is_same((yield from self._bucket.head(self._key))):
            return
        headers = {"content-length": str(job.size), DIGEST_HEADER: job.digest}
        yield from self._bucket.begin("PUT", self._key, job.digest, headers)
        with self._files.open(self._path, "r") as file:
            offset = 0
            while offset < job.size:
                data = file.read_at(offset, min(self._chunk, job.size - offset))
                if not data:
                    raise OSError(errno.EIO, "the file became shorter on its way")
                yield from self._bucket.send(data)
                offset += len(data)
        answer = yield from self._bucket.answer()
        if answer.status == NOT_FOUND:
            raise OSError(errno.ENODEV, "there is no such bucket")
        stored = yield from self._bucket.head(self._key)
        if not self._is_same(stored):
            raise ChecksumFault(self._path, job.digest, stored.headers.get(DIGEST_HEADER, ""))

    def _is_same(self, answer: Answer) -> bool:
        job, headers = self._job, answer.headers
        return headers.get(DIGEST_HEADER) == job.digest and headers.get("content-length") == str(job.size)

    def get(self) -> Steps:
        """Out of the bucket, a request for each chunk; a restart goes on where it was, if the object is the same."""
        files, job, folder = self._files, self._job, posixpath.dirname(self._path)
        found = yield from self._bucket.head(self._key)
        if found.status == NOT_FOUND:
            raise FileNotFoundError(errno.ENOENT, "the store has no such object")
        size, tag = int(found.headers.get("content-length", "0")), found.headers.get("etag", "")
        digest = found.headers.get(DIGEST_HEADER, "") or tag
        if (digest, size) != (job.digest, job.size):
            job.begin_anew()
            job.digest, job.size = digest, size
        make_folders_durably(files, folder)
        part = StreamedFile(files, self._path, self._limit)

        def read(offset: int, count: int) -> Generator[bool | None, None, bytes]:
            count = min(count, size - offset)
            return (yield from self._bucket.read(self._key, offset, count, tag)) if count > 0 else b""

        stated = found.headers.get(DIGEST_HEADER, "")
        copied = yield from filled(part, read, job, self._keep, self._chunk)
        if stated and copied != stated:
            raise ChecksumFault(self._path, stated, copied, put_aside(files, part, self._path))
        part.finish(size=size)
