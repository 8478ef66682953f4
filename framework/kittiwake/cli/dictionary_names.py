"""Names out of the dictionary as arguments, so that completion knows which to offer."""

from __future__ import annotations


class CommandName(str):
    """A command's full name, as in CdhCore.cmdDisp.CMD_NO_OP."""

    __slots__ = ()


class ChannelName(str):
    """A channel's full name, or a pattern of such."""

    __slots__ = ()


class EventName(str):
    """An event's full name, or a pattern of such."""

    __slots__ = ()


class ParameterName(str):
    """A parameter's full name."""

    __slots__ = ()
