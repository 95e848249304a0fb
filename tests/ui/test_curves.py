"""The smoothed line is what its formula says, however the points came."""

import numpy as np

from studio.ui.curves import Curve


def test_smoothing_in_pieces_equals_the_formula() -> None:
    values = np.random.default_rng(0).normal(size=3000)
    curve, at = Curve(0.9), 0
    for size in (1, 2, 255, 256, 257, 1000, 1229):
        curve.extend(np.arange(at, at + size, dtype=float), values[at : at + size])
        at += size
    mean, expected = 0.0, []
    for count, value in enumerate(values, start=1):
        mean = 0.9 * mean + 0.1 * value
        expected.append(mean / (1 - 0.9**count))
    np.testing.assert_allclose(curve.smoothed, expected, atol=1e-9)
    np.testing.assert_array_equal(curve.y, values)
    curve.set_smoothing(0.0)
    np.testing.assert_allclose(curve.smoothed, values)


def test_a_value_that_is_no_number_ends_no_curve() -> None:
    curve = Curve(0.5)
    curve.extend(np.arange(3.0), np.array([1.0, np.nan, 1.0]))
    assert np.isnan(curve.y[1])
    np.testing.assert_allclose(curve.smoothed, 1.0)
