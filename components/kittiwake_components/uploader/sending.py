"""One upload: the file is checked against its manifest, sent, proved, and only then the sidecar follows."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake.model import CommandResponse
from kittiwake.storage.root import reason_of
from kittiwake_components.transfer_service.folder_copy import digest_of
from kittiwake_components.transfer_service.jobs import Asked, Job
from kittiwake_components.transfer_service.servers import Servers
from kittiwake_components.transfer_service.worker import WAITING
from kittiwake_components.uploader.captures import SIDECAR
from kittiwake_components.uploader.manifest import Mismatch, read_sidecar

if TYPE_CHECKING:
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.stores import Login, Store
    from kittiwake_components.uploader.captures import Capture
    from kittiwake_components.uploader.component import Uploader
    from kittiwake_components.uploader.marks import Marks
    from kittiwake_components.uploader.output_folders import OutputFolders


class Sending:
    """Sends captures of `output` to `remote` for `uploader`; `login` stands for the file of a remote without one."""

    def __init__(
        self, uploader: Uploader, output: OutputFolders, marks: Marks, remote: Store, login: Login | None
    ) -> None:  # fmt: skip
        self._uploader = uploader
        self._files = uploader.platform.files
        self._output = output
        self._marks = marks
        self._remote = remote
        self._servers = Servers(uploader, self._keep, has_manifests=False, login=login, keeps_session=True)
        self._token = 0
        self._answers: dict[int, CommandResponse | None] = {}

    def sent(self, capture: Capture) -> Steps:
        """Sends a capture: at the end the other side has it, file and sidecar.

        Raises `Mismatch` for a file that is not what its manifest says, `ChecksumFault` for a copy that is not, and
        `OSError`.
        """
        path = self._output.path_of(capture)
        manifest = read_sidecar(self._files, path)
        if (yield from digest_of(self._files, path, self._uploader.chunk)) != manifest:
            raise Mismatch("it is not what its manifest says")
        job = self._marks.job_of(self._asked(capture, ""))
        if job.digest != manifest.digest:
            job.begin_anew()
            job.digest, job.size = manifest
        if job.offset:
            self._uploader.upload_resumed(capture.path, job.offset)
        yield from self._carried(job)
        if job.digest != manifest.digest:
            raise Mismatch("it has changed on its way")
        yield from self._carried(Job(1, self._asked(capture, SIDECAR), 0))
        capture.digest = manifest.digest

    def rest(self) -> None:
        """Nothing is to be sent now."""
        self._servers.rest()

    def _asked(self, capture: Capture, end: str) -> Asked:
        return Asked(True, self._remote.name, capture.name + end, capture.path + end)

    def _carried(self, job: Job) -> Steps:
        if self._remote.backend == "service":
            return self._handed_on(job)
        return self._servers.copied(job, self._remote)

    def _keep(self, job: Job) -> None:
        """Makes progress durable, where it is that of a file and the disk lets us: without it nothing is lost."""
        if job is not self._marks.begun:
            return
        try:
            self._marks.keep(job)
        except (OSError, ValueError) as fault:
            self._uploader.journal_failed(reason_of(fault))

    # By the transfer service

    def _handed_on(self, job: Job) -> Steps:
        """Has the transfer service carry a file. Raises `OSError` if it does not."""
        uploader, asked = self._uploader, job.asked
        if not uploader.has_transfer_service:
            raise OSError(errno.ENODEV, "no transfer service is connected")
        self._token = self._token % 0xFFFFFFFF + 1 if self._token else self._first_token()
        token = self._token
        self._answers = {token: None}
        uploader.transfer_put(self._remote.name, asked.file, self._remote.name_of(asked.name), False, token)
        while self._answers.get(token) is None:
            yield WAITING
        response = self._answers.pop(token)
        if response is not CommandResponse.OK:
            raise OSError(errno.EAGAIN, f"the transfer service answers {response.name if response else 'nothing'}")

    def _first_token(self) -> int:
        """At random: answers to what was asked before a restart come too."""
        return int.from_bytes(self._uploader.platform.random.token_bytes(4), "big") or 1

    def answered(self, token: int, response: CommandResponse) -> bool:
        """The transfer service has answered; says whether somebody waits for that."""
        if token not in self._answers:
            return False
        self._answers[token] = response
        return True
