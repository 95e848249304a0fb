"""The smoothed line is what its formula says, and what is drawn of many points is what they would draw."""

import numpy as np

from studio.core.steps import Column
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
    curve.set_smoothing(0.9)
    np.testing.assert_allclose(curve.smoothed, expected, atol=1e-9)


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


def test_the_outline_of_very_many_points_is_the_same_as_of_them_taken_one_by_one() -> None:
    values = np.random.default_rng(1).normal(size=100_003)
    values[777] = np.nan
    curve, at = Curve(), 0
    for size in (1, 63, 64, 65, 30_000, 69_810):
        curve.extend(np.arange(at, at + size, dtype=float), values[at : at + size])
        at += size
    x, y = curve.outline(blocks=100)
    size = 960  # 1,000 points a block, in stretches of 64
    whole = 104 * size
    stretches = values[:whole].reshape(-1, size)
    np.testing.assert_array_equal(y[0:208:2], np.nanmin(stretches, axis=1))
    np.testing.assert_array_equal(y[1:208:2], np.nanmax(stretches, axis=1))
    np.testing.assert_array_equal(y[208:], values[whole:])
    assert (np.diff(x) > 0).all()


def test_the_trend_ends_where_the_curve_does() -> None:
    curve = Curve(0.5)
    curve.extend(np.arange(1001.0), np.arange(1001.0))
    x, y = curve.trend(points=10)
    assert x[0] == 0
    assert x[-1] == 1000
    assert len(x) == len(y) <= 12
    assert y[-1] == curve.smoothed[-1]


def test_a_curve_that_goes_back_goes_on_as_if_it_had_never_been_further() -> None:
    values = np.random.default_rng(2).normal(size=5000)
    gone, plain, x = Curve(0.9), Curve(0.9), np.arange(5000.0)
    gone.extend(x, -values)
    gone.cut(0)
    gone.extend(x[:3001], values[:3001])
    gone.extend(x[3001:], 1 - values[3001:])
    gone.cut(3001)
    gone.extend(x[3001:], values[3001:])
    plain.extend(x, values)
    np.testing.assert_array_equal(gone.y, values)
    np.testing.assert_allclose(gone.smoothed, plain.smoothed, atol=1e-12)
    for ours, theirs in zip(gone.outline(blocks=10), plain.outline(blocks=10), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_curves_share_the_columns_of_others() -> None:
    x, y, empty = Column(), Column(), Column()
    curve, untold = Curve(None, x, y), Curve(None, x, empty)
    x.extend(np.arange(3.0))
    y.extend([5.0, 6.0, 7.0])
    assert len(curve) == 0, "nobody has told it"
    curve.advance()
    untold.advance()
    assert (curve.x.tolist(), curve.y.tolist(), len(untold)) == ([0, 1, 2], [5, 6, 7], 0)
    assert len(curve.smoothed) == 0
    untold.cut(2)
    curve.cut(2)
    assert (len(curve), len(x), len(y)) == (2, 2, 2)


def test_means_are_those_of_all_points_in_sight() -> None:
    curve = Curve(None)
    curve.extend(np.arange(1005.0), np.arange(1005.0) % 2)
    x, y = curve.means(blocks=100)
    assert len(x) == len(y) == 101
    np.testing.assert_allclose(y[:100], 0.5)
    assert y[-1] == curve.y[1000:].mean()
    assert (x[0], x[-1]) == (4.0, 1002.0)
    x, y = curve.means(10.0, 20.0, blocks=100)
    np.testing.assert_array_equal(x, np.arange(9.0, 22.0))
    np.testing.assert_array_equal(y, x % 2)
    assert [len(part) for part in Curve(None).means()] == [0, 0]
