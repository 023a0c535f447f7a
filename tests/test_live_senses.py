"""What must be true of the figure bank: its sentences, what is measured on them, its script."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from livescripts import asking

from lib import elmo, live_senses
from lib.corpus import LETTERS, load_corpus
from lib.encoders import MiniLM
from lib.languagemodel import UNKNOWN
from lib.live import LIMIT, LiveFigure, compact
from lib.live_senses import (
    Model,
    Occurrence,
    all_splits,
    bag_model,
    bank,
    cosines,
    elmo_model,
    halves,
    hits,
    labels_of,
    make_model,
    minilm_model,
    nearest,
    random_splits,
    sense_separation,
    sense_vectors,
    senses,
    separation,
    static_model,
    within_between,
)
from lib.text import UnknownWord
from lib.vectors import Vectors

script = asking("bank.js")
SENTENCES = senses()
WORDS = list(dict.fromkeys(one.word for one in SENTENCES))
WORDS_OF_GRAMMAR = """
    a after and are at back because before but by can does down each every for from had has he her
    his i in into is it its my near not of on one or our out over she that the then this to too two
    under up was we when with you your either
"""
FUNCTION = set(WORDS_OF_GRAMMAR.split())

# Two pairs of sentences whose senses lie together, one of which has a neighbour on the other side.
HAND = np.array(
    [[1.0, 0.8, 0.2, 0.4], [0.8, 1.0, 0.9, 0.0], [0.2, 0.9, 1.0, 0.6], [0.4, 0.0, 0.6, 1.0]]
)
TWO = np.array([0, 0, 1, 1])


def made(rng: np.random.Generator, apart: float, layers: int = 2) -> Model:
    """A model of the book's sentences: word, sense and noise; layer 0 knows the word alone."""
    states = []
    kinds: dict[str, np.ndarray] = {}
    for one in SENTENCES:
        S = rng.normal(0, 1, (layers, len(one.tokens), 24)) + 3
        for name in (one.word, one.word + one.sense):
            kinds.setdefault(name, rng.normal(0, 2, 24))
        S[0, one.place] = kinds[one.word]
        S[1:, one.place] += kinds[one.word] + apart * kinds[one.word + one.sense]
        states.append(S)
    return make_model(
        "made", "a made one", [f"layer {j}" for j in range(layers)], states, SENTENCES
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return made(np.random.default_rng(3), 1.0)


@pytest.fixture(scope="module")
def figure(model: Model) -> LiveFigure:
    table = Vectors(
        sorted({w for one in SENTENCES for w in one.tokens}),
        np.random.default_rng(5).normal(0, 1, (len({w for s in SENTENCES for w in s.tokens}), 9)),
        "toy",
    )
    return bank([model, bag_model(table), static_model(table)])


# The sentences ------------------------------------------------------------------------------------


def test_six_words_have_four_sentences_for_each_of_two_senses() -> None:
    assert WORDS == ["bank", "cell", "bass", "plant", "match", "mouse"]
    assert set(Counter((one.word, one.sense) for one in SENTENCES).values()) == {4}
    assert len({(one.word, one.sense) for one in SENTENCES}) == 12
    assert len({one.sentence for one in SENTENCES}) == 48


def test_sentences_stand_by_word_and_within_it_by_sense() -> None:
    for word in WORDS:
        own = [place for place, one in enumerate(SENTENCES) if one.word == word]
        assert own == list(range(own[0], own[0] + 8))
        assert [SENTENCES[i].sense for i in own[:4]] == [SENTENCES[own[0]].sense] * 4


def test_a_sentence_has_eight_to_fourteen_words_of_small_letters() -> None:
    for one in SENTENCES:
        assert " ".join(re.findall(LETTERS, one.sentence.lower())) == one.sentence
        assert 8 <= len(one.tokens) <= 14


def test_the_word_stands_once_in_its_sentence_at_places_that_change() -> None:
    for one in SENTENCES:
        assert one.tokens.count(one.word) == 1 and one.tokens[one.place] == one.word
    for word in WORDS:
        assert len({one.place for one in SENTENCES if one.word == word}) >= 4


def test_the_corpus_knows_each_word_of_the_sentences() -> None:
    corpus = load_corpus()
    index = corpus.vocabulary.index
    assert not [w for one in SENTENCES for w in one.tokens if w not in index]
    assert min(corpus.counts[index[word]] for word in WORDS) >= 80


def test_no_clue_stands_in_two_sentences_of_a_word() -> None:
    for word in WORDS:
        own = [set(one.tokens) - {word} for one in SENTENCES if one.word == word]
        for a, b in combinations(own, 2):
            assert (a & b) <= FUNCTION, word


def test_the_senses_of_a_word_begin_with_different_letters() -> None:
    for word in WORDS:
        initials = {one.sense[0] for one in SENTENCES if one.word == word}
        assert len(initials) == 2


@pytest.mark.parametrize("sentence", ["a dog sat down", "the cat saw the cat"])
def test_a_sentence_without_its_word_or_with_two_is_refused(
    sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "senses.csv").write_text(
        f"word,sense,sentence\ncat,animal,{sentence}\n", encoding="utf-8"
    )
    monkeypatch.setattr(live_senses, "DATA", tmp_path)
    with pytest.raises(ValueError, match=r"holds 'cat' [02] times: once is needed"):
        senses()


# From models to vectors ---------------------------------------------------------------------------

TOY = [Occurrence("bank", "money", "a bank paid"), Occurrence("bank", "river", "mud on the bank")]
TABLE = Vectors(["a", "bank", "paid", "mud", "on", "the"], [[0, 1], [9, 9], [2, 3], [3, 0], [0, 0], [0, 6]])  # fmt: skip # noqa: E501


def test_targets_and_background_by_hand() -> None:
    states = [np.arange(6.0).reshape(1, 3, 2), np.arange(8.0).reshape(1, 4, 2) * 10]
    found = make_model("x", "x", ["only"], states, TOY)
    assert found.targets.tolist() == [[[2, 3], [60, 70]]]
    others = np.array([[0, 1], [4, 5], [0, 10], [20, 30], [40, 50]])
    assert found.background.tolist() == [others.mean(axis=0).tolist()]
    assert sense_vectors(found, 0).tolist() == [[2, 3], [60, 70]]
    centred = sense_vectors(found, 0, centred=True)
    assert np.allclose(centred, np.array([[2, 3], [60, 70]]) - others.mean(axis=0))


def test_states_of_too_few_words_or_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="x: 1 layers of 3 vectors for 'mud on the bank', which"):
        make_model("x", "x", ["only"], [np.zeros((1, 3, 2))] * 2, TOY)
    with pytest.raises(ValueError, match="2 layers are named"):
        make_model("x", "x", ["one", "two"], [np.zeros((1, 3, 2)), np.zeros((1, 4, 2))], TOY)


