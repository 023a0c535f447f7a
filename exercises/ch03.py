"""Chapter 3, counts and TF-IDF: a weight, a surprise, a search score, and order."""

from itertools import pairwise

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class SmoothWeights(Exercise):
    """The TF-IDF vector of one document, by scikit-learn's default.

    tf holds the count of each word in the document, df the number of the n
    documents that contain it. Smooth IDF, then length 1. A document without
    any known word stays a vector of zeros.
    """

    hints = (
        "Smooth means: as if one more document held every word. What does that do to n and to df?",
        "The weight of a word is `np.log((1 + n) / (1 + df)) + 1`; multiply by tf.",
        "Length 1 means that the squares add up to 1: divide by the root of their sum, unless it "
        "is zero.",
    )

    def solution(tf, df, n):  # (V,), (V,), int -> (V,)
        # your code
        weights = tf * (np.log((1 + n) / (1 + df)) + 1)
        length = np.sqrt(np.sum(weights**2))
        # end of your code
        return weights / length if length > 0 else weights

    @misconception("forgets to add 1 to the logarithm")
    def _(tf, df, n):
        weights = tf * np.log((1 + n) / (1 + df))
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "A word of all documents has logarithm 0. Here it still has to weigh something."

    @misconception("smooths above but not below")
    def _(tf, df, n):
        weights = tf * (np.log((1 + n) / df) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "The extra document holds every word, so it raises df as well as n."

    @misconception("does not smooth at all")
    def _(tf, df, n):
        weights = tf * (np.log(n / df) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "This is the setting without smoothing. Add one document that holds every word."

    @misconception("makes the weights add up to 1")
    def _(tf, df, n):
        weights = tf * (np.log((1 + n) / (1 + df)) + 1)
        return weights / weights.sum() if weights.sum() > 0 else weights

    hint = "Shares add up to 1. A length is the root of a sum of squares."

    @misconception("returns the weights without bringing them to length 1")
    def _(tf, df, n):
        return tf * (np.log((1 + n) / (1 + df)) + 1)

    hint = "One step is missing: a text pasted twice in a row must get the same vector."

    @misconception("takes the logarithm to base 2")
    def _(tf, df, n):
        weights = tf * (np.log2((1 + n) / (1 + df)) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "The added 1 has a size, so the base matters: it is the natural logarithm."

    @misconception("takes the textbook's IDF")
    def _(tf, df, n):
        weights = tf * np.log(n / df)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "That is the textbook's IDF. Smooth n and df, and add 1 to the logarithm."

    @misconception("adds the 1 inside the logarithm")
    def _(tf, df, n):
        weights = tf * np.log((1 + n) / (1 + df) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "The last 1 is added to the logarithm, not inside it."

    @misconception("divides by the squared length")
    def _(tf, df, n):
        weights = tf * (np.log((1 + n) / (1 + df)) + 1)
        length = np.sum(weights**2)
        return weights / length if length > 0 else weights

    hint = "That is the squared length. What is missing?"

    @misconception("takes the logarithm of the count")
    def _(tf, df, n):
        tf = np.where(tf > 0, 1 + np.log(np.maximum(tf, 1)), 0)
        weights = tf * (np.log((1 + n) / (1 + df)) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "The count enters as it is; its logarithm belongs to the sublinear variant."

    @misconception("takes the logarithm to base 10")
    def _(tf, df, n):
        weights = tf * (np.log10((1 + n) / (1 + df)) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "Base 10 makes the logarithm small beside the added 1. Take the natural one."

    @misconception("turns the ratio upside down")
    def _(tf, df, n):
        weights = tf * (np.log((1 + df) / (1 + n)) + 1)
        length = np.sqrt(np.sum(weights**2))
        return weights / length if length > 0 else weights

    hint = "Rare words should weigh more. Yours weigh less."

    def cases():
        return {
            "two words, one of them rare": (np.array([1, 1]), np.array([4, 1]), 4),
            "a count of three": (np.array([3, 1, 0]), np.array([2, 5, 1]), 9),
            "one word only": (np.array([0, 2]), np.array([3, 3]), 7),
            "no known word": (np.array([0, 0]), np.array([1, 2]), 5),
            "many documents": (np.array([2, 5, 1, 1]), np.array([900, 1000, 3, 1]), 1000),
        }


class ResidualIdf(Exercise):
    """How much rarer among documents a word is than chance would make it.

    cf occurrences fell on df of n documents. Chance would have dealt them out
    one by one: how many documents would get at least one? Take the limit for
    many documents. Natural logarithms.
    """

    hints = (
        "With what probability is one document missed by all cf occurrences?",
        "In the limit that probability is `np.exp(-cf / n)`. The others get the word.",
        "`expected = n * (1 - np.exp(-cf / n))`.",
    )

    def solution(cf, df, n):  # (V,), (V,), int -> (V,)
        # your code
        expected = n * (1 - np.exp(-cf / n))
        # end of your code
        return np.log(n / df) - np.log(n / expected)

    @misconception("expects every occurrence in a document of its own")
    def _(cf, df, n):
        return np.log(cf / df)

    hint = "Even by chance some documents get the word twice, the more so the more often it occurs."

    @misconception("forgets that chance spreads the word over n documents")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (n * (1 - np.exp(-cf))))

    hint = "A single document gets cf / n occurrences on average, not cf."

    @misconception("takes the chance of being without the word")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (n * np.exp(-cf / n)))

    hint = "exp(-cf / n) is the share of documents without the word. You want the others."

    @misconception("takes the probability for the number")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (1 - np.exp(-cf / n)))

    hint = "That is the probability for one document. How many documents are there?"

    @misconception("keeps the exact probability")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (n * (1 - (1 - 1 / n) ** cf)))

    hint = "That is exact. The task takes its limit for many documents, an exponential."

    @misconception("turns the mean count upside down")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (n * (1 - np.exp(-n / cf))))

    hint = "The mean count of a document is cf / n."

    @misconception("deals out df occurrences")
    def _(cf, df, n):
        return np.log(n / df) - np.log(n / (n * (1 - np.exp(-df / n))))

    hint = "Chance deals out occurrences, cf of them."

    def cases():
        return {
            "ten times in one document and in ten": (np.array([10, 10]), np.array([1, 10]), 20),
            "a word seen once": (np.array([1]), np.array([1]), 50),
            "boycott and somewhat": (np.array([37, 50]), np.array([22, 43]), 3781),
            "a word of all documents": (np.array([90, 30]), np.array([30, 25]), 30),
        }


class Bm25Weight(Exercise):
    """The BM25 weight of one word in each document.

    tf holds its counts, length the lengths of the documents in words, idf is
    one number. No factor k1 + 1, as in Lucene.
    """

    hints = (
        "Multiply f/B over f/B + k1 by B, above and below: what is then added to the count?",
        "What holds it back is k1, more of it for documents longer than the mean.",
        "Below stands `tf + k1 * (1 - b + b * length / length.mean())`.",
    )

    def solution(tf, length, idf, k1, b):  # (n,), (n,), three numbers -> (n,)
        # your code
        held_back = k1 * (1 - b + b * length / length.mean())
        # end of your code
        return idf * tf / (tf + held_back)

    @misconception("turns the ratio of lengths upside down")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + k1 * (1 - b + b * length.mean() / length))

    hint = "A long document must get the smaller weight for the same count."

    @misconception("takes b for 1 - b")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + k1 * (b + (1 - b) * length / length.mean()))

    hint = "With b = 0 the length must not matter, with b = 1 it must matter in full."

    @misconception("leaves the length out")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + k1)

    hint = "Three mentions in ten words are not three mentions in a thousand."

    @misconception("lets k1 multiply the first half only")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + k1 * (1 - b) + b * length / length.mean())

    hint = "k1 multiplies the whole bracket."

    @misconception("forgets k1")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + 1 - b + b * length / length.mean())

    hint = "With k1 = 0 only presence may count. Does yours?"

    @misconception("compares with the sum of all lengths")
    def _(tf, length, idf, k1, b):
        return idf * tf / (tf + k1 * (1 - b + b * length / length.sum()))

    hint = "Compare with the mean length, not with all words together."

    def cases():
        tf, length = np.array([1, 3, 3, 0]), np.array([10, 10, 40, 20])
        return {
            "the usual settings": (tf, length, 2.0, 1.2, 0.75),
            "length does not matter": (tf, length, 2.0, 1.2, 0.0),
            "length matters in full": (tf, length, 0.5, 2.0, 1.0),
            "other lengths": (np.array([2, 2, 9]), np.array([5, 50, 500]), 3.0, 0.9, 0.4),
        }


