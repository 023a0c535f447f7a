"""What lib.textencoder promises: small models by hand, the real ones, and nothing in silence."""

import dataclasses
import doctest
import warnings

import numpy as np
import pytest
import torch

from lib import textencoder as textencoder_module
from lib.data import load
from lib.encoders import MiniLM
from lib.pooling import unit_rows
from lib.sif import common_direction, sif_weights, token_frequencies, without
from lib.textencoder import (
    BACKBONES,
    ECHO,
    Backbone,
    TextEncoder,
    TruncationWarning,
    minilm,
    place,
    smollm2,
)
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

TEXTS = ["the cat sat", "a", "the dog and the cat and the bird", "", "cat", "zebras sleep"]


def cut(text: str) -> list[int]:
    """A token a letter, spaces passed over; 0 and 1 are marks."""
    return [2 + ord(c) % 20 for c in text if c != " "]


def toy(kind: str, tmp_path=None) -> Backbone:
    generator = torch.Generator().manual_seed(0)
    network = (
        Encoder(EncoderSettings(22, 64, d=12, layers=2, heads=3, hidden=8))
        if kind == "encoder"
        else Decoder(DecoderSettings(22, 64, d=12, layers=2, heads=3, kv_heads=1, hidden=8))
    )
    for name, weight in network.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        weight.data = 1 + 0.1 * noise if "norm.weight" in name else 0.5 * noise
    network.eval().requires_grad_(False)
    marks = ((0,), (1,)) if kind == "encoder" else ((), ())
    files = ()
    if tmp_path is not None:
        files = (tmp_path / "weights",)
        files[0].write_bytes(b"weights")
    return Backbone("toy", network, cut, 22, *marks, files)


@pytest.fixture(params=["encoder", "decoder"])
def backbone(request, tmp_path):
    return toy(request.param, tmp_path)


@pytest.fixture(scope="module")
def small():
    return minilm()


@pytest.fixture(scope="module")
def large():
    return smollm2()


def alone(backbone: Backbone, text: str, layer: int = -1) -> torch.Tensor:
    """States of one text, by the network itself: (T, d)."""
    ids = [*backbone.before, *cut(text), *backbone.after]
    return backbone.network.layer(layer, torch.tensor([ids], dtype=torch.long))[0]


# Pooling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 1, -1])
@pytest.mark.parametrize(
    ("pool", "by_hand"),
    [
        ("mean", lambda h: h.mean(0)),
        ("cls", lambda h: h[0]),
        ("last", lambda h: h[-1]),
        ("max", lambda h: h.amax(0)),
    ],
)
def test_texts_together_are_pooled_as_texts_alone(backbone, pool, by_hand, layer):
    encoder = TextEncoder(backbone, pool=pool, layer=layer, unit=False)
    texts = [text for text in TEXTS if text]
    expected = torch.stack([by_hand(alone(backbone, text, layer)) for text in texts])
    X = encoder.encode(texts)
    np.testing.assert_allclose(X, expected.numpy(), atol=1e-5)
    assert X.dtype == np.float32
    unit = TextEncoder(backbone, pool=pool, layer=layer).encode(texts)
    np.testing.assert_allclose(unit, unit_rows(expected.numpy()), atol=1e-5)


def test_only_the_texts_own_tokens_can_be_pooled():
    backbone = toy("encoder")
    own = TextEncoder(backbone, over="text", unit=False).encode(["cat"])[0]
    np.testing.assert_allclose(own, alone(backbone, "cat")[1:-1].mean(0).numpy(), atol=1e-5)
    everything = TextEncoder(backbone, unit=False).encode(["cat"])[0]
    assert np.abs(own - everything).max() > 1e-3


def test_sif_weighs_tokens_and_takes_the_common_direction_off(backbone):
    background = ["the cat", "the dog", "sleep", "birds and dogs"]
    encoder = TextEncoder(backbone, pool="sif", unit=False).fit(background)
    weights = sif_weights(token_frequencies([cut(text) for text in background], 22))

    def means(texts):
        rows = []
        for text in texts:
            begin = len(backbone.before)
            h = alone(backbone, text)[begin : begin + len(cut(text))].numpy()
            w = weights[cut(text)]
            rows.append(w @ h / w.sum())
        return np.array(rows)

    texts = ["the cat sat", "zebras"]
    expected = without(means(texts), common_direction(means(background)))
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)
    with pytest.raises(RuntimeError, match="toy-sif has no weights yet"):
        TextEncoder(backbone, pool="sif").encode(texts)


