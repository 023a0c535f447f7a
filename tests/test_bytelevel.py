"""What lib.bytelevel promises: cases by hand, and the library's cuts on real and odd text."""

import doctest
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from lib import bytelevel as bytelevel_module
from lib.bytelevel import BYTE, LETTER, ByteLevelBPE, spell, split
from lib.data import load
from lib.gguf import Gguf
from lib.pretrained import decoder_file

SMALL = ByteLevelBPE(
    [*LETTER.values(), "<end>", "ab", "bc", "abc", "Ġa", "<end>x"],
    [("b", "c"), ("a", "b"), ("a", "bc"), ("Ġ", "a")],
    ["<end>", "<end>x"],
)

ODD = [
    "",
    "   ",
    " a",
    "\n\n a  \t b\r\n",
    "don't WE'LL 'S 's it's'll",
    "1234 ½ ² ٣٤ x2y 3.14 -1",
    "<|im_end|>x <|endoftext|><|im_start|> <|im_end",
    "İstanbul ΣΊΣΥΦΟΣ ẞ 한국어 日本語 हिन्दी العربية",
    "🏳️‍🌈👩‍👩‍👧‍👧 é é ☕",
    "a\u200db\u00adc\ufeff\ufffd\x00d\x7f\x85e\u2028\u3000f",
    "def f(x):\n    return x ** 2  # ok\n",
]


