"""A scripted deployment behind the real application, and clients of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.topology.compile import load_topology
from kittiwake_ground.alarms.receivers import Receiver
from kittiwake_ground.archive import Archive
from kittiwake_ground.client import Ground
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from tests.ground.client.scripted_deployment import ScriptedDeployment
from tests.ground.client.served import Served
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.client import Deployment


@pytest.fixture(scope="session")
def dictionary_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dictionary of the small deployment in a file."""
    path = tmp_path_factory.mktemp("dictionary") / "SmallTopologyDictionary.json"
    path.write_text(json.dumps(export_dictionary(load_topology(ROOT / "tests/framework/cli/small.yaml"))))
    return path


@pytest.fixture
def device(dictionary: Dictionary) -> Iterator[ScriptedDeployment]:
    """The deployment."""
    made = ScriptedDeployment(dictionary)
    yield made
    made.close()


@pytest.fixture
def served(device: ScriptedDeployment, dictionary_file: Path, tmp_path: Path) -> Iterator[Served]:
    """The server, with an archive; CMD_TEST_CMD_1 is hazardous."""
    small = DeploymentConfiguration(
        "small", dictionary_file, device.link, "fprime", command_timeout_s=20.0, hazardous=("*.CMD_TEST_CMD_1",)
    )
    (tmp_path / "archive").mkdir(exist_ok=True)
    with Archive(tmp_path / "archive") as archive:
        nobody = Receiver("nobody", "webhook", url="http://127.0.0.1:9/")
        made = Served(GroundConfiguration((small,), folder=tmp_path / "ground", receivers=(nobody,)), archive)
        yield made
        made.stop()


@pytest.fixture
def ground(served: Served) -> Iterator[Ground]:
    """A client of the server."""
    with Ground(served.url) as made:
        yield made


@pytest.fixture
def station(ground: Ground) -> Deployment:
    """The deployment as the client has it, with its link up."""
    found = ground.deployment("small")
    for update in found.watch("links", recent=0) if found.link().state != "up" else ():
        if update.subject.state == "up":
            break
    return found
