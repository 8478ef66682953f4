"""`kittiwake explain`: its answers on the files of a deployment, its exit statuses, and what it says of bad input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.testing.simulated import ROOT, SimulatedDeployment

if TYPE_CHECKING:
    from collections.abc import Callable

TOPOLOGY = Path(__file__).parents[1] / "explain/guarded.yaml"


def test_the_command_line_reads_the_files_of_a_deployment_that_has_ended(
    tmp_path: Path, kittiwake: Callable[..., Any]
) -> None:
    with SimulatedDeployment(TOPOLOGY) as simulated:
        simulated.send("Guarded.dawdler.REFUSE")
        simulated.run_for(2)
    root = tmp_path / "root"
    files = simulated.platform.files
    (root / "events").mkdir(parents=True)
    for name in files.list(f"{ROOT}/events"):
        (root / "events" / name).write_bytes(files.read(f"{ROOT}/events/{name}", 1 << 20))
    told = kittiwake("explain", "refused", "--root", root, "--topology", TOPOLOGY)
    assert told.status == 0
    assert told.out.startswith("Guarded.dawdler.REFUSE was refused: the moon is in the wrong house\n  ")
    assert "no deployment answers" in told.err
    as_json = kittiwake("explain", "safe", "--json", "--root", root, "--topology", TOPOLOGY)
    assert as_json.status == 3
    assert '"verdict": "NOT_SO"' in as_json.out
    unknown = kittiwake("explain", "refused", "Guarded.dawdler.REFUS", "--root", root, "--topology", TOPOLOGY)
    assert (unknown.status, "Guarded.dawdler.REFUSE" in unknown.err) == (1, True)
    assert kittiwake("explain", "safe", "x", "--root", root, "--topology", TOPOLOGY).status == 2
    assert kittiwake("explain", "silent", "--root", root, "--topology", TOPOLOGY).status == 2
    nothing = kittiwake("explain", "safe", "--root", tmp_path, "--topology", TOPOLOGY)
    assert (nothing.status, "there is no evidence" in nothing.err) == (1, True)
