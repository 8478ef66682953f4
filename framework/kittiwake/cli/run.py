"""`kittiwake run`: starts a deployment from a topology file or an image.

With an image this is a device's boot path: nothing is imported that the deployment does not need.
"""

from __future__ import annotations

import os
import sys

from kittiwake.cli.outcome import Misuse, message_of

TYPE_CHECKING = False  # `typing` comes from the code pack, which is opened later
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.cli.code_pack import CodePack
    from kittiwake.cli.inspect_socket import InspectSocket
    from kittiwake.platform.interface import DispatchWatch, Platform
    from kittiwake.platform.system import SystemPlatform
    from kittiwake.replay.recording_platform import RecordingPlatform
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.image import Image
    from kittiwake.runtime.metering import Meters, Wiretap

HELP = """usage: kittiwake run FILE [OPTION ...]

Start the deployment of a topology file (.yaml) or of an image that `kittiwake build` made.

  --slots DIR          start the software that an update installed there, if there is any; else FILE
  --root DIR           folder that the deployment alone keeps its files in (default: var/<deployment>)
  --link ADDRESS       tcp://HOST:PORT, tcp-listen://HOST:PORT, udp://HOST:PORT?listen=PORT,
                       serial:///dev/NAME?baud=N, or none (default: tcp-listen://127.0.0.1:50000)
  -a ADDRESS, -p PORT  as F´ applications take them: the same as --link tcp://ADDRESS:PORT
  --framing NAME       ccsds (default) or fprime
  --keys FILE          accept only commands signed by a key of FILE (`kittiwake keys`); any link may then be used
  --insecure           accept unsigned commands on a link that others can reach
  --set NAME=VALUE     replace a setting, as in --set CdhCore.health.warn_cycles=5
  --build DIR          folder for the image and the dictionary of a topology file (default: build)
  --trace INSTANCE     count and time the calls to and from an instance ("*" for all), and print them at the end
  --inspect            answer `kittiwake top` and `kittiwake explain`, which costs some microseconds a message
  --clock PACE@SECONDS let time run PACE times as fast, from that wall time on (for trials)
  --record FILE        write down what comes in, for `kittiwake replay`; a file that exists is kept, FILE.1 is written
  --record-limit MB    how large the recording may become (default: 256)
  --record-keyframes S how often the state is written down as well, so that a replay can start there (default: 3600;
                       0: never)
  --quiet              do not write events to the terminal
  --dev                start the deployment anew when a source changes, with the state of its own components
  --supervise          start the deployment again after resets, crashes and watchdog expiry
  --watchdog SECONDS   with --supervise: how long its Watchdog may give no stroke (default: 30)
  --power-cycle CMD    with --supervise: what to call at COLD_RESET, and where the watchdog expired
"""

DEFAULT_LINK = "tcp-listen://127.0.0.1:50000"
LINK_INSTANCES = ("ComCcsds.link", "ComCcsdsUart.link")
"""Which link `--link` is about: the first of these that a deployment has."""
FRAMED_INSTANCES = ("ComCcsds.framer", "ComCcsds.deframer")
TEXT_LOG = "CdhCore.textLogger"
TOPOLOGY_ENDS = (".yaml", ".yml")
UPDATE_MANAGER = ":UpdateManager"

_VALUED = {
    "--root": "root", "--link": "link", "-a": "address", "-p": "port", "--framing": "framing", "--set": "set",
    "--build": "build", "--trace": "trace", "--keys": "keys", "--slots": "slots", "--clock": "clock",
    "--thaw": "thaw",
    "--record": "record", "--record-limit": "record_limit", "--record-keyframes": "record_keyframes",
}  # fmt: skip
_FLAGS = {"--insecure": "insecure", "--quiet": "quiet", "--inspect": "inspect"}


class Options:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.file = ""
        self.root = ""
        self.claim = -1
        """The file descriptor that holds the claim on the root; -1: none yet."""
        self.link = DEFAULT_LINK
        self.address = ""
        self.port = ""
        self.framing = ""
        self.build = "build"
        self.trace = ""
        self.keys = ""
        self.clock = ""
        self.slots = ""
        self.slot = ""
        self.record = ""
        self.thaw = ""
        """Where `--dev` has a run leave the state of its components for the next."""
        self.record_limit = "256"
        self.record_keyframes = "3600"
        self.meters: Meters | None = None
        self.recording: RecordingPlatform | None = None
        """The platform that records, once there is one."""
        self.insecure = False
        self.quiet = False
        self.inspect = False
        self.settings: dict[str, dict[str, Any]] = {}


def parse(arguments: list[str]) -> Options:
    """Reads the arguments. Raises `Misuse`. (argparse takes a tenth of the whole boot.)"""
    options = Options()
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument in _FLAGS:
            setattr(options, _FLAGS[argument], True)
        elif name in _VALUED and (equals or name == argument):
            if not equals:
                value = next(rest, "")
            if not value:
                raise Misuse(f"{name} needs a value")
            if name == "--set":
                instance, setting, text = split_setting(value)
                options.settings.setdefault(instance, {})[setting] = text
            else:
                setattr(options, _VALUED[name], value)
        elif argument.startswith("-"):
            raise Misuse(f"there is no option {argument}")
        elif options.file:
            raise Misuse(f"one topology or image is started, not {options.file} and {argument}")
        else:
            options.file = argument
    if not options.file:
        raise Misuse("a topology file or an image is missing")
    _check_together(options)
    if options.address or options.port:
        options.link = f"tcp://{options.address or '127.0.0.1'}:{options.port or '50000'}"
    return options


def _check_together(options: Options) -> None:
    if options.keys and options.insecure:
        raise Misuse("either --keys, or --insecure")
    if options.record:
        from kittiwake.cli.recorded_run import check_options

        check_options(options)


def split_setting(text: str) -> tuple[str, str, str]:
    """Instance, setting and value of what `--set` was given. Raises `Misuse`."""
    name, equals, value = text.partition("=")
    instance, dot, setting = name.rpartition(".")
    if not equals or not dot:
        raise Misuse(f"--set wants INSTANCE.SETTING=VALUE, not {text!r}")
    return instance, setting, value


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
