"""A deployment as it was: the parts that pages read, without a link, without tasks, and nothing that could be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from kittiwake_ground.server.commands import CommandRecord, CommandRefused, Commands
from kittiwake_ground.server.folders import Folders
from kittiwake_ground.server.hub import Hub
from kittiwake_ground.server.links import DOWN, SILENT_AFTER_S, UP, LinkReport
from kittiwake_ground.server.parameters import Parameters
from kittiwake_ground.server.sequences import Sequences
from kittiwake_ground.server.transfer import Transfer, TransferRefused
from kittiwake_ground.server.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.archive import LinkStep
    from kittiwake_ground.configuration import DeploymentConfiguration
    from kittiwake_ground.server.building import Building
    from kittiwake_ground.server.source import Source

REFUSAL = "this is the past: nothing can be sent from here"
MAX_PAYLOAD = 1
UNTOLD = (DOWN, 0, "how the link stood then is not archived")
HELD_VALUES = 1
"""Of each channel, the values that a replay holds: what came before is read from the archive."""


class PastHub(Hub):
    """The hub of a replay; what it finds wrong is of then, and nothing for today's log."""

    def _warn_of_mismatch(self) -> None:
        """Says nothing: the page shows it."""


class PastCommands(Commands):
    """The commands of then; none is taken."""

    def submit(
        self,
        name: str,
        arguments: Sequence[Any] | Mapping[str, Any] = (),
        by: str = "local",
        timeout_s: float | None = None,
        planned_us: int = 0,
    ) -> CommandRecord:
        """Raises `CommandRefused`."""
        raise CommandRefused(REFUSAL)

    def cancel(self, id: int) -> CommandRecord:
        """Raises `CommandRefused`."""
        raise CommandRefused(REFUSAL)


class PastTransfers(Transfers):
    """The transfers of then; none is taken."""

    def upload(self, content: bytes, remote: str, by: str = "local", name: str = "") -> Transfer:
        """Raises `TransferRefused`."""
        raise TransferRefused(REFUSAL)

    def download(self, remote: str, by: str = "local") -> Transfer:
        """Raises `TransferRefused`."""
        raise TransferRefused(REFUSAL)

    def cancel(self, id: int) -> Transfer:
        """Raises `TransferRefused`."""
        raise TransferRefused(REFUSAL)


class PastDeployment:
    """What pages read of a deployment, at the time that `clock` says; a `Source`."""

    building: Building | None = None
    """Nothing of a building is archived."""

    def __init__(self, live: Source, clock: Callable[[], int]) -> None:
        """`live` is the deployment whose past it is."""
        self.name = live.name
        self.configuration: DeploymentConfiguration = live.configuration
        self.dictionary: Dictionary = live.dictionary
        self.hazardous: frozenset[str] = live.hazardous
        self.hub: Hub = PastHub(live.name, live.dictionary, HELD_VALUES, clock)
        self.commands: Commands = PastCommands(
            live.configuration, live.dictionary, _refuse, _never, lambda record: None
        )
        self.transfers: Transfers = PastTransfers(
            live.dictionary, self.commands, live.configuration.dictionary.parent, 1.0, MAX_PAYLOAD, _refuse, _never,
            lambda transfer: None,
        )  # fmt: skip
        self.folders = Folders(live.dictionary, self.commands)
        self.sequences = Sequences(live.dictionary, self.commands, lambda run: None)
        self.parameters = Parameters(
            live.dictionary,
            self.commands,
            lambda record: self.hub.publish("parameters", record.parameter.name, record),
        )
        self._address = live.link.address
        self._link = UNTOLD
        self.last_packet_us = 0

    def enter_link(self, step: LinkStep) -> None:
        """The link went into a state then."""
        self._link = (step.state, step.at_us, step.reason)
        self.hub.publish("links", self.name, self.link)

    @property
    def link(self) -> LinkReport:
        """How the link stood, as far as the archive tells: its counters were not archived."""
        state, since_us, reason = self._link
        quiet_us = self.hub.now_us() - self.last_packet_us
        return LinkReport(
            address=self._address, state=state, since_us=since_us, reason=reason, last_packet_us=self.last_packet_us,
            silent=state != UP or quiet_us > SILENT_AFTER_S * 1e6, connections=0, sent_bytes=0, received_bytes=0,
            frames=0, packets=0, crc_errors=0, gaps=0, skipped_bytes=0, undecodable=0,
        )  # fmt: skip

    def upload_by_cfdp(self, content: bytes, remote: str, by: str, name: str = "") -> Transfer:
        """Raises `TransferRefused`."""
        raise TransferRefused(REFUSAL)


def _never() -> bool:
    return False


async def _refuse(packet: bytes) -> NoReturn:
    raise CommandRefused(REFUSAL)
