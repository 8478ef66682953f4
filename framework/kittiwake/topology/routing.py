"""Finds the ways of a drawing's lines around its boxes: along a grid, with few bends and few crossings.

Each line is the cheapest way by A* over points of the grid, `STEP` apart: a step costs 1, a bend or a crossing more,
and no two lines run on each other. It may leave and enter a box at any free point of its sides.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

from kittiwake.topology.layout import CHARACTER_WIDTH, STEP, TITLE_HEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.topology.layout import Box, Layout

Point = tuple[int, int]

LEFT, UP, DOWN, RIGHT = range(4)
STEPS: tuple[Point, ...] = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""Where a step in each direction leads; the opposite of a direction is 3 less it."""

SIDEWAYS = (LEFT, RIGHT)
_SHIFT = 12
"""Bits of a coordinate in a key of the heap: a drawing has fewer points across."""

BEND = 5
CROSSING = 4
BESIDE = 1
"""Of a point one step from a box or from a line in the same direction."""

BORDER = 2
"""Of a point on a cluster's border."""

MAX_POINTS_SEEN = 200_000
"""A line for which no way is found among so many is drawn straight."""


class Router:
    """Routes the lines of one layout, one after the other.

    A point is a number, row by row. `_costs` says for each direction's axis (sideways or not) what a step onto a point
    costs, and 0 where none may go; it is kept up while lines are laid, because a search looks there most of its time.

    With 100 as `haste_percent` each way is the cheapest; with more, a search makes for its end sooner, and a way costs
    at most so many percent of the cheapest.
    """

    def __init__(self, layout: Layout, haste_percent: int = 100) -> None:
        self._haste_percent = haste_percent
        self._width = layout.width // STEP + 1
        self._height = layout.height // STEP + 1
        self._nodes = layout.nodes
        size = self._width * self._height
        self._extra = [0] * size
        self._used = (bytearray(size), bytearray(size))
        self._blocked = bytearray(size)
        self._slots: set[int] = set()
        for x in range(self._width):
            self._blocked[x] = self._blocked[size - 1 - x] = 1
        for y in range(self._height):
            self._blocked[y * self._width] = self._blocked[y * self._width + self._width - 1] = 1
        for name, box in layout.clusters.items():
            title = _area(box.x, box.y, int(len(name) * CHARACTER_WIDTH) + 4 * STEP, TITLE_HEIGHT + STEP)
            self._block(title)
            self._add(_outline(box), BORDER)
        for box in layout.nodes.values():
            self._block(_area(box.x, box.y, box.width, box.height))
            self._add(_outline(_grown(box)), BESIDE)
        self._costs = ([0] * size, [0] * size)
        for point in range(size):
            self._settle(point)

    def _number(self, point: Point) -> int:
        return point[1] * self._width + point[0]

    def _inside(self, points: Iterator[Point]) -> Iterator[int]:
        return (self._number(one) for one in points if 0 <= one[0] < self._width and 0 <= one[1] < self._height)

    def _block(self, points: Iterator[Point]) -> None:
        for point in self._inside(points):
            self._blocked[point] = 1

    def _add(self, points: Iterator[Point], extra: int) -> None:
        for point in self._inside(points):
            self._extra[point] += extra

    def _settle(self, point: int) -> None:
        """Works out what a step onto a point costs."""
        if self._blocked[point]:
            return
        upright, sideways = self._used
        base = 1 + self._extra[point] + (CROSSING if upright[point] or sideways[point] else 0)
        above, below = sideways[point - self._width], sideways[point + self._width]
        self._costs[True][point] = 0 if sideways[point] else base + BESIDE * (above + below)
        self._costs[False][point] = 0 if upright[point] else base + BESIDE * (upright[point - 1] + upright[point + 1])

    def route(self, source: str, target: str) -> list[Point]:
        """The corners of a line from one box to another, in pixels, from border to border."""
        goals = {end: (slot, direction) for slot, end, direction in self._ends(self._nodes[target])}
        found = self._search(self._nodes[source], self._nodes[target], goals)
        if not found:
            one, other = self._nodes[source], self._nodes[target]
            return [(one.x + one.width, one.y + one.height // 2), (other.x, other.y + other.height // 2)]
        self._keep(found)
        points = [(point % self._width, point // self._width) for point in found]
        return [(x * STEP, y * STEP) for x, y in _corners(points)]

    def _ends(self, box: Box) -> Iterator[tuple[int, int, int]]:
        """The free points of a box's sides, the point outside each, and the direction outwards."""
        left, top = box.x // STEP, box.y // STEP
        right, bottom = left + box.width // STEP, top + box.height // STEP
        sides = [((x, top), UP) for x in range(left + 1, right)] + [((x, bottom), DOWN) for x in range(left + 1, right)]
        sides += [((left, y), LEFT) for y in range(top + 1, bottom)] + [
            ((right, y), RIGHT) for y in range(top + 1, bottom)
        ]
        for slot, direction in sides:
            number = self._number(slot)
            end = number + self._number(STEPS[direction])
            if number not in self._slots and not self._blocked[end]:
                yield number, end, direction

    def _starts(self, source: Box) -> Iterator[tuple[int, int, int, int]]:
        """The ways out of a box: what the first step costs, its slot, the point outside, and the direction."""
        for slot, end, direction in self._ends(source):
            off = 0
            if direction not in SIDEWAYS:
                off = abs(2 * (slot % self._width) * STEP - 2 * source.x - source.width) // STEP
            # Where another line has the point already it costs no more than any other: the next step will tell.
            cost = self._costs[direction in SIDEWAYS][end] or 1 + CROSSING + self._extra[end]
            yield cost + off // 4, slot, end, direction

    def _search(self, source: Box, target: Box, goals: dict[int, tuple[int, int]]) -> list[int]:
        """The points of the cheapest way, both slots included; none if there is no way."""
        width, costs, haste_percent = self._width, self._costs, self._haste_percent
        across, along = _distances(target.x, target.width, width), _distances(target.y, target.height, self._height)
        spent_at: dict[int, int] = {}
        before: dict[int, int] = {}
        slots: dict[int, int] = {}
        heap: list[int] = []

        def push(spent: int, point: int, direction: int) -> None:
            y, x = divmod(point, width)
            key = (spent + (across[x] + along[y]) * haste_percent // 100) << 24 | spent
            heappush(heap, ((key << _SHIFT | x) << _SHIFT | y) << 2 | direction)

        for cost, slot, end, direction in self._starts(source):
            state = end << 2 | direction
            if cost < spent_at.get(state, 1 << 24):
                spent_at[state], slots[state] = cost, slot
                push(cost, end, direction)
        mask = (1 << _SHIFT) - 1
        ways = [(turned, self._number(STEPS[turned]), costs[turned in SIDEWAYS]) for turned in (RIGHT, DOWN, LEFT, UP)]
        onwards = [[(*way, BEND * (way[0] != one)) for way in ways if way[0] != 3 - one] for one in range(4)]
        for _ in range(MAX_POINTS_SEEN):
            if not heap:
                break
            key = heappop(heap)
            direction, spent = key & 3, key >> 2 * _SHIFT + 2 & 0xFFFFFF
            point = (key >> 2 & mask) * width + (key >> _SHIFT + 2 & mask)
            state = point << 2 | direction
            if spent > spent_at[state]:
                continue
            goal = goals.get(point)
            if goal is not None and goal[0] != slots[state] and 3 - goal[1] == direction:
                return [*_walk(before, state, slots[state]), goal[0]]
            for turned, step, cost_onto, bend in onwards[direction]:
                cost = cost_onto[point + step]
                if not cost or (bend and not cost_onto[point]):
                    continue
                total = spent + cost + bend
                following = point + step << 2 | turned
                if total < spent_at.get(following, 1 << 24):
                    spent_at[following], before[following], slots[following] = total, state, slots[state]
                    push(total, point + step, turned)
        return []

    def _keep(self, points: list[int]) -> None:
        """Marks a way as taken; a corner is taken in both directions."""
        self._slots.update((points[0], points[-1]))
        for before, point in pairwise(points):
            used = self._used[abs(before - point) == 1]
            used[before] = used[point] = 1
        for point in points[1:-1]:
            for one in (point, point - 1, point + 1, point - self._width, point + self._width):
                self._settle(one)


def _distances(start: int, length: int, count: int) -> list[int]:
    """How far each column, or row, is from a box that begins and is so long in pixels."""
    first = start // STEP
    last = first + length // STEP
    return [max(first - at, 0, at - last) for at in range(count)]


def _area(x: int, y: int, width: int, height: int) -> Iterator[Point]:
    for row in range(y // STEP, (y + height) // STEP + 1):
        for column in range(x // STEP, (x + width) // STEP + 1):
            yield column, row


def _outline(box: Box) -> Iterator[Point]:
    right, bottom = (box.x + box.width) // STEP, (box.y + box.height) // STEP
    for column, row in _area(box.x, box.y, box.width, box.height):
        if column in (box.x // STEP, right) or row in (box.y // STEP, bottom):
            yield column, row


def _grown(box: Box) -> Box:
    return type(box)(box.x - STEP, box.y - STEP, box.width + 2 * STEP, box.height + 2 * STEP)


def _walk(before: dict[int, int], state: int, slot: int) -> list[int]:
    """The points from the slot to where a search has come."""
    way = [state >> 2]
    while state in before:
        state = before[state]
        way.append(state >> 2)
    return [slot, *way[::-1]]


def _corners(points: list[Point]) -> list[Point]:
    """The two ends, and the points at which the direction changes."""
    kept = [points[0]]
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        if (point[0] - before[0], point[1] - before[1]) != (after[0] - point[0], after[1] - point[1]):
            kept.append(point)
    return [*kept, points[-1]]
