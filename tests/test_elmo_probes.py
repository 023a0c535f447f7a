"""The probes of the book's ELMo: no reader sees what it is asked, and every row says of whom."""

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from experiments import elmo_probes as experiment
from experiments import train_elmo
from lib import elmo, layerprobe
from lib.corpus import Corpus, load_corpus
from lib.encoders import MiniLM
from lib.experiment import rounded, stored
from lib.languagemodel import limit_vocabulary, split_documents
from lib.layerprobe import AmbiguousWord
from lib.word2vec import Settings

PAIRS = [("cat", "dog"), ("eats", "sees")]
MASKED = ("related", "random", "is-are", "was-were", "has-have")


def toy_corpus(documents=40):
    generator = np.random.default_rng(0)
    animals, verbs = ["cat", "dog", "bird", "horse"], ["eats", "sees", "hears"]
    made = []
    for _ in range(documents):
        text = []
        for _ in range(int(generator.integers(6, 14))):
            text += ["the", str(generator.choice(animals)), str(generator.choice(verbs))]
        made.append(text)
    return Corpus.from_documents(made)


@pytest.fixture(scope="module", autouse=True)
def few_penalties():
    """Choose from two values: a toy needs no more, and the tests no longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layerprobe, "PENALTIES", {False: (1e-2, 1e-1), True: (1e-1, 1.0)})
        yield


@pytest.fixture(scope="module")
def models():
    corpus = toy_corpus()
    settings = elmo.Settings(
        vocabulary=9, longest=6, letters=4, filters=((1, 4), (2, 8)), d=6, cells=8, cutoffs=()
    )
    words = limit_vocabulary(corpus, 9).vocabulary.words
    bilm = elmo.BiLM(words, settings, np.random.default_rng(1))
    static = Settings(step="window", dimensions=5, window=2, epochs=1, sample=0)
    return experiment.Models(corpus, corpus, bilm, None, static)


@pytest.fixture(scope="module")
def minilm():
    return MiniLM(threads=1)


def pairs_task(corpus, name="related", pairs=PAIRS):
    everything = np.arange(len(corpus))
    rng = np.random.default_rng(3)
    return experiment.task_of_pairs(name, corpus, everything, pairs, rng, once=False)


def tags_task(corpus):
    words = []
    for d in range(36):
        word = ("cat", "dog", "sees")[d % 3]
        places = np.flatnonzero(corpus.document(d) == corpus.vocabulary.index[word])
        if len(places):
            tag = ("noun", "verb")[(d + int(places[0])) % 2]
            words.append(AmbiguousWord(word, d, int(places[0]), "", tag, tag))
    return experiment.task_of_tags(words)


# The tasks ------------------------------------------------------------------------------------


def test_only_documents_are_judged_that_elmo_did_not_learn_from():
    corpus = load_corpus()
    judged = experiment.judged_documents(corpus)
    rng = np.random.default_rng(train_elmo.SEEDS[0])
    _, development, heldout = split_documents(corpus, train_elmo.SHARE, rng)
    whole = Counter(corpus.document(d).tobytes() for d in judged)
    assert whole == Counter(
        d.tobytes() for part in (development, heldout) for d in part.documents()
    )
    assert {one.document for one in experiment.ambiguous_words()} <= set(judged.tolist())


def test_random_pairs_have_the_same_words_and_none_is_related():
    related = {pair for some in experiment.RELATED.values() for pair in some}
    for seed in range(20):
        lots = experiment.random_pairs(np.random.default_rng(seed))
        assert len(lots) == len(related) == 15 and not set(lots) & related
        assert Counter(w for pair in lots for w in pair) == Counter(
            w for pair in related for w in pair
        )
    kind = {w: k for k, some in experiment.RELATED.items() for pair in some for w in pair}
    assert len(kind) == 30 and all(kind[a] == kind[b] for a, b in lots)


def test_the_random_pairs_of_the_book_differ_from_seed_to_seed():
    assert experiment.random_pairs(np.random.default_rng(0)) != experiment.random_pairs(
        np.random.default_rng(1)
    )


def test_pairs_are_balanced_and_stand_where_the_task_says(models):
    task = pairs_task(models.corpus)
    asked = Counter(zip(task.item.tolist(), task.y.tolist(), strict=True))
    assert asked[0, 0] == asked[0, 1] > 5 and asked[1, 0] == asked[1, 1] > 5
    words = models.corpus.vocabulary.words
    for d, place, y, item, word in zip(
        task.documents, task.places, task.y, task.item, task.words, strict=True
    ):
        assert words[models.corpus.document(d)[place]] == word == PAIRS[item][y]
    assert len(set(zip(task.documents, task.words, strict=True))) == len(task.words)


def test_the_passage_of_a_pseudoword_holds_neither_word_elsewhere():
    corpus = load_corpus()
    documents = experiment.judged_documents(corpus)
    pairs = [("question", "problem"), ("group", "company")]
    task = experiment.task_of_pairs("x", corpus, documents, pairs, np.random.default_rng(0))
    passages = experiment.Passages.of(task, corpus)
    for around, item in zip(passages.around(), task.item, strict=True):
        assert not set(pairs[item]) & set(corpus.vocabulary.decode(around))
    found = experiment.all_tasks(corpus, documents, [])
    assert len(found["is-are"]().y) > 600  # here they may: hardly any passage has just one


def test_the_row_of_a_task_counts_documents_and_items(models):
    task = pairs_task(models.corpus)
    row = rounded(task.row())
    assert sum(row["n"]) == row["occurrences"] == len(task.y) == sum(i[2] for i in row["items"])
    assert row["documents"] == sorted(set(task.documents.tolist()))
    assert [item[:2] for item in row["items"]] == [list(pair) for pair in PAIRS]
    assert row["majority"] == 0.5


def test_the_row_of_the_tags_counts_nouns_and_verbs(models):
    task = tags_task(models.corpus)
    for word, nouns, verbs in task.row()["items"]:
        mine = [y for y, w in zip(task.y, task.words, strict=True) if w == word]
        assert (nouns, verbs) == (mine.count(0), mine.count(1))


def test_tags_without_agreement_are_left_out():
    words = [
        AmbiguousWord("run", 1, 2, "", "verb", "verb"),
        AmbiguousWord("run", 2, 0, "", "noun", "verb"),
        AmbiguousWord("call", 3, 1, "", "noun", "noun"),
        AmbiguousWord("call", 4, 1, "", "other", "other"),
    ]
    task = experiment.task_of_tags(words)
    assert (task.words, task.y.tolist(), task.item.tolist()) == (["run", "call"], [1, 0], [1, 0])
    row = rounded(experiment.labels_row(words))
    assert (row["labelled"], row["kept"], row["nouns"], row["verbs"]) == (4, 2, 1, 1)
    assert row["agreement"] == 0.75


def test_hits_are_counted_by_document_and_by_item(models):
    task = pairs_task(models.corpus)
    predicted = task.y.copy()
    predicted[0] = 1 - predicted[0]
    row = rounded(task.score(predicted, task.y))
    n, documents = np.array(task.row()["n"]), task.row()["documents"]
    missed = n - row["hits"]
    assert missed.sum() == 1 and documents[int(missed.argmax())] == task.documents[0]
    sizes = [item[2] for item in task.row()["items"]]
    assert row["by_item"] == [sizes[0] - 1, sizes[1]]
    assert row["accuracy"] == pytest.approx(1 - 1 / len(task.y), abs=1e-6)


# No reader sees the word ----------------------------------------------------------------------


def with_other_words(models, task):
    """Put another word into every place that is asked for, and leave all others as they are."""
    ids = models.corpus.ids.copy()
    places = models.corpus.starts[task.documents] + task.places
    ids[places] = models.corpus.vocabulary.index["horse"]
    return replace(models, corpus=replace(models.corpus, ids=ids))


def one_place_a_passage(corpus, name="is-are"):
    """Keep occurrences in documents of their own, so that no passage holds another place."""
    task = pairs_task(corpus, name, PAIRS[:1])
    _, first = np.unique(task.documents, return_index=True)
    words = [task.words[i] for i in first]
    return replace(
        task, documents=task.documents[first], places=task.places[first], y=task.y[first],
        item=task.item[first], words=words,
    )  # fmt: skip


def read_all(models, task):
    passages = experiment.Passages.of(task, models.corpus)
    of, beside = experiment.elmo_states(models, passages)
    readers = experiment.readers_of(task, models, passages, of, beside)
    if task.masked:
        readers |= experiment.guesses(models, task, beside)
        readers |= experiment.ngram_guesses(models, passages)
    return {name: getattr(X, "toarray", lambda X=X: X)() for name, X in readers.items()}


def test_no_masked_reader_knows_which_word_stands_there(models, minilm):
    models = replace(models, minilm=minilm)
    task = one_place_a_passage(models.corpus)
    other = with_other_words(models, task)
    for part in ("vectors", "ngrams"):  # learnt from the text as it was
        other.__dict__[part] = getattr(models, part)
    before, after = read_all(models, task), read_all(other, task)
    assert set(before) == {
        "layer-0", "layer-1", "layer-2", "bag", "static", "static-beside", "minilm-2", "minilm-4",
        "minilm-6", "layer-1-before", "layer-1-after", "layer-2-before", "layer-2-after",
        "bag-before", "bag-after", "guess", "guess-before", "guess-after", "5-gram",
        "5-gram-before",
    }  # fmt: skip
    for name in before:
        np.testing.assert_allclose(before[name], after[name], atol=1e-5, err_msg=name)


def test_readers_of_tags_see_the_word_but_for_what_stands_around(models, minilm):
    models = replace(models, minilm=minilm)
    task = tags_task(models.corpus)
    other = with_other_words(models, task)
    other.__dict__["vectors"] = models.vectors
    before, after = read_all(models, task), read_all(other, task)
    blind = {"bag", "around-1", "around-2"}
    for name in before:
        same = np.allclose(before[name], after[name], atol=1e-5)
        assert same == (name in blind), name
    assert {"minilm-0", "static", "layer-0"} <= set(before)


def test_one_side_knows_nothing_of_the_other(models):
    task = one_place_a_passage(models.corpus)
    ids = models.corpus.ids.copy()
    for d, place in zip(task.documents, task.places, strict=True):
        begin, end = models.corpus.starts[d], models.corpus.starts[d + 1]
        ids[begin + place + 1 : end] = models.corpus.vocabulary.index["horse"]
    other = replace(models, corpus=replace(models.corpus, ids=ids))
    other.__dict__["ngrams"] = models.ngrams
    before, after = read_all(models, task), read_all(other, task)
    for name in ("layer-1-before", "layer-2-before", "guess-before", "5-gram-before"):
        np.testing.assert_allclose(before[name], after[name], atol=1e-5, err_msg=name)
    for name in ("layer-1-after", "layer-2-after", "layer-2"):
        assert not np.allclose(before[name], after[name], atol=1e-5), name


def test_layer_0_of_masked_readers_are_the_two_words_beside(models):
    task = one_place_a_passage(models.corpus)
    passages = experiment.Passages.of(task, models.corpus)
    _, beside = experiment.elmo_states(models, passages)
    inside = next(i for i, (ids, k) in enumerate(zip(passages.ids, passages.at, strict=True))
                  if 0 < k < len(ids) - 1)  # fmt: skip
    ids, k = passages.ids[inside], passages.at[inside]
    words = models.corpus.vocabulary.words
    alone = [models.bilm.layers([[words[ids[j]]]])[0].x[1] for j in (k - 1, k + 1)]
    np.testing.assert_allclose(beside[0, inside], np.concatenate(alone), atol=1e-6)


# Readers without a probe ----------------------------------------------------------------------


def test_guesses_are_those_of_the_model_without_what_is_usual(models):
    task = pairs_task(models.corpus)
    passages = experiment.Passages.of(task, models.corpus)
    _, beside = experiment.elmo_states(models, passages)
    found = experiment.guesses(models, task, beside)
    counts = Counter(models.corpus.vocabulary.decode(models.corpus.ids))
    number = {word: i for i, word in enumerate(models.bilm.words)}
    for i in range(12):
        text = models.corpus.vocabulary.decode(passages.ids[i])
        both = models.bilm.guesses(text, passages.at[i])
        pair = task.answers[task.item[i]]
        usual = [np.log(counts[word] / models.corpus.tokens) for word in pair]
        logs = [both[:, number[word]] - usual[j] for j, word in enumerate(pair)]
        assert found["guess"][i] == int(sum(logs[1]) > sum(logs[0]))
        assert found["guess-before"][i] == int(logs[1][0] > logs[0][0])
        assert found["guess-after"][i] == int(logs[1][1] > logs[0][1])


def test_ngrams_guess_the_word_with_which_the_passage_is_likelier(models):
    task = pairs_task(models.corpus)
    passages = experiment.Passages.of(task, models.corpus)
    found = experiment.ngram_guesses(models, passages)
    model, number = models.ngrams, {w: i for i, w in enumerate(models.bilm.words)}
    usual = experiment.log_shares(models)
    for i in range(8):
        text = models.corpus.vocabulary.decode(passages.ids[i])
        whole, here = [], []
        for word in task.answers[task.item[i]]:
            text[passages.at[i]] = word
            ids = [number[w] for w in text]
            logs = [model.next(ids[:k])[ids[k]] for k in range(len(ids))]
            whole.append(sum(logs) - usual[number[word]])
            here.append(logs[passages.at[i]] - usual[number[word]])
        assert found["5-gram"][i] == int(np.argmax(whole))
        assert found["5-gram-before"][i] == int(np.argmax(here))


def test_frequencies_sum_to_one(models):
    assert np.exp(experiment.log_shares(models)[1:]).sum() == pytest.approx(1)  # none is unknown


# MiniLM ---------------------------------------------------------------------------------------


def test_states_of_minilm_are_the_mean_of_the_pieces_in_each_layer(minilm):
    text = ["the", "zebrafish", "is", "small"]
    ids = minilm.token_ids(" ".join(text))
    pieces = minilm.tokenizer.convert_ids_to_tokens(ids)
    start = pieces.index("zebra")
    assert pieces[start : start + 2] == ["zebra", "##fish"]
    with torch.no_grad():
        states = minilm.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    expected = [states[k][0, start : start + 2].mean(dim=0).numpy() for k in experiment.MINILM]
    texts = [text, ["a", "longer", "text", "so", "that", "the", "first", "is", "padded", "here"]]
    found = experiment.minilm_states(minilm, texts, [1, 0])
    assert found.shape == (4, 2, 384)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


def test_the_mask_of_minilm_is_one_piece(minilm):
    text = ["the", minilm.tokenizer.mask_token, "sat"]
    batch = minilm.tokenizer([text], is_split_into_words=True)
    assert batch["input_ids"][0].count(minilm.tokenizer.mask_token_id) == 1
    assert batch.word_ids(0).count(1) == 1


# Rows -----------------------------------------------------------------------------------------


def toy_tasks(models):
    return {
        "related": lambda: pairs_task(models.corpus),
        "is-are": lambda: pairs_task(models.corpus, "is-are", PAIRS[:1]),
        "tags": lambda: tags_task(models.corpus),
    }


def silent(text):
    pass


@pytest.fixture(scope="module")
def rows(models):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "SEEDS", (0, 1))
        first = [{"kind": "labels", "kept": 1}]
        made = experiment.rows(first, toy_tasks(models), models, silent)
        return [rounded(row) for row in made]


def test_every_row_is_there_once(rows):
    names = Counter(experiment._name(row) for row in rows)
    assert set(names.values()) == {1}
    assert names["labels", None, None, None] == names["task", "tags", None, None] == 1
    for task in ("related", "is-are", "tags", "tags-control", "tags-new"):
        for seed in (0, 1):
            assert names["score", task, "mix", seed] == names["score", task, "layer-2", seed] == 1
    assert names["score", "related", "guess", None] == 1
    assert names["score", "related", "guess-before", None] == 0
    assert names["score", "is-are", "5-gram-before", None] == 1
    assert names["score", "tags", "most-frequent", 1] == 1
    assert names["score", "tags-control", "bag", 0] == 0  # it has no word to learn by heart


def test_every_score_fits_the_row_of_its_task(rows):
    tasks = {row["task"]: row for row in rows if row["kind"] == "task"}
    for row in rows:
        if row["kind"] != "score":
            continue
        task = tasks[row["task"].split("-")[0] if row["task"].startswith("tags") else row["task"]]
        assert len(row["hits"]) == len(task["documents"]) == len(task["n"])
        assert all(hit <= n for hit, n in zip(row["hits"], task["n"], strict=True))
        assert sum(row["hits"]) == sum(row["by_item"])
        assert row["accuracy"] == pytest.approx(sum(row["hits"]) / sum(task["n"]), abs=1e-5)


def test_shares_of_the_mix_sum_to_one(rows):
    mixes = [row for row in rows if row.get("reader") == "mix"]
    assert len(mixes) == 10
    assert all(len(m["shares"]) == 3 and abs(sum(m["shares"]) - 1) < 1e-4 for m in mixes)


def test_seeds_differ_and_a_seed_repeats_itself(models, rows, monkeypatch):
    monkeypatch.setattr(experiment, "SEEDS", (1,))
    again = experiment.rows([], {"is-are": toy_tasks(models)["is-are"]}, models, silent)
    expected = [r for r in rows if r.get("task") == "is-are" and r.get("seed") in (None, 1)]
    assert [rounded(row) for row in again] == expected
    one, other = (
        next(r for r in rows if experiment._name(r) == ("score", "is-are", "layer-1", seed))
        for seed in (0, 1)
    )
    assert one["hits"] != other["hits"]


@pytest.mark.parametrize("whole", [5, 30])
def test_an_interrupted_run_goes_on_where_it_was(models, rows, whole, monkeypatch):
    monkeypatch.setattr(experiment, "SEEDS", (0, 1))
    done, told = rows[:whole], []
    first = [{"kind": "labels", "kept": 1}]
    rest = experiment.rows(first, toy_tasks(models), models, told.append, done)
    expected = rows[whole : whole + 2]
    assert [rounded(row) for row in islice(rest, 2)] == expected
    begun = [row["task"] for row in done if row["kind"] == "task"]
    assert told[0].endswith(begun[-1])  # whole tasks are not begun again


# The stored result ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return stored("elmo_probes")


def test_the_stored_tasks_are_those_of_the_recipe(found):
    assert found.recipe == rounded(experiment.RECIPE)
    names = [row["task"] for row in found.where(kind="task")]
    assert names == [*MASKED, "tags"]
    for name in MASKED:
        row = found.row(kind="task", task=name)
        assert row["majority"] == 0.5
        assert len(row["items"]) == (15 if name in ("related", "random") else 1)


def test_every_stored_reader_has_five_seeds_or_needs_none(found):
    readers = Counter((row["task"], row["reader"]) for row in found.where(kind="score"))
    for (task, reader), rows in readers.items():
        assert rows == (1 if "guess" in reader or "5-gram" in reader else 5), (task, reader)


def test_the_stored_labels_are_those_of_the_file(found):
    row = experiment.labels_row(experiment.ambiguous_words())
    assert found.row(kind="labels") == rounded(row)


def test_a_stored_task_asks_for_the_places_that_it_would_ask_for_today(found):
    corpus = load_corpus()
    documents = experiment.judged_documents(corpus)
    tasks = experiment.all_tasks(corpus, documents, experiment.ambiguous_words())
    for name in ("random", "has-have", "tags"):
        assert rounded(tasks[name]().row()) == found.row(kind="task", task=name)
