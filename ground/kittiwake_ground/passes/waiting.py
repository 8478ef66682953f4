"""What waits on either side of the link, in the order in which it goes: for the data budget.

What waits on board is known by the channels that tell of it, whatever the instances are called. Where they tell how
many wait and not how large they are, the sizes of those that are there are taken for an estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.passes.budget import FOREVER_US
from kittiwake_ground.passes.leaving import FRAME_BYTES
from kittiwake_ground.passes.planned import PLANNED, RELEASING, UPLOAD
from kittiwake_ground.server.instances import channels_called
from kittiwake_ground.server.transfer import CFDP, DOWN, UP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.passes.planned import Planned
    from kittiwake_ground.passes.planner import Due
    from kittiwake_ground.server.commands import CommandRecord
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.transfer import Transfer


class Waiting(NamedTuple):
    """Something that waits: what for people, which `kind`, how many bytes (`None`: not known), and when it may go.

    `whole` is what goes in one pass or not at all. `note` says how the size is known.
    """

    name: str
    kind: str
    bytes: int | None
    whole: bool = False
    note: str = ""
    from_us: int = 0
    until_us: int = FOREVER_US


def waiting_up(
    commands: Iterable[CommandRecord], plans: Iterable[tuple[Planned, Due]], transfers: Iterable[Transfer]
) -> list[Waiting]:
    """What waits on the ground: commands first, those that are queued before those that are planned, then files."""
    found = [
        Waiting(one.command.name, "command", len(one.packet) + FRAME_BYTES, True, "queued")
        for one in commands
        if one.state == "queued" and not any(state == PLANNED for state, _ in one.steps)
    ]
    files: list[Waiting] = []
    for plan, due in sorted(plans, key=lambda one: (one[1].due_us or one[1].until_us, one[0].id)):
        if plan.state != PLANNED and (plan.state != RELEASING or plan.what.kind == UPLOAD):
            continue  # a file that is given to its way is among the transfers
        from_us = due.until_us if due.due_us is None else due.due_us
        what = plan.what
        whole = what.kind != UPLOAD or what.detail["way"] != CFDP
        one = Waiting(
            what.subject, f"planned {what.kind}", what.size, whole, f"plan {plan.id}", from_us, due.until_us
        )  # fmt: skip
        (files if what.kind == UPLOAD else found).append(one)
    for transfer in transfers:
        if transfer.direction == UP and not transfer.is_final:
            left = max(0, transfer.size - transfer.done_bytes)
            found.append(Waiting(transfer.remote, "upload", left, transfer.way != CFDP, transfer.state))
    return found + files


def waiting_down(hub: Hub, transfers: Iterable[Transfer]) -> list[Waiting]:
    """What waits on board: what was stored while the link was away, files that were asked for, products, transfers."""
    found = [
        Waiting(name.rpartition(".")[0], "stored packets", size, False, "by its channel StoredBytes")
        for name in channels_called(hub.dictionary, "StoredBytes")
        if (size := _number(hub, name))
    ]
    for one in transfers:
        if one.direction == DOWN and not one.is_final:
            left = max(0, one.size - one.done_bytes) if one.size else None
            note = one.state if one.size else "its size is known once it comes"
            found.append(Waiting(one.remote, "file", left, one.way != CFDP, note))
    return found + _products(hub) + _queued_on_board(hub)


def _products(hub: Hub) -> list[Waiting]:
    found = []
    for name in channels_called(hub.dictionary, "DpsPending"):
        pending = _number(hub, name)
        instance = name.rpartition(".")[0]
        count, size = (_number(hub, f"{instance}.{ending}") for ending in ("CatalogDps", "CatalogBytes"))
        if pending:
            estimate = None if not count or size is None else round(size * min(1.0, pending / count))
            found.append(
                Waiting(instance, "data products", estimate, False, f"{pending} of {count or '?'} in its catalogue")
            )
    return found


def _queued_on_board(hub: Hub) -> list[Waiting]:
    found = []
    for name in channels_called(hub.dictionary, "QueueDepth"):
        instance = name.rpartition(".")[0]
        depth = _number(hub, name)
        if depth and f"{instance}.OldestPendingAge" in hub.dictionary.channels:
            found.append(
                Waiting(instance, "transfers", None, False, f"{depth} wait on board; their sizes are not told")
            )
    return found


def _number(hub: Hub, name: str) -> int | None:
    value = hub.value_of(name)
    return int(value) if isinstance(value, (int, float)) else None
