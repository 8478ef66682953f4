"""`kittiwake enroll`: signs the configuration that makes a device known to its administration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import write_whole
from kittiwake.cli.update_file import read_secret
from kittiwake.wire.ed25519 import sign
from kittiwake.wire.enrollment_package import MAX_SEQUENCE, MAX_TEXT, EnrollmentFault, Enrolment, signed_package


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake enroll", description="Sign the configuration of one device, for its Enrollment component."
    )
    made.add_argument("config", type=Path, help="the configuration: a JSON object, as the deployment wants it")
    made.add_argument("--machine", required=True, metavar="ID", help="the machine's id, as its GET_STATE reports it")
    made.add_argument(
        "--sequence", required=True, type=int, metavar="N", help=f"grows with each configuration, 0 to {MAX_SEQUENCE}"
    )
    made.add_argument("--token", default="", metavar="TEXT", help="by which the device is known to its administration")
    made.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="the secret key (`kittiwake update key` makes one)"
    )
    made.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the package")
    return made


def main(arguments: list[str]) -> int:
    """Signs; 1 if the configuration or the key cannot be used."""
    return carry_out(parser(), _sign, arguments)


def _sign(options: argparse.Namespace) -> int:
    with options.config.open("rb") as file:
        data = file.read(MAX_TEXT + 1)
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        raise EnrollmentFault(f"{options.config}: this is no JSON") from None
    key_id, seed = read_secret(options.key)
    enrolment = Enrolment(options.machine, options.sequence, options.token, config)
    write_whole(options.output, signed_package(enrolment, key_id, lambda text: sign(seed, text)))
    print(options.output)
    return 0
