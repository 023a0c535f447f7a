"""Vectors: neighbours and analogies by hand, files that others can read, errors that help."""

import json
import math

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lib.encoders
from lib import vectors as module
from lib.vectors import Vectors

WORDS = ["man", "woman", "king", "queen", "naïve"]
SMALL = Vectors(WORDS, [[1, 0, 0], [1, 1, 0], [4, 0, 1], [3, 2, 1], [0, -1, 0]], "toy")


def noise(V: int = 200, d: int = 7) -> Vectors:
    W = np.random.default_rng(0).normal(size=(V, d)).astype(np.float32)
    return Vectors([f"w{i}" for i in range(V)], W, "noise")


def as_gensim(vectors: Vectors) -> KeyedVectors:
    peer = KeyedVectors(vectors.W.shape[1])
    peer.add_vectors(list(vectors.words), vectors.W)
    return peer


def cosine(x: str, y: str) -> float:
    a, b = SMALL[x].astype(float), SMALL[y].astype(float)
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


# Words and neighbours -----------------------------------------------------------------------


def test_the_encoders_use_these_vectors():
    assert lib.encoders.Vectors is Vectors


def test_similar_is_sorted_by_cosine_and_leaves_out_the_word():
    near = SMALL.similar("man", 9)
    assert [word for word, _ in near] == ["king", "queen", "woman", "naïve"]
    assert [value for _, value in near] == pytest.approx([cosine("man", w) for w, _ in near])
    assert SMALL.similar("man", 2) == SMALL.nearest("man", 2) == near[:2]
    assert [w for w, _ in SMALL.similar("man", 2, exclude=["king"])] == ["queen", "woman"]
    assert SMALL.similar(np.array([2, 0, 0]), 1)[0][0] == "man"


def test_neighbours_are_those_of_gensim():
    vectors = noise()
    peer = as_gensim(vectors)
    for word in ("w0", "w7", "w199"):
        ours, theirs = vectors.similar(word, 10), peer.most_similar(word, topn=10)
        assert [w for w, _ in ours] == [w for w, _ in theirs]
        assert [c for _, c in ours] == pytest.approx([c for _, c in theirs], abs=1e-6)


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: v["quen"],
        lambda v: v.similar("quen"),
        lambda v: v.similarity("man", "quen"),
        lambda v: v.analogy("man", "quen", "king"),
        lambda v: v.answers([("man", "king", "quen")]),
    ],
)
def test_an_unknown_word_is_named_with_its_nearest_spellings(ask):
    expected = r"'quen' is not in the vocabulary of toy \(5 words\); nearest spellings: queen; "
    with pytest.raises(KeyError, match=expected + "chapter 8 shows sub-word vectors"):
        ask(SMALL)


def test_a_table_says_what_it_is():
    assert repr(noise(1200, 3)) == "Vectors(1,200 words, 3 dimensions, 'noise')"
    assert len(SMALL) == 5
    assert "king" in SMALL
    assert "kings" not in SMALL


# Analogies ----------------------------------------------------------------------------------


def test_adding_by_hand():
    scores = dict(SMALL.analogy("man", "king", "woman", 9, inputs=True))
    for word in WORDS:
        by_hand = cosine(word, "king") - cosine(word, "man") + cosine(word, "woman")
        assert scores[word] == pytest.approx(by_hand, abs=1e-6)


def test_multiplying_by_hand():
    def moved(x: str, y: str) -> float:
        return (1 + cosine(x, y)) / 2

    scores = dict(SMALL.analogy("man", "king", "woman", 9, method="mul", inputs=True))
    for word in WORDS:
        by_hand = moved(word, "king") * moved(word, "woman") / (moved(word, "man") + 0.001)
        assert scores[word] == pytest.approx(by_hand, rel=1e-5)


def test_only_b_is_the_nearest_word_to_the_third():
    assert [w for w, _ in SMALL.analogy("naïve", "king", "woman", 2, method="only-b")] == [
        w for w, _ in SMALL.similar("woman", 9) if w not in ("naïve", "king")
    ]
    first = SMALL.analogy("man", "king", "woman", method="only-b", inputs=True)
    assert first == [("woman", pytest.approx(1.0))]


def test_the_words_of_the_question_are_no_answers_unless_asked_for():
    assert [w for w, _ in SMALL.analogy("man", "king", "woman", 9)] == ["queen", "naïve"]
    assert len(SMALL.analogy("man", "king", "woman", 9, inputs=True)) == 5
    assert SMALL.analogy("man", "king", "woman")[0][0] == "queen"


def test_analogies_are_those_of_gensim(monkeypatch):
    assert module.EPSILON == 0.001
    monkeypatch.setattr(module, "EPSILON", 1e-6)  # gensim's
    vectors = noise()
    peer = as_gensim(vectors)
    for method, ask in (("add", peer.most_similar), ("mul", peer.most_similar_cosmul)):
        for a, b, c in (("w1", "w2", "w3"), ("w9", "w5", "w77")):
            theirs = ask(positive=[b, c], negative=[a], topn=5)
            assert [w for w, _ in vectors.analogy(a, b, c, 5, method=method)] == [
                w for w, _ in theirs
            ]