class OrderedPairs(Exercise):
    """How often each pair of neighbours occurs, over all documents.

    documents is a list of lists of words. Count tuples (left, right) in a
    dictionary. The last word of one document is no neighbour of the first
    word of the next.
    """

    hints = (
        "Go through one document at a time; a document of t words has t - 1 pairs.",
        "The pair that starts at position t is `(words[t], words[t + 1])`.",
        "For each pair: `counts[pair] = counts.get(pair, 0) + 1`.",
    )

    def solution(documents):  # n lists of words -> dict from (str, str) to int
        counts = {}
        # your code
        for words in documents:
            for t in range(len(words) - 1):
                pair = (words[t], words[t + 1])
                counts[pair] = counts.get(pair, 0) + 1
        # end of your code
        return counts

    @misconception("forgets which word comes first")
    def _(documents):
        counts = {}
        for words in documents:
            for left, right in pairwise(words):
                pair = (min(left, right), max(left, right))
                counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "Dog bites man and man bites dog must differ: keep left and right apart."

    @misconception("pairs words across the border of two documents")
    def _(documents):
        words = [word for document in documents for word in document]
        counts = {}
        for pair in pairwise(words):
            counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "Joining the documents first makes neighbours of words that never met."

    @misconception("cuts the text into pairs that do not overlap")
    def _(documents):
        counts = {}
        for words in documents:
            for pair in zip(words[::2], words[1::2], strict=False):
                counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "Every word but the last has a right neighbour, not every second word."

    @misconception("counts a pair once in each document")
    def _(documents):
        counts = {}
        for words in documents:
            for pair in dict.fromkeys(pairwise(words)):
                counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "That is the document frequency of the pair. Count its occurrences."

    @misconception("pairs each word with all that follow")
    def _(documents):
        counts = {}
        for words in documents:
            for i, left in enumerate(words):
                for right in words[i + 1 :]:
                    counts[left, right] = counts.get((left, right), 0) + 1
        return counts

    hint = "Only the next word is a neighbour. Words further on belong to other pairs."

    @misconception("counts each pair in both directions")
    def _(documents):
        counts = {}
        for words in documents:
            for left, right in pairwise(words):
                for pair in ((left, right), (right, left)):
                    counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "Each place in the text makes one pair, left then right."

    @misconception("starts anew with each document")
    def _(documents):
        counts = {}
        for words in documents:
            counts = {}
            for pair in pairwise(words):
                counts[pair] = counts.get(pair, 0) + 1
        return counts

    hint = "Only the last document is left. Where do you start counting?"

    def cases():
        return {
            "dog and man": ([["dog", "bites", "man"], ["man", "bites", "dog"]],),
            "the same pair twice": ([["a", "b", "a", "b"], ["b"]],),
            "a document without words": ([["x", "y"], [], ["y", "x", "x"]],),
            "nothing to pair": ([["a"], ["b"]],),
        }


