"""A replay tells what the archive holds, each thing once and in its order, and nothing can be sent from it."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kittiwake_ground.alarms.store import MIGRATIONS, AlarmStore
from kittiwake_ground.archive import Archive, NewEvent, Retention
from kittiwake_ground.replay import replay as replay_module
from kittiwake_ground.replay.replay import LONGEST_STEP_S, Replay
from kittiwake_ground.replay.replayed_past import ReplayedPast
from kittiwake_ground.replay.replays import MAX_REPLAYS, NoReplay, Replays, TooManyReplays
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.links import UP
from kittiwake_ground.server.transfer import TransferRefused
from kittiwake_ground.server.views import archived_command_object, command_object, event_object, latest_object
from tests.ground.replay.conftest import NOW_US

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake_ground.server.deployment import Deployment

BASE_US = NOW_US - 3_600_000_000
TEMPERATURE = "Ref.heater.Temperature"
NO_OP = "Ref.dispatcher.CMD_NO_OP"
SECOND = 1_000_000


def tag(time_us: int) -> int:
    return 2 << 64 | time_us


def measured(*samples: tuple[int, float]) -> list[tuple[str, int, int, Any]]:
    """Samples of the temperature at microseconds after `BASE_US`."""
    return [(TEMPERATURE, tag(BASE_US + at), BASE_US + at, value) for at, value in samples]


def completed(at: int, opcode: int = 0x500) -> NewEvent:
    text = f"Opcode {opcode:#x} completed"
    time_us = BASE_US + at
    return NewEvent("Ref.dispatcher.OpCodeCompleted", "COMMAND", tag(time_us), time_us, text, {"Opcode": opcode})


def begun(archive: Archive, live: Deployment, at: int, **options: Any) -> Replay:
    return Replay(archive, live, BASE_US + at, wall=lambda: NOW_US, **options)


offsets = st.integers(min_value=0, max_value=60)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=st.lists(st.tuples(offsets, st.floats(-100, 100, width=32)), max_size=12),
    events=st.lists(offsets, max_size=6),
    start=offsets,
    cuts=st.lists(offsets, max_size=5),
)
def test_however_time_is_cut_each_thing_is_told_once_and_in_its_order(
    live: Deployment,
    tmp_path_factory: pytest.TempPathFactory,
    samples: list[tuple[int, float]],
    events: list[int],
    start: int,
    cuts: list[int],
) -> None:
    """The steps of a replay are [start, end): what lies on a boundary belongs to the step that begins there."""
    keep_all = Retention(None, None, None, None, None, None)
    with Archive(tmp_path_factory.mktemp("cut"), keep_all, lambda: NOW_US, commit_interval_s=0.0) as archive:
        archive.add_samples("ref", measured(*samples))
        archive.add_events("ref", [completed(at, at) for at in events])
        archive.flush()
        kept = [(one.time_us, one.value) for one in archive.samples("ref", TEMPERATURE)] if samples else []

        async def play() -> None:
            replay = begun(archive, live, start)
            await replay.start()
            before = [value for time_us, value in kept if time_us < BASE_US + start]
            latest = replay.source.hub.latest.get(TEMPERATURE)
            assert (None if latest is None else latest.value) == (before[-1] if before else None)
            news = replay.source.hub.subscribe(("channels", "events"))
            for cut in sorted(one for one in cuts if one > start):
                await replay.go_to(BASE_US + cut)
            await replay.go_to(BASE_US + 61)
            told = news.fetch()
            values = [(one.subject.tag - tag(0), one.subject.value) for one in told if one.kind == "channels"]
            assert values == [one for one in kept if one[0] >= BASE_US + start]
            opcodes = [one.subject.decoded.args[0] for one in told if one.kind == "events"]
            assert opcodes == sorted(at for at in events if at >= start)

        asyncio.run(play())


def test_a_replay_goes_on_at_its_speed_pauses_and_never_passes_now(archive: Archive, live: Deployment) -> None:
    seconds = 0.0

    async def play() -> None:
        nonlocal seconds
        replay = begun(archive, live, 0, speed=10, monotonic=lambda: seconds)
        await replay.start()
        seconds += 1.5
        await replay.advance()
        assert replay.position_us == BASE_US + 15 * SECOND
        replay.paused = True
        seconds += 1.5
        await replay.advance()
        replay.paused = False
        replay.set_speed(60)
        seconds += 1.0
        await replay.advance()
        assert replay.position_us == BASE_US + 75 * SECOND
        # A page that was not looked at for a while goes on from there, and does not jump.
        seconds += 1000
        await replay.advance()
        assert replay.position_us == BASE_US + (75 + int(60 * LONGEST_STEP_S)) * SECOND
        replay.set_speed(1000)
        for _ in range(4):
            seconds += 2
            await replay.advance()
        assert replay.position_us == NOW_US
        assert replay.caught_up

    asyncio.run(play())


@pytest.mark.parametrize("at_us, speed", [(NOW_US + 1, 1.0), (-1, 1.0), (0, 0.0), (0, 1e9), (0, float("nan"))])
def test_a_time_to_come_and_a_speed_that_is_none_are_refused(
    archive: Archive, live: Deployment, at_us: int, speed: float
) -> None:
    with pytest.raises(ValueError, match=r"past|speed"):
        Replay(archive, live, at_us, speed, wall=lambda: NOW_US)


def test_pages_see_events_commands_links_alarms_and_transfers_as_they_were(archive: Archive, live: Deployment) -> None:
    archive.add_samples("ref", measured((1, 20.0), (5 * SECOND, 55.0)))
    archive.add_events("ref", [completed(2)])
    id = archive.record_command("ref", NO_OP, 0x500, {}, by="ada", at_us=BASE_US + 10)
    archive.update_command(id, "sent", at_us=BASE_US + 2 * SECOND)
    archive.update_command(id, "completed", at_us=BASE_US + 4 * SECOND, response="OK")
    archive.add_link_state("ref", "up", at_us=BASE_US)
    archive.add_link_state("ref", "down", "unplugged", at_us=BASE_US + 4 * SECOND)
    file = archive.add_file("ref", "up", "a", "/a", by="ada", size=5, at_us=BASE_US + SECOND)
    archive.update_file(file, "completed", at_us=BASE_US + 6 * SECOND)
    archive.flush()

    async def play() -> None:
        replay = begun(archive, live, 3 * SECOND)
        source, past = replay.source, ReplayedPast(archive, replay)
        await replay.start()
        assert source.link.state == UP
        assert source.link.since_us == BASE_US
        assert latest_object(source.hub.latest[TEMPERATURE], source.hub)["text"].startswith("20")
        assert source.hub.latched == {}
        assert [one.state for one in source.commands.records.values()] == ["sent"]
        assert [one["state"] for one in await past.commands(source, 10)] == ["sent"]
        assert [one.state for one in source.transfers.records.values()] == ["running"]
        told = await past.events(source, lambda name: True, ("COMMAND",), None, None, 10)
        assert [one["text"] for one in told["events"]] == ["Opcode 0x500 completed"]
        news = source.hub.subscribe()
        await replay.go_to(BASE_US + 7 * SECOND)
        assert source.hub.latched == {TEMPERATURE: "RED"}
        assert source.link.reason == "unplugged"
        assert [one.state for one in source.transfers.records.values()] == ["completed"]
        (record,) = [one.subject for one in news.fetch() if one.kind == "commands"]
        shown = command_object(record)
        (whole,) = [archived_command_object(one) for one in archive.commands("ref")]
        assert (shown["id"], shown["steps"], shown["state"]) == (whole["id"], whole["steps"], "completed")

    asyncio.run(play())


def test_nothing_after_the_moment_is_told(archive: Archive, live: Deployment) -> None:
    archive.add_samples("ref", measured((0, 1.0), (SECOND, 2.0), (2 * SECOND, 3.0)))
    archive.add_events("ref", [completed(at * SECOND) for at in range(3)])
    archive.flush()

    async def play() -> None:
        replay = begun(archive, live, SECOND)
        await replay.start()
        past = ReplayedPast(archive, replay)
        hub = replay.source.hub
        assert (await past.values(hub, TEMPERATURE, None, None, 10))["values"] == [1.0]
        assert sum((await past.buckets(hub, TEMPERATURE, 0, None, 10))["count"]) == 1
        assert len((await past.events(replay.source, lambda name: True, (), None, NOW_US, 10))["events"]) == 1

    asyncio.run(play())


def test_nothing_can_be_sent_from_the_past(archive: Archive, live: Deployment) -> None:
    async def play() -> None:
        replay = begun(archive, live, 0)
        await replay.start()
        source = replay.source
        attempts: tuple[Callable[[], object], ...] = (
            lambda: source.commands.submit(NO_OP), lambda: source.commands.cancel(1), lambda: source.parameters.set(
                "Ref.heater.SETPOINT", 20), lambda: source.sequences.run("/a.bin"),
        )  # fmt: skip
        for attempt in attempts:
            with pytest.raises(CommandRefused, match="past"):
                attempt()
        transfers: tuple[Callable[[], object], ...] = (
            lambda: source.transfers.upload(b"", "/a"), lambda: source.transfers.download("/a"),
            lambda: source.upload_by_cfdp(b"", "/a", "ada"),
        )  # fmt: skip
        for transfer in transfers:
            with pytest.raises(TransferRefused, match="past"):
                transfer()

    asyncio.run(play())
    assert archive.commands("ref") == []
    assert live.commands.records == {}


def test_so_many_replays_and_no_more(archive: Archive, live: Deployment) -> None:
    async def play() -> None:
        replays = Replays(archive)
        opened = [await replays.open(live, BASE_US) for _ in range(MAX_REPLAYS)]
        with pytest.raises(TooManyReplays, match="16 replays are open"):
            await replays.open(live, BASE_US)
        opened[0].close()
        opened[0].close()
        assert replays.count == MAX_REPLAYS - 1
        await replays.open(live, BASE_US)
        opened[1].abandoned = opened[2].abandoned = True
        await replays.open(live, BASE_US)
        assert [one.closed for one in opened[1:4]] == [True, False, False]
        assert replays.count == MAX_REPLAYS
        with pytest.raises(NoReplay, match="no archive"):
            await Replays(None).open(live, BASE_US)

    asyncio.run(play())


def test_of_too_much_at_once_the_last_values_are_told(
    archive: Archive, live: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "MAX_SAMPLES", 5)
    archive.add_samples("ref", measured(*[(at, float(at)) for at in range(20)]))
    archive.flush()

    async def play() -> None:
        replay = begun(archive, live, 0)
        await replay.start()
        news = replay.source.hub.subscribe(("channels",))
        await replay.go_to(BASE_US + 5)
        assert not replay.thinned
        await replay.go_to(BASE_US + 19)
        assert replay.thinned
        assert [one.subject.value for one in news.fetch()] == [0.0, 1.0, 2.0, 3.0, 4.0, 18.0]

    asyncio.run(play())


def test_what_does_not_fit_todays_dictionary_is_shown_as_it_was_told_or_counted(
    archive: Archive, live: Deployment
) -> None:
    time_us = BASE_US + 1
    archive.add_samples("ref", [(TEMPERATURE, tag(time_us), time_us, "warm"), ("Ref.gone", tag(time_us), time_us, 1)])
    archive.add_events(
        "ref",
        [
            NewEvent("Ref.gone.Said", "WARNING_HI", tag(time_us), time_us, "a {brace}", {"x": 1}),
            NewEvent("Ref.dispatcher.OpCodeCompleted", "COMMAND", tag(time_us), time_us, "was text", {"Opcode": "?"}),
        ],
    )
    archive.flush()

    async def play() -> None:
        replay = begun(archive, live, 0)
        await replay.start()
        news = replay.source.hub.subscribe(("events",))
        await replay.go_to(BASE_US + 2)
        assert replay.misfits == {TEMPERATURE}
        assert replay.source.hub.latest == {}
        shown = [event_object(one.subject, live.dictionary) for one in news.fetch()]
        assert [(one["severity"], one["text"]) for one in shown] == [
            ("WARNING_HI", "a {brace}"),
            ("COMMAND", "was text"),
        ]

    asyncio.run(play())


def test_each_step_of_a_command_is_told_when_it_happened(archive: Archive, live: Deployment) -> None:
    id = archive.record_command("ref", NO_OP, 0x500, {}, by="ada", at_us=BASE_US)
    for number, state in enumerate(("sent", "dispatched", "completed"), 1):
        archive.update_command(id, state, at_us=BASE_US + number * 10)
    archive.flush()

    async def play() -> None:
        replay = begun(archive, live, 0)
        await replay.start()
        news = replay.source.hub.subscribe(("commands",))
        for end in itertools.accumulate((1, 10, 10, 10)):
            await replay.go_to(BASE_US + end)
        states = [[state for state, _ in one.subject.steps] for one in news.fetch()]
        assert states == [["queued", "sent", "dispatched", "completed"][:length] for length in (1, 2, 3, 4)]

    asyncio.run(play())


def limited(live: Deployment, monkeypatch: pytest.MonkeyPatch, at: int, high: dict[str, float] | None) -> None:
    """An operator sets limits at a time, or has the dictionary's count again."""
    monkeypatch.setattr("kittiwake_ground.alarms.store.wall_us", lambda: BASE_US + at)
    if high is None:
        live.alarms.remove_limits(TEMPERATURE, "ada")
    else:
        live.alarms.set_limits(TEMPERATURE, {"high": high}, "ada")


