"""Chapter 2, what identity costs: look-up, unknown words, pieces, words seen in one document."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class BagTimesMatrix(Exercise):
    """What the bag of a document gives when multiplied by word vectors.

    ids holds the numbers of the document's words, with repetitions; it may be
    empty. The bag is the sum of their one-hot vectors. No one-hot vector and no
    bag is needed for the answer: look rows up.
    """

    hints = (
        "A one-hot vector times W is one row of W. What is a sum of one-hot vectors times W?",
        "The product is linear: the sum of the products equals the product of the sum.",
        "`W[ids]` has one row for each word of the document; add the rows up.",
    )

    def solution(ids, W):  # (t,), (V, d) -> (d,)
        return W[ids].sum(axis=0)

    @misconception("counts a word once, however often it occurs")
    def _(ids, W):
        return W[np.unique(ids)].sum(axis=0)

    hint = "The bag holds a 2 where a word occurs twice. Its row must count twice."

    @misconception("averages where it should add")
    def _(ids, W):
        return W[ids].mean(axis=0) if len(ids) else np.zeros(W.shape[1])

    hint = "A mean divides by the number of words. Nothing in the product does."

    @misconception("starts from the number 0")
    def _(ids, W):
        total = 0
        for i in ids:
            total = total + W[i]
        return total

    hint = "A document without words has a bag of zeros. Start from `np.zeros(W.shape[1])`."

    @misconception("takes columns of W for rows")
    def _(ids, W):
        return W[:, ids].sum(axis=1)

    hint = "The rows of W belong to words, its columns to dimensions. `W[ids]` takes rows."

    @misconception("starts to number the words at 1")
    def _(ids, W):
        return W[ids - 1].sum(axis=0)

    hint = "The first word has the index 0, and `W[-1]` is the last row, without an error."

    def cases():
        W = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [3.0, 3.0, 0.0]])
        wave = np.sin(np.arange(25.0)).reshape(5, 5)
        return {
            "a word that occurs twice": (np.array([0, 2, 0]), W),
            "a single word": (np.array([1]), W),
            "every word once": (np.array([2, 1, 0]), W),
            "five words, five dimensions": (np.array([4, 4, 1, 3, 4]), wave),
            "a document without words": (np.array([], dtype=int), W),
        }


class UnknownShare(Exercise):
    """The share of running words that the vocabulary lacks, over all documents.

    documents is a list of lists of words, vocabulary is a set of words.
    """

    hints = (
        "Each occurrence counts, also the tenth of the same word.",
        "Go through all documents, count the words that are not in the vocabulary, and all words.",
        "First `tokens = [word for words in documents for word in words]`. Then `unknown`, another "
        "list, keeps those for which `word not in vocabulary`.",
    )

    def solution(documents, vocabulary):  # n lists, a set -> a number
        # your code
        tokens = [word for words in documents for word in words]
        unknown = [word for word in tokens if word not in vocabulary]
        # end of your code
        return len(unknown) / len(tokens)

    @misconception("counts types instead of tokens")
    def _(documents, vocabulary):
        types = {word for words in documents for word in words}
        return len(types - vocabulary) / len(types)

    hint = "Frequent words are mostly known, so among types the unknown ones weigh too much."

    @misconception("counts an unknown word once, however often it occurs")
    def _(documents, vocabulary):
        tokens = [word for words in documents for word in words]
        return len(set(tokens) - vocabulary) / len(tokens)

    hint = "Types above, tokens below: a set forgets repetitions. Keep a list of the unknown ones."

    @misconception("gives per cent")
    def _(documents, vocabulary):
        tokens = [word for words in documents for word in words]
        return 100 * sum(word not in vocabulary for word in tokens) / len(tokens)

    hint = "A share runs from 0 to 1. Per cent are for printing."

    @misconception("averages the shares of the documents")
    def _(documents, vocabulary):
        shares = [
            np.mean([word not in vocabulary for word in words]) for words in documents if words
        ]
        return float(np.mean(shares))

    hint = "A document of two words then weighs as much as one of two thousand. Pool the words."

    @misconception("returns the share of known words")
    def _(documents, vocabulary):
        tokens = [word for words in documents for word in words]
        return sum(word in vocabulary for word in tokens) / len(tokens)

    hint = "That is the coverage. A vocabulary that holds every word must give 0."

    @misconception("asks which words of the vocabulary the text lacks")
    def _(documents, vocabulary):
        seen = {word for words in documents for word in words}
        return len(vocabulary - seen) / max(1, len(vocabulary))

    hint = "The other way round: for each word of the text, is it in the vocabulary?"

    def cases():
        documents = [["the", "cat", "sat"], ["the", "zyzzyva"], ["the", "zyzzyva", "ate", "the"]]
        return {
            "one word unknown, twice": (documents, {"the", "cat", "sat", "ate"}),
            "an empty document": ([["a", "b", "b"], []], {"a", "c", "d"}),
            "everything known": (documents, {"the", "cat", "sat", "ate", "zyzzyva"}),
            "nothing known": ([["a", "b"], ["a"]], {"x"}),
            "long and short documents": ([["a"] * 9 + ["b"], ["b"]], {"a", "e"}),
        }


class LongestPieces(Exercise):
    """A word cut from the left, always the longest piece that is in the list.

    That is how WordPiece cuts. A piece that continues a word is written with ##
    in front, in the list and in the answer. If at some place no piece fits, the
    answer is ["[UNK]"] for the whole word.
    """

    hints = (
        "Try the whole word first, then the word without its last letter, and so on.",
        "What is left after the first piece is cut in the same way, with `##` in front of it.",
        "With `rest` still to be cut and `mark` either empty or `##`, the lengths that fit are "
        "`[k for k in range(1, len(rest) + 1) if mark + rest[:k] in pieces]`: take the last one.",
    )

    def solution(word, pieces):  # str, set of str -> list of str
        cut, rest = [], word
        # your code
        while rest:
            mark = "##" if cut else ""
            fits = [k for k in range(1, len(rest) + 1) if mark + rest[:k] in pieces]
            if not fits:
                return ["[UNK]"]
            cut.append(mark + rest[: fits[-1]])
            rest = rest[fits[-1] :]
        # end of your code
        return cut

    @misconception("takes the shortest piece that fits")
    def _(word, pieces):
        cut, rest = [], word
        while rest:
            mark = "##" if cut else ""
            fits = [k for k in range(1, len(rest) + 1) if mark + rest[:k] in pieces]
            if not fits:
                return ["[UNK]"]
            cut.append(mark + rest[: fits[0]])
            rest = rest[fits[0] :]
        return cut

    hint = "Short pieces nearly always fit, and make the text long. Try the long ones first."

    @misconception("forgets the mark of a piece that continues a word")
    def _(word, pieces):
        cut, rest = [], word
        while rest:
            fits = [k for k in range(1, len(rest) + 1) if rest[:k] in pieces]
            if not fits:
                return ["[UNK]"]
            cut.append(rest[: fits[-1]])
            rest = rest[fits[-1] :]
        return cut

    hint = "*able* at the start of a word and *##able* after it are two entries of the list."

    @misconception("cuts from the right")
    def _(word, pieces):
        cut, rest = [], word
        while rest:
            fits = [k for k in range(len(rest)) if ("##" if k else "") + rest[k:] in pieces]
            if not fits:
                return ["[UNK]"]
            cut.insert(0, ("##" if fits[0] else "") + rest[fits[0] :])
            rest = rest[: fits[0]]
        return cut

    hint = "The longest ending is not the question. Start at the first letter, and never go back."

    @misconception("keeps the pieces before the place where nothing fits")
    def _(word, pieces):
        cut, rest = [], word
        while rest:
            mark = "##" if cut else ""
            fits = [k for k in range(1, len(rest) + 1) if mark + rest[:k] in pieces]
            if not fits:
                return [*cut, "[UNK]"]
            cut.append(mark + rest[: fits[-1]])
            rest = rest[fits[-1] :]
        return cut

    hint = "Half a word would mislead. If one place fails, the whole word becomes one `[UNK]`."

    def cases():
        letters = {"d", "##d", "l", "##l", "o", "##o", "g", "##g", "##s"}
        return {
            "log and logs": ("logs", letters | {"log", "##og"}),
            "a word that is a piece": ("dog", letters | {"do", "dog"}),
            "greedy from the left": ("doggo", letters | {"dog", "##go", "##ggo"}),
            "one word, two lists": ("able", {"a", "able", "##ble", "##able"}),
            "able after log": ("logable", letters | {"log", "able", "##able", "##a"}),
            "a letter that no piece has": ("dogma", letters | {"dog"}),
            "the first letter unknown": ("xdog", letters | {"##dog"}),
        }


class SeenInOneDocument(Exercise):
    """The share of running words whose word stands in no other document.

    That is the share of unknown words to expect in a document that is held out:
    leave each document out in turn and count which of its words the others
    lack. One pass is enough.
    """

    hints = (
        "For each word ask: in how many documents does it stand? Not: how often?",
        "Count document frequencies with `set(words)`, so that a document counts once.",
        "For each text: `for w in set(text): df[w] = df.get(w, 0) + 1`.",
    )

    def solution(documents):  # n lists of words -> a number from 0 to 1
        df = {}
        # your code
        for text in documents:
            for w in set(text):
                df[w] = df.get(w, 0) + 1
        # end of your code
        tokens = [word for words in documents for word in words]
        return sum(df[word] == 1 for word in tokens) / len(tokens)

    @misconception("counts words that occur once")
    def _(documents):
        tokens = [word for words in documents for word in words]
        return sum(tokens.count(word) == 1 for word in tokens) / len(tokens)

    hint = "A name may occur five times and only in one document. Held out, all five are unknown."

    @misconception("gives the share of types instead of tokens")
    def _(documents):
        df = {}
        for words in documents:
            for word in set(words):
                df[word] = df.get(word, 0) + 1
        return sum(n == 1 for n in df.values()) / len(df)

    hint = "The question is about running words: a word that occurs five times weighs five."

    @misconception("divides types by tokens")
    def _(documents):
        df = {}
        for words in documents:
            for word in set(words):
                df[word] = df.get(word, 0) + 1
        return sum(n == 1 for n in df.values()) / sum(map(len, documents))

    hint = "Above stand types, below tokens. A name said three times counts three times above too."

    @misconception("counts words that stand in every document")
    def _(documents):
        tokens = [word for words in documents for word in words]
        everywhere = set.intersection(*map(set, documents))
        return sum(word in everywhere for word in tokens) / len(tokens)

    hint = "Those are the words that no held-out document would miss. Look at the other end."

    @misconception("averages over documents")
    def _(documents):
        df = {}
        for words in documents:
            for word in set(words):
                df[word] = df.get(word, 0) + 1
        shares = [np.mean([df[word] == 1 for word in words]) for words in documents if words]
        return float(np.mean(shares))

    hint = "Pool the tokens first, then divide once. A long document brings more words."

    @misconception("averages over documents, the empty ones too")
    def _(documents):
        df = {}
        for words in documents:
            for word in set(words):
                df[word] = df.get(word, 0) + 1
        shares = [sum(df[word] == 1 for word in words) / max(1, len(words)) for words in documents]
        return sum(shares) / len(documents)

    hint = "An empty document has no words to be unknown. Pool the tokens, then divide once."

    def cases():
        return {
            "a name said three times": ([["the", "ann", "ann", "ann"], ["the", "end"]],),
            "two documents alike": ([["a", "b"], ["b", "a"]],),
            "nothing shared": ([["a", "a"], ["b"]],),
            "long and short": ([["a"] * 8 + ["b", "c"], ["a"], ["a", "d"]],),
            "an empty document": ([["x", "y", "y"], [], ["x"]],),
        }


renamed_words = Question(
    "You replace every word of Lee-50 and of its background by a random string, the same word "
    "always by the same string. What happens to the score of the one-hot encoder?",
    (
        Option(
            "It falls to zero, since the meaning is gone",
            "There was no meaning in it. The vector says which column is 1, not what the column "
            "is called.",
        ),
        Option(
            "It falls a little, since related spellings are torn apart",
            "River and rivers were as far apart before: two columns, at right angles.",
        ),
        Option(
            "Nothing at all",
            "Only names of columns change, so every shared word is still shared and every cosine "
            "stays the same.",
            right=True,
        ),
    ),
)

bootstrap_of_types = Question(
    "A corpus has 73,000 different words. You bootstrap that number: draw as many documents as "
    "there are, with replacement, and count different words. Where does the 95 % interval lie?",
    (
        Option(
            "Below 73,000, all of it",
            "A document drawn twice brings no new word the second time, and more than a third of "
            "the documents are not drawn at all. Hardly any resample comes near 73,000.",
            right=True,
        ),
        Option(
            "Around 73,000, about as far below as above",
            "That holds for means. A number of types can only fall when documents are repeated.",
        ),
        Option(
            "Above 73,000, since there are unseen words",
            "There are, but a resample holds only documents that were seen.",
        ),
    ),
)

types_and_length = Question(
    "A vocabulary comes from some posts. In ten thousand words of new posts you count the share "
    "of types, different words, that it lacks. Then you read ten times as much of the same kind "
    "of post. What happens to that share?",
    (
        Option(
            "It stays: more of the same text",
            "The share of tokens stays. Types are another matter: which of them come late?",
        ),
        Option(
            "It rises",
            "Frequent words are known and all met soon. What comes later as a new type is rarer "
            "and rarer, and rare words are the unknown ones.",
            right=True,
        ),
        Option(
            "It falls, since words repeat",
            "Repetition adds tokens, not types. Ask which types are still missing after ten "
            "thousand words.",
        ),
    ),
)

sparse_columns = Question(
    "Back to chapter 0. `X` holds one-hot vectors of 300 words, shape (300, 10000), and `W` has "
    "shape (10000, 50). How many of the numbers in `W` have an influence on `X @ W`?",
    (
        Option(
            "All 500,000",
            "Each row of X picks out one row of W, and multiplies all others by zero.",
        ),
        Option(
            "At most 15,000: the rows of words that occur",
            "300 words name at most 300 rows of 50 numbers; fewer if words repeat.",
            right=True,
        ),
        Option(
            "50, one for each dimension",
            "That would be so for a single word. There are 300, and each has its own row.",
        ),
    ),
)

worse_than_counts = Question(
    "Back to chapter 1. On Lee-50 one method scores 0.23 and another 0.21, both with intervals "
    "about 0.3 wide. Which is better?",
    (
        Option(
            "The first, by 0.02",
            "On these fifty documents it came out ahead. Others might turn it round.",
        ),
        Option(
            "Neither: overlapping intervals prove a tie",
            "Overlap proves nothing: both share the luck of the same documents, which cancels in "
            "their difference.",
        ),
        Option(
            "Ask for the interval of the difference, on the same documents",
            "Paired, the luck that hits both cancels. If that interval holds zero, the question is "
            "undecided; only a narrow one around zero would make it a tie.",
            right=True,
        ),
    ),
)
