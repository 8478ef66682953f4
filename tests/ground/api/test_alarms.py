"""Alarms, limits and derived channels over HTTP, with a deployment behind TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ground.api.test_access import client
from tests.ground.server.foreign import INVALID, measured, said, served, until

TEMPERATURE = "Ref.heater.Temperature"
HERE = "deployments/ref"


async def ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()


def test_an_alarm_goes_through_its_life(tmp_path: Path) -> None:
    async def run() -> None:
        from kittiwake_ground.api.app import make_app

        async with served(tmp_path) as (ground, foreign):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                book = ground.deployment("ref").alarms
                foreign.say(measured(60), said(INVALID, b"\0\0\0\7"), measured(20))
                await until(lambda: len(book.open_alarms) == 2 and not book.current()[0].now)
                found = await ok(await http.get(f"{HERE}/alarms"))
                assert [(one["source"], one["state"], one["level"]) for one in found["alarms"]] == [
                    (TEMPERATURE, "latched", "RED"), ("Ref.dispatcher.InvalidCommand", "latched", "ORANGE")
                ]  # fmt: skip
                assert (await ok(await http.get(HERE)))["unacknowledged"] == found["unacknowledged"] == 2
                red, event = (f"{HERE}/alarms/{one['id']}" for one in found["alarms"])
                stale = await http.post(f"{red}/acknowledge", json={}, headers={"If-Match": '"99"'})
                assert stale.status_code == 412
                await ok(await http.post(f"{event}/shelve", json={"for_s": 60, "comment": "known"}))
                await ok(await http.post(f"{red}/comment", json={"text": "looking"}))
                tag = f'"{found["alarms"][0]["revision"]}"'
                await ok(await http.post(f"{red}/acknowledge", json={}, headers={"If-Match": tag}))
                assert (await http.post(f"{red}/acknowledge", json={})).status_code == 404
                (left,) = (await ok(await http.get(f"{HERE}/alarms")))["alarms"]
                assert left["shelved_until_us"] > 0
                await ok(await http.delete(f"{event}/shelve"))
                await ok(await http.post(f"{HERE}/alarms/acknowledge", json={"source": "Ref.dispatcher.*"}))
                entries = (await ok(await http.get(f"{HERE}/alarms/history", params={"source": TEMPERATURE})))[
                    "entries"
                ]
                assert [one["action"] for one in entries] == ["acknowledged", "commented", "recovered", "raised"]
                audited = {one["action"] for one in ground.audit.entries}
                assert audited == {"acknowledge", "alarm shelved", "alarm unshelved", "alarm comment"}

    asyncio.run(run())


def test_limits_are_set_seen_and_removed_by_who_has_seen_the_last_ones(tmp_path: Path) -> None:
    async def run() -> None:
        async with client(tmp_path) as (http, _):
            path = f"{HERE}/limits/{TEMPERATURE}"
            first = await http.get(path)
            assert (first.headers["etag"], first.json()["by"]) == ('"0"', "")
            body = {"high": {"red": 40.5}, "hysteresis": 1.5, "samples": 2}
            made = await http.put(path, json=body, headers={"If-Match": first.headers["etag"]})
            assert (await ok(made))["by"] == "local"
            lost = await http.put(path, json=body, headers={"If-Match": first.headers["etag"]})
            assert (lost.status_code, "were changed meanwhile" in lost.json()["detail"]) == (412, True)
            assert (await ok(await http.get(path)))["high"] == {"red": 40.5}
            assert [one["channel"] for one in (await ok(await http.get(f"{HERE}/limits")))["limits"]] == [TEMPERATURE]
            assert (await ok(await http.delete(path, headers={"If-Match": made.headers["etag"]})))["revision"] == 0
            assert (await http.put(f"{HERE}/limits/Ref.heater.Temp", json={})).status_code == 404
            for wrong in (
                {"high": {"yellow": 2, "red": 1}},
                {"samples": 0},
                {"high": {"blue": 1}},
                {"stale_level": "B"},
            ):
                assert (await http.put(path, json=wrong)).status_code == 422, wrong

    asyncio.run(run())


def test_a_derived_channel_is_one_like_any_other(tmp_path: Path) -> None:
    name = "Ground.heater.Kelvin"

    async def run() -> None:
        from kittiwake_ground.api.app import make_app

        async with served(tmp_path) as (ground, foreign):
            transport = httpx.ASGITransport(make_app(ground))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090/api/v1/") as http:
                body = {"expression": f"{TEMPERATURE} + 273.15", "unit": "K"}
                await ok(await http.put(f"{HERE}/derived/{name}", json=body, headers={"If-Match": '"0"'}))
                await ok(await http.put(f"{HERE}/limits/{name}", json={"high": {"orange": 300}}))
                hub = ground.deployment("ref").hub
                foreign.say(measured(30))
                await until(lambda: name in hub.latest)
                shown = await ok(await http.get(f"{HERE}/channels/{name}"))
                assert (shown["value"], shown["unit"]) == (pytest.approx(303.15), "K")
                assert (shown["alarm"], shown["latched"]) == ("ORANGE", "ORANGE")
                assert name in [one["name"] for one in (await ok(await http.get(f"{HERE}/dictionary")))["channels"]]
                assert len((await ok(await http.get(f"{HERE}/channels/{name}/history")))["values"]) == 1
                wrong = await http.put(f"{HERE}/derived/{name}", json={"expression": "Ref.heater.Temp + 1"})
                assert (wrong.status_code, "Ref.heater.Temperature" in wrong.json()["detail"]) == (422, True)
                await ok(await http.delete(f"{HERE}/derived/{name}"))
                assert (await http.get(f"{HERE}/channels/{name}")).status_code == 404
                assert (await http.get(f"{HERE}/derived/{name}")).status_code == 404

    asyncio.run(run())
