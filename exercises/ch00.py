"""Chapter 0, the primer: cosines, log-probabilities, the gradient of a logistic regression."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class CosineMatrix(Exercise):
    """The cosine of every row of A with every row of B.

    A row of zeros has cosine 0 with everything.
    """

    hints = (
        "The cosine is the dot product of two vectors that both have length 1.",
        "Give every row length 1 first: divide it by its own norm, a column of shape (n, 1).",
        "`np.linalg.norm(A, axis=1, keepdims=True)` is that column. Where it is 0, divide by 1.",
    )

    def solution(A, B):  # (n, d), (m, d) -> (n, m)
        # your code
        length_A = np.linalg.norm(A, axis=1, keepdims=True)  # (n, 1)
        length_B = np.linalg.norm(B, axis=1, keepdims=True)  # (m, 1)
        A = A / np.where(length_A == 0, 1, length_A)
        B = B / np.where(length_B == 0, 1, length_B)
        # end of your code
        return A @ B.T

    @misconception("leaves out the lengths")
    def _(A, B):
        return A @ B.T

    hint = "A vector twice as long points the same way. Does your number stay the same?"

    @misconception("divides by one length for the whole matrix")
    def _(A, B):
        return A @ B.T / (np.linalg.norm(A) * np.linalg.norm(B))

    hint = "`np.linalg.norm(A)` is a single number. How many lengths does a matrix of n rows have?"

    @misconception("measures the columns instead of the rows")
    def _(A, B):
        length_A, length_B = np.linalg.norm(A, axis=0), np.linalg.norm(B, axis=0)
        length_A, length_B = (np.where(x == 0, 1, x) for x in (length_A, length_B))
        return (A / length_A) @ (B / length_B).T

    hint = "A text is a row. `axis=0` runs down a column, through all the texts."

    @misconception("divides by the squared lengths")
    def _(A, B):
        squares = (A**2).sum(1)[:, None] * (B**2).sum(1)
        return A @ B.T / np.where(squares == 0, 1, squares)

    hint = "A length is the root of a sum of squares. What is the cosine of a vector with itself?"

    @misconception("adds a small number to the lengths")
    def _(A, B):
        lengths = np.linalg.norm(A, axis=1)[:, None] * np.linalg.norm(B, axis=1)
        return A @ B.T / (lengths + 1e-6)

    hint = (
        "Then no cosine is exact, and short vectors lose all of theirs. Treat length 0 by itself."
    )

    @misconception("divides by zero for an empty text")
    def _(A, B):
        lengths = np.linalg.norm(A, axis=1)[:, None] * np.linalg.norm(B, axis=1)
        return A @ B.T / lengths

    hint = "A row of zeros has length 0, and 0 / 0 is not a number. Decide that its cosine is 0."

    def cases():
        A = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
        wave = np.sin(np.arange(20.0)).reshape(4, 5)
        return {
            "three vectors in the plane": (A, A[:2]),
            "the second matrix ten times as long": (A, 10 * A),
            "whole numbers": (np.array([[1, 2, 2]]), np.array([[2, 0, 0], [-1, -2, -2]])),
            "more dimensions than vectors": (wave, wave[::-1] + 1),
            "very short vectors": (wave / 1e6, wave[:1] / 1e6),
            "an empty text": (np.array([[0.0, 0.0], [1.0, 1.0]]), A),
        }


class LogProbability(Exercise):
    """The natural logarithm of the probability of a text.

    `probabilities` holds one number for each word: its probability given the
    words before it. The probability of the text is their product.
    """

    hints = (
        "The logarithm turns a product into something that is easier to compute. Into what?",
        "log(p * q) = log(p) + log(q).",
        "Take `np.log` of every probability, then add.",
    )

    def solution(probabilities):  # (t,) -> a number
        return np.log(probabilities).sum()

    @misconception("multiplies first, and the product underflows")
    def _(probabilities):
        return np.log(np.prod(probabilities))

    hint = "For a long text the product is smaller than any float but 0. Take the logarithm first."

    @misconception("takes the logarithm of the sum")
    def _(probabilities):
        return np.log(np.sum(probabilities))

    hint = "The words come one after another, so their probabilities multiply. What adds up?"

    @misconception("averages over the words")
    def _(probabilities):
        return np.log(probabilities).mean() if len(probabilities) else 0.0

    hint = "A mean is per word. The whole text is less probable the longer it gets."

    @misconception("takes logarithms to base 10")
    def _(probabilities):
        return np.log10(probabilities).sum()

    hint = "`np.log10` counts in powers of ten. The natural logarithm is `np.log`."

    @misconception("counts in bits")
    def _(probabilities):
        return np.log2(probabilities).sum()

    hint = "`np.log2` counts in bits. The natural logarithm is `np.log`."

    @misconception("returns the surprise, which is positive")
    def _(probabilities):
        return -np.log(probabilities).sum()

    hint = "The logarithm of a number below 1 is negative. Turning the sign gives the surprise."

    def cases():
        return {
            "three words": (np.array([0.5, 0.25, 0.1]),),
            "one certain word": (np.array([1.0]),),
            "two words": (np.array([0.2, 0.9]),),
            "a text of 500 words": (np.full(500, 0.01),),
            "no words at all": (np.array([]),),
        }


class LogisticGradient(Exercise):
    """The gradient of the mean loss of a logistic regression with weights w.

    The loss of one text is -log(p) if its label is 1, -log(1 - p) if it is 0.
    """

    hints = (
        "Three steps: a score for each text, a probability from the score, an error from that.",
        "The derivative of one text's loss by its score is p - y, where p = 1 / (1 + exp(-score)).",
        "Each text pushes along its own row of X: `X.T @ (p - y)`, divided by the number of texts.",
    )

    def solution(X, y, w):  # (n, d), (n,), (d,) -> (d,)
        scores = X @ w  # (n,)
        # your code
        p = 1 / (1 + np.exp(-scores))  # (n,)
        error = p - y  # (n,)
        # end of your code
        return X.T @ error / len(y)

    @misconception("turns the sign round")
    def _(X, y, w):
        return X.T @ (y - 1 / (1 + np.exp(-(X @ w)))) / len(y)

    hint = "A gradient points uphill: where p is too large, the loss grows with the score."

    @misconception("loses the minus in the exponent")
    def _(X, y, w):
        return X.T @ (1 / (1 + np.exp(X @ w)) - y) / len(y)

    hint = "A large score should give a probability near 1. What does yours give for a score of 5?"

    @misconception("forgets the probability and takes the score for it")
    def _(X, y, w):
        return X.T @ (X @ w - y) / len(y)

    hint = "A score can be 5 or -3. Which function turns it into a number between 0 and 1?"

    @misconception("adds over the texts instead of averaging")
    def _(X, y, w):
        return X.T @ (1 / (1 + np.exp(-(X @ w))) - y)

    hint = "Give it every text twice: the mean loss stays, so its gradient must stay as well."

    @misconception("differentiates the squared error")
    def _(X, y, w):
        p = 1 / (1 + np.exp(-(X @ w)))
        return X.T @ ((p - y) * p * (1 - p)) / len(y)

    hint = "The factor p (1 - p) belongs to the squared error. With the logarithm it cancels."

    @misconception("rounds the probability to a decision")
    def _(X, y, w):
        return X.T @ ((X @ w > 0) - y) / len(y)

    hint = "A decision has no slope. Keep p as it is, between 0 and 1."

    def cases():
        X = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
        y = np.array([1.0, 0.0, 1.0])
        wave = np.cos(np.arange(24.0)).reshape(8, 3)
        return {
            "three texts, two words": (X, y, np.array([0.5, -1.0])),
            "weights of zero": (X, y, np.zeros(2)),
            "every text twice": (np.vstack([X, X]), np.tile(y, 2), np.array([0.5, -1.0])),
            "eight texts, three words": (wave, (wave[:, 0] > 0) * 1.0, np.array([2.0, 0.0, -1.0])),
            "labels that are whole numbers": (X, np.array([0, 1, 1]), np.array([3.0, 1.0])),
        }


doubled_text = Question(
    "You paste a text twice in a row and count its words again. "
    "What is the cosine between the old count vector and the new one?",
    (
        Option(
            "2",
            "Every count doubles, and so does the dot product. But the cosine divides by both "
            "lengths, and the new length has doubled too. No cosine exceeds 1.",
        ),
        Option(
            "1/2",
            "That would be the ratio of the two lengths. The cosine looks at the angle alone.",
        ),
        Option(
            "1",
            "The new vector is the old one times 2: it points the same way, so the angle is 0.",
            right=True,
        ),
        Option(
            "It depends on the text",
            "Only for an empty text, which has no direction; this book sets its cosine to 0. "
            "Doubling turns no vector.",
        ),
    ),
)

product_shape = Question(
    "`X` counts 5 words in 3 sentences and has shape (3, 5). What does `X @ X.T` hold?",
    (
        Option(
            "3 × 3 numbers: how much each two sentences share",
            "Each entry is the dot product of two rows, and a row is a sentence.",
            right=True,
        ),
        Option(
            "5 × 5 numbers: how often each two words meet",
            "That is `X.T @ X`, the dot products of the columns. The outer sizes remain: "
            "(3, 5) times (5, 3) leaves (3, 3).",
        ),
        Option(
            "3 × 5 numbers: every count squared",
            "That is `X * X`, value by value. A matrix product multiplies rows with columns "
            "and adds up.",
        ),
    ),
)

singular_values = Question(
    "A matrix of 3 sentences and 5 words has the singular values 5, 2 and 0. "
    "You keep the first two dimensions of its SVD. What is lost?",
    (
        Option(
            "A third of the matrix",
            "Dimensions are not alike: each weighs as much as its singular value, and the third "
            "one weighs nothing.",
        ),
        Option(
            "Three of the five words",
            "Every kept dimension mixes all five words. No word is dropped.",
        ),
        Option(
            "Nothing",
            "The squared error is the sum of the squared singular values left out, here 0. "
            "One of the three sentences was a combination of the others.",
            right=True,
        ),
    ),
)

resampled_unit = Question(
    "Fifty documents give a similarity for every pair of them. You bootstrap a correlation over "
    "the pairs as if each were drawn by itself, and not over the documents. "
    "What happens to the interval?",
    (
        Option(
            "It gets too narrow",
            "All the pairs of one document share its oddities, so they are not separate evidence. "
            "There are far more pairs than documents, and the interval believes in every one.",
            right=True,
        ),
        Option(
            "It gets too wide",
            "More units make an interval narrower. These are more in name only.",
        ),
        Option(
            "Nothing, the pairs are the data",
            "The pairs are what you compute with, the documents are what was sampled. "
            "A new sample would bring new documents, and with each a whole row of pairs.",
        ),
        Option(
            "It moves to the right, since pairs repeat",
            "Repetition changes how wide it is. Resampling pairs leaves the centre about where "
            "the correlation is.",
        ),
    ),
)
