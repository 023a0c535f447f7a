"""Do the vectors of `lib.word2vec` score like those of gensim, trained on the same text?

Design: the whole corpus, one thread, the same settings, five seeds each for gensim's Word2Vec
(reading from a file, its fastest way) and for both forms of our skip-gram: negatives of its own
for every pair, as gensim draws them, and one set of negatives for a window, which is another
algorithm. Three measures: Spearman's correlation with WordSim-353 and with SimLex-999, and the
macro-average over the categories of the analogies, among the 20,000 most frequent words.

Scores that do not differ significantly are not yet equal: too few seeds never differ. So the test
is turned around (two one-sided tests, Schuirmann 1987): a variant counts as equivalent if the
90 % interval of its mean difference lies within 0.02 on either side of zero. A run of ours is
paired with that of gensim of the same seed; the seed decides on the first vectors and all draws,
which the two take from different generators, so pairs have nothing in common but their number.

Each side is as it comes: gensim begins with vectors up to 1 / d in either direction, word2vec.c and
ours with half of that; gensim looks its sigmoid up in a table and skips scores beyond 6.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from experiments import Progress, sweep
from lib.corpus import Corpus, load_corpus
from lib.evaluate import spearman
from lib.experiment import Row
from lib.vectors import Vectors
from lib.word2vec import Settings, Word2Vec
from lib.wordtests import analogy_questions, answer, macro_average, rated_pairs

SETTINGS = Settings()
MEASURES = ("wordsim353", "simlex999", "analogies")
VARIANTS = ("gensim", "pair", "window")
MARGIN = 0.02
SEEDS = (1, 2, 3, 4, 5)
RECIPE = {
    "settings": {name: value for name, value in asdict(SETTINGS).items() if name != "step"},
    "corpus": "whole",
    "threads": 1,
    "margin": MARGIN,
    "most frequent words": 20_000,
}


# The measurement ------------------------------------------------------------------------------


def ours(corpus: Corpus, step: Literal["pair", "window"], seed: int) -> tuple[Vectors, float]:
    """Train our skip-gram; return vectors and CPU seconds, compilation not counted."""
    settings = replace(SETTINGS, step=step)
    Word2Vec(corpus.head(100), settings, np.random.default_rng(seed)).train()  # compiles
    model = Word2Vec(corpus, settings, np.random.default_rng(seed))
    begin = time.process_time()
    model.train()
    return model.vectors, time.process_time() - begin


def theirs(corpus: Corpus, seed: int) -> tuple[Vectors, float]:
    """Train gensim's skip-gram; return its vectors in the order of our words, and CPU seconds."""
    from gensim.models import Word2Vec as Peer

    s = SETTINGS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        lines = (" ".join(corpus.vocabulary.decode(document)) for document in corpus.documents())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        model = Peer(
            vector_size=s.dimensions, window=s.window, min_count=1, sample=s.sample, sg=1, hs=0,
            negative=s.negative, ns_exponent=s.power, alpha=s.rate, min_alpha=s.final_rate,
            workers=1, seed=seed,
        )  # fmt: skip
        model.build_vocab(corpus_file=str(path))
        begin = time.process_time()
        model.train(
            corpus_file=str(path), total_words=model.corpus_total_words,
            total_examples=model.corpus_count, epochs=s.epochs,
        )  # fmt: skip
        seconds = time.process_time() - begin
    words = [word for word in corpus.vocabulary.words if word in model.wv]
    return Vectors(words, model.wv[words], "gensim"), seconds


def scores(vectors: Vectors) -> dict[str, float]:
    """Put vectors, the most frequent word first, to the three measures."""
    found = {}
    for name in ("wordsim353", "simlex999"):
        pairs = rated_pairs(name, vectors)  # type: ignore[arg-type]
        found[name] = spearman(pairs.ratings, pairs.cosines(vectors))
    questions = analogy_questions(vectors, limit=20_000)
    return found | {"analogies": macro_average(answer(vectors, questions))}


@functools.cache
def _corpus() -> Corpus:
    return load_corpus()


def measure(variant: str, seed: int, corpus: Corpus | None = None) -> dict[str, float]:
    """Train one variant with one seed, on the whole corpus if no other is given, and score it."""
    corpus = _corpus() if corpus is None else corpus
    if variant == "gensim":
        vectors, cpu_seconds = theirs(corpus, seed)
    else:
        vectors, cpu_seconds = ours(corpus, variant, seed)  # type: ignore[arg-type]
    return scores(vectors) | {"train_cpu_seconds": cpu_seconds}


def run(progress: Progress, done: Sequence[Row]) -> Iterator[Row]:
    """Go through variants and seeds."""
    points = [{"variant": variant, "seed": seed} for variant in VARIANTS for seed in SEEDS]
    yield from sweep(points, measure, progress, done)


# The verdict ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Equivalence:
    """What two one-sided tests say of a mean difference.

    Attributes
    ----------
    mean, low, high : float
        Mean difference and its 90 % interval (Student's t): it lies within the margin exactly if
        both tests reject at 5 %.
    p : float
        The larger p of the two tests: that the true difference reaches the margin on one side.
    equivalent : bool
        Whether the interval lies within the margin.
    """

    mean: float
    low: float
    high: float
    p: float
    equivalent: bool


def equivalence(differences: ArrayLike, margin: float = MARGIN) -> Equivalence:
    """Test whether a mean difference is smaller than a margin, on either side.

    Parameters
    ----------
    differences : (n,) array
        Of paired runs.
    margin : float
        What would be a difference that matters, fixed before looking.

    Raises
    ------
    ValueError
        If there are fewer than two differences, or the margin is not positive.

    Examples
    --------
    >>> equivalence([0.001, -0.002, 0.003], margin=0.02).equivalent
    True
    >>> equivalence([0.00, 0.03], margin=0.02).equivalent  # too few to know
    False
    """
    x = np.asarray(differences, dtype=np.float64)
    n = len(x)
    if n < 2 or not margin > 0:
        raise ValueError(f"{n} differences and a margin of {margin}: two and above 0 are needed")
    mean, error = float(x.mean()), float(x.std(ddof=1) / np.sqrt(n))
    reach = float(student.ppf(0.95, n - 1)) * error
    room = margin - abs(mean)  # to the nearer side of the margin
    p = float(student.sf(room / error, n - 1)) if error > 0 else float(room <= 0)
    return Equivalence(mean, mean - reach, mean + reach, p, reach < room)


def verdict(
    rows: Sequence[Mapping[str, Any]], variant: str, peer: str = "gensim"
) -> dict[str, Equivalence]:
    """Test the differences, variant minus peer, of each measure over the seeds that both have.

    The claim "equivalent" needs all three: each is tested at 5 %, and no correction is needed,
    since a single failure refutes it.

    Raises
    ------
    ValueError
        If the two do not have the same seeds, each once.
    """
    sides = [[row for row in rows if row["variant"] == name] for name in (variant, peer)]
    first, second = (sorted(side, key=lambda row: row["seed"]) for side in sides)
    seeds = [row["seed"] for row in first]
    if seeds != [row["seed"] for row in second] or len(set(seeds)) < len(seeds):
        raise ValueError(f"{variant!r} and {peer!r} need the same seeds, each once")
    return {
        name: equivalence([a[name] - b[name] for a, b in zip(first, second, strict=True)])
        for name in MEASURES
    }
