"""Stores on servers: their credentials, and the copies to and from them, which a thread of a `Worker` makes."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake_components.transfer_service.folder_copy import MAX_ENTRIES
from kittiwake_components.transfer_service.stores import split_host
from kittiwake_components.transfer_service.syncing import is_unfinished
from kittiwake_components.transfer_service.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake_components.transfer_service.component import TransferService
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.ftp import FtpClient
    from kittiwake_components.transfer_service.jobs import Job
    from kittiwake_components.transfer_service.stores import Store

MAX_CREDENTIALS = 1024
MAX_CERTIFICATES = 1 << 20


class Servers:
    """Copies for `service`; `keep` makes a job's progress durable. A protocol's slow modules load when it is used."""

    def __init__(self, service: TransferService, keep: Callable[[Job], None]) -> None:
        self._service = service
        self._files = service.platform.files
        self._keep = keep

    def exchanged(self, job: Job, store: Store) -> Steps:
        """Carries a job out. Raises `OSError`, and `ChecksumFault`."""
        return self._by_ftp(job, store) if store.backend == "ftp" else self._by_s3(job, store)

    def _worker(self) -> Worker:
        service = self._service
        return Worker(service.wake_soon, service.platform.clock, has_threads=service.platform.has_threads)

    def _read(self, what: str, name: str, limit: int) -> bytes:
        try:
            data: bytes = self._files.read(self._service.root.resolve(name), limit)
        except FileNotFoundError:
            raise OSError(errno.EACCES, f"its {what} {name} are not there") from None
        return data

    def _by_s3(self, job: Job, store: Store) -> Steps:
        from kittiwake_components.transfer_service.object_copy import ObjectCopy
        from kittiwake_components.transfer_service.s3 import Bucket, Place, parse_keys

        files, service = self._files, self._service
        keys = parse_keys(self._read("credentials", store.credentials, MAX_CREDENTIALS))
        place = Place(store.endpoint, store.region, store.location)
        bucket = Bucket(place, keys, service.platform.clock, self._worker())
        path, key = service.root.resolve(job.asked.file), store.name_of(job.asked.name)
        copy = ObjectCopy(files, path, bucket, key, job, self._keep, service.chunk, service.max_file_bytes)
        try:
            yield from copy.put() if job.asked.is_put else copy.get()
        finally:
            bucket.close()

    def _client(self, store: Store) -> FtpClient:
        from kittiwake_components.transfer_service.ftp import FtpClient
        from kittiwake_components.transfer_service.ftp_session import PORT, Server, parse_login

        login = parse_login(self._read("credentials", store.credentials, MAX_CREDENTIALS))
        # Bundles have comments in other alphabets; what counts is ASCII.
        trusted = self._read("certificates", store.trusted, MAX_CERTIFICATES) if store.trusted else b""
        scheme, _, address = store.endpoint.partition("://")
        host, port = split_host(address, PORT)
        return FtpClient(Server(host, int(port), scheme == "ftps", trusted.decode("ascii", "ignore")), login)

    def _by_ftp(self, job: Job, store: Store) -> Steps:
        from kittiwake_components.transfer_service.ftp_copy import FarFile, FtpCopy

        files, service, client = self._files, self._service, self._client(store)
        far_path = posixpath.join(store.location, store.name_of(job.asked.name))
        far = FarFile(client, self._worker(), far_path, is_read_back=store.check == "read")
        path = service.root.resolve(job.asked.file)
        copy = FtpCopy(files, path, far, job, self._keep, service.chunk, service.max_file_bytes)
        try:
            yield from copy.put(store.location, store.quota) if job.asked.is_put else copy.get()
        finally:
            client.close()

    def names(self, store: Store) -> Generator[bool | None, None, list[str]]:
        """The files of an FTP store, by their names below its prefix. Raises `OSError`."""
        from kittiwake_components.transfer_service.ftp_copy import LONG_CALL_S
        from kittiwake_components.transfer_service.ftp_listing import files_below

        client, worker = self._client(store), self._worker()
        top = posixpath.join(store.location, store.prefix)
        try:
            yield from worker.call(client.connect)
            found = yield from worker.call(lambda: files_below(client, top, MAX_ENTRIES), LONG_CALL_S)
        finally:
            client.close()
        return [entry.name for entry in found if not is_unfinished(entry.name)]
