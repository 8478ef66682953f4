"""Alarms through the Python client and `kittiwake ground alarms`, with the real application."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.client import RequestRefused
from tests.ground.client.test_command_line import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.test_command_line import Done

__all__ = ["run"]
DOWN = "ComCcsds.link.BytesDown"
KILO = "Ground.link.KiloDown"


def await_value(station: Deployment, device: ScriptedDeployment, value: int) -> None:
    """Has a value come, and waits until it is there: then it was held against its limits, too."""
    device.tell(DOWN, value)
    station.wait_for(DOWN, value)


def test_a_program_sets_limits_sees_the_alarm_and_acknowledges_it(
    station: Deployment, device: ScriptedDeployment
) -> None:
    alarms = station.alarms
    dictionary = alarms.limits(DOWN)
    made = alarms.set_limits(DOWN, {"high": {"yellow": 100, "red": 1000}}, dictionary)
    assert (made.by, made.high) == ("local", {"yellow": 100, "red": 1000})
    with pytest.raises(RequestRefused, match="changed meanwhile") as refused:
        alarms.set_limits(DOWN, {"samples": 3}, dictionary)
    assert refused.value.status == 412
    await_value(station, device, 5000)
    (alarm,) = alarms.current()
    assert (alarm.source, alarm.level, alarm.state) == (DOWN, "RED", "active")
    assert station.state().unacknowledged == 1
    assert alarms.comment(alarm, "look").comment == "look"
    assert alarms.shelve(alarm, 60).shelved_until_us > 0
    assert alarms.unshelve(alarm).shelved_until_us == 0
    assert alarms.acknowledge(alarm, "seen").state == "acknowledged"
    await_value(station, device, 5)
    assert alarms.current() == []
    assert [one.action for one in alarms.history(DOWN, levels=["RED"])][:2] == ["recovered", "acknowledged"]
    assert alarms.remove_limits(alarms.limits(DOWN)).by == ""


def test_a_program_derives_a_channel(station: Deployment, device: ScriptedDeployment) -> None:
    made = station.alarms.derive(KILO, f"{DOWN} / 1000", "kB")
    device.tell(DOWN, 2500)
    assert station.wait_for(KILO, 2.5).unit == "kB"  # type: ignore[union-attr]
    assert station.alarms.all_derived() == [made]
    with pytest.raises(RequestRefused, match="column 1: there is no channel"):
        station.alarms.derive(KILO, "ComCcsds.link.ByteDown", seen=made)
    station.alarms.remove_derived(made)
    assert station.alarms.all_derived() == []


def test_the_command_line_goes_through_the_life_of_an_alarm(
    run: Callable[..., Done], station: Deployment, device: ScriptedDeployment
) -> None:
    def alarms(*arguments: object) -> Done:
        return run("alarms", *arguments)

    assert alarms("list") == (0, "", "No alarm is open.\n")
    done = alarms("limits", "set", DOWN, "--high-red", 1000, "--high-yellow", 100, "--hysteresis", 5)
    assert (done.status, done.out) == (
        0, f"{DOWN}: yellow above 100, red above 1000  (by local, hysteresis 5)\n"
    )  # fmt: skip
    done = alarms("limits", "set", DOWN, "--high-yellow", "none", "--samples", 2, "--samples", 1, "--json")
    assert json.loads(done.out)["high"] == {"red": 1000}
    wrong = alarms("limits", "set", DOWN, "--high-yellow", 2000)
    assert (wrong.status, "high yellow 2000 is above high red 1000" in wrong.err) == (2, True)
    assert alarms("limits", "set", "ComCcsds.link.BytesDwn", "--high-red", 1).status == 2
    await_value(station, device, 5000)
    listed = alarms("list")
    assert (listed.status, "RED     active        " in listed.out, f"{DOWN}: 5000" in listed.out) == (3, True, True)
    id = listed.out.split()[0]
    assert alarms("comment", id, "look at the pump").status == 0
    assert alarms("shelve", id, "--for", 60, "--comment", "mended at noon").status == 0
    assert alarms("list").status == 0
    assert alarms("shelve", id, "--end").status == 0
    assert alarms("shelve", id).status == 2
    assert alarms("ack").status == 2
    assert alarms("ack", 999).status == 2
    assert alarms("ack", "Nothing.*").status == 1
    assert alarms("ack", "ComCcsds.*", "--comment", "seen").out.split()[2] == "acknowledged"
    assert alarms("list", "--unacknowledged").status == 0
    history = alarms("history", DOWN, "--level", "RED")
    actions = [line.split()[3].rstrip(":") for line in history.out.splitlines()]
    assert actions == ["raised", "commented", "shelved", "unshelved", "acknowledged"]
    assert alarms("limits", "remove", DOWN).out == f"{DOWN}: none  (of the dictionary)\n"


def test_the_command_line_derives_channels(run: Callable[..., Done], station: Deployment) -> None:
    done = run("alarms", "derived", "set", KILO, f"{DOWN} / 1000", "--unit", "kB")
    assert (done.status, done.out) == (0, f"{KILO} = {DOWN} / 1000  [kB]\n")
    wrong = run("alarms", "derived", "set", KILO, f"open({DOWN})")
    assert (wrong.status, "there is no function open" in wrong.err) == (2, True)
    assert run("alarms", "derived", "list", "--json").status == 0
    assert run("alarms", "derived", "remove", KILO).status == 0
    assert run("alarms", "derived", "remove", KILO).status == 2


def test_the_command_line_says_who_is_told_and_that_it_fails(run: Callable[..., Done]) -> None:
    assert run("alarms", "receivers").out == "nobody           webhook  0 sent, 0 waiting, 0 failed, 0 dropped\n"
    assert run("alarms", "receivers", "--test", "nobody").status in (0, 1)
    deadline = time.monotonic() + 10
    while (done := run("alarms", "receivers")).status == 0:
        assert time.monotonic() < deadline
    assert (done.status, "(Connection refused)" in done.out) == (1, True)
    assert run("alarms", "receivers", "--test", "somebody").status == 2