highest_idf = Question(
    "Weigh the words of four thousand news articles by IDF. All words that occur once share the "
    "highest weight. A hundred and twenty of them are drawn at random, and a person looks at each. "
    "Most of them are ...",
    (
        Option(
            "misspellings and other rubbish",
            "They are there, but few. The drawn words are nearly all what their authors meant.",
        ),
        Option(
            "names and ordinary words that happened to be used once",
            "The highest weight goes to every word of a single document, and most words that "
            "occur once are neither misspelt nor important: names in passing, and plain words.",
            right=True,
        ),
        Option(
            "the key words of their articles",
            "A key word comes again. Of the words that occur once hardly any stands in its "
            "article's own headline.",
        ),
    ),
)

rescaled_columns = Question(
    "A linear classifier without any penalty is trained on counts. (The classes overlap, so that "
    "one set of weights is best.) Now every column of the counts is multiplied by the IDF of its "
    "word, all above zero, and the classifier is trained anew. What changes in its predictions?",
    (
        Option(
            "Rare words gain influence",
            "They would if the weights stayed. But the training is free to divide them again by "
            "the same factor.",
        ),
        Option(
            "Frequent words lose their influence",
            "Whatever the factor takes from a column, a larger weight gives back: the fit decides "
            "the product, not the column.",
        ),
        Option(
            "Nothing: the best weights are divided by the IDF",
            "Every score can be reached as before, by dividing each weight by the factor of its "
            "column. Only a penalty on the weights makes the difference felt.",
            right=True,
        ),
    ),
)

longer_query = Question(
    "A search engine ranks by BM25. You ask it the same question twice in a row, pasted into one "
    "query: every word of the query now counts double. What happens to the ranking?",
    (
        Option(
            "Nothing, all scores double",
            "A score is a sum over the words of the query. Saturation acts on counts in the "
            "documents, and they are as they were.",
            right=True,
        ),
        Option(
            "Long documents move up",
            "Lengths of documents enter their weights, and those do not know the query.",
        ),
        Option(
            "It flattens, since counts saturate",
            "Counts in documents saturate. In this form of BM25 the query's own counts do not.",
        ),
    ),
)

zipf_and_hapaxes = Question(
    "Back to chapter 2. A list of all words of a training corpus leaves some words of new text "
    "without a column. Which training words tell best how many running words those will be?",
    (
        Option(
            "The most frequent hundred",
            "They make up half of any text, and every list knows them.",
        ),
        Option(
            "Those that stand in a single document",
            "Leave that document out and they are unknown: their share of the tokens estimates "
            "what the next document will bring.",
            right=True,
        ),
        Option(
            "Those with a high IDF and a high count",
            "These are the key words of few documents. New text brings others, mostly seldom used.",
        ),
    ),
)

two_exams = Question(
    "Back to chapter 1. TF-IDF was fourth of six on Lee-50 and had the highest share on R8. How "
    "can both be true?",
    (
        Option(
            "One of the two results must be luck",
            "Some of the order is. But against word vectors averaged with IDF weights both gaps "
            "had intervals clear of zero: TF-IDF was behind on Lee-50 and ahead on R8.",
        ),
        Option(
            "R8 has more documents, so it is right",
            "More documents make an answer surer. They do not make it the answer to another "
            "question.",
        ),
        Option(
            "Two exams: sensible cosines for all pairs, or some words that give a topic away",
            "A classifier learns from labels which words matter. Nobody asks it whether two "
            "documents without a common word are alike.",
            right=True,
        ),
    ),
)
