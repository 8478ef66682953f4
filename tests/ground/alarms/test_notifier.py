"""Who is told of alarms, with real peers: a web server, a mail server, and an MQTT broker."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.alarms.book import AlarmBook, Change
from kittiwake_ground.alarms.life import LIMIT, Alarm
from kittiwake_ground.alarms.notice import Addressed
from kittiwake_ground.alarms.notifier import EXPIRY_S, MAX_WAITING, Notifier, Outgoing, notice_of
from kittiwake_ground.alarms.receivers import Receiver
from kittiwake_ground.alarms.store import AlarmStore
from kittiwake_ground.configuration import ConfigurationFault, read_configuration
from kittiwake_ground.kept_database import StoreFault
from tests.certificate import make_certificate, public_part
from tests.components.mqtt_bridge.broker import Broker, Listener
from tests.ground.alarms.smtp_server import PASSWORD, USER, SmtpServer
from tests.ground.server.foreign import DICTIONARY, measured, served, until

FOREIGN = read_dictionary(DICTIONARY, "foreign")

ALARM = Alarm(7, "ref", LIMIT, "Ref.heater.Temperature", "RED", "RED", "51; red above 50", 1, 1, 1)
RAISED = Change(ALARM, "raised", text=ALARM.text)


class Hook(HTTPServer):
    """A web server that keeps what is posted, and answers with `statuses`, each once, and then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Poster)
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alarm"


