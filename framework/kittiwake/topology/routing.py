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

RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
DIRECTIONS = (RIGHT, DOWN, LEFT, UP)

BEND = 5
CROSSING = 4
BESIDE = 1
"""Of a point one step from a box or from a line in the same direction."""

BORDER = 2
"""Of a point on a cluster's border."""

MAX_POINTS_SEEN = 50_000
"""A line for which no way is found among so many is drawn straight."""


class Router:
    """Routes the lines of one layout, one after the other."""

    def __init__(self, layout: Layout) -> None:
        self._columns = layout.width // STEP
        self._rows = layout.height // STEP
        self._nodes = layout.nodes
        self._blocked: set[Point] = set()
        self._extra: dict[Point, int] = {}
        self._used: dict[Point, set[bool]] = {}
        self._slots: set[Point] = set()
        for name, box in layout.clusters.items():
            self._blocked.update(_area(box.x, box.y, int(len(name) * CHARACTER_WIDTH) + 4 * STEP, TITLE_HEIGHT + STEP))
            for point in _outline(box):
                self._extra[point] = self._extra.get(point, 0) + BORDER
        for box in layout.nodes.values():
            self._blocked.update(_area(box.x, box.y, box.width, box.height))
            for point in _outline(_grown(box)):
                self._extra[point] = self._extra.get(point, 0) + BESIDE

    def route(self, source: str, target: str) -> list[Point]:
        """The corners of a line from one box to another, in pixels, from border to border."""
        goals = {end: (slot, direction) for slot, end, direction in self._ends(self._nodes[target])}
        found = self._search(self._nodes[source], self._nodes[target], goals)
        if not found:
            one, other = self._nodes[source], self._nodes[target]
            return [(one.x + one.width, one.y + one.height // 2), (other.x, other.y + other.height // 2)]
        self._keep(found)
        return [(x * STEP, y * STEP) for x, y in _corners(found)]

    def _ends(self, box: Box) -> Iterator[tuple[Point, Point, Point]]:
        """The free points of a box's sides, the point outside each, and the direction outwards."""
        left, top = box.x // STEP, box.y // STEP
        right, bottom = left + box.width // STEP, top + box.height // STEP
        sides = [((x, top), UP) for x in range(left + 1, right)] + [((x, bottom), DOWN) for x in range(left + 1, right)]
        sides += [((left, y), LEFT) for y in range(top + 1, bottom)] + [
            ((right, y), RIGHT) for y in range(top + 1, bottom)
        ]
        for slot, direction in sides:
            end = (slot[0] + direction[0], slot[1] + direction[1])
            if slot not in self._slots and end not in self._blocked:
                yield slot, end, direction

    def _search(self, source: Box, target: Box, goals: dict[Point, tuple[Point, Point]]) -> list[Point]:
        """The points of the cheapest way, both slots included; none if there is no way."""
        left, top = target.x // STEP, target.y // STEP
        right, bottom = left + target.width // STEP, top + target.height // STEP

        def least(point: Point) -> int:
            return max(left - point[0], 0, point[0] - right) + max(top - point[1], 0, point[1] - bottom)

        heap: list[tuple[int, int, Point, Point, Point]] = []
        before: dict[tuple[Point, Point], tuple[Point, Point]] = {}
        cost: dict[tuple[Point, Point], int] = {}
        for slot, end, direction in self._ends(source):
            middle = abs(2 * slot[0] * STEP - 2 * source.x - source.width) // STEP if direction in (UP, DOWN) else 0
            start = self._cost(end, direction) + middle // 4
            if start < cost.get((end, direction), 1 << 30):
                cost[end, direction] = start
                before[end, direction] = (slot, direction)
                heappush(heap, (start + least(end), start, end, direction, slot))
        for _ in range(MAX_POINTS_SEEN):
            if not heap:
                break
            _, spent, point, direction, slot = heappop(heap)
            if spent > cost[point, direction]:
                continue
            if point in goals and goals[point][0] != slot and _opposite(goals[point][1]) == direction:
                return [*_walk(before, point, direction), goals[point][0]]
            for turned in DIRECTIONS:
                following = (point[0] + turned[0], point[1] + turned[1])
                if turned == _opposite(direction) or not self._is_free(following, turned):
                    continue
                total = spent + self._cost(following, turned) + (BEND if turned != direction else 0)
                if turned != direction and not self._is_free(point, turned):
                    continue
                if total < cost.get((following, turned), 1 << 30):
                    cost[following, turned] = total
                    before[following, turned] = (point, direction)
                    heappush(heap, (total + least(following), total, following, turned, slot))
        return []

    def _is_free(self, point: Point, direction: Point) -> bool:
        inside = 0 < point[0] < self._columns and 0 < point[1] < self._rows
        return inside and point not in self._blocked and (direction[0] != 0) not in self._used.get(point, ())

    def _cost(self, point: Point, direction: Point) -> int:
        across = (direction[1], direction[0])
        beside = sum(
            (direction[0] != 0) in self._used.get((point[0] + sign * across[0], point[1] + sign * across[1]), ())
            for sign in (-1, 1)
        )
        crossed = CROSSING if self._used.get(point) else 0
        return 1 + self._extra.get(point, 0) + BESIDE * beside + crossed

    def _keep(self, points: list[Point]) -> None:
        """Marks a way as taken; a corner is taken in both directions."""
        self._slots.update((points[0], points[-1]))
        for before, point in pairwise(points):
            horizontal = before[1] == point[1]
            self._used.setdefault(before, set()).add(horizontal)
            self._used.setdefault(point, set()).add(horizontal)


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


def _opposite(direction: Point) -> Point:
    return -direction[0], -direction[1]


def _walk(before: dict[tuple[Point, Point], tuple[Point, Point]], point: Point, direction: Point) -> list[Point]:
    """The points from the slot to `point`."""
    way = [point]
    key = (point, direction)
    while key in before:
        key = before[key]
        way.append(key[0])
    return way[::-1]


def _corners(points: list[Point]) -> list[Point]:
    """The two ends, and the points at which the direction changes."""
    kept = [points[0]]
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        if (point[0] - before[0], point[1] - before[1]) != (after[0] - point[0], after[1] - point[1]):
            kept.append(point)
    return [*kept, points[-1]]
