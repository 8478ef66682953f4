"""Time tags where the clock is past all that they can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kittiwake.model.fw import TimeTag
from kittiwake.model.types import wire_type
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.tags import LATEST_US, TB_WORKSTATION_TIME, TagSource
from kittiwake.testing.simulated import SimulatedDeployment
from kittiwake.wire.time_tag import pack_tag

REFERENCE = Path(__file__).parents[3] / "topologies/reference.yaml"
YEAR_NS = 366 * 86_400 * 10**9


def test_a_clock_past_2106_gives_the_latest_tag_that_can_be_sent() -> None:
    platform = SimulatedPlatform(0, wall_start_ns=200 * YEAR_NS)
    tags = TagSource(platform.clock)
    given = [tags.now() for _ in range(3)]
    assert given == [(TB_WORKSTATION_TIME << 64) + LATEST_US] * 3
    pack_tag(given[0] + 999_999)  # what one turn counts up fits, too


def test_a_deployment_works_on_with_such_a_clock() -> None:
    """A random run found that each event then failed the handler that reported it."""
    with SimulatedDeployment(REFERENCE) as simulated:
        simulated.platform.clock.set_wall_ns(200 * YEAR_NS)
        simulated.run_for(20)
        simulated.send("CdhCore.cmdDisp.CMD_NO_OP")
        simulated.run_for(2)
        health: Any = simulated.instance("CdhCore.health")
        assert health.handler_failures == 0
        assert [one.label for one in simulated.events()][-3:].count("NoOpReceived") == 1


def test_a_tag_without_a_wire_form_fits_no_port() -> None:
    form = wire_type(TimeTag)
    form.check((1 << 64) | ((1 << 32) * 1_000_000 - 1))
    for tag in ((1 << 64) | (1 << 32) * 1_000_000, 1 << 80, -1):
        with pytest.raises(ValueError, match=r"time tag|outside"):
            form.check(tag)
