"""The unit by which systemd starts a deployment at boot, watches it, and starts it again (systemd.service(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.runtime.exit_status import COLD_RESET, MISUSED, RESETS

if TYPE_CHECKING:
    from pathlib import Path

WATCHDOG_S = 30
START_LIMIT_S = 120
STOP_LIMIT_S = 70

_UNIT = """\
[Unit]
Description=Kittiwake deployment {name}
# A device must come back, however often it fails; RestartSteps keeps that from being a hot loop.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} run {image} --root %S/kittiwake/{name} --quiet $KITTIWAKE_OPTIONS
# KITTIWAKE_OPTIONS=--link ... --keys ...
EnvironmentFile=-/etc/kittiwake/{name}.env
TimeoutStartSec={start_s}
TimeoutStopSec={stop_s}
WatchdogSec={watchdog_s}
Restart=on-failure
RestartSec=1
RestartSteps=6
RestartMaxDelaySec=60
SuccessExitStatus={resets}
RestartForceExitStatus={resets}
RestartPreventExitStatus={misused}
# A cold reset restarts the machine with this line:
#ExecStopPost=+/bin/sh -c 'test "$EXIT_STATUS" != {cold} || systemctl --no-block reboot'

# It keeps its files in its state folder, and nothing else of the machine is its to change.
DynamicUser=yes
StateDirectory=kittiwake/{name}
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LimitCORE=0
# ProtectClock closes the devices. For a serial line or a watchdog of the kernel:
#SupplementaryGroups=dialout
#DeviceAllow=/dev/ttyUSB0 rw
#DeviceAllow=/dev/watchdog rw

[Install]
WantedBy=multi-user.target
"""


def unit_text(name: str, program: Path, image: Path) -> str:
    """The unit of the deployment `name`, whose `image` the `kittiwake` at `program` runs."""
    return _UNIT.format(
        name=name, program=_quoted(program), image=_quoted(image), start_s=START_LIMIT_S, stop_s=STOP_LIMIT_S,
        watchdog_s=WATCHDOG_S, resets=" ".join(str(status) for status in RESETS), misused=MISUSED, cold=COLD_RESET,
    )  # fmt: skip


def _quoted(path: Path) -> str:
    """A path as systemd reads it back from a command line."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(sign in text for sign in " \t\"'\\;") else text
