"""`kittiwake update sign`: signs a package."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.update_file import load_package, write_signed


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake update sign", description="Sign a package; a signature that it has is replaced."
    )
    made.add_argument("package", type=Path, help="package that `kittiwake update pack` made")
    made.add_argument("--key", type=Path, required=True, metavar="FILE", help="the secret key")
    return made


def main(arguments: list[str]) -> int:
    """Signs; 1 if the package or the key cannot be used."""
    return carry_out(parser(), _sign, arguments)


def _sign(options: argparse.Namespace) -> int:
    package, contents = load_package(options.package)
    write_signed(options.package, package.signed, contents, options.key)
    print(options.package)
    return 0
