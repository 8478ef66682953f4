"""Notices to a topic of an MQTT broker, with QoS 1, by aiomqtt (`pip install kittiwake[mqtt]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.alarms.notice import DeliveryFault

if TYPE_CHECKING:
    from kittiwake_ground.alarms.notice import Notice
    from kittiwake_ground.alarms.receivers import Receiver

PORT, TLS_PORT = 1883, 8883
TIMEOUT_S = 10.0
QOS = 1


async def deliver(receiver: Receiver, notice: Notice) -> None:
    """Publishes a notice, and returns when the broker has it. Raises `DeliveryFault`, and what the secret raises."""
    from ssl import create_default_context

    try:
        from aiomqtt import Client, MqttError
    except ImportError:
        raise DeliveryFault("MQTT needs aiomqtt: pip install kittiwake[mqtt]", final=True) from None
    authorities = None if receiver.authorities is None else str(receiver.authorities)
    context = create_default_context(cafile=authorities) if receiver.tls else None
    try:
        async with Client(
            receiver.host, receiver.port or (TLS_PORT if receiver.tls else PORT), username=receiver.user or None,
            password=receiver.secret() or None, tls_context=context, timeout=TIMEOUT_S,
        ) as client:  # fmt: skip
            await client.publish(receiver.topic, notice.body(), qos=QOS)
    except (MqttError, OSError) as fault:
        raise DeliveryFault(str(fault)) from None
