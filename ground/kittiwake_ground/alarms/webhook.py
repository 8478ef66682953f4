"""Notices to a webhook: JSON by POST, signed with HMAC-SHA256 where there is a secret.

The header `X-Kittiwake-Signature` is `sha256=` and the code, in hex, of the timestamp in `X-Kittiwake-Timestamp`, a dot
and the body; `X-Kittiwake-Delivery` is the notice's id, the same when it is sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

from kittiwake_ground.alarms.notice import DeliveryFault
from kittiwake_ground.client.faults import cause_of

if TYPE_CHECKING:
    from kittiwake_ground.alarms.notice import Notice
    from kittiwake_ground.alarms.receivers import Receiver

TIMEOUT_S = 10.0
_AGAIN = (408, 425, 429)
"""Statuses of the client's that may pass."""


def headers_of(notice: Notice, secret: str, now_s: int) -> dict[str, str]:
    """The headers that go with a notice's body."""
    made = {"Content-Type": "application/json", "X-Kittiwake-Delivery": notice.id}
    if secret:
        signed = f"{now_s}.".encode() + notice.body()
        code = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        made |= {"X-Kittiwake-Timestamp": str(now_s), "X-Kittiwake-Signature": f"sha256={code}"}
    return made


async def deliver(receiver: Receiver, notice: Notice) -> None:
    """Sends a notice. Raises `DeliveryFault`, and what the secret raises."""
    from ssl import create_default_context

    import httpx

    headers = headers_of(notice, receiver.secret(), int(time.time()))
    authorities = None if receiver.authorities is None else str(receiver.authorities)
    verify = True if authorities is None else create_default_context(cafile=authorities)
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=verify, follow_redirects=False) as client:
            response = await client.post(receiver.url, content=notice.body(), headers=headers)
    except httpx.HTTPError as fault:
        raise DeliveryFault(cause_of(fault)) from None
    if not response.is_success:
        status = response.status_code
        raise DeliveryFault(f"it answers {status} {response.reason_phrase}", status < 500 and status not in _AGAIN)
