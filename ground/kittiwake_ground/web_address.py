"""Addresses of the web, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def web_parts(text: str) -> SplitResult | None:
    """The parts of an http or https address; `None` for one without a host, or with a port that is none."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if fits else None
