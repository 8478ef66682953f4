"""The ports of a display: what others have it show, and the frame that is shown."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.ports import port
from kittiwake.model.types import U8, Size

PAGE_NAME_SIZE = 32
"""The longest name of a page, in bytes."""
PAGE_DATA_SIZE = 1024
"""The longest packed page, in bytes."""
FRAME_SIZE_MAX = 65_536

PageName = Annotated[str, Size(PAGE_NAME_SIZE)]


@port("Components.ShowPage")
def ShowPage(page: PageName, data: Annotated[bytes, Size(PAGE_DATA_SIZE)], priority: U8) -> None:
    """Show a page for a while: `data` is its rows (`display.pages.pack_rows`), or empty for the page of that name.

    It does not take the place of a page of a higher priority.
    """


@port("Components.DisplayFrame")
def DisplayFrame(page: PageName, image: Annotated[bytes, Size(FRAME_SIZE_MAX)]) -> None:
    """A page was put on the display; `image` is what it shows, as PNG."""
