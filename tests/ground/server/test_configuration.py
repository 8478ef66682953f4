"""What `ground.toml` and the options say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kittiwake_ground.commands.serve import configuration_of, parser
from kittiwake_ground.configuration import (
    CfdpConfiguration,
    ConfigurationFault,
    DeploymentConfiguration,
    FleetLimits,
    GroundConfiguration,
    parse_deployment,
    read_configuration,
)
from tests.peers import ROOT

WHOLE = """
host = "0.0.0.0"
port = 9000
users = "users.json"
keep_days = 7
[deployments.one]
dictionary = "one.json"
link = "udp://10.0.0.1:5?listen=6"
framing = "fprime"
queue = "refuse"
hazardous = ["*.RESET"]
[deployments.two]
dictionary = "/two.json"
link = "serial:///dev/ttyUSB0?baud=9600"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ground.toml"
    path.write_text(text)
    return path


def test_a_file_says_everything_and_its_paths_count_from_its_folder(tmp_path: Path) -> None:
    found = read_configuration(written(tmp_path, WHOLE))
    assert (found.host, found.port, found.keep_days, found.is_local) == ("0.0.0.0", 9000, 7, False)
    assert found.users == tmp_path / "users.json"
    one, two = found.deployments
    assert (one.name, one.dictionary, one.framing) == ("one", tmp_path / "one.json", "fprime")
    assert (one.queue, one.hazardous) == ("refuse", ("*.RESET",))
    assert (two.dictionary, two.framing, two.queue) == (Path("/two.json"), "ccsds", "hold")


ONE = '[deployments.one]\ndictionary = "x"\nlink = "tcp://a:1"\n'


