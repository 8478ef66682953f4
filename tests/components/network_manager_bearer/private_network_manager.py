"""NetworkManager itself, with a network of its own; whoever asks for one that cannot be had is skipped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PROGRAMS = ("NetworkManager", "nmcli", "dbus-daemon", "unshare", "ip")
SCRIPT = Path(__file__).with_name("private_network_manager.sh")
START_LIMIT_S = 20.0


def obstacle() -> str:
    """Why there can be none here; empty if there can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if missing := [name for name in PROGRAMS if shutil.which(name, path=path) is None]:
        return f"not installed: {', '.join(missing)} (Debian: network-manager, dbus, iproute2)"
    if os.geteuid() != 0:
        return "only root may make a network namespace for NetworkManager"
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False)
    return f"no network namespace: {tried.stderr.strip()}" if tried.returncode else ""


class PrivateNetworkManager:
    """Its bus is at `address`; `do` carries something out in its network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix:path={folder}/bus"
        self.has_authenticator = all(shutil.which(one) for one in ("wpa_supplicant", "hostapd"))

    def __enter__(self) -> Self:
        environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--net", "--mount", "sh", str(SCRIPT), str(self._folder)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip
        end_s = time.monotonic() + START_LIMIT_S
        while self.nmcli("-t", "general", "status", check=False).returncode:
            if time.monotonic() > end_s:
                self.__exit__(None, None, None)
                pytest.fail(f"NetworkManager does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def do(self, command: str) -> None:
        """Has a line of shell carried out there, without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def nmcli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What an operator would do beside the deployment."""
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address, "LC_ALL": "C"}
        return subprocess.run(
            ["nmcli", *arguments], env=environment, capture_output=True, text=True, check=check, timeout=20
        )

    def add_profile(self, name: str, *more: str) -> None:
        """Makes a profile for the wire."""
        self.nmcli(
            "connection", "add", "type", "ethernet", "ifname", "veth0", "con-name", name, "save", "no", "autoconnect",
            "no", "ipv4.method", "manual", "ipv4.addresses", "10.9.8.7/24", "ipv6.method", "disabled", *more,
        )  # fmt: skip
