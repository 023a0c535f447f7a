"""Chapter 12, sentence embeddings: a weighted mean, the contrastive loss, a fair comparison."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


def _unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def _log_softmax(S):
    top = S.max(axis=1, keepdims=True)
    return S - top - np.log(np.exp(S - top).sum(axis=1, keepdims=True))


class WeightedMean(Exercise):
    """The mean of each text's tokens, each by its weight, padding left out.

    states (n, T, d) holds a vector for each token, real (n, T) is True for
    tokens and False for padding, p (n, T) says how frequent each token is, and
    a is a number. The weight of a token is a / (a + p). Return the weighted
    means, divided by the sum of the weights: (n, d).
    """

    hints = (
        "First make an (n, T) array of weights that is zero for padding.",
        "Weights need one more axis before they multiply the states.",
        "`w = real * a / (a + p)`, then divide by `w.sum(axis=1, keepdims=True)`.",
    )

    def solution(states, real, p, a):  # (n, T, d), then (n, T) twice, float
        # your code
        w = real * a / (a + p)
        means = (w[..., None] * states).sum(axis=1) / w.sum(axis=1, keepdims=True)
        # end of your code
        return means

    @misconception("lets the padding count")
    def _(states, real, p, a):
        w = a / (a + p)
        return (w[..., None] * states).sum(axis=1) / w.sum(axis=1, keepdims=True)

    hint = "Two texts, one of them padded: padding must not move the mean."

    @misconception("divides by the number of tokens")
    def _(states, real, p, a):
        w = real * a / (a + p)
        return (w[..., None] * states).sum(axis=1) / real.sum(axis=1, keepdims=True)

    hint = "With all vectors equal, their mean is that vector, whatever the weights."

    @misconception("gives the frequent tokens the large weights")
    def _(states, real, p, a):
        w = real * p / (a + p)
        return (w[..., None] * states).sum(axis=1) / w.sum(axis=1, keepdims=True)

    hint = "A token that was never seen has weight 1, the most frequent one the smallest."

    @misconception("weighs all tokens alike")
    def _(states, real, p, a):
        return (real[..., None] * states).sum(axis=1) / real.sum(axis=1, keepdims=True)

    hint = "This is the plain mean. Where does p come in?"

    def cases():
        rng = np.random.default_rng(0)
        real = np.array([[True, True, True, True], [True, True, False, False]])
        return {
            "by hand": (
                np.array([[[1.0], [4.0], [9.0]]]),
                np.array([[True, True, False]]),
                np.array([[0.0, 0.01, 0.02]]),
                0.01,
            ),
            "one frequent token among rare ones": (
                rng.normal(size=(1, 3, 2)),
                np.ones((1, 3), dtype=bool),
                np.array([[0.001, 0.06, 0.0]]),
                0.001,
            ),
            "two texts of different length": (
                rng.normal(size=(2, 4, 3)),
                real,
                rng.uniform(0, 0.05, size=(2, 4)),
                0.01,
            ),
        }


class ContrastiveLoss(Exercise):
    """The loss by which each query has to find its own answer in the batch.

    Q (n, d) and A (n, d) hold queries and answers, row i of the one belongs to
    row i of the other; t is the temperature. Score every query with every
    answer by their cosine, divided by t. Return the mean over queries of minus
    the logarithm of the right answer's share in the softmax of its row.
    """

    hints = (
        "Bring the rows of both to length 1; then one matrix product gives all cosines.",
        "The right answers stand on the diagonal, the softmax runs along a row.",
        "`S = Q @ A.T / t`; the loss is the mean of `log(exp(S).sum(axis=1)) - diag(S)`.",
    )

    def solution(Q, A, t):  # (n, d), (n, d), float -> float
        Q = Q / np.linalg.norm(Q, axis=1, keepdims=True)
        A = A / np.linalg.norm(A, axis=1, keepdims=True)
        # your code
        S = Q @ A.T / t
        loss = np.mean(np.log(np.exp(S).sum(axis=1)) - np.diag(S))
        # end of your code
        return loss

    @misconception("multiplies by the temperature")
    def _(Q, A, t):
        return -np.diag(_log_softmax(_unit(Q) @ _unit(A).T * t)).mean()

    hint = "A low temperature makes differences between cosines large."

    @misconception("leaves the right answer out of the sum")
    def _(Q, A, t):
        S = _unit(Q) @ _unit(A).T / t
        wrong = np.exp(S) * (1 - np.eye(len(S)))
        return np.mean(np.log(wrong.sum(axis=1)) - np.diag(S))

    hint = "A softmax divides by the sum over all answers, the right one too."

    @misconception("asks the answers for their queries")
    def _(Q, A, t):
        return -np.diag(_log_softmax((_unit(Q) @ _unit(A).T / t).T)).mean()

    hint = "Each query chooses among answers: the sum runs along its row."

    @misconception("only pulls the pairs together")
    def _(Q, A, t):
        return -np.diag(_unit(Q) @ _unit(A).T).mean() / t

    hint = "This is least when all vectors are the same. What keeps the others away?"

    def cases():
        rng = np.random.default_rng(1)
        return {
            "two queries, two answers": (np.eye(2), np.eye(2), 1.0),
            "an answer twice as long": (
                np.array([[1.0, 0.0], [0.6, 0.8]]),
                np.array([[2.0, 0.0], [0.0, 1.0]]),
                0.5,
            ),
            "a batch of five": (rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), 0.2),
        }


class FooledShare(Exercise):
    """How often a changed meaning is nearer than a kept one, ties as halves.

    changed (n,) holds each sentence's cosine with an edit that says something
    else, kept (n,) the cosine with one that says the same, and frame (n,) the
    number of the frame it was made from, 0 to f - 1. Cosines that differ by
    no more than 1e-5 are a tie, and count one half. Return the share of each
    frame, (f,).
    """

    hints = (
        "Begin with a one where changed is larger, and a zero elsewhere.",
        "Then write one half where the difference is at most 1e-5.",
        "`np.bincount(frame, values) / np.bincount(frame)` is the mean of each frame.",
    )

    def solution(changed, kept, frame):  # (n,), (n,), (n,) -> (f,)
        # your code
        values = np.where(np.abs(changed - kept) <= 1e-5, 0.5, changed > kept)
        shares = np.bincount(frame, values) / np.bincount(frame)
        # end of your code
        return shares

    @misconception("counts a tie as not fooled")
    def _(changed, kept, frame):
        return np.bincount(frame, changed > kept + 1e-5) / np.bincount(frame)

    hint = "A bag of words has nothing but ties. Would you say that it understands?"

    @misconception("compares without a margin for rounding")
    def _(changed, kept, frame):
        values = np.where(changed == kept, 0.5, changed > kept)
        return np.bincount(frame, values) / np.bincount(frame)

    hint = "Equal cosines rarely come out equal to the last digit."

    @misconception("counts how often it is right")
    def _(changed, kept, frame):
        values = np.where(np.abs(changed - kept) <= 1e-5, 0.5, changed < kept)
        return np.bincount(frame, values) / np.bincount(frame)

    hint = "Fooled means: the wrong one is nearer, and near means a large cosine."

    @misconception("adds up where it should average")
    def _(changed, kept, frame):
        values = np.where(np.abs(changed - kept) <= 1e-5, 0.5, changed > kept)
        return np.bincount(frame, values)

    hint = "A share lies between 0 and 1, however many sentences a frame has."

    def cases():
        rng = np.random.default_rng(2)
        changed = rng.uniform(0.8, 1, size=8)
        return {
            "one of each": (
                np.array([0.9, 0.5, 0.3]),
                np.array([0.8, 0.5 + 1e-7, 0.7]),
                np.array([0, 1, 2]),
            ),
            "all ties": (np.full(4, 0.7), np.full(4, 0.7 + 1e-8), np.array([0, 0, 1, 1])),
            "frames of two": (
                changed,
                changed + np.array([0.1, -0.1, 0, 1e-6, 2e-5, -2e-5, 0.2, 0.3]),
                np.repeat(np.arange(4), 2),
            ),
        }


no_push = Question(
    "Train vectors with the pull alone: the texts of a pair together, nothing pushed apart. What "
    "becomes of them?",
    (
        Option(
            "All texts end at nearly the same point",
            "There every pair is together, and the loss is as small as it gets. Only the push of "
            "the wrong answers forbids it.",
            right=True,
        ),
        Option(
            "Pairs meet, and other texts stay where they were",
            "Texts share words. What pulls one pair moves its words, and with them every text.",
        ),
        Option(
            "The vectors grow without end",
            "The loss reads directions alone. Length is not what changes.",
        ),
    ),
)

cold = Question(
    "Lower the temperature of the contrastive loss from 1 to a fiftieth. Which wrong answers does "
    "a query now push away?",
    (
        Option(
            "All of them, harder",
            "Shares add up to one. What one wrong answer gains, others lose.",
        ),
        Option(
            "The least similar ones",
            "They are far away already, and get the smallest shares at any temperature.",
        ),
        Option(
            "Nearly only the most similar one",
            "Differences between cosines are divided by the temperature before the softmax.",
            right=True,
        ),
    ),
)

who_bit = Question(
    "MiniLM reads *The dog bit the man*, *The man bit the dog*, *The board approved the plan* and "
    "*The board did not approve the plan*. Which change does it notice?",
    (
        Option(
            "Neither: a vector knows words, not what they say",
            "Of the two, one moves the vector further than harmless edits of the same length do.",
        ),
        Option(
            "The negation, and hardly the swap",
            "A negation brings a word, a swap brings none. The chapter measures both against "
            "harmless edits of the same length.",
            right=True,
        ),
        Option(
            "Both: its tokens know their places",
            "They do. What is averaged at the end keeps little of it.",
        ),
    ),
)

idf_again = Question(
    "Back to chapter 3. SIF weighs a word by a / (a + p), IDF by the logarithm of one over its "
    "share of documents. Where do the two differ most?",
    (
        Option(
            "Among rare words",
            "There SIF is nearly 1 for all, while IDF goes on rising, up to the typos.",
            right=True,
        ),
        Option(
            "Among the most frequent words",
            "Both bring those close to zero.",
        ),
        Option(
            "Nowhere: one is a multiple of the other",
            "One has a ceiling, the other has none.",
        ),
    ),
)

states_again = Question(
    "Back to chapter 11. A token of MiniLM's last layer has read the whole sentence. Why take the "
    "mean of all tokens all the same?",
    (
        Option(
            "The other tokens have read other parts",
            "Attention has no window: each token may read all of them.",
        ),
        Option(
            "The network was trained to be read by its mean",
            "Nothing else was ever asked of it. Another pooling reads what training left alone.",
            right=True,
        ),
        Option(
            "The first token is empty",
            "It is not: it scores, too. It was never asked to carry the sentence.",
        ),
    ),
)