class Poster(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((dict(self.headers.items()), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@contextmanager
def listening() -> Iterator[Hook]:
    with Hook() as hook:
        thread = threading.Thread(target=hook.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hook
        finally:
            hook.shutdown()
            thread.join()


async def told(receiver: Receiver, done: Callable[[Outgoing], bool], changes: int = 1) -> Outgoing:
    """Tells a receiver of an alarm, and waits until it is so far."""
    outgoing = Outgoing(receiver, first_pause_s=0.02)
    for number in range(changes):
        outgoing.put(notice_of(f"n{number}", RAISED))
    task = asyncio.create_task(outgoing.run())
    try:
        await until(lambda: done(outgoing))
    finally:
        task.cancel()
    return outgoing


def test_a_webhook_gets_signed_json_again_until_it_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    with listening() as hook:
        hook.statuses = [500, 429]
        receiver = Receiver("duty", "webhook", url=hook.url, secret_env="HOOK_SECRET")
        outgoing = asyncio.run(told(receiver, lambda one: one.sent == 1))
        assert (outgoing.failed, outgoing.fault) == (0, "")
        assert len({headers["X-Kittiwake-Delivery"] for headers, _ in hook.posted}) == 1
        assert len(hook.posted) == 3
        headers, body = hook.posted[-1]
        signed = headers["X-Kittiwake-Timestamp"].encode() + b"." + body
        code = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
        assert headers["X-Kittiwake-Signature"] == f"sha256={code}"
        shown = json.loads(body)
        assert (shown["action"], shown["alarm"]["source"], shown["said"]) == ("raised", ALARM.source, ALARM.text)


def test_what_a_webhook_refuses_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as hook:
        hook.statuses = [404]
        outgoing = asyncio.run(told(Receiver("duty", "webhook", url=hook.url), lambda one: one.failed == 1))
        assert outgoing.fault == "it answers 404 Not Found"
        assert "X-Kittiwake-Signature" not in hook.posted[0][0]
    missing = Receiver("duty", "webhook", url="http://127.0.0.1:9/", secret_env="NO_SUCH_SECRET")
    monkeypatch.setattr("kittiwake_ground.alarms.notifier.MAX_ATTEMPTS", 2)
    assert "no NO_SUCH_SECRET" in asyncio.run(told(missing, lambda one: one.failed == 1)).fault
    nobody = Receiver("duty", "webhook", url="http://127.0.0.1:9/")
    assert asyncio.run(told(nobody, lambda one: one.failed == 1)).fault == "Connection refused"


def test_mail_goes_by_starttls_to_a_server_that_is_who_it_says(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "server.pem")
    trusted, secret = tmp_path / "trusted.pem", tmp_path / "password"
    trusted.write_bytes(public_part(certificate))
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)

    async def run() -> None:
        async with SmtpServer(certificate) as server:
            receiver = Receiver(
                "mail", "email", host="127.0.0.1", port=server.port, user=USER, sender="ground@example.org",
                recipients=("ada@example.org", "bob@example.org"), secret_file=secret, authorities=trusted,
            )  # fmt: skip
            server.replies = ["451 later"]
            await told(receiver, lambda one: one.sent == 1)
            (message,) = server.messages
            assert message["Subject"] == "[RED] ref: Ref.heater.Temperature raised"
            assert "51; red above 50" in str(message.get_payload())
            assert message["Message-ID"] == "<n0@kittiwake>"
            assert server.was_secure == [True]
            assert len(server.recipients) == 4
            server.replies = ["554 never"]
            assert (await told(receiver, lambda one: one.failed == 1)).fault == "it answers 554 never"
            stranger = Receiver(
                "mail", "email", host="127.0.0.1", port=server.port, sender="ground@example.org",
                recipients=("ada@example.org",),
            )  # fmt: skip
            assert "certificate" in (await told(stranger, lambda one: bool(one.fault))).fault.lower()

    asyncio.run(run())


def test_a_broker_gets_it_on_a_topic(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker, Listener(broker) as listener:
        receiver = Receiver("bus", "mqtt", host="127.0.0.1", port=broker.port, tls=False, topic="kittiwake/alarms")
        asyncio.run(told(receiver, lambda one: one.sent == 1 and bool(listener.heard)))
        topic, payload = listener.heard[0]
        assert (topic, json.loads(payload)["alarm"]["level"]) == ("kittiwake/alarms", "RED")
        broker.kill()
        assert asyncio.run(told(receiver, lambda one: bool(one.fault))).fault


def test_more_than_its_pace_waits_and_more_than_its_queue_is_counted() -> None:
    with listening() as hook:
        receiver = Receiver("duty", "webhook", url=hook.url, per_minute=60)
        outgoing = asyncio.run(told(receiver, lambda one: one.sent >= 5, MAX_WAITING + 3))
        assert (outgoing.dropped, outgoing.sent) == (3, 5)
        assert json.loads(hook.posted[0][1])["dropped"] == 3
        assert json.loads(hook.posted[0][1])["id"] == "n3"


@pytest.mark.parametrize(
    "rule,change,wanted",
    [
        ({}, RAISED, True),
        ({"least": "ORANGE"}, Change(ALARM, "worsened"), True),
        ({"least": "RED", "sources": ("Other.*",)}, RAISED, False),
        ({"deployments": ("spare",)}, RAISED, False),
        ({}, Change(ALARM, "recovered"), False),
        ({"actions": ("recovered",)}, Change(ALARM, "recovered"), True),
        ({}, RAISED._replace(is_shelved=True), False),
    ],
)
def test_a_rule_says_who_is_told_of_what(rule: dict[str, Any], change: Change, wanted: bool) -> None:
    assert Receiver("duty", "webhook", url="https://example.org/", **rule).wants(change) is wanted


def test_an_alarm_of_a_deployment_reaches_the_webhook(tmp_path: Path) -> None:
    async def run(hook: Hook) -> None:
        async with served(tmp_path) as (ground, foreign):
            notifier = Notifier([Receiver("duty", "webhook", url=hook.url, least="RED")])
            ground.notifier.outgoing.update(notifier.outgoing)
            await ground.notifier.start()
            foreign.say(measured(31), measured(60))
            await until(lambda: len(hook.posted) == 1)
            assert json.loads(hook.posted[0][1])["action"] == "worsened"

    with listening() as hook:
        asyncio.run(run(hook))


def raised(folder: Path, receiver: Receiver) -> AlarmStore:
    """A server's store, with an alarm kept of which nobody was told before the server was killed."""
    store = AlarmStore(folder)
    notifier = Notifier([receiver], store)
    book = AlarmBook("ref", FOREIGN, store)
    book.address, book.told = notifier.address, notifier.tell
    book.open()
    book.take(FOREIGN.channel(ALARM.source), 51.0)
    book.settle()
    return store


async def next_server(folder: Path, receiver: Receiver, done: Callable[[Outgoing], bool]) -> Outgoing:
    """Another server on the same files, until a receiver is so far; it is then killed."""
    store = AlarmStore(folder)
    notifier = Notifier([receiver], store)
    await notifier.start()
    try:
        await until(lambda: done(notifier.outgoing[receiver.name]))
    finally:
        await notifier.stop()
        store.close()
    return notifier.outgoing[receiver.name]


def test_what_waited_is_told_by_the_next_server_once(tmp_path: Path) -> None:
    with listening() as hook:
        receiver = Receiver("duty", "webhook", url=hook.url)
        store = raised(tmp_path, receiver)
        (kept,), _ = store.notices("duty")
        store.close()
        asyncio.run(next_server(tmp_path, receiver, lambda one: one.sent == 1))
        (posted,) = [json.loads(body) for _, body in hook.posted]
        assert (posted["id"], posted["action"], posted["at_us"]) == (kept.id, "raised", kept.at_us)
        later = AlarmStore(tmp_path)
        assert later.notices("duty") == ([], 0)
        later.close()


def test_a_kill_between_delivery_and_the_note_of_it_repeats_the_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as hook:
        receiver = Receiver("duty", "webhook", url=hook.url)
        raised(tmp_path, receiver).close()
        with monkeypatch.context() as patched:
            patched.setattr(Outgoing, "_forget", lambda self: None)
            asyncio.run(next_server(tmp_path, receiver, lambda one: one.sent == 1))
        asyncio.run(next_server(tmp_path, receiver, lambda one: one.sent == 1))
        first, second = [headers["X-Kittiwake-Delivery"] for headers, _ in hook.posted]
        assert first == second


def test_an_alarm_and_its_notices_are_kept_together_or_not_at_all(tmp_path: Path) -> None:
    store = raised(tmp_path, Receiver("duty", "webhook", url="http://127.0.0.1:9/"))
    (kept,), _ = store.notices("duty")
    with pytest.raises(StoreFault):
        store.keep("ref", [replace(ALARM, id=99)], notices=[Addressed("duty", kept)])
    assert [one.id for one in store.alarms("ref")] == [1]


def test_what_was_left_out_is_told_after_a_kill_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the queue holds and a notice of yesterday: the next one that arrives says how many."""
    monkeypatch.setattr("kittiwake_ground.alarms.notifier.MAX_WAITING", 3)
    with listening() as hook:
        receiver = Receiver("duty", "webhook", url=hook.url)
        store = raised(tmp_path, receiver)
        (kept,), _ = store.notices("duty")
        old = kept._replace(at_us=kept.at_us - (EXPIRY_S + 60) * 1_000_000)
        waiting = [old._replace(id=f"n{number}") for number in range(3)] + [kept._replace(id="fresh")]
        store.keep("ref", notices=[Addressed("duty", one) for one in waiting])
        store.close()
        outgoing = asyncio.run(next_server(tmp_path, receiver, lambda one: one.sent == 1))
        (posted,) = [json.loads(body) for _, body in hook.posted]
        assert (posted["id"], posted["dropped"], outgoing.dropped) == ("fresh", 4, 4)


def test_what_could_not_be_delivered_is_counted_for_the_next_one(tmp_path: Path) -> None:
    with listening() as hook:
        hook.statuses = [404]
        receiver = Receiver("duty", "webhook", url=hook.url)
        raised(tmp_path, receiver).close()
        asyncio.run(next_server(tmp_path, receiver, lambda one: one.failed == 1))
        store = AlarmStore(tmp_path)
        assert store.notices("duty") == ([], 1)
        store.keep("ref", notices=[Addressed("duty", notice_of("next", RAISED))])
        store.close()
        asyncio.run(next_server(tmp_path, receiver, lambda one: one.sent == 1))
        assert json.loads(hook.posted[-1][1])["dropped"] == 1


def test_notices_for_a_receiver_that_is_configured_no_more_go_and_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raised(tmp_path, Receiver("duty", "webhook", url="http://127.0.0.1:9/")).close()
    other = Receiver("night", "webhook", url="http://127.0.0.1:9/")
    asyncio.run(next_server(tmp_path, other, lambda one: True))
    assert "notify.duty is not configured any more: 1 notices that waited are left out" in caplog.text
    store = AlarmStore(tmp_path)
    assert store.notices("duty") == ([], 0)
    store.close()


CONFIGURATION = """
[notify.duty]
kind = "webhook"
url = "https://example.org/alarm"
least = "RED"
sources = ["Ref.*"]
secret_file = "hook.secret"
"""


def test_receivers_are_read_from_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "ground.toml"
    path.write_text(CONFIGURATION)
    (receiver,) = read_configuration(path).receivers
    assert (receiver.name, receiver.sources, receiver.secret_file) == ("duty", ("Ref.*",), tmp_path / "hook.secret")
    assert receiver.secret_file is not None
    receiver.secret_file.write_text("x")
    receiver.secret_file.chmod(0o644)
    with pytest.raises(ValueError, match="others may read it"):
        receiver.secret()


@pytest.mark.parametrize(
    "table,message",
    [
        ('kind = "pager"', "kind is webhook, email, mqtt, not 'pager'"),
        ('kind = "webhook"', "url is missing"),
        ('kind = "webhook"\nurl = "ftp://x"', "is no address"),
        ('kind = "webhook"\nurl = "http://x:99999"', "is no address"),
        ('kind = "webhook"\nurl = "http://x"\ntopic = "t"', "topic is nothing for webhook"),
        ('kind = "mqtt"\nhost = "x"\ntopic = "t"\nuser = "u"', "user goes with secret_file or secret_env"),
        ('kind = "mqtt"\nhost = "x"\ntopic = "t"\nleast = "BLUE"', "least is YELLOW"),
        ('kind = "mqtt"\nhost = "x"\ntopic = "t"\nactions = ["exploded"]', "not 'exploded'"),
        ('kind = "email"\nhost = "x"\nsender = "a"', "recipients is missing"),
        ('kind = "email"\nhosts = "x"', "there is no notify.duty.hosts"),
        ("", "kind is missing"),
    ],
)
def test_a_receiver_that_cannot_be_is_named(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "ground.toml"
    path.write_text(f"[notify.duty]\n{table}\n")
    with pytest.raises(ConfigurationFault, match=message):
        read_configuration(path)
