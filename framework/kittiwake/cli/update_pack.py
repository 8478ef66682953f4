"""`kittiwake update pack`: packs an image and Python packages into an update."""

from __future__ import annotations

import argparse
import io
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.update_file import write_signed
from kittiwake.wire.update_package import CONTENT_LIMITS, IMAGE, MAX_SEQUENCE, PACKAGES, Content, Manifest, UpdateFault

_SKIPPED = "__pycache__"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake update pack", description="Pack an image, and Python packages, into an update."
    )
    made.add_argument("image", type=Path, help="image that `kittiwake build` made")
    made.add_argument("--release", required=True, metavar="VERSION", help="its version, as in 1.4.0")
    made.add_argument("--sequence", required=True, type=int, metavar="N", help="grows from release to release")
    made.add_argument("--packages", type=Path, metavar="DIR|ZIP", help="Python packages for the module path")
    made.add_argument("--key", type=Path, metavar="FILE", help="secret key to sign with; `sign` does it later")
    made.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the package")
    return made


def main(arguments: list[str]) -> int:
    """Packs; 1 if the image or the packages cannot be used."""
    return carry_out(parser(), _pack, arguments)


def _pack(options: argparse.Namespace) -> int:
    from kittiwake.runtime.image import ImageFault, load_image

    if not 0 <= options.sequence <= MAX_SEQUENCE:
        raise UpdateFault(f"a sequence is 0 to {MAX_SEQUENCE}, not {options.sequence}")
    image = options.image.read_bytes()
    try:
        deployment = load_image(image)["name"]
    except ImageFault as fault:
        raise UpdateFault(f"{options.image}: {fault}") from None
    contents = {IMAGE: image}
    if options.packages is not None:
        contents[PACKAGES] = _zip_of(options.packages)
    for name, data in contents.items():
        if len(data) > CONTENT_LIMITS[name]:
            raise UpdateFault(f"the {name} has {len(data)} bytes, at most {CONTENT_LIMITS[name]} are allowed")
    listed = [Content(name, len(data), sha256(data).digest()) for name, data in contents.items()]
    manifest = Manifest(deployment, options.release, options.sequence, tuple(listed)).encode()
    write_signed(options.output, manifest, b"".join(contents.values()), options.key)
    print(options.output)
    return 0


def _zip_of(path: Path) -> bytes:
    """A zip as it is, or one of a folder's Python modules, the same for the same modules. Raises `UpdateFault`."""
    if not path.is_dir():
        data = path.read_bytes()
        try:
            ZipFile(io.BytesIO(data)).close()
        except BadZipFile:
            raise UpdateFault(f"{path} is no zip") from None
        return data
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as packed:
        for file in sorted(path.rglob("*")):
            if file.is_file() and _SKIPPED not in file.parts:
                # A date of its own would make another package of the same files.
                packed.writestr(ZipInfo(str(file.relative_to(path))), file.read_bytes(), ZIP_DEFLATED)
    return buffer.getvalue()
