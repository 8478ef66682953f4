"""Stores: their credentials, and the copies to and from them; those of servers are made in a thread of a `Worker`."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Protocol

from kittiwake.storage.root import Root
from kittiwake_components.transfer_service.folder_copy import MAX_ENTRIES, Copy
from kittiwake_components.transfer_service.stores import split_host
from kittiwake_components.transfer_service.syncing import is_unfinished
from kittiwake_components.transfer_service.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.loop import Loop
    from kittiwake_components.transfer_service.far_client import FarClient
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.jobs import Job
    from kittiwake_components.transfer_service.stores import Login, Store

MAX_CREDENTIALS = 1024
MAX_KEY = 16_384
MAX_CERTIFICATES = 1 << 20


class Carrying(Protocol):
    """The component for which copies are made."""

    @property
    def platform(self) -> Platform:
        """Where its files and its clock are."""

    @property
    def root(self) -> Root:
        """The folder of its files."""

    @property
    def chunk(self) -> int:
        """Progress is made durable once in so many bytes."""

    @property
    def max_file_bytes(self) -> int:
        """The largest file."""

    @property
    def loop(self) -> Loop:
        """On which it takes its steps."""

    def wake(self) -> None:
        """Goes on with the steps."""


class Servers:
    """Copies for `service`; `keep` makes a job's progress durable. A protocol's slow modules load when it is used.

    Beside each file that is put there stands a manifest, where the stores have some. `login` is for servers of stores
    that name no file with one. With `keeps_session` the session with a server serves the next copy too, until `rest`;
    all copies are then of one store.
    """

    def __init__(
        self, service: Carrying, keep: Callable[[Job], None], *, has_manifests: bool = True, login: Login | None = None,
        keeps_session: bool = False,
    ) -> None:  # fmt: skip
        self._service = service
        self._files = service.platform.files
        self._keep = keep
        self._has_manifests = has_manifests
        self._login = login
        self._keeps_session = keeps_session
        self._session: FarClient | None = None

    def rest(self) -> None:
        """Nothing is to be copied now: ends the session that was kept."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def copied(self, job: Job, store: Store) -> Steps:
        """Carries a job out. Raises `OSError`, and `ChecksumFault`."""
        if store.backend == "s3":
            return self._by_s3(job, store)
        return self._by_client(job, store) if store.endpoint else self._by_folder(job, store)

    def _by_folder(self, job: Job, store: Store) -> Steps:
        files, service = self._files, self._service
        if not files.is_folder(store.location):
            raise OSError(errno.ENODEV, "the store's folder is not there")
        local = service.root.resolve(job.asked.file)
        far = Root(files, store.location).resolve(store.name_of(job.asked.name))
        source, target = (local, far) if job.asked.is_put else (far, local)
        copy = Copy(
            files, source, target, job, self._keep, service.chunk, service.max_file_bytes,
            has_manifests=self._has_manifests,
        )  # fmt: skip
        yield from copy.put(store.location, store.quota) if job.asked.is_put else copy.get()

    def _worker(self) -> Worker:
        return Worker(self._service.loop, self._service.wake, self._service.platform)

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

    def _client(self, store: Store) -> FarClient:
        from kittiwake_components.transfer_service.ftp_session import PORT, Server, parse_login

        login = self._login
        if store.credentials or login is None:
            login = parse_login(self._read("credentials", store.credentials, MAX_CREDENTIALS))
        scheme, _, address = store.endpoint.partition("://")
        if scheme == "sftp":
            from kittiwake_components.transfer_service.sftp import SSH_PORT, SftpClient, SshServer

            host, port = split_host(address, SSH_PORT)
            known_hosts = self._read("known hosts", store.trusted, MAX_CERTIFICATES)
            key = self._read("keys", store.key, MAX_KEY) if store.key else b""
            server = SshServer(host, int(port), known_hosts.decode("utf-8", "replace"), key)
            return SftpClient(server, login, self._service.platform)
        from kittiwake_components.transfer_service.ftp import FtpClient

        # Bundles have comments in other alphabets; what counts is ASCII.
        trusted = self._read("certificates", store.trusted, MAX_CERTIFICATES) if store.trusted else b""
        host, port = split_host(address, PORT)
        return FtpClient(Server(host, int(port), scheme == "ftps", trusted.decode("ascii", "ignore")), login)

    def _by_client(self, job: Job, store: Store) -> Steps:
        from kittiwake_components.transfer_service.server_copy import FarFile, ServerCopy

        files, service = self._files, self._service
        client, self._session = self._session or self._client(store), None
        far_path = posixpath.join(store.location, store.name_of(job.asked.name))
        is_read_back = store.check == "read"
        far = FarFile(
            client, self._worker(), far_path, is_read_back=is_read_back, has_manifest=self._has_manifests
        )  # fmt: skip
        path = service.root.resolve(job.asked.file)
        copy = ServerCopy(files, path, far, job, self._keep, service.chunk, service.max_file_bytes)
        is_well = False
        try:
            yield from copy.put(store.location, store.quota) if job.asked.is_put else copy.get()
            is_well = self._keeps_session
        finally:
            if is_well:
                self._session = client
            else:
                client.close()

    def names(self, store: Store) -> Generator[bool | None, None, list[str]]:
        """The files of a store of an FTP or SFTP server, by their names below its prefix. Raises `OSError`."""
        from kittiwake_components.transfer_service.far_client import files_below
        from kittiwake_components.transfer_service.server_copy import LONG_CALL_S

        client, worker = self._client(store), self._worker()
        top = posixpath.join(store.location, store.prefix)
        try:
            yield from worker.call(client.connect)
            found = yield from worker.call(lambda: files_below(client, top, MAX_ENTRIES), LONG_CALL_S)
        finally:
            client.close()
        return [entry.name for entry in found if not is_unfinished(entry.name)]
