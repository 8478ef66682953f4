"""Notices by e-mail: SMTP with STARTTLS, in a thread."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING

from kittiwake.sequence.times import US_PER_S
from kittiwake_ground.alarms.notice import DeliveryFault
from kittiwake_ground.client.faults import cause_of

if TYPE_CHECKING:
    from kittiwake_ground.alarms.notice import Notice
    from kittiwake_ground.alarms.receivers import Receiver

PORT = 587
TIMEOUT_S = 20.0


async def deliver(receiver: Receiver, notice: Notice) -> None:
    """Sends a notice. Raises `DeliveryFault`, and what the secret raises."""
    await asyncio.to_thread(_send, receiver, notice, receiver.secret())


def message_of(receiver: Receiver, notice: Notice) -> EmailMessage:
    """The message of a notice. Raises `ValueError` for addresses that are none."""
    made = EmailMessage()
    made["Subject"] = notice.subject
    made["From"] = receiver.sender
    made["To"] = ", ".join(receiver.recipients)
    made["Date"] = formatdate(notice.at_us / US_PER_S)
    made["Message-ID"] = f"<{notice.id}@kittiwake>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
    made.set_content(notice.text)
    return made


def _send(receiver: Receiver, notice: Notice, password: str) -> None:
    import smtplib
    from ssl import create_default_context

    message = message_of(receiver, notice)
    authorities = None if receiver.authorities is None else str(receiver.authorities)
    try:
        with smtplib.SMTP(receiver.host, receiver.port or PORT, timeout=TIMEOUT_S) as server:
            if receiver.tls:
                server.starttls(context=create_default_context(cafile=authorities))
            if receiver.user:
                server.login(receiver.user, password)
            server.send_message(message)
    except smtplib.SMTPResponseException as fault:
        said = fault.smtp_error.decode(errors="replace") if isinstance(fault.smtp_error, bytes) else fault.smtp_error
        raise DeliveryFault(f"it answers {fault.smtp_code} {said}", fault.smtp_code >= 500) from None
    except smtplib.SMTPRecipientsRefused as fault:
        raise DeliveryFault(f"it takes nothing for {', '.join(fault.recipients)}", final=True) from None
    except (smtplib.SMTPException, OSError) as fault:
        raise DeliveryFault(cause_of(fault)) from None