def test_sif_counts_tokens_as_they_are_read():
    """Behind a space a text may begin with another token, and what is cut off does not count."""

    def cut_with_spaces(text):
        return [2 + ord(c) % 20 for c in text]

    backbone = Backbone("toy", toy("decoder").network, cut_with_spaces, 22)
    encoder = TextEncoder(
        backbone, pool="sif", template="say {text}", max_tokens=7, overlong="cut"
    ).fit(["cat", "dogs and birds"])
    read = [cut_with_spaces(" cat"), cut_with_spaces(" dog")]
    expected = sif_weights(token_frequencies(read, 22))
    np.testing.assert_allclose(encoder._weights.numpy(), expected, rtol=1e-6)


def test_a_fit_that_was_interrupted_leaves_nothing_half_fitted(backbone):
    encoder = TextEncoder(backbone, pool="sif").fit(["the cat", "sleep"])
    real = encoder._run

    def interrupted(batch):
        raise KeyboardInterrupt

    encoder._run = interrupted
    with pytest.raises(KeyboardInterrupt):
        encoder.fit(["a dog", "birds"])
    encoder._run = real
    with pytest.raises(RuntimeError, match="call fit"):
        encoder.encode(["cat"])


def test_sif_pools_the_texts_own_tokens_alone():
    backbone = toy("encoder")
    assert TextEncoder(backbone, pool="sif", max_tokens=64).over == "text"
    with pytest.raises(ValueError, match="marks have no weight"):
        TextEncoder(backbone, pool="sif", over="all", max_tokens=64)


def test_an_empty_text_is_its_marks_or_zero():
    marks = TextEncoder(toy("encoder"), unit=False).encode([""])[0]
    np.testing.assert_allclose(marks, alone(toy("encoder"), "").mean(0).numpy(), atol=1e-5)
    for pool in ("mean", "cls", "last", "max"):
        X = TextEncoder(toy("decoder"), pool=pool).encode(["", "cat"])
        assert X[0].tolist() == [0] * 12
        single = TextEncoder(toy("decoder"), pool=pool).encode(["cat"])
        np.testing.assert_allclose(X[1:], single, atol=1e-6)
    assert TextEncoder(toy("decoder")).encode([]).shape == (0, 12)


# Company and order ----------------------------------------------------------------------------


def test_a_text_has_the_same_vector_in_any_company(backbone):
    single = np.concatenate([TextEncoder(backbone).encode([text]) for text in TEXTS])
    for batch_tokens in (1, 20, 4_096):
        encoder = TextEncoder(backbone, batch_tokens=batch_tokens)
        np.testing.assert_allclose(encoder.encode(TEXTS), single, atol=1e-5)
        np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], single, atol=1e-5)


def test_batches_hold_so_many_places_the_longest_first_and_each_text_once(monkeypatch):
    encoder = TextEncoder(toy("decoder"), batch_tokens=10)
    seen = []
    real = encoder._run
    monkeypatch.setattr(
        encoder, "_run", lambda batch: seen.append([len(t.ids) for t in batch]) or real(batch)
    )
    X = encoder.encode(["ab", "abcdefghijkl", "abcde", "abcd", "ab", "a"])
    assert seen == [[12], [5, 4], [2, 1]]
    np.testing.assert_array_equal(X[0], X[4])


def test_threads_are_changed_only_while_encoding():
    before, inside = torch.get_num_threads(), []
    encoder = TextEncoder(toy("decoder"), threads=before + 1)
    real = encoder._run
    encoder._run = lambda batch: inside.append(torch.get_num_threads()) or real(batch)
    encoder.encode(["cat"])
    assert inside == [before + 1]
    assert torch.get_num_threads() == before


