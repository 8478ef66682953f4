"""A configuration for servers that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ground.client.scripted_deployment import ScriptedDeployment


@pytest.fixture
def configuration(device: ScriptedDeployment, dictionary_file: Path, tmp_path: Path) -> GroundConfiguration:
    """One of a server with the scripted deployment."""
    small = DeploymentConfiguration("small", dictionary_file, device.link, "fprime")
    return GroundConfiguration((small,), folder=tmp_path / "ground")
