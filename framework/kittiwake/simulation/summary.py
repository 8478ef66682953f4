"""The summary of a mission: a page, and plots of power, modes, queues, slips and drops as SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.simulation.fault_plan import clock_text, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kittiwake.simulation.mission import Outcome

WIDTH, HEIGHT = 860, 220
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 26, 28
COLOURS = ("#0b6fa4", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be123c", "#334155", "#0f766e")
CHARGE = "charge %"
MOST_LINES = 8
MOST_LONG_MARKS = 25
NAME_MAX = 28
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3600, 60


class Line(NamedTuple):
    """One line of a plot: points of time and value; `None` is a gap."""

    name: str
    points: Sequence[tuple[int, float | None]]


def write_summary(name: str, outcome: Outcome) -> dict[str, str]:
    """The files of a summary by name: `index.html` and the plots."""
    plots = _plots(outcome)
    words = {"modes": outcome.samples.modes}
    files = {f"{key}.svg": draw(title, lines, outcome, words.get(key)) for key, (title, lines) in plots.items()}
    files["index.html"] = _page(name, outcome, list(files))
    return files


def _plots(outcome: Outcome) -> dict[str, tuple[str, list[Line]]]:
    rows = outcome.samples.rows
    names = sorted({name for _, values in rows for name in values})
    others = ("mode", "slips", "drops", "awake", CHARGE)
    gauges = [name for name in names if not name.startswith("queue ") and name not in others]
    queues = sorted((name for name in names if name.startswith("queue ")), key=lambda name: -_most(rows, name))

    def lines(chosen: Iterable[str], prefix: str = "") -> list[Line]:
        return [
            Line(name.removeprefix(prefix), [(at_ns, values.get(name)) for at_ns, values in rows]) for name in chosen
        ]

    found = {}
    if CHARGE in names:
        found["charge"] = ("Battery", lines([CHARGE]))
    if gauges:
        found["power"] = ("Power", lines(gauges))
    found["awake"] = ("Share of the time awake", lines(["awake"]))
    if outcome.samples.modes:
        found["modes"] = ("Mode", lines(["mode"]))
    if queues:
        found["queues"] = ("Queues: the most that waited since the start", lines(queues[:MOST_LINES], "queue "))
    found["slips"] = ("Slips and drops, in all", lines(["slips", "drops"]))
    return found


def _most(rows: Sequence[tuple[int, Mapping[str, float]]], name: str) -> float:
    return max(values.get(name, 0.0) for _, values in rows)


class _Frame:
    """The axes of a plot, in pixels. `words` names values; what varies little far from 0 is drawn without the 0."""

    def __init__(self, end_ns: int, values: Sequence[float], words: Mapping[int, str]) -> None:
        self.end_ns = max(end_ns, 1)
        self.words = words
        values = [*values, *words]
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low > high / 2 and not words:
            self.step = _step(max(high - low, high / 100) / 4)
            self.low = (low / self.step + 1e-9) // 1 * self.step
        else:
            self.low, high = (low, high) if words else (min(0.0, low), max(1.0, high))
            self.step = 1.0 if words else _step((high - self.low) / 4)
        self.high = max(-(-high // self.step) * self.step, self.low + self.step)

    def x(self, at_ns: int) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * at_ns / self.end_ns:.1f}"

    def y(self, value: float) -> str:
        return f"{HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / (self.high - self.low):.1f}"

    def label(self, value: float) -> str:
        """What stands at a line across."""
        return escape(self.words.get(round(value), "")) if self.words else f"{value:g}"

    def grid(self) -> list[str]:
        """Lines across with their values, and times along the axis."""
        first = round(self.low // self.step)
        values = [number * self.step for number in range(first, round(self.high / self.step) + 1)]
        across = [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(value)}" y2="{self.y(value)}" stroke="#e2e8f0"/>'
            f'<text x="{LEFT - 6}" y="{self.y(value)}" dy="4" text-anchor="end" fill="#475569">'
            f"{self.label(value)}</text>"
            for value in values
            if value >= self.low
        ]
        along = [
            f'<text x="{self.x(at_ns)}" y="{HEIGHT - 10}" text-anchor="middle" fill="#475569">{label}</text>'
            for at_ns, label in _times(self.end_ns)
        ]
        return across + along


def draw(title: str, lines: Sequence[Line], outcome: Outcome, words: Mapping[int, str] | None = None) -> str:
    """One plot, with a mark for each fault: across the plot, or at its top alone where there are many."""
    values = [value for line in lines for _, value in line.points if value is not None]
    frame = _Frame(outcome.scenario.length_ns, values, words or {})
    mark_end = HEIGHT - BOTTOM if len(outcome.faults) <= MOST_LONG_MARKS else TOP + 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">'
    )
    parts = [
        head,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="bold">{escape(title)}</text>',
        *frame.grid(),
    ]
    for fault in outcome.faults:
        at = frame.x(fault.at_ns)
        parts.append(
            f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{mark_end}" stroke="#94a3b8" stroke-dasharray="2 3">'
            f"<title>{escape(str(fault))}</title></line>"
        )
    for number, line in enumerate(lines):
        parts += _drawn_line(frame, line, number)
    return "\n".join([*parts, "</svg>\n"])


def _drawn_line(frame: _Frame, line: Line, number: int) -> list[str]:
    """A line with its entry in the legend."""
    colour = COLOURS[number % len(COLOURS)]
    place = TOP + 10 + 15 * number
    name = line.name if len(line.name) <= NAME_MAX else "..." + line.name[3 - NAME_MAX :]
    drawn = [
        f'<rect x="{WIDTH - RIGHT + 10}" y="{place - 8}" width="9" height="9" fill="{colour}"/>',
        f'<text x="{WIDTH - RIGHT + 24}" y="{place}">{escape(name)}</text>',
    ]
    for run in _runs(line.points):
        points = " ".join([f"{frame.x(at_ns)},{frame.y(value)}" for at_ns, value in run])
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(run) == 1:
            at_ns, value = run[0]
            drawn.append(f'<circle cx="{frame.x(at_ns)}" cy="{frame.y(value)}" r="1.5" fill="{colour}"/>')
    return drawn


def _runs(points: Sequence[tuple[int, float | None]]) -> list[list[tuple[int, float]]]:
    """The parts of a line between its gaps."""
    runs: list[list[tuple[int, float]]] = [[]]
    for at_ns, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at_ns, value))
    return [run for run in runs if run]


def _step(rough: float) -> float:
    """The round number that is next to a distance of grid lines: 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    return next((power * factor for factor in (1, 2, 5) if power * factor >= rough), power * 10)


