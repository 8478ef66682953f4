"""`python -m tests.soak`: long runs in real time, which show what grows and what is lost.

`deployments` has ten deployments of the five topologies on one ground station, `channels` one deployment with a
thousand channels at 10 Hz and three dashboards.
"""

from __future__ import annotations

import sys

from tests.soak import channels, deployments

SOAKS = {"deployments": deployments.main, "channels": channels.main}

if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in SOAKS:
        sys.exit(f"python -m tests.soak {'|'.join(SOAKS)} [--help]")
    sys.exit(SOAKS[sys.argv[1]](sys.argv[2:]))
