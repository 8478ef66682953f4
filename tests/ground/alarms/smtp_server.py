"""A mail server with STARTTLS and passwords that keeps what it is given (RFC 5321, RFC 3207, RFC 4954)."""

from __future__ import annotations

import asyncio
import base64
import ssl
from email import message_from_bytes
from email.message import Message
from pathlib import Path

USER, PASSWORD = "kittiwake", "correct horse"


class SmtpServer:
    """One on a free port of loopback. `replies` are given in place of taking a message, each once."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.messages: list[Message] = []
        self.recipients: list[str] = []
        self.was_secure: list[bool] = []
        self.replies: list[str] = []
        self.port = 0
        self._certificate = certificate

    async def __aenter__(self) -> SmtpServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_secure = is_known = False
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    extensions = [] if self._certificate is None or is_secure else ["STARTTLS"]
                    lines = ["here", *extensions, "AUTH PLAIN"]
                    shown = [f"250-{one}" for one in lines[:-1]] + [f"250 {lines[-1]}"]
                    writer.write("\r\n".join([*shown, ""]).encode())
                case "STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                    context.load_cert_chain(str(self._certificate))
                    try:
                        await writer.start_tls(context)
                    except (ssl.SSLError, ConnectionError):
                        break
                    is_secure = True
                case "AUTH":
                    given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    is_known = given[1:] == [USER, PASSWORD]
                    writer.write(b"235 welcome\r\n" if is_known else b"535 who are you?\r\n")
                case "RCPT":
                    self.recipients.append(rest)
                    writer.write(b"250 fine\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    content = await reader.readuntil(b"\r\n.\r\n")
                    if self.replies:
                        writer.write(f"{self.replies.pop(0)}\r\n".encode())
                        continue
                    self.messages.append(message_from_bytes(content))
                    self.was_secure.append(is_secure and is_known)
                    writer.write(b"250 taken\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 fine\r\n")
        writer.close()
