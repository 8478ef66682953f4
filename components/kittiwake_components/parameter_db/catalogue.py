"""Every parameter of a deployment by its id: what a record may hold, and how a value gets into its component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import WireError
from kittiwake_components.ports.value import PARAMETER_SIZE_MAX

if TYPE_CHECKING:
    from kittiwake.model.component import Component
    from kittiwake.model.parameters import Parameter
    from kittiwake.runtime.deployment import Deployment


class Entry:
    """One parameter of one instance; `initial` is its value while the database has no record of it."""

    __slots__ = ("component", "declared", "id", "initial")

    def __init__(self, id: int, component: Component, declared: Parameter[Any], initial: Any) -> None:
        self.id = id
        self.component = component
        self.declared = declared
        self.initial = initial

    @property
    def name(self) -> str:
        """Its full name in the dictionary."""
        return f"{self.component.name}.{self.declared.label}"

    @property
    def value(self) -> Any:
        """The value that its component has now."""
        return getattr(self.component, self.declared.name)

    def unpack(self, data: bytes) -> Any:
        """The value of a record. Raises `WireError`, `RangeError` where it is outside the declared range."""
        if len(data) > self.declared.type.max_size:
            raise WireError(f"has {len(data)} bytes, {self.declared.type!r} at most {self.declared.type.max_size}")
        value, end = self.declared.type.unpack(data)
        if end != len(data):
            raise WireError(f"has {len(data)} bytes, {self.declared.type!r} takes {end}")
        return value

    def put(self, value: Any) -> None:
        """Gives the component a value, and tells it. Raises what `parameter_updated` raises."""
        setattr(self.component, self.declared.name, value)
        self.component.parameter_updated(self.declared.name)


class Catalogue:
    """The parameters of all instances of a deployment."""

    def __init__(self, deployment: Deployment) -> None:
        image = deployment.image
        given = {(index, name): data for index, name, data in image["parameters"]}
        self.entries: dict[int, Entry] = {}
        for index, component in enumerate(deployment.instances.values()):
            for name, declared in type(component).__declarations__.parameters.items():
                assert declared.number is not None, "numbers are settled when the class is made"
                id = component._context.base_id + declared.number
                data = given.get((index, name))
                initial = declared.default if data is None else declared.type.unpack(data)[0]
                self.entries[id] = Entry(id, component, declared, initial)

    def refusal(self, id: int, data: bytes) -> str | None:
        """What is wrong with a record, or `None` if it fits a parameter of this deployment."""
        entry = self.entries.get(id)
        if entry is None:
            return "no instance has a parameter of this id"
        if len(data) > PARAMETER_SIZE_MAX:
            return f"{entry.name} has {len(data)} bytes, a record holds {PARAMETER_SIZE_MAX}"
        try:
            entry.unpack(data)
        except WireError as fault:
            return f"{entry.name}: {fault}"
        return None
