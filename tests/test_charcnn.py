"""Words by their letters: filters, highways, and nothing of the word beside."""

import doctest

import numpy as np
import pytest
import torch

from lib import charcnn
from lib.charcnn import SYMBOLS, TEXT_END, WORD_BEGIN, WORD_END, CharacterCNN, Highway, spell


def test_a_word_is_spelt_by_its_bytes_between_marks():
    letters = spell(["ab", "é", "abcdefghij"], 4)
    assert letters.tolist() == [
        [WORD_BEGIN, 98, 99, WORD_END, 0, 0],
        [WORD_BEGIN, 0xC3 + 1, 0xA9 + 1, WORD_END, 0, 0],
        [WORD_BEGIN, 98, 99, 100, 101, WORD_END],
    ]
    assert SYMBOLS == 1 + 256 + 4 == TEXT_END + 1


def test_a_word_without_letters_is_refused():
    with pytest.raises(ValueError, match="must have a letter"):
        spell(["a", ""], 4)


def test_a_filter_is_the_largest_dot_product_along_the_word():
    network = CharacterCNN(2, [(2, 1)], 0, 1)
    with torch.no_grad():
        network.letters.weight.zero_()
        network.letters.weight[98] = torch.tensor([1.0, 0.0])  # a
        network.letters.weight[99] = torch.tensor([0.0, 3.0])  # b
        network.filters[0].weight.copy_(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))  # a, then b
        network.filters[0].bias.fill_(0.5)
        network.projection.weight.fill_(2.0)
        network.projection.bias.zero_()
    found = network(torch.from_numpy(spell(["ab", "ba", "aab", "c", "a"], 9)))
    # "a then b" answers 1 + 3, "a" alone 1, "b" as the second alone 3, each and 0.5
    assert found[:, 0].tolist() == pytest.approx([9, 7, 9, 1, 3])


def test_filling_answers_to_no_filter():
    network = CharacterCNN(1, [(1, 1)], 0, 1)
    with torch.no_grad():
        network.letters.weight[1:] = 1.0
        network.filters[0].weight.fill_(-1.0)
        network.filters[0].bias.fill_(0.5)  # every letter answers -0.5, filling would 0.5
        network.projection.weight.fill_(1.0)
        network.projection.bias.zero_()
    assert network(torch.from_numpy(spell(["a", "abc"], 9)))[:, 0].tolist() == [0, 0]


def test_a_highway_by_hand():
    highway = Highway(1)
    assert highway.gate.bias.item() == -2
    with torch.no_grad():
        highway.change.weight.fill_(3.0)
        highway.change.bias.fill_(1.0)
        highway.gate.weight.fill_(0.0)
        highway.gate.bias.fill_(float(np.log(0.25 / 0.75)))  # a quarter open
    assert highway(torch.tensor([[2.0]])).item() == pytest.approx(0.25 * 7 + 0.75 * 2)
    assert highway(torch.tensor([[-2.0]])).item() == pytest.approx(0.75 * -2)


def test_a_word_has_the_same_vector_beside_any_other():
    network = CharacterCNN(5, [(1, 4), (2, 6), (3, 8)], 2, 8)
    alone = network(torch.from_numpy(spell(["cat"], 8)))
    beside = network(torch.from_numpy(spell(["cat", "abcdefgh", "a"], 8)))
    assert torch.allclose(alone[0], beside[0], atol=1e-6)
    assert not torch.allclose(beside[0], beside[1], atol=1e-3)


def test_the_parts_of_a_network_are_the_sizes_asked_for():
    network = CharacterCNN(5, [(1, 4), (3, 6)], 2, 8)
    shapes = [tuple(convolution.weight.shape) for convolution in network.filters]
    assert shapes == [(4, 5, 1), (6, 5, 3)]
    assert len(network.highways) == 2 and network.projection.weight.shape == (8, 10)
    assert not network.letters.weight[0].any()  # nothing is nothing


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(charcnn)
    assert (failed, tried > 0) == (0, True)
