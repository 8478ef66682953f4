"""A NetworkManager that is pretended, behind an `nmcli` of a simulated machine: it prints what nmcli 1.42 prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import Finished

if TYPE_CHECKING:
    from collections.abc import Sequence

SUCCESS = "Connection successfully activated (D-Bus active path: /org/freedesktop/NetworkManager/ActiveConnection/2)\n"
SHOWN = "GENERAL.STATE:activated\nGENERAL.DEVICES:wlan0\nIP4.ADDRESS[1]:10.9.8.7/24\n"


class PretendedNetworkManager:
    """Its attributes say how it does; `asked` are the commands, `secrets` what each was given."""

    def __init__(self, *profiles: str) -> None:
        self.profiles = set(profiles)
        self.active: set[str] = set()
        self.is_running = True
        self.failure = ""
        """Why no connection can be activated; empty: it can."""
        self.networks = ["*:70:field", " :20:other"]
        self.is_wireless = True
        self.hangs = False
        self.asked: list[str] = []
        self.secrets: list[bytes] = []

    def run(self, command: Sequence[str], given: bytes) -> Finished:
        """What nmcli does."""
        words = list(command[1:])
        self.asked.append(" ".join(words))
        self.secrets.append(given)
        if self.hangs:
            raise TimeoutError("nmcli took too long")
        if not self.is_running:
            return Finished(8, "", "Error: NetworkManager is not running.\n")
        if "wifi" in words and "list" in words:
            return self._list()
        return self._connection(words[words.index("connection") + 1], words)

    def _list(self) -> Finished:
        if not self.is_wireless:
            return Finished(10, "", "Error: Device 'veth0' is not a Wi-Fi device.\n")
        return Finished(0, "".join([f"{one}\n" for one in self.networks]))

    def _connection(self, what: str, words: list[str]) -> Finished:
        name = words[words.index("con-name" if what == "add" else "id") + 1]
        if what == "add":
            self.profiles.add(name)
            return Finished(0, f"Connection '{name}' (0981d851-b7be-4c4b-a963-22fbaeb90c8a) successfully added.\n")
        if name not in self.profiles:
            told = f"{name} - no such connection profile." if what == "show" else f"unknown connection '{name}'."
            return Finished(10, "", f"Error: {told}\n")
        if what == "up":
            return self._up(name)
        if what == "show":
            is_active = name in self.active
            return Finished(
                0, "GENERAL.STATE:activated\nGENERAL.DEVICES:wlan0\nIP4.ADDRESS[1]:10.9.8.7/24\n" * is_active
            )
        if what == "delete":
            self.profiles.discard(name)
        was_active = name in self.active
        self.active.discard(name)
        if what == "down" and not was_active:
            return Finished(
                10, "", f"Error: '{name}' is not an active connection.\nError: no active connection provided.\n"
            )
        return Finished(0, f"Connection '{name}' successfully deactivated (D-Bus active path: /org/x)\n")

    def _up(self, name: str) -> Finished:
        if self.failure:
            return Finished(4, "", f"Error: Connection activation failed: {self.failure}\nHint: use 'journalctl'.\n")
        self.active.add(name)
        return Finished(0, SUCCESS)