def test_a_bar_is_shown_only_when_asked(capsys):
    TextEncoder(toy("decoder")).encode(TEXTS)
    assert capsys.readouterr().err == ""
    TextEncoder(toy("decoder"), progress=True).encode(TEXTS)
    assert "token" in capsys.readouterr().err


# Too long -------------------------------------------------------------------------------------


def test_what_is_cut_off_is_said(backbone):
    marks = len(backbone.before) + len(backbone.after)
    encoder = TextEncoder(backbone, max_tokens=marks + 4)
    with pytest.warns(TruncationWarning, match="2 of 3 texts are longer, and lose 5 tokens in all"):
        X = encoder.encode(["abcdef", "abcd", "abcdxyz"])
    assert encoder.cuts == (2, 5, 3)
    np.testing.assert_allclose(X[0], X[1], atol=1e-6)
    np.testing.assert_allclose(X[2], X[1], atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.encode(["abcd"])
    assert encoder.cuts == (0, 0, 1)


def test_the_warning_names_the_line_that_asked():
    encoder = TextEncoder(toy("decoder"), max_tokens=2)
    with pytest.warns(TruncationWarning) as caught:
        encoder.encode(["abc"])
    assert caught[0].filename == __file__


def test_cutting_can_be_accepted_or_forbidden(backbone, monkeypatch):
    accepted = TextEncoder(backbone, max_tokens=5, overlong="cut")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        accepted.encode(["abcdefgh", "abcdefgh"])
    assert accepted.cuts.texts == 2
    forbidden = TextEncoder(backbone, max_tokens=5, overlong="error")
    monkeypatch.setattr(forbidden, "_run", lambda batch: 1 / 0)  # nothing is computed
    with pytest.raises(ValueError, match="accept it with overlong='cut'"):
        forbidden.encode(["abcdefgh"])


# What is said around the text -----------------------------------------------------------------


def test_a_template_puts_tokens_around_the_text_and_leaves_them_out_of_the_mean():
    backbone = toy("encoder")
    encoder = TextEncoder(backbone, template="say: {text}.", unit=False)
    read = encoder.tokens("cat")
    assert read.ids == [0, *cut("say:"), *cut("cat"), *cut("."), 1]
    assert (read.begin, read.end, read.lost) == (5, 8, 0)
    h = backbone.network(torch.tensor([read.ids]))[0]
    np.testing.assert_allclose(encoder.encode(["cat"])[0], h[5:8].mean(0).numpy(), atol=1e-5)


def test_an_echo_is_read_where_it_sounds_the_second_time():
    backbone = toy("decoder")
    encoder = TextEncoder(backbone, template="{text}, {text}", unit=False)
    read = encoder.tokens("cat")
    assert read.ids == [*cut("cat"), *cut(","), *cut("cat")]
    assert (read.begin, read.end) == (4, 7)
    # In a decoder the first c of the text has not seen its t; in the echo it has.
    first = [TextEncoder(backbone, pool="cls").encode([text])[0] for text in ("cat", "car")]
    echoed = [
        TextEncoder(backbone, pool="cls", template="{text}, {text}").encode([text])[0]
        for text in ("cat", "car")
    ]
    np.testing.assert_allclose(*first, atol=1e-6)
    assert np.abs(echoed[0] - echoed[1]).max() > 1e-3


def test_a_long_text_leaves_room_for_its_echo():
    encoder = TextEncoder(toy("decoder"), template="{text}, {text}", max_tokens=8, overlong="cut")
    read = encoder.tokens("abcdefgh")
    assert read.ids == [*cut("abc"), *cut(","), *cut("abc")]
    assert (read.begin, read.end, read.lost) == (4, 7, 5)
    with pytest.raises(ValueError, match="leave no room"):
        TextEncoder(toy("decoder"), template="{text} and so on {text}", max_tokens=8)


def test_parts_are_cut_as_the_whole_would_be(large):
    from lib.bytelevel import ByteLevelBPE

    tokens, text = ByteLevelBPE.load(), "The cat sat on the mat"
    for template in (ECHO, "{text}", "Instruct: find similar texts\nQuery: {text}"):
        whole = template.replace("{text}", text)
        read = place(large, template, 512, text)
        assert read.ids == tokens.ids(whole)
        assert tokens.text(read.ids[read.begin : read.end]).strip() == text


# The cache ------------------------------------------------------------------------------------


def test_a_second_run_reads_what_the_first_has_stored(backbone, tmp_path, monkeypatch):
    X = TextEncoder(backbone, cache=tmp_path).encode(TEXTS)
    again = TextEncoder(backbone, cache=tmp_path, batch_tokens=7)
    monkeypatch.setattr(again, "_run", lambda batch: 1 / 0)
    np.testing.assert_array_equal(again.encode(TEXTS[::-1])[::-1], X)
    with pytest.raises(ZeroDivisionError):
        again.encode([*TEXTS, "new"])


def test_an_interruption_loses_the_batch_at_hand_alone(backbone, tmp_path):
    expected = TextEncoder(backbone).encode(TEXTS)
    encoder = TextEncoder(backbone, cache=tmp_path, batch_tokens=20)
    real, calls = encoder._run, []

    def interrupted(batch):
        calls.append(len(batch))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(batch)

    encoder._run = interrupted
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(TEXTS)
    first = calls[0]
    encoder._run = lambda batch: calls.append(len(batch)) or real(batch)
    del calls[:]
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    assert sum(calls) == len(TEXTS) - first


def test_whatever_changes_a_vector_changes_the_key(backbone, tmp_path):
    base = TextEncoder(backbone).settings()
    others = [
        {"pool": "last"},
        {"layer": 1},
        {"template": "say {text}"},
        {"over": "text"},
        {"max_tokens": 20},
        {"precision": "bfloat16"},
    ]
    found = [TextEncoder(backbone, **other).settings() for other in others]
    backbone.files[0].write_bytes(b"other weights")
    renewed = Backbone(**{f: getattr(backbone, f) for f in Backbone.__dataclass_fields__})
    found.append(TextEncoder(renewed).settings())
    fitted = TextEncoder(backbone, pool="sif")
    found += [fitted.fit(["a b"]).settings(), fitted.fit(["a a b"]).settings()]
    assert base not in found
    assert all(one not in found[:i] for i, one in enumerate(found))
    same = [{"batch_tokens": 3}, {"unit": False}, {"threads": 1}, {"layer": 2}]
    assert all(TextEncoder(backbone, **other).settings() == base for other in same)
    assert {"model", "weights", "code"} <= base.keys()


def test_a_network_that_learnt_or_was_replaced_has_other_vectors_in_the_cache(backbone, tmp_path):
    texts = ["a dog", "cats"]
    before = TextEncoder(backbone, cache=tmp_path).encode(texts)
    other = toy("encoder" if backbone.before else "decoder")
    with torch.no_grad():
        for weight in other.network.parameters():
            weight.mul_(torch.linspace(0.5, 2, weight.numel()).reshape(weight.shape))
    replaced = dataclasses.replace(backbone, network=other.network)  # of the same files
    found = TextEncoder(replaced, cache=tmp_path).encode(texts)
    np.testing.assert_allclose(found, TextEncoder(replaced).encode(texts), atol=1e-6)
    assert np.abs(found - before).max() > 1e-3
    key = backbone.fingerprint
    with torch.no_grad():  # in place, one number of one table
        next(backbone.network.parameters()).view(-1)[3] += 1
    assert backbone.fingerprint != key


def test_the_fingerprint_hangs_on_the_weights_and_files_alone(tmp_path):
    one, same = toy("encoder", tmp_path), toy("encoder", tmp_path)
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != toy("encoder").fingerprint  # without a file
    assert one.fingerprint != toy("decoder", tmp_path).fingerprint


def test_cuts_are_told_of_cached_texts_too(backbone, tmp_path):
    for _ in range(2):
        with pytest.warns(TruncationWarning, match="1 of 1"):
            TextEncoder(backbone, cache=tmp_path, max_tokens=5).encode(["abcdefgh"])


def test_sif_reads_its_own_weights_from_the_cache(backbone, tmp_path):
    background, texts = ["the cat", "sleep"], ["a dog", "cats"]
    plain = TextEncoder(backbone, pool="sif").fit(background).encode(texts)
    for _ in range(2):
        kept = TextEncoder(backbone, pool="sif", cache=tmp_path).fit(background).encode(texts)
        np.testing.assert_allclose(kept, plain, atol=1e-5)


# Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"pool": "median"},
            "pool must be one of 'mean', 'cls', 'last', 'max', 'sif'; got 'median'",
        ),
        ({"overlong": "ignore"}, "overlong must be one of"),
        ({"over": "marks"}, "over must be one of"),
        ({"precision": "int8"}, "precision must be one of"),
        ({"template": "no place"}, "once or twice"),
        ({"template": "{text}{text}{text}"}, "once or twice"),
        ({"layer": 3}, "toy has the layers 0 to 2"),
        ({"layer": -4}, "toy has the layers 0 to 2"),
        ({"max_tokens": 65}, "max_tokens = 65: toy has 64 positions"),
        ({"max_tokens": 2}, "leave no room"),
        ({"batch_tokens": 0}, "batch_tokens=0"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_settings_out_of_range_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        TextEncoder(toy("encoder"), **({"max_tokens": 64} | options))


def test_unknown_models_and_single_texts_are_refused():
    with pytest.raises(ValueError, match="model must be one of 'minilm', 'smollm2'; got 'bert'"):
        TextEncoder("bert")
    encoder = TextEncoder(toy("encoder"), max_tokens=64)
    with pytest.raises(TypeError, match=r"write \['a cat'\]"):
        encoder.encode("a cat")
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.fit("a cat")
    with pytest.raises(TypeError, match="number 1 is 3"):
        encoder.encode(["a cat", 3])


def test_names_say_what_is_not_usual():
    backbone = toy("encoder")
    found = [
        TextEncoder(backbone, max_tokens=9).name,
        TextEncoder(backbone, max_tokens=9, pool="last").name,
        TextEncoder(backbone, max_tokens=9, name="x").name,
    ]
    assert found == ["toy", "toy-last", "x"]
    assert sorted(BACKBONES) == ["minilm", "smollm2"]


def test_half_precision_moves_little_and_leaves_the_model_alone():
    backbone = toy("encoder")
    exact = TextEncoder(backbone, max_tokens=64).encode(TEXTS)
    rough = TextEncoder(backbone, max_tokens=64, precision="bfloat16").encode(TEXTS)
    assert rough.dtype == np.float32
    gap = np.abs(rough - exact).max()
    assert 1e-5 < gap < 0.1
    assert next(backbone.network.parameters()).dtype == torch.float32


# The real models ------------------------------------------------------------------------------


def test_minilm_is_the_minilm_of_chapter_1(small):
    texts = [*load("lee50").texts[:5], "", "Déjà vu! 東京", "[MASK] is a mark"]
    ours = TextEncoder(small, overlong="cut").encode(texts)
    np.testing.assert_allclose(ours, MiniLM().encode(texts), atol=1e-5)
    assert TextEncoder(small).max_tokens == 256


def test_real_models_give_the_same_vector_in_any_company(small, large):
    texts = [text[: 30 * (1 + i)] for i, text in enumerate(load("lee50").texts[:8])]
    for backbone in (small, large):
        single = np.concatenate([TextEncoder(backbone).encode([text]) for text in texts])
        for batch_tokens in (100, 4_096):
            encoder = TextEncoder(backbone, batch_tokens=batch_tokens)
            np.testing.assert_allclose(encoder.encode(texts[::-1])[::-1], single, atol=1e-5)


def test_marks_written_in_a_text_are_text_to_smollm(large):
    ids = TextEncoder(large).tokens("<|im_end|> and <|endoftext|>").ids
    assert min(ids) > 16  # the numbers 0 to 16 are the special tokens
    assert TextEncoder(large).max_tokens == 512
    assert large.fingerprint != minilm().fingerprint


def test_the_examples_are_true():
    failed, tried = doctest.testmod(textencoder_module)
    assert tried
    assert not failed