def test_a_table_gives_one_vector_and_a_bag_the_mean_of_the_others() -> None:
    assert static_model(TABLE, TOY).targets.tolist() == [[[9, 9], [9, 9]]]
    assert bag_model(TABLE, TOY).targets.tolist() == [[[1, 2], [1, 2]]]
    # of the other places: (11, 12)/2, (9, 10)/2 and (9, 15)/3, (12, 15)/3, (12, 9)/3
    background = (np.array([11, 12]) / 2 + np.array([9, 10]) / 2 + np.array([33, 39]) / 3) / 5
    assert np.allclose(bag_model(TABLE, TOY).background, background)
    with pytest.raises(UnknownWord):
        bag_model(Vectors(["bank"], [[1, 0]]), TOY)


def test_elmo_gives_its_layers_and_the_first_knows_no_sentence() -> None:
    sizes = elmo.Settings(
        vocabulary=4, letters=4, filters=((1, 4), (2, 4)), d=6, cells=8, cutoffs=()
    )
    bilm = elmo.BiLM([UNKNOWN, "a", "on", "the"], sizes, np.random.default_rng(0))
    found = elmo_model(bilm, TOY)
    assert found.layers == ("letters", "layer 1", "layer 2") and found.targets.shape == (3, 2, 12)
    expected = bilm.layers([TOY[1].tokens])[0].of_words()
    assert np.allclose(found.targets[:, 1], expected[:, 3], atol=1e-6)
    assert np.allclose(found.targets[0, 0], found.targets[0, 1], atol=1e-6)
    assert not np.allclose(found.targets[1, 0], found.targets[1, 1], atol=1e-3)


