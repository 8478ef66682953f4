"""The reference topology, with every standard component: what F´'s tools make of its dictionary and of its FPP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kittiwake.dictionary.export import export_dictionary, write_dictionary
from kittiwake.topology.compile import load_topology
from kittiwake.topology.model import Topology
from tests.framework.dictionary.test_export_peers import run
from tests.framework.dictionary.test_fpp_peers import by_name, compiled
from tests.peers import ROOT

pytestmark = pytest.mark.peer

RequirePeer = Callable[[str], Path]

SEQUENCE = """
CdhCore.cmdDisp.CMD_NO_OP()
CdhCore.cmdDisp.CMD_NO_OP_STRING("from Fpy")
ReferenceDeployment.startupManager.ARMED_PRM_SET(False)
"""


@pytest.fixture(scope="module")
def reference_topology() -> Topology:
    """The reference topology, checked."""
    return load_topology(ROOT / "topologies" / "reference.yaml")


def test_the_fpp_compilers_dictionary_of_the_reference_is_ours(
    require_peer: RequirePeer, tmp_path: Path, reference_topology: Topology
) -> None:
    theirs = compiled(require_peer("fpp-to-dict"), tmp_path, reference_topology)
    ours = export_dictionary(reference_topology)
    # FPP has no words for the defaults that a topology sets: they stand in its export as comments.
    for instance in reference_topology.instances:
        labels = {instance.declarations.parameters[name].label for name in instance.parameters}
        for entry in [*ours["parameters"], *theirs["parameters"]]:
            if entry["name"] in {f"{instance.name}.{label}" for label in labels}:
                del entry["default"]
    for section in ("typeDefinitions", "constants", "commands", "telemetryChannels", "parameters"):
        assert by_name(ours[section]) == by_name(theirs[section]), section
    assert by_name(ours["events"], "format") == by_name(theirs["events"], "format")
    packets, other_packets = (one["telemetryPacketSets"][0]["members"] for one in (ours, theirs))
    assert by_name(packets) == by_name(other_packets)


def test_the_fpy_compiler_takes_the_reference_dictionary(
    require_peer: RequirePeer, tmp_path: Path, reference_topology: Topology
) -> None:
    dictionary = tmp_path / "ReferenceDeploymentTopologyDictionary.json"
    write_dictionary(str(dictionary), reference_topology)
    source = tmp_path / "hello.fpy"
    source.write_text(SEQUENCE)
    run(require_peer("fprime-fpyc"), "-d", dictionary, source)
    assert list(tmp_path.glob("hello*.bin"))


def test_the_merger_takes_the_reference_dictionary(
    require_peer: RequirePeer, tmp_path: Path, reference_topology: Topology
) -> None:
    first, second, merged = (tmp_path / name for name in ("a.json", "b.json", "merged.json"))
    for path in (first, second):
        write_dictionary(str(path), reference_topology)
    run(require_peer("fprime-merge-dictionary"), "--prefer-primary", "--permissive", "--output", merged, first, second)
    assert merged.stat().st_size > 10_000
