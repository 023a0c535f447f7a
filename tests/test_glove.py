from itertools import combinations_with_replacement

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix, random_array

import lib.glove as module
from lib.glove import GloVe, adagrad_step, loss_and_gradients, weight


def rng(seed=0):
    return np.random.default_rng(seed)


def some_counts(size=70, *, symmetric=False, density=0.2, seed=1):
    X = random_array((size, size), density=density, rng=rng(seed), format="csr") * 50
    return csr_matrix(X + X.T if symmetric else X)


def glove(counts, d=5, seed=0, **settings):
    return GloVe(counts, d, rng=rng(seed), **settings)


def parameters(model):
    return [
        part.copy()
        for part in (model.words, model.contexts, model.word_biases, model.context_biases)
    ]


def same(a, b):
    return all((x == y).all() for x, y in zip(parameters(a), parameters(b), strict=True))


# The weight and the loss


def test_a_weight_grows_to_one_and_stays_there():
    assert weight([0, 100, 101, 1e9], x_max=100).tolist() == [0, 1, 1, 1]
    assert weight(1 / 16, x_max=1) == pytest.approx(1 / 8)  # 16 ** -(3/4)
    assert weight(9, x_max=36, alpha=0.5) == pytest.approx(0.5)


def test_the_loss_by_hand():
    W, C = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])
    X = np.array([[np.e**2]])  # prediction 1 + 0.5 + 0.25, error -0.25
    J, gradients = loss_and_gradients(
        W, C, np.array([0.5]), np.array([0.25]), X, x_max=2 * np.e**2, alpha=1
    )
    np.testing.assert_allclose(J, 0.5 * 0.25**2)
    by_prediction = 2 * 0.5 * -0.25
    assert gradients[0] == pytest.approx(by_prediction * C)
    assert gradients[1] == pytest.approx(by_prediction * W)
    assert gradients[2] == gradients[3] == pytest.approx(by_prediction)


def test_the_gradients_are_finite_differences():
    V, d = 6, 3
    X = some_counts(V, density=0.6).toarray()
    shapes = [(V, d), (V, d), (V,), (V,)]
    sizes = np.cumsum([np.prod(shape) for shape in shapes])

    def unpacked(flat):
        parts = np.split(flat, sizes[:-1])
        parts = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return loss_and_gradients(*parts, X, x_max=20, alpha=0.75)

    def loss(flat):
        return unpacked(flat)[0]

    def gradient(flat):
        return np.concatenate([part.ravel() for part in unpacked(flat)[1]])

    point = rng(3).standard_normal(sizes[-1])
    assert check_grad(loss, gradient, point) < 1e-4 * np.linalg.norm(gradient(point))


def test_unseen_pairs_add_nothing_to_the_loss():
    ones = np.ones((2, 1)), np.ones((2, 1)), np.ones(2), np.ones(2)
    J, gradients = loss_and_gradients(*ones, np.zeros((2, 2)), x_max=1, alpha=1)
    assert J == 0 and not any(part.any() for part in gradients)


# One step


def test_a_step_by_hand():
    w, c = np.array([1.0, 2.0, 0.5]), np.array([3.0, -1.0, 0.25])  # the last is the bias
    w_squares, c_squares = np.array([4.0, 1.0, 1.0]), np.array([1.0, 1.0, 9.0])
    # error = 3 - 2 + 0.5 + 0.25 - 1.25 = 0.5, g = 0.2 * 0.5 = 0.1
    part = adagrad_step(w, c, w_squares, c_squares, log_x=1.25, f=0.2, rate=0.5)
    assert part == pytest.approx(0.05)
    assert w == pytest.approx([1 - 0.5 * 0.3 / 2, 2 + 0.5 * 0.1, 0.5 - 0.5 * 0.1])
    assert c == pytest.approx([3 - 0.5 * 0.1, -1 - 0.5 * 0.2, 0.25 - 0.5 * 0.1 / 3])
    assert w_squares == pytest.approx([4 + 0.09, 1.01, 1.01])
    assert c_squares == pytest.approx([1.01, 1.04, 9.01])


