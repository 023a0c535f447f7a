"""Chapter 4, counting contexts: windows, surprise, short vectors, and folding in a document."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class WindowCounts(Exercise):
    """Count the neighbours of each word of one document, near ones more.

    ids holds the number of the word at each position, size the number of
    words. A neighbour at distance d, up to window, on either side, adds
    1 / d to the entry (word, neighbour).
    """

    hints = (
        "Go through the positions; from each, look at the distances 1 to window to the right.",
        "What stands d to the right of position i stands at i + d, if the document goes so far.",
        "Each such pair adds 1 / d twice: to (left, right) and to (right, left).",
    )

    def solution(ids, size, window):  # T ints, int, int -> (size, size)
        counts = np.zeros((size, size))
        # your code
        for i, left in enumerate(ids):
            for d, right in enumerate(ids[i + 1 : i + 1 + window], start=1):
                counts[left, right] += 1 / d
                counts[right, left] += 1 / d
        # end of your code
        return counts

    @misconception("looks to the right only")
    def _(ids, size, window):
        counts = np.zeros((size, size))
        for i, left in enumerate(ids):
            for d, right in enumerate(ids[i + 1 : i + 1 + window], start=1):
                counts[left, right] += 1 / d
        return counts

    hint = "If b is a neighbour of a, then a is a neighbour of b: the table must be symmetric."

    @misconception("counts all distances alike")
    def _(ids, size, window):
        counts = np.zeros((size, size))
        for i, left in enumerate(ids):
            for right in ids[i + 1 : i + 1 + window]:
                counts[left, right] += 1
                counts[right, left] += 1
        return counts

    hint = "A neighbour at distance 2 must add one half."

    @misconception("stops one word short of the window")
    def _(ids, size, window):
        counts = np.zeros((size, size))
        for i, left in enumerate(ids):
            for d, right in enumerate(ids[i + 1 : i + window], start=1):
                counts[left, right] += 1 / d
                counts[right, left] += 1 / d
        return counts

    hint = "With a window of 1 the next word counts. What does your slice hold then?"

    @misconception("counts a word as its own neighbour, at distance one")
    def _(ids, size, window):
        counts = np.zeros((size, size))
        for i, left in enumerate(ids):
            for d, right in enumerate(ids[i : i + window], start=1):
                counts[left, right] += 1 / d
                counts[right, left] += 1 / d
        return counts

    hint = "The slice must begin one to the right of the word itself."

    @misconception("lets the weight fall in a straight line")
    def _(ids, size, window):
        counts = np.zeros((size, size))
        for i, left in enumerate(ids):
            for d, right in enumerate(ids[i + 1 : i + 1 + window], start=1):
                counts[left, right] += (window - d + 1) / window
                counts[right, left] += (window - d + 1) / window
        return counts

    hint = "That is the weighting of Word2Vec (chapter 5). Here distance d weighs 1 / d."

    def cases():
        return {
            "three words, window 2": ([0, 1, 2], 3, 2),
            "a word twice in a row": ([0, 0, 1], 2, 1),
            "a wide window": ([0, 1, 0, 2, 1, 3], 4, 4),
            "one word, no neighbour": ([1], 2, 3),
        }


class PositivePmi(Exercise):
    """Positive PMI with smoothed contexts.

    counts (V, C) are how often each word (row) meets each context (column);
    every row and column holds something. The share of a context is its count
    to the power gamma, divided by the sum of these powers. Pairs that never
    met, and those that met less than by chance, get 0.
    """

    hints = (
        "Compare the share of the pair with the product of two shares.",
        "`counts / counts.sum()` holds the shares of pairs; rows sum to the shares of words.",
        "`contexts = counts.sum(axis=0) ** gamma`, divided by its own sum; `ratio` is the share "
        "of the pair over the product. The last line takes the logarithm and cuts.",
    )

    def solution(counts, gamma):  # (V, C), float -> (V, C)
        # your code
        joint = counts / counts.sum()
        words = joint.sum(axis=1, keepdims=True)
        contexts = counts.sum(axis=0) ** gamma
        ratio = joint / (words * contexts / contexts.sum())
        # end of your code
        return np.log(np.maximum(ratio, 1))

    @misconception("smooths the words instead of the contexts")
    def _(counts, gamma):
        joint = counts / counts.sum()
        words = counts.sum(axis=1, keepdims=True) ** gamma
        ratio = joint / (words / words.sum() * joint.sum(axis=0))
        return np.log(np.maximum(ratio, 1))

    hint = "Words are rows, contexts are columns. The power belongs to the sums of columns."

    @misconception("forgets to smooth")
    def _(counts, gamma):
        joint = counts / counts.sum()
        chance = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        return np.log(np.maximum(joint / chance, 1))

    hint = "gamma has to change something when the contexts are not equally frequent."

    @misconception("smooths, but does not bring the shares back to a sum of 1")
    def _(counts, gamma):
        joint = counts / counts.sum()
        contexts = joint.sum(axis=0) ** gamma
        ratio = joint / (joint.sum(axis=1, keepdims=True) * contexts)
        return np.log(np.maximum(ratio, 1))

    hint = "After the power, the shares of all contexts must still add up to 1."

    @misconception("divides the powers by the sum of the counts")
    def _(counts, gamma):
        joint = counts / counts.sum()
        contexts = counts.sum(axis=0) ** gamma
        ratio = joint / (joint.sum(axis=1, keepdims=True) * contexts / counts.sum())
        return np.log(np.maximum(ratio, 1))

    hint = "The powers have a sum of their own: divide them by that, not by `counts.sum()`."

    @misconception("raises the counts of pairs to the power, too")
    def _(counts, gamma):
        raised = counts**gamma
        joint = raised / raised.sum()
        chance = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        return np.log(np.maximum(joint / chance, 1))

    hint = "First sum over the words, then take the power: only the sums of columns are smoothed."

    @misconception("forgets to divide by the share of the word")
    def _(counts, gamma):
        contexts = counts.sum(axis=0) ** gamma
        ratio = counts / counts.sum() / (contexts / contexts.sum())
        return np.log(np.maximum(ratio, 1))

    hint = "Chance is the product of two shares. Where is that of the word, the sum of its row?"

    def cases():
        river = np.array([[6.0, 2.0, 0.0], [6.0, 0.0, 2.0]])
        return {
            "river and price, no smoothing": (river, 1.0),
            "river and price, smoothed": (river, 0.75),
            "unequal rows": (np.array([[8.0, 1.0], [1.0, 2.0], [0.0, 4.0]]), 0.75),
            "smoothed flat": (np.array([[5.0, 1.0, 2.0], [1.0, 7.0, 0.0]]), 0.0),
        }


class WeighedDimensions(Exercise):
    """The dot products of short vectors of the rows of X, all with all.

    Keep d dimensions of the SVD, and weigh each by its singular value to the
    power exponent. The vectors themselves have free signs; their dot products
    have not, so return those, (n, n).
    """

    hints = (
        "`np.linalg.svd(X, full_matrices=False)` gives U, s and Vt, the largest s first.",
        "The vectors are the first d columns of U, column i times s[i] to the power.",
        "With `W` of shape (n, d), the dot products are `W @ W.T`.",
    )

    def solution(X, d, exponent):  # (n, m), int, float -> (n, n)
        U, s, _ = np.linalg.svd(X, full_matrices=False)
        # your code
        W = U[:, :d] * s[:d] ** exponent
        # end of your code
        return W @ W.T

    @misconception("leaves the singular values out")
    def _(X, d, exponent):
        U, _, _ = np.linalg.svd(X, full_matrices=False)
        return U[:, :d] @ U[:, :d].T

    hint = "That is exponent 0. The others weigh the leading dimensions more."

    @misconception("always multiplies by the singular values as they are")
    def _(X, d, exponent):
        U, s, _ = np.linalg.svd(X, full_matrices=False)
        W = U[:, :d] * s[:d]
        return W @ W.T

    hint = "That is exponent 1. Where does yours use `exponent`?"

    @misconception("keeps the last dimensions")
    def _(X, d, exponent):
        U, s, _ = np.linalg.svd(X, full_matrices=False)
        W = U[:, -d:] * s[-d:] ** exponent
        return W @ W.T

    hint = "The singular values fall: the dimensions that carry most come first."

    @misconception("takes the vectors of the columns")
    def _(X, d, exponent):
        _, s, Vt = np.linalg.svd(X, full_matrices=False)
        W = Vt[:d].T * s[:d] ** exponent
        return W @ W.T

    hint = "Rows of X belong to U. Vt holds the columns of X."

    def cases():
        X = np.array([[3.0, 1.0, 0.0, 0.0], [1.0, 2.0, 1.0, 0.0], [0.0, 0.0, 2.0, 5.0]])
        return {
            "two dimensions, half the power": (X, 2, 0.5),
            "the best for dot products": (X, 2, 1.0),
            "all dimensions alike": (X, 1, 0.0),
            "more rows than columns": (X.T, 2, 0.5),
        }


class FoldIn(Exercise):
    """Give a new document its place in a space of topics that is already built.

    x holds the weights of the new document's words, (V,); Vt the word
    directions of the old documents' SVD, (d, V). An old document, folded in
    again, must get its row of U times s (so nothing is divided by s, which
    would give its row of U).
    """

    hints = (
        "For the old documents X = U S Vt. Multiply both sides by the transpose of Vt, from the "
        "right.",
        "Vt times its transpose is the identity, so X times that transpose is U S.",
        "Do with x what gives U S for X.",
    )

    def solution(x, Vt):  # (V,), (d, V) -> (d,)
        # your code
        place = Vt @ x
        # end of your code
        return place

    @misconception("brings the place to length 1")
    def _(x, Vt):
        place = Vt @ x
        return place / np.linalg.norm(place)

    hint = "An old document must get back its own row of U S, whatever its length."

    @misconception("goes back to the words")
    def _(x, Vt):
        return Vt.T @ (Vt @ x)

    hint = "That is the smoothed document, one number a word. Stop one step earlier."

    @misconception("counts the dimensions by their sum over the document's words")
    def _(x, Vt):
        return Vt[:, x > 0].sum(axis=1)

    hint = "A word that weighs twice as much must pull twice as hard."

    @misconception("drops the signs")
    def _(x, Vt):
        return np.abs(Vt) @ x

    hint = "The two ends of a direction are opposites: their words must pull apart."

    def cases():
        s = np.sqrt(0.5)
        Vt = np.array([[s, s, 0.0, 0.0], [0.0, 0.0, s, -s]])
        return {
            "one word": (np.array([1.0, 0.0, 0.0, 0.0]), Vt),
            "both ends of a direction": (np.array([0.0, 0.0, 2.0, 1.0]), Vt),
            "all words": (np.array([1.0, 3.0, 0.5, 2.0]), Vt),
            "three words, one direction": (
                np.array([2.0, 0.0, 1.0]),
                np.array([[0.6, 0.0, -0.8]]),
            ),
        }


raw_windows = Question(
    "Two words are compared by counts. Either each word gets a row of documents (how often it "
    "stands in each), or a row of neighbours (how often each other word stands within five "
    "words). No weighting. Which rows agree better with people on the relatedness of words?",
    (
        Option(
            "The neighbours, since they are closer",
            "They hold finer evidence, but buried: most of a row's squared length lies in the "
            "columns of ten words such as *the*, *to* and *of*, and there all words look much "
            "alike.",
        ),
        Option(
            "The documents",
            "A document's column is short for every word, so no column rules. Raw neighbour "
            "counts compare how words go with *the* and *of*.",
            right=True,
        ),
        Option(
            "Both alike, since both count the same text",
            "The text is the same. The columns are not: twenty thousand documents of which ten "
            "hold little, or forty thousand words of which ten hold most.",
        ),
    ),
)

squeezed = Question(
    "Rows of positive PMI have forty thousand columns. Squeeze them to a hundred dimensions by "
    "the SVD, every kept dimension weighing the same. The squeezed vectors hold a small part of "
    "the matrix. Their agreement with people on relatedness ...",
    (
        Option(
            "falls, since most of the matrix is thrown away",
            "That is what the numbers of the matrix would suggest. On WordSim-353 the opposite "
            "happens; what goes seems to be mostly chance neighbours.",
        ),
        Option(
            "stays, since the SVD is the best approximation",
            "It is the best approximation of the matrix. Nobody asked people about the matrix.",
        ),
        Option(
            "rises",
            "Two words that never share a neighbour can have neighbours that are alike. A few "
            "common directions bring these together. (On SimLex-999 nothing is gained; and "
            "against shifted rows it is a tie.)",
            right=True,
        ),
    ),
)

paraphrase_rank = Question(
    "Twenty-four sentences, and to each a paraphrase that shares no word with it. TF-IDF sorts "
    "the paraphrases by their cosine with a sentence. The right one comes ...",
    (
        Option(
            "near the front",
            "Nothing can bring it there: without a common word the cosine is zero.",
        ),
        Option(
            "in the middle, as by chance",
            "Chance would be kind. The wrong ones may share a *the* or an *a* with the sentence; "
            "the right one may not.",
        ),
        Option(
            "behind the middle",
            "Its cosine is zero, the lowest there is. Any wrong paraphrase with a *the* in common "
            "scores higher.",
            right=True,
        ),
    ),
)

idf_and_pmi = Question(
    "Back to chapter 3. IDF weighs a column by the logarithm of n over df. Which step of this "
    "chapter does the same service for the contexts of words?",
    (
        Option(
            "The division by the context's share inside PMI",
            "A context that everybody has gets a large share and is divided by it: its "
            "logarithm falls, as IDF falls with df. PMI does it for each pair.",
            right=True,
        ),
        Option(
            "The logarithm of the counts",
            "That holds frequent pairs back, like the sublinear variant. It treats the column "
            "of *the* like any other.",
        ),
        Option(
            "The cut at zero",
            "That drops pairs that are rarer than chance. It weighs no column.",
        ),
    ),
)

orthogonal_words = Question(
    "Back to chapter 2. One-hot vectors give any two words the cosine zero. Multiply the "
    "one-hot vector of a word by the matrix of PPMI values, words in rows. What comes out?",
    (
        Option(
            "Another one-hot vector",
            "Only if each word had one context of its own, no other, and the value there were 1.",
        ),
        Option(
            "The word's row of the matrix",
            "A one-hot vector picks a row. The identity of the word was the way in; what it "
            "picks is the company it keeps.",
            right=True,
        ),
        Option(
            "The sum of all rows",
            "That would be a vector of ones. A single one picks a single row.",
        ),
    ),
)

what_is_drawn = Question(
    "Back to chapter 1. Lee-50 has fifty documents, and each two of them are a pair. To see how "
    "far a correlation over the pairs would move, we resample ...",
    (
        Option(
            "the pairs, since they are what is rated",
            "A document stands in forty-nine pairs, and if it is odd, all of them are. Drawn one "
            "by one, pairs pass for more evidence than there is, and the interval comes out too "
            "narrow.",
        ),
        Option(
            "the documents, each with all its pairs",
            "What was sampled are the documents. (In WordSim-353 a word stands in few pairs, so "
            "drawing pairs makes the intervals of this chapter only a little too narrow.)",
            right=True,
        ),
        Option(
            "the people who rated",
            "That asks another question: what other judges would have said of the same documents.",
        ),
    ),
)
