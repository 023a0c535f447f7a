"""Chapter 11, transformers: attention, layer norm, the mean cosine, top directions."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


def _softmax(scores, axis=-1):
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class OneHead(Exercise):
    """One head of attention.

    q (T, d), k (T, d) and v (T, m) hold what T tokens ask, offer and pass on.
    Each token scores every token by the product of its query and that one's
    key over the root of d; the softmax of its scores are its weights. Return
    the weighted means of the values: (T, m).
    """

    hints = (
        "All scores at once are one matrix product: (T, d) times (d, T).",
        "Row t of the scores belongs to the token that asks: softmax along the rows.",
        "`weights @ v`, with the weights from `np.exp` over its sum by row.",
    )

    def solution(q, k, v):  # (T, d), (T, d), (T, m) -> (T, m)
        scores = q @ k.T / np.sqrt(q.shape[1])
        # your code
        weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        mixed = weights @ v
        # end of your code
        return mixed

    @misconception("lets the weights of a column add up to 1")
    def _(q, k, v):
        return _softmax(q @ k.T / np.sqrt(q.shape[1]), axis=0) @ v

    hint = "Whoever asks divides up one unit of attention: each row adds up to 1."

    @misconception("takes the scores themselves for weights")
    def _(q, k, v):
        return (q @ k.T / np.sqrt(q.shape[1])) @ v

    hint = "Scores may be negative. Weights come from a softmax."

    @misconception("forgets to divide by the sum")
    def _(q, k, v):
        return np.exp(q @ k.T / np.sqrt(q.shape[1])) @ v

    hint = "A mean needs weights that add up to 1."

    @misconception("takes the value of the best key alone")
    def _(q, k, v):
        return v[(q @ k.T).argmax(axis=1)]

    hint = "Softmax is soft: every token gives something."

    def cases():
        rng = np.random.default_rng(0)
        q = np.array([[1.0], [0.0], [0.0]])
        k = np.array([[0.0], [0.0], [np.log(2)]])
        return {
            "bank of river, by hand": (q, k, np.array([[0.0], [4.0], [8.0]])),
            "three tokens": tuple(rng.normal(size=(3, 3, 4))),
            "values of another length": (
                rng.normal(size=(4, 2)),
                rng.normal(size=(4, 2)),
                rng.normal(size=(4, 5)),
            ),
        }


class NormaliseLayer(Exercise):
    """Layer norm.

    x (T, d) holds a state of each of T tokens, weight (d,) and bias (d,) are
    learnt. Bring each token's numbers to mean 0 and variance 1 (over d, not
    d - 1), then scale them by the weight and shift them by the bias. Return
    (T, d).
    """

    hints = (
        "Mean and variance are of one token's numbers, not of one number over tokens.",
        "`axis=1, keepdims=True` keeps a column that can be subtracted.",
        "`(x - mean) / np.sqrt(variance) * weight + bias`.",
    )

    def solution(x, weight, bias):  # (T, d), (d,), (d,) -> (T, d)
        # your code
        centred = x - x.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True))
        out = centred / spread * weight + bias
        # end of your code
        return out

    @misconception("takes mean and variance over the tokens")
    def _(x, weight, bias):
        centred = x - x.mean(axis=0)
        return centred / np.sqrt((centred**2).mean(axis=0) + 1e-12) * weight + bias

    hint = "That is batch norm: a token would change when its neighbours do."

    @misconception("divides by the variance, not its root")
    def _(x, weight, bias):
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / (centred**2).mean(axis=1, keepdims=True) * weight + bias

    hint = "To get the variance 1, divide by the standard deviation."

    @misconception("divides by d - 1")
    def _(x, weight, bias):
        return (x - x.mean(axis=1, keepdims=True)) / x.std(
            axis=1, ddof=1, keepdims=True
        ) * weight + bias

    hint = "Layer norm's variance is the plain mean of squares, over d."

    @misconception("brings the length to 1 instead of the variance")
    def _(x, weight, bias):
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.linalg.norm(centred, axis=1, keepdims=True) * weight + bias

    hint = "Variance 1 means a length of root d, not of 1."

    def cases():
        rng = np.random.default_rng(1)
        return {
            "by hand": (
                np.array([[1.0, 3.0], [0.0, 10.0]]),
                np.array([1.0, 2.0]),
                np.array([0.0, 5.0]),
            ),
            "three tokens": (rng.normal(size=(3, 5)), np.ones(5), np.zeros(5)),
            "learnt scale": (rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)),
        }


class MeanCosine(Exercise):
    """The anisotropy of a set of vectors.

    X (n, d) holds n vectors, none of them zero. Return the mean cosine of all
    pairs of different rows, one number, without a loop over pairs.
    """

    hints = (
        "Bring the rows to length 1 first.",
        "The square of the length of the sum of unit rows is the sum over all ordered pairs.",
        "Take off the n pairs of a row with itself, then divide by n (n - 1).",
    )

    def solution(X):  # (n, d) -> float
        U = X / np.linalg.norm(X, axis=1, keepdims=True)
        n = len(U)
        # your code
        total = (U.sum(axis=0) ** 2).sum() - n
        mean = total / (n * (n - 1))
        # end of your code
        return float(mean)

    @misconception("counts each row with itself")
    def _(X):
        U = X / np.linalg.norm(X, axis=1, keepdims=True)
        return float((U @ U.T).mean())

    hint = "A vector has the cosine 1 with itself, which says nothing: leave the diagonal out."

    @misconception("forgets to bring the rows to length 1")
    def _(X):
        n = len(X)
        return float(((X.sum(axis=0) ** 2).sum() - (X**2).sum()) / (n * (n - 1)))

    hint = "A cosine is a product of unit vectors."

    @misconception("takes the cosine with the mean vector")
    def _(X):
        U = X / np.linalg.norm(X, axis=1, keepdims=True)
        m = U.mean(axis=0)
        return float((U @ m).mean() / np.linalg.norm(m)) if m.any() else 0.0

    hint = "Pairs of rows are asked for, not each row beside the mean."

    def cases():
        rng = np.random.default_rng(2)
        return {
            "two at a right angle, one between": (np.array([[1.0, 0], [1, 1], [0, 2]]),),
            "lengths differ": (rng.normal(size=(6, 3)) * np.arange(1, 7)[:, None] + 1,),
            "two rows": (np.array([[3.0, 4.0], [4.0, 3.0]]),),
        }


class WithoutTop(Exercise):
    """Take off what a background has in common.

    background (m, d) holds vectors from which is learnt, X (n, d) those to be
    repaired. Take the mean of the background off X, and then of each row what
    lies along the k directions in which the background, centred, varies most.
    Return (n, d).
    """

    hints = (
        "The principal directions are the first rows that `np.linalg.svd` returns last.",
        "Centre the background before you ask for its directions.",
        "`Z - Z @ top.T @ top` takes off what lies along the rows of top.",
    )

    def solution(background, X, k):  # (m, d), (n, d), int -> (n, d)
        mean = background.mean(axis=0)
        directions = np.linalg.svd(background - mean, full_matrices=False)[2]
        # your code
        top = directions[:k]
        Z = X - mean
        repaired = Z - Z @ top.T @ top
        # end of your code
        return repaired

    @misconception("keeps the top directions and drops the rest")
    def _(background, X, k):
        mean = background.mean(axis=0)
        top = np.linalg.svd(background - mean, full_matrices=False)[2][:k]
        return (X - mean) @ top.T @ top

    hint = "That is what PCA keeps. Here it is what has to go."

    @misconception("takes off the mean of X, not that of the background")
    def _(background, X, k):
        top = np.linalg.svd(background - background.mean(axis=0), full_matrices=False)[2][:k]
        Z = X - X.mean(axis=0)
        return Z - Z @ top.T @ top

    hint = "What is judged must not help to judge itself: learn from the background alone."

    @misconception("subtracts the directions and not what lies along them")
    def _(background, X, k):
        mean = background.mean(axis=0)
        top = np.linalg.svd(background - mean, full_matrices=False)[2][:k]
        return X - mean - top.sum(axis=0)

    hint = "Each row has its own amount along a direction: the product of the two."

    def cases():
        rng = np.random.default_rng(3)
        B = np.array([[10.0, 1.0], [-8.0, 1.0], [10.0, 3.0], [-8.0, 3.0]])
        slanted = rng.normal(size=(40, 5)) * np.array([9.0, 6.0, 2.0, 1.0, 0.5]) + 3
        return {
            "a wide first axis": (B, np.array([[4.0, 7.0], [1.0, 0.0]]), 1),
            "two of five": (slanted, rng.normal(size=(3, 5)), 2),
            "one of five": (slanted, rng.normal(size=(4, 5)) + 5, 1),
        }


without_places = Question(
    "Take the position vectors out of MiniLM, and give it *dog bites man* and *man bites dog*. "
    "The mean of its token vectors in the top layer will be ...",
    (
        Option(
            "the same for both, up to rounding",
            "Attention, norms and the small network know no order. Without positions a "
            "transformer reads a bag of words, however many layers it has.",
            right=True,
        ),
        Option(
            "different, since every word looks at every other",
            "It looks at each by what it is, and nothing says where it stands.",
        ),
        Option(
            "the same in layer 0, and different from layer 1 on",
            "If layer 0 is the same up to order, so is what each block makes of it.",
        ),
    ),
)

random_words = Question(
    "Draw two words at random from different texts, and take their vectors from a layer of "
    "MiniLM. In which layer is their mean cosine the largest?",
    (
        Option(
            "In layer 0, where there is no context yet",
            "There, words differ most: their mean cosine is close to zero.",
        ),
        Option(
            "In the top layer, 6, for it grows all the way up",
            "It grows up to layer 5, and then falls back to where it began. The top layer is the "
            "one that was trained to tell sentences apart.",
        ),
        Option(
            "In layer 5, the last but one",
            "About one fifth. A few dimensions make most of it, and the top layer is free of them.",
            right=True,
        ),
    ),
)

best_senses = Question(
    "A word with two senses stands in eight sentences. In which layers of MiniLM is the nearest "
    "of the other seven most often one of the same sense?",
    (
        Option(
            "The top layer stands out, since meaning is highest up",
            "Its count is no better than that of the layers below, and in our sentences it is "
            "lower than in the middle.",
        ),
        Option(
            "All layers above 0 are much alike, the middle ones in front by a little",
            "Six words are few: the difference between middle and top is within the noise.",
            right=True,
        ),
        Option(
            "Layer 0, which knows each word best",
            "Layer 0 has not seen the sentence. It knows the word and its place, nothing of the "
            "sense.",
        ),
    ),
)

elmo_again = Question(
    "Back to chapter 10. A state of ELMo's forward stack could be used to guess the next word. "
    "Why can a top state of MiniLM not be used so?",
    (
        Option(
            "It has already seen the next word",
            "Each token looks at all places, on either side. Whoever has seen the answer cannot "
            "be asked to guess it; so BERT is trained on words that are masked.",
            right=True,
        ),
        Option(
            "It has no softmax over words",
            "One could be added. The state would still have read what it should predict.",
        ),
        Option(
            "Its vectors are too short",
            "It has more numbers to a token than our ELMo. Length is not the matter.",
        ),
    ),
)

tfidf_again = Question(
    "Back to chapter 3. A bag of words has the same vector for a text and its shuffled words. "
    "Which part of a transformer, if taken away, would make it just as blind?",
    (
        Option(
            "The attention",
            "Then every token is on its own: the mean is a bag, too, but of words and places. "
            "A shuffled text gets other pairs of word and place.",
        ),
        Option(
            "The vectors of the positions",
            "They are the only thing in an encoder of this kind that tells one place from another.",
            right=True,
        ),
        Option(
            "The residual connections",
            "They carry each token's state upwards, at its own place, and know no order.",
        ),
    ),
)
