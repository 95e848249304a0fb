"""The smoothed line is what its formula says, and what is drawn of many points is what they would draw."""

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


def test_the_outline_of_many_points_keeps_their_extremes_and_ends() -> None:
    values = np.random.default_rng(0).normal(size=10_007)
    values[5000], values[7000] = 99.0, np.nan
    curve = Curve()
    curve.extend(np.arange(len(values), dtype=float), values)
    x, y = curve.outline(blocks=100)
    assert len(x) == len(y) < 320
    assert (np.diff(x) > 0).all()
    assert x[0] == 0
    assert x[-1] == 10_006
    assert np.nanmax(y) == 99.0
    assert np.nanmin(y) == np.nanmin(values)
    assert abs(x[np.nanargmax(y)] - 5000) < 100


def test_the_outline_of_a_part_is_every_point_of_it_and_its_neighbours() -> None:
    curve = Curve()
    curve.extend(np.arange(10_000.0), np.arange(10_000.0))
    x, y = curve.outline(100.5, 200.5, blocks=100)
    np.testing.assert_array_equal(x, np.arange(100.0, 202.0))
    np.testing.assert_array_equal(y, x)
