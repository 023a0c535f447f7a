"""Words made of pieces: byte-pair encoding, written out.

A word list can't hold every word, an alphabet can, at the price of long sequences. Byte-pair
encoding starts from letters and glues the most frequent neighbours together, again and again
(Gage 1994 for compression; Sennrich, Haddow & Birch 2016 for words).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise

from lib.text import EVERY_WORD, tokenize

Pair = tuple[str, str]

END = "</w>"
"""The symbol that closes each word, so that "est" in "newest" and in "estate" can differ."""


@dataclass(frozen=True)
class BytePairEncoding:
    """A list of merges, learned in that order and replayed in that order.

    Parameters
    ----------
    merges : tuple of pairs of str
        What to glue together, the first learned first.
    alphabet : tuple of str
        The letters of the training words, sorted.
    end : str
        The symbol set behind the last letter of each word. It is a symbol of its own until
        merges glue it on (Sennrich et al. 2016, algorithm 1).

    Examples
    --------
    >>> bpe = BytePairEncoding.train({"low": 5, "lower": 2, "newest": 6, "widest": 3}, merges=5)
    >>> bpe.merges[:3]
    (('e', 's'), ('es', 't'), ('est', '</w>'))
    >>> bpe.encode("lowest")
    ['low', 'est</w>']
    >>> bpe.decode(["low", "est</w>"])
    'lowest'
    """

    merges: tuple[Pair, ...]
    alphabet: tuple[str, ...]
    end: str = END
    _ranks: dict[Pair, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ranks", {pair: rank for rank, pair in enumerate(self.merges)})

    @classmethod
    def train(
        cls,
        texts: Iterable[str] | Mapping[str, int],
        merges: int,
        *,
        min_count: int = 2,
        end: str = END,
    ) -> BytePairEncoding:
        """Learn merges: the most frequent pair of neighbours, again and again.

        Of pairs that are equally frequent, the one that comes first in alphabetical order wins
        (by its left symbol, then its right one, letters compared by code point), so that the
        same counts give the same merges everywhere. Merging a pair changes the counts only in
        the words that hold it, so only those are counted anew.

        Parameters
        ----------
        texts : iterable of str, or mapping from word to count
            Texts are cut into words and lower-cased by `lib.text.tokenize`, words of one letter
            kept; a mapping is taken as it is.
        merges : int
            How many pairs to merge; fewer are learned if no pair is frequent enough.
        min_count : int
            Stop when the best pair occurs less often: a pair seen once saves nothing.
        end : str
            The symbol behind each word.

        Returns
        -------
        BytePairEncoding
            With at most `merges` merges.

        Raises
        ------
        TypeError
            If `texts` is one single text.
        ValueError
            If `merges` is negative or a word holds the end symbol.
        """
        if merges < 0:
            raise ValueError(f"merges = {merges}, but one can't learn fewer than 0 pairs")
        counts = _word_counts(texts)
        _refuse_end(counts, end)
        learned = _learn([([*word, end], n) for word, n in counts.items()], merges, min_count)
        return cls(tuple(learned), tuple(sorted(set().union(*counts))), end)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All pieces `encode` can give for known letters, each once: letters, end, merges."""
        merged = (left + right for left, right in self.merges)
        return tuple(dict.fromkeys([*self.alphabet, self.end, *merged]))

    def encode(self, word: str, *, unknown: str | None = None) -> list[str]:
        """Cut a word into pieces by replaying the merges in the order they were learned.

        Parameters
        ----------
        word : str
            Any word, also one never seen in training.
        unknown : str, optional
            What stands for a letter that training never saw; by default such a letter stays
            itself, as a piece of its own, and `decode` brings every word back.

        Returns
        -------
        list of str
            Pieces that join to ``word + end``.

        Raises
        ------
        ValueError
            If the word holds the end symbol.
        """
        _refuse_end([word], self.end)
        known = set(self.alphabet)
        pieces = [c if unknown is None or c in known else unknown for c in word] + [self.end]
        while candidates := [pair for pair in pairwise(pieces) if pair in self._ranks]:
            pieces = _glue(pieces, min(candidates, key=self._ranks.__getitem__))
        return pieces

    def decode(self, pieces: Iterable[str]) -> str:
        """Join pieces again; where the end symbol stood between words, a space comes.

        Parameters
        ----------
        pieces : iterable of str
            As `encode` gives them, of one word or of several in a row.

        Returns
        -------
        str
            The word, or the words with a space between them.
        """
        return "".join(pieces).removesuffix(self.end).replace(self.end, " ")


def _word_counts(texts: Iterable[str] | Mapping[str, int]) -> dict[str, int]:
    if isinstance(texts, str):
        raise TypeError("texts is one single str: pass a list of texts, or a mapping of counts")
    if isinstance(texts, Mapping):
        return dict(texts)
    return Counter(word for text in texts for word in tokenize(text, pattern=EVERY_WORD))


def _refuse_end(words: Iterable[str], end: str) -> None:
    if not end:
        raise ValueError("end is empty: without an end symbol words can't be told apart")
    for word in words:
        if end in word:
            raise ValueError(f"the word {word!r} holds the end symbol {end!r}: choose another end")


def _glue(pieces: list[str], pair: Pair) -> list[str]:
    """Merge each occurrence of a pair, from left to right: (a, a) in a a a gives aa a."""
    left, right = pair
    glued: list[str] = []
    last = ""  # the piece before, still free to be glued
    for piece in pieces:
        if last == left and piece == right:
            glued[-1] = left + right
            last = ""
        else:
            glued.append(piece)
            last = piece
    return glued


def _learn(words: list[tuple[list[str], int]], merges: int, min_count: int) -> list[Pair]:
    """Algorithm 1 of Sennrich et al. 2016, with the counts of pairs kept instead of redone."""
    pieces = [symbols for symbols, _ in words]
    tally: dict[Pair, int] = defaultdict(int)  # tokens of each pair
    holders: dict[Pair, set[int]] = defaultdict(set)  # words that hold it, or once did
    for number, (symbols, n) in enumerate(words):
        for pair in pairwise(symbols):
            tally[pair] += n
            holders[pair].add(number)

    # The best pair is on top of the heap: Python compares tuples, so most tokens first, then the
    # alphabet. An entry may promise too much, since counts fall; it is corrected when it comes up.
    heap = [(-count, pair) for pair, count in tally.items()]
    heapify(heap)
    learned: list[Pair] = []
    while heap and len(learned) < merges:
        promised, best = heappop(heap)
        if -promised != tally[best]:
            if tally[best]:
                heappush(heap, (-tally[best], best))
            continue
        if tally[best] < min_count:
            break
        learned.append(best)
        joined = "".join(best)
        risen: set[Pair] = set()
        for number in holders.pop(best):
            before, n = pieces[number], words[number][1]
            pieces[number] = after = _glue(before, best)
            for pair in pairwise(before):
                tally[pair] -= n
            for pair in pairwise(after):
                tally[pair] += n
                if joined in pair:
                    holders[pair].add(number)
                    risen.add(pair)
        for pair in risen:
            heappush(heap, (-tally[pair], pair))
    return learned
