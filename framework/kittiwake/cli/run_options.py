"""What `kittiwake run` is asked for: its options, read and checked.

They are read on a device's boot path, so without argparse, which takes a tenth of the whole boot.
"""

from __future__ import annotations

from kittiwake.cli.outcome import Misuse

TYPE_CHECKING = False  # `typing` comes from the code pack, which is opened later
if TYPE_CHECKING:
    from typing import Any

    from kittiwake.replay.recording_platform import RecordingPlatform
    from kittiwake.runtime.metering import Meters

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
TOPOLOGY_ENDS = (".yaml", ".yml")

KEYFRAMES_HIGH_S = 31_536_000.0
_MEGABYTE = 1 << 20
LIMIT_HIGH = 1 << 40

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
    """Reads the arguments. Raises `Misuse`."""
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
        _check_recorded(options)


def split_setting(text: str) -> tuple[str, str, str]:
    """Instance, setting and value of what `--set` was given. Raises `Misuse`."""
    name, equals, value = text.partition("=")
    instance, dot, setting = name.rpartition(".")
    if not equals or not dot:
        raise Misuse(f"--set wants INSTANCE.SETTING=VALUE, not {text!r}")
    return instance, setting, value


def _check_recorded(options: Options) -> None:
    if options.trace or options.thaw:
        raise Misuse(f"either --record, or --{'trace' if options.trace else 'dev'}")
    record_limit_bytes(options)
    keyframes_s(options)


def record_limit_bytes(options: Options) -> int:
    """The largest size of the recording. Raises `Misuse`."""
    try:
        limit = round(float(options.record_limit) * _MEGABYTE)
    except (ValueError, OverflowError):
        limit = 0
    if not _MEGABYTE <= limit <= LIMIT_HIGH:
        raise Misuse(f"--record-limit wants 1 to {LIMIT_HIGH // _MEGABYTE} megabytes, not {options.record_limit!r}")
    return limit


def keyframes_s(options: Options) -> float:
    """How often the state is written into the recording, in seconds; 0 for never. Raises `Misuse`."""
    try:
        every_s = float(options.record_keyframes)
    except ValueError:
        every_s = -1.0
    if every_s and not 1.0 <= every_s <= KEYFRAMES_HIGH_S:
        raise Misuse(f"--record-keyframes wants seconds from 1 on, or 0, not {options.record_keyframes!r}")
    return every_s
