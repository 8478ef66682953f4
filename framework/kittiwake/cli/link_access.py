"""Who may command a deployment over its link: whoever holds a key of its key file, or whoever reaches the link."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.runtime.image import Image

AUTHENTICATOR = ":Authenticator"
"""How the path of a component class ends that judges signatures."""
LINK = ":Link"
"""How that of a link ends."""

Settings = dict[str, dict[str, Any]]


def use_keys(path: str, image: Image, files: Files, settings: Settings) -> None:
    """Has every link of the deployment accept only what a key of this file has signed.

    Raises `Misuse` for a deployment that cannot judge signatures, `OSError`, and `KeyFileFault` for a file that cannot
    be used; on the command line that is a mistake to be mended, while a deployment whose topology names a file that
    broke starts, refuses every frame and says so.
    """
    from kittiwake.wire.uplink_keys import KeyFileFault, read_keys

    judges = [name for name, component, *_ in image["instances"] if component.endswith(AUTHENTICATOR)]
    if not judges:
        raise Misuse("--keys: the deployment has no authenticator")
    path = files.real_path(path)
    keys = read_keys(files, path)
    if not any(key.active for key in keys):
        raise KeyFileFault(path, 0, "no key is active; `kittiwake keys new` makes one")
    warn_if_others_may_read(path)
    for name in judges:
        settings.setdefault(name, {})["keys"] = path


def check_link(image: Image, settings: Settings, insecure: bool) -> None:
    """Refuses a link that others can reach while commands are not signed. Raises `Misuse`."""
    chosen = [
        {**own, **settings.get(name, {})}.get("url", "")
        for name, component, *_, own in image["instances"]
        if component.endswith(LINK)
    ]
    urls = [url for url in chosen if url]
    if not urls or insecure:
        return
    for name, component, *_, own in image["instances"]:
        if component.endswith(AUTHENTICATOR) and {**own, **settings.get(name, {})}.get("keys"):
            return
    from kittiwake.wire.link_address import parse_link

    for url in [url for url in urls if not parse_link(url).is_local]:
        raise Misuse(
            f"{url} can be reached by others, and commands are not signed. Use a loopback link, --keys FILE "
            "(`kittiwake keys new` makes one), or --insecure if whoever reaches it may command the device"
        )


def warn_if_others_may_read(path: str) -> None:
    """Says on the terminal that a key file is no secret. Raises `OSError`."""
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        print(f"warning: others may read {path}; `chmod 600 {path}`, and rotate its keys", file=sys.stderr)
