"""Hazardous commands within sequences over HTTP and at the command line: named, and only sent once they are meant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kittiwake_ground.api.app import make_app
from kittiwake_ground.passes.leaving import NotConfirmed as PlanNotConfirmed
from kittiwake_ground.people.accounts import OPERATOR
from kittiwake_ground.people.desk import Person
from kittiwake_ground.server.confirming import MAX_NAMED, hazards_text
from tests.ground.api.test_access import NO_OP
from tests.ground.server.foreign import RUN, served, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kittiwake_ground.server.ground import Ground
    from tests.ground.server.foreign import Foreign

HERE = "deployments/ref/sequences"
NAME = NO_OP["name"]
UPLOAD = {"text": f"R00:00:00 {NAME}\nR00:00:01 {NAME}\n", "remote": "/two.bin"}
HARMLESS = {"text": "R00:00:00 Ref.sequencer.CS_CANCEL\n", "remote": "/two.bin"}


def with_server(tmp_path: Path, test: Callable[[httpx.AsyncClient, Ground, Foreign], Awaitable[None]]) -> None:
    """A deployment of which CMD_NO_OP is hazardous."""

    async def run() -> None:
        async with served(tmp_path, hazardous=("*.CMD_NO_OP",)) as (ground, foreign):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                await test(http, ground, foreign)

    asyncio.run(run())


async def up(http: httpx.AsyncClient, ground: Ground, body: dict[str, Any], **headers: str) -> None:
    """Brings a sequence up, and waits until it is there and known."""
    response = await http.post(f"{HERE}/upload", json=body, headers=headers)
    assert response.status_code == 202, response.text
    transfer = ground.deployment("ref").transfers.records[response.json()["id"]]
    assert (await transfer.wait()).state == "completed"
    await asyncio.sleep(0)


def test_what_is_hazardous_in_a_sequence_is_named_and_confirmed_to_bring_it_up_and_to_run_it(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, ground: Ground, foreign: Foreign) -> None:
        checked = (await http.post(f"{HERE}/check", json={"text": UPLOAD["text"]})).json()
        assert checked["hazards"] == [NAME]
        refused = await http.post(f"{HERE}/upload", json=UPLOAD)
        assert (refused.status_code, refused.json()["hazards"]) == (409, [NAME])
        assert refused.json()["detail"].startswith(f"/two.bin sends hazardous commands: {NAME};")
        assert foreign.files == {}
        await up(http, ground, {**UPLOAD, "confirm": True})
        refused = await http.post(f"{HERE}/runs", json={"remote": "/two.bin"})
        assert (refused.status_code, refused.json()["hazards"], RUN in foreign.opcodes) == (409, [NAME], False)
        begun = await http.post(f"{HERE}/runs", json={"remote": "/two.bin", "confirm": True})
        assert begun.status_code == 202, begun.text
        await until(lambda: RUN in foreign.opcodes)

    with_server(tmp_path, test)


def test_what_is_not_hazardous_or_not_known_is_not_asked_for(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, ground: Ground, foreign: Foreign) -> None:
        await up(http, ground, HARMLESS)
        for remote in ("/two.bin", "/unknown.bin"):
            assert (await http.post(f"{HERE}/runs", json={"remote": remote})).status_code == 202

    with_server(tmp_path, test)


def test_what_did_not_arrive_does_not_hide_the_hazard_of_what_is_there(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, ground: Ground, foreign: Foreign) -> None:
        await up(http, ground, {**UPLOAD, "confirm": True})
        await foreign.stop()
        await until(lambda: not ground.deployment("ref").session.ready)
        await http.post(f"{HERE}/upload", json=HARMLESS)
        assert (await http.post(f"{HERE}/runs", json={"remote": "/two.bin"})).status_code == 409

    with_server(tmp_path, test)


def test_a_procedure_sends_by_sequences_only_what_it_declares(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, ground: Ground, foreign: Foreign) -> None:
        token = ground.desk.give_pass(Person("local", OPERATOR, "open"), "try #1")
        headers = {"Authorization": f"Bearer {token}"}
        commands = ground.deployment("ref").commands
        commands.refusal = lambda command, by: f"{by} does not declare {command.name}" if command.name == NAME else ""
        refused = await http.post(f"{HERE}/upload", json={**UPLOAD, "confirm": True}, headers=headers)
        assert (refused.status_code, refused.json()["detail"]) == (409, f"/two.bin: try #1 does not declare {NAME}")
        commands.refusal = lambda command, by: ""
        await up(http, ground, UPLOAD, **headers)
        assert (await http.post(f"{HERE}/runs", json={"remote": "/two.bin"}, headers=headers)).status_code == 202

    with_server(tmp_path, test)


def test_a_planned_run_is_confirmed_as_it_is_planned(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, ground: Ground, foreign: Foreign) -> None:
        await up(http, ground, {**UPLOAD, "confirm": True})
        ways = ground.deployment("ref").passes.ways
        with pytest.raises(PlanNotConfirmed, match=f"{NAME} is hazardous"):
            ways.check("sequence", "/two.bin", {}, False, "ada")
        assert ways.check("sequence", "/two.bin", {}, True, "ada").subject == "/two.bin"

    with_server(tmp_path, test)


def test_a_message_names_some_of_very_many() -> None:
    said = hazards_text("/a", [f"x.C{number}" for number in range(MAX_NAMED + 3)])
    assert said.endswith(f"x.C{MAX_NAMED - 1} and 3 more")
