"""Which states of a language model make the best vector of a text?

Question: how well do the states of SmolLM2-135M, which was never trained to give vectors, order
pairs of texts as people do: by layer, by how tokens become one vector, by what is said around the
text, and with or without centring? And how well do those of MiniLM, which was trained for it, if it
gets the same search?

Design: four templates, see `TEMPLATES`: the text alone, the text twice (echo), an instruction
before it, and a question behind it that asks for one word. From one reading of each text come the
vectors of all layers, 0 (what goes into the first block) to the last, pooled in the ways of
`POOLS`:

- "mean" of the text's tokens, under "echo" those of the second copy; "first" is then the mean of
  the first copy, which in a decoder knows the template's words and nothing of the second copy.
- "rest": the mean without the text's first token. "all": the mean with MiniLM's two marks, as it
  was published. "cls": its first mark.
- "last": the text's last token; under "one-word" the last one of all, before the answer.

Three finishes: "raw"; "centred", the mean of the development vectors taken off; "standardised",
each number then divided by their standard deviation. All are compared by cosine.

Test "lee": Spearman's correlation with the ratings of people on Lee-50. Layers, finishes, pools and
templates are chosen on other texts, for each model by itself: `ITEMS` news items of the Lee
background, whose first hundred words or so are cut in two between sentences. Each half looks for
its other half among those of all items; "dev" is the mean of 1 / rank. It needs no label, and asks
for the same item rather than for a like one.

A row of it holds, by layer: "lee" with the bounds of a bootstrap over documents ("low", "high"),
"pearson", "dev", and "likeness", the mean cosine of texts of different items; none for layer 0 of
a single token, which is the same in most texts. "cosines" are those of Lee-50 at the layer that
"dev" chose and at the last one, for paired comparisons.

Test "r8", fixed before it was run: a linear probe on the first `OPENING` words of `LEARNT` texts of
each of the eight classes of R8, judged on `JUDGED` other ones of each class (the smallest has ten).
The probe standardises by itself, so that the finish does not matter. The ways are the usual mean of
both models and what "dev" chose. A row holds the classes "y", and by layer those "predicted".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from experiments import Progress, sweep
from lib.data import load
from lib.evaluate import Pairs, bootstrap, cosine_matrix, pearson, probe, spearman
from lib.experiment import Row
from lib.textencoder import ECHO, PLAIN, Backbone, Tokens, minilm, place, smollm2

INSTRUCTION = (
    "Instruct: Represent this news item so that items on the same topic are close. Text: {text}"
)
ONE_WORD = 'This news item : "{text}" means in one word: "'
TEMPLATES: dict[str, str] = {
    "plain": PLAIN,
    "echo": ECHO,
    "instruction": INSTRUCTION,
    "one-word": ONE_WORD,
}
POOLS: dict[str, dict[str, tuple[str, ...]]] = {
    "smollm2": {
        "plain": ("mean", "rest", "last"),
        "echo": ("mean", "first", "last"),
        "instruction": ("mean", "last"),
        "one-word": ("last",),
    },
    "minilm": {
        "plain": ("all", "mean", "rest", "cls", "last"),
        "echo": ("mean", "first"),
        "instruction": ("mean", "cls"),
    },
}
FINISHES = ("raw", "centred", "standardised")
ITEMS, WORDS = 60, 100
BATCH, LONGEST, RESAMPLES = 4, 1_024, 100
OPENING, LEARNT, JUDGED = 30, 20, 25
PROBED = (
    ("minilm", "plain", "all"),
    ("minilm", "plain", "mean"),
    ("smollm2", "plain", "mean"),
    ("smollm2", "echo", "mean"),
)
LAYERS = {"minilm": range(1, 7), "smollm2": (30,)}
SEEDS = (0,)
RECIPE = {
    "templates": TEMPLATES,
    "pools": POOLS,
    "finishes": FINISHES,
    "development items": ITEMS,
    "words of an item before the last sentence taken": WORDS,
    "resamples of the bands": RESAMPLES,
    "probe": {"words": OPENING, "learnt of a class": LEARNT, "judged": JUDGED, "seeds": [0, 1]},
    "threads": 1,
}

Floats = NDArray[np.float64]
Pooled = dict[str, NDArray[np.float32]]


def points() -> list[dict[str, Any]]:
    """Return the design."""
    search = [
        {"model": model, "template": template, "pool": pool, "finish": finish, "test": "lee"}
        for model, templates in POOLS.items()
        for template, pools in templates.items()
        for pool in pools
        for finish in FINISHES
    ]
    probes = [
        {"model": model, "template": template, "pool": pool, "finish": "raw", "test": "r8"}
        for model, template, pool in PROBED
    ]
    return [*search, *probes]


def halves(texts: Sequence[str], items: int = ITEMS, words: int = WORDS) -> list[str]:
    """Cut texts in two between sentences: the first halves of all, then the second halves.

    Of each text the sentences are taken that begin within the first `words` words, and cut where
    the two parts are nearest in length. Texts of one sentence are passed over.

    Examples
    --------
    >>> halves(["A b. C d e. F.", "G h i.", "J k. L m."])
    ['A b.', 'J k.', 'C d e. F.', 'L m.']
    """
    pairs = []
    for text in texts:
        sentences = re.split(r"(?<=[.!?])\s+", text.strip())
        ends = np.cumsum([len(sentence.split()) for sentence in sentences])
        sentences = sentences[: int((ends < words).sum()) + 1]
        ends = ends[: len(sentences)]
        if len(sentences) > 1:
            cut = 1 + int(np.abs(2 * ends[:-1] - ends[-1]).argmin())
            pairs.append((" ".join(sentences[:cut]), " ".join(sentences[cut:])))
    first, second = zip(*pairs[:items], strict=True)
    return [*first, *second]


def copies(backbone: Backbone, template: str, text: str) -> tuple[Tokens, slice]:
    """Put a text into a template; also return where it stands for the first time."""
    longest = min(LONGEST, backbone.network.longest)
    read = place(backbone, template, longest, text)
    if template.count(PLAIN) == 1:
        return read, slice(read.begin, read.end)
    lead = template.split(PLAIN)[0].removesuffix(" ")
    begin = len(backbone.before) + len(backbone.cut(lead))
    return read, slice(begin, begin + read.end - read.begin)


@torch.inference_mode()
def vectors(backbone: Backbone, name: str, texts: Sequence[str], pools: Sequence[str]) -> Pooled:
    """Pool the states of all layers under a template, in several ways: each (L + 1, n, d)."""
    d, L = backbone.network.settings.d, len(backbone.network.blocks)
    found = {pool: np.zeros((L + 1, len(texts), d), np.float32) for pool in pools}
    read = [copies(backbone, TEMPLATES[name], text) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: -len(read[i][0].ids))
    for begin in range(0, len(order), BATCH):
        batch = order[begin : begin + BATCH]
        T = len(read[batch[0]][0].ids)
        ids = torch.zeros(len(batch), T, dtype=torch.long)
        real = torch.zeros(len(batch), T, dtype=torch.bool)
        for b, i in enumerate(batch):
            row = read[i][0].ids
            ids[b, : len(row)] = torch.tensor(row)
            real[b, : len(row)] = True
        states = backbone.network.states(ids, real).numpy()  # (L + 1, B, T, d)
        for b, i in enumerate(batch):
            tokens, first = read[i]
            end = len(tokens.ids) if name == "one-word" else tokens.end
            parts = {
                "mean": slice(tokens.begin, tokens.end),
                "rest": slice(tokens.begin + 1, tokens.end),
                "first": first,
                "all": slice(0, len(tokens.ids)),
                "cls": slice(0, 1),
                "last": slice(end - 1, end),
            }
            every = states[:, b]  # (L + 1, T, d)
            for pool, X in found.items():
                X[:, i] = every[:, parts[pool]].mean(axis=1)
    return found


def finished(X: NDArray[np.float32], background: NDArray[np.float32], finish: str) -> Floats:
    """Take off what vectors have in common: (n, d) by the mean, or mean and spread, of others."""
    x: Floats = X.astype(np.float64)
    others: Floats = background.astype(np.float64)
    if finish == "raw":
        return x
    x = x - others.mean(axis=0)
    if finish == "standardised":
        x = x / np.maximum(others.std(axis=0), 1e-6)
    return x


def other_half(X: Floats) -> float:
    """Let each half look for the other one of its item: the mean of 1 / rank.

    Examples
    --------
    >>> other_half(np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.2, 0.9]]))
    1.0
    """
    n = len(X) // 2
    M = cosine_matrix(X[:n], X[n:])
    right = np.diag(M)
    ranks = np.concatenate([(right[:, None] <= M).sum(axis=1), (right[None, :] <= M).sum(axis=0)])
    return float(np.mean(1 / ranks))


def sample(y: NDArray[np.int64], each: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw so many of each class, or all if there are fewer; class by class.

    Examples
    --------
    >>> sample(np.array([0, 1, 1, 0, 1]), 2, np.random.default_rng(0)).tolist()
    [0, 3, 1, 4]
    """
    drawn = [rng.permutation(np.flatnonzero(y == label))[:each] for label in np.unique(y)]
    return np.concatenate([np.sort(part) for part in drawn])