def colour(replay: Replay) -> str:
    hub = replay.source.hub
    return str(latest_object(hub.latest[TEMPERATURE], hub)["alarm"])


def test_values_have_the_colours_of_the_limits_that_counted_then(
    archive: Archive, live: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the value 25 nothing is said by the dictionary (30), then it is yellow (20), then red (10), then nothing."""
    archive.add_samples("ref", measured(*[(second * SECOND, 25.0) for second in range(40)]))
    limited(live, monkeypatch, 10 * SECOND, {"yellow": 20})
    limited(live, monkeypatch, 20 * SECOND, {"red": 10})
    limited(live, monkeypatch, 30 * SECOND, None)
    archive.flush()

    async def run() -> None:
        told = {}
        replay = begun(archive, live, 5 * SECOND)
        await replay.start()
        for second in (5, 15, 25, 35):
            await replay.go_to(BASE_US + second * SECOND)
            fresh = begun(archive, live, second * SECOND)
            await fresh.start()
            told[second] = (colour(replay), colour(fresh), fresh.source.hub.latched.get(TEMPERATURE, ""))
        assert told == {
            5: ("", "", ""), 15: ("YELLOW", "YELLOW", "YELLOW"), 25: ("RED", "RED", "RED"), 35: ("", "", ""),
        }  # fmt: skip
        assert replay.source.hub.latched == {TEMPERATURE: "RED"}, "what was red waits to be acknowledged"
        assert live.alarms.plan(TEMPERATURE).by == ""

    asyncio.run(run())


def test_a_fast_step_judges_each_value_by_the_limits_of_its_time(
    archive: Archive, live: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add_samples("ref", measured((5 * SECOND, 25.0), (15 * SECOND, 15.0)))
    limited(live, monkeypatch, 10 * SECOND, {"yellow": 20})
    archive.flush()

    async def run() -> None:
        replay = begun(archive, live, 0)
        await replay.start()
        await replay.go_to(BASE_US + 20 * SECOND)
        changes = [one.action for one in replay.source.hub.alarms.history()]
        assert changes == ["recovered", "raised"], "25 was beyond 20 as soon as the limits were set, and 15 is not"

    asyncio.run(run())


def test_limits_of_before_an_update_of_the_server_count_since_they_were_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kittiwake_ground.alarms.store.MIGRATIONS", MIGRATIONS[:2])
    old = AlarmStore(tmp_path)
    old.open()
    with old._transaction() as database:
        database.execute("INSERT INTO made VALUES ('ref', 'limits', ?, '{}', 'ada', 77)", (TEMPERATURE,))
    old.close()
    monkeypatch.undo()
    store = AlarmStore(tmp_path)
    (kept,) = store.past_limits("ref", 0, NOW_US)
    assert (kept.time_us, kept.name, kept.made) == (77, TEMPERATURE, store.made("ref", "limits")[0])
    store.close()
