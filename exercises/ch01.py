"""Chapter 1, judging an embedding: ranks with ties, resampled documents, means, ceilings."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class RankCorrelation(Exercise):
    """Spearman's correlation; equal values share the mean of their ranks.

    Ratings are full of ties, so ranks must not depend on the list's order.
    """

    hints = (
        "Two steps: turn each list into ranks, then correlate the ranks as Pearson would.",
        "`smaller` and `equal` hold one number for each value: how many are smaller than it, "
        "and how many are equal to it, itself included.",
        "`(values[None, :] < values[:, None]).sum(axis=1)` is `smaller`; `equal` goes alike.",
    )

    def solution(x, y):  # (n,), (n,) -> a number
        def ranks(values):
            # your code
            smaller = (values[None, :] < values[:, None]).sum(axis=1)  # (n,)
            equal = (values[None, :] == values[:, None]).sum(axis=1)  # (n,)
            # end of your code
            return smaller + (equal + 1) / 2  # mean of the places they fill

        return np.corrcoef(ranks(x), ranks(y))[0, 1]

    @misconception("correlates the values, not their ranks")
    def _(x, y):
        return np.corrcoef(x, y)[0, 1]

    hint = "Square every value of one list: its order stays. Does your number stay as well?"

    @misconception("lets the order of the list decide between equal values")
    def _(x, y):
        def ranks(values):
            return np.argsort(np.argsort(values))

        return np.corrcoef(ranks(x), ranks(y))[0, 1]

    hint = "Two equal ratings got two ranks. Which of them came first is an accident of the list."

    @misconception("sorts once and takes positions for ranks")
    def _(x, y):
        return np.corrcoef(np.argsort(x), np.argsort(y))[0, 1]

    hint = "`argsort` says which item comes first, not which place an item gets. Try [30, 10, 20]."

    @misconception("gives all equal values the smallest of their ranks")
    def _(x, y):
        def ranks(values):
            return np.searchsorted(np.sort(values), values)

        return np.corrcoef(ranks(x), ranks(y))[0, 1]

    hint = "Three equal values fill three places. Share them: each gets the mean of the three."

    @misconception("uses the shortcut with squared differences, which ties break")
    def _(x, y):
        def ranks(values):
            smaller = (values[None, :] < values[:, None]).sum(axis=1)
            equal = (values[None, :] == values[:, None]).sum(axis=1)
            return smaller + (equal + 1) / 2

        n = len(x)
        return 1 - 6 * ((ranks(x) - ranks(y)) ** 2).sum() / (n**3 - n)

    hint = "1 - 6 sum(d^2) / (n^3 - n) assumes n different ranks. Correlate the ranks instead."

    def cases():
        ratings = np.array([1.0, 1.0, 1.1, 1.4, 3.0, 5.0])
        cosines = np.array([0.02, 0.31, 0.05, 0.2, 0.33, 0.9])
        wave = np.round(np.sin(np.arange(12.0)), 1)
        return {
            "six pairs, two with the lowest rating": (ratings, cosines),
            "no ties at all": (np.array([30.0, 10.0, 20.0, 40.0]), np.array([1.0, 9.0, 4.0, 2.0])),
            "nearly all tied": (np.array([1.0, 1.0, 1.0, 2.0, 3.0]), np.array([5.0, 1, 3, 2, 4])),
            "ties in both lists": (wave, np.round(np.cos(np.arange(12.0)), 1)),
            "the opposite order": (ratings, -cosines),
        }


class ResampledPairs(Exercise):
    """The pairs of a resample of documents, none paired with its own copy.

    M holds the similarity of every two documents, drawn the documents of the
    resample, some of them twice or more. Return the similarities of the pairs,
    each pair once, in the order of np.triu_indices.
    """

    hints = (
        "Draw rows and columns together: the new matrix is as large as the resample.",
        "`M[np.ix_(drawn, drawn)]` is that matrix; each pair stands above its diagonal once.",
        "A pair (i, j) above the diagonal with `drawn[i] == drawn[j]` is a document and its copy.",
    )

    def solution(M, drawn):  # (n, n), (m,) -> (pairs,)
        i, j = np.triu_indices(len(drawn), 1)
        # your code
        first, second = drawn[i], drawn[j]
        different = first != second
        # end of your code
        return M[first[different], second[different]]

    @misconception("pairs a document with its own copy")
    def _(M, drawn):
        i, j = np.triu_indices(len(drawn), 1)
        return M[drawn[i], drawn[j]]

    hint = "A document drawn twice agrees with itself perfectly, in every model. Leave that out."

    @misconception("counts a document once, however often it was drawn")
    def _(M, drawn):
        seen = np.unique(drawn)
        i, j = np.triu_indices(len(seen), 1)
        return M[seen[i], seen[j]]

    hint = "A resample without its repetitions is only a smaller sample. Keep the copies."

    @misconception("draws the rows, but not the columns")
    def _(M, drawn):
        i, j = np.triu_indices(len(drawn), 1)
        different = drawn[i] != drawn[j]
        return M[drawn[i][different], j[different]]

    hint = "A document takes its row and its column with it. Use `drawn` for both."

    @misconception("counts every pair twice")
    def _(M, drawn):
        first, second = np.meshgrid(drawn, drawn, indexing="ij")
        return M[first, second][first != second]

    hint = "(i, j) and (j, i) are one pair. `np.triu_indices(len(drawn), 1)` lists each once."

    def cases():
        M = np.array([[1.0, 0.2, 0.3], [0.2, 1.0, 0.4], [0.3, 0.4, 1.0]])
        wave = np.sin(np.arange(36.0)).reshape(6, 6)
        return {
            "one document drawn twice": (M, np.array([0, 2, 2])),
            "each document once": (M, np.array([0, 1, 2])),
            "another order": (M, np.array([2, 0, 1])),
            "one document only": (M, np.array([1, 1, 1])),
            "six documents": (wave + wave.T, np.array([5, 0, 3, 3, 0, 3])),
        }


class WeightedMean(Exercise):
    """The mean of a text's word vectors, each with its own weight.

    A text without a single known word becomes the zero vector.
    """

    hints = (
        "Multiply each row of W by its weight, add the rows up, divide. By what?",
        "Weights of 1 for every word must give the plain mean.",
        "`weights @ W` adds up the weighted rows; divide by the sum of the weights.",
    )

    def solution(W, weights):  # (t, d), (t,) -> (d,)
        total = weights.sum()
        if total == 0:
            return np.zeros(W.shape[1])
        return weights @ W / total

    @misconception("ignores the weights")
    def _(W, weights):
        return W.mean(axis=0) if len(W) else np.zeros(W.shape[1])

    hint = "Double the weight of one word: its vector must pull harder."

    @misconception("divides by the number of words")
    def _(W, weights):
        return weights @ W / len(W) if len(W) else np.zeros(W.shape[1])

    hint = "With weights of 2 everywhere the mean must stay the same. Yours doubles."

    @misconception("adds up without dividing")
    def _(W, weights):
        return weights @ W

    hint = "That is the sum. Its direction is right, and so is its cosine, but it is no mean."

    @misconception("divides by zero where no word is known")
    def _(W, weights):
        with np.errstate(invalid="ignore"):
            return weights @ W / weights.sum()

    hint = "No words, no weights: 0 / 0 is not a number. Return zeros."

    def cases():
        W = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
        return {
            "three words": (W, np.array([1.0, 3.0, 1.0])),
            "all weights 2": (W, np.array([2.0, 2.0, 2.0])),
            "one word that counts for nothing": (W, np.array([0.5, 0.0, 2.0])),
            "no known word": (np.zeros((0, 2)), np.zeros(0)),
            "four dimensions": (np.cos(np.arange(12.0)).reshape(3, 4), np.array([0.1, 0.2, 0.7])),
        }


class CeilingOfTheMean(Exercise):
    """A perfect model's correlation with the mean rating of k raters.

    r is the correlation between two single raters, whose errors are
    independent and alike.
    """

    hints = (
        "First the reliability of a mean of k ratings, then its root.",
        "Let the ratings have variance T + E, with T the part they share: r = T / (T + E).",
        "The mean of k has variance T + E / k. That gives R = k r / (1 + (k - 1) r).",
    )

    def solution(r, k):  # two numbers -> a number
        # your code
        reliability = k * r / (1 + (k - 1) * r)
        # end of your code
        return np.sqrt(reliability)

    @misconception("takes the agreement of two raters for the ceiling")
    def _(r, k):
        return r

    hint = "With a thousand raters the mean has hardly any noise left. Yours ignores k."

    @misconception("stops at the reliability and forgets the root")
    def _(r, k):
        return k * r / (1 + (k - 1) * r)

    hint = "That is how two panels of k correlate. A perfect model has no noise of its own."

    @misconception("takes the root of one rater's reliability")
    def _(r, k):
        return np.sqrt(r)

    hint = "That is the ceiling against a single rater. The mean of k is less noisy."

    @misconception("divides the noise by k twice")
    def _(r, k):
        return np.sqrt(k**2 * r / (1 + (k**2 - 1) * r))

    hint = "The variance of a mean of k is the variance of one divided by k, not by k squared."

    def cases():
        return {
            "ten raters who agree at 0.6": (0.6, 10),
            "one rater": (0.49, 1),
            "two raters": (0.5, 2),
            "raters who agree at nothing": (0.0, 10),
            "a hundred raters who agree a little": (0.1, 100),
        }


rescaled_cosines = Question(
    "You replace every cosine of a model by its cube, which keeps the sign. "
    "What happens to its two scores on Lee-50?",
    (
        Option(
            "Spearman and Pearson both stay",
            "The order of the pairs stays, and Spearman looks at nothing else. But the large "
            "cosines move away from the small ones, and Pearson measures distances.",
        ),
        Option(
            "Spearman stays, Pearson moves",
            "Cubing keeps the order, so all ranks stay. It stretches the scale unevenly, so the "
            "straight line of Pearson fits better or worse than before.",
            right=True,
        ),
        Option(
            "Spearman moves, Pearson stays",
            "The other way round: Pearson ignores only shifts and changes of unit.",
        ),
        Option(
            "Both fall, since information is lost",
            "Cubing can be undone by a cube root, so nothing is lost. A score can even rise.",
        ),
    ),
)

more_pairs = Question(
    "A second benchmark has 100 documents, twice as many as Lee-50, and so about four times as "
    "many pairs. Document effects dominate the errors. How much narrower is an interval for a "
    "correlation, roughly?",
    (
        Option(
            "Twice as narrow: the pairs grew fourfold",
            "That would hold if every pair were new evidence. All the pairs of a document share "
            "its oddities.",
        ),
        Option(
            "Four times as narrow",
            "Even with independent pairs the error falls with the root of their number.",
        ),
        Option(
            "Not at all: people disagree as before",
            "Their noise per pair stays, but it is averaged over more documents.",
        ),
        Option(
            "By the root of two: the documents doubled",
            "What is sampled are documents, and where their effects dominate an error shrinks with "
            "the root of their number: 4A / n halves, so its root falls by the root of two.",
            right=True,
        ),
    ),
)

beyond_people = Question(
    "Two people's ratings, one compared with the other, correlate at 0.6. A model correlates at "
    "0.66 with the mean of ten people. Is the model better than people?",
    (
        Option(
            "No: a single person would agree with that mean better than the model",
            "With two raters at 0.6, the mean of ten has reliability 0.94, and one more person "
            "would correlate with it at about 0.75, the root of 0.6 times 0.94.",
            right=True,
        ),
        Option(
            "Yes, 0.66 is more than 0.6",
            "The two numbers answer different questions. The model is compared with a mean, from "
            "which most of the noise is gone; the two people are compared with each other.",
        ),
        Option(
            "It cannot be said without the single ratings",
            "It can, because here it is said who is compared with whom: two people with each "
            "other. From that the formulas give 0.75 for one more person. Had the 0.6 been one "
            "person against the mean of the others, 0.6 itself would be the number to beat.",
        ),
    ),
)

two_lengths = Question(
    "Back to chapter 0. You append a document to itself and encode it by counts. By how much "
    "does its Lee-50 row of cosines change?",
    (
        Option(
            "Every cosine doubles",
            "The counts double, and so does the length that the cosine divides by.",
        ),
        Option(
            "Not at all",
            "The count vector is twice as long and points the same way.",
            right=True,
        ),
        Option(
            "It rises where the other document is long",
            "The length of the other document is divided out as well.",
        ),
    ),
)
