"""Who may do what, over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kittiwake_ground.api.app import make_app
from kittiwake_ground.people.accounts import Accounts
from tests.ground.server.foreign import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kittiwake_ground.server.ground import Ground

NO_OP = {"name": "Ref.dispatcher.CMD_NO_OP"}
PASSWORD = "correct horse"
LOCAL = "http://127.0.0.1:8090"


@asynccontextmanager
async def client(folder: Path, users: Path | None = None) -> AsyncIterator[tuple[httpx.AsyncClient, Ground]]:
    """A client of a ground station's application, in this process."""
    async with served(folder, users=users) as (ground, _):
        transport = httpx.ASGITransport(make_app(ground), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"{LOCAL}/api/v1/") as made:
            yield made, ground


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A users file with a viewer and an operator."""
    accounts = Accounts(tmp_path / "users.json")
    accounts.add_user("vera", "viewer", PASSWORD)
    accounts.add_user("otto", "operator", PASSWORD)
    return accounts.path


async def log_in(http: httpx.AsyncClient, name: str) -> dict[str, str]:
    """Logs in, and gives the header that goes with what changes something."""
    response = await http.post("session", json={"name": name, "password": PASSWORD})
    assert response.status_code == 200, response.text
    return {"X-CSRF-Token": response.json()["csrf_token"]}


READS = [
    "session", "fleet", "deployments", "deployments/ref", "deployments/ref/link", "deployments/ref/dictionary",
    "deployments/ref/channels", "deployments/ref/events", "deployments/ref/commands", "deployments/ref/transfers",
    "deployments/ref/sequences/runs", "deployments/ref/layouts",
    "deployments/ref/parameters", "deployments/ref/parameters/Ref.heater.SETPOINT",
    "deployments/ref/alarms", "deployments/ref/alarms/history", "deployments/ref/limits", "deployments/ref/derived",
    "deployments/ref/limits/Ref.heater.Temperature", "receivers", "procedures/runs",
    "deployments/ref/passes", "deployments/ref/passes/contacts", "deployments/ref/passes/outcomes",
    "deployments/ref/passes/budget", "deployments/ref/plans",
]  # fmt: skip
ACTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "deployments/ref/commands", {"json": NO_OP}),
    ("DELETE", "deployments/ref/commands/1", {}),
    ("POST", "deployments/ref/uploads?remote=/a", {"content": b"x"}),
    ("POST", "deployments/ref/downloads", {"json": {"remote": "/a"}}),
    ("DELETE", "deployments/ref/transfers/1", {}),
    ("POST", "deployments/ref/listings", {"json": {"path": "/"}}),
    ("POST", "deployments/ref/sequences/upload", {"json": {"text": "", "remote": "/a"}}),
    ("POST", "deployments/ref/sequences/runs", {"json": {"remote": "/a"}}),
    ("POST", "deployments/ref/sequences/runs/1/stop", {}),
    ("PUT", "deployments/ref/parameters/Ref.heater.SETPOINT", {"json": {"value": 1}}),
    ("POST", "deployments/ref/parameters/Ref.heater.SETPOINT/save", {}),
    ("POST", "deployments/ref/parameters/refresh", {}),
    ("POST", "deployments/ref/channels/Ref.heater.Temperature/acknowledge", {}),
    ("POST", "deployments/ref/alarms/acknowledge", {"json": {}}),
    ("POST", "deployments/ref/alarms/1/acknowledge", {"json": {}}),
    ("POST", "deployments/ref/alarms/1/comment", {"json": {"text": "a"}}),
    ("POST", "deployments/ref/alarms/1/shelve", {"json": {"for_s": 1}}),
    ("DELETE", "deployments/ref/alarms/1/shelve", {}),
    ("PUT", "deployments/ref/limits/Ref.heater.Temperature", {"json": {}}),
    ("DELETE", "deployments/ref/limits/Ref.heater.Temperature", {}),
    ("PUT", "deployments/ref/derived/Ground.a.b", {"json": {"expression": "Ref.heater.Temperature"}}),
    ("DELETE", "deployments/ref/derived/Ground.a.b", {}),
    ("POST", "receivers/duty/test", {}),
    ("POST", "history/export", {}),
    ("PUT", "deployments/ref/layouts/x?shared=true", {"json": {"channels": ["Ref.heater.Temperature"]}}),
    ("DELETE", "deployments/ref/layouts/x?shared=true&version=1", {}),
    ("POST", "deployments/ref/redecode", {"json": {"dictionary": {}, "start_us": 0, "end_us": 1}}),
    ("POST", "procedures/Ref.heater.SETPOINT/runs", {"json": {"deployment": "ref"}}),
    ("POST", "procedures/runs/1/stop", {}),
    ("POST", "deployments/ref/passes/contacts", {"json": {"start_us": 1, "duration_s": 1}}),
    ("DELETE", "deployments/ref/passes/contacts/1", {}),
    ("POST", "deployments/ref/passes/import", {"json": {"text": "start,end"}}),
    ("POST", "deployments/ref/plans", {"json": {"subject": NO_OP["name"], "after_s": 9}}),
    ("PUT", "deployments/ref/plans/1", {"json": {"after_s": 9}}),
    ("DELETE", "deployments/ref/plans/1", {}),
    ("GET", "audit", {}),
]


def test_every_route_asks_who_is_there_and_what_they_may(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, _):
            assert (await http.get("health")).status_code == 200
            for path in READS:
                assert (await http.get(path)).status_code == 401, path
            for method, path, options in ACTS:
                assert (await http.request(method, path, **options)).status_code == 401, path
            csrf = await log_in(http, "vera")
            for path in READS:
                assert (await http.get(path)).status_code == 200, path
            for method, path, options in ACTS:
                response = await http.request(method, path, headers=csrf, **options)
                assert response.status_code == 403, path
                assert "takes an operator" in response.json()["detail"]
            csrf = await log_in(http, "otto")
            for method, path, options in ACTS:
                response = await http.request(method, path, headers=csrf, **options)
                assert response.status_code not in (401, 403, 405, 500), (path, response.text)

    asyncio.run(run())


def test_every_route_is_in_one_of_the_lists(tmp_path: Path) -> None:
    known = {path.partition("?")[0] for path in READS} | {path.partition("?")[0] for _, path, _ in ACTS}
    open_to_all = {("get", "health"), ("post", "session")}
    shown = {
        ("delete", "session"), ("post", "deployments/ref/sequences/check"),
        ("post", "deployments/ref/sequences/compile"), ("get", "deployments/ref/channels/Ref.heater.Temperature"),
        ("get", "deployments/ref/channels/Ref.heater.Temperature/history"), ("get", "deployments/ref/commands/1"),
        ("get", "deployments/ref/transfers/1"), ("get", "deployments/ref/transfers/1/content"),
        ("get", "deployments/ref/sequences/runs/1"), ("get", "deployments/ref/export/samples"),
        ("get", "deployments/ref/export/events"), ("get", "deployments/ref/parameters/diff"),
        ("get", "deployments/ref/then"), ("get", "deployments/ref/timeline"),
        ("post", "history/query"), ("get", "procedures"), ("get", "procedures/runs/1"),
        ("get", "procedures/runs/1/log"), ("get", "procedures/runs/1/output"),
    }  # fmt: skip

    async def run() -> None:
        async with client(tmp_path) as (http, ground):
            paths = (await http.get("openapi.json")).json()["paths"]
            for path, methods in paths.items():
                named = (
                    path.removeprefix("/api/v1/")
                    .replace("{deployment}", "ref")
                    .replace("{id}", "1")
                    .replace("{layout}", "x")
                )
                named = named.replace("{channel}", "Ref.heater.Temperature")
                named = named.replace("derived/{name}", "derived/Ground.a.b")
                named = named.replace("receivers/{name}", "receivers/duty").replace("{name}", "Ref.heater.SETPOINT")
                for method in methods:
                    assert named in known or (method, named) in open_to_all | shown, (method, named)
            ground.desk.accounts = Accounts(tmp_path / "others.json")
            ground.desk.accounts.add_user("vera", "viewer", PASSWORD)
            for method, path in sorted(shown):
                response = await http.request(method, path, json={"text": ""} if method == "post" else None)
                assert response.status_code == 401, path

    asyncio.run(run())


def test_a_log_in_needs_its_token_to_change_something(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, _):
            csrf = await log_in(http, "otto")
            refused: list[dict[bytes, bytes]] = [{}, {b"X-CSRF-Token": b"wrong"}, {b"X-CSRF-Token": b"\xe9"}]
            for headers in refused:
                response = await http.post("deployments/ref/commands", json=NO_OP, headers=headers)
                assert response.status_code == 403
            assert (await http.post("deployments/ref/commands", json=NO_OP, headers=csrf)).status_code == 202
            assert (await http.delete("session", headers=csrf)).status_code == 204
            assert (await http.get("deployments")).status_code == 401

    asyncio.run(run())


def test_the_cookie_is_for_this_server_and_no_script(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, _):
            response = await http.post("session", json={"name": "vera", "password": PASSWORD})
            cookie = response.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert (await http.get("session")).json()["name"] == "vera"

    asyncio.run(run())


def test_wrong_passwords_are_refused_and_soon_not_even_tried(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, ground):
            statuses = []
            for name in ("otto", "nobody", "otto", "otto", "otto", "otto"):
                response = await http.post("session", json={"name": name, "password": "wrong"})
                statuses.append(response.status_code)
            assert statuses == [401] * 5 + [429]
            assert int(response.headers["retry-after"]) > 0
            assert [one["action"] for one in ground.audit.entries] == ["log-in refused"] * 5

    asyncio.run(run())


def test_a_log_in_ends_when_the_user_changes(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, _):
            await log_in(http, "vera")
            assert (await http.get("deployments")).status_code == 200
            Accounts(users).add_user("vera", "viewer", "another password")
            assert (await http.get("deployments")).status_code == 401

    asyncio.run(run())


def test_a_token_needs_no_csrf_token_and_has_its_own_role(tmp_path: Path, users: Path) -> None:
    accounts = Accounts(users)
    tokens = {role: accounts.add_token(f"for-{role}", "otto", role) for role in ("viewer", "operator")}

    async def run() -> None:
        async with client(tmp_path, users) as (http, ground):
            for role, status in (("viewer", 403), ("operator", 202)):
                headers = {"Authorization": f"Bearer {tokens[role]}"}
                response = await http.post("deployments/ref/commands", json=NO_OP, headers=headers)
                assert response.status_code == status
            assert ground.audit.entries[-1]["who"] == "otto/for-operator"
            wrong = {"Authorization": "Bearer kwt_wrong"}
            assert (await http.get("deployments", headers=wrong)).status_code == 401

    asyncio.run(run())


def test_without_passwords_pages_of_others_get_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            path = "deployments/ref/commands"
            assert (await http.post(path, json=NO_OP)).status_code == 202
            assert (await http.post(path, json=NO_OP, headers={"Origin": LOCAL})).status_code == 202
            for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
                response = await http.post(path, json=NO_OP, headers=headers)
                assert response.status_code == 403, headers
                assert response.headers["content-type"] == "application/problem+json"
            assert (await http.get("deployments", headers={"Host": "evil.example:8090"})).status_code == 403

    asyncio.run(run())


def test_what_people_do_is_on_the_audit_trail(tmp_path: Path, users: Path) -> None:
    async def run() -> None:
        async with client(tmp_path, users) as (http, ground):
            csrf = await log_in(http, "otto")
            await http.post("deployments/ref/commands", json=NO_OP, headers=csrf)
            entries = (await http.get("audit")).json()["entries"]
            assert [(one["who"], one["action"]) for one in entries] == [("otto", "command"), ("otto", "log-in")]
            assert "CMD_NO_OP" in entries[0]["detail"]
            assert len(ground.audit.path.read_text().splitlines()) == 2

    asyncio.run(run())


def test_somebody_who_acts_too_often_has_to_wait(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            statuses = {(await http.delete("deployments/ref/commands/1")).status_code for _ in range(130)}
            assert statuses == {404, 429}

    asyncio.run(run())
