"""`kittiwake update verify`: checks a package as a device does."""

from __future__ import annotations

import argparse
from hashlib import sha256
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.update_file import load_package
from kittiwake.wire.update_package import MAX_KEY_FILE_SIZE, UpdateFault, parse_update_keys


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake update verify", description="Check a package, and show what is in it.")
    made.add_argument("package", type=Path, help="package that `kittiwake update pack` made")
    made.add_argument("--keys", type=Path, required=True, metavar="FILE", help="public keys, as a device has them")
    return made


def main(arguments: list[str]) -> int:
    """Checks; 1 if a device with these keys would refuse the package."""
    return carry_out(parser(), _verify, arguments)


def _verify(options: argparse.Namespace) -> int:
    with options.keys.open("rb") as file:
        keys = parse_update_keys(file.read(MAX_KEY_FILE_SIZE), str(options.keys))
    package, contents = load_package(options.package)
    package.check_signature(keys)
    manifest = package.manifest
    at = 0
    for content in manifest.contents:
        if sha256(contents[at : at + content.size]).digest() != content.digest:
            raise UpdateFault(f"the {content.name} is not what was signed")
        at += content.size
    print(f"{manifest.deployment} {manifest.version}, sequence {manifest.sequence}, signed with key {package.key_id}")
    for content in manifest.contents:
        print(f"  {content.name}: {content.size} bytes, {content.digest.hex()}")
    return 0
