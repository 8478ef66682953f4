"""The unmodified fprime-gds signs with our framing plugin, which it finds as an installed package's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.cli.key_file import add_key, changing_keys
from tests.system.device import Device
from tests.system.gds_packages import path_of_packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.gds import Gds

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
PLUGIN = "authenticate-space-data-link"
RECORD = "sequence_numbers.ComCcsds.authenticator"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our packages in the peers' environment."""
    monkeypatch.setenv("PYTHONPATH", path_of_packages(tmp_path))


@pytest.mark.usefixtures("installed")
def test_fprime_gds_signs_and_goes_on_where_the_device_stands(
    start_gds: Callable[..., Gds], reference: tuple[Path, Path], tmp_path: Path
) -> None:
    """Each command once, a file, a crash of the device, and the loss of its numbers."""
    keys = tmp_path / "uplink.keys"
    with changing_keys(keys) as made:
        secret = add_key(made, 0).secret.hex()
    options = ["--framing-selection", PLUGIN, "--spi", "0", "--authentication-type", "HMAC"]
    options += ["--authentication-key", secret, "--authentication-numbers", str(tmp_path / "numbers")]
    gds = start_gds(reference[1], options=options)
    root = tmp_path / "root"
    with Device(reference[0], root, f"tcp://127.0.0.1:{gds.port}", ["--keys", str(keys)]) as device:
        device.await_line("Link up")
        gds.send_and_complete(NO_OP, timeout_s=20)
        content = bytes(range(256)) * 20
        (tmp_path / "up.bin").write_bytes(content)
        gds.uplink(tmp_path / "up.bin", "/up.bin", timeout_s=40)
        assert (root / "up.bin").read_bytes() == content
        for lost in (False, True):
            device.kill()
            for slot in "ab" if lost else "":
                (root / f"{RECORD}.{slot}").unlink()
            since = gds.channel_count()
            device.start()
            gds.await_channel("ComCcsds.authenticator.AcceptanceReport", since=since, timeout_s=20)
            gds.send_and_complete(NO_OP, timeout_s=20)
        own = [event for event in gds.events(0) if event.name.startswith("ComCcsds.authenticator.")]
        assert {event.name.rpartition(".")[2] for event in own} <= {"SequenceNumberRestarted", "SequenceNumberReport"}
