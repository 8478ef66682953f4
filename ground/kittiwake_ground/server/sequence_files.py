"""What the sequence files of a deployment hold, as far as it was seen here: what is hazardous in them is asked for.

Seen is what was brought up from here or came down, in packets. Its size and its CRC-32 say which content that was: a
file of which the deployment says anything else, or that something else has replaced, is not known any more.
"""

from __future__ import annotations

import logging
import posixpath
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from kittiwake.sequence.binary import SequenceError
from kittiwake.sequence.timeline import timeline
from kittiwake_ground.archive import MAX_SEQUENCE_FILES, SequenceFile
from kittiwake_ground.server.confirming import command_names
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.transfer import COMPLETED, PACKETS, RUNNING, UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.sequence.timeline import Step
    from kittiwake_ground.server.transfer import Transfer

    Keep = Callable[[str, SequenceFile | None], None]

MAX_SIZE = 4 << 20
"""The largest file that is looked into, in bytes."""

_READER = ThreadPoolExecutor(1, "sequence-reader")
"""Reads files beside the event loop: the longest take a second or two."""

_log = logging.getLogger(__name__)


class _Seen(NamedTuple):
    """A file, and its steps if it was seen since the server started."""

    file: SequenceFile
    steps: tuple[Step, ...] = ()


def board_path(remote: str) -> str:
    """The one name of a file in a deployment, whose names count from its root with or without a stroke in front."""
    return "/" + posixpath.normpath("/" + remote).lstrip("/")


