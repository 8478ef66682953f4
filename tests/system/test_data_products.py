"""Data products from a component to the ground: fprime-gds receives them, fprime-dp validates and decodes them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import REFERENCE, Device, build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.gds import Gds

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

SURVEY = "  survey: {component: tests.system.survey.Survey, id: 0x10080000}\n"
WIRES = """\
    - rateGroup1Hz.member_out -> DataProducts.dpCat.run
    - survey.product_send_out -> DataProducts.dpMgr.product_send_in
    - DataProducts.dpCat.file_out -> FileHandling.fileDownlink.send_file
    - FileHandling.fileDownlink.send_file_done -> DataProducts.dpCat.file_done
"""
CHANNELS = ", ".join([f"DataProducts.{name}.*" for name in ("dpMgr", "dpWriter", "dpCat")])
PACKET = f"  Products: {{id: 43, group: 1, channels: [{CHANNELS}]}}\n"
DEPLOYMENT = "ReferenceDeployment"


@pytest.fixture
def surveying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Image and dictionary of the reference deployment with data products."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    text = REFERENCE.read_text()
    for name in ("cdh_core", "com_ccsds", "file_handling"):
        text = text.replace(f"{name}.yaml", f"{REFERENCE.parent}/{name}.yaml")
    text = text.replace("imports: [", f"imports: [{REFERENCE.parent}/data_products.yaml, ")
    text = text.replace("services:\n", f"{SURVEY}services:\n").replace("  Uplink:\n", f"{WIRES}  Uplink:\n")
    (tmp_path / "surveying.yaml").write_text(text.replace("packets:\n", f"packets:\n{PACKET}"))
    return build(tmp_path / "surveying.yaml", tmp_path / "built")


def decoded(program: Path, dictionary: Path, file: Path) -> dict[str, Any]:
    """What fprime-dp makes of a file that it finds valid."""
    target = file.with_suffix(".json")
    for command in (["validate", "-b", file, "-d", dictionary], ["decode", "-b", file, "-d", dictionary, "-o", target]):
        done = subprocess.run(
            [str(program), *map(str, command)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def records_of(product: dict[str, Any]) -> dict[str, Any]:
    """Name and data of each record."""
    return {one["Record"]["record_name"].rpartition(".")[2]: one["Data"] for one in product["Records"]}


def test_products_come_down_by_priority_once_and_are_decoded(
    start_gds: Callable[..., Gds], require_peer: Callable[[str], Path], surveying: tuple[Path, Path], tmp_path: Path
) -> None:
    """REQ-DPW-001, REQ-DPC-002, REQ-DPC-003."""
    image, dictionary = surveying
    port = free_port()
    gds = start_gds(dictionary, port=port)
    with Device(image, tmp_path / "root", f"tcp://127.0.0.1:{port}") as device:
        device.await_line("Link up")
        for samples, priority in ((3, 9), (5000, 9), (0, 1)):
            gds.send_and_complete(f"{DEPLOYMENT}.survey.MEASURE", samples, priority)
        gds.await_channel("DataProducts.dpCat.DpsPending", 3)
        since = gds.event_count()
        gds.send_and_complete("DataProducts.dpCat.START_XMIT_CATALOG", "WAIT", False, timeout_s=30)
        sent = [event for event in gds.events(since) if event.name.endswith("SendingProduct")]
        assert [event.args[2] for event in sent] == [1, 9, 9]
        assert len([event for event in gds.events(since) if event.name.endswith("ProductComplete")]) == 3
        files = [gds.await_downlink(str(event.args[0]).rpartition("/")[2]) for event in sent]
        device.kill()
    with Device(image, tmp_path / "root", f"tcp://127.0.0.1:{port}") as device:
        device.await_line("Link up")
        since = gds.event_count()
        gds.await_channel("DataProducts.dpCat.CatalogDps", 3, since=gds.channel_count(), timeout_s=20)
        gds.send_and_complete("DataProducts.dpCat.START_XMIT_CATALOG", "WAIT", False)
        assert not [event for event in gds.events(since) if event.name.endswith("SendingProduct")]
    program = require_peer("fprime-dp")
    empty, few, many = [decoded(program, dictionary, file) for file in files]
    assert few["Header"]["Priority"]["value"] == 9
    assert records_of(empty)["Samples"]["values"] == []
    assert records_of(few)["Samples"]["values"] == [1, 2, 3]
    assert len(records_of(many)["Samples"]["values"]) == 5000
    assert records_of(few)["Gain"]["value"] == 2.5
    assert records_of(few)["Took"]["seconds"]["value"] == 3