def test_a_first_step_follows_half_the_gradient():
    X = np.zeros((3, 3))
    X[0, 2] = 7.0
    model = glove(csr_matrix(X), d=2, rate=0.3, start=4.0, x_max=10)
    before = parameters(model)
    parts = [part.astype(float) for part in before]
    J, gradients = loss_and_gradients(*parts, X, x_max=10, alpha=0.75)
    model.train(1)
    assert model.losses == [pytest.approx(J, rel=1e-5)]
    for old, new, gradient in zip(before, parameters(model), gradients, strict=True):
        np.testing.assert_allclose(new, old - 0.3 * gradient / 2 / np.sqrt(4), atol=1e-6)


# Training


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_compiled_passes_are_the_plain_ones(symmetric):
    counts = some_counts(symmetric=symmetric)
    compiled, plain = glove(counts), glove(counts)
    compiled.train(3)
    plain.train(3, compiled=False)
    np.testing.assert_allclose(compiled.losses, plain.losses, rtol=1e-5)
    for a, b in zip(parameters(compiled), parameters(plain), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(compiled._P, plain._P, rtol=1e-5, atol=1e-6)


def test_the_plain_passes_are_steps_on_a_table_of_vectors(monkeypatch):
    counts = some_counts(40)
    model = glove(counts, rate=0.1, x_max=20, alpha=0.5, start=2.0)
    W, C, b, b_context = (part.astype(float) for part in parameters(model))
    squares = [np.full_like(part, 2.0) for part in (W, C, b, b_context)]
    for i, j, log_x, f in visits(model, monkeypatch):
        g = f * (W[i] @ C[j] + b[i] + b_context[j] - log_x)
        moves = [(W, i, g * C[j]), (C, j, g * W[i]), (b, i, g), (b_context, j, g)]
        for (part, row, gradient), sums in zip(moves, squares, strict=True):
            part[row] -= 0.1 * gradient / np.sqrt(sums[row])
            sums[row] += gradient**2
    for expected, found in zip((W, C, b, b_context), parameters(model), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def visits(model, monkeypatch):
    """Train one plain pass, and return every (word, context, log x, f) in its order."""
    seen = []
    plain = module._sweep_plainly

    def spy(P, left, right, logs, weights, rate):
        for i, j, log_x, f in zip(left, right, logs, weights, strict=True):
            seen.extend([(i, j, log_x[0], f[0]), (j, i, log_x[1], f[1])])
        return plain(P, left, right, logs, weights, rate)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_sweep_plainly", spy)
        model.train(1, compiled=False)
    return [visit for visit in seen if visit[3] > 0]


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_pass_visits_every_count_once_with_its_logarithm_and_weight(symmetric, monkeypatch):
    counts = some_counts(90, symmetric=symmetric, density=0.1)
    model = glove(counts, x_max=30, alpha=0.6)
    seen = visits(model, monkeypatch)
    assert len(seen) == len({(i, j) for i, j, _, _ in seen}) == counts.nnz == model.updates
    for i, j, log_x, f in seen:
        assert log_x == pytest.approx(np.log(counts[i, j]), rel=1e-5, abs=1e-6)
        assert f == pytest.approx(min(1, (counts[i, j] / 30) ** 0.6), rel=1e-5)


def test_the_order_is_drawn_anew_in_every_pass(monkeypatch):
    model = glove(some_counts(90))
    one, two = ([visit[:2] for visit in visits(model, monkeypatch)] for _ in range(2))
    assert one != two and set(one) == set(two)
    assert one != sorted(one)


def test_the_loss_of_a_pass_is_the_mean_over_the_counts():
    counts = some_counts(40)
    model = glove(counts, rate=1e-9)
    parts = [part.astype(float) for part in parameters(model)]
    J, _ = loss_and_gradients(*parts, counts.toarray(), x_max=10, alpha=0.75)
    model.train(2)
    assert model.losses == [pytest.approx(J / counts.nnz, rel=1e-4)] * 2


def test_with_enough_dimensions_the_products_become_the_logarithms():
    counts = some_counts(12, symmetric=True)
    model = glove(counts, d=12, rate=0.3, x_max=1e-3).train(400)
    products = model.words @ model.contexts.T + model.word_biases[:, None] + model.context_biases
    i, j = counts.nonzero()
    np.testing.assert_allclose(products[i, j], np.log(counts.toarray()[i, j]), atol=0.02)
    assert model.losses[-1] < 1e-4 < model.losses[0]


def test_the_settings_have_these_defaults():
    counts = some_counts()
    named = glove(counts, d=100, x_max=10, alpha=0.75, rate=0.2, start=1)
    assert same(GloVe(counts, rng=rng()).train(2), named.train(2))


def test_training_starts_from_small_even_numbers():
    model = glove(some_counts(200), d=10, start=3.0)
    for part in parameters(model):
        assert abs(part).max() <= 0.05 and part.std() == pytest.approx(0.1 / 12**0.5, rel=0.1)
    assert not np.array_equal(model.words, model.contexts)
    assert (model._P[:, 2:] == 3).all()


def test_a_seed_and_the_counts_fix_every_bit_whatever_the_number_of_threads():
    counts = some_counts(300, symmetric=True)
    one = glove(counts, d=20).train(4)
    for threads in (1, 2, 5):
        other = glove(counts, d=20).train(4, threads=threads)
        assert same(one, other) and one.losses == other.losses
    assert not same(one, glove(counts, d=20, seed=1).train(4))


def test_no_two_tiles_of_a_round_share_a_block_and_all_tiles_come():
    rounds = module._rounds()
    for tiles in rounds:
        blocks = [block for pair in tiles for block in set(pair)]
        assert len(blocks) == len(set(blocks)) == module.BLOCKS
    every = sorted(pair for tiles in rounds for pair in tiles)
    assert every == sorted(combinations_with_replacement(range(module.BLOCKS), 2))


def test_an_interrupted_run_leaves_vectors_and_goes_on_where_it_stopped():
    counts = some_counts()
    model = glove(counts)

    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.train(5, progress=stop)
    assert same(model, glove(counts).train(2)) and np.isfinite(model.vectors()).all()
    straight = glove(counts).train(5)
    assert same(model.train(3), straight) and model.losses == straight.losses


def test_progress_tells_pass_loss_and_updates():
    counts = some_counts()
    told = []
    model = glove(counts).train(2, progress=told.append)
    model.train(1, progress=told.append)
    assert [one.epoch for one in told] == [1, 2, 3]
    assert [one.loss for one in told] == model.losses
    assert all(one.updates == counts.nnz and one.seconds > 0 for one in told)


def test_a_loss_that_explodes_is_an_error():
    with pytest.raises(FloatingPointError, match=r"lower rate than 1000000000000000"):
        glove(some_counts(), rate=1e15).train(20)


def test_vectors_are_the_sum_by_default_and_a_copy():
    model = glove(some_counts()).train(1)
    np.testing.assert_array_equal(model.vectors(), model.words + model.contexts)
    for which, part in [("words", model.words), ("contexts", model.contexts)]:
        vectors = model.vectors(which)
        np.testing.assert_array_equal(vectors, part)
        assert vectors.shape == (70, 5) and vectors.dtype == np.float32
        assert not np.shares_memory(vectors, part)
    with pytest.raises(ValueError, match="mean"):
        model.vectors("mean")


def test_the_counts_stay_as_they_were():
    counts = csr_matrix((np.array([1.0, 2.0, 3.0]), np.array([1, 1, 0]), np.array([0, 2, 3])))
    model = glove(counts)
    assert counts.nnz == 3 and model.updates == 2  # one was stored in two parts
    assert model._logs.max() == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("counts", "settings", "message"),
    [
        ([[1, 2]], {}, "shape"),
        ([[0, 0], [0, 0]], {}, "counts"),
        ([[3, -1], [0, 0]], {}, "counts"),
        ([[3, np.nan], [0, 0]], {}, "counts"),
        ([[3, np.inf], [0, 0]], {}, "counts"),
        ([[1]], {"d": 0}, "dimensions = 0"),
        ([[1]], {"rate": 0}, "rate = 0"),
        ([[1]], {"x_max": -1}, "x_max = -1"),
        ([[1]], {"alpha": 0}, "alpha = 0"),
        ([[1]], {"start": 0}, "start = 0"),
    ],
)
def test_what_cannot_be_trained_on_is_named(counts, settings, message):
    with pytest.raises(ValueError, match=message):
        glove(csr_matrix(np.array(counts, dtype=float)), **settings)
