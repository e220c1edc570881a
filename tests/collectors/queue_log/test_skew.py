from __future__ import annotations

import pytest

from collectors.queue_log.skew import SAMPLES, SkewMeter

NOW = 1_795_313_000_000


def seen(meter: SkewMeter, *lags: int) -> list[bool]:
    return [meter.observe(NOW + n * 5000, NOW + n * 5000 - lag) for n, lag in enumerate(lags)]


def test_a_right_clock_is_left_alone() -> None:
    meter = SkewMeter()
    assert not any(seen(meter, 100, 900, 1200, 300, 0, 700, 500))
    assert meter.skew_ms == 0


@pytest.mark.parametrize("wrong_ms", [3_600_000, -3_600_000, 5_000, -86_400_000])
def test_a_steady_error_is_corrected_to_within_two_seconds(wrong_ms: int) -> None:
    meter = SkewMeter()
    changes = seen(meter, *(wrong_ms + lag for lag in (100, 900, 1200, 300, 0)))
    assert changes == [False] * (SAMPLES - 1) + [True]
    assert abs(meter.skew_ms - wrong_ms) < 1_000
    assert not any(seen(meter, *(wrong_ms + lag for lag in (100, 900, 1200, 300, 0))))


def test_a_file_that_comes_in_late_lumps_is_no_wrong_clock() -> None:
    meter = SkewMeter()
    assert not any(seen(meter, 60_000, 45_000, 20_000, 5_000, 58_000, 31_000, 9_000))
    assert meter.skew_ms == 0


def test_a_clock_that_was_put_right_is_noticed() -> None:
    meter = SkewMeter(3_600_000)
    seen(meter, *[3_600_500] * 5, *[400] * 5)
    assert meter.skew_ms == 0
