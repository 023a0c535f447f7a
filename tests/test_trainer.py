"""Training: the steps, the rate, and going on after an interruption."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.corpus import Corpus
from lib.neurallm import LSTM
from lib.text import Vocabulary
from lib.trainer import Trainer, Training


def rng(seed=0):
    return np.random.default_rng(seed)


def some_text(passages=10, V=8, seed=0):
    generator = rng(seed)
    lengths = generator.integers(1, 7, passages)
    vocabulary = Vocabulary([f"w{i}" for i in range(V)], "toy")
    ids = generator.integers(0, V, lengths.sum())
    return Corpus(vocabulary, ids, np.append(0, np.cumsum(lengths)))


TEXT = some_text()
SETTINGS = Training(epochs=3, batch=4, rate=0.01, warmup=3)


def trainer(text=TEXT, settings=SETTINGS, seed=0):
    return Trainer(LSTM(8, rng(), dimensions=4, hidden=5), text, settings, seed)


def weights(one):
    return torch.cat([part.detach().flatten() for part in one.model.parameters()])


class Quadratic(nn.Module):
    """The loss ``x ** 2 / 2`` whatever the text, so that every step is known."""

    def __init__(self, x):
        super().__init__()
        self.x = nn.Parameter(torch.tensor(float(x)))

    def batch(self, text, passages):
        return None

    def loss(self, batch):
        return self.x**2 / 2


def test_every_passage_comes_once_in_an_epoch_and_in_a_new_order():
    one = trainer()
    steps = [one.passages(step).tolist() for step in range(9)]
    assert one.steps == 9 and [len(step) for step in steps] == [4, 4, 2] * 3
    epochs = [[p for step in steps[first : first + 3] for p in step] for first in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert steps != [trainer(seed=1).passages(step).tolist() for step in range(9)]


def test_an_epoch_may_be_a_part():
    assert trainer(settings=Training(epochs=0.5, batch=4)).steps == 2
    assert trainer(settings=Training(epochs=0.01, batch=4)).steps == 1


def test_the_rate_rises_and_falls():
    one = trainer(settings=Training(epochs=4, batch=4, rate=0.8, warmup=4))  # twelve steps
    rates = [one.rate(step) for step in range(12)]
    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[4:] == pytest.approx([0.8 * left / 8 for left in range(8, 0, -1)])


def test_a_warm_up_longer_than_the_training_only_rises():
    one = trainer(settings=Training(epochs=1, batch=4, rate=1.0, warmup=10))
    assert [one.rate(step) for step in range(3)] == pytest.approx([0.1, 0.2, 0.3])


def test_a_first_step_of_adam_is_as_long_as_the_rate():
    one = Trainer(Quadratic(2), TEXT, Training(epochs=1, batch=4, rate=0.5, warmup=1, clip=0.1))
    one.train(1)
    assert one.losses == [2.0] and one.model.x.item() == pytest.approx(1.5, abs=1e-5)


def test_long_gradients_are_clipped():
    steep = Trainer(Quadratic(100), TEXT, Training(epochs=1, batch=4, rate=1e-3, clip=0.25))
    steep.train(1)
    assert steep.model.x.grad.item() == pytest.approx(0.25, rel=1e-4)


def test_losses_are_of_the_batches_before_their_steps():
    one = trainer()
    with torch.no_grad():
        first = one.model.loss(one.model.batch(TEXT, one.passages(0))).item()
    one.train()
    assert len(one.losses) == one.step == 9 and one.losses[0] == pytest.approx(first)
    assert one.tokens == 3 * TEXT.tokens


def test_training_makes_the_text_more_likely():
    one = trainer(settings=Training(epochs=60, batch=10, rate=0.02))
    before = one.model.log_probabilities(TEXT).mean()
    one.train()
    assert one.model.log_probabilities(TEXT).mean() > before + 0.3


def test_the_same_seed_takes_the_same_steps():
    first, again, other = trainer().train(), trainer().train(), trainer(seed=1).train()
    assert torch.equal(weights(first), weights(again)) and first.losses == again.losses
    assert first.losses != other.losses


def test_a_training_in_parts_is_the_training_in_one_go():
    parts = trainer()
    for steps in (1, 4, 0, 2, 100):
        parts.train(steps)
    assert torch.equal(weights(parts), weights(trainer().train()))


def test_a_saved_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    first = trainer().train(5)
    first.save(tmp_path / "deep" / "state.pt")
    second = trainer().load(tmp_path / "deep" / "state.pt")
    assert (second.step, second.tokens, second.losses) == (5, first.tokens, first.losses)
    whole = trainer().train()
    second.train()
    assert torch.equal(weights(second), weights(whole)) and second.losses == whole.losses
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["state.pt"]


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"text": some_text(seed=1)},
        {"settings": Training(epochs=3, batch=4, rate=0.02, warmup=3)},
    ],
)
def test_another_training_cannot_be_taken_up(tmp_path, other):
    trainer().train(1).save(tmp_path / "state.pt")
    with pytest.raises(ValueError, match="of another training"):
        trainer(**other).load(tmp_path / "state.pt")


def test_a_text_of_the_same_size_is_another_text(tmp_path):
    trainer().train(1).save(tmp_path / "state.pt")
    other = Corpus(TEXT.vocabulary, (TEXT.ids + 1) % 8, TEXT.starts)
    with pytest.raises(ValueError, match="of another training"):
        trainer(text=other).load(tmp_path / "state.pt")


@pytest.mark.parametrize("content", [b"", b"no state at all"])
def test_a_damaged_state_says_so(tmp_path, content):
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(ValueError, match="damaged, or holds no training"):
        trainer().load(tmp_path / "state.pt")


def test_a_cut_state_says_so(tmp_path):
    trainer().train(1).save(tmp_path / "state.pt")
    content = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged, or holds no training"):
        trainer().load(tmp_path / "state.pt")


def test_nothing_cannot_be_learnt():
    with pytest.raises(ValueError, match="no passages"):
        trainer(text=Corpus(TEXT.vocabulary, [], [0]))


def test_progress_tells_what_happened_since_the_last_time():
    told = []
    one = trainer().train(7, progress=told.append, every=3)
    assert [report.step for report in told] == [3, 6, 7] and told[0].steps == 9
    assert told[1].loss == pytest.approx(np.mean(one.losses[3:6]))
    assert told[2].loss == pytest.approx(one.losses[6])
    assert told[2].tokens == one.tokens and told[0].tokens_per_second > 0
    assert told[1].rate == pytest.approx(one.rate(5))


def test_a_training_that_explodes_says_so():
    with pytest.raises(FloatingPointError, match="at step 0: take a lower rate"):
        Trainer(Quadratic(np.nan), TEXT, SETTINGS).train()


@pytest.mark.parametrize("name", ["epochs", "batch", "rate", "warmup", "clip"])
def test_settings_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        Training(**{name: 0})
