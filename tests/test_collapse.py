"""Where the signal is taken away, the scores must fall: nothing else may be holding them up."""

import numpy as np
import pytest
import torch

from lib.data import load
from lib.encoders import MiniLM, TfidfEncoder
from lib.evaluate import Pairs, accuracy, cosine_matrix, probe, spearman


@pytest.fixture(scope="module")
def news():
    """TF-IDF vectors and labels of 800 and 800 documents of R8, split as published."""
    r8 = load("r8")
    rng = np.random.default_rng(0)
    train = rng.choice(len(r8.train.y), 800, replace=False)
    test = rng.choice(len(r8.test.y), 800, replace=False)
    encoder = TfidfEncoder().fit([r8.train.texts[i] for i in train])
    return (
        encoder.encode([r8.train.texts[i] for i in train]), r8.train.y[train],
        encoder.encode([r8.test.texts[i] for i in test]), r8.test.y[test],
    )  # fmt: skip


def test_shuffled_labels_bring_real_news_down_to_the_majority_class(news):
    X, y, X_test, y_test = news
    majority = accuracy(y_test, np.full_like(y_test, np.bincount(y).argmax()))
    assert majority < 0.6
    assert accuracy(y_test, probe(X, y, Cs=[10.0]).predict(X_test)) > 0.9
    shuffled = np.random.default_rng(1).permutation(y)
    fair = probe(X, shuffled, Cs=[1e-4, 1e-2, 1.0], folds=3)
    assert accuracy(y_test, fair.predict(X_test)) < majority + 0.02


def test_vectors_dealt_to_the_wrong_documents_bring_real_news_down_to_chance(news):
    X, y, X_test, y_test = news
    majority = accuracy(y_test, np.full_like(y_test, np.bincount(y).argmax()))
    dealt = X[np.random.default_rng(2).permutation(X.shape[0])]
    fair = probe(dealt, y, Cs=[1e-4, 1e-2, 1.0], folds=3)
    assert accuracy(y_test, fair.predict(X_test)) < majority + 0.02


def test_a_transformer_with_random_weights_loses_most_of_its_agreement_with_people():
    lee, model = load("lee50"), MiniLM()
    human = Pairs(lee.human).values()

    def agreement():
        return spearman(human, Pairs(cosine_matrix(model.encode(lee.texts))).values())

    trained = agreement()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.model.parameters():
            if weights.dim() == 2:
                weights.normal_(0, float(weights.std()), generator=generator)
    assert trained > 0.45
    assert agreement() < trained - 0.2
