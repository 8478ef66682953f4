"""`kittiwake top`: what the instances of a running deployment do, as they do it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from kittiwake.cli.inspect_socket import NotInspected, read_snapshot
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.root_option import add_root_option, chosen_root

if TYPE_CHECKING:
    from pathlib import Path

EVERY_S = 2.0
SORTS = ("cpu", "rate", "wakes", "queue", "name")
_CLEAR = "\x1b[H\x1b[2J"
_HEAD = " cpu us/s  wakes/s   disp/s     queue  high slowest us drops slips  instance"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake top",
        description="Show rates, queues, slips, processor time and wake-ups of each instance of a running deployment, "
        "which was started with `kittiwake run --inspect`. Ctrl-C ends it.",
    )
    add_root_option(made)
    made.add_argument("--every", type=float, default=EVERY_S, metavar="S", help=f"seconds between looks ({EVERY_S:g})")
    made.add_argument("--sort", choices=SORTS, default="cpu", help="what comes first (cpu)")
    made.add_argument("--once", action="store_true", help="show one table, over one such time, and end")
    made.add_argument("--json", action="store_true", help="as JSON, a line for each look")
    return made


def main(arguments: list[str]) -> int:
    """Shows it; 1 if no deployment answers."""
    return carry_out(parser(), _top, arguments)


def _top(options: argparse.Namespace) -> int:
    if not 0.1 <= options.every <= 3600:
        raise Misuse("--every is 0.1 to 3600 seconds")
    root = chosen_root(options)
    before = read_snapshot(str(root))
    try:
        while True:
            time.sleep(options.every)
            now = read_snapshot(str(root))
            _show(options, root, compare(before, now))
            if options.once:
                return 0
            before = now
    except KeyboardInterrupt:
        return 0
    except NotInspected:
        print(f"{before['deployment']} has ended, or does not answer any more")
        return 0


def compare(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What happened from one snapshot to the next: the whole, and `instances`, one table each, with rates a second.

    `cpu_us` are microseconds of processor a second. A deployment that was started anew in between begins at zero.
    """
    span_s = (now["now_ns"] - before["now_ns"]) / 1e9
    if span_s <= 0 or any(before["usage"].get(name, one)["dispatches"] > one["dispatches"]
                          for name, one in now["usage"].items()):  # fmt: skip
        before, span_s = {"usage": {}, "instances": [], "loops": []}, now["now_ns"] / 1e9
    earlier = {one["name"]: one for one in before["instances"]}
    turns = sum(loop["turns"] for loop in now["loops"]) - sum(loop["turns"] for loop in before["loops"])
    rows = [_row(one, earlier.get(one["name"]), before["usage"], now["usage"], span_s) for one in now["instances"]]
    # What is no instance's: a loop's own calls, such as the steps of tasks, and this inspection.
    others = sorted(set(now["usage"]) - {one["name"] for one in now["instances"]})
    rows += [
        _usage_row({"name": f"({name})", "kind": "other"}, before["usage"].get(name), now["usage"][name], span_s)
        for name in others
    ]
    return {
        "deployment": now["deployment"], "wall_ns": now["wall_ns"], "span_s": span_s, "turns": turns / span_s,
        "cpu_us": sum(row["cpu_us"] for row in rows), "instances": rows,
    }  # fmt: skip


def _row(
    one: dict[str, Any],
    earlier: dict[str, Any] | None,
    used_before: dict[str, Any],
    used: dict[str, Any],
    span_s: float,
) -> dict[str, Any]:
    name = one["name"]
    row = _usage_row({"name": name, "kind": one["kind"]}, used_before.get(name), used.get(name), span_s)
    queue = one["queue"]
    if queue is not None:
        served = queue["served"] - (earlier["queue"]["served"] if earlier is not None else 0)
        row |= {key: queue[key] for key in ("depth", "waiting", "high", "slowest_us")}
        row |= {"messages": served / span_s, "dropped": sum(queue["dropped"].values())}
    slips = one["evidence"].get("slips")
    if slips is not None:
        row["slips"] = slips
    if one["restarts"]:
        row["restarts"] = one["restarts"]
    return row


def _usage_row(
    row: dict[str, Any], before: dict[str, Any] | None, now: dict[str, Any] | None, span_s: float
) -> dict[str, Any]:
    for key in ("dispatches", "wakes", "cpu_us"):
        row[key] = (now[key] - (before[key] if before else 0)) / span_s if now else 0.0
    return row


def _show(options: argparse.Namespace, root: Path, found: dict[str, Any]) -> None:
    found["instances"].sort(key=_order(options.sort))
    if options.json:
        print(json.dumps(found), flush=True)
        return
    text = table(found, root)
    if not options.once and sys.stdout.isatty():
        import shutil

        lines = shutil.get_terminal_size().lines
        text = _CLEAR + "\n".join(text.splitlines()[: lines - 1])
    print(text, flush=True)


def _order(sort: str) -> Any:
    keys = {
        "cpu": lambda row: (-row["cpu_us"], row["name"]),
        "rate": lambda row: (-row["dispatches"], row["name"]),
        "wakes": lambda row: (-row["wakes"], row["name"]),
        "queue": lambda row: (-row.get("high", -1) / row.get("depth", 1), row["name"]),
        "name": lambda row: row["name"],
    }
    return keys[sort]


def table(found: dict[str, Any], root: Path) -> str:
    """The whole in a line, and a line for each instance that did something or has a queue."""
    at = time.strftime("%H:%M:%S", time.gmtime(found["wall_ns"] / 1e9))
    lines = [
        f"{found['deployment']} in {root}  {at} UTC  cpu {found['cpu_us'] / 1e4:.2f} %  {found['turns']:.1f} turns/s",
        _HEAD,
    ]
    for row in found["instances"]:
        if row["dispatches"] or "depth" in row:
            lines.append(_line(row))
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    queue = f"{row['waiting']}/{row['depth']}" if "depth" in row else "-"
    high, slowest = str(row.get("high", "-")), str(row.get("slowest_us", "-"))
    drops, slips = str(row.get("dropped", "-")), str(row.get("slips", "-"))
    restarted = f"  (restarted {row['restarts']} times)" if "restarts" in row else ""
    return (
        f"{row['cpu_us']:>9.1f} {row['wakes']:>8.1f} {row['dispatches']:>8.1f} {queue:>9} {high:>5} {slowest:>10} "
        f"{drops:>5} {slips:>5}  {row['name']}{restarted}"
    )
