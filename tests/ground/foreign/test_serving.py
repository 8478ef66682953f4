"""`kittiwake ground serve` with the dictionary of a C++ F´ deployment, which is commanded and watched in the shell.

The deployment is a script; what it sends down is what fprime-gds encodes, and what it is sent must be, too.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.ground.client.scripted_deployment import ScriptedDeployment
from tests.system.device import KITTIWAKE
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary
    from tests.ground.foreign.aurora import GdsCoder

pytestmark = pytest.mark.peer

TIMEOUT_S = 30
VECTOR = {"x": 0.5, "y": -1.0, "z": 2.0}
FRAME = {
    "number": 2**40, "hue": "RED", "site": "Tromsoe", "centre": VECTOR, "bins": [1, 2, 3, 4, 65535],
    "trend": "RISING", "isValid": True, "lines": [557.75, 630.0, 427.75],
}  # fmt: skip
EXPOSE = "Aurora.camera.EXPOSE"


class Observatory:
    """The deployment, the ground station in front of it, and fprime-gds's classes."""

    def __init__(self, deployment: ScriptedDeployment, server: GroundServer, gds: GdsCoder) -> None:
        self.deployment = deployment
        self.server = server
        self.gds = gds

    def ground(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs `kittiwake ground` through the server."""
        command = [KITTIWAKE, "ground", words[0], "--server", self.server.url, *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture
def observatory(aurora: Dictionary, aurora_path: Path, gds: GdsCoder, tmp_path: Path) -> Iterator[Observatory]:
    """All of it, connected."""
    with ExitStack() as stack:
        deployment = ScriptedDeployment(aurora, "Aurora.cmdDisp")
        stack.callback(deployment.close)
        server = stack.enter_context(GroundServer(tmp_path, [f"aurora={aurora_path},{deployment.link},fprime"]))
        server.await_link("aurora")
        yield Observatory(deployment, server, gds)


def value_of(observatory: Observatory, channel: str) -> Any:
    path = "deployments/aurora/channels"
    found = observatory.server.await_that(path, lambda seen: any(one["name"] == channel for one in seen["channels"]))
    return next(one for one in found["channels"] if one["name"] == channel)


def test_a_command_with_a_struct_is_sent_in_the_bytes_of_fprime_gds_and_its_event_is_read(
    observatory: Observatory,
) -> None:
    deployment, gds = observatory.deployment, observatory.gds

    def expose() -> None:
        deployment.send(gds.code("event", "Aurora.camera.Exposed", [FRAME, 1.5]).packet)
        deployment.complete(EXPOSE)

    deployment.script[EXPOSE] = expose
    done = observatory.ground("send", EXPOSE, "3", "VIOLET", json.dumps(VECTOR), "first light")
    assert done.returncode == 0, done.stderr
    assert deployment.packets == [gds.code("command", EXPOSE, [3, "VIOLET", VECTOR, "first light"]).packet]
    assert "Aurora.camera.Exposed: Exposed " in done.stdout
    (event,) = observatory.server.get("deployments/aurora/events", name="*.Exposed")["events"]
    assert event["arguments"] == {"frame": FRAME, "took_s": 1.5}
    assert event["text"] == gds.code("event", "Aurora.camera.Exposed", [FRAME, 1.5]).text


def test_telemetry_and_its_alarm_come_and_an_argument_out_of_its_type_is_refused(observatory: Observatory) -> None:
    deployment, gds = observatory.deployment, observatory.gds
    deployment.send(gds.code("packet", "Camera", [61.5, "GREEN", True, -300, "Kiruna", 7]).packet)
    deployment.send(gds.code("channel", "Aurora.camera.Latest", [FRAME]).packet)
    assert value_of(observatory, "Aurora.camera.Latest")["value"] == FRAME
    warm = value_of(observatory, "Aurora.camera.Temperature")
    assert (warm["value"], warm["text"], warm["alarm"]) == (61.5, "61.50 C", "RED")
    shown = observatory.ground("channels", "Aurora.camera.Site", "Aurora.camera.Exposures")
    assert "Aurora.camera.Site = Kiruna" in shown.stdout
    refused = observatory.ground("send", EXPOSE, "3", "BLUE", json.dumps(VECTOR), "")
    assert refused.returncode == 2
    assert "'BLUE' is no constant of Aurora.Hue: GREEN, RED, VIOLET" in refused.stderr
    assert deployment.packets == []
    at_a_glance = observatory.server.get("deployments/aurora")
    assert (at_a_glance["dictionary_matches"], at_a_glance["link"]["undecodable"]) == ("unknown", 0)


def test_a_struct_parameter_is_set_as_it_is_shown(observatory: Observatory) -> None:
    done = observatory.ground("params", "set", "Aurora.camera.TARGET", json.dumps(VECTOR))
    assert done.returncode == 0, done.stderr
    shown = observatory.ground("params", "list", "--json", "Aurora.camera.TARGET")
    assert json.loads(shown.stdout)["value"] == VECTOR, shown
