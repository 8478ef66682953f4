"""A topology file, compiled, written as an image, loaded and run on a simulated machine."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.model.ports import PortNotConnected
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.image import dump_image, load_image
from kittiwake.storage.root import Root
from kittiwake.topology.image import build_image
from tests.framework.topology.parts import SERVICES, Basket, Listener, Services, Ticker, Worker, compiled

if TYPE_CHECKING:
    from pathlib import Path

TEXT = f"""
    topology: Main
    instances:
      ticker: {{component: PARTS.Ticker, id: 0x100, settings: {{limits: [3, 4]}}}}
      worker: {{component: PARTS.Worker, id: 0x200, queue: 2, priority: 3, parameters: {{gain: 7}}}}
      second: {{component: PARTS.Worker, id: 0x300, queue: 5, priority: 9}}
      basket: {{component: PARTS.Basket, id: 0x400, queue: 2}}
      ears: {{component: PARTS.Listener, id: 0x500}}
      all: {{component: PARTS.Services, id: 0x600}}
    {SERVICES}
    connections:
      Ticks:
        - ticker.tick_out -> worker.run
        - ticker.tick_out[2] -> basket.run
      Words:
        - worker.words_out -> ears.words_in[1]
        - ears.required_out -> basket.words_in
        - second.words_out -> worker.words_in
      Questions:
        - worker.question_out -> ears.question_in
"""


class Running:
    """The deployment of a topology text; `part` gives an instance."""

    def __init__(self, folder: Path, text: str = TEXT, *, started: bool = True) -> None:
        image = load_image(dump_image(build_image(compiled(folder, text))))
        platform: Any = SimulatedPlatform(seed=1)
        platform.has_threads = True  # a test serves the loops of the threads itself
        self.deployment = Deployment(image, platform, Root(platform.files, "/"))
        if started:
            self.deployment.start()

    def part(self, name: str) -> Any:
        return self.deployment.instances[f"Main.{name}"]

    def settle(self) -> None:
        assert self.deployment.main.settle()


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_settings_and_parameters_of_the_file_reach_the_instances(running: Running) -> None:
    ticker, worker, second = running.part("ticker"), running.part("worker"), running.part("second")
    assert isinstance(ticker, Ticker)
    assert (ticker.limits, ticker.title) == ([3, 4], "none")
    assert (worker.gain, worker.armed, second.gain) == (7, True, 3)


def test_each_output_of_an_array_calls_its_own_target(running: Running) -> None:
    ticker, worker = running.part("ticker"), running.part("worker")
    assert [ticker.is_connected(Ticker.tick_out, index) for index in range(3)] == [True, False, True]
    ticker.tick()
    assert worker.contexts == []
    running.settle()
    assert worker.contexts == [0]
    assert worker.count == 1
    with pytest.raises(PortNotConnected, match=r"Main\.ticker\.tick_out\[1\] is not connected"):
        ticker.tick_out[1](0)


def test_an_input_of_an_array_is_told_its_index(running: Running) -> None:
    worker, basket, ticker = running.part("worker"), running.part("basket"), running.part("ticker")
    assert isinstance(basket, Basket)
    for word in ("one", "two", "three"):
        worker.words_out(word)
    ticker.tick()
    assert basket.found == ["1:two", "1:three"]


def test_a_sync_call_gives_its_answer(running: Running) -> None:
    ears = running.part("ears")
    assert isinstance(ears, Listener)
    assert running.part("worker").question_out(41) == 42
    assert running.part("worker").question_out == ears.question_in


def test_a_full_queue_drops_what_its_port_says(running: Running) -> None:
    worker, second = running.part("worker"), running.part("second")
    assert isinstance(worker, Worker)
    assert [second.words_out(str(number)) for number in range(4)] == [True, True, False, False]
    running.settle()
    assert worker.heard == ["0", "1"]


def test_commands_are_answered_once_and_events_come_before_the_answer(running: Running) -> None:
    services = running.part("all")
    assert isinstance(services, Services)
    services.send(0x300, 1, struct.pack(">I", 3))
    services.send(0x300, 2, struct.pack(">I", 0))
    services.send(0x300, 3, b"short")
    services.send(0x301, 4, struct.pack(">I", 10))
    running.settle()
    answers = {sequence: response for _, sequence, response in services.kept["responses"]}
    assert answers == {
        1: CommandResponse.OK,
        2: CommandResponse.VALIDATION_ERROR,
        3: CommandResponse.FORMAT_ERROR,
    }
    running.deployment.run_for(11.0)
    assert services.kept["responses"][-1] == (0x301, 4, CommandResponse.OK)
    assert [(id, arguments) for id, _, arguments in services.kept["events"]] == [
        (0x300, struct.pack(">I", 3)),
        (0x300, struct.pack(">I", 10)),
    ]


def test_parameters_are_set_within_their_range_and_saved(running: Running) -> None:
    services, worker = running.part("all"), running.part("worker")
    declared = Worker.__declarations__.parameters["gain"]
    set_opcode, save_opcode = 0x200 + (declared.set_opcode or 0), 0x200 + (declared.save_opcode or 0)
    services.send(set_opcode, 1, b"\x09")
    services.send(set_opcode, 2, b"\x0a")
    services.send(save_opcode, 3)
    running.settle()
    assert [response for *_, response in services.kept["responses"]] == [
        CommandResponse.OK,
        CommandResponse.VALIDATION_ERROR,
        CommandResponse.OK,
    ]
    assert worker.gain == 9
    assert services.saved == {0x200: b"\x09"}


def test_channels_have_the_ids_of_their_instance(running: Running) -> None:
    cells = {cell.id for cell in running.part("all").kept["cells"]}
    assert cells == {0x200, 0x201, 0x300, 0x301}


THREADS = f"""
    topology: Main
    instances:
      sender: {{component: PARTS.Guarded, id: 0x100, queue: 10}}
      driver: {{component: PARTS.Guarded, id: 0x200, queue: 10, thread: slow}}
      relay: {{component: PARTS.Relay, id: 0x300}}
      all: {{component: PARTS.Services, id: 0x600}}
    {SERVICES}
    connections:
      Words:
        - sender.words_out -> driver.words_in
        - driver.words_out -> sender.guarded_in
"""


def test_words_go_to_another_loop_and_come_back_through_a_guarded_port(tmp_path: Path) -> None:
    running = Running(tmp_path, THREADS, started=False)
    sender, driver = running.part("sender"), running.part("driver")
    assert driver._context.loop is not sender._context.loop
    for number in range(5):
        sender.words_out(str(number))
    running.settle()
    assert sender.heard == []
    assert driver._context.loop.settle()
    assert sender.heard == ["0", "1", "2", "3", "4"]


def test_a_deployment_stops_in_order(running: Running) -> None:
    running.deployment.request_stop("done")
    running.deployment.stop()
    assert running.deployment.exit_reason == "done"


def test_every_guarded_instance_has_a_lock_once_there_are_threads(tmp_path: Path) -> None:
    text = THREADS.replace(
        "PARTS.Relay, id: 0x300}", "PARTS.Relay, id: 0x300}\n      end: {component: PARTS.Relay, id: 0x400}"
    )
    lines = "        - relay.words_out -> end.guarded_in\n        - end.words_out -> driver.words_in\n"
    running = Running(tmp_path, text + lines, started=False)
    assert running.deployment.lock_of("Main.end") is not None
    assert running.deployment.lock_of("Main.relay") is None
