"""What the tests of the ground share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.topology.compile import load_topology
from tests.peers import ROOT

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    """The dictionary of the small deployment that the tests of the command line have too."""
    topology = load_topology(ROOT / "tests/framework/cli/small.yaml")
    return read_dictionary(export_dictionary(topology), "small")
