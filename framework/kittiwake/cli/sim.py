"""`kittiwake sim`: a deployment in virtual time, with simulated devices, faults, and invariants that must hold."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import put_text, write_whole
from kittiwake.cli.run import read_settings
from kittiwake.cli.run_options import split_setting

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.mission import Outcome
    from kittiwake.simulation.scenario import Scenario

    Settings = dict[str, dict[str, Any]]

MANY_SEEDS = 100_000


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake sim", description="Fly a deployment through virtual time, with faults drawn from a seed."
    )
    made.add_argument("file", type=Path, nargs="?", help="topology (YAML) or image")
    made.add_argument("--for", dest="length", metavar="TIME", help="how long: 90s, 15m, 6h, 30d (15m)")
    made.add_argument("--seed", type=int, help="decides all that is drawn (1)")
    made.add_argument("--seeds", type=int, metavar="N", help="fly N seeds, one after the other, from --seed on")
    made.add_argument("--scenario", type=Path, metavar="FILE", help="what happens when (YAML)")
    made.add_argument("--report", type=Path, metavar="DIR", help="write a summary with plots there")
    made.add_argument("--set", action="append", default=[], metavar="INSTANCE.SETTING=VALUE", help="replace a setting")
    made.add_argument(
        "--minimise", action=argparse.BooleanOptionalAction, default=None,
        help="find the shortest list of faults that breaks the same invariant (default for one seed)",
    )  # fmt: skip
    made.add_argument(
        "--minimal", type=Path, default=Path("build/minimal.yaml"), metavar="FILE", help="where that is written"
    )
    made.add_argument("--schema", action="store_true", help="print the JSON Schema of scenario files")
    return made


def main(arguments: list[str]) -> int:
    """Flies; 1 if an invariant broke or a file has faults, 2 for misuse."""
    return carry_out(parser(), _run, arguments)


def _run(options: argparse.Namespace) -> int:
    if options.schema:
        import json

        from kittiwake.scenario.grammar import scenario_schema

        put_text(json.dumps(scenario_schema(), indent=2) + "\n", None)
        return 0
    if options.file is None:
        raise Misuse("a topology file or an image is missing")
    if options.seeds is not None and not 1 <= options.seeds <= MANY_SEEDS:
        raise Misuse(f"--seeds is from 1 to {MANY_SEEDS}, not {options.seeds}")
    image = load(options.file)
    settings = read_settings([split_setting(text) for text in options.set], classes_of(image))
    scenario = _scenario(options, image)
    if options.seeds is not None:
        return _fly_many(options, image, scenario, settings)
    return _fly_one(options, image, scenario, settings)


def classes_of(image: Image) -> dict[str, Any]:
    """The class of each instance."""
    return {name: path for name, path, *_ in image["instances"]}


def load(path: Path) -> Image:
    """The image of a topology file or of an image file. Raises `OSError`, and `ValueError` for one with faults."""
    from kittiwake.cli.build import read_image
    from kittiwake.topology.compile import load_topology
    from kittiwake.topology.image import build_image

    if path.suffix in (".yaml", ".yml"):
        return build_image(load_topology(path), "")
    return read_image(path)


def _scenario(options: argparse.Namespace, image: Image) -> Scenario:
    """The scenario of the file, or one that is drawn; what the command line says counts for more."""
    from kittiwake.cli.seq_text import read_text
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.scenario.grammar import SEED_MAX, parse_time_ns
    from kittiwake.scenario.read import read_scenario
    from kittiwake.simulation.scenario import Scenario
    from kittiwake.simulation.surroundings import World

    scenario = Scenario()
    if options.scenario is not None:
        world = World(image, SeededRandom(0))
        scenario = read_scenario(read_text(options.scenario), str(options.scenario), world)
    if options.length is not None:
        try:
            scenario = scenario._replace(length_ns=parse_time_ns(options.length))
        except ValueError as fault:
            raise Misuse(f"--for: {fault}") from None
        if not scenario.length_ns:
            raise Misuse(f"--for: {options.length} is no time in which anything could be seen")
    if options.seed is not None:
        if not 0 <= options.seed <= SEED_MAX:
            raise Misuse(f"--seed is from 0 to {SEED_MAX}, not {options.seed}")
        scenario = scenario._replace(seed=options.seed)
    return scenario


def _fly_one(options: argparse.Namespace, image: Image, scenario: Scenario, settings: Settings) -> int:
    from kittiwake.simulation.mission import Mission

    began_s = perf_counter()
    outcome = Mission(image, scenario, say=_say, settings=settings).fly()
    print(describe(image, outcome, perf_counter() - began_s))
    print(f"digest {outcome.digest}")
    if options.report is not None:
        from kittiwake.simulation.summary import write_summary

        for name, text in write_summary(image["name"], outcome).items():
            write_whole(options.report / name, text.encode())
        print(options.report / "index.html")
    if outcome.broken is None:
        return 0
    if options.minimise is not False:
        _minimise(options, image, outcome, settings)
    return 1


def _fly_many(options: argparse.Namespace, image: Image, scenario: Scenario, settings: Settings) -> int:
    from kittiwake.simulation.collection import collected_rarely
    from kittiwake.simulation.minimise import flyer

    began_s = perf_counter()
    failed = []
    fly = flyer(image, settings)
    with collected_rarely():
        for seed in range(scenario.seed, scenario.seed + options.seeds):
            outcome = fly(scenario._replace(seed=seed))
            if outcome.broken is None:
                continue
            failed.append(seed)
            print(f"seed {seed}: {outcome.broken}", flush=True)
            if options.minimise:
                _minimise(options, image, outcome, settings)
    took_s = perf_counter() - began_s
    print(f"{image['name']}: {options.seeds} seeds in {took_s:.0f} s, {len(failed)} with a broken invariant")
    return 1 if failed else 0


def _say(line: str) -> None:
    print(line, flush=True)


def describe(image: Image, outcome: Outcome, took_s: float) -> str:
    """A line that sums a mission up."""
    scenario, samples = outcome.scenario, outcome.samples
    what = "BROKEN: " + outcome.broken.invariant if outcome.broken else "every invariant holds"
    return (
        f"{image['name']}, seed {scenario.seed}: {scenario.length_ns / 1e9:.12g} s in {took_s:.1f} s, "
        f"{outcome.lives} starts, {outcome.events} events, {outcome.answers} commands answered, "
        f"{samples.drops} drops, {samples.slips} slips; {what}"
    )


def _minimise(options: argparse.Namespace, image: Image, outcome: Outcome, settings: Settings) -> None:
    from kittiwake.scenario.write import scenario_text
    from kittiwake.simulation.collection import collected_rarely
    from kittiwake.simulation.fault_plan import lines_of
    from kittiwake.simulation.minimise import flyer, minimise

    assert outcome.broken is not None
    with collected_rarely():
        least = minimise(outcome, flyer(image, settings))
    least = least._replace(name=f"{outcome.broken.invariant}, seed {outcome.scenario.seed}")
    print(f"the shortest list of faults that breaks {outcome.broken.invariant}: {len(least.faults)}")
    for line in lines_of(least.faults):
        print(f"  {line}")
    write_whole(options.minimal, scenario_text(least, outcome.broken.what).encode())
    print(options.minimal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
