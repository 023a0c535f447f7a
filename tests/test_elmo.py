"""A small bidirectional language model: what each state may see, what is shared, what is mixed."""

import doctest
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lib import elmo
from lib.charcnn import SYMBOLS, TEXT_BEGIN, TEXT_END, spell
from lib.corpus import Corpus
from lib.elmo import (
    BiLM,
    Layers,
    ScalarMix,
    Settings,
    load,
    read_recipe,
    save,
)
from lib.languagemodel import UNKNOWN, limit_vocabulary
from lib.trainer import Trainer, Training

FILTERS = ((1, 4), (2, 6), (3, 8))
SMALL = {"longest": 8, "letters": 5, "filters": FILTERS, "d": 8, "cells": 12, "shrink": 2}

SENTENCES = (
    "the cat sat on the mat",
    "a dog barked at the cat",
    "the river runs to the sea",
    "she went to the bank",
    "money lies in the bank",
    "rain fell on the town",
    "he read a book",
    "the book was read by him",
    "birds sing in the morning",
    "nobody came",
)
CORPUS = Corpus.from_documents([sentence.split() for sentence in SENTENCES])
TEXT = limit_vocabulary(CORPUS, 20)


def rng(seed=0):
    return np.random.default_rng(seed)


def bilm(seed=0, **changed):
    settings = Settings(vocabulary=20, **(SMALL | {"cutoffs": (8,)} | changed))
    return BiLM(TEXT.vocabulary.words, settings, rng(seed))


FORMS = {
    "projected": {},
    "not projected": {"cells": 8},
    "plain softmax": {"cutoffs": ()},
    "one layer": {"layers": 1},
    "no highway": {"highways": 0},
}
every_form = pytest.mark.parametrize("form", FORMS)


def layers(model, sentence):
    return model.layers([sentence.split()])[0]


# Words


def test_words_are_told_apart_by_the_order_of_their_letters():
    x = bilm().layers([["tac", "cat", "cats"]])[0].x
    assert np.abs(x[1] - x[2]).max() > 1e-3 and np.abs(x[2] - x[3]).max() > 1e-3


# What a state has seen


def changed_at(sentence, place, word="zebra"):
    words = sentence.split()
    words[place] = word
    return " ".join(words)


@every_form
def test_a_forward_state_has_seen_nothing_that_comes_later(form):
    model, sentence = bilm(**FORMS[form]), "the cat sat on the mat"
    a, b = layers(model, sentence), layers(model, changed_at(sentence, 3, "oh"))  # one letter
    np.testing.assert_allclose(a.forward[:, :4], b.forward[:, :4], atol=1e-6)
    assert (np.abs(a.forward[:, 4:] - b.forward[:, 4:]).max(axis=2) > 1e-6).all()


@every_form
def test_a_backward_state_has_seen_nothing_that_came_before(form):
    model, sentence = bilm(**FORMS[form]), "the cat sat on the mat"
    a, b = layers(model, sentence), layers(model, changed_at(sentence, 3, "oh"))
    np.testing.assert_allclose(a.backward[:, 5:], b.backward[:, 5:], atol=1e-6)
    assert (np.abs(a.backward[:, :5] - b.backward[:, :5]).max(axis=2) > 1e-6).all()


@every_form
def test_what_surrounds_a_word_does_not_know_it(form):
    model, sentence = bilm(**FORMS[form]), "she went to the bank of the river"
    a, b = layers(model, sentence), layers(model, changed_at(sentence, 4))
    np.testing.assert_allclose(a.around()[:, 4], b.around()[:, 4], atol=1e-6)
    for other in (3, 5):
        assert np.abs(a.around()[:, other] - b.around()[:, other]).max() > 1e-5
    assert np.abs(a.of_words()[:, 4] - b.of_words()[:, 4]).max() > 1e-5


def test_the_context_changes_all_layers_of_a_word_but_the_lowest():
    a, b = layers(bilm(), "the bank lends money"), layers(bilm(), "the bank of a river")
    np.testing.assert_allclose(a.of_words()[0, 1], b.of_words()[0, 1], atol=1e-6)
    assert (np.abs(a.of_words()[1:, 1] - b.of_words()[1:, 1]).max(axis=1) > 1e-5).all()


def test_the_layers_are_arranged_as_in_the_paper():
    x = np.arange(4 * 2).reshape(4, 2)  # two words between marks
    forward, backward = 100 + np.arange(16).reshape(2, 4, 2), 200 + np.arange(16).reshape(2, 4, 2)
    one = Layers(x, forward, backward)
    assert one.of_words().shape == (3, 2, 4) and one.around().shape == (2, 2, 4)
    assert one.of_words()[0].tolist() == [[2, 3, 2, 3], [4, 5, 4, 5]]
    assert one.of_words()[1].tolist() == [[102, 103, 202, 203], [104, 105, 204, 205]]
    assert one.around()[0].tolist() == [[100, 101, 204, 205], [102, 103, 206, 207]]


