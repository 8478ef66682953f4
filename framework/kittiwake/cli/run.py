"""`kittiwake run`: starts a deployment from a topology file or an image.

With an image this is a device's boot path: nothing is imported that the deployment does not need.
"""

from __future__ import annotations

import os
import sys

from kittiwake.cli.outcome import Misuse, message_of
from kittiwake.cli.run_options import HELP, TOPOLOGY_ENDS, Options, parse

TYPE_CHECKING = False  # `typing` comes from the code pack, which is opened later
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.cli.code_pack import CodePack
    from kittiwake.cli.inspect_socket import InspectSocket
    from kittiwake.platform.interface import DispatchWatch, Platform
    from kittiwake.platform.system import SystemPlatform
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.image import Image
    from kittiwake.runtime.metering import Meters, Wiretap

LINK_INSTANCES = ("ComCcsds.link", "ComCcsdsUart.link")
"""Which link `--link` is about: the first of these that a deployment has."""
FRAMED_INSTANCES = ("ComCcsds.framer", "ComCcsds.deframer")
TEXT_LOG = "CdhCore.textLogger"
UPDATE_MANAGER = ":UpdateManager"


def settings_of(options: Options, image: Image) -> dict[str, dict[str, Any]]:
    """The settings that the options stand for, checked. Raises `Misuse`."""
    names = {name: path for name, path, *_ in image["instances"]}
    wanted = [
        (instance, setting, value) for instance, own in options.settings.items() for setting, value in own.items()
    ]
    for link in [name for name in LINK_INSTANCES if name in names][:1]:
        wanted.append((link, "url", "" if options.link == "none" else options.link))
    if options.framing:
        wanted += [(instance, "framing", options.framing) for instance in FRAMED_INSTANCES if instance in names]
    for name, path in names.items() if options.slots else ():
        if path.endswith(UPDATE_MANAGER):
            wanted += [(name, "folder", options.slots), (name, "slot", options.slot)]
    if not options.quiet and TEXT_LOG in names:
        wanted.append((TEXT_LOG, "console", "true"))
    return read_settings(wanted, names)


