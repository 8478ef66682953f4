"""What the line for commands offers, and what it makes of what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.tui.suggestions import help_of, line_of, offered, order_of

if TYPE_CHECKING:
    from kittiwake_ground.client import Deployment

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
VERSION = "CdhCore.version.VERSION"


@pytest.fixture
def dictionary(station: Deployment) -> Any:
    """The dictionary as the API has it."""
    return station.dictionary()


def test_names_and_values_are_offered(dictionary: Any) -> None:
    assert offered(dictionary, "") == []
    assert offered(dictionary, "no_op") == [NO_OP, f"{NO_OP}_STRING"]
    assert offered(dictionary, "cdhcore.CMDDISP.cmd_no_op_") == [f"{NO_OP}_STRING"]
    assert offered(dictionary, f"{VERSION} pro") == ["PROJECT"]
    assert offered(dictionary, f"{VERSION} PROJECT ") == []
    assert offered(dictionary, "no.such.command x") == []
    assert line_of("a 'b c' d").head == "a 'b c' "
    assert line_of("a 'b c").last == "c"


def test_help_is_the_argument_help_of_send(dictionary: Any) -> None:
    assert help_of(dictionary, f"{NO_OP}_STRING ").splitlines()[0] == f"{NO_OP}_STRING arg1"
    assert "did you mean" in help_of(dictionary, f"{NO_OP}_STRIN x")
    assert help_of(dictionary, "no_op") == ""
    assert help_of(dictionary, "") == ""


def test_an_order_needs_whole_words_and_a_known_name(dictionary: Any) -> None:
    order = order_of(dictionary, f"{NO_OP}_STRING 'good morning'")
    assert (order.shown["name"], order.arguments) == (f"{NO_OP}_STRING", ["good morning"])
    for text, fault in (("a 'b", "no closing quotation"), (" ", "there is no command"), ("a.b", "no command 'a.b'")):
        with pytest.raises(ValueError, match=fault):
            order_of(dictionary, text)
