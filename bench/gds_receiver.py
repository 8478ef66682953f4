"""fprime-gds's standard pipeline, logging as it does by default, that counts what comes.

Runs with the Python of the peers' environment and speaks as `tests/system/gds_console.py` does: a request is
`{"call": name, ...}`, an answer `{"result": ...}`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from fprime_gds.common.handlers import DataHandler
from fprime_gds.executables.cli import ConfigDrivenParser, StandardPipelineParser


class Counter(DataHandler):
    """Counts the values that the decoders hand on, behind all other consumers."""

    def __init__(self) -> None:
        self.count = 0

    def data_callback(self, data: Any, sender: Any = None) -> None:
        """Takes one value."""
        self.count += 1


def main() -> None:
    """Answers requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the pipeline prints goes to the log
    options, _, _ = ConfigDrivenParser.parse_known_args([StandardPipelineParser], arguments=sys.argv[1:], client=True)
    pipeline = StandardPipelineParser.pipeline_factory(options)
    counter = Counter()
    pipeline.coders.register_channel_consumer(counter)
    print(json.dumps({"result": "connected"}), file=answers, flush=True)
    for line in sys.stdin:
        # Whether the station is there (`await_station`) shows when something comes.
        result = counter.count if json.loads(line)["call"] == "channel_count" else True
        print(json.dumps({"result": result}), file=answers, flush=True)
    os._exit(0)  # the pipeline's threads would wait for the station


if __name__ == "__main__":
    main()
