"""The line at the top: how deployment, link and server stand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.widgets import Static

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.tui.wording import age_text

if TYPE_CHECKING:
    from kittiwake_ground.tui.following import Following

_MARKS = {"up": ("up", "bold green"), "connecting": ("connecting", "bold yellow"), "down": ("down", "bold red")}


class Standing(Static):
    """Says in words what colours say too."""

    DEFAULT_CSS = """
    Standing {
        height: auto; max-height: 2; background: $panel; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, following: Following, **about: Any) -> None:
        super().__init__(**about)
        self._following = following

    def follow(self, following: Following) -> None:
        """Shows another deployment."""
        self._following = following
        self.bring_up_to_date()

    def bring_up_to_date(self) -> None:
        """Shows how it is now."""
        line = standing_text(self._following, time.monotonic())
        self.update(line)


def standing_text(following: Following, now_s: float) -> Text:
    """The line, and one more while the server is not there. `now_s` is of the monotonic clock."""
    picture = following.picture
    line = Text()
    line.append(picture.name, "bold")
    link = picture.link
    if link is not None:
        word, style = _MARKS.get(link.state, (link.state, "bold"))
        if link.state == "up" and link.silent:
            word, style = "silent", "bold yellow"
        line.append("  link ").append(word if picture.live else f"was {word}", style if picture.live else "dim")
        if link.reason and link.state != "up":
            line.append(f" ({one_line(link.reason)})", "yellow")
    waiting, queued = picture.waiting_alarms(), picture.queued_commands()
    line.append(f"  alarms {waiting}", "bold red" if waiting else "")
    if queued:
        line.append(f"  queued {queued}", "yellow")
    if picture.plans:
        line.append(f"  planned {len(picture.plans)}")
    if picture.state is not None and picture.state.dictionary_matches == "false":
        line.append("  built with ANOTHER DICTIONARY: values may be wrong", "bold red")
    if picture.missed:
        line.append(f"  {picture.missed} updates left out", "yellow")
    if link is not None:
        line.append(f"  {link.address}", "dim")
    if following.fault:
        gone, left_s = age_text(now_s - following.lost_s), max(following.again_s - now_s, 0)
        again = f"trying again in {left_s:.0f} s" if left_s >= 1 else "trying again"
        what = "NOT SERVED" if following.refused else "SERVER AWAY"
        line.append(f"\n{what} for {gone}: {one_line(following.fault)}; {again}", "bold reverse red")
    return line
