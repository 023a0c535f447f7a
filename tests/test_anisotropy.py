"""Anisotropy is a mean cosine, its parts add up, and repairs do what their names say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.anisotropy import (
    anisotropy,
    centre,
    contributions,
    nothing,
    remove_top,
    rogue,
    standardise,
    whiten,
)
from lib.evaluate import cosine_matrix, upper_triangle


def cloud(n, d, seed=0, mean=0.0):
    """A slanted cloud of points: each direction has another spread."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ (np.diag(np.arange(1.0, d + 1)) @ _turn(d, rng)) + mean


def _turn(d, rng):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


# Anisotropy


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 1000))
def test_anisotropy_is_the_mean_cosine_of_all_pairs(n, d, seed):
    X = cloud(n, d, seed, mean=1.0)
    assert anisotropy(X) == pytest.approx(upper_triangle(cosine_matrix(X)).mean(), abs=1e-9)


def test_the_contributions_of_the_dimensions_add_up_to_the_anisotropy():
    X = cloud(40, 7, mean=2.0)
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    i, j = np.triu_indices(40, 1)
    assert contributions(X) == pytest.approx((U[i] * U[j]).mean(axis=0))
    assert contributions(X).sum() == pytest.approx(anisotropy(X))


def test_directions_spread_evenly_have_none_and_equal_ones_have_one():
    evenly = np.random.default_rng(0).normal(size=(4000, 20))
    assert abs(anisotropy(evenly)) < 0.01
    assert anisotropy(np.ones((5, 3))) == pytest.approx(1)


def test_the_length_of_vectors_does_not_matter():
    X = cloud(20, 5, mean=3.0)
    lengths = np.linspace(0.1, 50, 20)[:, None]
    assert anisotropy(X * lengths) == pytest.approx(anisotropy(X))


def test_one_large_constant_number_is_found_as_rogue():
    X = np.random.default_rng(0).normal(size=(500, 30))
    X[:, 11] += 25
    which, part = rogue(X, k=1)
    assert which.tolist() == [11]
    assert 0.95 < part < 1.05
    assert abs(anisotropy(np.delete(X, 11, axis=1))) < 0.02 < anisotropy(X)


def test_rogue_dimensions_come_largest_first():
    X = np.random.default_rng(1).normal(size=(300, 10)) + np.arange(10)
    assert rogue(X, k=3)[0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.zeros((3, 2)), np.full((3, 2), np.nan)])
def test_vectors_without_a_direction_are_refused(X):
    with pytest.raises(ValueError, match=r"row"):
        anisotropy(X)


@pytest.mark.parametrize("k", [0, 4])
def test_there_are_no_more_rogue_dimensions_than_dimensions(k):
    with pytest.raises(ValueError, match=f"k = {k}"):
        rogue(cloud(9, 3), k=k)


# Repairs


def test_centring_takes_the_mean_of_the_background_off_and_not_that_of_what_it_repairs():
    B, X = cloud(50, 4, 0, mean=3.0), cloud(20, 4, 1, mean=7.0)
    assert centre(B)(X) == pytest.approx(X - B.mean(axis=0))
    assert np.abs(centre(B)(X).mean(axis=0)).max() > 1


def test_centring_by_hand():
    X = np.array([[3.0, 1.0], [3.0, -1.0]])
    assert anisotropy(X) == pytest.approx(0.8)
    assert anisotropy(centre(X)(X)) == pytest.approx(-1)


def test_nothing_changes_nothing():
    X = cloud(10, 3)
    assert np.array_equal(nothing(X)(X), X)


def test_standardised_numbers_have_mean_zero_and_spread_one():
    B = cloud(200, 6, mean=5.0)
    Z = standardise(B)(B)
    assert Z.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-9)
    assert Z.std(axis=0) == pytest.approx(np.ones(6))


def test_a_number_that_never_changes_is_dropped_by_standardising():
    B = np.column_stack([np.arange(5.0), np.full(5, 4.0)])
    assert standardise(B)(B)[:, 1].tolist() == [0] * 5


def test_a_number_that_was_switched_off_does_not_come_back_by_standardising():
    silent = cloud(50, 1, seed=1) * 1e-9
    B = np.column_stack([cloud(50, 2), silent])
    assert (standardise(B)(B)[:, 2] == 0).all()
    assert standardise(B)(B)[:, :2].std(axis=0) == pytest.approx(np.ones(2))


def test_the_top_directions_are_gone_and_the_others_untouched():
    B = cloud(400, 6, mean=5.0)
    V = np.linalg.eigh(np.cov(B.T))[1]
    left = remove_top(B, 2)(B) @ V[:, ::-1]  # along the principal directions
    assert np.abs(left[:, :2]).max() < 1e-9
    assert left[:, 2:] == pytest.approx(((B - B.mean(axis=0)) @ V[:, ::-1])[:, 2:])
    assert remove_top(B, 2).rank == 4


def test_taking_off_no_direction_is_centring():
    B = cloud(30, 4, mean=2.0)
    assert remove_top(B, 0)(B) == pytest.approx(centre(B)(B))


@pytest.mark.parametrize("k", [-1, 4])
def test_one_direction_must_be_left(k):
    with pytest.raises(ValueError, match=f"k = {k}"):
        remove_top(cloud(9, 4), k)


def test_whitened_vectors_have_the_identity_as_covariance():
    B = cloud(500, 5, mean=3.0)
    assert np.cov(whiten(B)(B).T, bias=True) == pytest.approx(np.eye(5), abs=1e-9)


def test_whitening_turns_nothing():
    matrix = whiten(cloud(500, 5)).matrix
    assert matrix == pytest.approx(matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_what_was_whitened_before_stays_as_it_is():
    B = cloud(500, 5)
    W = whiten(B)(B)
    assert whiten(W)(W) == pytest.approx(W)


def test_a_flat_direction_is_dropped_and_not_blown_up():
    B = cloud(300, 5)
    B = B - B.mean(axis=1, keepdims=True)  # as layer norm does
    B += 1e-7 * np.random.default_rng(0).normal(size=B.shape)
    found = whiten(B)
    assert found.rank == 4
    assert np.abs(found(B)).max() < 10
    assert np.abs(found(B).sum(axis=1)).max() < 1e-4


def test_a_repair_refuses_vectors_of_another_length():
    with pytest.raises(ValueError, match="learnt from 4 numbers, got 3"):
        centre(cloud(9, 4))(cloud(9, 3))


def test_nothing_can_be_learnt_from_one_row_or_from_equal_ones():
    with pytest.raises(ValueError, match="two finite rows"):
        centre(np.ones((1, 3)))
    with pytest.raises(ValueError, match="the same"):
        whiten(np.ones((4, 3)))