def _times(end_ns: int) -> list[tuple[int, str]]:
    """Six times along the axis with their labels."""
    end_s = end_ns / 1e9
    unit_s, word = (
        (_DAY_S, "d") if end_s > 3 * _DAY_S else (_HOUR_S, "h") if end_s > 3 * _HOUR_S else (_MINUTE_S, "min")
    )
    step = _step(end_s / unit_s / 6)
    return [(round(number * step * unit_s * 1e9), f"{number * step:g} {word}") for number in range(
        int(end_s / unit_s / step) + 1
    )]  # fmt: skip


def length_text(length_ns: int) -> str:
    """A mission's length in the units in which it is asked for: `30 d`, `1 h 30 min`, `200 s`."""
    left_s = length_ns / 1e9
    words = []
    for unit_s, word in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        count, left_s = divmod(left_s, unit_s)
        if count:
            words.append(f"{count:.0f} {word}")
    if left_s or not words:
        words.append(f"{left_s:g} s")
    return " ".join(words)


def _page(name: str, outcome: Outcome, plots: Sequence[str]) -> str:
    scenario, samples = outcome.scenario, outcome.samples
    rows = {
        "Seed": str(scenario.seed),
        "Length": f"{length_text(scenario.length_ns)}, from {clock_text(0)}",
        "Starts": str(outcome.lives),
        "Events": f"{outcome.events}, {samples.warnings} of them warnings",
        "Commands answered": str(outcome.answers),
        "Slips, drops": f"{samples.slips}, {samples.drops}",
        "Invariants": str(outcome.broken or "all hold"),
        "Digest": outcome.digest,
    }
    table = "\n".join([f"<tr><th>{key}</th><td>{escape(value)}</td></tr>" for key, value in rows.items()])
    images = "\n".join([f'<p><img src="{plot}" alt="{plot.removesuffix(".svg")}"></p>' for plot in plots])
    log = escape("\n".join(outcome.lines or lines_of(outcome.faults)))
    title = f"{escape(name)}, seed {scenario.seed}"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em;max-width:60em}pre{white-space:pre-wrap}th{text-align:left;padding-right:1em}</style>\n"
        f"<h1>{title}</h1>\n<table>\n{table}\n</table>\n{images}\n"
        f"<h2>What went wrong, and when</h2>\n<pre>{log}</pre>\n"
        "</html>\n"
    )


__all__ = ["draw", "write_summary"]
