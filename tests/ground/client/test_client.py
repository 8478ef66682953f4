"""The Python client against the real application and a scripted deployment."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kittiwake_ground.client import (
    AsyncGround,
    Buckets,
    ChannelValue,
    CommandFailed,
    Event,
    ExpectationFailed,
    Ground,
    GroundFault,
    History,
    RequestRefused,
    ServerUnreachable,
    WaitTimedOut,
    blocking,
    connection,
)
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from kittiwake_ground.people.accounts import Accounts
from tests.ground.client.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
NO_OP_STRING = "CdhCore.cmdDisp.CMD_NO_OP_STRING"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
STRING_RECEIVED = "CdhCore.cmdDisp.NoOpStringReceived"
DOWN = "ComCcsds.link.BytesDown"


def test_a_command_is_sent_and_its_life_comes_back(station: Deployment, device: ScriptedDeployment) -> None:
    result = station.send(NO_OP_STRING, "hello")
    assert (result.completed, result.response, result.arguments) == (True, "OK", {"arg1": "hello"})
    assert [step.state for step in result.steps] == ["queued", "sent", "dispatched", "completed"]
    assert device.received == [NO_OP_STRING]
    assert station.send(NO_OP_STRING, named={"arg1": "by name"}).arguments == {"arg1": "by name"}
    assert station.commands(1)[0].arguments == {"arg1": "by name"}


def test_a_command_that_fails_raises_with_its_response(station: Deployment, device: ScriptedDeployment) -> None:
    device.script[NO_OP] = lambda: device.fail(NO_OP, "BUSY")
    with pytest.raises(CommandFailed, match="failed: BUSY") as caught:
        station.send(NO_OP)
    assert (caught.value.response, caught.value.reason, caught.value.result.state) == ("BUSY", "failed: BUSY", "failed")
    assert station.send(NO_OP, check=False).response == "BUSY"


def test_a_command_without_an_answer_times_out(station: Deployment, device: ScriptedDeployment) -> None:
    device.script[NO_OP] = lambda: None
    with pytest.raises(CommandFailed, match=r"was not answered within 0\.3 s") as caught:
        station.send(NO_OP, timeout_s=0.3)
    assert caught.value.result.state == "timed_out"


def test_a_command_is_answered_later_where_it_is_not_waited_for(
    station: Deployment, device: ScriptedDeployment
) -> None:
    device.script[NO_OP] = lambda: None
    sent = station.send(NO_OP, wait=False)
    assert not sent.final
    station.send(NO_OP_STRING, "meanwhile")
    device.complete(NO_OP)
    assert station.answer(sent, 5.0).completed
    assert station.command(sent.id).state == "completed"


def test_a_command_that_cannot_go_out_is_taken_back_in_time(station: Deployment, device: ScriptedDeployment) -> None:
    device.close()
    list(zip(range(1), station.watch("links"), strict=False))
    with pytest.raises(CommandFailed, match=r"taken back after 0\.3 s in the queue; the link is") as caught:
        station.send(NO_OP, timeout_s=0.3)
    assert caught.value.result.state == "cancelled"


@pytest.mark.parametrize(
    "name, arguments, status, said",
    [
        ("CdhCore.cmdDisp.CMD_NOOP", [], 404, "did you mean CdhCore.cmdDisp.CMD_NO_OP?"),
        (NO_OP, [5], 422, "takes 0 arguments"),
        ("CdhCore.version.VERSION", ["ALLL"], 422, "did you mean ALL?"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_hint(
    name: str, arguments: list[object], status: int, said: str, station: Deployment
) -> None:
    with pytest.raises(RequestRefused) as caught:
        station.send(name, *arguments)
    assert caught.value.status == status
    assert str(caught.value).count(said) == 1


def test_a_value_that_is_there_already_will_do_unless_it_must_be_fresh(
    station: Deployment, device: ScriptedDeployment
) -> None:
    device.tell(DOWN, 5)
    found = station.wait_for(DOWN, 5, timeout_s=60)
    assert isinstance(found, ChannelValue)
    assert (found.value, station.channel(DOWN).value, list(station.channels("*.BytesDown"))) == (5, 5, [DOWN])
    assert station.expect(DOWN, lambda value: value > 4, timeout_s=60) == found
    station.send(NO_OP)
    with pytest.raises(WaitTimedOut, match="no value came"):
        station.wait_for(DOWN, 5, timeout_s=0.2, fresh=True)
    threading.Timer(0.1, device.tell, [DOWN, 5]).start()
    assert station.wait_for(DOWN, 5, timeout_s=60, fresh=True) != found


def test_what_was_seen_instead_is_said(station: Deployment, device: ScriptedDeployment) -> None:
    device.tell(DOWN, 5)
    station.wait_for(DOWN, timeout_s=60)
    with pytest.raises(AssertionError, match=rf"{DOWN} was not 6 within 0\.2 s: it was 5$") as caught:
        station.expect(DOWN, 6, timeout_s=0.2)
    assert isinstance(caught.value, ExpectationFailed)
    assert [one.value for one in caught.value.seen] == [5]
    with pytest.raises(TimeoutError, match="was not 6"):
        station.wait_for(DOWN, 6, timeout_s=0.1)


def test_events_count_from_the_last_action_on_and_each_once(station: Deployment, device: ScriptedDeployment) -> None:
    def script() -> None:
        device.say(RECEIVED)
        device.complete(NO_OP)

    device.script[NO_OP] = script
    station.send(NO_OP)
    found = station.expect(RECEIVED, timeout_s=60)
    assert isinstance(found, Event)
    assert found.text == "Received a NO-OP command"
    with pytest.raises(AssertionError, match="none came"):
        station.expect(RECEIVED, timeout_s=0.2)
    station.send(NO_OP)
    assert station.expect(RECEIVED, timeout_s=60) != found


def test_an_event_is_chosen_by_argument_text_or_function(station: Deployment, device: ScriptedDeployment) -> None:
    station.send(NO_OP)
    device.say(STRING_RECEIVED, "one")
    device.say(STRING_RECEIVED, "two")
    device.say(STRING_RECEIVED, "three")
    name = next(iter(station.wait_for(STRING_RECEIVED, "one", timeout_s=60).arguments))  # type: ignore[union-attr]
    second = station.expect(STRING_RECEIVED, {name: "two"}, timeout_s=60)
    third = station.expect(STRING_RECEIVED, lambda event: "three" in event.text, timeout_s=60)
    assert [one.text.endswith(word) for one, word in ((second, "two"), (third, "three"))] == [True, True]
    with pytest.raises(AssertionError, match="did not come with 'four'"):
        station.expect(STRING_RECEIVED, "four", timeout_s=0.2)
    device.say(STRING_RECEIVED, "five")
    with pytest.raises(TypeError, match="an event is wanted by"):
        station.expect(STRING_RECEIVED, 5, timeout_s=5)


def test_only_what_the_dictionary_has_can_be_waited_for(station: Deployment) -> None:
    with pytest.raises(RequestRefused, match=r"did you mean CdhCore\.cmdDisp\.NoOpReceived\?"):
        station.wait_for("CdhCore.cmdDisp.NoOpReceivd")


def test_a_link_that_is_lost_is_said_where_nothing_comes(station: Deployment, device: ScriptedDeployment) -> None:
    threading.Timer(0.1, device.close).start()
    with pytest.raises(ExpectationFailed, match=r"the link is (down|connecting)"):
        station.expect(RECEIVED, timeout_s=0.6)


def test_history_comes_as_arrays(station: Deployment, device: ScriptedDeployment) -> None:
    for value in range(20):
        device.tell(DOWN, value)
    station.wait_for(DOWN, 19, timeout_s=60)
    held = station.history(DOWN)
    assert isinstance(held, History)
    assert isinstance(held.values, np.ndarray)
    assert held.values.tolist() == list(range(20))
    assert held.time_us.dtype == np.int64
    assert np.all(np.diff(held.time_us) >= 0)
    buckets = station.history(DOWN, "1m", buckets=4)
    assert isinstance(buckets, Buckets)
    assert buckets.count.sum() <= 20
    assert len(station.history("CdhCore.cmdDisp.CommandsDispatched", start=0)) == 0
    with pytest.raises(ValueError, match="is no time"):
        station.history(DOWN, "yesterday")


def test_the_whole_history_comes_over_many_pages_each_value_once(
    station: Deployment, device: ScriptedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kittiwake_ground.client.history.PAGE", 7)
    for value in range(40):
        device.tell(DOWN, value)
    station.wait_for(DOWN, 39, timeout_s=60)
    # What the archive is given is written within a second.
    values: list[int] = []
    for _ in station.watch("links"):
        found = station.history(DOWN, start=0)
        assert isinstance(found, History)
        values = found.values.tolist()
        if len(values) == 40:
            break
    assert values == list(range(40))


def test_lists_do_without_numpy(
    station: Deployment, device: ScriptedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kittiwake_ground.client.history.find_spec", lambda name: None)
    device.tell(DOWN, 5)
    station.wait_for(DOWN, 5, timeout_s=60)
    found = station.history(DOWN)
    assert isinstance(found, History)
    assert found.values == [5]


@contextmanager
def repeated(action: Callable[[], None]) -> Iterator[None]:
    """Does something every 0.1 s: on a busy machine a subscription may come after the first time."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(0.1):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_events_are_listed_and_watched(station: Deployment, device: ScriptedDeployment) -> None:
    station.send(NO_OP)
    assert [one.name for one in station.events("*.OpCode*")][-1] == "CdhCore.cmdDisp.OpCodeCompleted"
    assert station.events(severity="FATAL") == []
    with repeated(lambda: device.say(RECEIVED)):
        assert next(station.watch("events", names=[RECEIVED])).subject.name == RECEIVED