def test_a_word_in_pieces_gets_their_mean_and_marks_are_left_out() -> None:
    hidden = torch.arange(6.0)[None, :, None].repeat(1, 1, 2)  # mark, a, ban, k, paid, mark

    class Pieces(dict):  # type: ignore[type-arg]
        def word_ids(self, _: int) -> list[int | None]:
            return [None, 0, 1, 1, 2, None]

    encoder: Any = SimpleNamespace(
        tokenizer=lambda tokens, **_: Pieces(),
        model=lambda **_: SimpleNamespace(hidden_states=(hidden, hidden * 10)),
    )
    found = minilm_model(encoder, TOY[:1])
    assert found.layers == ("layer 0", "layer 1")
    assert found.targets.tolist() == [[[2.5, 2.5]], [[25, 25]]]
    assert found.background.tolist() == [[2.5, 2.5], [25, 25]]


def test_minilm_gives_seven_layers_of_which_the_last_is_the_one_it_averages() -> None:
    encoder = MiniLM()
    found = minilm_model(encoder, SENTENCES[:2])
    assert found.targets.shape == (7, 2, 384)
    ids = torch.tensor([encoder.token_ids(SENTENCES[0].sentence)])
    with torch.inference_mode():
        last = encoder.model(input_ids=ids).last_hidden_state[0]
    place = encoder.tokenizer.convert_ids_to_tokens(ids[0]).index("bank")
    assert np.allclose(found.targets[6, 0], last[place].numpy(), atol=1e-5)


# What is measured ---------------------------------------------------------------------------------


def test_measures_by_hand() -> None:
    within, between = within_between(HAND, TWO)
    assert (within, between) == (0.7, 0.375)  # (.8 + .6) / 2, (.2 + .4 + .9 + 0) / 4
    assert nearest(HAND) == [[1], [2], [1], [2]]
    assert hits(HAND, TWO) == 2
    # 01|23 is .325 apart; 02|13 is .1 - .675, 03|12 is .65 - .4
    assert all_splits(HAND) == pytest.approx([0.325, -0.575, 0.25])
    found = separation(HAND, TWO, "cat")
    assert (found.word, found.n, found.as_far, found.share) == ("cat", 4, 1, 0.5)
    assert found.apart == pytest.approx(0.325)


def test_as_far_counts_the_splits_that_are_as_far_apart_or_farther() -> None:
    assert separation(HAND, np.array([0, 1, 1, 0])).as_far == 2
    assert separation(HAND, np.array([0, 1, 0, 1])).as_far == 3


def test_where_several_are_equally_near_the_share_of_the_right_ones_counts() -> None:
    M = np.array([[1, 0.5, 0.5, 0.5], [0.5, 1, 0.5, 0.2], [0.5, 0.5, 1, 0.7], [0.5, 0.2, 0.7, 1]])
    assert nearest(M) == [[1, 2, 3], [0, 2], [3], [2]]
    assert hits(M, TWO) == pytest.approx(1 / 3 + 1 / 2 + 1 + 1)


def test_a_vector_that_knows_no_sentence_scores_what_chance_scores(model: Model) -> None:
    for centred in (False, True):
        for one in sense_separation(model, 0, centred):
            assert one.within == one.between == 1 and one.as_far == 35
            assert one.share == pytest.approx(3 / 7)
    assert random_splits(model, 0, rng=np.random.default_rng(0), draws=99) == 1


def test_eight_sentences_have_thirty_five_halves_each_once() -> None:
    found = [tuple(labels.tolist()) for labels in halves(8)]
    assert len(set(found)) == len(found) == 35
    assert all(sum(labels) == 4 and labels[0] == 0 for labels in found)