def read_settings(wanted: list[tuple[str, str, str]], names: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Texts of settings as values; `names` are the instances with their classes. Raises `Misuse`."""
    from kittiwake.runtime.settings import SettingFault, read_setting

    chosen: dict[str, dict[str, Any]] = {}
    for instance, setting, text in wanted:
        if instance not in names:
            raise Misuse(f"the deployment has no instance {instance!r}")
        try:
            chosen.setdefault(instance, {})[setting] = read_setting(names[instance], setting, text)
        except SettingFault as fault:
            raise Misuse(f"{instance}.{setting}: {fault}") from None
    return chosen


def _platform(options: Options) -> SystemPlatform:
    if options.clock:
        from kittiwake.platform.system_paced import PacedPlatform, parse_clock

        try:
            return PacedPlatform(*parse_clock(options.clock))
        except ValueError as fault:
            raise Misuse(str(fault)) from None
    from kittiwake.platform.system import SystemPlatform

    return SystemPlatform()


def _take_slot(options: Options) -> None:
    """Has the slots decide what is started: an image with its packages, or the file of the command line."""
    from kittiwake.platform.system_files import SystemFiles
    from kittiwake.storage.slots import choose_start

    files = SystemFiles()
    options.slots = files.real_path(options.slots)
    files.make_folders(options.slots)
    start = choose_start(files, options.slots)
    options.slot = start.slot
    options.file = start.image or options.file
    if start.packages:
        sys.path.insert(0, start.packages)
        # The programs that run beside the deployment, as the sensors of a hive, are of the same release.
        others = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = f"{start.packages}{os.pathsep}{others}" if others else start.packages
    if not options.quiet:
        print(f"slot: {start.slot or 'none'}{', on trial' if start.is_trial else ''}", flush=True)


def _open_pack(options: Options) -> CodePack:
    """The code that earlier starts of this image left for this one; a topology's compiler would take longer anyway."""
    from kittiwake.cli.code_pack import CodePack, pack_path

    name = "" if options.file.endswith(TOPOLOGY_ENDS) else options.file.rpartition("/")[2].partition(".")[0]
    return CodePack(pack_path(name))


def _load(options: Options, platform: SystemPlatform) -> Image:
    from kittiwake.runtime.image import MAX_IMAGE_BYTES, ImageFault, load_image

    if options.file.endswith(TOPOLOGY_ENDS):
        from pathlib import Path

        from kittiwake.cli.build import build, compile_topology

        topology = compile_topology(Path(options.file))
        if topology is None:
            raise ValueError(f"{options.file} has faults")
        image, _, dictionary = build(topology, Path(options.build))
        if not options.quiet:
            print(f"dictionary: {dictionary}", flush=True)
        return image
    try:
        return load_image(platform.files.read(options.file, MAX_IMAGE_BYTES))
    except ImageFault as fault:
        raise ImageFault(f"{options.file}: {fault}") from None


def _make(options: Options, platform: SystemPlatform, watch: DispatchWatch | None = None) -> Deployment:
    from kittiwake.model.signature import ReadLate

    image = _load(options, platform)
    with ReadLate():
        return _make_from(image, options, platform, watch)


def _make_from(
    image: Image, options: Options, platform: SystemPlatform, watch: DispatchWatch | None
) -> Deployment:  # fmt: skip
    from kittiwake.cli.root_claim import claim_root
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.storage import factory_reset
    from kittiwake.storage.root import Root

    settings = settings_of(options, image)
    from kittiwake.cli.link_access import check_link, use_keys

    if options.keys:
        use_keys(options.keys, image, platform.files, settings)
    check_link(image, settings, options.insecure)
    meters: Wiretap | None = _meters(options, image)
    root = platform.files.real_path(options.root or f"var/{image['name']}")
    if options.slots:
        _check_apart(options.slots, root)
    platform.files.make_folders(root)
    options.claim = claim_root(root)
    if factory_reset.is_ordered(platform.files, root):
        factory_reset.carry_out(platform.files, root)
    flown: Platform = platform
    if options.record:
        from kittiwake.cli.recorded_run import begin_recording

        flown = options.recording = begin_recording(options, platform, image, root, settings)
        meters = options.recording.witness
    return Deployment(image, flown, Root(flown.files, root), settings, meters, watch)


def _check_apart(slots: str, root: str) -> None:
    """Refuses slots that file commands would reach. Raises `Misuse`."""
    first, second = f"{slots.rstrip('/')}/", f"{root.rstrip('/')}/"
    if first.startswith(second) or second.startswith(first):
        raise Misuse(f"--slots {slots} and the root {root} overlap, so that file commands would reach the slots")


def _meters(options: Options, image: Image) -> Meters | None:
    if not options.trace:
        return None
    from kittiwake.runtime.metering import EVERYTHING, Meters

    if options.trace != EVERYTHING and options.trace not in [name for name, *_ in image["instances"]]:
        raise Misuse(f"--trace: the deployment has no instance {options.trace!r}")
    options.meters = Meters([options.trace])
    return options.meters


def main(arguments: list[str]) -> int:
    """Runs a deployment until SIGINT, SIGTERM, a FATAL event or a reset; its status is of `runtime.exit_status`.

    1 for a file or a root that cannot be used, 2 for arguments that make no sense.
    """
    if "-h" in arguments or "--help" in arguments:
        print(HELP, end="")
        return 0
    if "--dev" in arguments:
        from kittiwake.cli.dev import main as develop

        return develop(arguments)
    if "--supervise" in arguments:
        from kittiwake.cli.supervise import main as supervise

        return supervise(arguments)
    import gc

    from kittiwake.cli.root_claim import release_root

    gc.disable()
    try:
        options = parse(arguments)
        if options.slots:
            _take_slot(options)
        pack = _open_pack(options)
    except (OSError, ValueError) as fault:
        return _refused(fault)
    try:
        return _run(options, pack)
    finally:
        pack.close()
        release_root(options.claim)


def _refused(fault: Exception) -> int:
    print(f"kittiwake run: {message_of(fault)}", file=sys.stderr)
    return 2 if isinstance(fault, Misuse) else 1


def _make_inspected(options: Options, platform: SystemPlatform) -> tuple[Deployment, InspectSocket | None]:
    """The deployment, and where it was asked for, the socket through which it is inspected."""
    if not options.inspect:
        return _make(options, platform), None
    from kittiwake.cli.inspect_socket import InspectSocket, dispatch_meter

    if options.record:
        raise Misuse("either --record, or --inspect")
    meter = dispatch_meter()
    deployment = _make(options, platform, meter)
    return deployment, InspectSocket(deployment, meter)


def _run(options: Options, pack: CodePack) -> int:
    import gc
    from signal import SIG_IGN, SIGINT, SIGTERM, signal

    from kittiwake.runtime.exit_status import ORDERLY

    try:
        platform = _platform(options)
        platform.sharpen_timers()
        deployment, inspection = _make_inspected(options, platform)
    except (OSError, ValueError) as fault:
        return _refused(fault)
    recording = options.recording
    request_stop: Callable[..., None] = deployment.request_stop
    attend, run = deployment.attend, deployment.run
    if recording is not None:
        from kittiwake.cli.recorded_run import end_recording, recorded

        request_stop, attend, run = recorded(options, recording, deployment)
    if options.thaw:
        from kittiwake.cli.carried_state import freezing, thaw_from

        thaw_from(deployment, options.thaw, quiet=options.quiet)
        request_stop = freezing(deployment, options.thaw, request_stop)
    for number in (SIGINT, SIGTERM):
        signal(number, lambda received, _: request_stop(f"signal {received}", ORDERLY))

    def settle_memory() -> None:
        # What is there now stays: a collection need never look at it again.
        pack.keep()
        gc.collect()
        gc.freeze()
        gc.enable()

    attend(settle_memory, lambda: platform.notify("READY=1"))
    reason = run()
    for number in (SIGINT, SIGTERM):
        signal(number, SIG_IGN)  # asked once more while the interpreter ends, it would die of what it has done
    pack.keep()
    if recording is not None:
        end_recording(recording, reason, quiet=options.quiet)
    if inspection is not None:
        inspection.close()
    if options.meters is not None:
        print(options.meters.table(), flush=True)
    if not options.quiet:
        print(f"stopped: {reason}", flush=True)
    return deployment.exit_status
