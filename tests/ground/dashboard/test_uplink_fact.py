"""What the overview says of the uplink: what is signed here, and what the deployment insists on."""

from __future__ import annotations

import pytest

from kittiwake_ground.dashboard.overview_facts import uplink_fact
from kittiwake_ground.server.links import UP, LinkReport


def report(spi: int | None, accepted: int | None = None, moved: int = 0) -> LinkReport:
    still = LinkReport("tcp://a:1", UP, 1, "", 1, False, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    return still._replace(spi=spi, accepted=accepted, resynchronisations=moved)


@pytest.mark.parametrize(
    "spi,insists,value,level",
    [
        (None, None, "Open", "warning"), (None, False, "Open", "warning"), (None, True, "Unsigned", "bad"),
        (1, None, "Signed, key 1", ""), (1, True, "Signed, key 1", "good"), (1, False, "Open", "bad"),
    ],
)  # fmt: skip
def test_signed_is_said_only_of_what_both_ends_sign(
    spi: int | None, insists: bool | None, value: str, level: str
) -> None:
    fact = uplink_fact(report(spi), insists)
    assert (fact[1], fact[2]) == (value, level)


def test_each_jump_of_the_number_is_told() -> None:
    assert uplink_fact(report(1), True)[3] == "last number accepted: not said yet"
    assert uplink_fact(report(1, 12_000, 1), True)[3] == "last number accepted: 12,000, put right once"
    assert uplink_fact(report(1, 12_000, 2), True)[3] == "last number accepted: 12,000, put right 2 times"