@pytest.mark.parametrize(
    "text,said",
    [
        ("port = 1\nport = 2", "ground.toml"),
        ("prot = 1", "there is no prot (did you mean port?)"),
        ('port = "1"', "port is int"),
        ("port = 99999", "port 99999 is outside"),
        ("keep_days = true", "keep_days is int or float, not True"),
        ("deployments = 3", "tables"),
        ("[deployments.one]\nlink = 'tcp://a:1'", "deployments.one: dictionary is missing"),
        (ONE + 'framng = "x"', "there is no deployments.one.framng (did you mean framing?)"),
        (ONE + 'framing = "x"', "framing is ccsds or fprime"),
        (ONE + 'queue = "drop"', "queue is hold or refuse"),
        (ONE + "queue_size = 0", "queue_size is from 1"),
        (ONE + "hazardous = [1]", "list of texts"),
        (ONE.replace("tcp://", "ftp://"), "is no link"),
        (ONE.replace(".one", '."a b"'), "letters, digits"),
        (ONE + 'building = "http://a:1"', "building and building_token go together"),
        (ONE + 'building_token = "t"', "building and building_token go together"),
        (ONE + 'building = "ftp://a"\nbuilding_token = "t"', "is no address of a building's API"),
        (ONE + "cfdp = 1", "deployments.one.cfdp is dict"),
        (ONE + "cfdp.entty = 1", "there is no deployments.one.cfdp.entty (did you mean entity?)"),
        (ONE + "cfdp.apid = 1", "deployment 'one': cfdp: apid is from 8 to 2045, not 1"),
        (ONE + "cfdp.apid = 255", "no other packets have"),
        (ONE + "cfdp.entity = 2", "two ids"),
        (ONE + "cfdp.answer_s = inf", "answer_s is from"),
        ("fleet = 3", "fleet is dict"),
        ("fleet.lost_s = 3", "there is no fleet.lost_s (did you mean lost_after_s?)"),
        ("fleet.lost_after_s = '3'", "fleet.lost_after_s is int or float"),
        ("fleet.lost_after_s = 0", "fleet: lost_after_s is from 1 to 604800, not 0"),
        ("fleet.silent_lost_s = 9", "fleet: silent_lost_s is from 10 to 2592000, not 9"),
        ("fleet.overdue_after_s = -1", "fleet: overdue_after_s is from 0 to 2592000, not -1"),
        ("fleet.overdue_after_s = nan", "fleet: overdue_after_s is from 0"),
        (ONE + "fleet.lost_after_s = 1e9", "deployment 'one': fleet: lost_after_s is from"),
        (ONE + "fleet.lost = 1", "there is no deployments.one.fleet.lost"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationFault) as fault:
        read_configuration(written(tmp_path, text))
    assert said in str(fault.value)
    assert "ground.toml" in str(fault.value)


def test_the_documented_settings_of_cfdp_are_the_defaults(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "transfers.md").read_text()
    shown = document[document.index("[deployments.unit-7.cfdp]") :].partition("```")[0]
    text = ONE.replace("deployments.one", "deployments.unit-7") + shown
    [found] = read_configuration(written(tmp_path, text)).deployments
    assert found.cfdp == CfdpConfiguration()
    assert all(name in shown for name in CfdpConfiguration.__dataclass_fields__)


def test_the_documented_limits_of_the_fleet_are_the_defaults_and_a_deployment_may_have_its_own(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "ground.md").read_text()
    shown = document[document.index("[fleet]") :].partition("[deployments")[0]
    assert all(name in shown for name in FleetLimits.__dataclass_fields__)
    two = ONE.replace("one", "two") + "fleet = { silent_lost_s = 3600 }\n"
    [first, second] = read_configuration(written(tmp_path, shown + ONE + two)).deployments
    assert (first.fleet, second.fleet) == (FleetLimits(), FleetLimits(silent_lost_s=3600))
    shown = shown.replace("lost_after_s = 30 ", "lost_after_s = 5 ")
    [first, second] = read_configuration(written(tmp_path, shown + ONE + two)).deployments
    assert (first.fleet, second.fleet) == (FleetLimits(5), FleetLimits(5, 3600))


def test_a_deployment_is_named_in_one_word() -> None:
    assert parse_deployment("a=d.json,tcp://h:1") == DeploymentConfiguration("a", Path("d.json"), "tcp://h:1")
    assert parse_deployment("a=d.json,tcp://h:1,fprime").framing == "fprime"
    for text in ("a", "a=b", "a=b,tcp://h:1,fprime,x", "=b,tcp://h:1"):
        with pytest.raises(ConfigurationFault):
            parse_deployment(text)


def test_options_say_more_than_the_file(tmp_path: Path) -> None:
    file = str(written(tmp_path, WHOLE))
    options = parser().parse_args(
        ["--config", file, "--host", "127.0.0.1", "--deployment", "two=d.json,tcp://h:1", "--no-archive"]
    )
    found = configuration_of(options)
    assert (found.host, found.port, found.archive) == ("127.0.0.1", 9000, None)
    assert [str(one.dictionary) for one in found.deployments] == [str(tmp_path / "one.json"), "d.json"]
    archived = configuration_of(parser().parse_args(["--folder", "here"]))
    assert archived.archive == Path("here/archive")


def test_users_that_stand_in_the_folder_are_heeded_without_being_named(tmp_path: Path) -> None:
    """There `kittiwake ground users` keeps them if nothing else is said."""
    folder = ["--folder", str(tmp_path)]
    assert configuration_of(parser().parse_args(folder)).users is None
    (tmp_path / "users.json").touch()
    assert configuration_of(parser().parse_args(folder)).users == tmp_path / "users.json"
    assert configuration_of(parser().parse_args([*folder, "--users", "other"])).users == Path("other")


@pytest.mark.parametrize(
    "host,local", [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
                   ("127.0.0.1.evil.example", False), ("::", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_only_loopback_is_local(host: str, local: bool) -> None:
    assert GroundConfiguration(host=host).is_local is local


def test_a_building_is_given_by_file_or_by_option(tmp_path: Path) -> None:
    said = 'building = "http://127.0.0.1:8091"\nbuilding_token = "screen.token"\n'
    path = written(tmp_path, ONE + said + ONE.replace(".one", ".two"))
    one, two = read_configuration(path).deployments
    assert (one.building, one.building_token) == ("http://127.0.0.1:8091", tmp_path / "screen.token")
    assert (two.building, two.building_token) == ("", None)
    options = parser().parse_args(["--config", str(path), "--building", "two=http://b:1/api/v1,other.token"])
    one, two = configuration_of(options).deployments
    assert one.building == "http://127.0.0.1:8091"
    assert (two.building, two.building_token) == ("http://b:1/api/v1", Path("other.token"))
    with pytest.raises(ConfigurationFault, match="--building: there is no deployment 'three'"):
        configuration_of(parser().parse_args(["--config", str(path), "--building", "three=http://b:1,t"]))
    for wrong in ("http://b:1", "=http://b:1,t", "http://b:1,", ",t"):
        with pytest.raises(SystemExit):
            parser().parse_args(["--building", wrong])
