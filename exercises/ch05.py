"""Chapter 5, Word2Vec: one update, keeping a token, a path through a tree, the best score."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


class OneUpdate(Exercise):
    """One step of negative sampling, for one pair of words and its noise.

    x is the input vector, (d,). The first row of Y, (1 + k, d), belongs to the
    true word, the others to k words of the noise. Return the new x and the new
    Y after one step of length rate down the gradient, both gradients taken
    before the step.
    """

    hints = (
        "A score becomes a probability by 1 / (1 + np.exp(-z)). What should it be for each row?",
        "The error of a row is its probability minus 1 for the true word, minus 0 for noise.",
        "The gradient of x is `errors @ Y`, that of Y is `np.outer(errors, x)`.",
    )

    def solution(x, Y, rate):  # (d,), (1 + k, d), float -> (d,), (1 + k, d)
        labels = np.zeros(len(Y))
        labels[0] = 1
        # your code
        errors = 1 / (1 + np.exp(-Y @ x)) - labels
        new_x = x - rate * errors @ Y
        new_Y = Y - rate * np.outer(errors, x)
        # end of your code
        return new_x, new_Y

    @misconception("walks up the gradient")
    def _(x, Y, rate):
        labels = np.zeros(len(Y))
        labels[0] = 1
        errors = _sigmoid(Y @ x) - labels
        return x + rate * errors @ Y, Y + rate * np.outer(errors, x)

    hint = "After the step the true word's score must be higher, not lower."

    @misconception("moves the outputs by the new input")
    def _(x, Y, rate):
        labels = np.zeros(len(Y))
        labels[0] = 1
        errors = _sigmoid(Y @ x) - labels
        new_x = x - rate * errors @ Y
        return new_x, Y - rate * np.outer(errors, new_x)

    hint = "Both gradients belong to the same place: keep the old x until Y has moved."

    @misconception("takes the noise for true")
    def _(x, Y, rate):
        errors = _sigmoid(Y @ x) - 1
        return x - rate * errors @ Y, Y - rate * np.outer(errors, x)

    hint = "Only the first row should come nearer to x. What is the wanted answer for the others?"

    @misconception("moves the input alone")
    def _(x, Y, rate):
        labels = np.zeros(len(Y))
        labels[0] = 1
        errors = _sigmoid(Y @ x) - labels
        return x - rate * errors @ Y, Y

    hint = "Every score is a product of two vectors, and its error moves both."

    @misconception("takes the score itself for the probability")
    def _(x, Y, rate):
        labels = np.zeros(len(Y))
        labels[0] = 1
        errors = Y @ x - labels
        return x - rate * errors @ Y, Y - rate * np.outer(errors, x)

    hint = "A score of 0 is a probability of one half: send the scores through the sigmoid."

    def cases():
        x = np.array([1.0, 0.0])
        rng = np.random.default_rng(5)
        return {
            "the example of the chapter": (x, np.array([[0.0, 1.0], [0.0, -1.0]]), 1.0),
            "five words of noise": (rng.normal(size=3), rng.normal(size=(6, 3)), 0.1),
            "one word of noise": (rng.normal(size=4), rng.normal(size=(2, 4)), 0.5),
        }


class KeptTokens(Exercise):
    """The probability with which subsampling keeps a token of each word.

    counts (V,) say how often each word occurs, and each does. Take the rule
    of the paper: a word that makes up the share f of the text is kept with
    probability sqrt(sample / f), but never more than 1.
    """

    hints = (
        "The share of a word is its count over the sum of all counts.",
        "The square root is np.sqrt; a word rarer than sample would get more than 1.",
        "`np.minimum(..., 1)` cuts every entry.",
    )

    def solution(counts, sample):  # (V,), float -> (V,)
        # your code
        f = counts / counts.sum()
        keep = np.minimum(np.sqrt(sample / f), 1)
        # end of your code
        return keep

    @misconception("gives the probability of being left out")
    def _(counts, sample):
        return 1 - np.minimum(np.sqrt(sample * counts.sum() / counts), 1)

    hint = "The paper prints the probability to discard; we ask for what is kept."

    @misconception("forgets the square root")
    def _(counts, sample):
        return np.minimum(sample * counts.sum() / counts, 1)

    hint = "A word four times as frequent is kept half as often, not a quarter as often."

    @misconception("puts the counts where the shares belong")
    def _(counts, sample):
        return np.minimum(np.sqrt(sample / counts), 1)

    hint = "sample is a share of the text. Compare it with a share, not with a count."

    @misconception("lets rare words be kept more than always")
    def _(counts, sample):
        return np.sqrt(sample * counts.sum() / counts)

    hint = "A probability ends at 1."

    @misconception("adds the second term of the program")
    def _(counts, sample):
        ratio = sample * counts.sum() / counts
        return np.minimum(np.sqrt(ratio) + ratio, 1)

    hint = "That is word2vec.c, and lib. The task asks for the rule of the paper."

    def cases():
        return {
            "two words": (np.array([96, 4]), 0.04),
            "all frequent": (np.array([50, 30, 20]), 0.001),
            "one rare": (np.array([900, 99, 1]), 0.01),
        }


class PathProbability(Exercise):
    """The probability of a word under the hierarchical softmax.

    x is the input vector, (d,). Y (s, d) holds the vectors of the nodes on
    the way to the word, the root first; turns (s,) are 0 where the way goes
    left and 1 where it goes right. Left has the probability sigmoid(x . y).
    """

    hints = (
        "At each node the way taken has a probability. Turns follow each other: multiply.",
        "Right has what left leaves over, 1 - sigmoid(z), which is sigmoid(-z).",
        "`np.where(turns == 0, z, -z)` gives each score the right sign.",
    )

    def solution(x, Y, turns):  # (d,), (s, d), (s,) -> float
        z = Y @ x
        # your code
        signed = np.where(turns == 0, z, -z)
        p = np.prod(1 / (1 + np.exp(-signed)))
        # end of your code
        return p

    @misconception("goes left at every node")
    def _(x, Y, turns):
        return np.prod(_sigmoid(Y @ x))

    hint = "Then all words at the same depth would share a path. Where do the turns come in?"

    @misconception("takes left for right")
    def _(x, Y, turns):
        z = Y @ x
        return np.prod(_sigmoid(np.where(turns == 1, z, -z)))

    hint = "Turn 0 is left, and left is the one with sigmoid(x . y)."

    @misconception("returns the logarithm")
    def _(x, Y, turns):
        z = Y @ x
        return np.sum(np.log(_sigmoid(np.where(turns == 0, z, -z))))

    hint = "The sum of logarithms is the loss with its sign turned. Asked is the probability."

    @misconception("averages over the nodes")
    def _(x, Y, turns):
        z = Y @ x
        return np.mean(_sigmoid(np.where(turns == 0, z, -z)))

    hint = "To arrive, every turn must be right: that is a product, and the words sum to 1."

    def cases():
        rng = np.random.default_rng(6)
        return {
            "one turn to the right": (np.array([2.0]), np.array([[1.0]]), np.array([1])),
            "left, then right": (
                np.array([1.0, -1.0]),
                np.array([[1.0, 0.0], [0.5, 2.0]]),
                np.array([0, 1]),
            ),
            "a long way": (rng.normal(size=4), rng.normal(size=(5, 4)), np.array([1, 0, 0, 1, 0])),
        }


class BestScore(Exercise):
    """The scores at which negative sampling would have nothing left to learn.

    counts (V, C) say how often each word meets each context; none is 0. Noise
    comes from the contexts' counts to the power gamma, k words for a pair.
    Return the score of each pair that has the least expected loss, (V, C).
    """

    hints = (
        "The best score is log(p(w, c) / (k p(w) q(c))), with q the noise.",
        "q is the sum of each column to the power gamma, divided by the sum of these powers.",
        "`counts / counts.sum()` holds p(w, c); its rows sum to p(w).",
    )

    def solution(counts, k, gamma):  # (V, C), int, float -> (V, C)
        pairs = counts / counts.sum()
        words = pairs.sum(axis=1, keepdims=True)
        # your code
        noise = counts.sum(axis=0) ** gamma
        noise = noise / noise.sum()
        scores = np.log(pairs / (k * words * noise))
        # end of your code
        return scores

    @misconception("adds log k")
    def _(counts, k, gamma):
        pairs = counts / counts.sum()
        noise = counts.sum(axis=0) ** gamma
        return np.log(k * pairs / (pairs.sum(axis=1, keepdims=True) * noise / noise.sum()))

    hint = "More noise makes any word more likely to be noise: scores fall with k."

    @misconception("draws the noise as frequent as in the text")
    def _(counts, k, gamma):
        pairs = counts / counts.sum()
        chance = pairs.sum(axis=1, keepdims=True) * pairs.sum(axis=0)
        return np.log(pairs / (k * chance))

    hint = "gamma has to change something where the contexts are not equally frequent."

    @misconception("leaves the powers of the counts as they are")
    def _(counts, k, gamma):
        pairs = counts / counts.sum()
        noise = pairs.sum(axis=0) ** gamma
        return np.log(pairs / (k * pairs.sum(axis=1, keepdims=True) * noise))

    hint = "The noise is a distribution: its shares must add up to 1."

    @misconception("cuts off below zero")
    def _(counts, k, gamma):
        pairs = counts / counts.sum()
        noise = counts.sum(axis=0) ** gamma
        words = pairs.sum(axis=1, keepdims=True)
        return np.maximum(np.log(pairs / (k * words * noise / noise.sum())), 0)

    hint = "That is the shifted PPMI of chapter 4. A score of negative sampling may be negative."

    @misconception("forgets how frequent the word is")
    def _(counts, k, gamma):
        pairs = counts / counts.sum()
        noise = counts.sum(axis=0) ** gamma
        return np.log(pairs / (k * noise / noise.sum()))

    hint = "Noise is drawn for each pair of the word: a frequent word brings more noise, too."

    def cases():
        return {
            "river and price": (np.array([[6.0, 2.0, 1.0], [6.0, 1.0, 2.0]]), 1, 1.0),
            "five of noise, smoothed": (np.array([[8.0, 1.0], [1.0, 2.0], [3.0, 4.0]]), 5, 0.75),
            "uniform noise": (np.array([[5.0, 1.0, 2.0], [1.0, 7.0, 1.0]]), 2, 0.0),
        }


torn_text = Question(
    "Tear every document into pieces of 32 words, and mix the pieces of all documents over the "
    "corpus. Train skip-gram with a window of 5 on the result. Against vectors from whole "
    "documents, the agreement with people on word pairs ...",
    (
        Option(
            "breaks down, for the documents no longer make sense",
            "They do not, and the model never noticed that they did: it reads a window at a time.",
        ),
        Option(
            "falls by about a half",
            "That takes far shorter pieces. Of 32 words, only those at the two ends see strangers.",
        ),
        Option(
            "hardly moves",
            "More than nine neighbours in ten are still the true ones, and nothing else is read.",
            right=True,
        ),
    ),
)

no_negatives = Question(
    "Leave out the noise: only true pairs, whose scores are pushed up. After a while the cosine "
    "of two random words is ...",
    (
        Option(
            "near 0, as for random vectors",
            "They begin so. But every update pulls an input and an output towards each other.",
        ),
        Option(
            "near 1",
            "The cheapest way to please every pair is to make all vectors point one way. The noise "
            "is what holds them apart.",
            right=True,
        ),
        Option(
            "high for neighbours, low for the rest",
            "That is what the noise is for: nothing else ever asks two vectors to differ.",
        ),
    ),
)

few_labels = Question(
    "Classify newsgroup posts into twenty groups, by TF-IDF or by averages of our word2vec "
    "vectors, with the same kind of classifier. Word vectors are ahead ...",
    (
        Option(
            "always: they know which words are alike",
            "They know it, and average much away. With enough labels the classifier learns from "
            "the words themselves.",
        ),
        Option(
            "never: TF-IDF has more columns",
            "Columns need labels. A word that stands in none of the labelled posts has a column, "
            "and no weight.",
        ),
        Option(
            "with five labelled posts a group, but not with fifty",
            "With few labels many words of a new post were never seen with a label, and others "
            "once; a vector stands in for them. With many, TF-IDF has seen the words, and a "
            "hundred averages are perhaps too few.",
            right=True,
        ),
    ),
)

shifted_again = Question(
    "Back to chapter 4. With k words of noise drawn in proportion to their counts, the best score "
    "of a pair is PMI minus log k. Which table of chapter 4 is closest to that?",
    (
        Option(
            "The raw counts",
            "They are large wherever a frequent word stands. The best score divides by that.",
        ),
        Option(
            "Shifted PPMI",
            "The same numbers, but for the cut at zero and the pairs that never met.",
            right=True,
        ),
        Option(
            "The singular vectors",
            "They are a short form of a table. The best score is an entry of the table itself.",
        ),
    ),
)

lookup_again = Question(
    "Back to chapter 2. Diagrams of Word2Vec show a one-hot input of forty thousand numbers and a "
    "hidden layer of a hundred. What does that layer compute?",
    (
        Option(
            "A non-linear feature of the word",
            "There is no non-linear function in it. The diagram looks like networks that have one.",
        ),
        Option(
            "It picks the word's row of W",
            "A one-hot vector times a table is a row of the table. A program looks it up.",
            right=True,
        ),
        Option(
            "The mean of all rows",
            "That would take a vector of equal numbers. In a one-hot vector all but one are 0.",
        ),
    ),
)