def test_senses_that_are_far_apart_are_told_apart_and_noise_is_not() -> None:
    clear = made(np.random.default_rng(1), 2.0)
    assert [one.hits for one in sense_separation(clear, 1)] == [8] * 6
    assert [one.as_far for one in sense_separation(clear, 1)] == [1] * 6
    rng = np.random.default_rng(0)
    assert random_splits(clear, 1, rng=rng, draws=999) == 0.001
    shares = [
        np.mean([one.share for one in sense_separation(made(np.random.default_rng(i), 0.0), 1)])
        for i in range(20)
    ]
    assert np.mean(shares) == pytest.approx(3 / 7, abs=0.06)


def test_without_an_effect_every_p_is_equally_likely() -> None:
    found = [
        random_splits(
            made(np.random.default_rng(i), 0.0), 1, rng=np.random.default_rng(i), draws=199
        )
        for i in range(20)
    ]
    assert 0.3 < np.mean(found) < 0.7
    assert np.mean(np.array(found) <= 0.1) < 0.25


def test_centring_takes_a_common_direction_away(model: Model) -> None:
    shifted = make_model("s", "s", ["one"], [
        np.random.default_rng(i).normal(0, 1, (1, len(one.tokens), 24)) + 50
        for i, one in enumerate(SENTENCES)
    ], SENTENCES)  # fmt: skip
    plain, centred = (cosines(shifted, 0, "bank", c) for c in (False, True))
    assert plain.min() > 0.99 and np.abs(centred[np.triu_indices(8, 1)]).max() < 0.8


def test_cosines_are_those_of_the_words_own_sentences_to_four_decimals(model: Model) -> None:
    X = model.targets[1, 8:16]
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert np.array_equal(cosines(model, 1, "cell"), (U @ U.T).round(4))


def test_senses_that_are_not_balanced_are_refused(model: Model) -> None:
    assert labels_of(model, "bass").tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    few = make_model("x", "x", ["a"], [np.ones((1, 3, 2)), np.ones((1, 4, 2))], TOY)
    with pytest.raises(ValueError, match=r"'bank' has \[1, 1\] sentences by sense"):
        labels_of(few, "bank")


# The figure ---------------------------------------------------------------------------------------


def test_the_figure_holds_sentences_and_cosines_and_its_table_what_they_give(
    figure: LiveFigure, model: Model
) -> None:
    payload = figure.payload()
    data = payload["data"]
    assert len(compact(data).encode()) < LIMIT / 4
    assert [one["word"] for one in data["words"]] == WORDS
    bank_row = data["words"][0]
    assert bank_row["senses"] == ["money", "river"] and bank_row["places"][0] == 3
    assert bank_row["sentences"] == [one.sentence for one in SENTENCES[:8]]
    M = cosines(model, 1, "cell", centred=True)
    assert (
        data["models"][0]["cosines"][1][1][1] == (M[np.triu_indices(8, 1)] * 1e4).round().tolist()
    )
    rows = payload["table"]["rows"]
    assert [row[0] for row in rows] == [
        "a made one, layer 0", "a made one, layer 1",
        "mean of the other words (toy), mean", "one vector a word (toy), table",
    ]  # fmt: skip
    found = sense_separation(model, 1)
    assert rows[1][1:7] == pytest.approx([one.hits for one in found])
    assert rows[1][7] == pytest.approx(sum(one.hits for one in found))
    assert rows[1][8] == pytest.approx(np.mean([one.apart for one in found]), abs=1e-4)
    centred = sense_separation(model, 1, centred=True)
    assert rows[1][9] == pytest.approx(sum(one.hits for one in centred))


def test_forty_layers_stay_within_the_budget() -> None:
    deep = made(np.random.default_rng(2), 0.5, layers=40)
    assert len(compact(bank([deep]).payload()["data"]).encode()) < LIMIT


def test_models_with_one_name_or_of_other_sentences_are_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="each with its own name"):
        bank([model, model])
    with pytest.raises(ValueError, match="give one or more"):
        bank([])
    with pytest.raises(ValueError, match="ask all of them the same"):
        bank([model, static_model(TABLE, TOY)])


# The script ---------------------------------------------------------------------------------------


