"""The ground's end of a link, on real sockets."""

from __future__ import annotations

import socket

import pytest

from kittiwake_ground.link import LinkLost, make_link
from tests.ports import free_port


def test_a_connection_that_closes_is_lost_and_can_be_made_again() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        make_link(f"tcp://127.0.0.1:{server.getsockname()[1]}") as link,
    ):
        for _ in range(2):
            link.connect(5.0)
            peer, _ = server.accept()
            with peer:
                link.send(b"up")
                assert peer.recv(10) == b"up"
                peer.sendall(b"down")
                assert link.receive(5.0) == b"down"
                assert link.receive(0.0) == b""
            with pytest.raises(LinkLost, match="the deployment closed it"):
                link.receive(5.0)
            with pytest.raises(LinkLost, match="not connected"):
                link.send(b"more")


def test_a_listening_end_takes_one_deployment_after_the_other() -> None:
    port = free_port()
    with make_link(f"tcp-listen://127.0.0.1:{port}") as link:
        with pytest.raises(LinkLost, match="no deployment has connected"):
            link.connect(0.0)
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port)) as peer:
                link.connect(5.0)
                peer.sendall(b"down")
                assert link.receive(5.0) == b"down"


def test_a_large_send_waits_for_room() -> None:
    import threading

    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def read() -> None:
            peer, _ = server.accept()
            with peer:
                while data := peer.recv(1 << 16):
                    received.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        with make_link(f"tcp://127.0.0.1:{server.getsockname()[1]}") as link:
            link.connect(5.0)
            link.send(bytes(8 << 20))
        reader.join()
    assert len(received) == 8 << 20
