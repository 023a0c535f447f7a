"""What lib.lora promises: nothing at first, by hand, merged, frozen, saved, refused."""

import copy
import doctest

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lib import lora
from lib.lora import Count, LowRank, adapt, adapters, count, load, merge, save
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

ENDINGS = ["attention.queries", "attention.values"]
IDS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 0]])


def encoder(seed=0):
    torch.manual_seed(seed)
    settings = EncoderSettings(vocabulary=9, places=8, d=6, layers=3, heads=2, hidden=8)
    return Encoder(settings).double().eval()


def stir(model, seed=1):
    """Give B, which starts at zero, some numbers."""
    generator = torch.Generator().manual_seed(seed)
    for layer in adapters(model).values():
        drawn = torch.randn(layer.B.shape, generator=generator, dtype=layer.B.dtype)
        layer.B.data.copy_(drawn)
    return model


def adapted(**settings):
    model = encoder()
    adapt(model, ENDINGS, **({"rank": 2} | settings))
    return stir(model)


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


# One layer ------------------------------------------------------------------------------------


def test_the_layer_by_hand():
    base = nn.Linear(3, 2)
    layer = LowRank(base, rank=1, alpha=3.0)
    with torch.no_grad():
        base.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
        base.bias.copy_(torch.tensor([10.0, 20.0]))
        layer.A.copy_(torch.tensor([[1.0, 0.0, 2.0]]))
        layer.B.copy_(torch.tensor([[1.0], [-1.0]]))
    # A x = 1 + 6 = 7; (alpha / r) B A x = (21, -21); W x + b = (11, 22).
    assert layer(torch.tensor([1.0, 2.0, 3.0])).tolist() == [32.0, 1.0]
    assert layer.change().tolist() == [[3.0, 0.0, 6.0], [-3.0, 0.0, -6.0]]
    assert layer.merged().weight.tolist() == [[4.0, 0.0, 6.0], [-3.0, 1.0, -6.0]]


def test_alpha_is_divided_by_the_rank():
    layer = LowRank(nn.Linear(4, 4), rank=2, alpha=6.0)
    nn.init.ones_(layer.A)
    nn.init.ones_(layer.B)
    assert layer.change().tolist() == [[2.0 * 3.0] * 4] * 4


def test_the_change_has_the_rank_it_was_given():
    layer = LowRank(nn.Linear(7, 5).double(), rank=3, alpha=1.0)
    nn.init.normal_(layer.B)
    assert torch.linalg.matrix_rank(layer.change()).item() == 3


def test_down_to_r_numbers_keeps_the_size_of_a_number():
    generator = torch.Generator().manual_seed(0)
    layer = LowRank(nn.Linear(500, 400), rank=200, alpha=1.0, generator=generator)
    x = torch.randn(300, 500, generator=generator)
    assert (x @ layer.A.t()).std().item() == pytest.approx(1.0, abs=0.02)


def test_a_layer_without_bias_stays_one():
    layer = LowRank(nn.Linear(3, 2, bias=False), rank=1, alpha=1.0)
    assert layer.merged().bias is None
    assert layer(torch.zeros(3)).tolist() == [0.0, 0.0]


# A model --------------------------------------------------------------------------------------


def test_an_adapted_model_answers_as_before_to_the_bit():
    model = encoder()
    before = model(IDS)
    adapt(model, [*ENDINGS, "network.up", "network.down"], rank=2)
    assert torch.equal(model(IDS), before)
    assert not torch.equal(stir(model)(IDS), before)


def test_endings_name_a_layer_in_every_block_and_a_whole_name_one():
    names = adapt(encoder(), ENDINGS, rank=1)
    assert names == [f"blocks.{i}.{ending}" for i in range(3) for ending in ENDINGS]
    assert adapt(encoder(), ["blocks.2.network.up"], rank=1) == ["blocks.2.network.up"]
    decoder = Decoder(DecoderSettings(9, 8, d=6, layers=2, heads=3, kv_heads=1, hidden=8))
    adapt(decoder, ["keys"], rank=2)  # of 6 to 2 numbers: no square
    assert adapters(decoder)["blocks.1.attention.keys"].B.shape == (2, 2)
    assert decoder(IDS).shape == (2, 4, 6)


def test_only_a_and_b_learn():
    model = adapted()
    before = weights(model)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    adam = torch.optim.Adam(learning, lr=0.01)
    model(IDS).square().sum().backward()
    with_gradient = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert with_gradient == {f"{name}.{part}" for name in adapters(model) for part in "AB"}
    adam.step()
    moved = {name for name, weight in model.state_dict().items() if not weight.equal(before[name])}
    assert moved == with_gradient


def test_at_the_start_only_b_feels_the_loss():
    model = encoder()
    adapt(model, ENDINGS, rank=2)
    model(IDS)[:, 0, 0].sum().backward()
    for layer in adapters(model).values():
        assert layer.A.grad.abs().max() == 0
        assert layer.B.grad.abs().max() > 0


