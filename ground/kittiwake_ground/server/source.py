"""What is looked at: a deployment that is live, or what it was at a time that is past. Pages read either alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.configuration import DeploymentConfiguration
    from kittiwake_ground.server.building import Building
    from kittiwake_ground.server.commands import Commands
    from kittiwake_ground.server.folders import Folders
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.links import LinkReport
    from kittiwake_ground.server.parameters import Parameters
    from kittiwake_ground.server.sequences import Sequences
    from kittiwake_ground.server.transfer import Transfer
    from kittiwake_ground.server.transfers import Transfers


class Source(Protocol):
    """A deployment as pages read it: `Deployment`, or a `PastDeployment` of a replay."""

    @property
    def name(self) -> str: ...
    @property
    def configuration(self) -> DeploymentConfiguration: ...
    @property
    def dictionary(self) -> Dictionary: ...
    @property
    def hazardous(self) -> frozenset[str]: ...
    @property
    def hub(self) -> Hub: ...
    @property
    def link(self) -> LinkReport: ...
    @property
    def commands(self) -> Commands: ...
    @property
    def transfers(self) -> Transfers: ...
    @property
    def folders(self) -> Folders: ...
    @property
    def sequences(self) -> Sequences: ...
    @property
    def parameters(self) -> Parameters: ...
    @property
    def building(self) -> Building | None: ...

    def upload_by_cfdp(self, content: bytes, remote: str, by: str, name: str = "") -> Transfer:
        """Takes a file for the deployment's inbox. Raises `TransferRefused`."""
