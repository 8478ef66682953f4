"""{{name}} works when it should, answers each command, and is what its design sheet says."""

from __future__ import annotations

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.component_machine import check_component
from kittiwake.testing.design_sheet import differences
{{gap}}from {{import_name}}.{{module}}.component import {{name}}


def test_it_works_once_every_period_while_it_is_on() -> None:
    """REQ-{{requirement}}-001."""
    with ComponentTester({{name}}) as tester:
        tester.call.run(0)
        assert tester.channels["Rounds"] is None
        assert tester.send("SWITCH", True).response is CommandResponse.OK
        assert tester.events.named("Switched")[0].args == (True,)
        tester.set_parameter("PERIOD", 3)
        for _ in range(7):
            tester.call.run(0)
        assert tester.channels["Rounds"] == 2
        assert tester.channel("IsOn").history == [False, True]


def test_a_second_switch_to_the_same_side_is_refused() -> None:
    """REQ-{{requirement}}-002."""
    with ComponentTester({{name}}) as tester:
        assert tester.send("SWITCH", False).response is CommandResponse.EXECUTION_ERROR
        assert tester.events.names() == []


def test_nothing_that_may_happen_breaks_it() -> None:
    check_component({{name}}, max_examples=10)


def test_the_design_sheet_says_what_is_declared() -> None:
    assert differences({{name}}) == []
