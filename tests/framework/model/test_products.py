"""Declared data products: ids, records, limits, and what the tester shows of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import (
    F32,
    U8,
    U16,
    Container,
    OutputPort,
    PassiveComponent,
    ProductFull,
    Record,
    String,
    sync_port,
)
from kittiwake.model.fw import DpSend, Sched
from kittiwake.model.types import TypeFault
from kittiwake.testing import ComponentTester
from kittiwake.wire.data_product import parse_header


class Camera(PassiveComponent):
    """Takes pictures of a few pixels."""

    product_send_out = OutputPort(DpSend)

    exposure = Record(F32, doc="Seconds.")
    pixels = Record(U16, array=True, doc="Brightness.")
    remark = Record(String(8), id=9)
    gain = Record(U8)
    picture = Container(priority=5)
    darkness = Container(id=4, name="DARK")

    def initialize(self) -> None:
        self.next = [1, 2, 3]

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Takes a picture."""
        product = self.picture()
        product.user_data = b"lens 2"
        product.add(self.exposure, 0.5)
        product.add(self.pixels, self.next)
        product.add(self.remark, "fine")
        self.product_send_out(product.container, product.pack())


def test_a_tester_shows_what_was_sent() -> None:
    with ComponentTester(Camera) as tester:
        tester.call.run(0)
        (product,) = tester.products
        assert (product.container, product.priority) == ("Picture", 5)
        assert product.records == [("Exposure", 0.5), ("Pixels", [1, 2, 3]), ("Remark", "fine")]
        assert product.user_data == b"lens 2".ljust(32, b"\0")
        assert product.tag >> 64 == 2


def test_ids_count_from_the_instance_s_base() -> None:
    with ComponentTester(Camera, base_id=0x500) as tester:
        camera = tester.component
        assert [one.id for one in (camera.exposure, camera.pixels, camera.remark, camera.gain)] == [
            0x500, 0x501, 0x509, 0x50A,
        ]  # fmt: skip
        assert (camera.picture.id, camera.darkness.id) == (0x500, 0x504)
        assert (Camera.picture.label, Camera.darkness.label) == ("Picture", "DARK")
        assert Camera.__declarations__.span() == 0xB


@given(st.lists(st.integers(0, 0xFFFF), max_size=50))
def test_any_number_of_values_goes_into_an_array_record(values: list[int]) -> None:
    with ComponentTester(Camera) as tester:
        tester.component.next = values
        tester.call.run(0)
        assert tester.products[0].records[1] == ("Pixels", values)


def test_what_is_no_value_is_refused_and_changes_nothing() -> None:
    with ComponentTester(Camera) as tester:
        camera = tester.component
        product = camera.picture()
        for record, value in ((camera.pixels, [1, 70000]), (camera.gain, 300), (camera.remark, "far too long")):
            bound: Any = record
            with pytest.raises(ValueError, match=bound.declared.label):
                product.add(bound, value)
        exposure: Any = camera.exposure
        with pytest.raises(TypeError, match="Exposure"):
            product.add(exposure, "long")
        assert product.size == 0


def test_a_product_has_its_limit_and_its_priority() -> None:
    with ComponentTester(Camera) as tester:
        camera = tester.component
        product = camera.picture(priority=1, limit=20)
        product.add(camera.pixels, [1, 2])
        with pytest.raises(ProductFull) as raised:
            product.add(camera.pixels, [1, 2, 3])
        assert (raised.value.size, raised.value.limit, product.size) == (22, 20, 10)
        header = parse_header(product.pack())
        assert (header.priority, header.size, header.container) == (1, 10, camera.picture.id)


def test_two_of_one_number_are_a_fault() -> None:
    with pytest.raises(TypeFault, match="records have the number"):

        class Twice(PassiveComponent):
            first = Record(U8, id=1)
            second = Record(U8, id=1)

    with pytest.raises(TypeFault, match="a priority is"):
        Container(priority=-1)
