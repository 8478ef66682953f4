"""What a standing says, in words with their ages."""

from __future__ import annotations

from kittiwake_ground.shown import age_text


def since_text(text: str, since_us: int, now_us: int) -> str:
    """A reason, with how long it has been one where it has such a time."""
    return f"{text} {age_text(since_us, now_us)} ago" if since_us else text


def next_text(next_us: int, heard_us: int, now_us: int) -> str:
    """When a deployment is to be heard again; empty where it has told no such time, or was heard since."""
    if next_us <= heard_us:
        return ""
    return f"in {age_text(now_us, next_us)}" if next_us > now_us else f"{age_text(next_us, now_us)} ago"
