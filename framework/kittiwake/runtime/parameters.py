"""Parameters of a running deployment: how they get a value, at the start and by command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import WireError
from kittiwake.runtime.image import ImageFault
from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from kittiwake.model.component import Component
    from kittiwake.runtime.deployment import Deployment


def apply_parameter(component: Component, name: str, value: Any) -> None:
    """Gives a parameter a value of its type, and tells the component.

    Raises what `parameter_updated` raises; the component then has the old value, and was told that too, so that
    nothing it derives from the parameter stays half changed.
    """
    before = getattr(component, name)
    setattr(component, name, value)
    try:
        component.parameter_updated(name)
    except Exception:
        setattr(component, name, before)
        try:
            component.parameter_updated(name)
        except Exception as fault:
            component._context.monitor.handler_failed(component.name, "parameter_updated", fault_reason(fault))
        raise


def load_parameters(deployment: Deployment, only: Component | None = None) -> None:
    """Gives every parameter the topology's value or the saved one; a saved value that no longer fits is left out.

    With `only` those of one instance. The parameter service reports what it could not use, so that nothing is reset in
    silence. Raises `ImageFault` for values of the topology that are none of their parameters'.
    """
    components = list(deployment.instances.values())
    for index, name, data in deployment.image["parameters"]:
        component = components[index]
        if only is not None and component is not only:
            continue
        try:
            _load(component, name, data)
        except (KeyError, WireError) as fault:
            raise ImageFault(f"the image's value of {component.name}.{name} does not fit; build it again") from fault
        except Exception as fault:
            deployment.monitor.handler_failed(component.name, "parameter_updated", fault_reason(fault))
    service_index = deployment.image["services"].get("parameter")
    if service_index is None:
        return
    service: Any = components[service_index]
    for component in components if only is None else [only]:
        _load_saved(component, service)


def _load_saved(component: Component, service: Any) -> None:
    """Gives an instance its saved values, in whatever order it takes them: a range may hang on another parameter."""
    waiting: list[tuple[str, str, int, bytes]] = []
    for name, parameter in type(component).__declarations__.parameters.items():
        id = component._context.base_id + (parameter.number or 0)
        data = service.get_prm(id)
        if data is not None:
            waiting.append((name, parameter.label, id, data))
    refused: list[tuple[str, str, int, bytes]] = []
    reasons: list[str] = []
    while waiting:
        refused, reasons = [], []
        for entry in waiting:
            name, label, id, data = entry
            try:
                _load(component, name, data)
            except WireError as fault:
                service.record_unusable(id, f"{component.name}.{label}: {fault}")
            except Exception as fault:
                refused.append(entry)
                reasons.append(fault_reason(fault))
        if len(refused) == len(waiting):
            break
        waiting = refused
    for (_, label, id, _), reason in zip(refused, reasons, strict=True):
        service.record_unusable(id, f"{component.name}.{label}: {reason}")


def _load(component: Component, name: str, data: bytes) -> None:
    """Gives a parameter a packed value. Raises `WireError` if it is none of its type, and what the component raises."""
    value, end = type(component).__declarations__.parameters[name].type.unpack(data)
    if end != len(data):
        raise WireError(f"{len(data) - end} bytes are left over")
    apply_parameter(component, name, value)
