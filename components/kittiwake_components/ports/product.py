"""The ports between the components that keep data products, under F´'s names."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.fw import FwDpPriorityType, FwSizeType
from kittiwake.model.ports import port
from kittiwake.model.types import Size
from kittiwake.wire.data_product import PRODUCT_SIZE_MAX
from kittiwake_components.ports.file import FileName


@port("Fw.BufferSend")
def BufferSend(buffer: Annotated[bytes, Size(PRODUCT_SIZE_MAX)]) -> None:
    """A whole data product."""


@port("Svc.DpWritten")
def DpWritten(fileName: FileName, priority: FwDpPriorityType, size: FwSizeType) -> None:  # noqa: N803
    """A data product stands in a file."""
