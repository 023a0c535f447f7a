"""Chapter 10, ELMo: a step of memory, a mix of layers, states that exclude the word."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


class MemoryStep(Exercise):
    """One step of an LSTM's memory.

    c (m,) is the memory before the step. scores (4, m) holds, row by row, the
    scores of the gates i (write), f (keep) and o (show), and of n, what could
    be written; a gate is the logistic function of its score, n is its tanh.
    Return two arrays: the new memory, and the gate o times its tanh.
    """

    hints = (
        "Turn the four rows into i, f, o and n first.",
        "The new memory keeps f of the old and writes i of what is new.",
        "`new = f * c + i * n`, and `shown = o * np.tanh(new)`.",
    )

    def solution(c, scores):  # (m,), (4, m) -> (m,), (m,)
        i, f, o = 1 / (1 + np.exp(-scores[:3]))
        n = np.tanh(scores[3])
        # your code
        new = f * c + i * n
        shown = o * np.tanh(new)
        # end of your code
        return new, shown

    @misconception("exchanges the gates that keep and write")
    def _(c, scores):
        i, f, o = _sigmoid(scores[:3])
        new = i * c + f * np.tanh(scores[3])
        return new, o * np.tanh(new)

    hint = "f belongs to the old memory, i to what comes in."

    @misconception("lets writing and keeping share one gate")
    def _(c, scores):
        _, f, o = _sigmoid(scores[:3])
        new = f * c + (1 - f) * np.tanh(scores[3])
        return new, o * np.tanh(new)

    hint = "i and f are two gates: a cell may keep all and write all, or neither."

    @misconception("shows the old memory")
    def _(c, scores):
        i, f, o = _sigmoid(scores[:3])
        return f * c + i * np.tanh(scores[3]), o * np.tanh(c)

    hint = "What is shown is made of the memory after the step."

    @misconception("shows the memory without the tanh")
    def _(c, scores):
        i, f, o = _sigmoid(scores[:3])
        new = f * c + i * np.tanh(scores[3])
        return new, o * new

    hint = "The memory may grow beyond 1; the tanh brings it back before it is shown."

    def cases():
        rng = np.random.default_rng(0)
        return {
            "all gates half open": (np.array([0.0]), np.array([[0.0], [0.0], [0.0], [1.0]])),
            "a second step": (np.array([0.4]), np.zeros((4, 1))),
            "keep all, write nothing": (np.array([2.0]), np.array([[-9.0], [9.0], [0.0], [1.0]])),
            "three cells": (rng.normal(size=3), rng.normal(size=(4, 3))),
        }


class MixLayers(Exercise):
    """ELMo's vectors of the words of a text, from all layers.

    layers (L, t, d) holds the layers of t words, weights (L,) one weight a
    layer, gamma is a number. The shares of the layers are the softmax of the
    weights. Return the shares' mix of the layers, times gamma: (t, d).
    """

    hints = (
        "First turn the weights into shares, which are positive and sum to 1.",
        "The first axis is the one that has to vanish.",
        "`np.tensordot(shares, layers, axes=1)` sums over it.",
    )

    def solution(layers, weights, gamma):  # (L, t, d), (L,), float -> (t, d)
        # your code
        shares = np.exp(weights) / np.exp(weights).sum()
        mix = gamma * np.tensordot(shares, layers, axes=1)
        # end of your code
        return mix

    @misconception("takes the weights as they are")
    def _(layers, weights, gamma):
        return gamma * np.tensordot(weights, layers, axes=1)

    hint = "Weights may be negative. Shares come from a softmax."

    @misconception("forgets gamma")
    def _(layers, weights, gamma):
        return np.tensordot(np.exp(weights) / np.exp(weights).sum(), layers, axes=1)

    hint = "Shares sum to 1, so something else must set how long the vectors are."

    @misconception("takes the top layer alone")
    def _(layers, weights, gamma):
        return gamma * layers[-1]

    hint = "Earlier work stopped there. Every layer has a share, the letters too."

    @misconception("leaves the layer of the letters out")
    def _(layers, weights, gamma):
        shares = np.exp(weights[1:]) / np.exp(weights[1:]).sum()
        return gamma * np.tensordot(shares, layers[1:], axes=1)

    hint = "The sum begins with layer 0, the word without its context."

    def cases():
        rng = np.random.default_rng(1)
        one = np.array([1.0, 2.0, 4.0]).reshape(3, 1, 1)
        return {
            "by hand": (one, np.log([1.0, 1.0, 2.0]), 2.0),
            "equal weights": (one, np.zeros(3), 1.0),
            "a negative weight": (one, np.array([-1.0, 0.0, 0.5]), 0.5),
            "four words": (rng.normal(size=(3, 4, 5)), rng.normal(size=3), 1.5),
        }


class StatesAround(Exercise):
    """What two directions know of a word that they have not seen.

    forward (t + 2, d) and backward (t + 2, d) hold one state for each place of
    a text of t words with a mark before it and one behind it. Forward state k
    has read the places up to k, backward state k those from k on. Word k of
    the text (counted from 0) stands at place k + 1. Return, for every word,
    the forward state that has read all before it and not the word, and beside
    it the backward state that has read all behind it and not the word:
    (t, 2 d).
    """

    hints = (
        "The first word stands at place 1. Which forward state has read place 0 alone?",
        "The forward states wanted are those of the places 0 to t - 1.",
        "Backward state k has read place k: for the word at place k + 1 you need state k + 2.",
    )

    def solution(forward, backward):  # (t + 2, d) twice -> (t, 2 d)
        # your code
        around = np.concatenate([forward[:-2], backward[2:]], axis=1)
        # end of your code
        return around

    @misconception("takes the states at the word, which have read it")
    def _(forward, backward):
        return np.concatenate([forward[1:-1], backward[1:-1]], axis=1)

    hint = "The state at a place has read that place. Step one away, on either side."

    @misconception("steps to the wrong sides")
    def _(forward, backward):
        return np.concatenate([forward[2:], backward[:-2]], axis=1)

    hint = "One place after the word, the forward state has read the word and its follower."

    @misconception("steps away on one side only")
    def _(forward, backward):
        return np.concatenate([forward[:-2], backward[1:-1]], axis=1)

    hint = "The backward state at the word has read the word. One leak is enough."

    @misconception("adds the two directions up")
    def _(forward, backward):
        return forward[:-2] + backward[2:]

    hint = "The two stand side by side: the result is twice as wide."

    def cases():
        rng = np.random.default_rng(2)
        places = np.arange(5.0)[:, None]
        return {
            "three words, places as states": (places, 10 + places),
            "one word": (rng.normal(size=(3, 2)), rng.normal(size=(3, 2))),
            "six words": (rng.normal(size=(8, 4)), rng.normal(size=(8, 4))),
        }


which_layers = Question(
    "*Bank* stands in a sentence about a river, and in one about money. In which of ELMo's three "
    "layers are its two vectors different?",
    (
        Option(
            "In all three",
            "The lowest reads the letters of one word at a time. It cannot know the sentence.",
        ),
        Option(
            "In the two upper ones",
            "They come out of networks that have read the text on either side. How different, and "
            "whether by sense, is another question.",
            right=True,
        ),
        Option(
            "In the top one only, where meaning is",
            "The first LSTM has read the sentence, too.",
        ),
    ),
)

how_far = Question(
    "Our model predicts the last word of a passage from the k words before it. From which k on "
    "does one more word lower the perplexity by less than one part in a hundred?",
    (
        Option(
            "From two or three on, as for n-grams",
            "Most of the gain is there, and not all: it goes on beyond what Word2Vec's window of "
            "five reaches to one side.",
        ),
        Option(
            "It never stops: an LSTM remembers everything",
            "It may, in principle. It learnt from passages of 32 words, and forgets by gates.",
        ),
        Option(
            "From ten to twenty on",
            "What stands further away still helps, by less and less. The chapter measures it.",
            right=True,
        ),
    ),
)

what_leaks = Question(
    "Replace every *doctor* and every *teacher* by one made-up word, and ask a probe which of the "
    "two stood there. It reads the states *at* the place, from the original text. It will be ...",
    (
        Option(
            "nearly perfect, and that says nothing about context",
            "The word itself is in the state. A test of context must read states that exclude it.",
            right=True,
        ),
        Option(
            "a little better than from the context alone",
            "These states have read the letters of the word. There is nothing left to guess.",
        ),
        Option(
            "at chance, since the made-up word hides the two",
            "It hides them from the probe's label, not from a network that read the original.",
        ),
    ),
)

window_again = Question(
    "Back to chapter 5. Tearing the text into pieces of 32 words hardly changed Word2Vec. Would "
    "it change this ELMo to be trained on pieces of 32 words in random order?",
    (
        Option(
            "Yes: it sees whole documents",
            "It would, if it were given them. This one is trained on passages of 32 words.",
        ),
        Option(
            "Not at all: that is how it is trained",
            "A context never crosses the cut of a passage, and the passages come in random order. "
            "An LSTM can carry a state on; nobody asked this one to.",
            right=True,
        ),
        Option(
            "Yes: its window is five, too",
            "It has none. What it sees is all of the passage on one side.",
        ),
    ),
)

letters_again = Question(
    "Back to chapter 8. A character CNN gave vectors to unseen words that were worth little. Why "
    "does ELMo read letters all the same?",
    (
        Option(
            "Any word gets in, and the context can add what letters lack",
            "In chapter 8 letters had to do all the work. Here they are the first of three layers.",
            right=True,
        ),
        Option(
            "Its letters are better trained",
            "They learn from the same text. Letters alone still say little about a stranger.",
        ),
        Option(
            "Reading letters is faster than looking up a row",
            "It is slower. A table of vectors is one memory access.",
        ),
    ),
)
