"""Chapter 13, vectors from a language model: norms, grouped queries, pooling without the sink."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class RootMeanSquare(Exercise):
    """The norm of a decoder block.

    x (t, d) holds the states of t tokens, weight (d,) a scale for each number,
    eps a small number. Divide each state by the root of the mean of its
    squares (eps is added to the mean), and scale: (t, d).
    """

    hints = (
        "Each token is brought to size by itself: along which axis is the mean?",
        "No mean is taken off first; that would be the norm of an encoder.",
        "`size = np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)`.",
    )

    def solution(x, weight, eps):  # (t, d), (d,), float -> (t, d)
        # your code
        size = np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)
        y = x / size * weight
        # end of your code
        return y

    @misconception("takes the mean off first, as a layer norm does")
    def _(x, weight, eps):
        x = x - x.mean(axis=1, keepdims=True)
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps) * weight

    hint = "The root mean square leaves the mean where it is."

    @misconception("divides by the length instead of the root mean square")
    def _(x, weight, eps):
        return x / np.sqrt((x**2).sum(axis=1, keepdims=True) + eps) * weight

    hint = "A mean of squares, not their sum: the result has root mean square 1, not length 1."

    @misconception("takes the mean over the tokens")
    def _(x, weight, eps):
        return x / np.sqrt((x**2).mean(axis=0, keepdims=True) + eps) * weight

    hint = "What a token is divided by must not depend on its neighbours."

    def cases():
        rng = np.random.default_rng(0)
        return {
            "by hand": (np.array([[1.0, 7.0]]), np.array([5.0, 10.0]), 0.0),
            "two tokens": (np.array([[3.0, 4.0], [0.0, 1.0]]), np.ones(2), 1e-5),
            "five tokens": (rng.normal(size=(5, 8)) * 100, rng.normal(size=8), 1e-5),
        }


class SharedKeys(Exercise):
    """Grouped queries: several heads of queries share the keys of one head.

    q (H, t, d) holds the queries of H heads, k (G, t, d) the keys of G heads;
    H is a multiple of G, and the first H / G heads of queries share the first
    keys. Return the scores q k^T / sqrt(d) of every head: (H, t, t).
    """

    hints = (
        "Give each head of queries its keys first, then multiply.",
        "With H = 4 and G = 2 the heads use the keys 0, 0, 1, 1.",
        "`np.repeat(k, len(q) // len(k), axis=0)` puts them in that order.",
    )

    def solution(q, k):  # (H, t, d), (G, t, d) -> (H, t, t)
        # your code
        keys = np.repeat(k, len(q) // len(k), axis=0)
        scores = q @ keys.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        # end of your code
        return scores

    @misconception("deals the keys out in turns")
    def _(q, k):
        keys = np.tile(k, (len(q) // len(k), 1, 1))
        return q @ keys.transpose(0, 2, 1) / np.sqrt(q.shape[2])

    hint = "0, 1, 0, 1 is another model: neighbours share, so 0, 0, 1, 1."

    @misconception("averages the keys")
    def _(q, k):
        return q @ k.mean(axis=0).T / np.sqrt(q.shape[2])

    hint = "Nothing is averaged. A group of heads reads the keys of its own head."

    @misconception("forgets the root")
    def _(q, k):
        return q @ np.repeat(k, len(q) // len(k), axis=0).transpose(0, 2, 1)

    hint = "Scores grow with the length of a query; the root of d brings them back."

    def cases():
        rng = np.random.default_rng(1)
        return {
            "two share one": (np.arange(4.0).reshape(2, 2, 1), np.array([[[1.0], [2.0]]])),
            "four share two": (rng.normal(size=(4, 3, 2)), rng.normal(size=(2, 3, 2))),
            "nine share three": (rng.normal(size=(9, 4, 4)), rng.normal(size=(3, 4, 4))),
        }


class SecondCopy(Exercise):
    """Echo: the mean of the second copy of a text.

    states (t, d) are those of a sequence in which the text stands twice. The
    first copy has n tokens and begins at `first`, the second one, as long,
    begins at `second`. Return the mean of the states that have read the whole
    text before their own word: (d,).
    """

    hints = (
        "A state has read what stands before it. Which copy comes after a whole text?",
        "The tokens of the template between and behind the copies do not count.",
        "`states[second : second + n].mean(axis=0)`.",
    )

    def solution(states, n, first, second):  # (t, d), int, int, int -> (d,)
        # your code
        vector = states[second : second + n].mean(axis=0)
        # end of your code
        return vector

    @misconception("averages the first copy")
    def _(states, n, first, second):
        return states[first : first + n].mean(axis=0)

    hint = "The first copy is the blind one: its first word has not seen the end."

    @misconception("averages both copies")
    def _(states, n, first, second):
        both = np.r_[first : first + n, second : second + n]
        return states[both].mean(axis=0)

    hint = "Half of what you average has not read the end."

    @misconception("averages the template's words too")
    def _(states, n, first, second):
        return states[second:].mean(axis=0)

    hint = "Something may stand behind the second copy. Count n tokens."

    def cases():
        rng = np.random.default_rng(2)
        return {
            "places as states": (np.arange(8.0)[:, None], 2, 1, 5),
            "a word behind": (rng.normal(size=(10, 3)), 3, 2, 6),
            "longer": (rng.normal(size=(20, 4)), 7, 3, 12),
        }


first_words = Question(
    "Two sentences begin with the same eight words, and end in opposite ways. A causal language "
    "model reads both. The states of the first eight words are ...",
    (
        Option("the same", "Nothing that comes later reaches them.", right=True),
        Option(
            "different, since the model knows how the sentence ends",
            "It predicts how a sentence may end. It has not read how this one does.",
        ),
        Option(
            "the same in the lowest layer, different above",
            "In an encoder that is so. Here every layer looks back only.",
        ),
    ),
)

big_state = Question(
    "In the middle layers of SmolLM2, which token of a text has the longest state?",
    (
        Option(
            "The one that carries most meaning",
            "The length has nothing to do with meaning: any word gets it at that place.",
        ),
        Option(
            "The last one, which has read everything",
            "It has read most, and its state is of ordinary length.",
        ),
        Option(
            "The first one, whatever it is",
            "It is longer than the others by two orders of magnitude.",
            right=True,
        ),
    ),
)

permuted_table = Question(
    "Permute the rows of SmolLM2's table of tokens. Each token still has a trained vector, of "
    "another token. The loss in nats, of which a uniform guess has almost 11, becomes ...",
    (
        Option("a little higher: the blocks make up for it", "They read another text altogether."),
        Option(
            "about that of a uniform guess",
            "A uniform guess is humble. This model is sure, and wrong.",
        ),
        Option(
            "higher than that of a uniform guess", "Confident errors cost most of all.", right=True
        ),
    ),
)

centring_again = Question(
    "Back to chapter 11. Why may centring move the score of a decoder's vectors more than that of "
    "MiniLM's?",
    (
        Option(
            "Its vectors share a large common part, and cosine sees little else",
            "MiniLM's were trained by cosine, so they have no such part to speak of.",
            right=True,
        ),
        Option("It has more dimensions", "576 against 384 explains nothing of that kind."),
        Option(
            "Centring adds information",
            "It takes off what is common to all, and so tells nothing about any one text.",
        ),
    ),
)

unseen_again = Question(
    "Back to chapter 2. SmolLM2 cuts text into tokens by byte-pair encoding over bytes. What share "
    "of words has no vector?",
    (
        Option(
            "None: any word is a row of tokens",
            "Whether the pieces say much is another matter.",
            right=True,
        ),
        Option("Those beyond the 49,152 of its vocabulary", "They are cut into pieces."),
        Option("Those with letters of other scripts", "Any letter is a few bytes."),
    ),
)
