"""Chapter 6, GloVe: the weighted loss, AdaGrad, what SGNS factorises, and a common treatment."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class GloveError(Exercise):
    """The loss of GloVe over all pairs that met.

    W and C (V, d) hold the vectors of words and contexts, b and b_context
    (V,) their biases, X (V, V) the counts. A pair counts with the weight
    (count / x_max) to the power 3/4, but never more than 1; a pair that never
    met counts nothing.
    """

    hints = (
        "The prediction for all pairs at once is `W @ C.T` plus a bias a row and one a column.",
        "`b[:, None]` stands in rows, `b_context` in columns.",
        "`np.log(np.where(X > 0, X, 1))` is harmless where the count is 0: the weight is 0 there.",
    )

    def solution(W, C, b, b_context, X, x_max):  # -> float
        logs = np.log(np.where(X > 0, X, 1))
        # your code
        error = W @ C.T + b[:, None] + b_context - logs
        weight = np.minimum(1, (X / x_max) ** 0.75)
        loss = np.sum(weight * error**2)
        # end of your code
        return float(loss)

    @misconception("lets the weight grow past 1")
    def _(W, C, b, b_context, X, x_max):
        logs = np.log(np.where(X > 0, X, 1))
        error = W @ C.T + b[:, None] + b_context - logs
        return float(np.sum((X / x_max) ** 0.75 * error**2))

    hint = "From x_max on a pair counts fully, and no more than that."

    @misconception("weighs pairs that never met like the others")
    def _(W, C, b, b_context, X, x_max):
        logs = np.log(np.where(X > 0, X, 1))
        error = W @ C.T + b[:, None] + b_context - logs
        weight = np.where(X > 0, np.minimum(1, (X / x_max) ** 0.75), 1)
        return float(np.sum(weight * error**2))

    hint = "A count of 0 has no logarithm, and the weight of 0 is 0."

    @misconception("swaps the two biases")
    def _(W, C, b, b_context, X, x_max):
        logs = np.log(np.where(X > 0, X, 1))
        error = W @ C.T + b + b_context[:, None] - logs
        return float(np.sum(np.minimum(1, (X / x_max) ** 0.75) * error**2))

    hint = "Words are rows: their bias is the same along a row."

    @misconception("squares the weight together with the error")
    def _(W, C, b, b_context, X, x_max):
        logs = np.log(np.where(X > 0, X, 1))
        error = W @ C.T + b[:, None] + b_context - logs
        return float(np.sum((np.minimum(1, (X / x_max) ** 0.75) * error) ** 2))

    hint = "Only the error is squared. What weight does a pair with weight 1/2 get in yours?"

    @misconception("predicts the count instead of its logarithm")
    def _(W, C, b, b_context, X, x_max):
        error = W @ C.T + b[:, None] + b_context - X
        return float(np.sum(np.minimum(1, (X / x_max) ** 0.75) * error**2))

    hint = "The dot product stands for a logarithm; `logs` is there already."

    def cases():
        W = np.array([[1.0, 0.0], [0.5, -1.0]])
        C = np.array([[0.0, 2.0], [1.0, 1.0]])
        b, b_context = np.array([0.1, -0.2]), np.array([0.3, 0.4])
        return {
            "one pair met": (W, C, b, b_context, np.array([[0.0, 4.0], [0.0, 0.0]]), 10.0),
            "all met, one often": (W, C, b, b_context, np.array([[2.0, 40.0], [1.0, 8.0]]), 10.0),
            "a zero on the diagonal": (C, W, b_context, b, np.array([[5.0, 1.5], [3.0, 0.0]]), 4.0),
        }


class OneStep(Exercise):
    """One step of AdaGrad.

    w are numbers, gradient their slopes now, squares the sums of the squares
    of their slopes so far. The step goes against the slope, divided by the
    root of that sum, times the rate; afterwards the sum takes in the new
    slope. Return the new numbers and the new sums.
    """

    hints = (
        "Every number has a sum of its own: no loop and no norm is needed.",
        "Divide by `np.sqrt(squares)` as it is before this step.",
        "Then `squares + gradient**2` is the new sum.",
    )

    def solution(w, gradient, squares, rate):  # (n,), (n,), (n,), float
        # your code
        new = w - rate * gradient / np.sqrt(squares)
        sums = squares + gradient**2
        # end of your code
        return new, sums

    @misconception("takes the new slope into the sum before the step")
    def _(w, gradient, squares, rate):
        sums = squares + gradient**2
        return w - rate * gradient / np.sqrt(sums), sums

    hint = "Many programs do that. Here the order is that of the authors' program: the step first."

    @misconception("divides by the sum, not by its root")
    def _(w, gradient, squares, rate):
        return w - rate * gradient / squares, squares + gradient**2

    hint = (
        "After many steps a number whose slopes were all 2 should have moved nearly as far as one "
        "whose slopes were all 1. How far do they get if you divide by 4 and by 1?"
    )

    @misconception("walks uphill")
    def _(w, gradient, squares, rate):
        return w + rate * gradient / np.sqrt(squares), squares + gradient**2

    hint = "The slope points to where the loss grows."

    @misconception("adds up the slopes, not their squares")
    def _(w, gradient, squares, rate):
        return w - rate * gradient / np.sqrt(squares), squares + np.abs(gradient)

    hint = "Squares, so that large slopes count for more and signs do not cancel."

    @misconception("divides all numbers by one common length")
    def _(w, gradient, squares, rate):
        new = w - rate * gradient / np.sqrt(squares.sum())
        return new, squares + gradient**2

    hint = "Each number has its own sum: what was moved often moves less, the others do not."

    def cases():
        return {
            "the first step": (np.array([1.0, 0.0]), np.array([0.5, -2.0]), np.ones(2), 0.2),
            "much moved, little moved": (
                np.array([1.0, 1.0]),
                np.array([1.0, 1.0]),
                np.array([25.0, 1.0]),
                0.5,
            ),
            "no slope": (np.array([3.0]), np.array([0.0]), np.array([4.0]), 0.1),
        }


class BestDots(Exercise):
    """The dot products at which the loss of SGNS is lowest.

    met (V, V) says how often word (row) and context (column) meet, noise (V,)
    how likely each context is drawn as a negative, k how many are drawn for
    each meeting. Forget that draws of the true context are dropped. Minus
    infinity where a pair never met.
    """

    hints = (
        "How often is the false pair of word w and context c expected? Count its draws.",
        "For each of its meetings a word draws k contexts, c with the probability noise[c].",
        "The best dot product is the logarithm of true pairs over false pairs.",
    )

    def solution(met, noise, k):  # (V, V), (V,), int -> (V, V)
        with np.errstate(divide="ignore"):
            # your code
            drawn = k * met.sum(axis=1, keepdims=True) * noise
            best = np.log(met) - np.log(drawn)
            # end of your code
        return best

    @misconception("subtracts k, not its logarithm")
    def _(met, noise, k):
        with np.errstate(divide="ignore"):
            return np.log(met / (met.sum(axis=1, keepdims=True) * noise)) - k

    hint = "Five times as many false pairs divide the odds by five. What does the logarithm do?"

    @misconception("takes the number of meetings from the context")
    def _(met, noise, k):
        with np.errstate(divide="ignore"):
            return np.log(met / (k * met.sum(axis=0) * noise))

    hint = "It is the word, the row, that draws false contexts at each of its meetings."

    @misconception("draws from the column sums instead of the noise")
    def _(met, noise, k):
        total = met.sum()
        words, contexts = met.sum(axis=1, keepdims=True), met.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(met * total / (k * words * contexts))

    hint = "That is PMI - log k of the textbook. The noise has a distribution of its own."

    @misconception("gives pairs that never met a 0")
    def _(met, noise, k):
        drawn = k * met.sum(axis=1, keepdims=True) * noise
        return np.where(met > 0, np.log(np.where(met > 0, met, 1) / drawn), 0)

    hint = "A pair with false occurrences only: the loss falls as its dot product falls, for ever."

    def cases():
        return {
            "two words": (np.array([[6.0, 2.0], [2.0, 1.0]]), np.array([0.7, 0.3]), 5),
            "a pair that never met": (np.array([[0.0, 3.0], [3.0, 4.0]]), np.array([0.5, 0.5]), 1),
            "three words, two draws": (
                np.array([[0.5, 2.0, 1.0], [2.0, 1.0, 0.25], [1.0, 0.25, 3.0]]),
                np.array([0.2, 0.5, 0.3]),
                2,
            ),
        }


class CutDirections(Exercise):
    """Take the mean and the leading directions out of vectors.

    W (V, d) holds a vector a row. Subtract the mean vector; then, of what is
    left, remove the part that lies along its k leading directions, the first
    rows of Vt in its singular value decomposition.
    """

    hints = (
        "`W.mean(axis=0)` is the mean vector.",
        "`np.linalg.svd(centred, full_matrices=False)[2][:k]` has the directions as rows.",
        "The part along directions D is `centred @ D.T @ D`.",
    )

    def solution(W, k):  # (V, d), int -> (V, d)
        # your code
        centred = W - W.mean(axis=0)
        D = np.linalg.svd(centred, full_matrices=False)[2][:k]
        rest = centred - centred @ D.T @ D
        # end of your code
        return rest

    @misconception("does not subtract the mean")
    def _(W, k):
        D = np.linalg.svd(W, full_matrices=False)[2][:k]
        return W - W @ D.T @ D

    hint = "The columns of the result must have the mean 0."

    @misconception("keeps the leading directions and drops the rest")
    def _(W, k):
        centred = W - W.mean(axis=0)
        D = np.linalg.svd(centred, full_matrices=False)[2][:k]
        return centred @ D.T @ D

    hint = "The part along the directions is what has to go."

    @misconception("takes out the last directions")
    def _(W, k):
        centred = W - W.mean(axis=0)
        D = np.linalg.svd(centred, full_matrices=False)[2][-k:]
        return centred - centred @ D.T @ D

    hint = "Singular values fall: the leading directions come first."

    @misconception("centres each vector instead of each column")
    def _(W, k):
        centred = W - W.mean(axis=1, keepdims=True)
        D = np.linalg.svd(centred, full_matrices=False)[2][:k]
        return centred - centred @ D.T @ D

    hint = "The mean is a vector: the average word, not the average number of a word."

    @misconception("drops columns of numbers, not directions")
    def _(W, k):
        centred = W - W.mean(axis=0)
        centred[:, :k] = 0
        return centred

    hint = "The leading direction runs across all columns: find it by the decomposition."

    def cases():
        W = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 0.0, 4.0], [2.0, -1.0, 0.5]])
        return {
            "one direction": (W, 1),
            "two directions": (W, 2),
            "five words": (np.vstack([W + 10, [[9.0, 14.0, 8.0]]]), 1),
        }


never_met = Question(
    "Skip-gram with negative sampling, enough dimensions, and no end of training. Two words never "
    "meet in the corpus, but each is drawn as a negative for the other now and then. Their dot "
    "product ...",
    (
        Option(
            "goes to 0, since there is no evidence",
            "Zero would say: true and false pairs are equally likely. All the evidence there is "
            "says false.",
        ),
        Option(
            "settles at minus log k",
            "That is where a pair settles that meets just as often as by chance.",
        ),
        Option(
            "falls without end",
            "Every draw pushes it down, and nothing ever pulls it up. PMI of a pair that never met "
            "is minus infinity as well. Only the want of dimensions, and the end of training, "
            "hold it.",
            right=True,
        ),
    ),
)

which_target = Question(
    "We train skip-gram, and compare its dot products with PMI - log k, computed the way textbooks "
    "do it: all neighbours within five words, each counted once. Then we compute it from what the "
    "program really sees: thinned text, a window of random reach, noise to the power 3/4. With "
    "plenty of dimensions the first fit is ...",
    (
        Option(
            "as good, since both measure the same association",
            "They correlate. But the program moves each dot product to the odds that *it* meets, "
            "and those are others.",
        ),
        Option(
            "clearly worse",
            "The optimum is a number, not an order: other counts, another number. Dimensions "
            "cannot mend a wrong target.",
            right=True,
        ),
        Option(
            "better, since subsampling only adds noise",
            "Subsampling does not only thin; it moves words together, and *the* out of the way: "
            "the expected counts change.",
        ),
    ),
)

race_question = Question(
    "Four methods race on one corpus. Settings are chosen on half of the words of two lists; on "
    "WordSim-353 the verdict comes from the 165 pairs of the other half. How far must two methods "
    "lie apart in Spearman's correlation before an interval of 95 per cent for their difference "
    "leaves out zero?",
    (
        Option(
            "A hundredth",
            "Two seeds of one method may well differ by more than that.",
        ),
        Option(
            "Three hundredths",
            "Skip-gram leads by nearly that here. Draw the pairs anew, and it may trail.",
        ),
        Option(
            "Seven or eight hundredths",
            "So far do our intervals reach to either side. The more two methods err alike, the "
            "less it takes; with so few pairs and methods so unlike it takes that much.",
            right=True,
        ),
    ),
)

shift_again = Question(
    "Back to chapter 4. Shifted PPMI subtracts log k before it cuts at zero. What did k count "
    "there, and what does it count here?",
    (
        Option(
            "There a threshold, here the negatives: the same number",
            "A pair is above zero there if it meets more than k times as often as by chance. Here "
            "its dot product is above zero if true pairs outnumber the k times as many false ones.",
            right=True,
        ),
        Option(
            "There the dimensions, here the negatives",
            "The dimensions were d. The shift has nothing to do with them.",
        ),
        Option(
            "The same draws: chapter 4 sampled negatives, too",
            "Chapter 4 drew nothing at all. It computed what chance would give.",
        ),
    ),
)

subsampling_again = Question(
    "Back to chapter 5. Subsampling drops most tokens of *the* before windows are drawn. What does "
    "that do to the counts of two content words with *the* between them?",
    (
        Option(
            "Nothing: only counts of *the* change",
            "When *the* is dropped, its neighbours move together, and a window that draws its "
            "reach meets near words more often.",
        ),
        Option(
            "They meet more often",
            "They stand one place nearer, and the effective weight of distance 1 is higher than "
            "that of distance 2. Effective counts have to be counted after thinning.",
            right=True,
        ),
        Option(
            "They meet less often",
            "Fewer tokens are left, but these two are left as often as before, and nearer to each "
            "other.",
        ),
    ),
)
