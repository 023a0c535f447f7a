"""What lib.encoders promises: small cases by hand, the real models, and what must not happen."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, issparse
from sklearn.feature_extraction.text import TfidfVectorizer

from lib import encoders
from lib.counts import BagOfWords, Tfidf
from lib.data import load
from lib.encoders import (
    BagEncoder,
    MeanWordVectors,
    MiniLM,
    OneHotDocument,
    TfidfEncoder,
    Vectors,
    masked_mean,
)
from lib.evaluate import cosine_matrix, pearson, spearman, upper_triangle
from lib.plot import METHODS

BACKGROUND = ["the cat sat", "the dog", "the cat and the dog"]


@pytest.fixture(scope="module")
def glove():
    return Vectors.of(load("glove-6b-50d"))


@pytest.fixture(scope="module")
def minilm():
    return MiniLM()


def lee_scores(encoder):
    lee = load("lee50")
    X = encoder.fit(load("lee-background").texts).encode(lee.texts)
    human, model = upper_triangle(lee.human), upper_triangle(cosine_matrix(X))
    return spearman(human, model), pearson(human, model)


# Counting -------------------------------------------------------------------------------------


def test_a_bag_counts_the_words_of_the_background_and_a_one_hot_document_only_notes_them():
    text = ["the cat saw the cat", "zebra", ""]
    bag, one_hot = BagEncoder().fit(BACKGROUND), OneHotDocument().fit(BACKGROUND)
    assert bag.counter.vocabulary_.words == ("and", "cat", "dog", "sat", "the")
    assert bag.encode(text).toarray().tolist() == [[0, 2, 0, 0, 2], [0] * 5, [0] * 5]
    assert one_hot.encode(text).toarray().tolist() == [[0, 1, 0, 0, 1], [0] * 5, [0] * 5]
    assert issparse(bag.encode(text))
    assert isinstance(TfidfEncoder().fit(BACKGROUND).encode(text), csr_matrix)


def test_tfidf_is_fitted_on_the_background_alone():
    texts = ["the cat saw a cat", "dog and dog and dog"]
    theirs = TfidfVectorizer().fit(BACKGROUND).transform(texts).toarray()
    ours = TfidfEncoder().fit(BACKGROUND)
    np.testing.assert_allclose(ours.encode(texts).toarray(), theirs, atol=1e-12)
    again = ours.encode(texts[:1]).toarray()
    np.testing.assert_array_equal(again, ours.encode(texts).toarray()[:1])


def test_counting_encoders_take_a_counter_with_other_settings():
    pairs = BagEncoder(BagOfWords(ngram_range=(2, 2)), "pairs").fit(BACKGROUND)
    assert "the cat" in pairs.counter.vocabulary_
    assert "cat" not in pairs.counter.vocabulary_
    textbook = TfidfEncoder(Tfidf(variant="textbook")).fit(BACKGROUND)
    row = dict(
        zip(textbook.counter.vocabulary_.words, textbook.encode(["sat"]).toarray()[0], strict=True)
    )
    assert row["sat"] == pytest.approx(math.log(3 / 1))
    assert [e.name for e in (pairs, textbook)] == ["pairs", "tfidf"]
    assert [e().name for e in (OneHotDocument, BagEncoder)] == ["one-hot", "counts"]
    assert (OneHotDocument("a").name, TfidfEncoder(name="b").name) == ("a", "b")


def test_two_encoders_do_not_share_a_counter():
    first, second = BagEncoder().fit(["cat"]), BagEncoder().fit(["dog"])
    assert first.counter.vocabulary_.words == ("cat",)
    assert second.counter.vocabulary_.words == ("dog",)


@pytest.mark.parametrize("make", [BagEncoder, OneHotDocument, TfidfEncoder])
def test_a_single_text_instead_of_a_list_is_refused(make):
    with pytest.raises(TypeError, match=r"write \['the cat'\]"):
        make().fit("the cat")
    with pytest.raises(TypeError, match="a list of texts is needed"):
        make().fit(BACKGROUND).encode("the cat")
    assert make().fit(BACKGROUND).encode([]).shape == (0, 5)


# Word vectors ---------------------------------------------------------------------------------

SMALL = Vectors(
    ["cat", "dog", "car", "puppy", "nothing"],
    [[2, 0], [4, 3], [0, 5], [0.8, 0.6], [0, 0]],
    name="toy",
)


def test_word_vectors_are_looked_up_by_word():
    assert SMALL["dog"].tolist() == [4, 3]
    assert SMALL["dog"].dtype == np.float32
    assert "dog" in SMALL
    assert "zebra" not in SMALL
    assert len(SMALL) == 5
    assert SMALL.index["car"] == 2
    assert Vectors(["a"], [[1]]).name == "these vectors"


def test_similarity_is_the_cosine_and_zero_for_a_zero_vector():
    assert SMALL.similarity("cat", "dog") == pytest.approx(0.8, abs=1e-6)
    assert SMALL.similarity("cat", "car") == 0
    assert SMALL.similarity("dog", "puppy") == pytest.approx(1, abs=1e-6)
    assert SMALL.similarity("cat", "nothing") == SMALL.similarity("nothing", "nothing") == 0


def test_nearest_words_come_best_first_and_without_the_query():
    found = SMALL.nearest("cat", 4)
    assert [word for word, _ in found] == ["dog", "puppy", "car", "nothing"]
    assert [c for _, c in found] == pytest.approx([0.8, 0.8, 0, 0], abs=1e-6)
    assert [w for w, _ in SMALL.nearest("cat", 1)] == ["dog"]
    assert [w for w, _ in SMALL.nearest("cat", 2, exclude=["dog"])] == ["puppy", "car"]
    assert [w for w, _ in SMALL.nearest("cat", 3, exclude=["cat", "zebra"])][:1] == ["dog"]
    assert SMALL.nearest([0, 9], 1) == [("car", pytest.approx(1))]
    assert [w for w, _ in SMALL.nearest([3, 0], 1)] == ["cat"]
    assert [w for w, _ in SMALL.nearest([0, 9], 1, exclude=["car"])] == ["dog"]
    assert len(SMALL.nearest("cat")) == 4
    assert len(Vectors([str(i) for i in range(30)], np.eye(30)).nearest("0")) == 10


def test_an_unknown_word_is_named_with_the_vocabulary_and_near_spellings():
    with pytest.raises(KeyError) as error:
        SMALL["pupy"]
    assert str(error.value) == (
        "'pupy' is not in the vocabulary of toy (5 words); nearest spellings: puppy; "
        "chapter 8 shows sub-word vectors"
    )
    for call in (lambda: SMALL.nearest("zzz"), lambda: SMALL.similarity("cat", "zzz")):
        with pytest.raises(KeyError, match="'zzz' is not in the vocabulary of toy"):
            call()


def test_a_table_that_does_not_fit_its_words_is_refused():
    with pytest.raises(ValueError, match=r"toy: 2 words need as many rows, got \(3, 1\)"):
        Vectors(["a", "b"], [[1], [2], [3]], "toy")
    with pytest.raises(ValueError, match="need as many rows"):
        Vectors(["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="toy: the word 'b' stands twice"):
        Vectors(["a", "b", "b"], [[1], [2], [3]], "toy")


def test_a_mean_counts_occurrences_and_skips_unknown_words():
    encoder = MeanWordVectors(SMALL)
    X = encoder.encode(["cat dog cat", "cat zebra", "Zebra!", "", "CAT"])
    np.testing.assert_allclose(X, [[8 / 3, 1], [2, 0], [0, 0], [0, 0], [2, 0]], rtol=1e-6)
    assert X.dtype == np.float32
    assert encoder.encode([]).shape == (0, 2)
    assert encoder.fit(BACKGROUND) is encoder
    np.testing.assert_array_equal(encoder.encode(["dog cat cat"]), X[:1])  # order is lost
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.encode("cat")


def test_idf_weights_come_from_the_background_and_unseen_words_weigh_most():
    encoder = MeanWordVectors(SMALL, weights="idf").fit(["cat cat dog", "cat", "other"])
    # Smooth idf, n = 3: cat (df 2) log(4/3) + 1, dog (df 1) log(4/2) + 1, car (df 0) log(4) + 1.
    cat, dog, car = math.log(4 / 3) + 1, math.log(2) + 1, math.log(4) + 1
    np.testing.assert_allclose(
        encoder.encode(["cat dog dog", "car cat zebra", "zebra"]),
        [
            [(2 * cat + 8 * dog) / (cat + 2 * dog), 6 * dog / (cat + 2 * dog)],
            [2 * cat / (cat + car), 5 * car / (cat + car)],
            [0, 0],
        ],
        rtol=1e-6,
    )
    again = encoder.fit(["cat", "dog"]).encode(["cat dog"])  # fitting anew forgets
    np.testing.assert_allclose(again, [[3, 1.5]], rtol=1e-6)


def test_mean_word_vectors_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="weights must be None or 'idf', got 'tfidf'"):
        MeanWordVectors(SMALL, weights="tfidf")
    with pytest.raises(RuntimeError, match=r"toy-idf has no weights yet; call fit"):
        MeanWordVectors(SMALL, weights="idf").encode(["cat"])
    with pytest.raises(TypeError, match="a list of texts"):
        MeanWordVectors(SMALL, weights="idf").fit("cat")


def test_names_and_tokenizers_of_means_can_be_chosen():
    assert MeanWordVectors(SMALL).name == "toy"
    assert MeanWordVectors(SMALL, "idf").name == "toy-idf"
    assert MeanWordVectors(SMALL, name="glove").name == "glove"
    split = MeanWordVectors(SMALL, tokenizer=lambda text: text.split("-"))
    assert split.encode(["cat-car"]).tolist() == [[1, 2.5]]


def test_glove_knows_that_a_cat_is_like_a_dog(glove):
    assert len(glove) == 400_000
    assert glove.name == "glove-6b-50d"
    assert glove.similarity("cat", "dog") > 0.9 > 0.5 > glove.similarity("cat", "parliament")
    assert "brexit" not in glove
    row = glove.W[glove.index["cat"]]
    direct = float(row @ glove["dog"] / np.linalg.norm(row) / np.linalg.norm(glove["dog"]))
    assert glove.similarity("cat", "dog") == pytest.approx(direct, abs=1e-6)
    assert "dog" in [word for word, _ in glove.nearest("cat", 3)]
    table = load("glove-6b-50d")
    text = ["the cat sat on the mat"]
    np.testing.assert_array_equal(
        MeanWordVectors(table).encode(text), MeanWordVectors(glove).encode(text)
    )


# MiniLM ---------------------------------------------------------------------------------------


def test_masked_mean_ignores_padding():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [99.0, 99.0]], [[5.0, 1.0]] * 3])
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    assert masked_mean(hidden, mask).tolist() == [[2, 4], [5, 1]]
    assert masked_mean(hidden, torch.zeros(2, 3)).tolist() == [[0, 0], [0, 0]]
    assert masked_mean(hidden, torch.ones(2, 3, dtype=torch.bool))[1].tolist() == [5, 1]


def test_the_model_folder_prescribes_what_is_written_out_here(minilm):
    folder = load("minilm").folder
    steps = json.loads((folder / "modules.json").read_text("utf-8"))
    assert [step["type"].rsplit(".", 1)[1] for step in steps] == [
        "Transformer",
        "Pooling",
        "Normalize",
    ]
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
    chosen = [key for key, value in pooling.items() if value is True]
    assert chosen == ["pooling_mode_mean_tokens"]
    settings = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))
    assert minilm.max_tokens == settings["max_seq_length"] == 256
    assert minilm.model.config.max_position_embeddings == 512
    assert minilm.model.config.hidden_size == pooling["word_embedding_dimension"] == 384


def test_minilm_is_the_library_with_mean_pooling_and_normalising(minilm):
    from transformers import BertModel, BertTokenizerFast

    folder = str(load("minilm").folder)
    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    model = BertModel.from_pretrained(folder, local_files_only=True).eval()
    texts = ["A cat sat down.", "Shares fell sharply on Monday, and nobody knew why.", ""]
    rows = []
    for text in texts:
        with torch.no_grad():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        mean = hidden.mean(0)
        rows.append((mean / mean.norm()).numpy())
    np.testing.assert_allclose(minilm.encode(texts), rows, atol=1e-5)


def test_minilm_gives_rows_of_length_one_in_float32_and_in_order(minilm):
    texts = ["Shares fell sharply on Monday in New York.", "A cat sat down.", "A cat sat down."]
    X = minilm.encode(texts)
    assert X.shape == (3, 384)
    assert X.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(X[1], X[2])
    assert X[1] @ minilm.encode(["A kitten took a seat."])[0] > X[1] @ X[0] + 0.2
    assert minilm.encode([]).shape == (0, 384)
    assert minilm.fit(texts) is minilm
    assert minilm.name == "minilm"
    with pytest.raises(TypeError, match="a list of texts"):
        minilm.encode("A cat")


def test_a_text_has_the_same_vector_in_any_company(minilm):
    texts = [text[: 40 * (1 + i)] for i, text in enumerate(load("lee50").texts[:9])]
    alone = np.concatenate([minilm.encode([text]) for text in texts])
    together = minilm.encode(texts)
    pairs = MiniLM(batch_size=2).encode(texts[::-1])[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(pairs, alone, atol=1e-5)
    np.testing.assert_array_equal(minilm.encode(texts), together)  # twice the same, to the bit


def test_what_stands_beyond_max_tokens_is_cut_off():
    short = MiniLM(max_tokens=8)
    ids = short.token_ids("one two three four five six seven eight nine")
    assert len(ids) == 8
    assert (ids[0], ids[-1]) == (101, 102)  # [CLS] and [SEP]
    assert short.token_ids("one two") == [101, 2028, 2048, 102]
    cut, whole = short.encode(
        ["one two three four five six seven eight", "one two three four five six"]
    )
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    assert len(MiniLM(max_tokens=512).token_ids("word " * 600)) == 512
    assert MiniLM(max_tokens=512).encode(["word " * 600]).shape == (1, 384)
    assert len(MiniLM().token_ids("word " * 600)) == 256


def test_batches_hold_at_most_batch_size_texts_of_similar_length(monkeypatch):
    encoder = MiniLM(batch_size=2)
    seen = []
    real = encoder._encode_batch
    monkeypatch.setattr(
        encoder, "_encode_batch", lambda ids: seen.append([len(r) for r in ids]) or real(ids)
    )
    encoder.encode(["one two three four", "one", "one two three", "one", "one two"])
    assert seen == [[3, 3], [4, 5], [6]]
    assert MiniLM().batch_size == 32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_tokens": 2}, "max_tokens must lie between 3"),
        ({"max_tokens": 513}, "512 .the model's positions., got 513"),
        ({"batch_size": 0}, "at least 1 is needed: batch_size=0"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_minilm_refuses_settings_out_of_range(options, words):
    with pytest.raises(ValueError, match=words):
        MiniLM(**options)


def test_threads_are_changed_only_when_asked_and_only_while_encoding(monkeypatch):
    before = torch.get_num_threads()
    other = before + 1
    inside = []
    for threads in (None, other):
        encoder = MiniLM(max_tokens=3, threads=threads)
        real = encoder._encode_batch
        monkeypatch.setattr(
            encoder,
            "_encode_batch",
            lambda ids, real=real: inside.append(torch.get_num_threads()) or real(ids),
        )
        encoder.encode(["cat"])
        assert torch.get_num_threads() == before
    assert inside == [before, other]
    with pytest.raises(ZeroDivisionError), encoders._torch_threads(other):
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


def test_minilm_loads_in_silence_without_the_network_and_leaves_no_trace(minilm):
    program = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from transformers.utils import logging
before = logging.get_verbosity(), logging.is_progress_bar_enabled()
from lib.encoders import MiniLM
encoder = MiniLM()
X = encoder.encode(["A cat sat down.", "word " * 700])
assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
assert before[1]
assert not encoder.model.training
assert next(encoder.model.parameters()).dtype.itemsize == 4
print(X.tobytes().hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    here = minilm.encode(["A cat sat down.", "word " * 700])
    assert done.stdout.strip() == here.tobytes().hex()  # the same in another process, to the bit


def test_minilm_loads_in_silence_in_a_notebook_without_widgets():
    program = """