def library_of(file: Gguf) -> Tokenizer:
    """Build the tokenizer of the library that the file asks for."""
    s = file.settings
    number = {token: i for i, token in enumerate(s["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in s["tokenizer.ggml.merges"]]
    found = Tokenizer(models.BPE(number, merges))
    found.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    kinds = zip(s["tokenizer.ggml.tokens"], s["tokenizer.ggml.token_type"], strict=True)
    found.add_special_tokens([AddedToken(t, special=True) for t, kind in kinds if kind == 3])
    return found


@pytest.fixture(scope="module")
def ours():
    return ByteLevelBPE.load()


@pytest.fixture(scope="module")
def library():
    return library_of(decoder_file())


# By hand --------------------------------------------------------------------------------------


def test_every_byte_has_a_visible_letter_of_its_own():
    assert sorted(LETTER) == list(range(256))
    assert len(BYTE) == 256
    assert all(letter.isprintable() and not letter.isspace() for letter in BYTE)
    assert (LETTER[32], LETTER[10], LETTER[ord("a")], LETTER[0]) == ("Ġ", "Ċ", "a", "Ā")
    assert {byte: letter for letter, byte in BYTE.items()} == LETTER


def test_the_letters_are_those_of_the_library():
    assert set(BYTE) == set(pre_tokenizers.ByteLevel.alphabet())


def test_a_word_takes_the_space_in_front_of_it():
    assert split("a b  c\n\nd") == ["a", " b", " ", " c", "\n", "\n", "d"]
    assert split("it's 'S") == ["it", "'s", " '", "S"]
    assert split("x12 3") == ["x", "1", "2", " ", "3"]
    assert split("wait... what?! ") == ["wait", "...", " what", "?!", " "]
    assert split("") == []


@given(st.text(max_size=40))
def test_splitting_loses_nothing(text):
    assert "".join(split(text)) == text


def test_letters_are_bytes():
    assert spell("é a") == ["Ã", "©", "Ġ", "a"]


def test_the_pair_learned_first_is_merged_first():
    assert SMALL.words("abc") == ["abc"]  # b c before a b, and then a bc
    assert SMALL.words("abab") == ["ab", "ab"]
    assert SMALL.words("bcbc abc") == ["bc", "bc", "Ġ", "abc"]
    assert SMALL.words("b ab") == ["b", "Ġ", "ab"]


def test_merges_do_not_cross_words():
    assert SMALL.words("b\nc") == ["b", "Ċ", "c"]
    assert SMALL.words("a1b") == ["a", "1", "b"]


def test_special_tokens_are_found_in_the_text_unless_it_is_plain():
    assert SMALL.words("a<end>b") == ["a", "<end>", "b"]
    assert SMALL.words("a<end>xb") == ["a", "<end>x", "b"]  # the longest
    assert SMALL.words("<end>", plain=True) == ["<", "e", "n", "d", ">"]
    assert SMALL.ids("<end>") == [256]
    assert SMALL.text([256, 260]) == "<end> a"


def test_bytes_without_a_token_are_passed_over():
    lacking = ByteLevelBPE([letter for letter in LETTER.values() if letter != "z"], [])
    assert lacking.words("azb") == ["a", "b"]
    glued = ByteLevelBPE([*lacking.tokens, "ab"], [("a", "b")])
    assert glued.words("azb") == ["ab"]  # before anything is merged


def test_half_a_character_is_shown_as_broken():
    assert SMALL.text([SMALL.number["Ã"]]) == "\ufffd"
    assert SMALL.text(SMALL.ids("é")) == "é"


def test_tokens_must_be_different_and_hold_what_is_merged():
    with pytest.raises(ValueError, match="1 tokens stand twice"):
        ByteLevelBPE(["a", "a"], [])
    with pytest.raises(ValueError, match="1 tokens are missing, as 'ab'"):
        ByteLevelBPE(["a", "b"], [("a", "b")])
    with pytest.raises(ValueError, match="1 tokens are missing, as '<end>'"):
        ByteLevelBPE(["a"], [], ["<end>"])


def test_a_model_that_splits_in_another_way_is_refused():
    found = decoder_file()
    other = found.settings | {"tokenizer.ggml.pre": "llama-bpe"}
    with pytest.raises(ValueError, match="llama-bpe"):
        ByteLevelBPE.load(Gguf(found.path, other, found.tables))


# The library ----------------------------------------------------------------------------------


def test_smollms_tokens(ours):
    assert len(ours) == 49_152
    assert len(ours.special) == 17
    assert ours.words("Embeddings, tested: 2026.") == [
        *("Embed", "dings", ",", "Ġtested", ":", "Ġ", "2", "0", "2", "6", ".")
    ]


def test_smollm_lacks_bytes_that_hardly_any_text_has(ours):
    lacking = {byte for byte, letter in LETTER.items() if letter not in ours.number}
    never = {0xC0, 0xC1, *range(0xF5, 0x100)}  # no part of any text in UTF-8
    assert never <= lacking
    assert len(lacking - never) == 8
    assert {chr(0x40000).encode()[0], chr(0x80000).encode()[0]} <= lacking  # not assigned so far
    assert sum(byte < 32 for byte in lacking) == 6


def test_four_thousand_sentences_are_cut_as_the_library_cuts_them(ours, library):
    texts = (
        load("news").texts[:300] + load("grimm").texts[:10] + load("20newsgroups").test.texts[:50]
    )
    sentences = [s for text in texts for s in re.split(r"(?<=[.!?])\s+", text)][:4_000]
    assert len(sentences) == 4_000
    for sentence in sentences:
        found = ours.ids(sentence)
        assert found == library.encode(sentence).ids
        assert ours.text(found) == sentence
    wikipedia = load("wikipedia").markup[0][:50_000]
    assert ours.ids(wikipedia) == library.encode(wikipedia).ids


@pytest.mark.parametrize("text", ODD)
def test_odd_text_is_cut_as_the_library_cuts_it(ours, library, text):
    assert ours.ids(text) == library.encode(text).ids
    assert ours.text(ours.ids(text)) == text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Co"]), max_size=60))
def test_any_text_is_cut_as_the_library_cuts_it(ours, library, text):
    assert ours.ids(text) == library.encode(text).ids
    assert ours.ids(text, plain=True) == ours.ids(text)


def test_the_examples_are_true():
    failed, tried = doctest.testmod(bytelevel_module)
    assert tried
    assert not failed