def test_the_script_counts_what_lib_counts(figure: LiveFigure, model: Model) -> None:
    body = """return input.data.models[0].layers.map((_, layer) => [false, true].map((centred) =>
      input.data.words.map(({ word, labels }) => {
        const M = pure.chosen(input.data, { model: "made", layer, centred, word });
        return [M, pure.separation(M, labels), pure.nearest(M)];
      })));"""
    found = script(body, data=figure.payload()["data"])
    for layer in range(2):
        for centred in (False, True):
            expected = sense_separation(model, layer, centred)
            for word, one, (M, said, near) in zip(
                WORDS, expected, found[layer][centred], strict=True
            ):
                own = cosines(model, layer, word, centred)
                np.fill_diagonal(own, 1)
                assert own.tolist() == M
                assert near == nearest(own)
                assert said["asFar"] == one.as_far and said["splits"] == 35
                for name in ("within", "between", "apart", "hits"):
                    assert said[name] == pytest.approx(getattr(one, name), abs=1e-9)


def test_the_script_adds_up_all_words(figure: LiveFigure, model: Model) -> None:
    body = "return pure.overall(input.data, { model: 'made', layer: 1, centred: true });"
    found = script(body, data=figure.payload()["data"])
    expected = sense_separation(model, 1, centred=True)
    assert found["hits"] == pytest.approx(sum(one.hits for one in expected))
    assert found["apart"] == pytest.approx(np.mean([one.apart for one in expected]))


def test_hand_worked_tables_and_halves_are_the_same_in_both_languages() -> None:
    ties = [[1, 0.5, 0.5, 0.5], [0.5, 1, 0.5, 0.2], [0.5, 0.5, 1, 0.7], [0.5, 0.2, 0.7, 1]]
    body = """return [input.tables.map((M) => [pure.nearest(M), pure.hits(M, [0, 0, 1, 1]),
      pure.separation(M, [0, 1, 1, 0]).asFar]), pure.halves(4), pure.halves(8)];"""
    tables, four, eight = script(body, tables=[HAND.tolist(), ties])
    for M, (near, many, as_far) in zip((HAND, np.array(ties)), tables, strict=True):
        assert near == nearest(M) and many == pytest.approx(hits(M, TWO))
        assert as_far == separation(M, np.array([0, 1, 1, 0])).as_far
    assert four == [labels.tolist() for labels in halves(4)]
    assert eight == [labels.tolist() for labels in halves(8)]


def test_a_sentence_is_called_by_the_letter_of_its_sense_and_a_number(figure: LiveFigure) -> None:
    found = script("return input.words.map(pure.marks);", words=figure.payload()["data"]["words"])
    assert found[0] == ["M1", "M2", "M3", "M4", "R1", "R2", "R3", "R4"]
    assert all(len(set(names)) == 8 for names in found)


def test_the_right_answer_is_the_nearest_of_four(figure: LiveFigure) -> None:
    body = "return input.shares.map((share) => pure.rightAnswer(share, input.answers));"
    answers = figure.payload()["data"]["answers"]
    assert script(body, shares=[0.2, 0.43, 0.55, 0.7, 1], answers=answers) == [0, 0, 1, 2, 3]


def test_the_state_survives_the_address(figure: LiveFigure) -> None:
    states = [
        {"guess": g, "word": w, "model": m, "layer": layer, "centred": c}
        for g in ("", "0", "3", "skip") for w in ("bank", "mouse")
        for m, layer in (("made", 0), ("made", 1), ("bag", 0)) for c in (False, True)
    ]  # fmt: skip
    body = "return input.states.map((one) => pure.read(pure.write(one), input.data));"
    assert script(body, states=states, data=figure.payload()["data"]) == states


@pytest.mark.parametrize(
    "text", ["", "9.cat.gpt.9.7", "x", "....", "0x.Bank.made.2.true", "..made.-1.0"]
)
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str, figure: LiveFigure) -> None:
    data = figure.payload()["data"]
    assert script("return pure.read(input.text, input.data);", text=text, data=data) == {
        "guess": "", "word": "bank", "model": "made", "layer": 1, "centred": False,
    }  # fmt: skip
