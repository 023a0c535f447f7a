"""What lib.wordpiece promises: cases by hand, and the library's cuts on real and odd text."""

import doctest
import json
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from lib import wordpiece as wordpiece_module
from lib.data import ModelFiles, load
from lib.wordpiece import SPECIAL, WordPiece, clean, split

SMALL = WordPiece([*SPECIAL, "un", "##ha", "unhap", "##py", "##p", "##y", "a", "##a", "b", "."])

ODD = [
    "",
    "   ",
    "\n\n a  \t b",
    "[CLS] [MASK]a[SEP]x [mask] [ MASK ]",
    "İstanbul ΣΊΣΥΦΟΣ ẞ ǅ ﬁ Ⅷ ½ x²",
    "naïve Ångström Đặng 한국어 日本語 中文 हिन्दी العربية",
    "🏳️‍🌈👩‍👩‍👧‍👧 é é ☕",
    "x" * 100 + " " + "x" * 101,
    "a\u200db\u00adc\ufeff\ufffd\x00d\x7f\x85e",
    "non\u00a0breaking\u2028line\u3000wide",
    "$5.00 + 3=8; <b>`~^|_",
]


@pytest.fixture(scope="module")
def ours():
    return WordPiece.load()


@pytest.fixture(scope="module")
def library():
    found = Tokenizer.from_file(str(load("minilm").folder / "tokenizer.json"))
    found.no_truncation()  # its file cuts at 128 and pads to 128, in silence
    found.no_padding()
    return found


# By hand --------------------------------------------------------------------------------------


def test_cleaning_drops_accents_capitals_and_control_characters():
    assert clean("Crème BRÛLÉE") == "creme brulee"
    assert clean("a\x00b\u200dc\ufffdd") == "abcd"
    assert clean("a\tb\u00a0c\n") == "a b c "
    assert clean("ΣΑΣ") == "σασ"  # letter by letter: no special form at the end
    assert clean("中a") == " 中 a"


def test_words_are_split_at_space_and_around_every_mark():
    assert split("a  b.c--d") == ["a", "b", ".", "c", "-", "-", "d"]
    assert split("$5 x_y «q»") == ["$", "5", "x", "_", "y", "«", "q", "»"]
    assert split(" ") == []


def test_the_longest_piece_wins_even_where_it_leads_nowhere():
    assert SMALL.words("unhappy") == ["unhap", "##py"]
    assert SMALL.words("unha") == ["un", "##ha"]
    assert SMALL.words("unhay") == ["un", "##ha", "##y"]
    # "unhap" is taken first; then nothing fits, though un ##ha ##p ... would not either.
    assert SMALL.words("unhapa a") == ["unhap", "##a", "a"]
    assert SMALL.words("unhapb.") == ["[UNK]", "."]
    assert SMALL.words("ya") == ["[UNK]"]  # ##y does not begin a word


def test_numbers_are_places_and_marks_stand_at_both_ends():
    assert SMALL.ids("a.") == [2, 11, 14, 3]
    assert SMALL.ids("") == [2, 3]
    assert SMALL.padding == 0
    assert len(SMALL) == 15
    assert SMALL.text([7, 8, 14]) == "unhappy ."


def test_a_mark_written_in_a_text_is_the_mark():
    assert SMALL.words("a[MASK].[mask]") == ["a", "[MASK]", ".", *["[UNK]"] * 3]


def test_words_of_more_than_a_hundred_characters_are_unknown_as_a_whole():
    assert SMALL.words("a" * 100) == ["a"] + ["##a"] * 99
    assert SMALL.words("a" * 101) == ["[UNK]"]


def test_pieces_must_be_different_and_hold_the_marks():
    with pytest.raises(ValueError, match="1 pieces stand twice"):
        WordPiece([*SPECIAL, "a", "a"])
    with pytest.raises(ValueError, match=r"lack the marks \['\[MASK\]'\]"):
        WordPiece(SPECIAL[:-1])


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("normalizer", {"lowercase": False}),
        ("pre_tokenizer", {"type": "Whitespace"}),
        ("model", {"max_input_chars_per_word": 50}),
        ("model", {"continuing_subword_prefix": "@@"}),
        ("model", {"unk_token": "<unk>"}),
    ],
)
def test_a_tokenizer_with_other_habits_is_refused(tmp_path, part, change):
    made = json.loads((load("minilm").folder / "tokenizer.json").read_text("utf-8"))
    made[part] |= change
    (tmp_path / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(ValueError, match="has another"):
        WordPiece.load(ModelFiles("other", tmp_path, ()))


def test_pieces_numbered_with_gaps_are_refused(tmp_path):
    made = json.loads((load("minilm").folder / "tokenizer.json").read_text("utf-8"))
    del made["model"]["vocab"]["cat"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(ValueError, match="from 0 to 30520"):
        WordPiece.load(ModelFiles("other", tmp_path, ()))


# The library ----------------------------------------------------------------------------------


def test_minilms_pieces_are_those_of_its_list(ours, library):
    assert len(ours) == 30_522 == library.get_vocab_size()
    listed = (load("minilm").folder / "vocab.txt").read_text("utf-8").split("\n")
    assert list(ours.pieces) == listed[: len(ours)]
    assert ours.ids("A cat sat down.") == [101, 1037, 4937, 2938, 2091, 1012, 102]


def test_four_thousand_sentences_are_cut_as_the_library_cuts_them(ours, library):
    texts = (
        load("news").texts[:300] + load("grimm").texts[:10] + load("20newsgroups").test.texts[:50]
    )
    sentences = [s for text in texts for s in re.split(r"(?<=[.!?])\s+", text)][:4_000]
    assert len(sentences) == 4_000
    for sentence in sentences:
        assert ours.ids(sentence) == library.encode(sentence).ids
    wikipedia = load("wikipedia").markup[0][:50_000]
    assert ours.ids(wikipedia) == library.encode(wikipedia).ids


@pytest.mark.parametrize("text", ODD)
def test_odd_text_is_cut_as_the_library_cuts_it(ours, library, text):
    assert ours.ids(text) == library.encode(text).ids


CHANGED = {"\u166d", "\u1734", "\u1885", "\u1886"}
"""Characters whose category is not what it was: of Canadian, Philippine and Mongolian scripts."""

OLD = st.characters(codec="utf-8").filter(
    lambda c: c not in CHANGED and unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs")
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(OLD, max_size=60))
def test_any_text_of_characters_known_for_long_is_cut_as_the_library_cuts_it(ours, library, text):
    assert ours.ids(text) == library.encode(text).ids


def test_single_characters_differ_only_where_unicode_has_changed(library):
    normal, pre = library.normalizer, library.pre_tokenizer
    other = set()
    for number in range(0x30000):
        c = chr(number)
        if unicodedata.ucd_3_2_0.category(c) in ("Cn", "Cs"):
            continue  # younger than Unicode 3.2: the library's tables may not know it
        cleaned = normal.normalize_str(f"a{c}b")
        words = [word for word, _ in pre.pre_tokenize_str(cleaned)]
        if clean(f"a{c}b") != cleaned or split(cleaned) != words:
            other.add(c)
    assert other <= CHANGED


def test_the_examples_are_true():
    failed, tried = doctest.testmod(wordpiece_module)
    assert tried
    assert not failed
