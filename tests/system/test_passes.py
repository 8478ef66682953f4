"""A plan and the server that keeps it: killed before its time, and at the moment at which it is sent."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kittiwake.dictionary.load import load_dictionary
from tests.framework.cli.conftest import SMALL
from tests.ground.client.scripted_deployment import ScriptedDeployment
from tests.system.device import build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from pathlib import Path

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
HERE = "deployments/small"


def test_a_plan_outlives_its_server_and_is_sent_once(tmp_path: Path) -> None:
    _, dictionary = build(SMALL, tmp_path / "build")
    device = ScriptedDeployment(load_dictionary(str(dictionary)))
    plans = [f"small={dictionary},{device.link},fprime"]
    server = GroundServer(tmp_path / "ground", plans)

    def kill() -> None:
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)

    try:
        with server:
            server.await_link("small")
            later = server.post(f"{HERE}/plans", {"subject": NO_OP, "after_s": 4.0, "expiry_s": 600})
            kill()
        device.script[NO_OP] = kill
        with GroundServer(tmp_path / "ground", plans) as again:
            server = again
            assert again.process is not None
            again.process.wait(60)
        assert device.received == [NO_OP]
        device.script.clear()
        with GroundServer(tmp_path / "ground", plans) as third:
            third.await_link("small")
            (found,) = third.get(f"{HERE}/plans")["plans"]
            assert (found["id"], found["final"]) == (later["id"], True)
            assert found["state"] in ("uncertain", "unanswered"), found
            now = third.post(f"{HERE}/plans", {"subject": NO_OP, "after_s": 0})
            assert third.get(f"{HERE}/plans/{now['id']}", wait_s=20)["state"] == "completed"
        assert device.received == [NO_OP, NO_OP]
    finally:
        device.close()