def test_a_sequence_with_faults_names_each_of_them(station: Deployment) -> None:
    with pytest.raises(RequestRefused) as caught:
        station.compile_sequence("R00:00:00 CdhCore.cmdDisp.CMD_NOOP\nR00:00:00 CdhCore.cmdDisp.CMD_NO_OP 1\n")
    assert [one["line"] for one in caught.value.errors] == [1, 2]
    assert len(station.compile_sequence("R00:00:00 CdhCore.cmdDisp.CMD_NO_OP\n")) > 0


def test_the_deployments_links_and_the_only_deployment_are_found(ground: Ground, station: Deployment) -> None:
    assert ground.health()["status"] == "ok"
    assert ground.links()["small"].state == "up"
    assert ground.deployment().name == station.name == ground.deployments()[0].name
    with pytest.raises(RequestRefused, match="no deployment 'other'; there are small") as caught:
        ground.deployment("other")
    assert caught.value.status == 404


def test_nobody_at_the_address_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Ground(f"http://127.0.0.1:{port}") as ground, pytest.raises(ServerUnreachable, match="Connection refused"):
        ground.deployment("small")
    for url in ("ftp://example.org", "http://127.0.0.1:99999", "http://127.0.0.1:x", "http://127.0.0.1:0", "http://"):
        with pytest.raises(ValueError, match="is no address"):
            Ground(url)
    for token in ("ü", "a\nb"):
        with pytest.raises(ValueError, match="the token has characters"):
            Ground("http://127.0.0.1:1", token=token)


