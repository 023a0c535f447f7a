"""Chapter 9, language models: perplexity, neighbours, a step of Kneser-Ney, a step of an LSTM."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


class DocumentPerplexity(Exercise):
    """The perplexity of several documents together.

    log_p holds the natural logarithm of the probability of each document as
    a whole, tokens how many words each document has.
    """

    hints = (
        "All words count alike, whichever document they stand in.",
        "First the mean log-probability of a word: one sum over another.",
        "Then turn it around: `np.exp` of minus that mean.",
    )

    def solution(log_p, tokens):  # (n,), (n,) -> float
        # your code
        value = np.exp(-np.sum(log_p) / np.sum(tokens))
        # end of your code
        return value

    @misconception("takes the mean of the documents' perplexities")
    def _(log_p, tokens):
        return np.mean(np.exp(-log_p / tokens))

    hint = "A short strange document would weigh as much as a long one."

    @misconception("averages the documents' mean log-probabilities")
    def _(log_p, tokens):
        return np.exp(-np.mean(log_p / tokens))

    hint = "Each document would count alike. Each *word* should."

    @misconception("forgets the minus")
    def _(log_p, tokens):
        return np.exp(np.sum(log_p) / np.sum(tokens))

    hint = "A perplexity is at least 1. Yours is the mean probability."

    @misconception("divides by the number of documents")
    def _(log_p, tokens):
        return np.exp(-np.sum(log_p) / len(tokens))

    hint = "Perplexity is a choice at every word, not at every document."

    @misconception("mixes the bases of logarithm and power")
    def _(log_p, tokens):
        return 2.0 ** (-np.sum(log_p) / np.sum(tokens))

    hint = "The logarithms are natural ones, so the power must have the base e."

    def cases():
        return {
            "a die and a coin": (np.log([1 / 36, 1 / 2]), np.array([2, 1])),
            "a long and a short document": (np.array([-60.0, -2.0]), np.array([10, 2])),
            "three documents": (np.array([-9.0, -30.5, -3.25]), np.array([4, 7, 1])),
        }


class ContinuationCounts(Exercise):
    """Count in how many different contexts each word was seen.

    pairs is a list of (before, word), one for each place of a text, so pairs
    may repeat; before is None at the beginning of a line, and that counts as a
    context. Return a dictionary from each word to the number of its different
    predecessors.
    """

    hints = (
        "The same pair counts once, however often it was seen.",
        "A set of the pairs holds each of them once.",
        "Go through the set, and count one for the second word of each pair.",
    )

    def solution(pairs):  # list of (str or None, str) -> dict
        counts = {}
        # your code
        for _, word in set(pairs):
            counts[word] = counts.get(word, 0) + 1
        # end of your code
        return dict(sorted(counts.items(), key=str))

    @misconception("counts places instead of contexts")
    def _(pairs):
        words = [word for _, word in pairs]
        return {word: words.count(word) for word in sorted(set(words))}

    hint = "*Francisco* after *San* for the tenth time is no new neighbour."

    @misconception("counts the words that come after")
    def _(pairs):
        counts = {}
        for before, _ in set(pairs):
            counts[before] = counts.get(before, 0) + 1
        return dict(sorted(counts.items(), key=str))

    hint = "The neighbours to count stand before the word, not behind it."

    @misconception("leaves out the beginning of a line")
    def _(pairs):
        counts = {}
        for before, word in set(pairs):
            if before is not None:
                counts[word] = counts.get(word, 0) + 1
        return dict(sorted(counts.items(), key=str))

    hint = "To begin a line is a context like any other: None counts."

    def cases():
        lines = ("i see san francisco", "you see san francisco", "i see you")
        pairs = [p for t in lines for p in zip([None, *t.split()], t.split(), strict=False)]
        again = [("a", "b"), ("a", "b"), ("b", "b"), (None, "a"), ("b", "a")]
        return {
            "the three lines of the chapter": (pairs,),
            "pairs that come twice": (again,),
            "one word": ([(None, "x"), ("x", "x"), ("x", "x")],),
        }


class DiscountAndMix(Exercise):
    """One step of interpolated Kneser-Ney.

    counts (V,) says how often each word was seen after a context, lower (V,)
    what the shorter context expects, D is the discount, at most 1. Return the
    probabilities (V,) after the context. A context that was never seen leaves
    all to the shorter one.
    """

    hints = (
        "Take D off every count that is not 0, and divide by the sum of the counts.",
        "What was taken off: D times the number of different words seen.",
        "That sum, divided by the sum of the counts, is the weight of `lower`.",
    )

    def solution(counts, lower, D):  # (V,), (V,), float -> (V,)
        total = counts.sum()
        if total == 0:
            return lower
        # your code
        kept = np.maximum(counts - D, 0) / total
        gamma = D * np.sum(counts > 0) / total
        p = kept + gamma * lower
        # end of your code
        return p

    @misconception("gives the rest only to words that were not seen")
    def _(counts, lower, D):
        total = counts.sum()
        if total == 0:
            return lower
        gamma = D * np.sum(counts > 0) / total
        return np.where(counts > 0, np.maximum(counts - D, 0) / total, gamma * lower)

    hint = "This form interpolates: words that were seen get their part of the rest, too."

    @misconception("takes the discount off once, not once for each word seen")
    def _(counts, lower, D):
        total = counts.sum()
        if total == 0:
            return lower
        return np.maximum(counts - D, 0) / total + D / total * lower

    hint = "Do your probabilities sum to 1? D was taken off every word that was seen."

    @misconception("takes D off words that were never seen")
    def _(counts, lower, D):
        total = counts.sum()
        if total == 0:
            return lower
        return (counts - D) / total + D * np.sum(counts > 0) / total * lower

    hint = "A count of 0 has nothing to give: is one of your probabilities too small, or negative?"

    @misconception("weighs the shorter context by D alone")
    def _(counts, lower, D):
        total = counts.sum()
        if total == 0:
            return lower
        return (1 - D) * counts / total + D * lower

    hint = "A context seen a thousand times needs the shorter one less than one seen twice."

    @misconception("counts places where it should count different words")
    def _(counts, lower, D):
        total = counts.sum()
        if total == 0:
            return lower
        return np.maximum(counts - D, 0) / total + D * lower

    hint = "The weight set free is D times the number of *different* words, over the total."

    def cases():
        lower = np.array([1, 2, 1, 1, 2]) / 7
        return {
            "after see": (np.array([0, 0, 2, 0, 1]), lower, 0.5),
            "one follower": (np.array([0, 5, 0]), np.array([0.5, 0.25, 0.25]), 0.75),
            "many followers": (np.array([1, 1, 1, 4]), np.array([0.1, 0.2, 0.3, 0.4]), 0.9),
            "never seen": (np.array([0, 0]), np.array([0.3, 0.7]), 0.5),
        }


class OneLstmStep(Exercise):
    """From the last memory of an LSTM to the next memory and state.

    z (4, k) holds four rows of k numbers, before any function was applied:
    for writing i, keeping f, showing o, and the new content n. c (k,) is the
    last memory. Return an array (2, k): the new memory, and the new state.
    sigmoid(x) is given.
    """

    hints = (
        "Three rows become gates by the sigmoid, the fourth becomes content by tanh.",
        "The new memory is what is kept of the old one, plus what is written.",
        "The state shows the memory through a tanh: `o * np.tanh(memory)`.",
    )

    def solution(z, c):  # (4, k), (k,) -> (2, k)
        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        # your code
        i, f, o = sigmoid(z[:3])
        memory = f * c + i * np.tanh(z[3])
        state = o * np.tanh(memory)
        # end of your code
        return np.array([memory, state])

    @misconception("swaps keeping and writing")
    def _(z, c):
        i, f, o = _sigmoid(z[:3])
        memory = i * c + f * np.tanh(z[3])
        return np.array([memory, o * np.tanh(memory)])

    hint = "f is multiplied with the old memory, i with the new content."

    @misconception("shows the memory without tanh")
    def _(z, c):
        i, f, o = _sigmoid(z[:3])
        memory = f * c + i * np.tanh(z[3])
        return np.array([memory, o * memory])

    hint = "The memory is a sum and may grow; the state is kept between -1 and 1."

    @misconception("sends the content through the sigmoid")
    def _(z, c):
        i, f, o = _sigmoid(z[:3])
        memory = f * c + i * _sigmoid(z[3])
        return np.array([memory, o * np.tanh(memory)])

    hint = "Content may be negative. Only gates lie between 0 and 1."

    @misconception("keeps what it does not write")
    def _(z, c):
        i, _, o = _sigmoid(z[:3])
        memory = (1 - i) * c + i * np.tanh(z[3])
        return np.array([memory, o * np.tanh(memory)])

    hint = "Keeping has a gate of its own: f is not 1 - i."

    def cases():
        z = np.array([[0.0, 1.0], [2.0, -1.0], [1.0, 0.5], [0.5, -2.0]])
        return {
            "two cells": (z, np.array([1.0, -0.5])),
            "an empty memory": (z[:, ::-1].copy(), np.zeros(2)),
            "a full memory": (2 * z, np.array([3.0, -4.0])),
        }


shuffled_words = Question(
    "The words of every document are shuffled, in the text that a 3-gram model learns from and in "
    "the text that it is judged by; the model finds out on other shuffled text how far to trust "
    "its counts. How much of its gain over plain word frequencies, in logarithms, is left?",
    (
        Option(
            "About half: the topic of a document tells much about its words",
            "It does tell something. But a 3-gram looks at two words only, and two random words "
            "of a document say little about a third.",
        ),
        Option(
            "Less than a tenth",
            "Frequencies stay, and so do the words that share a document. What two words before "
            "tell about the next one is mostly a matter of order.",
            right=True,
        ),
        Option(
            "Nothing at all",
            "Nearly. But words of one document go together: after *goalie* and *puck* in any "
            "order, *hockey* is a little likelier than elsewhere.",
        ),
    ),
)

more_text = Question(
    "An LSTM and a 5-gram with Kneser-Ney smoothing read the same text once: first a sixteenth of "
    "ours, then all of its six and a half million words. Judged on held-out documents, what "
    "happens?",
    (
        Option(
            "The LSTM is ahead on both: it sees more than four words",
            "It could see more. But a network learns by small steps, and one pass over a small "
            "text has few of them.",
        ),
        Option(
            "The 5-gram is ahead on the small text, the LSTM on all of it",
            "Six and a half million words read once are still few steps. Published networks that "
            "beat n-grams had read far more, or the same text many times.",
        ),
        Option(
            "The 5-gram is ahead on both, and on all of the text not by less",
            "Newsgroups quote each other, and more text holds more of what the held-out documents "
            "quote. Where nothing is quoted, the distance does shrink, nearly to nothing.",
            right=True,
        ),
    ),
)

look_alike = Question(
    "Passages that an LSTM wrote are mixed with real ones. Which judge tells them apart best?",
    (
        Option(
            "One that looks which words a passage has",
            "The model knows how frequent words are, and draws them about as often. A bag of "
            "words sees little.",
        ),
        Option(
            "One that looks which pairs of neighbouring words it has",
            "Most pairs of a passage are rare ones, which 500 passages have hardly shown before. "
            "The common ones are those that the model knows best.",
        ),
        Option(
            "One that looks how likely n-grams of several orders find it",
            "The LSTM draws words about as often as they occur, but joins them in ways that "
            "n-grams of real text find less likely than real text. Five numbers show it.",
            right=True,
        ),
    ),
)

same_vectors = Question(
    "Back to chapter 5. Word2Vec and Bengio's network both learn a table of word vectors by "
    "prediction. What did Word2Vec leave out?",
    (
        Option(
            "The hidden layer, the order of the context words, and the softmax over all words",
            "What is left is a product of two vectors and a few yes-or-no questions. That is why "
            "it is so much faster.",
            right=True,
        ),
        Option(
            "The table of vectors",
            "The table is the one thing that it kept: the rest of the network was there to train "
            "it, and can be thrown away.",
        ),
        Option(
            "Nothing: it is the same network with more text",
            "It has no hidden layer, and its score is a plain dot product of two vectors.",
        ),
    ),
)

order_again = Question(
    "Back to chapter 3. A document is shuffled. Which of these changes?",
    (
        Option(
            "Its vector of TF-IDF",
            "Counts of words do not know where the words stood, and neither do their weights.",
        ),
        Option(
            "Its bag of words",
            "A bag is what is left when the order is forgotten. There is nothing to change.",
        ),
        Option(
            "Its perplexity under a 3-gram model",
            "The model expects each word after the two before it, and these are now others. Under "
            "a 1-gram nothing would change.",
            right=True,
        ),
    ),
)

documents_again = Question(
    "Back to chapter 0. Two models are compared on the held-out words of four hundred documents. "
    "What does the bootstrap draw anew?",
    (
        Option(
            "The words",
            "Words of a document share its topic and its author. Drawn one by one, they would "
            "pretend to be independent, and the interval would be too narrow.",
        ),
        Option(
            "The documents, the same ones for both models",
            "Documents are what was drawn at random. Drawn together for both models, their luck "
            "cancels in the difference.",
            right=True,
        ),
        Option(
            "The documents, separately for each model",
            "Then one model may get the hard documents and the other the easy ones, and the luck "
            "of the draw would count twice.",
        ),
    ),
)