@dataclass(frozen=True, eq=False)
class Topics:
    """Texts with classes, for learning and for judging."""

    learnt: Sequence[str]
    y: NDArray[np.int64]
    judged: Sequence[str]
    y_judged: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Task:
    """The texts and the models.

    Parameters
    ----------
    backbones : mapping from a name to lib.textencoder.Backbone
        The models.
    tested : sequence of n str
        Texts that people rated.
    human : (n, n) array
        The ratings.
    development : sequence of str
        Halves of other texts, see :func:`halves`.
    topics : Topics
        For the probe.
    """

    backbones: Mapping[str, Backbone]
    tested: Sequence[str]
    human: Floats
    development: Sequence[str]
    topics: Topics
    _read: dict[tuple[str, str], tuple[Pooled, Pooled]] = field(default_factory=dict)

    def read(self, model: str, template: str) -> tuple[Pooled, Pooled]:
        """Read all texts under a template, once: vectors of the tested and the others."""
        key = model, template
        if key not in self._read:
            self._read.clear()
            backbone, pools = self.backbones[model], POOLS[model][template]
            self._read[key] = (
                vectors(backbone, template, self.tested, pools),
                vectors(backbone, template, self.development, pools),
            )
        return self._read[key]

    @cached_property
    def _rated(self) -> Pairs:
        return Pairs(self.human)

    def measure(
        self, model: str, template: str, pool: str, finish: str, test: str
    ) -> dict[str, Any]:
        """Judge one way to make vectors, in all layers, or by the probe."""
        if test == "r8":
            return self.probed(model, template, pool)
        lee, dev = (found[pool] for found in self.read(model, template))
        names = ("lee", "low", "high", "pearson", "dev", "likeness")
        row: dict[str, Any] = {name: [] for name in names}
        tables = []
        n = len(self.development) // 2
        for layer, (X, others) in enumerate(zip(lee, dev, strict=True)):
            M = Pairs(cosine_matrix(finished(X, others, finish)))
            tables.append(M.values())
            if layer == 0 and pool in ("last", "cls"):  # the same mark in nearly every text
                for found in row.values():
                    found.append(None)
                continue
            halved = finished(others, others, finish)
            e = bootstrap(
                spearman,
                self._rated,
                M,
                unit="documents",
                n_resamples=RESAMPLES,
                rng=np.random.default_rng(0),
            )
            row["lee"].append(e.value)
            row["low"].append(e.low)
            row["high"].append(e.high)
            row["pearson"].append(pearson(self._rated.values(), M.values()))
            row["dev"].append(other_half(halved))
            row["likeness"].append(Pairs(cosine_matrix(halved[:n])).values().mean())
        chosen = int(np.argmax([dev or 0.0 for dev in row["dev"]]))
        kept = {chosen, len(tables) - 1}
        return row | {
            "layer": chosen,
            "cosines": {str(layer): tables[layer].round(5) for layer in sorted(kept)},
        }

    def probed(self, model: str, template: str, pool: str) -> dict[str, Any]:
        """Fit the probe on some layers, and let it judge."""
        topics, backbone = self.topics, self.backbones[model]
        texts = [*topics.learnt, *topics.judged]
        X = vectors(backbone, template, texts, (pool,))[pool]
        n, predicted = len(topics.learnt), {}
        for layer in LAYERS[model]:
            fitted = probe(X[layer, :n], topics.y)
            predicted[str(layer)] = fitted.predict(X[layer, n:].astype(np.float64))
        return {"y": topics.y_judged, "predicted": predicted}


def openings(
    texts: Sequence[str], y: NDArray[np.int64], each: int, seed: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Draw texts, and cut them after so many words: the texts and their classes."""
    rows = sample(y, each, np.random.default_rng(seed))
    return [" ".join(texts[i].split()[:OPENING]) for i in rows], y[rows]


def whole() -> Task:
    """Return the task that the book reports."""
    lee, r8 = load("lee50"), load("r8")
    topics = Topics(
        *openings(r8.train.texts, np.asarray(r8.train.y), LEARNT, 0),
        *openings(r8.test.texts, np.asarray(r8.test.y), JUDGED, 1),
    )
    backbones = {"smollm2": smollm2(), "minilm": minilm()}
    others = halves(load("lee-background").texts)
    return Task(backbones, lee.texts, lee.human, others, topics)


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure all points that are not done yet."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from sweep(points(), whole().measure, progress, done)
    finally:
        torch.set_num_threads(threads)