@every_form
def test_a_word_is_predicted_from_the_states_around_it(form):
    model = bilm(**FORMS[form])
    sentence = "the cat sat"
    one = layers(model, sentence)
    d = model.settings.d
    ahead, back = one.around()[-1][:, :d], one.around()[-1][:, d:]
    words = torch.tensor([model.words.index(word) if word in model.words else 0
                          for word in sentence.split()])  # fmt: skip
    for states, logs in zip(
        (ahead, back), model.log_likelihoods(model.batch_of_words([sentence.split()])), strict=True
    ):
        expected = model.output(torch.from_numpy(states.copy()), words)
        assert torch.allclose(expected, logs, atol=1e-5)


def test_the_backward_model_is_the_forward_model_of_the_turned_text():
    model, other = bilm(), bilm()
    other.ahead.load_state_dict(model.back.state_dict())
    # The marks stand at the other ends of a turned text, so they must be spelt alike.
    with torch.no_grad():
        for one in (model, other):
            one.tokens.letters.weight[TEXT_BEGIN] = one.tokens.letters.weight[TEXT_END]
    a, b = layers(model, "the cat sat"), layers(other, "sat cat the")
    np.testing.assert_allclose(a.backward, b.forward[:, ::-1], atol=1e-6)


def test_what_goes_into_the_second_layer_is_added_to_what_comes_out():
    model = bilm()
    with torch.no_grad():
        for stack in (model.ahead, model.back):
            stack[1].projection.weight.zero_()  # it says nothing
    one = layers(model, "the cat sat")
    np.testing.assert_array_equal(one.forward[1], one.forward[0])
    np.testing.assert_array_equal(one.backward[1], one.backward[0])
    assert np.abs(one.forward[0] - one.x).max() > 1e-3  # but not into the first


# What is shared


def count(module):
    return sum(part.numel() for part in module.parameters())


def test_shared_weights_are_counted_once():
    model = bilm()
    V, d, cells, n = 20, 8, 12, 4 + 6 + 8
    letters = SYMBOLS * 5 + sum(m * (5 * width + 1) for width, m in FILTERS)
    letters += 2 * 2 * (n * n + n) + n * d + d
    lstm = 4 * cells * (d + 1) + 4 * cells * d + cells * d
    softmax = (8 + 1) * (d + 1) + d * 4 + 4 * (V - 8)
    assert count(model.tokens) == letters
    assert count(model.ahead) == count(model.back) == 2 * lstm
    assert count(model) == letters + 4 * lstm + softmax


def test_the_directions_share_letters_and_softmax_and_not_the_lstms():
    model = bilm()
    batch = model.batch(CORPUS, [0, 1])
    gradients = []
    for direction in range(2):
        model.zero_grad()
        model.log_likelihoods(batch)[direction].sum().backward()
        gradients.append(
            {
                name: module.parameters().__next__().grad is not None
                and any(part.grad.abs().max() > 0 for part in module.parameters())
                for name, module in model.named_children()
            }
        )
    assert gradients[0] == {"tokens": True, "ahead": True, "back": False, "output": True}
    assert gradients[1] == {"tokens": True, "ahead": False, "back": True, "output": True}


def test_the_directions_do_not_begin_alike():
    model = bilm()
    assert not torch.equal(model.ahead[0].inner.weight, model.back[0].inner.weight)


# The loss


@every_form
def test_an_untrained_model_is_about_as_good_as_guessing(form):
    model = bilm(**FORMS[form])
    assert model.loss(model.batch(CORPUS, range(10))).item() == pytest.approx(np.log(20), abs=0.3)


def test_the_loss_is_the_mean_over_words_and_directions():
    model = bilm()
    both = model.both_log_probabilities(CORPUS)
    assert both.shape == (2, CORPUS.tokens)
    loss = model.loss(model.batch(CORPUS, range(10)))
    assert loss.item() == pytest.approx(-both.mean(), abs=1e-5)
    np.testing.assert_array_equal(both[0], model.log_probabilities(CORPUS))
    np.testing.assert_array_equal(both[1], model.log_probabilities(CORPUS, "backward"))