class SequenceFiles:
    """The sequence files of one deployment, at most `MAX_SEQUENCE_FILES` of them. Use it in the event loop's thread.

    `keep` is told what is to outlive the server: of a path what the file there holds, or `None` for nothing known.
    """

    def __init__(self, dictionary: Dictionary, keep: Keep = lambda path, file: None) -> None:
        self._dictionary = dictionary
        self._keep = keep
        self._seen: dict[str, _Seen] = {}
        self._rising: dict[int, Future[_Seen | None]] = {}
        self._changing: dict[int, str] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of which it is known what they hold."""
        return tuple(self._seen)

    def commands_of(self, remote: str) -> tuple[str, ...]:
        """The commands that a file sends, each once, or nothing if that is not known."""
        seen = self._seen.get(board_path(remote))
        return () if seen is None else seen.file.commands

    def steps_of(self, remote: str) -> tuple[Step, ...]:
        """The steps of a file, or nothing if it was not seen since the server started."""
        seen = self._seen.get(board_path(remote))
        return () if seen is None else seen.steps

    def knows(self, remote: str) -> bool:
        """Whether it is known what a file holds."""
        return board_path(remote) in self._seen

    def restore(self, files: Iterable[SequenceFile]) -> None:
        """Takes what was kept by an earlier server, the oldest first; what was seen since is newer."""
        self._seen = {one.path: _Seen(one) for one in files} | self._seen

    def note(self, remote: str, content: bytes) -> None:
        """Takes what a file holds now; one that is no sequence of this dictionary is not known."""
        self._take(remote, self._look_into(remote, content))

    def forget(self, remote: str) -> None:
        """The file is no more, or another one."""
        path = board_path(remote)
        if self._seen.pop(path, None) is not None:
            self._keep(path, None)

    def _take(self, remote: str, seen: _Seen | None) -> None:
        if seen is None:
            self.forget(remote)
            return
        path = seen.file.path
        self._seen.pop(path, None)
        self._seen[path] = seen
        self._keep(path, seen.file)
        if len(self._seen) > MAX_SEQUENCE_FILES:
            del self._seen[next(iter(self._seen))]

    def _look_into(self, remote: str, content: bytes) -> _Seen | None:
        if len(content) > MAX_SIZE:
            return None
        try:
            steps = tuple(timeline(content, self._dictionary, now_us()))
        except SequenceError:
            return None
        names = tuple(one for one in command_names(steps) if one in self._dictionary.commands)
        return _Seen(
            SequenceFile(board_path(remote), len(content), crc32(content), len(steps), names, now_us()), steps
        )  # fmt: skip

    # Files on their way

    def take_transfer(self, transfer: Transfer) -> None:
        """A file goes up or comes down: call it for each step of that."""
        if transfer.way != PACKETS:
            return  # by CFDP it goes to a folder of the deployment's choice
        if transfer.direction == UP:
            self._rise(transfer)
        elif transfer.state == COMPLETED and transfer.path is not None:
            self._compare(transfer)

    def _rise(self, transfer: Transfer) -> None:
        id, content = transfer.id, transfer.content
        if id not in self._rising and content is not None:
            self._rising[id] = _READER.submit(self._look_into, transfer.remote, content)
        if transfer.state == RUNNING and id not in self._changing:
            self._changing[id] = board_path(transfer.remote)
            self._keep(self._changing[id], None)  # killed from here on, the server does not know what is there
        if not transfer.is_final:
            return
        self._changing.pop(id, None)
        read = self._rising.pop(id, None)
        if transfer.state == COMPLETED and read is not None:
            self._take(transfer.remote, read.result())
        elif (before := self._seen.get(board_path(transfer.remote))) is not None:
            self._keep(before.file.path, before.file)

    def _compare(self, transfer: Transfer) -> None:
        """What has come down is what is there."""
        assert transfer.path is not None
        try:
            small = transfer.path.stat().st_size <= MAX_SIZE
            content = transfer.path.read_bytes() if small else b""
        except OSError:
            _log.exception("%s, which has come down, cannot be looked into", transfer.remote)
            return
        self._take(transfer.remote, self._look_into(transfer.remote, content))

    # What the deployment says

    def take_event(self, event: DecodedEvent) -> None:
        """Looks whether an event tells that a file is another one by now."""
        told = _TOLD.get(event.name.rpartition(".")[2])
        if told is not None:
            told(self, *event.args)

    def _removed(self, name: str, *_: Any) -> None:
        self.forget(name)

    def _appended(self, source: str, target: str, *_: Any) -> None:
        self.forget(target)

    def _moved(self, source: str, target: str, *_: Any) -> None:
        """A file has another name now; so may have all those in a folder."""
        seen = self._seen.get(board_path(source))
        folder = board_path(source) + "/"
        for path in [one for one in self._seen if one.startswith(folder)]:
            self.forget(path)
        self.forget(source)
        path = board_path(target)
        self._take(target, None if seen is None else seen._replace(file=seen.file._replace(path=path)))

    def _received(self, name: str, *_: Any) -> None:
        """A file has arrived: one of ours, which is known once its transfer has ended, or somebody else's."""
        if board_path(name) not in self._changing.values():
            self.forget(name)

    def _sized(self, name: str, size: int, *_: Any) -> None:
        seen = self._seen.get(board_path(name))
        if seen is not None and seen.file.size != size:
            self.forget(name)

    def _listed(self, folder: str, name: str, size: int, *_: Any) -> None:
        self._sized(posixpath.join(folder, name), size)

    def _summed(self, name: str, crc: int, *_: Any) -> None:
        seen = self._seen.get(board_path(name))
        if seen is not None and seen.file.crc != crc:
            self.forget(name)

    def ran(self, remote: str, step: int) -> None:
        """A step of a file has been answered, counted from 0: one that is not in it is another file's."""
        seen = self._seen.get(board_path(remote))
        if seen is not None and step >= seen.file.steps:
            self.forget(remote)


_TOLD: dict[str, Callable[..., None]] = {
    "RemoveFileSucceeded": SequenceFiles._removed,
    "AppendFileSucceeded": SequenceFiles._appended,
    "MoveFileSucceeded": SequenceFiles._moved,
    "FileReceived": SequenceFiles._received,
    "FileSizeSucceeded": SequenceFiles._sized,
    "DirectoryListing": SequenceFiles._listed,
    "CalculateCrcSucceeded": SequenceFiles._summed,
}
"""What tells of a file, by the mnemonic of F´'s file manager and file uplink."""