def test_numbers_are_counted():
    model = encoder()
    total = sum(weight.numel() for weight in model.parameters())
    assert count(model) == Count(total, 0)
    adapt(model, ENDINGS, rank=2)
    assert count(model) == Count(3 * 2 * 2 * (6 + 6), total)


def test_merged_is_the_same_model_in_the_old_form():
    model, plain = adapted(), encoder()
    before, names = model(IDS), list(weights(plain))
    assert merge(model) == [f"blocks.{i}.{ending}" for i in range(3) for ending in ENDINGS]
    torch.testing.assert_close(model(IDS), before, rtol=1e-12, atol=1e-12)
    assert list(weights(model)) == names and not adapters(model)
    assert not (model(IDS) - plain(IDS)).abs().max() < 1e-3
    adapt(model, ENDINGS, rank=1)  # there is room for the next one


def test_merging_leaves_weights_that_another_model_shares():
    layer = nn.Linear(4, 3)
    before = layer.weight.detach().clone()
    model = nn.Sequential(layer)
    adapt(model, ["0"], rank=1)
    merge(stir(model))
    assert torch.equal(layer.weight, before) and not torch.equal(model[0].weight, before)


def test_the_seed_decides_a():
    drawn = []
    for seed in (0, 0, 1):
        model = encoder()
        adapt(model, ENDINGS, rank=2, seed=seed)
        drawn.append(torch.cat([layer.A.flatten() for layer in adapters(model).values()]))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert drawn[0].unique().numel() == drawn[0].numel()  # no layer has the matrix of another


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "settings", "words"),
    [
        (["attention.query"], {}, "no linear layer is called 'attention.query'; there are blocks"),
        (["words"], {}, "no linear layer is called 'words'"),
        (["ueries"], {}, "no linear layer is called 'ueries'"),
        (ENDINGS, {"rank": 7}, "rank = 7: a map of 6 to 6 numbers takes 1 to 6"),
        (ENDINGS, {"rank": 0}, "rank = 0"),
        (ENDINGS, {"rank": 1, "alpha": 0.0}, "alpha = 0.0: it must be positive"),
    ],
)
def test_what_cannot_be_adapted_is_refused_and_leaves_the_model(layers, settings, words):
    model = encoder()
    with pytest.raises(ValueError, match=words):
        adapt(model, layers, **settings)
    assert not adapters(model) and count(model).frozen == 0


def test_one_name_alone_is_refused():
    with pytest.raises(TypeError, match=r"write \['queries'\]"):
        adapt(encoder(), "queries")


def test_two_adapters_on_a_model_are_refused():
    with pytest.raises(ValueError, match=r"blocks.0.attention.queries has an adapter already"):
        adapt(adapted(), ["network.up"])


@pytest.mark.parametrize("work", [merge, lambda model: save(model, None)])
def test_a_model_without_adapters_has_nothing_to_merge_or_save(work):
    with pytest.raises(ValueError, match="there is no adapter to"):
        work(encoder())


# Files ----------------------------------------------------------------------------------------


def test_saved_and_loaded_is_equal_to_the_bit(tmp_path):
    model, other = adapted(alpha=5.0), encoder()
    path = tmp_path / "new" / "adapters.safetensors"
    save(model, path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_size < 12_000  # the adapters alone
    assert load(other, path) == list(adapters(model))
    assert torch.equal(other(IDS), model(IDS))
    assert count(other) == count(model)
    layer = adapters(other)["blocks.0.attention.queries"]
    assert (layer.rank, layer.alpha) == (2, 5.0)


def test_a_file_for_another_model_is_refused_and_leaves_the_model(tmp_path):
    path = tmp_path / "a.safetensors"
    save(adapted(), path)
    small = Encoder(EncoderSettings(9, 8, d=4, layers=3, heads=2, hidden=8))
    with pytest.raises(ValueError, match=r"blocks.0.attention.queries maps 4 to 4 numbers"):
        load(small, path)
    short = Encoder(EncoderSettings(9, 8, d=6, layers=2, heads=2, hidden=8))
    with pytest.raises(ValueError, match=r"an adapter for blocks\.2"):
        load(short, path)
    assert not adapters(small) and count(short).frozen == 0
    with pytest.raises(ValueError, match="has an adapter already"):
        load(adapted(), path)


def test_a_damaged_or_foreign_file_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError):
        load(encoder(), path)
    save(adapted(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"a.safetensors is damaged, or holds no adapters"):
        load(encoder(), path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="is damaged, or holds no adapters"):
        load(encoder(), path)


def test_a_copy_learns_alone():
    model = adapted()
    other = copy.deepcopy(model)
    stir(other, seed=2)
    assert not torch.equal(model(IDS), other(IDS))
    assert torch.equal(model(IDS), adapted()(IDS))


def test_the_examples_are_true():
    assert doctest.testmod(lora).failed == 0
