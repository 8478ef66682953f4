"""What the soak takes for growth and for loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from kittiwake_ground.archive import Archive
from kittiwake_ground.archive.opening import DATABASE
from tests.soak.channels import main
from tests.soak.judgement import MAX_GROWTH_MB, Bound, Reading, archived_counts, growths, slope

WALL = 2 << 64


def readings(*memory_mb: float) -> list[Reading]:
    return [Reading(float(second), {"ground station": one}) for second, one in enumerate(memory_mb)]


def test_what_grows_while_it_warms_up_is_no_growth() -> None:
    (growth,) = growths(readings(10, 50, 90, *[100] * 5, *[101] * 5), Bound(3))
    assert (growth.early_mb, growth.late_mb, growth.is_flat) == (100, 101, True)


def test_what_grows_afterwards_is_growth_and_one_peak_is_not() -> None:
    (growth,) = growths(readings(*[100 + 3 * number for number in range(20)]), Bound(0))
    assert not growth.is_flat
    (growth,) = growths(readings(*[100] * 20, 100 + 2 * MAX_GROWTH_MB, 100), Bound(0))
    assert growth.is_flat


def test_the_slope_is_that_of_most_pairs_whatever_a_peak_does() -> None:
    line = [(float(number), 10 + 0.5 * number) for number in range(40)]
    assert slope(line) == pytest.approx(0.5)
    assert slope([*line[:20], (20.0, 500.0), *line[21:]]) == pytest.approx(0.5)
    assert slope([(1.0, 5.0)]) == 0


def test_a_process_that_was_started_later_has_a_warm_up_of_its_own_and_each_its_bound() -> None:
    early = [Reading(float(second), {"station-1": 20.0}) for second in range(10)]
    late = [Reading(float(second), {"station-1": 20.0, "station-2 again": 10.0 + second}) for second in range(10, 20)]
    first, second = growths([*early, *late], Bound(4), {"station-2": Bound(4, 1)})
    assert (first.is_flat, first.slope_mb_h) == (True, 0)
    assert (second.early_mb, second.late_mb, second.is_flat) == (24.5, 28.5, False)
    assert second.slope_mb_h == pytest.approx(3600)
    assert second.faults == ["the memory of station-2 again grew by 4.0 MB, more than 1"]


def test_too_few_readings_tell_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        growths(readings(1, 2, 3), Bound(2))


def test_a_sample_that_was_counted_and_is_not_archived_is_lost(tmp_path: Path) -> None:
    with Archive(tmp_path) as archive:
        for tick in range(5, 10):
            names = ["Soak.rack0.Ticks", "Soak.rack0.Level0"] if tick != 7 else ["Soak.rack0.Ticks"]
            archive.add_samples("soak", [(name, WALL | tick, tick, float(tick)) for name in names])
        archive.add_samples("soak", [("Soak.other.Level0", WALL | 1, 1, 1.0)])
    (count,) = archived_counts(tmp_path / DATABASE)
    assert (count.instance, count.channels, count.counted, count.fewest, count.most) == ("Soak.rack0", 2, 5, 4, 5)
    assert count.lost == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_soak_of_seconds_without_dashboards_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    main(["--minutes", "0.2", "--warm-up", "0", "--pages", "0"])
    verdict = capsys.readouterr().out.partition("archive: 1000 channels, ")[2].splitlines()
    # In so short a time the histories that are held still fill, which is growth.
    assert [one for one in verdict[1:] if not one.startswith("the memory of ground station grew")] in (
        [], ["Nothing grew and nothing was lost."],
    )  # fmt: skip
