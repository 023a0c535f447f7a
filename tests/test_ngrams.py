"""N-grams: fastText's runs and hash, word2vec's update, one vector for any string."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gensim.models.fasttext import compute_ngrams_bytes, ft_hash_bytes, ft_ngram_hashes
from hypothesis import given
from hypothesis import strategies as st

from lib import word2vec
from lib.corpus import Corpus
from lib.ngrams import NgramTrainer, NgramVectors, PieceSpelling, Spelling, fnv1a, piece_counts
from lib.subword import BytePairEncoding
from lib.word2vec import Draws, Settings, gradients, noise_distribution

SMALL = Settings(dimensions=10, window=3, negative=4, sample=0.05, epochs=2, rate=0.05)
SPELLING = Spelling(3, 4, buckets=40)  # so few that runs collide
KINDS = [
    {},
    {"step": "window"},
    {"negative": 1},
    {"negative": 6, "window": 6, "step": "window"},
    {"negative": 13, "dynamic": False},
]
WORDS = ["banana", "bananas", "band", "abandon", "x", "café", "naïve", "straße", "日本語", "aaaaaa"]


def a_corpus(documents: int = 30) -> Corpus:
    rng = np.random.default_rng(0)
    drawn = [np.minimum(rng.zipf(1.3, rng.integers(0, 40)), 60) for _ in range(documents)]
    names = [*WORDS, *(f"w{number}" for number in range(60))]
    return Corpus.from_documents([[names[number] for number in document] for document in drawn])


CORPUS = a_corpus()


def trainer(settings: Settings = SMALL, corpus: Corpus = CORPUS, seed: int = 3) -> NgramTrainer:
    return NgramTrainer(corpus, settings, np.random.default_rng(seed), SPELLING)


def trained(settings: Settings = SMALL, corpus: Corpus = CORPUS, **how: object) -> NgramTrainer:
    model = trainer(settings, corpus)
    model.train(**how)
    return model


def same(a: NgramTrainer, b: NgramTrainer) -> bool:
    return a.W.tobytes() == b.W.tobytes() and a.C.tobytes() == b.C.tobytes()


# Runs and hashes ----------------------------------------------------------------------------


def test_the_hash_is_fnv_1a():
    # The test values that the authors of the hash publish, for ASCII.
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("a") == 0xE40C292C
    assert fnv1a("foobar") == 0xBF9CF968


def test_bytes_above_127_are_taken_as_negative_numbers():
    assert fnv1a("é") != (0x811C9DC5 ^ 0xC3) * 16777619 % 2**32
    first = (0x811C9DC5 ^ 0xFFFFFFC3) * 16777619 % 2**32
    assert fnv1a("é") == (first ^ 0xFFFFFFA9) * 16777619 % 2**32


@given(st.text(max_size=12))
def test_any_string_has_the_hash_that_fasttext_gives_it(text):
    assert fnv1a(text) == ft_hash_bytes(text.encode("utf-8"))


@given(st.text(min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 3))
def test_any_string_has_the_runs_and_rows_that_fasttext_gives_it(word, shortest, more):
    ours = Spelling(shortest, shortest + more, buckets=997)
    theirs = compute_ngrams_bytes(word, shortest, shortest + more)
    assert [run.encode("utf-8") for run in ours.runs(word)] == theirs
    assert ours.rows(word).tolist() == ft_ngram_hashes(word, shortest, shortest + more, 997)


@pytest.mark.parametrize("word", WORDS)
def test_words_with_accents_and_without_letters_of_ours_agree_too(word):
    assert Spelling().rows(word).tolist() == ft_ngram_hashes(word, 3, 6, 100_000)


def test_runs_by_hand():
    assert Spelling(3, 3).runs("where") == ["<wh", "whe", "her", "ere", "re>"]
    assert Spelling(1, 2).runs("ab") == ["<a", "a", "ab", "b", "b>"]
    assert Spelling(3, 6).runs("a") == ["<a>"]
    assert Spelling(4, 6).runs("a") == []
    assert Spelling(1, 6).runs("") == []
    assert Spelling().rows("").tolist() == []


def test_the_marks_tell_a_word_from_its_run_inside_another():
    assert "<her>" in Spelling(3, 5).runs("her")
    assert "<her>" not in Spelling(3, 5).runs("where")
    assert "her" in Spelling(3, 5).runs("where")


def test_the_defaults_are_those_of_the_paper_and_few_buckets():
    assert (Spelling().shortest, Spelling().longest, Spelling().buckets) == (3, 6, 100_000)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [((0, 3), "runs of 0 to 3"), ((4, 3), "runs of 4 to 3"), ((3, 6, 0), "a bucket or more")],
)
def test_spellings_refuse_what_makes_no_sense(wrong, message):
    with pytest.raises(ValueError, match=message):
        Spelling(*wrong)


# Vectors ------------------------------------------------------------------------------------


def hand_made(seen: bool = True) -> NgramVectors:
    spelling = Spelling(3, 3, buckets=5)  # <ca, cat, at> fall into 2, 1, 1; <ca, can, an> differ
    table = np.arange(10.0).reshape(5, 2)
    return NgramVectors(["cat"], np.array([[8.0, 1.0]]), np.array([seen]), table, spelling)


def test_a_known_word_is_the_mean_of_its_row_and_its_runs():
    by_hand = (np.array([4, 5]) + 2 * np.array([2, 3]) + np.array([8, 1])) / 4
    assert hand_made().vector("cat") == pytest.approx(by_hand)
    assert hand_made().vector("cat").dtype == np.float32


def test_an_unknown_word_is_the_mean_of_its_runs_alone():
    ngrams = hand_made()
    rows = ngrams.spelling.rows("cats")
    assert ngrams.vector("cats") == pytest.approx(ngrams.table[rows].mean(0))
    by_runs = (np.array([4, 5]) + 2 * np.array([2, 3])) / 3
    assert ngrams.vector("cat", own=False) == pytest.approx(by_runs)


def test_a_word_of_the_list_that_training_never_met_counts_as_unknown():
    ngrams = hand_made(seen=False)
    assert "cat" not in ngrams
    assert (ngrams.vector("cat") == ngrams.vector("cat", own=False)).all()
    assert list(ngrams.vectors().words) == []


def test_the_empty_string_has_no_vector_and_says_so():
    with pytest.raises(ValueError, match="'' has no pieces, so n-grams have no vector"):
        hand_made().vector("")
    ngrams = replace(hand_made(), spelling=Spelling(4, 4, buckets=5), name="mine")
    with pytest.raises(ValueError, match="'a' has no pieces, so mine have"):
        ngrams.vector("a")


def test_a_table_of_vectors_holds_those_of_its_words():
    model = trained()
    ngrams, table = model.ngrams, model.vectors
    assert set(table.words) == {w for w, n in zip(model.words, CORPUS.counts, strict=True) if n}
    for word in ("w3", "bananas", "café"):
        assert table[word] == pytest.approx(ngrams.vector(word), abs=1e-6)
    any_strings = ngrams.vectors(["w3", "unheard"])
    assert any_strings["unheard"].tolist() == ngrams.vector("unheard").tolist()
    without = ngrams.vectors(["w3"], own=False)
    assert without["w3"].tolist() == ngrams.vector("w3", own=False).tolist()
    assert pytest.approx(table.W, abs=1e-6) == ngrams.vectors().W


def test_vectors_do_not_change_with_further_training():
    model = trainer()
    ngrams, table = model.ngrams, model.vectors
    before = ngrams.vector("bananas").copy(), table["bananas"].copy()
    model.train()
    assert (ngrams.vector("bananas") == before[0]).all()
    assert (table["bananas"] == before[1]).all()
    assert not (model.vectors["bananas"] == before[1]).all()


# The trainer --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_compiled_trainer_makes_the_plain_update(kind):
    settings = replace(SMALL, **kind)
    fast, plain = trained(settings), trained(settings, compiled=False)
    start = trainer(settings)
    assert np.abs(fast.W - start.W).max() > 0.2  # it went a long way, and
    assert pytest.approx(plain.W, abs=2e-4) == fast.W  # arrived at the same place
    assert pytest.approx(plain.C, abs=2e-4) == fast.C
    assert not fast._W[-1].any()  # the row that pads
    assert not fast._C[-1].any()
    assert not fast._W[:, 10:].any()  # and the columns


def test_one_step_by_hand():
    corpus = Corpus.from_documents([["cat", "dog"]])
    settings = Settings(dimensions=4, sample=0, epochs=1, negative=1, rate=0.5, dynamic=False)
    spelling = Spelling(3, 3, buckets=5)
    model = NgramTrainer(corpus, settings, np.random.default_rng(0), spelling)
    model.C[:] = np.random.default_rng(1).normal(size=(2, 4))
    W, C = model.W.astype(float), model.C.astype(float)
    for centre, neighbour in ((0, 1), (1, 0)):  # "cat" comes first, and its runs collide
        rows = np.append(centre, 2 + spelling.rows(corpus.vocabulary.words[centre]))
        h = W[rows].mean(0)
        noise = [o for o in next_noise(model, centre) if o != neighbour]
        outputs = [neighbour, *noise]
        dX, dY = gradients(h[None], C[outputs], [1, *[0] * len(noise)])
        for row in rows:
            W[row] -= model._plan(0)[3] * dX[0]  # whole, to each: bucket 1 gets it twice
        C[outputs] -= model._plan(0)[3] * dY
    model.train()
    assert pytest.approx(W, abs=5e-6) == model.W
    assert pytest.approx(C, abs=5e-6) == model.C


def next_noise(model: NgramTrainer, place: int) -> list[int]:
    """What the trainer draws at a place of a text of two words: one word a place."""
    draws = Draws(model._plan(0)[2])
    for _ in range(2):
        draws.bits()  # subsampling asks once a token
    return [draws.noise(model._share, model._other) for _ in range(place + 1)][-1:]


@pytest.mark.parametrize("step", ["pair", "window"])
def test_examples_pair_the_pieces_of_the_centre_with_a_neighbour(step):
    settings = replace(SMALL, step=step, sample=0, dynamic=False, window=1, negative=8)
    corpus = Corpus.from_documents([["cat", "dog"], ["ant"], ["bee", "cow", "bee"]])
    model = NgramTrainer(corpus, settings, np.random.default_rng(0), SPELLING)
    V, words, seen = len(corpus.vocabulary), corpus.vocabulary.words, []
    for rows, outputs, labels in model.examples(0):
        true, noise = outputs[labels == 1], outputs[labels == 0]
        seen.append(" ".join([words[rows[0]], *corpus.vocabulary.decode(true)]))
        assert rows.tolist() == [rows[0], *(V + SPELLING.rows(words[rows[0]]))]
        assert len(noise) == sum(word != one for word in drawn_for(noise, true) for one in true)
        assert len(true) > 1 or true[0] not in noise
    pairs = ["cat dog", "dog cat", "bee cow", "cow bee", "cow bee", "bee cow"]
    assert seen == (pairs if step == "pair" else [*pairs[:3], "cow bee bee", pairs[-1]])


def drawn_for(noise, true):
    """Undo the repetition: a shared negative stands there once for each other neighbour."""
    return noise[:: len(true)] if len(set(true.tolist())) == 1 else noise


def test_a_shared_negative_weighs_as_much_as_the_pairs_that_share_it():
    corpus = Corpus.from_documents([[f"{i:02}" for i in range(50)]])
    settings = Settings(sample=0, dynamic=False, window=2, negative=3, step="window")
    model = NgramTrainer(corpus, settings, np.random.default_rng(0), SPELLING)
    for _, outputs, labels in model.examples(0):
        true, noise = outputs[labels == 1], outputs[labels == 0]
        for word, times in zip(*np.unique(noise, return_counts=True), strict=True):
            assert times % (len(true) - (word in true)) == 0
        assert len(true) * 3 >= len(noise) >= 3 * (len(true) - 1)


def test_negatives_follow_the_noise_distribution():
    corpus = Corpus.from_documents([["x"] * 100 + ["a"] * 81 + ["b"] * 16])
    settings = Settings(sample=0, dynamic=False, window=1, negative=50)
    model = NgramTrainer(corpus, settings, np.random.default_rng(0), SPELLING)
    drawn = np.zeros(3)
    for _, outputs, labels in model.examples(0):
        if outputs[0] == 0:  # a neighbour "x" leaves "a" and "b" for the noise
            drawn += np.bincount(outputs[labels == 0], minlength=3)
    p = noise_distribution(corpus.counts)
    assert drawn[1] / drawn.sum() == pytest.approx(p[1] / (p[1] + p[2]), abs=0.03)


@pytest.mark.parametrize(("step", "outputs"), [("pair", 1 + 4), ("window", 1 + 4)])
def test_the_loss_begins_at_log_two_for_each_output_of_a_pair(step, outputs):
    seen = []
    trained(replace(SMALL, rate=0, final_rate=0, step=step), progress=seen.append)
    assert math.log(2) * (outputs - 1) < seen[0].loss <= math.log(2) * outputs + 1e-6


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    assert same(trained(), trained())
    other = trainer(seed=4)
    other.train()
    assert not same(trained(), other)


def test_an_interrupted_run_is_usable_and_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(word2vec, "CHUNK", 50)
    monkeypatch.setattr(word2vec, "GROUP", 2)
    whole, model = trained(), trainer()

    def stop(progress):
        if progress.words > progress.total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.train(stop)
    assert len(CORPUS.ids) < model.words_done < 2 * len(CORPUS.ids)
    assert len(model.vectors.similar("bananas", 3)) == 3
    assert model.ngrams.vector("banananana").any()
    assert not same(whole, model)
    model.train()
    assert same(whole, model)


def test_first_rows_are_small_and_contexts_zero():
    model = trainer()
    assert model.W.shape == (len(CORPUS.vocabulary) + 40, 10)
    assert model.C.shape == (len(CORPUS.vocabulary), 10)
    assert not model.C.any()
    assert np.abs(model.W).max() <= 1 / 10
    assert model.W.std() == pytest.approx(2 / 10 / math.sqrt(12), rel=0.05)
    assert abs(model.W.mean()) < 0.01


def test_words_of_the_vocabulary_that_never_occur_learn_by_their_runs_alone():
    part = CORPUS.head(100)
    absent = np.flatnonzero(part.counts == 0)
    model = trained(corpus=part)
    start = trainer(corpus=part)
    assert len(absent) > 10
    assert (model.W[absent] == start.W[absent]).all()
    assert np.isfinite(model.C).all()
    assert part.vocabulary.words[absent[0]] not in model.ngrams
    assert part.vocabulary.words[absent[0]] not in model.vectors


@pytest.mark.parametrize("step", ["pair", "window"])
def test_unseen_forms_stand_near_the_words_whose_letters_they_share(step):
    rng = np.random.default_rng(0)
    stems = [["walked", "walking"], ["bottle", "bottled"], ["quizzed", "quizzing"]]
    contexts = [[f"{letter}{i}" for i in range(9)] for letter in "cdf"]
    documents = []
    for _ in range(1500):
        group = rng.integers(3)
        document = list(rng.choice(contexts[group], 6))
        documents.append([*document[:3], str(rng.choice(stems[group])), *document[3:]])
    corpus = Corpus.from_documents(documents)
    settings = Settings(dimensions=16, sample=0, window=3, epochs=4, rate=0.05, step=step)
    model = NgramTrainer(corpus, settings, np.random.default_rng(0), Spelling(buckets=5000))
    model.train()
    words = [word for group in stems for word in group]
    table = model.ngrams.vectors(words)
    for unseen, stem in (("walks", "walk"), ("bottles", "bottle"), ("quizzes", "quizz")):
        near = [word for word, _ in table.similar(model.ngrams.vector(unseen), 2)]
        assert all(word.startswith(stem) for word in near)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"model": "cbow"}, "skip-gram with negative sampling only"),
        ({"output": "hierarchical"}, "skip-gram with negative sampling only"),
    ],
)
def test_other_models_are_refused(kind, message):
    with pytest.raises(ValueError, match=message):
        trainer(replace(SMALL, **kind))


def test_an_empty_corpus_is_refused():
    with pytest.raises(ValueError, match="no tokens"):
        trainer(corpus=Corpus.from_documents([[]]))


# Other pieces -------------------------------------------------------------------------------


BPE = BytePairEncoding.train({"log": 4, "logs": 3, "dog": 3}, merges=3)


def test_pieces_of_byte_pair_encoding_have_a_row_each_and_strangers_share_one():
    spelling = PieceSpelling(BPE)
    assert spelling.buckets == len(BPE.symbols) + 1
    assert [BPE.symbols[row] for row in spelling.rows("dogs")] == BPE.encode("dogs")
    assert spelling.runs("dogs") == BPE.encode("dogs")
    assert spelling.rows("xy").tolist()[:2] == [spelling.buckets - 1] * 2
    assert spelling.runs("") == []


def test_pieces_can_be_trained_without_rows_for_words():
    corpus = Corpus.from_documents([["log", "dog"], ["logs", "dog"]])
    model = NgramTrainer(corpus, SMALL, np.random.default_rng(0), PieceSpelling(BPE), own=False)
    start = model.W.copy()
    model.train()
    assert (model.W[:3] == start[:3]).all()  # of the words themselves
    rows = 3 + PieceSpelling(BPE).rows("dogs")
    assert model.ngrams.vector("dogs") == pytest.approx(model.W[rows].mean(0))
    assert "dog" in model.ngrams
    assert tuple(model.vectors.words) == tuple(corpus.vocabulary.words)
    plain = NgramTrainer(corpus, SMALL, np.random.default_rng(0), PieceSpelling(BPE), own=False)
    plain.train(compiled=False)
    assert pytest.approx(plain.W, abs=1e-5) == model.W


def test_a_word_without_pieces_and_row_cannot_be_trained():
    corpus = Corpus.from_documents([["a", "word"]])
    with pytest.raises(ValueError, match="'a' has no pieces, and no row of its own"):
        NgramTrainer(corpus, SMALL, np.random.default_rng(0), Spelling(4, 4), own=False)


def test_pieces_are_counted_as_often_as_they_occur():
    X = piece_counts(["banana", "", "band"], Spelling(3, 3, buckets=1000))
    assert X.shape == (3, 1000)
    assert X[0, fnv1a("ana") % 1000] == 2
    assert X[2, fnv1a("ana") % 1000] == 0
    assert X.sum(axis=1).A1.tolist() == [6, 0, 4]
    assert X.dtype == np.float32
