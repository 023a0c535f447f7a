"""What lib.transformer promises, on small models drawn at random; real ones: test_pretrained."""

import doctest

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformer_reference import honest_rms_norm, library_decoder_of, library_states

from lib import transformer as transformer_module
from lib.attention import FUSED, WRITTEN_OUT, positions_of, rotary
from lib.transformer import (
    Decoder,
    DecoderBlock,
    DecoderSettings,
    Encoder,
    EncoderBlock,
    EncoderSettings,
    FeedForward,
    SwiGLU,
)

READS = EncoderSettings(vocabulary=20, places=9, d=12, layers=3, heads=3, hidden=10)
READS_ON = DecoderSettings(20, 9, d=12, layers=3, heads=3, kv_heads=1, hidden=10, base=100.0)


def drawn(model: nn.Module) -> nn.Module:
    """Fill a model with numbers at random, those of the norms near 1."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        weight.data = 1 + 0.1 * noise if "norm.weight" in name else 0.5 * noise
    return model.double().eval().requires_grad_(False)


@pytest.fixture(scope="module", params=["encoder", "decoder"])
def model(request):
    return drawn(Encoder(READS) if request.param == "encoder" else Decoder(READS_ON))


IDS = torch.tensor([[3, 7, 1, 4, 0, 0], [5, 5, 2, 9, 8, 6]])
REAL = torch.tensor([[True] * 4 + [False] * 2, [True] * 6])


def test_networks_by_hand():
    feed, gated = FeedForward(1, 2), SwiGLU(1, 2)
    with torch.no_grad():
        feed.up.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        feed.up.bias.copy_(torch.tensor([0.0, 1.0]))
        feed.down.weight.copy_(torch.tensor([[2.0, 10.0]]))
        feed.down.bias.fill_(5.0)
        gated.gate.weight.copy_(torch.tensor([[1.0], [0.0]]))
        gated.up.weight.copy_(torch.tensor([[3.0], [1.0]]))
        gated.down.weight.copy_(torch.tensor([[1.0, 1.0]]))
        # gelu(1) = 0.8413 and gelu(0) = 0; silu(1) * 3, and a closed gate.
        assert feed(torch.tensor([[1.0]])).item() == pytest.approx(2 * 0.8413447 + 5)
        assert gated(torch.tensor([[1.0]])).item() == pytest.approx(3 * 0.7310586)


def test_an_encoder_block_is_pytorchs():
    block = drawn(EncoderBlock(READS))
    theirs = nn.TransformerEncoderLayer(
        12, 3, 10, 0.0, "gelu", READS.eps, batch_first=True, norm_first=False
    ).double()
    a, n = block.attention, block.network
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat(
                [p.weight for p in (a.queries, a.keys, a.values)]
            ),
            "self_attn.in_proj_bias": torch.cat([p.bias for p in (a.queries, a.keys, a.values)]),
            "self_attn.out_proj.weight": a.output.weight,
            "self_attn.out_proj.bias": a.output.bias,
            "linear1.weight": n.up.weight,
            "linear1.bias": n.up.bias,
            "linear2.weight": n.down.weight,
            "linear2.bias": n.down.bias,
            "norm1.weight": block.attention_norm.weight,
            "norm1.bias": block.attention_norm.bias,
            "norm2.weight": block.network_norm.weight,
            "norm2.bias": block.network_norm.bias,
        }
    )
    x = torch.randn(2, 5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(block(x), theirs(x), rtol=1e-10, atol=1e-10)


def test_a_decoder_block_with_nothing_to_add_passes_the_state_on():
    block = DecoderBlock(READS_ON)
    with torch.no_grad():
        block.attention.output.weight.zero_()
        block.network.down.weight.zero_()
    x = torch.randn(1, 4, 12)
    assert torch.equal(block(x), x)
    # An encoder's norm stands behind the sum, so it does not.
    assert (EncoderBlock(READS)(x) - x).abs().max() > 0.1


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_no_state(model, side):
    alone = model.states(IDS[:1, :4])
    ids, real = IDS.clone(), REAL.clone()
    if side == "left":
        ids[0], real[0] = ids[0].roll(2), real[0].roll(2)
    ids[~real] = 13  # whatever stands there
    padded = model.states(ids, real)[:, 0, real[0]]
    torch.testing.assert_close(padded, alone[:, 0], rtol=1e-10, atol=1e-10)
    together = model.states(ids, real)[:, 1]
    torch.testing.assert_close(together, model.states(IDS[1:])[:, 0], rtol=1e-10, atol=1e-10)
    assert model.states(ids, real).isfinite().all()


def test_fused_and_written_out_models_differ_by_rounding_alone(model):
    other = type(model)(model.settings, WRITTEN_OUT).double()
    other.load_state_dict(model.state_dict())
    ids, real = IDS.flip(1), REAL.flip(1)
    for given in ((IDS, None), (IDS, REAL), (ids, real)):
        torch.testing.assert_close(
            other.states(*given), model.states(*given), rtol=1e-10, atol=1e-10
        )
    assert type(model)(model.settings).blocks[0].attention.kernels is FUSED


def test_a_layer_is_one_of_the_states_and_forward_the_last(model):
    states = model.states(IDS, REAL)
    assert states.shape == (4, 2, 6, 12)
    for number in (0, 1, 2, 3, -1, -4):
        assert torch.equal(model.layer(number, IDS, REAL), states[number])
    assert torch.equal(model(IDS, REAL), states[-1])
    for number in (4, -5):
        with pytest.raises(IndexError, match="has the layers 0 to 3"):
            model.layer(number, IDS)


def test_an_encoder_sees_the_whole_text_and_a_decoder_only_the_past():
    changed = IDS[1:].clone()
    changed[0, -1] = 11
    moved = [
        (model(IDS[1:]) - model(changed))[0].abs().amax(dim=1)
        for model in (drawn(Encoder(READS)), drawn(Decoder(READS_ON)))
    ]
    assert (moved[0] > 1e-3).all()
    assert moved[1][:-1].tolist() == [0] * 5
    assert moved[1][-1] > 1e-3


def test_word_place_and_the_first_segment_go_into_an_encoder():
    model = drawn(Encoder(READS))
    summed = model.words.weight[IDS[1]] + model.places.weight[:6] + model.segments.weight[0]
    norm = model.norm
    expected = F.layer_norm(summed, (12,), norm.weight, norm.bias, READS.eps)
    torch.testing.assert_close(model.layer(0, IDS[1:])[0], expected)


def test_an_encoder_knows_order_by_learned_positions_alone():
    model = drawn(Encoder(READS))
    with torch.no_grad():
        model.places.weight.zero_()
    x = model(IDS[1:])
    turned = model(IDS[1:].flip(1)).flip(1)
    torch.testing.assert_close(turned, x)
    assert (drawn(Encoder(READS))(IDS[1:].flip(1)).flip(1) - x).abs().max() > 0.1


def test_a_decoder_knows_distances_and_not_places():
    block = drawn(DecoderBlock(READS_ON))
    x = torch.randn(1, 6, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def at(positions):
        cos, sin = rotary(positions, 4, READS_ON.base)
        return block(x, None, (cos, sin))

    here = at(torch.arange(6))
    torch.testing.assert_close(at(torch.arange(6) + 40), here, rtol=0, atol=1e-4)
    assert (at(torch.arange(6) * 2) - here).abs().max() > 0.01
    assert (at(torch.zeros(6)) - here).abs().max() > 0.01


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_small_decoder_is_the_librarys(side, monkeypatch):
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    monkeypatch.setattr(LlamaRMSNorm, "forward", honest_rms_norm)
    model = drawn(Decoder(READS_ON))
    theirs = library_decoder_of(READS_ON, model.state_dict(), READS_ON.layers).double()
    ids, real = (IDS.flip(1), REAL.flip(1)) if side == "left" else (IDS, REAL)
    expected = library_states(theirs, ids, real, positions_of(real))
    torch.testing.assert_close(
        model.states(ids, real)[:, real], expected[:, real], rtol=0, atol=1e-10
    )


def test_attentions_are_the_weights_of_every_layer(model):
    ids, real = IDS.flip(1), REAL.flip(1)
    weights = model.attentions(ids, real)
    assert weights.shape == (3, 2, 3, 6, 6)
    ones = torch.ones(weights.shape[:-1], dtype=torch.float64)
    torch.testing.assert_close(weights.sum(-1), ones)
    assert (weights[:, 0, :, 2:, :2] == 0).all()  # padding is not looked at
    if isinstance(model, Decoder):
        assert (weights.triu(1) == 0).all()
    # The first block, by its own parts.
    block, x = model.blocks[0], model.layer(0, ids, real)
    allowed, turn = model._surroundings(ids, real)
    if isinstance(model, Decoder):
        x = block.attention_norm(x)
    torch.testing.assert_close(weights[0], block.attention.weights(x, allowed, turn))


def test_the_next_token_is_scored_by_the_rows_of_the_table():
    model = drawn(Decoder(READS_ON))
    states = model(IDS[1:])
    assert model.logits(states).shape == (1, 6, 20)
    by_hand = (states[0, 2] * model.words.weight[7]).sum()
    assert model.logits(states)[0, 2, 7].item() == pytest.approx(by_hand.item())
    found = model.log_probabilities([5, 5, 2])
    shares = F.softmax(model.logits(model(torch.tensor([[5, 5, 2]]))), dim=-1)[0]
    assert found.exp().tolist() == pytest.approx([shares[0, 5].item(), shares[1, 2].item()])
    assert model.log_probabilities([5]).tolist() == []  # nothing stands before it


def test_texts_too_long_and_tokens_unknown_are_refused(model):
    with pytest.raises(ValueError, match="a text of 10 tokens, and the model has 9 positions"):
        model(torch.zeros(1, 10, dtype=torch.long))
    padded = torch.tensor([[True] * 9 + [False] * 3])
    assert model(torch.zeros(1, 12, dtype=torch.long), padded).shape == (1, 12, 12)
    for token in (20, -1):
        with pytest.raises(IndexError, match="the vocabulary has 0 to 19"):
            model(torch.tensor([[3, token]]))
    with pytest.raises(ValueError, match=r"shape \(1, 2\), real \(1, 3\)"):
        model(torch.tensor([[1, 2]]), torch.tensor([[True] * 3]))
    with pytest.raises(ValueError, match=r"shape \(2,\); one row a text"):
        model(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"real holds torch.int64, not true and false"):
        model(torch.tensor([[1, 2]]), torch.tensor([[1, 0]]))


def test_sizes_are_those_of_the_published_models_by_default():
    with torch.device("meta"):
        sizes = [
            sum(weight.numel() for weight in model.parameters())
            for model in (Encoder(EncoderSettings()), Decoder(DecoderSettings()))
        ]
    assert sizes == [22_565_376, 134_515_008]


def test_the_examples_are_true():
    failed, tried = doctest.testmod(transformer_module)
    assert tried
    assert not failed
