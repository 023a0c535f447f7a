"""What must be true of the figure bank-layers: what a decoder can know, and what is drawn of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from livescripts import ASSETS, asking

from lib.live import LIMIT, compact
from lib.live_layers import Read, bank_layers, moved, pieces_of, read_model, word_states
from lib.live_senses import Occurrence, minilm_model, sense_separation, sense_vectors, senses
from lib.textencoder import Backbone, minilm, smollm2
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "_ext"))
import book_live

script = asking("bank.js")
TOY = [
    Occurrence("bank", "money", "the bank paid us"),
    Occurrence("bank", "money", "a loan from a bank"),
    Occurrence("bank", "river", "the muddy bank of it"),
    Occurrence("bank", "river", "on its bank sat toads"),
]


def cut(text: str) -> list[int]:
    """Two letters a piece, a space with what follows; 0 and 1 are marks."""
    words = re.findall(r" ?[^ ]+", text)
    return [2 + sum(map(ord, w[i : i + 2])) % 90 for w in words for i in range(0, len(w), 2)]


def toy(kind: str) -> Backbone:
    """A small network with random weights."""
    torch.manual_seed(3)
    if kind == "encoder":
        sizes = EncoderSettings(vocabulary=100, places=40, d=12, layers=3, heads=2, hidden=20)
        return Backbone("toy", Encoder(sizes).eval(), cut, 100, (0,), (1,))
    small = DecoderSettings(vocabulary=100, d=12, layers=3, heads=2, kv_heads=1, hidden=20)
    return Backbone("toy", Decoder(small).eval(), cut, 100)


@pytest.fixture(scope="module")
def real() -> dict[str, Read]:
    """Both models of the chapter, whole and cut, in three layers."""
    encoder, decoder = minilm(), smollm2()
    return {
        "encoder": read_model(encoder, [0, 4, 6]),
        "encoder, cut": read_model(encoder, [0, 4, 6], until=True),
        "decoder": read_model(decoder, [0, 15, 30]),
        "decoder, cut": read_model(decoder, [0, 15, 30], until=True),
    }


# Pieces and words ---------------------------------------------------------------------------------


def test_pieces_know_their_word_and_marks_belong_to_none() -> None:
    ids, owners = pieces_of(toy("encoder"), ["a", "bank", "paid"])
    assert ids == [0, *cut("a bank paid"), 1]
    assert owners.tolist() == [-1, 0, 1, 1, 1, 2, 2, 2, -1]
    ids, owners = pieces_of(toy("decoder"), ["a", "bank"])
    assert ids == cut("a bank") and owners.tolist() == [0, 1, 1, 1]


def test_a_sentence_that_is_cut_across_its_spaces_is_refused() -> None:
    whole = Backbone("odd", toy("decoder").network, lambda text: [2 + len(text)], 100)
    with pytest.raises(ValueError, match="odd cuts 'a bank' not at its spaces"):
        pieces_of(whole, ["a", "bank"])


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_word_is_the_mean_of_its_pieces_in_company_as_alone(kind: str) -> None:
    backbone = toy(kind)
    sentences = [one.tokens for one in TOY]
    for tokens, found in zip(sentences, word_states(backbone, sentences, [3, 1]), strict=True):
        ids, owners = pieces_of(backbone, tokens)
        with torch.inference_mode():
            H = backbone.network.states(torch.tensor([ids]))[:, 0].numpy()
        for layer, S in zip((3, 1), found, strict=True):
            expected = [H[layer, owners == t].mean(axis=0) for t in range(len(tokens))]
            assert np.allclose(S, expected, atol=1e-5)


# Models -------------------------------------------------------------------------------------------


def test_a_decoder_gives_the_same_whatever_follows_and_an_encoder_does_not() -> None:
    for kind, same in (("decoder", True), ("encoder", False)):
        whole, stopped = (
            read_model(toy(kind), occurrences=TOY, until=until) for until in (False, True)
        )
        assert whole.targets.shape == (4, 4, 12) and whole.layers[3] == "layer 3"
        far = moved(whole, stopped, 3)
        assert (far.max() < 1e-5) == same
        assert far[1] == pytest.approx(0, abs=1e-5)  # nothing follows
        assert (whole.until, stopped.until) == (same, True)
        assert (whole.name, stopped.name) == ("toy", "toy-until")
        assert stopped.label == "toy, cut at the word"


def test_how_far_a_word_moves_by_hand() -> None:
    one, other = (
        Read("x", "x", ("only",), tuple(TOY[:2]), np.array([rows]), np.zeros((1, 2)))
        for rows in ([[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, 1.0]])
    )
    assert moved(one, other, 0).tolist() == [1, 0]


def test_the_mean_of_the_other_words_leaves_a_decoders_first_word_out() -> None:
    for kind, first in (("encoder", 0), ("decoder", 1)):
        found = read_model(toy(kind), [2], occurrences=TOY)
        states = word_states(toy(kind), [one.tokens for one in TOY], [2])
        rows = [
            S[0, t]
            for S, one in zip(states, TOY, strict=True)
            for t in range(first, len(one.tokens))
            if t != one.place
        ]
        assert np.allclose(found.background[0], np.mean(rows, axis=0), atol=1e-6)
        centred = sense_vectors(found, 0, centred=True)
        assert np.allclose(centred, found.targets[0] - found.background[0])


def test_no_ambiguous_word_begins_its_sentence() -> None:
    assert min(one.place for one in senses()) >= 1


def test_minilm_is_that_of_the_figure_before(real: dict[str, Read]) -> None:
    from lib.encoders import MiniLM

    before = minilm_model(MiniLM())
    for layer, number in enumerate((0, 4, 6)):
        assert np.allclose(real["encoder"].targets[layer], before.targets[number], atol=1e-4)
        assert np.allclose(real["encoder"].background[layer], before.background[number], atol=1e-4)


def test_what_follows_moves_minilm_and_never_smollm(real: dict[str, Read]) -> None:
    for layer in range(3):
        assert moved(real["decoder"], real["decoder, cut"], layer).max() < 1e-5
    assert moved(real["encoder"], real["encoder, cut"], 0).max() < 1e-5
    assert moved(real["encoder"], real["encoder, cut"], 1).mean() > 0.01


def test_layer_0_of_the_decoder_has_one_vector_a_word(real: dict[str, Read]) -> None:
    for one in sense_separation(real["decoder"], 0):
        assert one.share == pytest.approx(3 / 7) and one.apart == 0


# The figure ---------------------------------------------------------------------------------------


def test_the_figure_says_of_each_model_whether_it_stops_at_the_word(real: dict[str, Read]) -> None:
    figure = bank_layers([real["decoder"], real["encoder"], real["encoder, cut"]])
    payload = figure.payload()
    assert payload["name"] == "bank-layers"
    models = payload["data"]["models"]
    assert [one["until"] for one in models] == [True, False, True]
    assert [one["label"] for one in models][:2] == ["SmolLM2", "MiniLM"]
    assert len(payload["table"]["rows"]) == 9
    assert payload["table"]["rows"][2][0] == "SmolLM2, layer 30"


def test_all_layers_of_all_models_stay_within_the_budget() -> None:
    rng, said = np.random.default_rng(0), tuple(senses())
    deep = [
        Read(name, name, tuple(f"layer {j}" for j in range(n)), said, rng.normal(0, 1, (n, 48, 5)),
             np.zeros((n, 5)), until=True)
        for name, n in (("a", 31), ("b", 7), ("c", 7))
    ]  # fmt: skip
    assert len(compact(bank_layers(deep).payload()["data"]).encode()) < LIMIT


def test_the_script_counts_what_lib_counts(real: dict[str, Read]) -> None:
    models = [real["decoder"], real["encoder"]]
    body = """return input.data.models.map(({ name, layers }) => layers.map((_, layer) =>
      [false, true].map((centred) =>
        pure.overall(input.data, { model: name, layer, centred }))));"""
    found = script(body, data=bank_layers(models).payload()["data"])
    for model, layers in zip(models, found, strict=True):
        for layer, both in enumerate(layers):
            for centred, said in zip((False, True), both, strict=True):
                expected = sense_separation(model, layer, centred)
                assert said["hits"] == pytest.approx(sum(one.hits for one in expected))
                assert said["apart"] == pytest.approx(np.mean([one.apart for one in expected]))


def test_the_page_loads_the_script_of_bank_once() -> None:
    assert book_live.DRAWN_BY == {"bank-layers": "bank"}
    text = (ASSETS / "bank.js").read_text(encoding="utf-8")
    assert '["bank", "bank-layers"]' in text and "live.state(payload.name)" in text
