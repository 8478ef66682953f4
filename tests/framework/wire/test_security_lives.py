"""Random lives of a ground, a device and somebody in between: no frame executes that should not, sound new ones do."""

from __future__ import annotations

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kittiwake.wire.security_association import SecurityAssociation, make_association
from kittiwake.wire.uplink_authenticator import UplinkAuthenticator
from kittiwake.wire.uplink_keys import AES_GCM, UplinkKey
from kittiwake.wire.uplink_signer import UplinkSigner

WINDOW = 40
BLOCK = 7
SPI = 1
SECRET = bytes(range(16))


class Frame:
    """One that the ground signed: its place in the order, and how often the ground had lost its counter by then."""

    def __init__(self, order: int, life: int, protected: bytes) -> None:
        self.order = order
        self.life = life
        self.protected = protected


class SecuredLink(RuleBasedStateMachine):
    """Data is the number of the frame, so that each execution can be traced to the frame that the ground signed."""

    algorithm = "hmac-sha256"

    def __init__(self) -> None:
        super().__init__()
        self.random = Random(1)
        self.frames: list[Frame] = []
        self.executed: list[int] = []
        self.device_saves = True
        self.device_durable: int | None = 0
        self.ground_durable: int | None = None
        self.ground_life = 0
        self.start_device()
        self.start_ground()

    def association(self, secret: bytes = SECRET) -> SecurityAssociation:
        return make_association(UplinkKey(SPI, True, "", secret, self.algorithm))

    def start_device(self) -> None:
        def reserve(spi: int, number: int) -> bool:
            if self.device_saves:
                self.device_durable = number
            return self.device_saves

        self.device = UplinkAuthenticator([self.association()], [], reserve, WINDOW, BLOCK)
        if self.device_durable is None:
            self.device_durable = self.random.getrandbits(32)
        self.device.begin(SPI, self.device_durable)

    def start_ground(self) -> None:
        def reserve(number: int) -> None:
            self.ground_durable = number

        self.ground = UplinkSigner(self.association(), self.ground_durable, reserve, self.random.randbytes, WINDOW)

    def deliver(self, protected: bytes) -> int | None:
        opened = self.device.open(protected)
        if not isinstance(opened, bytes):
            return None
        order = int(opened)
        self.executed.append(order)
        return order

    def sign(self) -> Frame:
        order = len(self.frames)
        frame = Frame(order, self.ground_life, self.ground.seal(b"%d" % order))
        self.frames.append(frame)
        return frame

    @rule(count=st.integers(1, 12))
    def frames_get_lost(self, count: int) -> None:
        for _ in range(count):
            self.sign()

    @rule()
    def a_frame_arrives(self) -> None:
        """After the report that the ground heard, a sound new frame executes."""
        report = self.device.counters[SPI].last
        if self.ground.take_report(report):
            self.ground_life += 1
        frame = self.sign()
        if self.device_saves:
            assert self.deliver(frame.protected) == frame.order
        else:
            self.deliver(frame.protected)

    @precondition(lambda self: self.frames)
    @rule(data=st.data())
    def an_old_frame_is_played(self, data: st.DataObject) -> None:
        frame = data.draw(st.sampled_from(self.frames))
        before = list(self.executed)
        if self.deliver(frame.protected) is not None:
            assert frame.order not in before
            newest = max((order for order in before if self.frames[order].life == frame.life), default=-1)
            assert frame.order > newest, "a frame executed behind a newer one"

    @precondition(lambda self: self.frames)
    @rule(data=st.data(), change=st.sampled_from(["cut", "longer", "bit", "re-keyed", "renumbered"]))
    def a_changed_frame_comes(self, data: st.DataObject, change: str) -> None:
        protected = bytearray(data.draw(st.sampled_from(self.frames[-8:])).protected)
        if change == "cut":
            del protected[data.draw(st.integers(0, len(protected) - 1)) :]
        elif change == "longer":
            protected += b"\0"
        elif change == "bit":
            protected[data.draw(st.integers(0, len(protected) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        elif change == "re-keyed":
            number = self.device.counters[SPI].last + 1 & 0xFFFFFFFF
            protected = bytearray(self.association(bytes(16)).protect(number, bytes(8), b"9"))
        else:
            at = len(self.association().protect(0, bytes(8), b"")) - 16 - 4
            protected[at : at + 4] = (self.device.counters[SPI].last + 1 & 0xFFFFFFFF).to_bytes(4, "big")
            if bytes(protected) in [frame.protected for frame in self.frames]:
                return
        assert self.deliver(bytes(protected)) is None

    @rule()
    def the_device_crashes(self) -> None:
        self.start_device()

    @rule()
    def the_device_ends_in_order(self) -> None:
        self.device_durable = self.device.counters[SPI].last
        self.start_device()

    @rule()
    def the_device_loses_its_counter(self) -> None:
        self.device_durable = None
        self.start_device()

    @rule(saves=st.booleans())
    def the_disk_fails_or_is_well(self, saves: bool) -> None:
        self.device_saves = saves

    @rule(step=st.integers(-5, 100))
    def the_counter_is_set(self, step: int) -> None:
        before = self.device.counters[SPI].last
        moved = self.device.set_last(SPI, before + step & 0xFFFFFFFF)
        assert moved == (step > 0 and self.device_saves)

    @rule()
    def the_ground_crashes(self) -> None:
        self.start_ground()

    @rule()
    def the_ground_loses_its_counter(self) -> None:
        self.ground_durable = None
        self.ground_life += 1
        self.start_ground()

    @invariant()
    def nothing_executes_twice(self) -> None:
        assert len(set(self.executed)) == len(self.executed)
        assert all(order < len(self.frames) for order in self.executed)


class EncryptedLink(SecuredLink):
    algorithm = AES_GCM


TestSecuredLink = SecuredLink.TestCase
TestEncryptedLink = EncryptedLink.TestCase
TestSecuredLink.settings = TestEncryptedLink.settings = settings(stateful_step_count=40)
