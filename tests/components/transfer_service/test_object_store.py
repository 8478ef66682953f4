"""TransferService with buckets of an S3-compatible server, over real HTTP on loopback."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake_components.ports.bearer import NO_BEARER, LinkPurpose
from kittiwake_components.transfer_service.s3 import EMPTY_DIGEST, Keys, authorization, quoted, stamp_of
from kittiwake_components.transfer_service.stores import check_stores
from tests.components.power_cuts import cut_everywhere
from tests.components.transfer_service.object_server import KEYS, REGION, ObjectServer
from tests.components.transfer_service.transfer_bench import PARAMETERS, Tester, content, exists, new_tester

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = content(11, 1800)


@pytest.fixture
def server() -> Iterator[ObjectServer]:
    with ObjectServer() as made:
        yield made


def s3_tester(server: ObjectServer, seed: int = 0, secret: str = KEYS.secret, **parameters: Any) -> Tester:
    store = (
        f"store_name=s3 kind=logs endpoint={server.endpoint} region={REGION} bucket_name=central prefix=unit-7 "
        "credentials=/s3.keys folder=/logs"
    )
    tester = new_tester(seed, stores=[store], parameters={**PARAMETERS, **parameters})
    tester.write_file("/s3.keys", f"{KEYS.access}\n{secret}\n".encode())
    tester.write_file("/logs/a b", DATA)
    return tester


def stored(data: bytes) -> tuple[bytes, dict[str, str]]:
    return data, {"x-amz-meta-sha256": sha256(data).hexdigest()}


def test_the_signature_is_that_of_the_published_example() -> None:
    """REQ-TS-019: AWS Signature Version 4, the example "GET Object" of its documentation."""
    headers = {
        "host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9", "x-amz-content-sha256": EMPTY_DIGEST,
        "x-amz-date": "20130524T000000Z",
    }  # fmt: skip
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    assert authorization("GET", "/test.txt", headers, keys, "us-east-1").endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_times_and_paths_are_written_as_they_are_signed() -> None:
    """REQ-TS-019."""
    assert stamp_of(1_369_353_600) == "20130524T000000Z"
    assert stamp_of(1_709_210_096) == "20240229T123456Z"
    assert quoted("/b/ä b+c~d") == "/b/%C3%A4%20b%2Bc~d"


def test_a_file_is_put_and_removed_once_the_server_has_it(server: ObjectServer) -> None:
    """REQ-TS-019, REQ-TS-007."""
    with s3_tester(server) as tester:
        assert tester.send("SYNC_STORE", "s3").response is CommandResponse.OK
        assert server.objects == {"/central/unit-7/a%20b": stored(DATA)}
        assert not exists(tester, "/logs/a b")
        assert [method for method, _ in server.requests] == ["HEAD", "PUT", "HEAD"]


def test_a_file_is_fetched_by_chunks_and_checked(server: ObjectServer) -> None:
    """REQ-TS-019, REQ-TS-006."""
    server.objects["/central/unit-7/c"] = stored(DATA)
    with s3_tester(server) as tester:
        tester.send("GET", "s3", "c", "/config/c")
        assert tester.read_file("/config/c") == DATA
        assert [method for method, _ in server.requests] == ["HEAD"] + ["GET"] * 4
        tester.send("GET", "s3", "none", "/config/none")
        assert tester.events.named("TransferFailed")[0].args[3:] == ("the store has no such object", 0)


def test_an_object_that_is_not_what_it_states_is_put_aside(server: ObjectServer) -> None:
    """REQ-TS-006."""
    server.objects["/central/unit-7/c"] = b"damaged", {"x-amz-meta-sha256": sha256(b"sound").hexdigest()}
    with s3_tester(server, max_retry=1) as tester:
        tester.send("GET", "s3", "c", "/config/c")
        assert not exists(tester, "/config/c")
        assert tester.read_file("/config/c.part.bad.0") == b"damaged"
        assert tester.events.named("QuarantineFile")


def test_a_server_that_fails_is_tried_again_and_the_file_stays_meanwhile(server: ObjectServer) -> None:
    """REQ-TS-008, REQ-TS-007."""
    server.failures = 2
    with s3_tester(server) as tester:
        tester.send("PUT", "s3", "/logs/a b", "x", True)
        assert "503" in tester.events.named("TransferFailed")[0].args[3]
        assert exists(tester, "/logs/a b")
        tester.advance(60)
        assert server.objects == {"/central/unit-7/x": stored(DATA)}
        assert not exists(tester, "/logs/a b")


def test_wrong_or_missing_keys_are_named(server: ObjectServer) -> None:
    """REQ-TS-019: no key is ever shown."""
    with s3_tester(server, secret="wrong") as tester:
        tester.send("PUT", "s3", "/logs/a b", "x", True)
        assert tester.events.named("TransferFailed")[0].args[3] == "the server answers 403"
        tester.write_file("/s3.keys", b"nothing")
        tester.send("RETRY", 1)
        assert "two lines" in tester.events.named("TransferFailed")[1].args[3]
        tester.files.remove(tester.root.resolve("/s3.keys"))
        tester.send("RETRY", 1)
        assert tester.events.named("TransferFailed")[2].args[3] == "its credentials /s3.keys are not there"
        assert "wrong" not in str([event.args for event in tester.events])


def test_a_server_that_is_not_there_is_waited_for() -> None:
    """REQ-TS-008."""
    with ObjectServer() as gone:
        pass
    with s3_tester(gone) as tester:
        tester.send("PUT", "s3", "/logs/a b", "x", True)
        assert tester.events.named("TransferFailed")[0].args[4] > 0


def test_a_put_outlives_every_cut(server: ObjectServer) -> None:
    """REQ-TS-014, REQ-TS-007."""

    def prepared(seed: int) -> Tester:
        server.objects.clear()
        return s3_tester(server, seed)

    def scenario(tester: Tester, noted: list[int]) -> None:
        with tester.held():
            sent = tester.send("PUT", "s3", "/logs/a b", "x", True)
        noted += [1] if sent.response is CommandResponse.OK else []

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        assert exists(tester, "/logs/a b") or server.objects == {"/central/unit-7/x": stored(DATA)}
        tester.advance(60)
        if noted:
            assert server.objects == {"/central/unit-7/x": stored(DATA)}
            assert not exists(tester, "/logs/a b")
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0

    assert cut_everywhere(prepared, scenario, judge) > 15


def test_a_get_goes_on_after_a_cut(server: ObjectServer) -> None:
    """REQ-TS-018: what was durable is not fetched again."""
    data = content(12, 10_000)
    server.objects["/central/unit-7/c"] = stored(data)
    with s3_tester(server) as tester:
        tester.files.cut_at(tester.files.operations + 90)
        with pytest.raises(PowerCut):
            tester.send("GET", "s3", "c", "/config/c")
        asked = len(server.requests)
        assert asked > 5
        tester.crash()
        tester.advance(1)
        assert tester.read_file("/config/c") == data
        assert len(server.requests) - asked < 20 - 3


@pytest.mark.parametrize(
    "words, why",
    [("endpoint=gopher://x credentials=/k", "endpoint is http"), ("endpoint=http://x", "credentials names a file")],
)
def test_a_server_that_makes_no_sense_is_refused_when_the_topology_is_checked(words: str, why: str) -> None:
    """REQ-TS-005."""
    with pytest.raises(ValueError, match=why):
        check_stores([f"store_name=a kind=logs bucket_name=b {words}"])


def test_a_bearer_is_asked_for_and_nothing_tried_before_there_is_one(server: ObjectServer) -> None:
    """REQ-TS-031, REQ-TS-032."""
    with s3_tester(server) as tester:
        tester.ports.link_request.returns = NO_BEARER
        tester.call.run(0)
        assert tester.ports.link_request == [], "nothing waits"
        tester.send("SYNC_STORE", "s3")
        assert tester.call.due_work() == 1
        tester.call.run(0)
        assert tester.ports.link_request == [(LinkPurpose.TRANSFER, 0, 60)] * 2, "at once, and each second"
        assert server.requests == []
        tester.ports.link_request.returns = 2
        tester.call.run(0)
        assert server.objects == {"/central/unit-7/a%20b": stored(DATA)}
        assert tester.ports.acknowledged == [()]