@pytest.mark.parametrize("changed", [{}, {"cells": 16, "cutoffs": ()}])
def test_ten_sentences_can_be_learnt_by_heart(changed):
    text = limit_vocabulary(CORPUS, len(CORPUS.vocabulary) + 1)
    sizes = SMALL | {"d": 16, "cells": 32, "cutoffs": (12,)} | changed
    model = BiLM(text.vocabulary.words, Settings(vocabulary=len(text.vocabulary), **sizes), rng())
    Trainer(model, CORPUS, Training(epochs=250, batch=10, rate=0.02, warmup=10)).train()
    # Which of the ten it is can only be guessed, once for each: log 10. All else can be known.
    floor = 10 * np.log(10) / CORPUS.tokens
    for logs in model.both_log_probabilities(CORPUS):
        assert floor - 1e-4 < -logs.mean() < floor + 0.05


def test_the_next_word_is_as_likely_as_in_a_text():
    model = bilm()
    logs = model.log_probabilities(CORPUS)
    document = TEXT.document(3).tolist()
    known = [word for word in document if word]
    assert known[0] and np.exp(model.next([])).sum() == pytest.approx(1, abs=1e-5)
    first = TEXT.starts[3]
    assert model.next([])[document[0]] == pytest.approx(logs[first], abs=1e-5)


def test_a_forward_sample_continues_its_context():
    model = bilm()
    batch = model.batch_of_words([[model.words[1], model.words[2], model.words[3]]])
    expected = model.log_likelihoods(batch)[0].detach().numpy()
    found = [model.next([1, 2][:k])[[1, 2, 3][k]] for k in range(3)]
    assert found == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_word_is_guessed_from_both_sides_without_being_seen():
    model, text = bilm(), ["she", "went", "to", "the", "bank"]
    both = [logs.detach().numpy() for logs in model.log_likelihoods(model.batch_of_words([text]))]
    for place, word in enumerate(text):
        guesses = model.guesses(text, place)
        assert np.exp(guesses).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
        number = model.words.index(word) if word in model.words else 0
        assert guesses[:, number] == pytest.approx([logs[place] for logs in both], abs=1e-5)
        other = [*text[:place], "zebra", *text[place + 1 :]]
        np.testing.assert_allclose(guesses, model.guesses(other, place), atol=1e-6)
    with pytest.raises(IndexError, match="places 0 to 4"):
        model.guesses(text, 5)


# Batches


@every_form
def test_neither_batch_nor_filling_changes_a_probability(form):
    model = bilm(**FORMS[form])
    together, alone = (model.both_log_probabilities(CORPUS, size=size) for size in (10, 1))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_neither_batch_nor_filling_changes_a_vector():
    model = bilm()
    texts = [sentence.split() for sentence in SENTENCES]
    for one, text in zip(model.layers(texts, size=4), texts, strict=True):
        alone = model.layers([text])[0]
        assert one.x.shape == (len(text) + 2, 8)
        for name in ("x", "forward", "backward"):
            np.testing.assert_allclose(getattr(one, name), getattr(alone, name), atol=1e-6)


def test_words_and_numbers_make_the_same_batch():
    model = bilm()
    texts = [CORPUS.vocabulary.decode(document) for document in CORPUS.documents()]
    a, b = model.batch(CORPUS, range(10)), model.batch_of_words(texts)
    assert torch.equal(a.targets * a.real, b.targets) and torch.equal(a.lengths, b.lengths)
    for one, logs in zip(model.log_likelihoods(a), model.log_likelihoods(b), strict=True):
        assert torch.allclose(one, logs, atol=1e-6)


def test_a_rare_word_is_read_by_its_letters_and_predicted_as_unknown():
    model = bilm()
    rare = CORPUS.vocabulary.words[-1]
    batch = model.batch_of_words([["the", rare]])
    assert batch.targets.tolist() == [[model.words.index("the"), 0]]
    assert spell([rare], 8)[0].tolist() in [
        row.tolist()[: len(rare) + 2] for row in batch.spellings
    ]


def test_an_empty_text_has_marks_alone():
    one = bilm().layers([[], ["cat"]])[0]
    assert one.x.shape == (2, 8) and one.of_words().shape == (3, 0, 16)


def test_a_string_is_no_list_of_words():
    with pytest.raises(ValueError, match="a text is a list of words"):
        bilm().layers(["the bank"])
    with pytest.raises(ValueError, match="a text is a list of words"):
        bilm().guesses("the bank", 1)


def test_a_word_without_letters_is_refused():
    with pytest.raises(ValueError, match="must have a letter"):
        bilm().layers([["the", ""]])


def test_no_place_of_an_empty_text_can_be_guessed():
    with pytest.raises(IndexError, match="place 0"):
        bilm().guesses([], 0)


def test_a_third_direction_is_refused():
    with pytest.raises(ValueError, match="'forward' or 'backward'"):
        bilm().log_probabilities(CORPUS, "sideways")


