"""Long history through the server: exported by it, asked through its API, refused where it keeps none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from kittiwake.cli.main import main
from kittiwake_ground.archive import Archive
from kittiwake_ground.client import Ground, RequestRefused
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from tests.ground.client.served import Served
from tests.system.past_hour import DISPATCHED, write_past_hour

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet files can be written")
pytest.importorskip("duckdb", reason="DuckDB is not installed: nobody can be asked")


def test_a_server_exports_and_answers(
    tmp_path: Path, dictionary_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_past_hour(tmp_path, dictionary_file, time.time_ns() // 1000, "small")
    small = DeploymentConfiguration("small", dictionary_file, "tcp://127.0.0.1:1")
    plan = GroundConfiguration(
        (small,), folder=tmp_path / "ground", archive=tmp_path / "archive", parquet=tmp_path / "parquet"
    )
    with Archive(tmp_path / "archive") as archive:
        served = Served(plan, archive)
        try:
            with Ground(served.url) as ground:
                done = ground.export_parquet()
                assert sum(one["rows"] for one in done if one["kind"] == "samples") == 3_602
                question = f"SELECT count(*) AS n, max(whole) FROM samples WHERE channel = '{DISPATCHED}'"
                assert ground.query(question) == {"columns": ["n", "max(whole)"], "rows": [[3600, 3599]], "cut": False}
                with pytest.raises(RequestRefused, match="one SELECT"):
                    ground.query("DROP VIEW samples")
            monkeypatch.setenv("KITTIWAKE_GROUND", served.url)
            assert main(["ground", "query", "SELECT count(*) AS n FROM events", "--csv"]) == 0
            assert capsys.readouterr().out == "n\n60\n"
            assert main(["ground", "query", "SELECT"]) == 2
        finally:
            served.stop()


def test_a_server_without_files_says_so(ground: Ground) -> None:
    for act in (lambda: ground.query("SELECT 1"), ground.export_parquet):
        with pytest.raises(RequestRefused, match="serve with --parquet"):
            act()
