"""The hand-made dictionary of these tests: every kind of type and entry, small."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.load import load_dictionary

SAMPLE = Path(__file__).parent / "SampleTopologyDictionary.json"

TAG_BYTES = bytes.fromhex("0002 00 65a0b0c0 0001e240")
TAG = 2 << 64 | 1705029824_123456


def sample_data() -> dict[str, Any]:
    """The sample as parsed JSON, anew."""
    data: dict[str, Any] = json.loads(SAMPLE.read_text())
    return data


@cache
def sample() -> Dictionary:
    """The sample, loaded once."""
    return load_dictionary(str(SAMPLE))