def test_a_server_that_goes_away_ends_the_wait(served: Served, station: Deployment) -> None:
    threading.Timer(0.2, served.stop).start()
    with pytest.raises(ServerUnreachable):
        station.wait_for(RECEIVED, timeout_s=20)


def test_the_client_works_where_a_loop_runs_already(served: Served, station: Deployment) -> None:
    async def cell() -> str:
        with Ground(served.url) as ground:
            return ground.deployment().send(NO_OP).state

    assert asyncio.run(cell()) == "completed"


def test_the_asynchronous_client_waits_for_two_things_at_once(
    served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    def speak() -> None:
        device.tell(DOWN, 9)
        device.say(RECEIVED)

    async def wait() -> tuple[object, object]:
        async with AsyncGround(served.url) as ground:
            here = await ground.deployment("small")
            with repeated(speak):
                value, event = await asyncio.gather(here.wait_for(DOWN, 9, 30), here.wait_for(RECEIVED, timeout_s=30))
            return value.value, event.name  # type: ignore[union-attr]

    assert asyncio.run(wait()) == (9, RECEIVED)


def test_the_blocking_client_has_whatever_the_asynchronous_one_has() -> None:
    """Each method is named in `blocking` by the one that it runs: one that is forgotten there is missing."""
    for_loops = {"forget_dictionary", "news", "pour"}  # what the rest of the client is made of
    pairs = [
        (vars(one)["__orig_bases__"][0].__args__[0], one)
        for one in vars(blocking).values()
        if isinstance(one, type) and issubclass(one, blocking.Blocking) and one is not blocking.Blocking
    ]
    missing = [
        f"{theirs.__name__}.{name}"
        for theirs, ours in pairs
        for name in vars(theirs)
        if not name.startswith("_") and name not in for_loops and not hasattr(ours, name)
    ]
    assert len(pairs) == 8
    assert missing == []


def test_a_closed_client_says_so(served: Served) -> None:
    ground = Ground(served.url)
    ground.close()
    ground.close()
    with pytest.raises(RuntimeError, match="the client is closed"):
        ground.health()


def test_every_fault_is_a_fault_of_the_ground() -> None:
    kinds = (ServerUnreachable, RequestRefused, CommandFailed, WaitTimedOut, ExpectationFailed)
    assert all(issubclass(one, GroundFault) for one in kinds)


def test_more_actions_than_the_server_takes_at_once_are_made_one_after_the_other(station: Deployment) -> None:
    station.send(NO_OP)  # the link is up from here on: commands are not held back in the server's queue
    last = [station.send(NO_OP, wait=False) for _ in range(125)][-1]
    assert station.answer(last, 10.0).completed


def test_a_busy_server_may_answer_a_subscription_later_than_it_takes_connections(
    station: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.0)
    assert next(station.watch("links")).kind == "links"


def test_an_iterator_outlives_its_client(served: Served, station: Deployment) -> None:
    with Ground(served.url) as ground:
        news = ground.deployment().watch("links")
        assert next(news).kind == "links"
    news.close()  # type: ignore[attr-defined]


def test_a_token_is_wanted_where_there_are_users(
    device: ScriptedDeployment, dictionary_file: Path, tmp_path: Path
) -> None:
    accounts = Accounts(tmp_path / "users.json")
    accounts.add_user("ann", "viewer", "correct horse battery")
    token = accounts.add_token("notebook", "ann", "viewer")
    small = DeploymentConfiguration("small", dictionary_file, device.link, "fprime")
    served = Served(GroundConfiguration((small,), folder=tmp_path / "ground", users=tmp_path / "users.json"))
    try:
        with Ground(served.url) as stranger:
            with pytest.raises(RequestRefused, match="give a token") as refused:
                stranger.deployment("small")
            assert refused.value.status == 401
        with Ground(served.url, token) as ground:
            station = ground.deployment("small")
            assert next(station.watch("links")).kind == "links"
            with pytest.raises(RequestRefused, match="this takes an operator") as forbidden:
                station.send(NO_OP)
            assert forbidden.value.status == 403
        with Ground(served.url, "kwt_wrong") as wrong, pytest.raises(RequestRefused) as unknown:
            wrong.links()
        assert unknown.value.status == 401
    finally:
        served.stop()