@pytest.mark.parametrize("method", ["add", "mul", "only-b"])
@pytest.mark.parametrize("inputs", [True, False])
def test_many_questions_get_the_answers_of_each(monkeypatch, method, inputs):
    monkeypatch.setattr(module, "BATCH", 7)
    vectors = noise()
    numbers = np.random.default_rng(1).integers(200, size=(30, 4))
    questions = [[f"w{i}" for i in row] for row in numbers]
    one_by_one = [
        vectors.analogy(a, b, c, method=method, inputs=inputs)[0][0] for a, b, c, _ in questions
    ]
    assert vectors.answers(questions, method=method, inputs=inputs) == one_by_one


def test_answers_may_come_from_the_first_words_only():
    vectors = noise()
    questions = [("w1", "w2", "w150"), ("w4", "w5", "w6")]
    answers = vectors.answers(questions, first=10)
    for answer, question in zip(answers, questions, strict=True):
        ranked = [w for w, _ in vectors.analogy(*question, 200) if int(w[1:]) < 10]
        assert answer == ranked[0]
    assert vectors.answers([]) == []


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"only-b, .*or mul, not 'sub'"):
        SMALL.analogy("man", "king", "woman", method="sub")


def test_a_zero_vector_answers_nothing_and_breaks_nothing():
    vectors = Vectors(["a", "b", "c", "zero"], [[1, 0], [0, 1], [1, 1], [0, 0]])
    assert vectors.analogy("a", "b", "zero", inputs=True)[0][0] == "b"
    assert math.isfinite(vectors.analogy("zero", "b", "c", method="mul")[0][1])


# Files --------------------------------------------------------------------------------------

FLOATS = arrays(np.float32, (3, 4), elements=st.floats(-1e9, 1e9, width=32))


@settings(deadline=None, max_examples=30)
@given(
    FLOATS,
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1), min_size=3, max_size=3, unique=True
    ),
)
def test_our_format_brings_back_every_bit(tmp_path_factory, W, words):
    path = tmp_path_factory.mktemp("own") / "vectors.npz"
    Vectors(words, W, "näme").save(path)
    back = Vectors.load(path)
    assert (back.words, back.name) == (words, "näme")
    assert back.W.dtype == np.float32
    assert back.W.tobytes() == W.tobytes()


def test_our_format_keeps_the_name_of_the_file_and_is_the_same_each_time(tmp_path):
    first, second = tmp_path / "no suffix", tmp_path / "other"
    SMALL.save(first)
    SMALL.save(str(second))
    assert first.read_bytes() == second.read_bytes()


def test_our_format_executes_nothing(tmp_path):
    path = tmp_path / "pickled.npz"
    about = np.frombuffer(json.dumps({"name": "x", "words": ["a"]}).encode(), np.uint8)
    np.savez(path, W=np.array([[{}]], dtype=object), about=about)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Vectors.load(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, W=SMALL.W)
    with pytest.raises(ValueError, match=r"other\.npz holds no vectors written by Vectors\.save"):
        Vectors.load(path)
    np.save(tmp_path / "plain.npy", SMALL.W)
    with pytest.raises(ValueError, match="holds no vectors"):
        Vectors.load(tmp_path / "plain.npy")


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_what_we_write_and_we_what_gensim_writes(tmp_path, binary):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs.vec"
    SMALL.save_word2vec(ours, binary=binary)
    peer = KeyedVectors.load_word2vec_format(str(ours), binary=binary)
    assert peer.index_to_key == WORDS
    assert (peer.vectors == SMALL.W).all()
    peer.save_word2vec_format(str(theirs), binary=binary)
    back = Vectors.load_word2vec(theirs, binary=binary)
    assert (back.words, back.name) == (WORDS, "theirs")
    assert (back.W == SMALL.W).all()


@pytest.mark.parametrize("binary", [False, True])
@settings(deadline=None, max_examples=30)
@given(W=FLOATS)
def test_both_formats_of_word2vec_bring_back_every_number(tmp_path_factory, binary, W):
    path = tmp_path_factory.mktemp("w2v") / "file"
    Vectors(["a", "b", "ç"], W).save_word2vec(path, binary=binary)
    back = Vectors.load_word2vec(path, binary=binary, name="back")
    assert back.name == "back"
    assert (back.W == W).all()


def test_the_text_format_is_readable(tmp_path):
    path = tmp_path / "toy.txt"
    Vectors(["cat", "dog"], [[1, 0.1], [-2, 1e-9]]).save_word2vec(path)
    assert path.read_bytes() == b"2 2\ncat 1.0 0.1\ndog -2.0 1e-09\n"


@pytest.mark.parametrize("word", ["ice cream", "line\nbreak", ""])
def test_words_that_the_format_cannot_carry_are_refused(tmp_path, word):
    with pytest.raises(ValueError, match="words end at a space"):
        Vectors([word], [[1]]).save_word2vec(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "binary", "message"),
    [
        (b"2 2\na 1 2\nb 1\n", False, "line 3: 2 numbers expected, got 1"),
        (b"2 2\na 1 2\n", False, "line 3: 2 numbers expected, got 0"),
        (b"1 2\na " + b"\0" * 7, True, "word 1 of 1: it is cut off"),
        (b"1 2\na", True, "word 1 of 1: it is cut off"),
        (b"a 1 2\n", False, "first line must be two numbers"),
        (b"", True, "first line must be two numbers"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, binary, message):
    path = tmp_path / "bad.vec"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.vec.*{message}"):
        Vectors.load_word2vec(path, binary=binary)
