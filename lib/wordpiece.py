"""WordPiece, the way MiniLM cuts a text: the longest known piece first.

Pieces of words were first used for speech recognition (Schuster & Nakajima 2012), then for
translation (Wu, Schuster, Chen et al. 2016). A text is cut into them here as in the code that
BERT's authors published with their paper (Devlin, Chang, Lee & Toutanova 2019), in three steps:

    clean     drop control characters, take off accents, make small letters
    split     at white space, and around every punctuation mark and Chinese character
    match     of what is left of a word, take the longest piece that the vocabulary has; pieces
              that do not begin a word carry ## in front

How the pieces were learned is not in the file: only the list is needed to use them. Byte-pair
encoding (`lib.subword`, `lib.bytelevel`) keeps the merges instead, and replays them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lib.data import ModelFiles, load

UNKNOWN, BEGIN, END, MASK, PADDING = "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]"
SPECIAL: Final = (PADDING, UNKNOWN, BEGIN, END, MASK)
"""Marks that no text contains by itself; where one is written in a text, it counts as the mark."""

CONTINUES: Final = "##"
"""In front of a piece that does not begin a word."""

LONGEST: Final = 100
"""A word of more characters is not cut: it is unknown as a whole."""

_CHINESE: Final = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b920-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f])"
)
"""The blocks that BERT's authors name; the library begins one 256 signs late, and so here."""

_ASCII_MARKS: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


# Clean and split ------------------------------------------------------------------------------


def clean(text: str) -> str:
    r"""Drop control characters, set Chinese characters apart, take off accents, make it small.

    Examples
    --------
    >>> clean("Déjà\tVU\x00, 東京")
    'deja vu,  東  京 '
    """
    kept = "".join(" " if c.isspace() else c for c in text if not _dropped(c))
    apart = _CHINESE.sub(r" \1 ", kept)
    bare = (c for c in unicodedata.normalize("NFD", apart) if unicodedata.category(c) != "Mn")
    return "".join(c.lower() for c in bare)  # letter by letter: no special form for a last sigma


def _dropped(c: str) -> bool:
    """Whether a character is a control character, or stands for a broken one."""
    if c in "\t\n\r":
        return False
    return c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co")


def split(text: str) -> list[str]:
    """Cut a clean text at white space and around each punctuation mark.

    Examples
    --------
    >>> split("don't stop -- now")
    ['don', "'", 't', 'stop', '-', '-', 'now']
    """
    spaced = "".join(f" {c} " if _is_mark(c) else c for c in text)
    return spaced.split()


def _is_mark(c: str) -> bool:
    return c in _ASCII_MARKS or unicodedata.category(c).startswith("P")


# Match ----------------------------------------------------------------------------------------


class WordPiece:
    """A list of pieces, and how texts are cut into them.

    Parameters
    ----------
    pieces : sequence of str
        The number of a piece is its place.

    Attributes
    ----------
    pieces : tuple of str
    number : dict from str to int

    Raises
    ------
    ValueError
        If a piece stands twice, or the marks [PAD], [UNK], [CLS], [SEP], [MASK] are not all there.

    Examples
    --------
    >>> cut = WordPiece([*SPECIAL, "un", "unhappy", "##ly", "##happi", "##ness", "!"])
    >>> cut.words("Unhappiness!")
    ['un', '##happi', '##ness', '!']
    >>> cut.words("unhappyly sad")  # the longest piece wins; what has no pieces is unknown
    ['unhappy', '##ly', '[UNK]']
    >>> cut.ids("unhappyly")  # [CLS] in front, [SEP] behind
    [2, 6, 7, 3]
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)
        self.number = {piece: i for i, piece in enumerate(self.pieces)}
        if len(self.number) != len(self.pieces):
            raise ValueError(f"{len(self.pieces) - len(self.number)} pieces stand twice")
        if missing := [mark for mark in SPECIAL if mark not in self.number]:
            raise ValueError(f"the pieces lack the marks {missing}")
        self.padding = self.number[PADDING]
        self._marks = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + ")")
        self._found: dict[str, list[str]] = {}  # words cut before

    @classmethod
    def load(cls, files: ModelFiles | None = None) -> WordPiece:
        """Load the pieces of a model, by default MiniLM's.

        Raises
        ------
        ValueError
            If the model's tokenizer has other habits than the ones written out here, or numbers
            its pieces with gaps.
        """
        folder = (load("minilm") if files is None else files).folder
        made = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        _check_habits(folder.name, made)
        number: Mapping[str, int] = made["model"]["vocab"]
        if sorted(number.values()) != list(range(len(number))):
            raise ValueError(
                f"{folder.name} does not number its pieces from 0 to {len(number) - 1}"
            )
        return cls(sorted(number, key=number.__getitem__))

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.pieces)

    def words(self, text: str) -> list[str]:
        """Cut a text into pieces, without marks at its ends."""
        found: list[str] = []
        for i, part in enumerate(self._marks.split(text)):
            if i % 2:  # between the texts stand the marks
                found.append(part)
            else:
                for word in split(clean(part)):
                    found += self._match(word)
        return found

    def ids(self, text: str) -> list[int]:
        """Turn a text into numbers, [CLS] first and [SEP] last, however long it is."""
        return [self.number[piece] for piece in (BEGIN, *self.words(text), END)]

    def text(self, ids: Iterable[int]) -> str:
        """Join pieces again; spaces around punctuation, capitals and accents do not come back."""
        joined = " ".join(self.pieces[i] for i in ids)
        return joined.replace(" " + CONTINUES, "")

    def _match(self, word: str) -> list[str]:
        if word not in self._found:
            self._found[word] = self._longest_first(word)
        return self._found[word]

    def _longest_first(self, word: str) -> list[str]:
        if len(word) > LONGEST:
            return [UNKNOWN]
        pieces: list[str] = []
        begin = 0
        while begin < len(word):
            front = CONTINUES if begin else ""
            ends = range(len(word), begin, -1)
            end = next((e for e in ends if front + word[begin:e] in self.number), None)
            if end is None:
                return [UNKNOWN]  # one place without a piece, and the whole word is unknown
            pieces.append(front + word[begin:end])
            begin = end
        return pieces


def _check_habits(name: str, made: Mapping[str, dict[str, object]]) -> None:
    """Refuse a tokenizer that does something else, before it does it unnoticed."""
    expected = {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    }
    for part, habits in expected.items():
        if made[part] != habits:
            raise ValueError(f"{name} has another {part}: {made[part]}; written out is {habits}")
    model = made["model"]
    habits = (UNKNOWN, CONTINUES, LONGEST)
    keys = ("unk_token", "continuing_subword_prefix", "max_input_chars_per_word")
    found = tuple(model.get(key) for key in keys)
    if found != habits:
        raise ValueError(f"{name} has another model: {found}; written out is {habits}")
