"""AmateurRadio: a joke for whoever asks."""

from __future__ import annotations

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import AmateurRadio


def test_every_joke_is_told_sooner_or_later_one_at_a_time() -> None:
    """REQ-AR-001, REQ-AR-002, REQ-AR-003."""
    with ComponentTester(AmateurRadio) as tester:
        for number in range(1, 201):
            assert tester.send("TELL_JOKE").response is CommandResponse.OK
            assert len(tester.events) == number
            assert tester.channels["count_names"] == number
        assert set(tester.events.names()) == {f"Joke{number}" for number in range(16)}
        assert all(event.args == () for event in tester.events)


def test_events_have_the_numbers_that_ground_filters_name() -> None:
    """REQ-AR-001: sequences filter Joke0 to Joke15 as the ids 0 to 15 from the base id."""
    events = AmateurRadio.__declarations__.events.values()
    assert {event.label: event.number for event in events} == {f"Joke{number}": number for number in range(16)}


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(AmateurRadio) == []
