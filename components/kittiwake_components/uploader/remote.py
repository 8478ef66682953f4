"""Where captures go, as the settings say it, and how important each sensor is."""

from __future__ import annotations

from kittiwake_components.transfer_service.stores import Store, parse_store

SERVICE = "service="
MAX_PRIORITY = 255


def parse_remote(text: str) -> Store:
    """A remote of words `key=value`, those of a store of the TransferService without its name. Raises `ValueError`.

    `endpoint=ftp://host bucket_name=/uploads credentials=/ftp.login`, `bucket_name=/mnt/disk prefix=hive-7`, or
    `service=central prefix=hive-7` for the store `central` of the deployment's own TransferService.
    """
    if text.startswith(SERVICE):
        words = dict([word.partition("=")[::2] for word in text.split()])
        name, prefix = words.pop("service"), words.pop("prefix", "").strip("/")
        if not name or words:
            raise ValueError(f"a remote by the transfer service is service=STORE prefix=FOLDER, not {text!r}")
        return Store(name, "logs", "service", "", prefix, "", 0, 0)
    store = parse_store(f"store_name=remote kind=logs {text}")
    if store.backend == "cfdp":
        raise ValueError("a CFDP entity is reached by the transfer service: service=STORE")
    return store


def place_of(store: Store) -> str:
    """Where a remote is, for people; no secret is in there."""
    top = f"the store {store.name}" if store.backend == "service" else store.location
    parts = [store.endpoint, top.strip("/")] if store.endpoint else [top]
    return "/".join(filter(None, [*parts, store.prefix]))


def check_remote(text: str) -> None:
    """Raises `ValueError` for what is no remote; empty means none."""
    if text:
        parse_remote(text)


def parse_priorities(words: list[str]) -> dict[str, int]:
    """Numbers by sensor of words `sensor=number`: the higher, the more important. Raises `ValueError`."""
    found = {}
    for word in words:
        sensor, equals, number = word.partition("=")
        if not (sensor and equals and number.isascii() and number.isdecimal() and int(number) <= MAX_PRIORITY):
            raise ValueError(f"a priority is sensor=number, 0 to {MAX_PRIORITY}, not {word!r}")
        found[sensor] = int(number)
    return found


def check_priorities(words: list[str]) -> None:
    """Raises `ValueError` for priorities that make no sense."""
    parse_priorities(words)
