"""Passes and plans through the Python client and the command line, with the real application."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.client import AsyncGround, RequestRefused
from tests.ground.client.test_command_line import NO_OP, TEST_CMD, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake_ground.client import Deployment, Update
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.served import Served
    from tests.ground.client.test_command_line import Done

__all__ = ["run"]


def soon(**span: float) -> datetime:
    """A date so long from now."""
    return datetime.now(UTC) + timedelta(**span)


def test_a_program_plans_for_the_next_pass_and_sees_what_fits(station: Deployment, device: ScriptedDeployment) -> None:
    later = station.plans.command(NO_OP, pass_offset_s=5)
    assert later.due_us is None
    contact = station.passes.add(soon(hours=1), 600, "north", "lora", 9600, 1200, efficiency=0.5)
    (coming,) = station.passes.coming()
    assert (coming.contact, coming.down_bps, coming.end_us - coming.start_us) == (contact.id, 9600, 600_000_000)
    assert station.plans.get(later.id).due_us == contact.start_us + 5_000_000
    file = station.plans.upload(b"x" * 40_000, "/a.bin", pass_offset_s=0)
    budget = station.passes.budget()
    assert budget.passes[0]["up"]["capacity_bytes"] == 45_000
    assert [(one["kind"], one["verdict"]) for one in budget.up] == [
        ("planned command", "fits"), ("planned upload", "fits")
    ]  # fmt: skip
    moved = station.plans.change(later, after_s=0)
    done = station.plans.wait(moved, 10)
    assert (done.state, done.completed, device.received) == ("completed", True, [NO_OP])
    assert station.command(done.sent_id).steps[0].state == "planned"
    with pytest.raises(RequestRefused, match="changed meanwhile"):
        station.plans.cancel(later)
    assert station.plans.cancel(file).state == "cancelled"
    assert (station.plans.all(waiting=True), len(station.plans.all())) == ([], 2)
    assert station.passes.remove(contact).id == contact.id
    assert station.passes.outcomes() == []


def test_a_program_is_told_what_becomes_of_a_plan(station: Deployment, served: Served) -> None:
    async def seen() -> list[Update]:
        async with AsyncGround(served.url) as ground:
            here = await ground.deployment("small")
            async with here.news("plans", names=[NO_OP]) as news:
                await here.plans.command(TEST_CMD, 1, 2.5, 3, after_s=3600, confirm=True)
                plan = await here.plans.command(NO_OP, after_s=3600)
                await here.plans.change(plan, after_s=0)
                found = [await anext(news)]
                while not found[-1].subject.final:
                    found.append(await anext(news))
                return found

    told = asyncio.run(seen())
    assert {(one.kind, one.subject.subject) for one in told} == {("plans", NO_OP)}
    assert [one.subject.state for one in told] == ["planned", "planned", "releasing", "released", "completed"]
    assert [one.subject.revision for one in told[:3]] == [1, 2, 3]


def test_the_command_line_plans_and_shows(run: Callable[..., Done], device: ScriptedDeployment, tmp_path: Path) -> None:
    assert run("plan", "list") == (0, "", "Nothing is planned.\n")
    assert run("passes", "list").err == "No pass is to come: `kittiwake ground passes add`.\n"
    assert run("passes", "budget").status == 0
    start = soon(hours=2).strftime("%Y-%m-%dT%H:%M:%SZ")
    added = run("passes", "add", "--start", start, "--for", "10m", "--name", "north", "--down", 9600, "--every", "24h")
    assert (added.status, "10 min, each 24 h" in added.out, "north" in added.out) == (0, True, True)
    assert run("passes", "add", "--start", start, "--for", "1m").status == 2
    assert run("passes", "add", "--in", "1h", "--for", "1m", "--until", start).status == 2
    table = tmp_path / "more.csv"
    table.write_text("start,duration_s,name\n2099-01-01T00:00:00Z,60,south\n2099-01-02T00:00:00Z,sixty,west\n")
    wrong = run("passes", "import", table)
    assert (wrong.status, "more.csv:3" in wrong.err) == (1, True), wrong
    table.write_text("start,duration_s,name\n2099-01-01T00:00:00Z,60,south\n")
    assert "south" in run("passes", "import", table).out
    contacts = [json.loads(line) for line in run("passes", "list", "--contacts", "--json").out.splitlines()]
    assert [(one["name"], one["origin"]) for one in contacts] == [("north", "hand"), ("south", "imported")]
    listed = run("passes", "list", "--count", 2).out.splitlines()
    assert ["north" in line and "down 9.6 kbit/s, up ?" in line for line in listed] == [True, True]

    assert run("plan", "add", TEST_CMD, 1, 2.5, 3, "--pass").status == 2, "a hazardous one is confirmed"
    planned = run("plan", "add", TEST_CMD, 1, 2.5, 3, "--pass", "30s", "--yes", "--json")
    plan = json.loads(planned.out)
    assert (plan["when"], plan["arguments"], plan["state"]) == (
        "pass",
        {"arg1": "1", "arg2": "2.5", "arg3": "3"},
        "planned",
    )
    budget = run("passes", "budget", "--count", 1)
    assert budget.status == 0
    assert "no rate is known" in budget.out
    assert "rate not known" in budget.out
    assert run("passes", "remove", contacts[0]["id"], "--at", start).status == 0
    changed = run("plan", "change", plan["id"], "--in", "2h")
    assert (changed.status, TEST_CMD in changed.out) == (0, True)
    assert run("plan", "cancel", plan["id"]).out.endswith("by local: taken back by local\n")
    assert run("plan", "cancel", plan["id"]).status == 1
    assert run("plan", "cancel", 99).status == 2
    assert run("plan", "add", NO_OP, "--in", "0s").status == 0
    assert "has no command CS_RUN" in run("plan", "run", "/seq.bin", "--at", start).err
    assert run("plan", "upload", table, "/more.csv", "--at", start, "--expiry", "2h").status == 0
    assert run("plan", "add", NO_OP, "--at", "tomorrow").status == 2
    day_of_year = json.loads(run("plan", "change", 3, "--at", "2099-060T12:00:00", "--json").out)
    assert day_of_year["due_us"] == round(datetime(2099, 3, 1, 12, tzinfo=UTC).timestamp() * 1e6)
    assert "upload /more.csv" in run("plan", "list").out
    assert len(run("plan", "list", "--all").out.splitlines()) == 3
    assert run("passes", "history").err == "No pass was watched yet.\n"
