"""How the process of a deployment ends, for whoever starts it again: `kittiwake run --supervise`, systemd, a script."""

from __future__ import annotations

ORDERLY = 0
"""It was asked to stop, and is not to be started again."""
FAILED = 1
"""A FATAL event, or a fault that kept it from starting."""
MISUSED = 2
"""Arguments that make no sense: it would fail again in the same way."""
COLD_RESET = 80
"""To be started again, after the machine's power was off where that can be had."""
WARM_RESET = 81
"""To be started again."""
FACTORY_RESET = 82
"""To be started again with nothing but what it was delivered with."""

RESETS = (COLD_RESET, WARM_RESET, FACTORY_RESET)

UNHEARD = (-2, -15, 130)
"""By SIGINT or SIGTERM, as a process ends that was not yet up to heed it: in order, for whoever sent one."""
