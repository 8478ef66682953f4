"""The stores of a deployment, as its settings name them."""

from __future__ import annotations

import posixpath

from kittiwake.named_tuple import NamedTuple

KINDS = ("config", "logs", "updates", "monitoring")
SENT_KINDS = ("logs", "monitoring")
"""Kinds whose files go from the device to the store; those of the others come from it."""

MAX_STORES = 16
MAX_PRIORITY = 255
MAX_QUOTA = 1 << 50
_NAME_SIZE = 40
_S3_SCHEMES, _FTP_SCHEMES, _SFTP_SCHEMES = ("http", "https"), ("ftp", "ftps"), ("sftp",)
FILE_SERVERS = ("ftp", "sftp")
"""Backends with folders, whose files can be gone on with, read back and listed."""

_CHECKS = ("read", "size")


class Store(NamedTuple):
    """One store. `location` is an absolute folder, a bucket or folder of the server `endpoint`, or a CFDP entity.

    `trusted` is a file in the root with the certificates that are trusted in place of the system's, or for SFTP the
    known hosts; `key` one with the private key that logs in there. `check` says how a copy is proved where the server
    computes no digest: `read` back, or only its `size`.
    """

    name: str
    kind: str
    backend: str
    location: str
    prefix: str
    folder: str
    priority: int
    quota: int
    endpoint: str = ""
    region: str = ""
    credentials: str = ""
    trusted: str = ""
    check: str = ""
    key: str = ""

    @property
    def entity(self) -> int:
        """The CFDP entity that keeps the store."""
        return int(self.location)

    def name_of(self, name: str) -> str:
        """The path of a file in the bucket."""
        return posixpath.normpath(f"{self.prefix}/{name}").lstrip("/")


class Login(NamedTuple):
    """Who asks a server."""

    user: str
    password: str


def parse_store(text: str) -> Store:
    """A store of words `key=value`, after RustiqIOT's names where that has them. Raises `ValueError`.

    `store_name=logs kind=logs bucket_name=/mnt/central prefix=unit-7 folder=/logs priority=2 quota_bytes=1000000`, or
    `entity=1` in place of `bucket_name` for one that is reached by CFDP, or with `endpoint=https://s3.example.org
    region=eu-central-1 credentials=/s3.keys` a bucket of an S3-compatible server, or with `endpoint=ftps://host:port
    credentials=/ftp.login` a folder of an FTP server, or with `endpoint=sftp://host:port credentials=/sftp.login
    trusted=/known_hosts` one of an SSH server.
    """
    words = dict([_pair(word, text) for word in text.split()])
    name = words.pop("store_name", "")
    if not name or len(name) > _NAME_SIZE or "/" in name:
        raise ValueError(f"a store needs a store_name of 1 to {_NAME_SIZE} characters without a slash: {text!r}")
    kind = words.pop("kind", "")
    if kind not in KINDS:
        raise ValueError(f"store {name}: kind is one of {', '.join(KINDS)}, not {kind!r}")
    backend, location = _place(name, words)
    store = Store(
        name, kind, backend, location, words.pop("prefix", "").strip("/"), words.pop("folder", f"/transfer/{name}"),
        _number(name, "priority", words.pop("priority", "0"), MAX_PRIORITY),
        _number(name, "quota_bytes", words.pop("quota_bytes", "0"), MAX_QUOTA),
        words.pop("endpoint", ""), words.pop("region", "us-east-1") if backend == "s3" else "",
        words.pop("credentials", ""), words.pop("trusted", "") if backend in FILE_SERVERS else "",
        words.pop("check", "read") if backend in FILE_SERVERS else "",
        words.pop("key", "") if backend == "sftp" else "",
    )  # fmt: skip
    if store.quota and backend not in ("folder", *FILE_SERVERS):
        raise ValueError(f"store {name}: a quota_bytes is kept for folders only")
    if backend in FILE_SERVERS and store.check not in _CHECKS:
        raise ValueError(f"store {name}: check is {' or '.join(_CHECKS)}, not {store.check!r}")
    if backend == "sftp" and not store.trusted:
        raise ValueError(f"store {name}: trusted names a file in the root with the known hosts")
    if words:
        raise ValueError(f"store {name}: {', '.join(words)} is not known")
    return store


def _place(name: str, words: dict[str, str]) -> tuple[str, str]:
    """The backend of a store, and its location there."""
    if "endpoint" in words and "entity" not in words:
        backend = _endpoint_backend(name, words)
        if backend in FILE_SERVERS:
            return backend, words.pop("bucket_name", "")
    if ("bucket_name" in words) == ("entity" in words):
        raise ValueError(f"store {name}: give bucket_name (a folder) or entity (a CFDP entity)")
    if "entity" in words:
        location = words.pop("entity")
        _number(name, "entity", location, 65_535)
        return "cfdp", location
    location = words.pop("bucket_name")
    if "endpoint" in words:
        return "s3", location
    if not location.startswith("/"):
        raise ValueError(f"store {name}: bucket_name must be an absolute folder, not {location!r}")
    return "folder", location


def _endpoint_backend(store: str, words: dict[str, str]) -> str:
    scheme, _, host = words["endpoint"].partition("://")
    if scheme not in (*_S3_SCHEMES, *_FTP_SCHEMES, *_SFTP_SCHEMES) or not host or "/" in host or "@" in host:
        raise ValueError(
            f"store {store}: endpoint is http://host:port, https://host, ftp://host:port, ftps://host or "
            f"sftp://host:port, not {words['endpoint']!r}"
        )
    if not words.get("credentials"):
        raise ValueError(
            f"store {store}: credentials names a file in the root with two lines: access key and secret key, "
            "or user and password"
        )
    if scheme in _S3_SCHEMES:
        return "s3"
    _number(store, "the port of endpoint", split_host(host, 21)[1], 65_535)
    return "ftp" if scheme in _FTP_SCHEMES else "sftp"


def split_host(text: str, default_port: int) -> tuple[str, str]:
    """Host and port of `host`, `host:port` or `[address]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default_port)
    return host.strip("[]"), port


def _pair(word: str, text: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        raise ValueError(f"a store is words of key=value, {word!r} in {text!r} is none")
    return key, value


def _number(store: str, key: str, text: str, high: int) -> int:
    if not (text.isdecimal() and text.isascii() and int(text) <= high):
        raise ValueError(f"store {store}: {key} is 0 to {high}, not {text!r}")
    return int(text)


def check_stores(texts: list[str]) -> None:
    """Raises `ValueError` for stores that make no sense."""
    if len(texts) > MAX_STORES:
        raise ValueError(f"{len(texts)} stores, at most {MAX_STORES} are possible")
    names = [parse_store(text).name for text in texts]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two stores are named {name}")
