"""The independent evaluations that the other tests compare with, checked against plainer ones."""

import numpy as np
import pytest
import skimage.measure

import brute
from expected import ORIGIN, SPACING, Tracing, components

SKELETON = b"""# soma, a branch with an apical part, a loose axon, an end of unknown type
1 1 3.0 3.0 2.0 1.1 -1
2 3 4.4 3.2 2.2 0.3 1
3 3 5.0 4.0 2.9 0.114 2
4 4 5.0 2.4 1.2 0.5 2
5 6 6.0 5.0 3.5 0.1144 3
10 2 1.144 5.72 1.12 0.1144 -1
11 2 2.288 6.0 3.0 0.2 10
12 0 3.0 6.1 3.1 0.2 11
"""


def test_windows_of_a_tracing_are_parts_of_the_whole():
    shape = (16, 70, 66)
    whole = brute.label_volume(SKELETON, shape, SPACING, ORIGIN)
    assert set(np.unique(whole)) == {0, 1, 2, 3, 4, 255}
    tracing = Tracing(SKELETON)
    assert np.array_equal(tracing.window((0, 0, 0), shape), whole)
    random = np.random.default_rng(1)
    for _ in range(40):
        start = [int(random.integers(0, side)) for side in shape]
        size = [int(random.integers(1, side - first + 1)) for side, first in zip(shape, start)]
        part = tuple(slice(first, first + length) for first, length in zip(start, size))
        assert np.array_equal(tracing.window(start, size), whole[part])


@pytest.mark.parametrize("density", [0.005, 0.03, 0.1])
def test_components_are_those_of_scikit_image(density):
    volume = np.random.default_rng(2).random((20, 31, 33)) < density
    assert components(np.argwhere(volume)) == skimage.measure.label(volume, connectivity=3).max()