import ipykernel.zmqshell  # by this tqdm knows a notebook
from lib.encoders import MiniLM
MiniLM()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.stderr == ""


# Lee-50 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoder", "rank", "line"),
    [
        (lambda glove, minilm: OneHotDocument(), 0.213, 0.321),
        (lambda glove, minilm: BagEncoder(), 0.121, 0.142),
        (lambda glove, minilm: TfidfEncoder(), 0.233, 0.489),
        (lambda glove, minilm: MeanWordVectors(glove), 0.418, 0.403),
        (lambda glove, minilm: MeanWordVectors(glove, "idf"), 0.476, 0.484),
        (lambda glove, minilm: minilm, 0.508, 0.656),
    ],
    ids=["one-hot", "counts", "tf-idf", "mean", "idf-mean", "minilm"],
)
def test_lee50_scores_stay_where_they_were_measured(encoder, rank, line, glove, minilm):
    found = lee_scores(encoder(glove, minilm))
    assert found == pytest.approx((rank, line), abs=0.002)


def test_an_encoder_with_random_vectors_knows_nothing_about_lee50(glove):
    found = []
    for seed in range(5):
        W = np.random.default_rng(seed).normal(size=(400_000, 5)).astype(np.float32)
        lee = load("lee50")
        rows = np.random.default_rng(seed).permutation(50)
        X = MeanWordVectors(Vectors(glove.words, W, "noise")).encode(lee.texts)[rows]
        found.append(spearman(upper_triangle(lee.human), upper_triangle(cosine_matrix(X))))
    assert abs(np.mean(found)) < 0.06


def test_every_encoder_is_called_as_the_figures_call_it(glove, minilm):
    averages = [MeanWordVectors(glove), MeanWordVectors(glove, "idf")]
    encoders = [OneHotDocument(), BagEncoder(), TfidfEncoder(), *averages, minilm]
    names = [encoder.name for encoder in encoders]
    assert names == ["one-hot", "counts", "tfidf", "glove", "glove-idf", "minilm"]
    assert set(names) <= set(METHODS)
