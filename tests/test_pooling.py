"""What lib.pooling promises, by hand."""

import doctest

import numpy as np
import pytest
import torch

from lib import pooling as pooling_module
from lib.encoders import masked_mean
from lib.pooling import POOLS, cls, largest, last, mean, unit_rows

STATES = torch.tensor(
    [
        [[1.0, -2.0], [3.0, -6.0], [50.0, 50.0], [50.0, 50.0]],  # padded behind
        [[50.0, 50.0], [50.0, 50.0], [1.0, -2.0], [3.0, -6.0]],  # padded before
        [[7.0, 7.0], [1.0, 1.0], [4.0, 0.0], [0.0, 8.0]],
    ]
)
KEPT = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]).bool()


@pytest.mark.parametrize(
    ("pool", "rows"),
    [
        (mean, [[2, -4], [2, -4], [3, 4]]),
        (cls, [[1, -2], [1, -2], [7, 7]]),
        (last, [[3, -6], [3, -6], [0, 8]]),
        (largest, [[3, -2], [3, -2], [7, 8]]),
    ],
)
def test_padding_on_either_side_does_not_count(pool, rows):
    assert pool(STATES, KEPT).tolist() == rows
    assert pool(STATES, KEPT.float()).tolist() == rows


@pytest.mark.parametrize("pool", [mean, cls, last, largest])
def test_a_text_without_tokens_is_zero(pool):
    none = torch.zeros(3, 4, dtype=torch.bool)
    assert pool(STATES, none).tolist() == [[0, 0]] * 3


def test_tokens_can_weigh_differently():
    weights = torch.tensor([[3.0, 1.0, 0.0, 0.0]])
    assert mean(STATES[:1], weights).tolist() == [[1.5, -3.0]]
    small = torch.tensor([[1e-6, 1e-6, 0.0, 0.0]])
    assert mean(STATES[:1], small).tolist() == [[pytest.approx(2), pytest.approx(-4)]]


def test_the_mean_is_that_of_chapter_1():
    states = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mean(states, KEPT), masked_mean(states, KEPT))


def test_pools_by_name():
    assert {"mean": mean, "cls": cls, "last": last, "max": largest} == POOLS


def test_rows_are_brought_to_length_1_and_zero_stays_zero():
    X = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]]))
    assert X.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0], [-1, 0]]
    assert X.dtype == np.float32
    assert unit_rows(np.zeros((0, 3))).shape == (0, 3)


def test_the_examples_are_true():
    failed, tried = doctest.testmod(pooling_module)
    assert tried
    assert not failed