def test_a_corpus_of_other_words_is_refused():
    with pytest.raises(ValueError, match="0 words"):
        BiLM([], Settings(vocabulary=20, **SMALL, cutoffs=()), rng())
    with pytest.raises(ValueError, match="are not those of the model"):
        bilm().batch(Corpus.from_documents([["x", "y"]]), [0])
    with pytest.raises(ValueError, match="as many, the first"):
        BiLM(CORPUS.vocabulary.words[:20], Settings(vocabulary=20, **SMALL, cutoffs=()), rng())


# The mix


def test_a_mix_by_hand():
    mix = ScalarMix(3)
    h = torch.tensor([[[1.0, 0.0]], [[0.0, 2.0]], [[4.0, 4.0]]])  # three layers, one word
    assert mix(h).tolist()[0] == pytest.approx([5 / 3, 2])
    with torch.no_grad():
        mix.weights.copy_(torch.log(torch.tensor([1.0, 2.0, 5.0])))  # s = 1/8, 2/8, 5/8
        mix.gamma.fill_(4.0)
    assert mix(h).tolist()[0] == pytest.approx([4 * (1 / 8 + 20 / 8), 4 * (4 / 8 + 20 / 8)])
    assert mix.shares().tolist() == pytest.approx([0.125, 0.25, 0.625])


def test_a_normalised_mix_weighs_layers_of_any_size_alike():
    h = torch.tensor([[[1.0, 3.0], [9.0, 5.0]], [[-500.0, -100.0], [800.0, 200.0]]])
    mixed = ScalarMix(2, normalise=True)(h)  # two words: each is normalised by itself
    assert mixed[0].tolist() == pytest.approx([-1, 1], abs=1e-4)
    assert mixed[1].tolist() == pytest.approx([1, -1], abs=1e-4)
    assert ScalarMix(2)(h)[0].tolist() == pytest.approx([-249.5, -48.5])


def test_a_mix_learns_which_layer_it_needs():
    h = torch.from_numpy(rng().standard_normal((3, 50, 4)).astype(np.float32))
    mix = ScalarMix(3)
    adam = torch.optim.Adam(mix.parameters(), lr=0.1)
    for _ in range(300):
        adam.zero_grad()
        ((mix(h) - 2 * h[1]) ** 2).mean().backward()
        adam.step()
    assert mix.shares()[1].item() > 0.95 and mix.gamma.item() == pytest.approx(2, abs=0.1)


def test_a_mix_of_the_wrong_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="3 layers, but 2 weights"):
        ScalarMix(2)(torch.zeros(3, 1, 4))


# On disk


@every_form
def test_a_model_comes_back_as_it_was_saved(form, tmp_path):
    model, path = bilm(3, **FORMS[form]), tmp_path / "deep" / "model.safetensors"
    save(model, path, {"seed": 3, "rate": 0.01})
    again = load(path)
    assert again.settings == model.settings and again.words == model.words
    np.testing.assert_array_equal(
        again.both_log_probabilities(CORPUS), model.both_log_probabilities(CORPUS)
    )
    assert read_recipe(path) == {"seed": 3, "rate": 0.01}


def test_saving_twice_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(bilm(3), tmp_path / name, {"seed": 3})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model"):
        load(tmp_path / "model.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="no bidirectional language model"):
        load(tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"a text of some length, and no model at all"])
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    (tmp_path / "model").write_bytes(content)
    for use in (load, read_recipe):
        with pytest.raises(ValueError, match="damaged, or no file of safetensors"):
            use(tmp_path / "model")


def test_half_a_file_is_refused(tmp_path):
    save(bilm(), tmp_path / "model", {})
    content = (tmp_path / "model").read_bytes()
    (tmp_path / "model").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged, or no file of safetensors"):
        load(tmp_path / "model")


def test_a_file_holds_plain_weights(tmp_path):
    save(bilm(), tmp_path / "model", {})
    content = load_file(tmp_path / "model")
    words = content.pop("words").numpy().tobytes().decode("utf-8").split("\n")
    assert words[0] == UNKNOWN and len(words) == 20
    assert sum(part.numel() for part in content.values()) == count(bilm())
    header = (tmp_path / "model").read_bytes()[8:]
    length = int.from_bytes((tmp_path / "model").read_bytes()[:8], "little")
    about = json.loads(json.loads(header[:length])["__metadata__"]["about"])
    assert about["settings"]["cells"] == 12


# Sizes


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cells": 4}, "4 cells cannot be projected to 8"),
        ({"layers": 0}, "layers must be 1"),
        ({"filters": ()}, "pairs of a width"),
        ({"filters": ((0, 3),)}, "pairs of a width"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        Settings(**(SMALL | changed))


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(elmo)
    assert (failed, tried > 0) == (0, True)
