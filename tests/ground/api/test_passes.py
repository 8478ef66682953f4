"""Passes and plans over HTTP, with a deployment behind TCP."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import httpx

from kittiwake_ground.api.app import make_app
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.people.accounts import Accounts
from kittiwake_ground.server.session import now_us
from tests.ground.api.test_access import NO_OP, client, log_in, users
from tests.ground.server.foreign import NO_OP as NUMBER
from tests.ground.server.foreign import served, until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["users"]
HERE = "deployments/ref"
S = 1_000_000
COMMAND = NO_OP["name"]
NOW = {"at_us": None, "after_s": 0}


async def ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


async def ended(http: httpx.AsyncClient, plan: dict[str, Any]) -> str:
    """The state in which a plan ends."""
    found = await ok(await http.get(f"{HERE}/plans/{plan['id']}", params={"wait_s": 10}))
    return str(found["state"])


def test_contacts_are_added_imported_removed_and_make_the_passes(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, ground):
            start_us = now_us() + 3600 * S
            body = {"start_us": start_us, "duration_s": 600, "name": "north", "down_bps": 8000, "every_s": 86400}
            made = await ok(await http.post(f"{HERE}/passes/contacts", json=body))
            overlapping = await http.post(f"{HERE}/passes/contacts", json={**body, "start_us": start_us + S})
            assert (overlapping.status_code, "overlaps north" in overlapping.json()["detail"]) == (422, True)
            for wrong in ({"duration_s": 0}, {"every_s": 5}, {"efficiency": 2}, {"until_us": 5}, {"color": "red"}):
                assert (await http.post(f"{HERE}/passes/contacts", json={**body, **wrong})).status_code == 422, wrong
            found = (await ok(await http.get(f"{HERE}/passes", params={"count": 3})))["passes"]
            assert [one["start_us"] - start_us for one in found] == [0, 86400 * S, 2 * 86400 * S]
            assert (found[0]["down_bps"], found[0]["down_measured"], found[0]["up_measured"]) == (8000, False, True)
            path = f"{HERE}/passes/contacts/{made['id']}"
            await ok(await http.delete(path, params={"start_us": start_us + 86400 * S}))
            found = (await ok(await http.get(f"{HERE}/passes", params={"count": 2})))["passes"]
            assert [one["start_us"] - start_us for one in found] == [0, 2 * 86400 * S]
            assert (await http.delete(path, params={"start_us": start_us + 1})).status_code == 404
            table = "start,duration_s,uid\n2099-01-01T00:00:00Z,60,a\n2099-01-02T00:00:00Z,60,b\n"
            taken = await ok(await http.post(f"{HERE}/passes/import", json={"text": table}))
            assert [one["uid"] for one in taken["contacts"]] == ["a", "b"]
            table = table.replace("2099-01-01", "2099-01-03").replace("2099-01-02T00:00:00Z,60,b\n", "")
            again = await ok(await http.post(f"{HERE}/passes/import", json={"text": table, "replace": True}))
            assert ([one["id"] for one in again["contacts"]], again["removed"]) == ([taken["contacts"][0]["id"]], 1)
            bad = await http.post(f"{HERE}/passes/import", json={"text": "start,end\n1,2\n", "name": "p.csv"})
            assert (bad.status_code, bad.json()["errors"][0]["line"]) == (422, 2)
            await ok(await http.delete(path))
            assert (await http.delete(path)).status_code == 404
            assert len((await ok(await http.get(f"{HERE}/passes/contacts")))["contacts"]) == 1
            assert {one["action"] for one in ground.audit.entries} == {
                "contact added", "contact removed", "contacts imported"
            }  # fmt: skip

    asyncio.run(run())


def test_a_plan_is_made_changed_released_and_looked_at(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                body = {"subject": COMMAND, "at_us": now_us() + 3600 * S}
                made = await http.post(f"{HERE}/plans", json=body)
                plan = await ok(made)
                assert (plan["state"], plan["due_us"], made.headers["etag"]) == ("planned", body["at_us"], '"1"')
                path = f"{HERE}/plans/{plan['id']}"
                stale = await http.put(path, json={"after_s": 1}, headers={"If-Match": '"9"'})
                assert stale.status_code == 412
                changed = await ok(await http.put(path, json={"after_s": 0}, headers={"If-Match": '"1"'}))
                assert changed["when"] == "after"
                done = await ok(await http.get(path, params={"wait_s": 10}))
                assert (done["state"], done["final"]) == ("completed", True)
                (command,) = (await ok(await http.get(f"{HERE}/commands")))["commands"]
                assert (command["id"], command["steps"][0]["state"]) == (done["sent_id"], "planned")
                assert (await http.delete(path)).status_code == 409
                content = b64encode(b"hello").decode()
                upload = {"kind": "upload", "subject": "/up.bin", "content": content, "after_s": 0}
                up = await ok(await http.post(f"{HERE}/plans", json=upload))
                assert (await ok(await http.get(f"{HERE}/plans/{up['id']}", params={"wait_s": 10})))[
                    "state"
                ] == "completed"
                assert foreign.files["/up.bin"] == b"hello"
                sequence = {"kind": "sequence", "subject": "/seq.bin", "after_s": 0}
                run = await ok(await http.post(f"{HERE}/plans", json=sequence))
                assert (await ok(await http.get(f"{HERE}/plans/{run['id']}", params={"wait_s": 10})))[
                    "state"
                ] == "completed"
                (seen,) = ground.deployment("ref").sequences.runs.values()
                await until(lambda: seen.is_final)
                assert (seen.state, seen.by) == ("completed", "local")
                assert [one["id"] for one in (await ok(await http.get(f"{HERE}/plans")))["plans"]] == [3, 2, 1]
                assert (await ok(await http.get(f"{HERE}/plans", params={"waiting": True})))["plans"] == []
                for wrong, status in (
                    ({"subject": "Ref.no"}, 404), ({"arguments": [1]}, 422), ({"after_s": 1}, 422), ({"at_us": 5}, 422),
                    ({"kind": "music"}, 422), ({"expiry_s": 0}, 422), ({"at_us": None}, 422),
                ):  # fmt: skip
                    assert (await http.post(f"{HERE}/plans", json={**body, **wrong})).status_code == status, wrong
                assert (await http.get(f"{HERE}/plans/99")).status_code == 404
                foreign.refused.add(NUMBER)
                assert await ended(http, await ok(await http.post(f"{HERE}/plans", json={**body, **NOW}))) == "failed"
                (alarm,) = (await ok(await http.get(f"{HERE}/alarms")))["alarms"]
                assert (alarm["kind"], alarm["source"], alarm["level"]) == ("plan", COMMAND, "YELLOW")
                assert "EXECUTION_ERROR" in alarm["text"]
                assert (await ok(await http.post(f"{HERE}/alarms/{alarm['id']}/acknowledge", json={})))[
                    "state"
                ] == "closed"

    asyncio.run(run())


def test_roles_count_when_something_is_planned_and_when_it_is_released(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, ground):
            body = {"subject": COMMAND, "at_us": now_us() + 3600 * S}
            csrf = await log_in(http, "vera")
            assert (await http.post(f"{HERE}/plans", json=body, headers=csrf)).status_code == 403
            assert (await http.post(f"{HERE}/passes/contacts", json={}, headers=csrf)).status_code == 403
            csrf = await log_in(http, "otto")
            plan = await ok(await http.post(f"{HERE}/plans", json=body, headers=csrf))
            planner, ways = ground.deployment("ref").passes.planner, ground.deployment("ref").passes.ways
            ready, ways.is_ready = ways.is_ready, lambda: False
            await ok(await http.put(f"{HERE}/plans/{plan['id']}", json={"after_s": 0}, headers=csrf))
            Accounts(users).add_user("otto", "viewer", "correct horse")
            ways.is_ready = ready
            await until(lambda: planner.plans[plan["id"]].is_final)
            assert (planner.plans[plan["id"]].state, ground.deployment("ref").commands.records) == ("refused", {})
            assert ground.audit.entries[-1]["action"] == "plan refused"

    asyncio.run(run())


def test_what_is_hazardous_needs_a_confirmation(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, hazardous=("*.CMD_NO_OP",)) as (ground, _):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                body = {"subject": COMMAND, "at_us": now_us() + 3600 * S}
                refused = await http.post(f"{HERE}/plans", json=body)
                assert (refused.status_code, "hazardous" in refused.json()["detail"]) == (409, True)
                plan = await ok(await http.post(f"{HERE}/plans", json={**body, "confirm": True}))
                path = f"{HERE}/plans/{plan['id']}"
                assert (await http.put(path, json={"after_s": 100, "arguments": []})).status_code == 409
                assert (await ok(await http.put(path, json={"after_s": 100})))["confirmed"] is True
                assert (await ok(await http.delete(path)))["state"] == "cancelled"

    asyncio.run(run())


def test_a_pass_that_is_under_way_is_accounted_and_the_budget_reckons_with_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, _):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                here = ground.deployment("ref")
                now = now_us()
                for start_s in (-10, 3600):
                    here.passes.schedule.add(Contact(now + start_s * S, 600, "p", down_bps=8000, up_bps=800))
                await until(lambda: here.passes.current is not None)
                await ok(await http.post(f"{HERE}/commands", json={**NO_OP, "wait": True}))
                current = here.passes.current
                assert current is not None
                await until(lambda: current.commands == 1 and current.last_frame_us)
                shown = (await ok(await http.get(f"{HERE}/passes")))["current"]
                assert shown["bytes_up"] > 0
                assert shown["bytes_down"] > 0
                assert now - 10 * S <= shown["first_frame_us"] <= shown["last_frame_us"]
                content = b64encode(bytes(70_000)).decode()
                for remote in ("/one.bin", "/two.bin"):
                    upload = {"kind": "upload", "subject": remote, "content": content, "pass_offset_s": 0}
                    await ok(await http.post(f"{HERE}/plans", json=upload))
                await ok(await http.post(f"{HERE}/plans", json={"subject": COMMAND, "pass_offset_s": 60}))
                budget = await ok(await http.get(f"{HERE}/passes/budget", params={"count": 2}))
                first, second = budget["passes"]
                assert first["up"]["capacity_bytes"] < second["up"]["capacity_bytes"] == 51000
                assert [(one["kind"], one["verdict"]) for one in budget["up"]] == [
                    ("planned command", "later"), ("planned upload", "too large"), ("planned upload", "too large")
                ]  # fmt: skip
                here.passes.close()
                (kept,) = (await ok(await http.get(f"{HERE}/passes/outcomes")))["outcomes"]
                assert (kept["name"], kept["commands"], kept["is_over"]) == ("p", 1, False)

    asyncio.run(run())


def test_all_of_it_can_be_read_before_there_is_anything(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            for path in ("passes", "passes/contacts", "passes/outcomes", "passes/budget", "plans"):
                found = await ok(await http.get(f"{HERE}/{path}"))
                assert [one for one in found.values() if isinstance(one, list) and one] == []

    asyncio.run(run())
