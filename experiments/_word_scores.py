"""How the experiments on word vectors score a matrix: the three measures of chapters 4 to 8."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.corpus import Corpus, load_corpus
from lib.evaluate import spearman
from lib.wordtests import (
    Questions,
    RatedPairs,
    analogy_questions,
    answer,
    macro_average,
    rated_pairs,
)


@lru_cache(maxsize=1)
def corpus() -> Corpus:
    """Load the corpus once in a run."""
    return load_corpus()


@lru_cache(maxsize=1)
def _benchmarks() -> tuple[RatedPairs, RatedPairs, Questions]:
    words = corpus().vocabulary
    return (
        rated_pairs("wordsim353", words),
        rated_pairs("simlex999", words),
        analogy_questions(words),
    )


def scores(W: NDArray[np.floating]) -> dict[str, float]:
    """Spearman on WordSim-353 and SimLex-999, and analogies averaged over their categories.

    Parameters
    ----------
    W : (V, d) array
        A row for each word of the corpus.
    """
    wordsim, simlex, questions = _benchmarks()
    return {
        "wordsim": spearman(wordsim.ratings, wordsim.cosines(W)),
        "simlex": spearman(simlex.ratings, simlex.cosines(W)),
        "analogies": macro_average(answer(W, questions)),
    }
