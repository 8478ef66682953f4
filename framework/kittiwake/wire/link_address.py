"""Where a link goes, as `--link` says it (tcp://, tcp-listen://, udp://, serial://), and what stays on this machine."""

from __future__ import annotations

KINDS = ("tcp", "tcp-listen", "udp", "serial")
FORMS = "tcp://HOST:PORT, tcp-listen://HOST:PORT, udp://HOST:PORT?listen=PORT or serial:///dev/NAME?baud=N"
DEFAULT_BAUD = 115200


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone: `localhost`, `::1`, or an IPv4 address of 127/8.

    A name that only begins so, as `127.example.org`, is somebody else's.
    """
    parts = host.split(".")
    are_numbers = len(parts) == 4 and all(part.isascii() and part.isdecimal() and int(part) < 256 for part in parts)
    return host.lower() in ("localhost", "::1") or (are_numbers and int(parts[0]) == 127)


def names_loopback(place: str) -> bool:
    """The same for HOST, HOST:PORT or [HOST]:PORT, as an address or the field `Host` of HTTP has it."""
    host, _, port = place.rpartition(":")
    has_port = port.isascii() and port.isdecimal() and (":" not in host or host.endswith("]"))
    return is_loopback((host if has_port else place).strip("[]"))


class LinkAddressFault(ValueError):
    """A link address that cannot be understood; the message says what forms there are."""


class LinkAddress:
    """A parsed link address. `port` is where to connect, listen or send to; `listen` is UDP's own port."""

    __slots__ = ("baud", "device", "host", "kind", "listen", "port")

    def __init__(self, kind: str, host: str, port: int, listen: int, device: str, baud: int) -> None:
        self.kind = kind
        self.host = host
        self.port = port
        self.listen = listen
        self.device = device
        self.baud = baud

    @property
    def is_local(self) -> bool:
        """Whether nobody outside this machine can reach the link: loopback, or a pseudo-terminal."""
        if self.kind == "serial":
            return self.device.startswith("/dev/pts/")
        return is_loopback(self.host)

    def __str__(self) -> str:
        if self.kind == "serial":
            return f"serial://{self.device}?baud={self.baud}"
        tail = f"?listen={self.listen}" if self.kind == "udp" else ""
        return f"{self.kind}://{self.host}:{self.port}{tail}"


def parse_link(text: str) -> LinkAddress:
    """Reads a link address. Raises `LinkAddressFault`."""
    kind, separator, rest = text.partition("://")
    if not separator or kind not in KINDS:
        raise LinkAddressFault(f"{text!r} is no link; write {FORMS}")
    place, _, query = rest.partition("?")
    options = _options(text, query, {"udp": ("listen",), "serial": ("baud",)}.get(kind, ()))
    if kind == "serial":
        if not place.startswith("/"):
            raise LinkAddressFault(f"{text!r} names no device; write serial:///dev/NAME?baud=N")
        return LinkAddress(kind, "", 0, 0, place, options.get("baud", DEFAULT_BAUD))
    host, colon, port_text = place.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port_text.isascii() or not port_text.isdigit():
        raise LinkAddressFault(f"{text!r} needs a host and a port; write {FORMS}")
    port = int(port_text)
    lowest = 0 if kind == "tcp-listen" else 1
    if not lowest <= port <= 65535:
        raise LinkAddressFault(f"{text!r}: port {port} is outside {lowest} to 65535")
    if kind == "udp" and "listen" not in options:
        raise LinkAddressFault(f"{text!r} needs its own port too; write udp://HOST:PORT?listen=PORT")
    return LinkAddress(kind, host, port, options.get("listen", 0), "", 0)


def _options(text: str, query: str, known: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in known or not value.isascii() or not value.isdigit() or len(value) > 9:
            expected = " and ".join(f"{one}=NUMBER" for one in known) or "none"
            raise LinkAddressFault(f"{text!r}: {part!r} is no option here (there is {expected})")
        found[name] = int(value)
    return found
