"""The sending end of uplink security: numbers and protects frames under one key. It does no input or output itself.

Like the receiver it saves ahead: before a number beyond the reserved one is used, one further on is made durable, and
after a crash it goes on from there, so that no number is used twice. Where it stands against the receiver's window the
receiver's acceptance report says; the signer then moves only if its next frame would be refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.security_association import SALT_SIZE
from kittiwake.wire.uplink_authenticator import RESERVE_BLOCK, SEQUENCE_MASK, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.wire.security_association import SecurityAssociation


class UplinkSigner:
    """Protects the data of frames on one link under one association.

    `last` is the last number that may have been used, `None` if nothing is known. `reserve(number)` makes a number
    durable, and raises something if it cannot. `token_bytes(count)` gives random bytes.
    """

    def __init__(
        self,
        association: SecurityAssociation,
        last: int | None,
        reserve: Callable[[int], None],
        token_bytes: Callable[[int], bytes],
        window: int = WINDOW,
    ) -> None:
        self.association = association
        self.window = window
        self.last = 0 if last is None else last
        self.resynchronisations = 0
        """How often a report moved it."""
        self._reserved = self.last
        self._reserve = reserve
        self._token_bytes = token_bytes
        self._salt = token_bytes(SALT_SIZE)

    @property
    def spi(self) -> int:
        """The security parameter index of its key."""
        return self.association.spi

    def seal(self, data: bytes) -> bytes:
        """`data` protected under the next number. Raises what `reserve` does: nothing is sent then.

        A number is never used again, so a frame that is not sent after all leaves a gap, which the window allows.
        """
        following = self.last + 1 & SEQUENCE_MASK
        if self.last == self._reserved:
            reserved = self.last + RESERVE_BLOCK & SEQUENCE_MASK
            self._reserve(reserved)
            self._reserved = reserved
        if following == 0:
            self._salt = self._token_bytes(SALT_SIZE)
        self.last = following
        return self.association.protect(following, self._salt, data)

    def take_report(self, accepted: int) -> bool:
        """Looks at the number that the receiver accepted last, and says whether the signer had to move.

        It moves if its next number would be refused, because either side lost its counter or too much was lost on
        the way. A report that is late, of before what is still under way, moves nothing.
        """
        if 0 < (self.last + 1 - accepted) & SEQUENCE_MASK <= self.window:
            return False
        self.last = self._reserved = accepted
        # Numbers may come again that were used for frames which never arrived; an initialisation vector must not.
        self._salt = self._token_bytes(SALT_SIZE)
        self.resynchronisations += 1
        return True

    def close(self) -> None:
        """Makes just what was used durable, so that the next session goes on without a gap."""
        if self._reserved != self.last:
            self._reserve(self.last)
            self._reserved = self.last
