"""What the server wants of an archive: it hands over what happened, and the archive never makes it wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.archive import SequenceFile


class ArchiveSink(Protocol):
    """Takes what is to be kept; every method returns at once and raises nothing. Times are microseconds since 1970."""

    @property
    def is_behind(self) -> bool:
        """Whether whoever reads a link should pause, so that nothing is lost."""

    def declare(self, deployment: str, dictionary: Dictionary) -> None:
        """The dictionary that a deployment is decoded with."""

    def add_samples(self, deployment: str, samples: Sequence[DecodedChannel], received_us: int) -> None:
        """Channel values that came together."""

    def add_events(self, deployment: str, events: Sequence[DecodedEvent], received_us: int) -> None:
        """Events that came together."""

    def add_raw(self, deployment: str, up: bool, data: bytes, at_us: int) -> None:
        """Bytes that the link carried."""

    def add_link_state(self, deployment: str, state: str, reason: str, at_us: int) -> None:
        """A state that the link went into."""

    def add_command(self, deployment: str, command: Mapping[str, Any]) -> None:
        """A command as it stands now, as the API shows it; called again on each step of its life with the same id."""

    def add_file(self, deployment: str, transfer: Mapping[str, Any]) -> None:
        """A transfer that has ended, as the API shows it."""

    def note_sequence_file(self, deployment: str, path: str, file: SequenceFile | None) -> None:
        """What a sequence file of the deployment holds, or with `None` that this is not known any more."""

    def add_audit(self, entry: Mapping[str, Any]) -> None:
        """A line of the audit trail."""


class NoArchive:
    """Keeps nothing, for `--no-archive`."""

    is_behind = False

    def declare(self, deployment: str, dictionary: Dictionary) -> None:
        """Drops it."""

    def add_samples(self, deployment: str, samples: Sequence[DecodedChannel], received_us: int) -> None:
        """Drops them."""

    def add_events(self, deployment: str, events: Sequence[DecodedEvent], received_us: int) -> None:
        """Drops them."""

    def add_raw(self, deployment: str, up: bool, data: bytes, at_us: int) -> None:
        """Drops them."""

    def add_link_state(self, deployment: str, state: str, reason: str, at_us: int) -> None:
        """Drops it."""

    def add_command(self, deployment: str, command: Mapping[str, Any]) -> None:
        """Drops it."""

    def add_file(self, deployment: str, transfer: Mapping[str, Any]) -> None:
        """Drops it."""

    def note_sequence_file(self, deployment: str, path: str, file: SequenceFile | None) -> None:
        """Drops it."""

    def add_audit(self, entry: Mapping[str, Any]) -> None:
        """Drops it."""
