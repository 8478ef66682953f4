"""`kittiwake power-unit`: a power unit that really cuts power, in front of a deployment on the same machine.

It stands at the far end of a pseudo-terminal, starts the deployment when it gives power, and kills it when it takes it
away. Sleep is skipped and awake time can run faster, so that days pass in minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out

if TYPE_CHECKING:
    from kittiwake.cli.power_unit_process import Trial

DAY_S = 86_400
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}
MAX_WALL_S = 4_000_000_000
"""Before the 32 bits of F´'s seconds are over, with room for the longest trial."""
POWER_MANAGER = ":PowerManager"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake power-unit",
        description="Run a deployment behind a simulated power unit, which wakes it and really cuts its power.",
    )
    made.add_argument("file", type=Path, help="topology (YAML) or image of a deployment with a PowerManager")
    made.add_argument("--for", dest="length", default="1d", metavar="TIME", help="how long: 90s, 15m, 6h, 7d (1d)")
    made.add_argument("--pace", type=float, default=20.0, help="awake time runs so many times as fast (20)")
    made.add_argument("--root", type=Path, default=None, help="folder of the deployment's files (var/<deployment>)")
    made.add_argument("--wall", type=float, default=1_800_000_000.0, help="wall time at the start, seconds since 1970")
    made.add_argument("--charge", type=float, default=80.0, help="charge of the battery at the start in percent (80)")
    made.add_argument("--capacity-wh", type=float, default=38.0, help="energy of the full battery (38)")
    made.add_argument("--supply-w", type=float, default=0.0, help="power of the panel from 6 to 18 o'clock (0)")
    made.add_argument("--hard-limit", type=int, default=900, metavar="S", help="the longest awake time (900)")
    made.add_argument("--build", type=Path, default=Path("build"), help="folder for the image (build)")
    made.add_argument("--link", default="none", help="the deployment's link to the ground (none)")
    made.add_argument(
        "--set", action="append", default=[], metavar="INSTANCE.SETTING=VALUE", help="a setting, as `kittiwake run` has"
    )
    return made


def parse_length_s(text: str) -> float:
    """The seconds of a length such as `90s` or `7d`. Raises `ValueError`."""
    unit = _UNITS_S.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal() or not 0 < int(text[:-1]) * unit <= 3660 * DAY_S:
        raise ValueError(f"--for wants a length such as 90s, 15m, 6h or 7d, not {text!r}")
    return float(int(text[:-1]) * unit)


def _run(options: argparse.Namespace) -> int:
    from kittiwake.cli.power_unit_process import Trial

    for name, value, low, high in (
        ("--pace", options.pace, 0.1, 1000), ("--charge", options.charge, 0, 100),
        ("--capacity-wh", options.capacity_wh, 0.001, 1e6), ("--supply-w", options.supply_w, 0, 1e6),
        ("--hard-limit", options.hard_limit, 1, DAY_S), ("--wall", options.wall, 0, MAX_WALL_S),
    ):  # fmt: skip
        if not low <= value <= high:
            raise ValueError(f"{name} is from {low:g} to {high:g}, not {value:g}")
    length_s = parse_length_s(options.length)
    image, name, manager = _image(options)
    root = options.root or Path("var") / name
    trial = Trial(options, image, root, manager)
    trial.run(length_s)
    _summarize(trial)
    return 0


def _image(options: argparse.Namespace) -> tuple[Path, str, str]:
    """The image to start, the deployment's name, and the instance that speaks with the power unit."""
    from kittiwake.cli.build import build, read_image
    from kittiwake.topology.compile import load_topology

    path = options.file
    if path.suffix in (".yaml", ".yml"):
        _, path, _ = build(load_topology(path), options.build)
    image = read_image(path)
    managers = [name for name, cls, *_ in image["instances"] if cls.endswith(POWER_MANAGER)]
    if len(managers) != 1:
        raise ValueError(f"{options.file}: one PowerManager is wanted, and there are {len(managers)}")
    return path, image["name"], managers[0]


def _summarize(trial: Trial) -> None:
    wakes, awake_s = len(trial.awake_s), sum(trial.awake_s)
    print(
        f"{wakes} wakes, {awake_s:.0f} s awake in all, {awake_s / max(wakes, 1):.1f} s each; "
        f"{trial.unasked} cuts unasked, {trial.ended_early} programs that ended by themselves; "
        f"battery at {trial.unit.battery.charge * 100:.2f} %"
    )


def main(arguments: list[str]) -> int:
    """Runs the trial; 0 when its time is over, 1 for a file that cannot be used, 2 for misuse."""
    return carry_out(parser(), _run, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
