"""`kittiwake explain`: answers why, from what a deployment says of itself and the events that it has kept."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.root_option import add_root_option, chosen_root

if TYPE_CHECKING:
    from kittiwake.explain.evidence import Evidence
    from kittiwake.explain.explanation import Explanation

QUESTIONS = ("late", "silent", "safe", "refused")
_NAMELESS = ("safe",)

_EPILOG = """\
late [INSTANCE]      why cycles slip or an instance lags: which member, message or queue
silent NAME          why an event, channel or instance is not heard of: throttle, filter, level, link
safe                 what led to safe mode, as a chain of events
refused [COMMAND]    the check that the last command, or the last of this name, did not pass

It asks the running deployment (started with --inspect) and reads the events on its disk; either is enough. The status
is 0: explained, 1: no evidence, 2: misused, 3: it is not so, 4: it is so, and the evidence does not say why.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake explain", description="Answer why, with the chain of evidence.", epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("question", choices=QUESTIONS, help="late, silent, safe or refused")
    made.add_argument("name", nargs="?", default="", help="instance, event, channel or command, with its instance")
    add_root_option(made)
    add_dictionary_option(made)
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def main(arguments: list[str]) -> int:
    """Answers; the status is the answer's."""
    return carry_out(parser(), _explain, arguments)


def _explain(options: argparse.Namespace) -> int:
    if options.name and options.question in _NAMELESS:
        raise Misuse(f"explain {options.question} takes no name")
    if options.question == "silent" and not options.name:
        raise Misuse("explain silent wants the name of an event, a channel or an instance")
    evidence, source = _gather(options)
    found = explain(evidence, options.question, options.name)
    if options.json:
        shown = {"verdict": found.verdict.name, "answer": found.answer, "chain": found.chain, "evidence": source}
        print(json.dumps(shown))
    else:
        print(found.render())
        print(f"({source})", file=sys.stderr)
    return int(found.verdict)


def explain(evidence: Evidence, question: str, name: str) -> Explanation:
    """The answer to one of the questions. Raises `ValueError` for names that are not known."""
    if question == "late":
        from kittiwake.explain.late import why_late

        return why_late(evidence, name)
    if question == "silent":
        from kittiwake.explain.silent import why_silent

        return why_silent(evidence, name)
    if question == "safe":
        from kittiwake.explain.safe import why_safe

        return why_safe(evidence)
    from kittiwake.explain.refused import why_refused

    return why_refused(evidence, name)


def _gather(options: argparse.Namespace) -> tuple[Evidence, str]:
    """All the evidence there is, and a line that says which. Raises `ValueError` if there is none."""
    from kittiwake.cli.inspect_socket import NotInspected, read_snapshot
    from kittiwake.explain.evidence import Evidence, kept_packets, read_events
    from kittiwake.platform.system_files import SystemFiles

    dictionary = chosen_dictionary(options)
    root = chosen_root(options)
    try:
        snapshot = read_snapshot(str(root))
        source = "the running deployment"
    except NotInspected as fault:
        snapshot, source = None, f"{fault}"
    events, undecoded = read_events(dictionary, kept_packets(SystemFiles(), str(root)))
    if snapshot is None and not events:
        raise ValueError(f"there is no evidence in {root}: no events are kept there, and {source}")
    source += f"; {len(events)} events kept in {root}"
    if undecoded:
        source += f", {undecoded} more are not in the dictionary: is it this deployment's?"
    return Evidence(dictionary, events, snapshot, undecoded), source
