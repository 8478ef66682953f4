"""The names that `kittiwake.model` gives to component authors."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kittiwake.model
from kittiwake.model import types


def test_every_name_is_found_on_first_use() -> None:
    for name in kittiwake.model.__all__:
        assert getattr(kittiwake.model, name) is not None
    assert kittiwake.model.U32 is types.U32


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'kittiwake\.model' has no attribute 'Chanel'"):
        kittiwake.model.Chanel  # type: ignore[attr-defined]  # noqa: B018


def test_types_alone_do_not_bring_in_components() -> None:
    program = "import sys, kittiwake.model.types; print('kittiwake.model.component' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
