"""Every component that is registered, with whatever may happen to it, in any order."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kittiwake.model import CommandError
from kittiwake.testing.component_machine import check_component
from kittiwake.topology.instances import import_component
from kittiwake.topology.schema import listed_components

# For the suite few and short runs of each; `make fuzz` sets more.
EXAMPLES = min(int(os.environ.get("KITTIWAKE_FUZZ_EXAMPLES", "2")), 200)
STEPS = 15 if EXAMPLES == 2 else 50

OPTIONS: dict[str, dict[str, Any]] = {
    "ParameterDb": {"raising": {"set_prm": (CommandError,)}},
}
"""By class: what a component may do by its contract that others may not."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", listed_components())
def test_nothing_breaks_it(name: str) -> None:
    cls, _ = import_component(name)
    check_component(cls, max_examples=EXAMPLES, steps=STEPS, **OPTIONS.get(cls.__name__, {}))
