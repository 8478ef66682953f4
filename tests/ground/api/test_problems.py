"""What the API says to requests that cannot be met."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from kittiwake_ground.api.app import make_app
from tests.ground.api.test_access import LOCAL, client
from tests.ground.server.foreign import served

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = "deployments/ref/commands"
SETPOINT = "deployments/ref/parameters/Ref.heater.SETPOINT"


@pytest.mark.parametrize(
    "method,path,body,status,said",
    [
        ("GET", "nothing", None, 404, "the API has no /api/v1/nothing"),
        ("PUT", COMMANDS, None, 405, "takes GET, POST"),
        ("GET", "deployments/none", None, 404, "no deployment 'none'; there are ref"),
        ("POST", COMMANDS, {"name": "Ref.dispatcher.CMD_NOP"}, 404, "did you mean Ref.dispatcher.CMD_NO_OP?"),
        ("POST", COMMANDS, {"name": "Ref.dispatcher.CMD_NO_OP", "arguments": [1]}, 422, "takes 0 arguments"),
        ("POST", COMMANDS, {"name": "Ref.down.SendFile", "arguments": {"to": 1}}, 422, "no argument 'to'"),
        ("POST", COMMANDS, {"name": "Ref.sequencer.CS_RUN", "arguments": ["/x", "PERHAPS"]}, 422, "BLOCK, NO_BLOCK"),
        ("POST", COMMANDS, {"name": "x", "surprise": 1}, 422, "surprise"),
        ("POST", COMMANDS, {"name": "x", "timeout_s": -1}, 422, "timeout_s"),
        ("PUT", SETPOINT, {"value": "warm"}, 422, "warm"),
        ("GET", f"{SETPOINT}S", None, 404, "did you mean"),
        ("GET", "deployments/ref/channels/Ref.heater.Temperature", None, 404, "no value yet"),
        ("GET", "deployments/ref/events?severity=BAD", None, 422, "WARNING_HI"),
        ("GET", "deployments/ref/commands/77", None, 404, "77"),
        ("POST", "deployments/ref/listings", {"path": "/"}, 409, "no command ListDirectory"),
        ("POST", "deployments/ref/parameters/refresh", None, 409, "no command PRM_DUMP"),
        ("POST", "deployments/ref/uploads", None, 422, "remote"),
        ("POST", "deployments/ref/sequences/upload", {"text": "x", "remote": "/x"}, 422, "1 faults"),
    ],
)
def test_a_problem_says_what_is_wrong(
    tmp_path: Path, method: str, path: str, body: Any, status: int, said: str
) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            response = await http.request(method, path, json=body)
            assert response.status_code == status, response.text
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            assert problem["status"] == status
            assert said in problem["detail"]

    asyncio.run(run())


def test_pages_at_the_root_answer_nothing_of_the_api(tmp_path: Path) -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("a page")(scope, receive, send)

    async def run() -> None:
        async with served(tmp_path) as (ground, _):
            application = make_app(ground)
            application.mount("/", page)
            http = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=f"{LOCAL}/api/v1/")
            assert (await http.get(f"{LOCAL}/elsewhere")).text == "a page"
            for method, path, status in (("DELETE", COMMANDS, 405), ("OPTIONS", COMMANDS, 405), ("GET", "none", 404)):
                response = await http.request(method, path)
                assert response.status_code == status
                assert response.headers["content-type"] == "application/problem+json"
            assert (await http.put(COMMANDS)).headers["allow"] == "GET, POST"
            await http.aclose()

    asyncio.run(run())


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, ground):
            limit = ground.configuration.max_upload_size
            path = "deployments/ref/uploads?remote=/x"
            response = await http.post(path, content=b"x", headers={"Content-Length": str(limit + 1)})
            assert response.status_code == 413

            async def endless() -> Any:
                while True:
                    yield bytes(1 << 20)

            assert (await http.post(path, content=endless())).status_code == 413

    asyncio.run(run())


def test_a_fault_of_ours_shows_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, ground):
            monkeypatch.setattr(ground, "past", None)
            response = await http.get("deployments/ref/commands")
            assert response.status_code == 500
            assert response.json()["detail"] == "the ground station made a mistake; its log says more"

    asyncio.run(run())


def test_the_openapi_description_is_whole(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            described = (await http.get("openapi.json")).json()
            operations = [one for methods in described["paths"].values() for one in methods.values()]
            assert len(operations) > 30
            assert all(one.get("description") or one.get("summary") for one in operations)
            ids = [one["operationId"] for one in operations]
            assert len(set(ids)) == len(ids)

    asyncio.run(run())


def test_a_dictionary_spells_types_out(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            found = (await http.get("deployments/ref/dictionary")).json()
            run_command = next(one for one in found["commands"] if one["name"] == "Ref.sequencer.CS_RUN")
            file, block = run_command["arguments"]
            assert (file["type"]["kind"], file["type"]["size"]) == ("text", 60)
            assert (block["type"]["kind"], block["type"]["constants"]) == ("enum", ["BLOCK", "NO_BLOCK"])
            assert found["channels"][0]["limits"] == {"high": {"yellow": 30, "red": 50}, "low": {"red": -10}}

    asyncio.run(run())
