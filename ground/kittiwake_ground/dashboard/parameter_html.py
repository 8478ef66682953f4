"""Parameters as HTML: the list to choose from, what is known of one, and what a comparison found."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.dashboard.life_html import breakable, name_html, value_text
from kittiwake_ground.server.parameter_diff import ABSENT, DIFFERENT, NOT_KNOWN, SAME, VERDICTS
from kittiwake_ground.server.parameters import UNKNOWN
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = {"all": "All", DIFFERENT: "Differ from default", NOT_KNOWN: "Not known", SAME: "As default"}
"""What the list shows: all parameters, or those that compare with their defaults in one way."""

_SHOWN = {"differences": (DIFFERENT, ABSENT), "unknown": (NOT_KNOWN,), "all": VERDICTS}
SHOWN = {"differences": "Differences", "unknown": "Not known", "all": "All"}
"""What of a comparison is shown."""

_COLOURS = {SAME: "good", DIFFERENT: "warning", ABSENT: "bad", NOT_KNOWN: "idle"}


def rows_html(rows: Iterable[Mapping[str, Any]], kind: str, query: str, chosen: str) -> str:
    """The list, by instance: rows of a comparison with the defaults, of a kind of `KINDS` and with a query's words."""
    parts, last = [], ""
    for row in rows:
        value = known_text(row["first"])
        text = f"{row['name']} {value}".lower()
        if kind not in ("all", row["verdict"]) or not all(word in text for word in query.lower().split()):
            continue
        instance, _, own = row["name"].rpartition(".")
        if instance != last:
            last = instance
            parts.append(f'<div class="kw-instance-head">{escape(instance)}</div>')
        differs = row["verdict"] == DIFFERENT
        default = f'<span class="kw-muted">default {escape(known_text(row["second"]))}</span>' if differs else ""
        current = ' aria-current="true"' if row["name"] == chosen else ""
        parts.append(
            f'<button type="button" class="kw-pick kw-parameter" data-parameter="{escape(row["name"])}" '
            f'data-verdict="{row["verdict"]}"{current}><span>{escape(own)}</span>'
            f'<span class="kw-parameter-value">{_value_html(row["first"], differs)}{default}</span></button>'
        )
    return "".join(parts) or '<div class="kw-muted kw-empty">No parameter is such.</div>'


def facts_html(shown: Mapping[str, Any], verdict: str) -> str:
    """What a parameter is, its value and default, and how and when the value was told."""
    default = "none" if shown["default"] is None else value_text(shown["default"])
    facts = {"Value": _value_html(shown, verdict == DIFFERENT), "Default": escape(default), "Known": _told_html(shown)}
    cells = "".join(f"<div><dt>{label}</dt><dd>{what}</dd></div>" for label, what in facts.items())
    return (
        f'<div class="kw-command-name">{name_html(shown["name"])}</div>'
        f'<div class="kw-muted">{escape(shown["annotation"])}</div><dl class="kw-facts kw-parameter-facts">{cells}</dl>'
    )


def comparison_html(comparison: Mapping[str, Any], shown: str) -> str:
    """A comparison as a table, of `shown` of `SHOWN`, with how many there are of each."""
    counts = comparison["counts"]
    heads = "".join(
        f'<span class="kw-chip kw-chip-{_COLOURS[verdict] if count else "idle"}" data-count="{verdict}">'
        f"{count} {verdict}</span> "
        for verdict, count in counts.items()
    )
    rows = [row for row in comparison["parameters"] if row["verdict"] in _SHOWN[shown]]
    body = "".join(
        f'<tr data-compared="{escape(row["name"])}" data-verdict="{row["verdict"]}"><td>{breakable(row["name"])}</td>'
        f"<td>{_side_html(row['first'])}</td><td>{_side_html(row['second'])}</td>"
        f'<td><span class="kw-chip kw-chip-{_COLOURS[row["verdict"]]}">{row["verdict"]}</span></td></tr>'
        for row in rows
    )
    sides = "".join(f"<th>{escape(_side_title(comparison[side]))}</th>" for side in ("first", "second"))
    table = f'<table class="kw-compared"><thead><tr><th>Parameter</th>{sides}<th></th></tr></thead>{body}</table>'
    none = '<div class="kw-muted kw-empty">None of these.</div>'
    return f'<div class="kw-bar">{heads}</div>' + (f'<div class="kw-scrolled">{table}</div>' if rows else none)


def known_text(known: Mapping[str, Any]) -> str:
    """A value, or a question mark for one that nobody has told."""
    return "?" if known["known"] == UNKNOWN else value_text(known["value"]) + (" ..." if known["partial"] else "")


def _value_html(known: Mapping[str, Any], differs: bool) -> str:
    level = "kw-muted" if known["known"] == UNKNOWN or known["stale"] else "kw-differs" if differs else ""
    doubt = ' <i class="kw-muted">before</i>' if known["stale"] else ""
    return f'<b class="{level}">{escape(known_text(known))}</b>{doubt}'


def _side_html(known: Mapping[str, Any] | None) -> str:
    if known is None:
        return '<span class="kw-muted">has none</span>'
    if known["known"] in (UNKNOWN, "default"):
        return _value_html(known, False)
    return f'{_value_html(known, False)}<div class="kw-muted">{_told_html(known)}</div>'


def _told_html(known: Mapping[str, Any]) -> str:
    """How a value is known, and since when."""
    if known["known"] == UNKNOWN:
        return "not told yet"
    way = {"set": "set by command", "dump": "told by the deployment"}[known["known"]]
    doubt = "; may be another by now" if known["stale"] else "; cut as it was told" if known["partial"] else ""
    time = iso_time(known["known_us"])
    return f'{way}, {escape(known["origin"].lower())}, <span title="{time}">{time[:10]} {time[11:19]}</span>{doubt}'


def _side_title(side: Mapping[str, Any]) -> str:
    if side["defaults"]:
        return "Default"
    return f"{side['deployment']}, {side['at'][:19].replace('T', ' ') if side['at'] else 'now'}"
