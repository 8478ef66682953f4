"""What is known of a deployment, and who is told."""

from __future__ import annotations

import asyncio
import json

import pytest

from kittiwake.dictionary.decode import DecodedChannel, Decoder
from kittiwake.dictionary.entries import UnknownName
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.server.hub import MAX_EVENTS, Hub
from kittiwake_ground.server.views import sample_object, tag_object
from tests.ground.server.foreign import COMPLETED, DICTIONARY, NO_OP, event, said, text

FOREIGN = read_dictionary(DICTIONARY, "foreign")
DECODER = Decoder(FOREIGN)
TEMPERATURE = "Ref.heater.Temperature"
EVENT = DECODER.decode_event(said(COMPLETED, NO_OP.to_bytes(4, "big")))


def temperature(value: float) -> DecodedChannel:
    return DecodedChannel(FOREIGN.channel(TEMPERATURE), 2 << 64 | 5, value, {})


def test_the_latest_value_and_a_bounded_history_are_held() -> None:
    hub = Hub("ref", FOREIGN, history_size=3)
    for number in range(5):
        hub.take_samples([temperature(number)], number * 10)
    assert hub.latest[TEMPERATURE].value == 4
    assert [one.value for one in hub.history(TEMPERATURE)] == [2, 3, 4]
    assert [one.value for one in hub.history(TEMPERATURE, 20, 40)] == [2, 3]
    assert hub.history("Ref.heater.Other") == []


def test_events_are_numbered_and_bounded() -> None:
    hub = Hub("ref", FOREIGN, 3)
    for _ in range(MAX_EVENTS + 2):
        hub.take_event(EVENT, 7)
    assert len(hub.events) == MAX_EVENTS
    assert (hub.events[0].number, hub.events[-1].number) == (3, MAX_EVENTS + 2)


def test_an_alarm_latches_at_its_gravest_until_it_is_acknowledged() -> None:
    hub = Hub("ref", FOREIGN, 3)
    seen = []
    for value in (20, 31, 51, 31, 20):
        hub.take_samples([temperature(value)], 0)
        seen.append(hub.latched.get(TEMPERATURE, ""))
    assert seen == ["", "YELLOW", "RED", "RED", "RED"]
    hub.take_samples([temperature(31)], 0)
    hub.acknowledge(TEMPERATURE)
    assert hub.latched == {TEMPERATURE: "YELLOW"}
    with pytest.raises(UnknownName):
        hub.acknowledge("nothing")


def test_a_subscriber_gets_what_it_wants_and_learns_what_it_lost() -> None:
    async def run() -> None:
        hub = Hub("ref", FOREIGN, 3)
        news = hub.subscribe(["channels", "events"], ["Ref.heater.*"], limit=2)
        hub.take_event(EVENT, 0)
        hub.take_samples([temperature(1), temperature(2), temperature(3)], 0)
        assert news.dropped == 1
        assert [update.subject.value for update in await news.wait()] == [2, 3]
        assert news.fetch() == []
        news.close()
        hub.take_samples([temperature(4)], 0)
        assert news.fetch() == []
        assert hub.subscriber_count == 0
        with pytest.raises(ValueError, match="there is no kind 'chanels'"):
            hub.subscribe(["chanels"])

    asyncio.run(run())


@pytest.mark.parametrize("form", [text(64), text(40), {"name": "U32", "kind": "integer", "size": 32, "signed": False}])
@pytest.mark.parametrize("right", [True, False])
def test_the_dictionary_of_the_deployment_is_compared(form: dict[str, object], right: bool) -> None:
    reporting = {**DICTIONARY, "events": [event("Ref.version.DictionaryHash", 1, "ACTIVITY_LO", "{}", hash=form)]}
    dictionary = read_dictionary(reporting, "reporting")
    own = dictionary.hash
    number = int(own[:8], 16) if right else 5
    said_text = (own if right else "0" * 64)[: int(str(form.get("size", 64)))]
    value = (
        number.to_bytes(4, "big") if form["name"] == "U32" else len(said_text).to_bytes(2, "big") + said_text.encode()
    )
    hub = Hub("ref", dictionary, 3)
    assert hub.dictionary_matches is None
    hub.take_event(Decoder(dictionary).decode_event(said(1, value)), 0)
    assert hub.dictionary_matches is right
    hub.forget_dictionary()
    assert hub.dictionary_matches is None


def test_what_is_no_number_can_still_be_shown_as_json() -> None:
    hub = Hub("ref", FOREIGN, 3)
    for value in (float("nan"), float("inf")):
        hub.take_samples([temperature(value)], 0)
        shown = sample_object(hub.latest[TEMPERATURE], FOREIGN)
        assert json.loads(json.dumps(shown, allow_nan=False))["value"] == str(value)


@pytest.mark.parametrize("tag,time", [(2 << 64 | 1_500_000, "1970-01-01T00:00:01.500000Z"), (1 << 64 | 5, "")])
def test_only_a_clock_that_knows_the_date_gives_one(tag: int, time: str) -> None:
    assert tag_object(tag, FOREIGN.config)["time"] == time
