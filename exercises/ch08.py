"""Chapter 8, unseen words: runs of letters, buckets, the mean of pieces, a corrector."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class LetterRuns(Exercise):
    """Cut a word into runs of letters, as n-gram vectors do.

    A mark < stands before the word, a mark > behind it, and both count as
    letters. Return the list of all runs of shortest to longest letters, those
    that begin further left first, and of these the shorter first.
    """

    hints = (
        "First put the marks around the word; then forget that they are marks.",
        "A run is `marked[i : i + size]`. It must not reach over the end.",
        "Two loops: places on the outside, sizes on the inside.",
    )

    def solution(word, shortest, longest):  # str, int, int -> list of str
        marked = f"<{word}>"
        runs = []
        # your code
        for i in range(len(marked)):
            for size in range(shortest, longest + 1):
                if i + size <= len(marked):
                    runs.append(marked[i : i + size])
        # end of your code
        return runs

    @misconception("forgets the marks")
    def _(word, shortest, longest):
        return [
            word[i : i + size]
            for i in range(len(word))
            for size in range(shortest, longest + 1)
            if i + size <= len(word)
        ]

    hint = "The first run of *cat* is `<ca`: the mark tells a beginning from a middle."

    @misconception("leaves out the longest runs")
    def _(word, shortest, longest):
        marked = f"<{word}>"
        return [
            marked[i : i + size]
            for i in range(len(marked))
            for size in range(shortest, longest)
            if i + size <= len(marked)
        ]

    hint = "`range(shortest, longest)` stops one too early."

    @misconception("lets runs reach over the end, where they get shorter")
    def _(word, shortest, longest):
        marked = f"<{word}>"
        return [
            marked[i : i + size]
            for i in range(len(marked))
            for size in range(shortest, longest + 1)
        ]

    hint = "A slice over the end is cut short without a word. Each run must have its full size."

    @misconception("keeps each run once")
    def _(word, shortest, longest):
        marked = f"<{word}>"
        return list(
            dict.fromkeys(
                marked[i : i + size]
                for i in range(len(marked))
                for size in range(shortest, longest + 1)
                if i + size <= len(marked)
            )
        )

    hint = "*banana* holds *ana* twice, and both count in the mean."

    def cases():
        return {
            "cat, three letters": ("cat", 3, 3),
            "a run that comes twice": ("banana", 3, 4),
            "shorter than a run": ("a", 3, 6),
            "three to six": ("where", 3, 6),
        }


class CrowdedBuckets(Exercise):
    """Put hash values into buckets, and count the runs that share one.

    hashes holds the hash value of each different run, whole numbers. Run i
    goes into bucket hashes[i] modulo buckets. Return how many runs are not
    alone in their bucket.
    """

    hints = (
        "The bucket of each run is the rest of a division.",
        "`np.bincount` counts how many runs each bucket holds.",
        "Add up the counts of those buckets that hold two or more.",
    )

    def solution(hashes, buckets):  # (n,) ints, int -> int
        # your code
        counts = np.bincount(hashes % buckets)
        crowded = counts[counts > 1].sum()
        # end of your code
        return int(crowded)

    @misconception("counts buckets instead of runs")
    def _(hashes, buckets):
        counts = np.bincount(hashes % buckets)
        return int((counts > 1).sum())

    hint = "Two runs in one bucket are two runs that are not alone."

    @misconception("counts only those that come too late")
    def _(hashes, buckets):
        return len(hashes) - len(np.unique(hashes % buckets))

    hint = "The first run of a crowded bucket is not alone either."

    @misconception("compares the hash values before the division")
    def _(hashes, buckets):
        counts = np.unique(hashes, return_counts=True)[1]
        return int(counts[counts > 1].sum())

    hint = "Different hash values may leave the same rest."

    @misconception("divides instead of taking the rest")
    def _(hashes, buckets):
        counts = np.bincount(hashes // buckets)
        return int(counts[counts > 1].sum())

    hint = "`%` is the rest, `//` the quotient."

    def cases():
        return {
            "two share": (np.array([3, 13, 4]), 10),
            "three share, two share": (np.array([1, 8, 15, 2, 9, 3]), 7),
            "nobody": (np.array([0, 1, 2]), 5),
            "one bucket for all": (np.array([5, 6, 7]), 1),
        }


class SpelledVector(Exercise):
    """The vector of a word from its own row and the rows of its runs.

    table (B, d) holds a row for each bucket, rows the buckets of the word's
    runs (a bucket may stand there twice), own the row of the word itself, or
    None if training has never met it. Return the mean.
    """

    hints = (
        "Pick the rows of the runs: `table[rows]`.",
        "If there is an own row, it is one more vector among the others.",
        "With m runs and an own row, divide by m + 1.",
    )

    def solution(table, rows, own):  # (B, d), (m,), (d,) or None -> (d,)
        parts = table[rows]
        # your code
        if own is not None:
            parts = np.vstack([parts, own])
        vector = parts.mean(axis=0)
        # end of your code
        return vector

    @misconception("forgets the row of the word itself")
    def _(table, rows, own):
        return table[rows].mean(axis=0)

    hint = "A known word has a row that no other word shares."

    @misconception("gives the own row as much weight as all runs together")
    def _(table, rows, own):
        mean = table[rows].mean(axis=0)
        return mean if own is None else (mean + own) / 2

    hint = "The own row is one of m + 1 vectors, not half of the word."

    @misconception("counts a bucket once, however many runs fall into it")
    def _(table, rows, own):
        parts = table[np.unique(rows)]
        return (parts if own is None else np.vstack([parts, own])).mean(axis=0)

    hint = "A bucket that stands in `rows` twice is added twice."

    @misconception("adds up and does not divide")
    def _(table, rows, own):
        return table[rows].sum(axis=0) + (0 if own is None else own)

    hint = "A long word would get a longer vector. Take the mean."

    def cases():
        table = np.array([[1.0, 0.0], [0.0, 2.0], [4.0, 4.0], [-1.0, 3.0]])
        return {
            "unknown word": (table, np.array([0, 1]), None),
            "known word": (table, np.array([0, 1]), np.array([6.0, 3.0])),
            "a bucket twice": (table, np.array([2, 2, 3]), np.array([0.0, 0.0])),
            "one run": (table, np.array([3]), None),
        }


class Mend(Exercise):
    """Replace a misspelled word by the most frequent known word one slip away.

    slips is the set of all strings one slip away from word, ranks maps known
    words to their rank (0 is the most frequent). A known word stays what it
    is; if no slip is known, return None.
    """

    hints = (
        "Look first whether the word itself is known.",
        "Keep those of the slips that are known.",
        "The most frequent word has the lowest rank: `min` with `key=ranks.get`.",
    )

    def solution(word, slips, ranks):  # str, set of str, dict -> str or None
        # your code
        known = [one for one in slips if one in ranks]
        best = min(known, key=ranks.get, default=None)
        if word in ranks:
            best = word
        # end of your code
        return best

    @misconception("mends words that are known")
    def _(word, slips, ranks):
        known = [one for one in slips if one in ranks]
        return min(known, key=ranks.get, default=word if word in ranks else None)

    hint = "*form* is a word. It must not become *from*, however frequent that is."

    @misconception("takes the rarest")
    def _(word, slips, ranks):
        known = [one for one in slips if one in ranks]
        return word if word in ranks else max(known, key=ranks.get, default=None)

    hint = "Rank 0 is the most frequent word."

    @misconception("takes the first of the alphabet")
    def _(word, slips, ranks):
        known = [one for one in slips if one in ranks]
        return word if word in ranks else min(known, default=None)

    hint = "Among the candidates, frequency decides."

    @misconception("keeps an unknown word when nothing is near")
    def _(word, slips, ranks):
        known = [one for one in slips if one in ranks]
        return word if word in ranks else min(known, key=ranks.get, default=word)

    hint = "Without a known word one slip away the answer is None."

    def cases():
        ranks = {"the": 0, "from": 1, "form": 2, "than": 3, "aether": 4}
        return {
            "a slip": ("teh", {"the", "eh", "ten"}, ranks),
            "two candidates": ("fom", {"form", "from", "for"}, ranks),
            "frequency, not alphabet": ("xxx", {"form", "from", "than"}, ranks),
            "a known word": ("form", {"from", "for"}, ranks),
            "nothing near": ("zzz", {"zz", "zza"}, ranks),
        }


typos_or_names = Question(
    "Two hundred words are drawn from the types of later newsgroup posts that are not on the list "
    "of our corpus. How many of them are misspelled words?",
    (
        Option(
            "More than half: people type fast",
            "They do, and mostly get known words wrong in the same few ways. But every name and "
            "every address is a type of its own.",
        ),
        Option(
            "About a tenth",
            "Names, identifiers and abbreviations make up about half. What spelling can help "
            "with most, forms of known words and typos, is about a third.",
            right=True,
        ),
        Option(
            "Hardly any, since the common ones are listed",
            "*Recieve* is. But the next typo is a new one: slips are as productive as grammar.",
        ),
    ),
)

which_survives = Question(
    "A classifier is trained on clean posts. Then every word of four letters or more in the test "
    "posts gets one typo. Which of these loses the least?",
    (
        Option(
            "Averaged n-gram vectors: they have a vector for any string",
            "They do, and it is better than none. But a vector for every string is not yet the "
            "right one: a typo breaks up to six runs around it, and new ones come in.",
        ),
        Option(
            "Averaged Word2Vec vectors, behind a corrector that knows nothing but a word list",
            "One slip away there is usually just one known word, and after that the vector is "
            "that of the word meant. Such typos are what the corrector was made for, though: it "
            "knows how they were made.",
            right=True,
        ),
        Option(
            "TF-IDF of words, since rare columns matter little",
            "A typo moves a word out of its column, and rare words carry the weight of TF-IDF.",
        ),
    ),
)

related_or_alike = Question(
    "Pairs of words are taken whose words were both withheld from training. N-gram vectors spell "
    "them from their letters. The cosines of these vectors ...",
    (
        Option(
            "agree with people as well as those of trained vectors",
            "That would make training on the words themselves superfluous. *Tiger* and *cat* "
            "share no letters in a row.",
        ),
        Option(
            "agree with people, but less",
            "Most withheld words have relatives in the corpus: *planets* stays when *planet* "
            "goes, and lends its meaning.",
            right=True,
        ),
        Option(
            "say nothing: spelling is arbitrary",
            "The spelling of a word alone hardly tells anything about its meaning. But n-grams "
            "remember what the words that share them mean.",
        ),
    ),
)

pieces_again = Question(
    "Back to chapter 2. Byte-pair encoding cuts any word into pieces. What else does it need "
    "before it has a vector for a word that nobody has seen?",
    (
        Option(
            "Nothing: the pieces are the vector",
            "Pieces are strings. A list of strings is an address, not a place in a space.",
        ),
        Option(
            "A vector for each piece, trained on text that is cut into pieces",
            "The pieces only say which rows to take. What stands in the rows has to be learnt, "
            "and then they have to be put together, here by a mean.",
            right=True,
        ),
        Option(
            "A vector for each word of the training text",
            "Those exist for known words. The unseen one has none, and its pieces are no words.",
        ),
    ),
)

mean_of_a_window = Question(
    "Back to chapter 5. CBOW predicts the centre from the mean of the words around it. What takes "
    "the place of these words when n-gram vectors are trained?",
    (
        Option(
            "The runs of letters of one word, and the word itself",
            "To the update there is no difference: rows are averaged, the mean predicts, and "
            "each row gets the whole error.",
            right=True,
        ),
        Option(
            "The runs of letters of all words in the window",
            "That would be a CBOW of letters. Here one word predicts each of its neighbours.",
        ),
        Option(
            "Nothing: n-grams are added after training",
            "Rows that were never trained would hold random numbers.",
        ),
    ),
)
