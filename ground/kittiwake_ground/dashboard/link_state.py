"""How the link stands, in words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.server.links import DOWN, UP

if TYPE_CHECKING:
    from kittiwake_ground.server.links import LinkReport


class LinkText(NamedTuple):
    """`state` in two words or three, and what is behind it."""

    state: str
    reason: str


def age_text(since_us: int, now_us: int | None = None) -> str:
    """How long ago a moment was: `4 s`, `12 min`, `3 h 20 min`, `2 d 4 h`; `never` for 0."""
    if not since_us:
        return "never"
    seconds = max(0, ((time.time_ns() // 1000) if now_us is None else now_us) - since_us) // 1_000_000
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 120:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{days} d {hours % 24} h"


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
