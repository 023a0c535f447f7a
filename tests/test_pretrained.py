"""The published models, layer by layer: the book's states are those of transformers.

A hundred real sentences from 3 to 60 word pieces, padded before and behind. In double precision
the encoder's states differ by less than 1e-9. The library's decoder computes its norms in single
precision even when all else is double; with an honest norm put in its place, its states and the
book's are equal too.
"""

import doctest
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformer_reference import (
    honest_rms_norm,
    hundred_sentences,
    library_attentions,
    library_decoder,
    library_encoder,
    library_states,
    pad,
)

from lib import pretrained as pretrained_module
from lib.attention import WRITTEN_OUT, positions_of
from lib.bytelevel import ByteLevelBPE
from lib.data import ModelFiles, load
from lib.gguf import Gguf
from lib.pretrained import (
    DECODER_NAMES,
    ENCODER_NAMES,
    decoder_file,
    decoder_weights,
    encoder_weights,
    load_decoder,
    load_encoder,
    pairs_apart,
    rename,
)
from lib.transformer import Decoder, DecoderSettings, EncoderSettings
from lib.wordpiece import WordPiece


def batches(rows: list[list[int]], sides: str, size: int = 25):
    """Sentences of like length side by side, to save time on padding."""
    rows = sorted(rows, key=len)
    for begin in range(0, len(rows), size):
        yield pad(rows[begin : begin + size], sides)


