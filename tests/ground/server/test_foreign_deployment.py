"""A deployment of C++ F´, served by its dictionary: its instances are called as they like."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kittiwake.wire.file_packets import StartPacket
from kittiwake_ground.configuration import DeploymentConfiguration
from kittiwake_ground.server.instances import NoSuchAbility
from kittiwake_ground.server.transfers import TransferRefused
from tests.ground.server.foreign import NO_OP, PRM_SET, RUN, SEND, measured, said, served, until

if TYPE_CHECKING:
    from pathlib import Path

NAME = "Ref.dispatcher.CMD_NO_OP"


@pytest.mark.parametrize("framing", ["fprime", "ccsds"])
def test_a_command_is_answered(tmp_path: Path, framing: str) -> None:
    async def run() -> None:
        async with served(tmp_path, framing=framing) as (ground, foreign):
            here = ground.deployment("ref")
            record = await here.commands.submit(NAME, by="ada").wait()
            assert (record.state, record.by, record.response) == ("completed", "ada", "OK")
            assert [state for state, _ in record.steps] == ["queued", "sent", "dispatched", "completed"]
            assert foreign.opcodes == [NO_OP]

    asyncio.run(run())


def test_values_and_alarms_come_and_the_dictionary_stays_unconfirmed(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            hub = ground.deployment("ref").hub
            with hub.subscribe(["channels"]) as news:
                foreign.say(measured(20), measured(60), measured(20))
                seen: list[float] = []
                while len(seen) < 3:
                    seen += [update.subject.value for update in await news.wait()]
            assert seen == [20, 60, 20]
            assert hub.latched == {"Ref.heater.Temperature": "RED"}
            hub.acknowledge("Ref.heater.Temperature")
            assert hub.latched == {}
            assert hub.dictionary_matches is None

    asyncio.run(run())


def test_a_file_goes_up_and_comes_down(tmp_path: Path) -> None:
    content = bytes(range(256)) * 50

    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            up = await transfers.upload(content, "/a.bin").wait()
            assert (up.state, up.reason, foreign.files) == ("completed", "", {"/a.bin": content})
            down = await transfers.download("/a.bin").wait()
            assert (down.state, down.reason) == ("completed", "")
            assert down.path is not None
            assert down.path.read_bytes() == content

    asyncio.run(run())


def test_a_file_that_nobody_asked_for_is_kept_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            foreign.send_file("/log/x", "../../x", b"news")
            await until(lambda: transfers.records and next(iter(transfers.records.values())).is_final)
            (found,) = transfers.records.values()
            assert (found.state, found.by, found.remote) == ("completed", "deployment", "/log/x")
            assert found.path is not None
            assert found.path.parent == (tmp_path / "ground/files/ref").absolute()
            assert found.path.read_bytes() == b"news"

    asyncio.run(run())


def test_a_file_with_a_wrong_checksum_is_not_kept(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            foreign.send_file("/x", "x", b"news", checksum=7)
            await until(lambda: transfers.records and next(iter(transfers.records.values())).is_final)
            (found,) = transfers.records.values()
            assert (found.state, found.path) == ("failed", None)
            assert "checksum" in found.reason
            assert not [one for one in (tmp_path / "ground/files/ref").iterdir() if one.is_file()]

    asyncio.run(run())


def test_a_download_ends_when_the_deployment_fails_the_command(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            foreign.refused.add(SEND)
            down = await ground.deployment("ref").transfers.download("/a.bin").wait()
            assert (down.state, down.reason) == ("failed", "Ref.down.SendFile failed: EXECUTION_ERROR")

    asyncio.run(run())


def test_a_transfer_is_given_up(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, rate=1000.0) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            first = transfers.upload(bytes(100_000), "/a.bin")
            second = transfers.upload(bytes(10), "/b.bin")
            await until(lambda: first.state == "running")
            transfers.cancel(second.id)
            transfers.cancel(first.id)
            assert (await first.wait()).state == (await second.wait()).state == "cancelled"
            assert foreign.files == {}

    asyncio.run(run())


def test_a_file_that_nobody_asked_for_is_given_up_or_ends_with_the_link(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            for number in (1, 2):
                foreign.say(StartPacket(0, 5, "/x", f"{number}").encode())
                await until(lambda number=number: len(transfers.records) == number)
                if number == 1:
                    transfers.cancel(next(iter(transfers.records)))
            await foreign.stop()
            await until(lambda: all(one.is_final for one in transfers.records.values()))
            assert [one.state for one in transfers.records.values()] == ["cancelled", "failed"]
            assert not [one for one in (tmp_path / "ground/files/ref").iterdir() if one.is_file()]

    asyncio.run(run())


def test_what_waits_for_its_way_up_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kittiwake_ground.server.transfers.MAX_QUEUED_BYTES", 100)

    async def run() -> None:
        async with served(tmp_path, rate=1.0) as (ground, _):
            transfers = ground.deployment("ref").transfers
            first = transfers.upload(bytes(60), "/a")
            with pytest.raises(TransferRefused, match="more than 100 bytes"):
                transfers.upload(bytes(60), "/b")
            transfers.cancel(first.id)
            await first.wait()
            assert transfers.upload(bytes(60), "/b").state == "queued"

    asyncio.run(run())


def test_a_transfer_ends_when_the_link_breaks(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, rate=1000.0) as (ground, foreign):
            transfers = ground.deployment("ref").transfers
            foreign.mute.add(SEND)
            up, down = transfers.upload(bytes(100_000), "/a.bin"), transfers.download("/a.bin")
            await until(lambda: SEND in foreign.opcodes and any(one[2:3] == b"\0" for one in foreign.sent))
            await foreign.stop()
            assert (await up.wait()).state == (await down.wait()).state == "failed"
            assert "broke" in down.reason

    asyncio.run(run())


def test_a_sequence_is_run_without_blocking_and_followed(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            sequences = ground.deployment("ref").sequences
            assert sequences.sequencers == ("Ref.sequencer",)
            checked = sequences.check(f"R00:00:00 {NAME}\n")
            sequences.files.note("/one.bin", checked.binary)
            ended = await sequences.run("/one.bin", "ada").wait()
            assert (ended.state, ended.step, ended.total) == ("completed", 1, 1)
            assert foreign.sent[-1].endswith(b"\x01")
            foreign.refused.add(RUN)
            failed = await sequences.run("/one.bin").wait()
            assert (failed.state, failed.reason) == ("failed", "Ref.sequencer.CS_RUN failed: EXECUTION_ERROR")

    asyncio.run(run())


def test_a_parameter_is_known_once_it_was_set(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            parameters = ground.deployment("ref").parameters
            record = parameters.records["Ref.heater.SETPOINT"]
            assert (record.known, record.parameter.default) == ("unknown", 21.5)
            foreign.refused.add(PRM_SET)
            await parameters.set("Ref.heater.SETPOINT", "30").wait()
            assert record.known == "unknown"
            foreign.refused.clear()
            setting = parameters.set("Ref.heater.SETPOINT", "30")
            parameters.save_after(setting, "Ref.heater.SETPOINT")
            await until(lambda: len(foreign.opcodes) == 3)
            assert (record.known, record.value, record.stale) == ("set", 30.0, False)
            with pytest.raises(NoSuchAbility, match="PRM_DUMP"):
                parameters.refresh()
            await foreign.stop()
            await until(lambda: record.stale)

    asyncio.run(run())


def test_what_the_deployment_cannot_do_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, _):
            with pytest.raises(NoSuchAbility, match="ListDirectory"):
                await ground.deployment("ref").folders.list("/")

    asyncio.run(run())


def test_garbage_and_unknown_packets_are_counted_and_change_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            here = ground.deployment("ref")
            foreign.say(said(0xDEAD), b"\x00\x02", b"\x00\x09", StartPacket(0, 5, "a", "b").encode()[:-1], measured(1))
            await until(lambda: here.hub.latest)
            assert here.link.undecodable == 4
            assert here.hub.event_count == 0

    asyncio.run(run())


def test_a_deployment_that_is_not_there_disturbs_no_other(tmp_path: Path) -> None:
    async def run() -> None:
        absent = DeploymentConfiguration("absent", tmp_path / "dictionary.json", "tcp://127.0.0.1:1")
        async with served(tmp_path, [absent]) as (ground, _):
            assert (await ground.deployment("ref").commands.submit(NAME).wait()).state == "completed"
            await until(lambda: ground.deployment("absent").link.state == "down")
            assert ground.deployment("absent").link.reason == "Connection refused"

    asyncio.run(run())


def test_a_deployment_that_went_is_connected_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path) as (ground, foreign):
            here = ground.deployment("ref")
            with here.hub.subscribe(["links"]) as news:
                await foreign.stop()
                await until(lambda: here.link.state == "down")
                held = here.commands.submit(NAME)
                assert held.state == "queued"
                await foreign.start()
                assert (await held.wait()).state == "completed"
                states = [update.subject.state for update in news.fetch()]
            assert states.index("down") < states.index("connecting") < states.index("up")
            assert here.link.connections == 2

    asyncio.run(run())
