"""What the hive's configuration file says of uploads: how important each sensor is, and Beemon's own FTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.transfer_service.stores import Store

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.root import Root
    from kittiwake_components.sensor_orchestrator.configuration import FtpSettings, HiveConfiguration


def read_hive(files: Files, root: Root, name: str) -> HiveConfiguration | None:
    """The configuration `name` of the root, for an empty name that which its orchestrator takes; `None`: there is none.

    Raises `OSError`, or `Faults` (a `ValueError`), which the orchestrator reports one by one.
    """
    from kittiwake_components.sensor_orchestrator.configuration import MAX_SIZE, find_configuration, read_configuration

    found = name or find_configuration(files.list(root.path))
    return read_configuration(files.read(root.resolve(found), MAX_SIZE), found) if found else None


def remote_of(ftp: FtpSettings) -> Store | None:
    """The folder of the FTP server that `[ftp]` and `root_upload_directory` name, if they do."""
    if not ftp.host:
        return None
    host = f"[{ftp.host}]" if ":" in ftp.host else ftp.host
    endpoint = f"ftp://{host}:{ftp.port}"
    return Store("remote", "logs", "ftp", ftp.root_upload_directory, "", "", 0, 0, endpoint=endpoint, check="read")
