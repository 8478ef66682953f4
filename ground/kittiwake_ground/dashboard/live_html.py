"""A piece of HTML that is sent to the page only when it has changed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

if TYPE_CHECKING:
    from collections.abc import Iterable


class LiveHtml:
    """An element with HTML in it, whose texts the caller has escaped."""

    def __init__(self, classes: str = "") -> None:
        self._element = ui.html("", sanitize=False).classes(f"kw-live {classes}")
        self._shown = ""

    def show(self, content: str) -> None:
        """Shows this from now on."""
        if content != self._shown:
            self._shown = content
            self._element.set_content(content)


class Fact(NamedTuple):
    """A label and what it says now; `level` is empty, `good`, `warning` or `bad`, `hint` is shown on hovering."""

    label: str
    text: str
    level: str = ""
    hint: str = ""


def facts_html(facts: Iterable[Fact]) -> str:
    """Facts below one another."""
    rows = "".join(
        f'<div title="{escape(one.hint)}"><dt>{escape(one.label)}</dt>'
        f'<dd class="{f"kw-{one.level}" if one.level else ""}">{escape(one.text)}</dd></div>'
        for one in facts
    )
    return f'<dl class="kw-facts">{rows}</dl>'


def tiles_html(facts: Iterable[Fact]) -> str:
    """Facts as tiles beside one another; the hint is their second line."""
    return "".join(
        f'<div class="kw-tile"><div class="kw-heading">{escape(one.label)}</div>'
        f'<div class="kw-figure {f"kw-{one.level}" if one.level else ""}">{escape(one.text)}</div>'
        f'<div class="kw-muted">{escape(one.hint) or "&nbsp;"}</div></div>'
        for one in facts
    )


def meter_html(label: str, share: float, text: str) -> str:
    """A share of 0 to 1 as a bar with a text."""
    percent = max(0.0, min(1.0, share)) * 100
    level = "bad" if percent > 95 else "warning" if percent > 85 else "good"
    return (
        f'<div class="kw-meter"><div><span>{escape(label)}</span><span>{escape(text)}</span></div>'
        f'<div class="kw-track"><div class="kw-fill kw-{level}" style="width:{percent:.1f}%"></div></div></div>'
    )
