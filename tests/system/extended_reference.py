"""The reference deployment with one more instance, which stands between its link and its downlink's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.system.device import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def extended_reference(
    folder: Path, name: str, instance: str, wires: Iterable[str], replaced: Iterable[str] = ()
) -> Path:  # fmt: skip
    """Writes the topology and its parts into `folder`; the connections in `replaced` go."""
    text = REFERENCE.read_text()
    for part in ("cdh_core", "com_ccsds", "file_handling"):
        text = text.replace(f"{part}.yaml", f"{folder}/{part}.yaml")
        original = (REFERENCE.parent / f"{part}.yaml").read_text()
        (folder / f"{part}.yaml").write_text(original.replace("    - link.status_out -> comQueue.link_status\n", ""))
    status = f"ComCcsds.link.status_out -> {name}.link_status", f"{name}.status_out -> ComCcsds.comQueue.link_status"
    for wire in replaced:
        assert f"    - {wire}\n" in text
        text = text.replace(f"    - {wire}\n", "")
    text = text.replace("services:\n", f"  {name}:\n{instance}services:\n")
    text = text.replace("  Uplink:\n", "".join([f"    - {wire}\n" for wire in (*status, *wires)]) + "  Uplink:\n")
    text = text.replace("packets:\n", f"packets:\n  Extended: {{id: 42, group: 1, channels: [{name}.*]}}\n")
    (folder / "extended.yaml").write_text(text)
    return folder / "extended.yaml"
