"""Byte-level byte-pair encoding, the way SmolLM2 cuts a text: no word is unknown.

Byte-pair encoding starts from letters and glues frequent neighbours (Sennrich, Haddow & Birch 2016;
`lib.subword`). Here the letters are the bytes of UTF-8 (Radford, Wu, Child et al. 2019, section
2.2): any text in any script, and any emoji, is made of them, and comes back as it was. Three steps:

    split     into words with the space in front of them, numbers digit by digit, runs of marks
    spell     each word as bytes, each byte as a visible character (a space as Ġ)
    merge     neighbours, always the pair that was learned first

A model may still lack some bytes. SmolLM2 has no token for 21 of the 256: thirteen that UTF-8
never uses, two that begin no character assigned so far, and six control characters. They are
passed over, by the library as here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import regex

from lib.gguf import Gguf
from lib.pretrained import decoder_file

WORDS: Final = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
r"""How GPT-2 splits: endings, words, numbers, marks, each with a space in front, then white space.

Of several spaces, all but the last stay together, and the last goes with the word behind it.
``\p{L}`` is any letter of any script, ``\p{N}`` any digit; Python's own `re` lacks both.
"""

_WORDS: Final = regex.compile(WORDS)
_DIGIT: Final = regex.compile(r"\p{N}")


def _visible_bytes() -> dict[int, str]:
    """Give each byte a visible character: itself if it has one, else the next from 256 on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    visible += range(ord("®"), ord("ÿ") + 1)
    others = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {
        byte: chr(256 + i) for i, byte in enumerate(others)
    }


LETTER: Final = _visible_bytes()
"""The visible character that stands for each byte; a space, byte 32, is Ġ."""

BYTE: Final = {letter: byte for byte, letter in LETTER.items()}
"""The byte that each of those characters stands for."""

_CONTROL: Final = 3
"""The kind of a special token in a GGUF file."""


def split(text: str) -> list[str]:
    """Split a text into what merges never cross: digits one by one, the rest as GPT-2 does.

    Examples
    --------
    >>> split("We've 12  cats.")
    ['We', "'ve", ' ', '1', '2', ' ', ' cats', '.']
    """
    found: list[str] = []
    begin = 0
    for digit in _DIGIT.finditer(text):
        found += _WORDS.findall(text, begin, digit.start())
        found.append(digit[0])
        begin = digit.end()
    found += _WORDS.findall(text, begin)
    return found


def spell(word: str) -> list[str]:
    """Spell a word as the visible characters of its bytes.

    Examples
    --------
    >>> spell(" né")
    ['Ġ', 'n', 'Ã', '©']
    """
    return [LETTER[byte] for byte in word.encode("utf-8")]


class ByteLevelBPE:
    """A list of tokens and a list of merges.

    Parameters
    ----------
    tokens : sequence of str
        In visible characters; the number of a token is its place.
    merges : sequence of pairs of str
        The first learned first.
    special : sequence of str
        Tokens that no text contains by itself; where one is written in a text, it counts as the
        token (see :meth:`ids`).

    Attributes
    ----------
    tokens : tuple of str
    number : dict from str to int

    Raises
    ------
    ValueError
        If a token stands twice, or a special token or the result of a merge is not among them.

    Examples
    --------
    >>> cut = ByteLevelBPE([*LETTER.values(), "ca", "cat", "Ġcat"],
    ...                    [("c", "a"), ("ca", "t"), ("Ġ", "cat")])
    >>> cut.words("cat cats")
    ['cat', 'Ġcat', 's']
    >>> cut.text(cut.ids("cat ☕"))
    'cat ☕'
    """

    def __init__(
        self,
        tokens: Sequence[str],
        merges: Sequence[tuple[str, str]],
        special: Sequence[str] = (),
    ) -> None:
        self.tokens, self.special = tuple(tokens), tuple(special)
        self.number = {token: i for i, token in enumerate(self.tokens)}
        if len(self.number) != len(self.tokens):
            raise ValueError(f"{len(self.tokens) - len(self.number)} tokens stand twice")
        missing = {*special, *map("".join, merges)} - self.number.keys()
        if missing:
            raise ValueError(f"{len(missing)} tokens are missing, as {min(missing)!r}")
        self._rank = {pair: rank for rank, pair in enumerate(merges)}
        longest_first = sorted(map(regex.escape, special), key=len, reverse=True)
        self._special = regex.compile("(" + "|".join(longest_first) + ")") if special else None
        self._found: dict[str, list[str]] = {}  # words cut before

    @classmethod
    def load(cls, file: Gguf | None = None) -> ByteLevelBPE:
        """Load tokens and merges of a model, by default SmolLM2's.

        Raises
        ------
        ValueError
            If the model splits texts in another way.
        """
        file = decoder_file() if file is None else file
        habits = tuple(file.settings[f"tokenizer.ggml.{key}"] for key in ("model", "pre"))
        if habits != ("gpt2", "smollm"):
            raise ValueError(f"{file.path.name} splits texts by {habits}, not ('gpt2', 'smollm')")
        tokens = file.settings["tokenizer.ggml.tokens"]
        kinds = file.settings["tokenizer.ggml.token_type"]
        merges = [tuple(merge.split(" ")) for merge in file.settings["tokenizer.ggml.merges"]]
        special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL]
        return cls(tokens, merges, special)

    def __len__(self) -> int:
        """Return how many tokens there are."""
        return len(self.tokens)

    def words(self, text: str, *, plain: bool = False) -> list[str]:
        """Cut a text into tokens, in visible characters.

        Parameters
        ----------
        text : str
            Any text.
        plain : bool
            Take special tokens that are written in the text for plain text. Whoever embeds other
            people's texts wants that: nobody shall end a conversation by writing its mark.
        """
        if plain or self._special is None:
            return self._cut(text)
        found: list[str] = []
        for i, part in enumerate(self._special.split(text)):
            found += [part] if i % 2 else self._cut(part)
        return found

    def ids(self, text: str, *, plain: bool = False) -> list[int]:
        """Turn a text into numbers; no mark is set in front or behind."""
        return [self.number[token] for token in self.words(text, plain=plain)]

    def text(self, ids: Iterable[int]) -> str:
        """Join tokens again: the text as it was, if the model has a token for each of its bytes.

        Where tokens end within a character, its bytes are shown as the mark for a broken one.
        """
        coded = b""
        for i in ids:
            token = self.tokens[i]
            if token in self.special:
                coded += token.encode("utf-8")
            else:
                coded += bytes(BYTE[letter] for letter in token)
        return coded.decode("utf-8", errors="replace")

    def _cut(self, text: str) -> list[str]:
        found: list[str] = []
        for word in split(text):
            if word not in self._found:
                letters = [letter for letter in spell(word) if letter in self.number]
                self._found[word] = self._merge(letters)
            found += self._found[word]
        return found

    def _merge(self, pieces: list[str]) -> list[str]:
        """Glue neighbours, always the pair that was learned first, each place it stands."""
        while candidates := [pair for pair in pairwise(pieces) if pair in self._rank]:
            left, right = min(candidates, key=self._rank.__getitem__)
            glued: list[str] = []
            i = 0
            while i < len(pieces):
                both = pieces[i : i + 2] == [left, right]
                glued.append(left + right if both else pieces[i])
                i += 1 + both
            pieces = glued
        return pieces
