"""What somebody wants done, in text: one command line of the dictionary, or the call of a service's method.

    CdhCore.cmdDisp.CMD_NO_OP_STRING "hello"
    monitoring.upload_monitoring()

Text is read and checked, never evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.ports.service import ServiceFault, pack_arguments, parse_call, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake.model.component import Component

    Services = Sequence[Callable[[str, bytes], bytes]]

SERVICES = 16
"""The most services that a component reaches."""


def check_services(names: list[str]) -> None:
    """The check of a setting that names services. Raises `ValueError`."""
    if len(names) > SERVICES or len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(f"at most {SERVICES} names of services are wanted, each once, not {names}")


def is_call(text: str) -> bool:
    """Whether a text is meant as the call of a service; a command line never ends so."""
    return text.rstrip().endswith(")")


class Expressions:
    """Reads expressions against a deployment's instances and the services that a setting names."""

    def __init__(self, instances: Mapping[str, Component], services: Sequence[str]) -> None:
        self._instances = instances
        self._services = services

    def packet_of(self, line: str) -> bytes:
        """The command packet of a line. Raises `ValueError`."""
        from kittiwake.sequence.command_line import command_packet

        return command_packet(line, self._instances)

    def service_index(self, name: str) -> int:
        """Where a service is connected. Raises `ServiceFault`."""
        if name in self._services:
            return self._services.index(name)
        raise ServiceFault(f"there is no service {name}: {', '.join(self._services) or 'none is connected'}")

    def check(self, text: str) -> None:
        """Raises `ValueError` for what is neither a command of this deployment nor a call of one of its services."""
        if is_call(text):
            self.service_index(parse_call(text)[0])
        else:
            self.packet_of(text)

    def call(self, services: Services, name: str, method: str, arguments: Sequence[Any]) -> Any:
        """Calls a service's method and gives its result. Raises `ServiceFault`, and what the service raises."""
        return result_of(services[self.service_index(name)](method, pack_arguments(arguments)))

    def call_text(self, services: Services, text: str) -> Any:
        """Carries out `service.method(literals)`. Raises as `call` does."""
        return self.call(services, *parse_call(text))