def apart(ours: torch.Tensor, theirs: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """How far the states of real tokens are apart, as a share of their length: (L + 1,)."""
    gap = (ours - theirs)[:, real].norm(dim=-1)
    return (gap / theirs[:, real].norm(dim=-1)).amax(dim=1)


@pytest.fixture(scope="module")
def encoder_rows():
    pieces = WordPiece.load()
    return [pieces.ids(text) for text in hundred_sentences(60)]


@pytest.fixture(scope="module")
def decoder_rows():
    tokens = ByteLevelBPE.load()
    return [tokens.ids(text) for text in hundred_sentences(60)]


# The encoder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_minilms_states_are_the_librarys_in_double_precision(encoder_rows, side):
    ours, theirs = load_encoder().double(), library_encoder(torch.float64)
    seen = 0
    for ids, real in batches(encoder_rows, side):
        with torch.no_grad():
            found = ours.states(ids, real)
        expected = library_states(theirs, ids, real, positions_of(real))
        assert found.shape == (7, *ids.shape, 384)
        assert (found - expected)[:, real].abs().max() < 1e-9
        seen += len(ids)
    assert seen == 100


def test_minilms_states_are_the_librarys_in_single_precision(encoder_rows):
    ours, theirs = load_encoder(), library_encoder(torch.float32)
    assert next(ours.parameters()).dtype == torch.float32
    for ids, real in batches(encoder_rows, "both"):
        with torch.no_grad():
            found = ours.states(ids, real)
        expected = library_states(theirs, ids, real, positions_of(real))
        assert apart(found, expected, real).max() < 1e-5


def test_written_out_minilm_is_the_fused_one(encoder_rows):
    ids, real = pad(encoder_rows[::10], "both")
    with torch.no_grad():
        states = [m.states(ids, real) for m in (load_encoder(), load_encoder(None, WRITTEN_OUT))]
    assert apart(*states, real).max() < 1e-5


def test_padding_before_a_text_moves_the_librarys_positions_unless_they_are_given(encoder_rows):
    ids, real = pad(encoder_rows[10:30], "left")
    theirs = library_encoder(torch.float32)
    with torch.no_grad():
        expected = load_encoder().states(ids, real)
    counted = torch.arange(ids.shape[1])[None].expand(ids.shape)
    moved = apart(library_states(theirs, ids, real, counted), expected, real)[-1]
    kept = apart(library_states(theirs, ids, real, positions_of(real)), expected, real)[-1]
    assert kept < 1e-5 < 0.1 < moved


def test_minilm_looks_where_the_librarys_looks(encoder_rows):
    ids, real = pad(encoder_rows[10:60:10], "both")
    expected = library_attentions(library_encoder(torch.float32), ids, real, positions_of(real))
    found = load_encoder().attentions(ids, real)
    assert found.shape == (6, 5, 12, ids.shape[1], ids.shape[1])
    asks = real[None, :, None, :, None].expand_as(found)
    assert (found - expected)[asks].abs().max() < 1e-5


def test_the_encoders_file_is_used_up_but_for_the_pooler():
    settings, weights = encoder_weights()
    assert settings == EncoderSettings()
    assert len(weights) == 101  # of 104: the pooler has two, and a list of positions is no weight
    assert weights["blocks.5.network.down.weight"].shape == (384, 1_536)
    assert weights.keys() == load_encoder().state_dict().keys()
    assert not any(weight.requires_grad for weight in load_encoder().parameters())


@pytest.mark.parametrize(
    ("habit", "value"),
    [
        ("hidden_act", "relu"),
        ("model_type", "roberta"),
        ("position_embedding_type", "relative_key"),
    ],
)
def test_an_encoder_with_other_habits_is_refused(tmp_path, habit, value):
    config = json.loads((load("minilm").folder / "config.json").read_text("utf-8"))
    changed = config | {habit: value}
    (tmp_path / "config.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ValueError, match=f"'{value}'"):
        encoder_weights(ModelFiles("other", tmp_path, ("config.json",)))


def test_weights_published_in_half_precision_become_single(tmp_path):
    folder = load("minilm").folder
    shutil.copy(folder / "config.json", tmp_path)
    halved = {
        name: table.astype(np.float16)
        for name, table in load_file(folder / "model.safetensors").items()
        if name != "embeddings.position_ids"
    }
    save_file(halved, tmp_path / "model.safetensors")
    model = load_encoder(ModelFiles("half", tmp_path, ()))
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    torch.testing.assert_close(
        model.words.weight, load_encoder().words.weight, rtol=1e-3, atol=1e-6
    )


# The decoder ----------------------------------------------------------------------------------


def first_layers(layers):
    """The book's SmolLM2 without what stands above some layers."""
    settings, weights = decoder_weights()
    kept = {
        name: torch.from_numpy(table)
        for name, table in weights.items()
        if not name.startswith("blocks.") or int(name.split(".")[1]) < layers
    }
    ours = Decoder(DecoderSettings(**(vars(settings) | {"layers": layers}))).eval()
    ours.load_state_dict(kept)
    return ours


def decoder_gap(rows, dtype, side, layers):
    ours, theirs = first_layers(layers).to(dtype), library_decoder(dtype, layers)
    worst, seen = torch.zeros(layers + 1, dtype=dtype), 0
    for ids, real in batches(rows, side):
        with torch.no_grad():
            found = ours.states(ids, real)
        expected = library_states(theirs, ids, real, positions_of(real))
        worst = torch.maximum(worst, apart(found, expected, real))
        seen += len(ids)
    assert seen == len(rows)
    return worst


@pytest.mark.parametrize("side", ["left", "right"])
def test_smollms_first_layers_are_the_librarys_in_double_precision(decoder_rows, side, monkeypatch):
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    monkeypatch.setattr(LlamaRMSNorm, "forward", honest_rms_norm)
    worst = decoder_gap(decoder_rows[::4], torch.float64, side, layers=2)
    assert worst.max() < 1e-9


@pytest.mark.slow
def test_all_smollms_states_are_the_librarys_in_double_precision(monkeypatch):
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    monkeypatch.setattr(LlamaRMSNorm, "forward", honest_rms_norm)
    tokens = ByteLevelBPE.load()
    rows = [tokens.ids(text) for text in hundred_sentences(30)]  # shorter, to save minutes
    worst = decoder_gap(rows, torch.float64, "both", layers=30)
    assert worst.max() < 1e-9


@pytest.mark.slow
def test_all_smollms_states_are_the_librarys_in_single_precision(decoder_rows):
    worst = decoder_gap(decoder_rows, torch.float32, "both", layers=30)
    assert worst.max() < 1e-4


def test_the_librarys_double_precision_passes_through_single_precision(decoder_rows):
    worst = decoder_gap(decoder_rows[::20], torch.float64, "right", layers=2)
    assert 1e-9 < worst.max() < 1e-5
    assert worst[0] == 0


def test_smollm_looks_where_the_librarys_looks(decoder_rows):
    ids, real = pad(decoder_rows[10:60:10], "both")
    theirs = library_decoder(torch.float32, 3)
    expected = library_attentions(theirs, ids, real, positions_of(real))
    found = first_layers(3).attentions(ids, real)
    assert found.shape == (3, 5, 9, ids.shape[1], ids.shape[1])
    asks = real[None, :, None, :, None].expand_as(found)
    assert (found - expected)[asks].abs().max() < 1e-5


def test_smollm_predicts_what_follows():
    tokens, model = ByteLevelBPE.load(), load_decoder()
    ids = tokens.ids("The capital of France is")
    with torch.no_grad():
        logits = model.logits(model(torch.tensor([ids])))[0, -1]
    assert tokens.text([int(logits.argmax())]) == " Paris"
    sense, nonsense = (
        model.log_probabilities(tokens.ids(text)).mean()
        for text in ("The cat sat down on the mat.", "Mat the on down sat cat the.")
    )
    assert sense > nonsense + 1


def test_the_decoders_file_is_used_up():
    settings, weights = decoder_weights()
    assert settings == DecoderSettings()
    assert len(weights) == 272
    assert weights["blocks.29.attention.keys.weight"].shape == (192, 576)


def test_rows_of_queries_and_keys_are_put_back_as_the_library_does():
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    put_back = LlamaTensorProcessor()._reverse_permute_weights
    table = np.arange(48 * 2, dtype=np.float32).reshape(48, 2)
    np.testing.assert_array_equal(pairs_apart(table, 3), put_back(table, 9, 3))
    np.testing.assert_array_equal(pairs_apart(table, 6), put_back(table, 6, 6))
    # Two neighbours of the file are half a head apart afterwards.
    assert pairs_apart(np.arange(8.0, dtype=np.float32)[:, None], 1).ravel().tolist() == [
        *(0, 2, 4, 6),
        *(1, 3, 5, 7),
    ]


def test_decoders_of_other_kinds_are_refused():
    found = decoder_file()
    other = found.settings | {"general.architecture": "qwen2"}
    with pytest.raises(ValueError, match="a model of kind 'qwen2'"):
        decoder_weights(Gguf(found.path, other, found.tables))
    for habit, words in (
        ({"llama.rope.dimension_count": 32}, "turns 32 of the 64 numbers"),
        ({"llama.rope.scaling.type": "yarn"}, "stretched by 'yarn'"),
    ):
        with pytest.raises(ValueError, match=words):
            decoder_weights(Gguf(found.path, found.settings | habit, found.tables))
    table = next(iter(found.tables.values()))
    with pytest.raises(ValueError, match="an output table of its own"):
        decoder_weights(Gguf(found.path, found.settings, {"output.weight": table}))
    with pytest.raises(ValueError, match=r"'blk.0.attn_k_norm.weight', which is not"):
        decoder_weights(Gguf(found.path, found.settings, {"blk.0.attn_k_norm.weight": table}))


def test_a_folder_with_no_or_two_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds 0 GGUF files"):
        decoder_file(ModelFiles("x", tmp_path, ()))
    for name in "ab":
        (tmp_path / f"{name}.gguf").write_bytes(b"GGUF")
    with pytest.raises(ValueError, match="holds 2 GGUF files"):
        decoder_file(ModelFiles("x", tmp_path, ()))


# Names ----------------------------------------------------------------------------------------


def test_names_are_translated_whole():
    assert rename("encoder.layer.11.output.dense.bias", ENCODER_NAMES) == (
        "blocks.11.network.down.bias"
    )
    assert rename("encoder.layer.1.attention.output.LayerNorm.weight", ENCODER_NAMES) == (
        "blocks.1.attention_norm.weight"
    )
    assert rename("embeddings.LayerNorm.weight", ENCODER_NAMES) == "norm.weight"
    assert rename("output_norm.weight", DECODER_NAMES) == "norm.weight"
    for name in ("embeddings.position_ids", "pooler.dense.weight", "output.weight"):
        assert rename(name, ENCODER_NAMES) is rename(name, DECODER_NAMES) is None


def test_the_examples_are_true():
    failed, tried = doctest.testmod(pretrained_module)
    assert tried
    assert not failed
