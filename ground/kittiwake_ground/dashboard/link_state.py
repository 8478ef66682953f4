"""How the link stands, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.server.links import DOWN, UP
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.server.links import LinkReport


class LinkText(NamedTuple):
    """`state` in two words or three, and what is behind it."""

    state: str
    reason: str


def link_level(report: LinkReport) -> str:
    """`good`, `warning` or `bad`."""
    if report.state != UP:
        return "bad"
    return "warning" if report.silent else "good"


def link_text(report: LinkReport, now_us: int | None = None) -> LinkText:
    """A link in words for the header."""
    since = age_text(report.since_us, now_us)
    if report.state == DOWN and not report.since_us:
        return LinkText("Link unknown", report.reason)
    if report.state != UP:
        state = "Connecting" if report.state == "connecting" else "Link down"
        return LinkText(state, f"{report.reason or 'not connected yet'}, for {since}")
    if report.silent:
        return LinkText("Silent", f"last packet {age_text(report.last_packet_us, now_us)} ago")
    return LinkText("Link up", f"for {since}")
