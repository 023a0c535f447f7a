"""What do the layers of the small ELMo hold? Probes that cannot cheat, beside what needs no layer.

Question: what can be read off each layer of the book's ELMo about which word stands in a place
(meaning), which form of a verb (agreement), and whether a word is a noun or a verb; and how much
of it do simpler readers of the same words know?

Design: everything is read and judged in documents that ELMo did not learn from (development and
held-out part). A passage is the 16 words before a place, the word, and the 15 behind it. Every
seed deals the documents into three parts; each part is judged by probes that learnt from the two
others. The occurrences are the same for all seeds, and ELMo itself has one seed.

- "related" and "random": pseudowords. Which of two words stood there? Fifteen pairs of words that
  are alike, and fifteen of the same words, paired by lot within nouns, adjectives and verbs. The
  passage holds neither of the two elsewhere.
- "is-are", "was-were", "has-have": masked agreement.
- "tags": noun or verb, ambiguous words labelled twice, where both agree; the word is seen.
  "tags-control": a label for each word by lot. "tags-new": neither documents nor words that the
  probe has met.

Pairs have as many occurrences of the one word as of the other, at most one of each from a document.
In the first five tasks no reader sees the word:

- "layer-0" are the vectors by letters of the two words beside, "layer-1" and "layer-2" the states
  beside (`lib.elmo.Layers.around`), "mix" the learnt mix of these; "-before" and "-after" the one
  direction alone; "bag" counts the words of the passage; "static" is their mean Word2Vec vector,
  learnt from the same training documents, and "static-beside" those of the two words beside;
  "minilm-k" is the state of [MASK] in layer k.
- Nothing is learnt for "guess", what ELMo itself finds likelier, and "5-gram", the word with which
  the passage is likelier ("5-gram-before": the word, after those before it). The sample is
  balanced, so a word's own log-probability is taken away: once from that of the passage, and once
  from each side of ELMo, where Bayes' rule for two sides takes away the one and balance the other.

In the tags, "layer-k" is `lib.elmo.Layers.of_words`, "around-k" again the states beside, "static"
the word's own vector, "minilm-k" the mean of the word's pieces, and "most-frequent" the tag that
the word has elsewhere.

Rows of the kind "task" list documents, "n" occurrences in each, and "items" (pairs, or words) with
their occurrences; those of the kind "score" how many were right by document and by item, in this
order. `lib.layerprobe.pooled`, `share` and `gap` make numbers with intervals of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch
from sklearn.metrics import cohen_kappa_score

from experiments import Progress, train_elmo
from lib import elmo
from lib.corpus import Corpus, cut_chunks, load_corpus
from lib.encoders import MiniLM
from lib.experiment import Row
from lib.languagemodel import by_document, classes, limit_vocabulary, split_documents
from lib.layerprobe import (
    TAGS,
    AmbiguousWord,
    Splits,
    ambiguous_words,
    bag,
    balanced,
    check_places,
    control_labels,
    cross_predict,
    deal_documents,
    deal_words,
    learn_mix,
    mixed,
    most_frequent,
    occurrences,
    passage,
)
from lib.smoothing import NgramCounts, NgramModel, kneser_ney
from lib.word2vec import Settings, Word2Vec

RELATED = {
    "noun": (
        ("january", "february"),
        ("president", "minister"),
        ("market", "price"),
        ("month", "week"),
        ("country", "city"),
        ("house", "home"),
        ("question", "problem"),
        ("group", "company"),
    ),
    "adjective": (
        ("public", "private"),
        ("american", "european"),
        ("small", "large"),
        ("economic", "political"),
    ),
    "verb": (("think", "believe"), ("buy", "pay"), ("told", "asked")),
}
AGREEMENT = (("is", "are"), ("was", "were"), ("has", "have"))
PARTS = 3
ORDER = 5
MINILM = (0, 2, 4, 6)
STATIC = Settings(step="window", dimensions=100, window=5, epochs=5)
SEEDS = (0, 1, 2, 3, 4)
DRAW = 0  # the seed of the occurrences
RECIPE = {
    "related": RELATED,
    "agreement": AGREEMENT,
    "parts": PARTS,
    "order": ORDER,
    "minilm": MINILM,
    "static": {"step": "window", "dimensions": 100, "window": 5, "epochs": 5},
    "drawn by": DRAW,
}
Array = np.ndarray[Any, np.dtype[Any]]


# The tasks ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Task:
    """Occurrences, and what is asked of each.

    Parameters
    ----------
    name : str
        Which task.
    documents, places : (n,) arrays
        Where each occurrence stands.
    y : (n,) array
        0 for the first answer, 1 for the second.
    item : (n,) array
        Which pair or word it belongs to.
    answers : list of pairs of str
        The two answers of each item: words, or for tags the two tags.
    words : list of n str
        What stands there.
    """

    name: str
    documents: Array
    places: Array
    y: Array
    item: Array
    answers: list[tuple[str, str]]
    words: list[str]

    @property
    def masked(self) -> bool:
        """Whether readers may not see the word."""
        return self.name != "tags"

    def row(self) -> Row:
        """Return what the rows of its readers refer to."""
        distinct, n = np.unique(self.documents, return_counts=True)
        sizes = np.bincount(self.item, minlength=len(self.answers))
        seconds = np.bincount(self.item, self.y, len(self.answers)).astype(int)
        if self.masked:
            items = [[*pair, size] for pair, size in zip(self.answers, sizes, strict=True)]
        else:  # each word: how many nouns, how many verbs
            names = [self.words[int(np.argmax(self.item == i))] for i in range(len(self.answers))]
            items = [list(x) for x in zip(names, sizes - seconds, seconds, strict=True)]
        return {
            "kind": "task",
            "task": self.name,
            "documents": distinct,
            "n": n,
            "items": [[str(p) if isinstance(p, str) else int(p) for p in one] for one in items],
            "occurrences": len(self.y),
            "majority": float(max(self.y.mean(), 1 - self.y.mean())),
        }

    def score(self, predicted: Array, y: Array) -> Row:
        """Count what was right, by document and by item."""
        right = (predicted == y).astype(np.int64)
        _, owner = np.unique(self.documents, return_inverse=True)
        return {
            "accuracy": float(right.mean()),
            "hits": np.bincount(owner, right).astype(int),
            "by_item": np.bincount(self.item, right, len(self.answers)).astype(int),
        }


def judged_documents(corpus: Corpus, share: float = train_elmo.SHARE) -> Array:
    """Return the numbers of the documents of the development and the held-out part."""
    size = round(share * len(corpus))
    order = np.random.default_rng(train_elmo.SEEDS[0]).permutation(len(corpus))
    return np.sort(order[: 2 * size])


def random_pairs(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Pair the words of `RELATED` by lot within their kind; no related pair is among them."""
    pairs: list[tuple[str, str]] = []
    for related in RELATED.values():
        first, second = zip(*related, strict=True)
        while True:
            order = rng.permutation(len(second))
            if not (order == np.arange(len(second))).any():
                break
        pairs += [(first[i], second[j]) for i, j in enumerate(order)]
    return pairs


def task_of_pairs(
    name: str,
    corpus: Corpus,
    documents: Array,
    pairs: Sequence[tuple[str, str]],
    rng: np.random.Generator,
    *,
    once: bool = True,
) -> Task:
    """Draw as many occurrences of either word of each pair, at most one of each a document.

    `once` takes only passages that hold neither word elsewhere.
    """
    rows: list[tuple[int, int, int, int, str]] = []
    for i, pair in enumerate(pairs):
        without = pair if once else ()
        found = [occurrences(corpus, documents, word, rng, without=without) for word in pair]
        for y, chosen in enumerate(balanced(found[0], found[1], rng)):
            rows += [(int(d), found[y][int(d)], y, i, pair[y]) for d in chosen]
    where, places, y, item, words = zip(*rows, strict=True)  # type: ignore[assignment]
    arrays = (np.array(column) for column in (where, places, y, item))
    return Task(name, *arrays, answers=list(pairs), words=list(words))  # type: ignore[arg-type,misc]


def task_of_tags(words: Sequence[AmbiguousWord]) -> Task:
    """Take the occurrences on which both labellings agree."""
    kept = [one for one in words if one.agreed]
    types = sorted({one.word for one in kept})
    return Task(
        "tags",
        np.array([one.document for one in kept]),
        np.array([one.place for one in kept]),
        np.array([TAGS.index(str(one.agreed)) for one in kept]),
        np.array([types.index(one.word) for one in kept]),
        [(TAGS[0], TAGS[1])] * len(types),
        [one.word for one in kept],
    )


# The readers ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Models:
    """All that reads; the whole ones, or small ones for tests.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        All documents.
    train : lib.corpus.Corpus
        Those that the n-grams and Word2Vec learn from, as ELMo did.
    bilm : lib.elmo.BiLM
        The model whose layers are probed.
    minilm : MiniLM or None
        Without it, there are no readers of its layers.
    static : Settings
        Of Word2Vec.
    """

    corpus: Corpus
    train: Corpus
    bilm: elmo.BiLM
    minilm: MiniLM | None
    static: Settings = STATIC

    @cached_property
    def vectors(self) -> Array:
        """Word2Vec vectors of all words: (V, d)."""
        model = Word2Vec(self.train, self.static, np.random.default_rng(DRAW))
        model.train()
        return model.W.copy()

    @cached_property
    def ngrams(self) -> NgramModel:
        """Kneser-Ney of the words that the softmax knows."""
        text = cut_chunks(self.train, train_elmo.LENGTH)
        return kneser_ney(NgramCounts(limit_vocabulary(text, len(self.bilm.words)), ORDER))


def whole() -> Models:
    """Load what the book reports."""
    corpus = load_corpus()
    rng = np.random.default_rng(train_elmo.SEEDS[0])
    train = split_documents(corpus, train_elmo.SHARE, rng).train
    return Models(corpus, train, elmo.load(train_elmo.CHECKPOINT), MiniLM(threads=1))


@dataclass(frozen=True, eq=False)
class Passages:
    """The passages of a task: word numbers, and where the place is."""

    task: Task
    ids: list[Array]
    at: list[int]

    @classmethod
    def of(cls, task: Task, corpus: Corpus) -> Passages:
        """Cut them out of the corpus."""
        both = zip(task.documents.tolist(), task.places.tolist(), strict=True)
        ids, at = zip(*(passage(corpus, *where) for where in both), strict=True)
        return cls(task, list(ids), list(at))

    def sides(self) -> tuple[list[Array], list[Array]]:
        """Return the words before, and those behind."""
        both = list(zip(self.ids, self.at, strict=True))
        return [ids[:k] for ids, k in both], [ids[k + 1 :] for ids, k in both]

    def around(self) -> list[Array]:
        """Return all words but the one in question."""
        return [np.concatenate(both) for both in zip(*self.sides(), strict=True)]


def elmo_states(models: Models, passages: Passages) -> tuple[Array, Array]:
    """Return the layers of the words, and what is known without them: (3, n, 2 d) each.

    Layer 0 of the second are the vectors of the words before and behind, or those of the marks.
    """
    texts = [models.corpus.vocabulary.decode(ids) for ids in passages.ids]
    of, beside = [], []
    for first in range(0, len(texts), 256):
        found = models.bilm.layers(texts[first : first + 256])
        for layers, k in zip(found, passages.at[first : first + 256], strict=True):
            of.append(layers.of_words()[:, k])
            letters = np.concatenate([layers.x[k], layers.x[k + 2]])
            beside.append(np.concatenate([letters[None], layers.around()[:, k]]))
    return np.stack(of, axis=1), np.stack(beside, axis=1)


def static_readers(models: Models, passages: Passages) -> dict[str, Array]:
    """Vectors of Word2Vec: the mean of the passage, and the words beside; or the word's own."""
    W = models.vectors
    if not passages.task.masked:
        own = [ids[k] for ids, k in zip(passages.ids, passages.at, strict=True)]
        return {"static": W[own]}
    zero = np.zeros(W.shape[1], W.dtype)
    before, after = passages.sides()
    means = [W[ids].mean(axis=0) if len(ids) else zero for ids in passages.around()]
    beside = [
        np.concatenate([W[one[-1]] if len(one) else zero, W[two[0]] if len(two) else zero])
        for one, two in zip(before, after, strict=True)
    ]
    return {"static": np.stack(means), "static-beside": np.stack(beside)}


@torch.no_grad()
def minilm_states(minilm: MiniLM, texts: Sequence[Sequence[str]], at: Sequence[int]) -> Array:
    """Mean state of the pieces of one word of each text, in the layers `MINILM`: (l, n, d)."""
    found: list[Array] = [np.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for first in range(0, len(order), 64):
        chosen = order[first : first + 64]
        batch = minilm.tokenizer(
            [list(texts[i]) for i in chosen],
            is_split_into_words=True,
            padding=True,
            return_tensors="pt",
        )
        states = minilm.model(**batch, output_hidden_states=True).hidden_states
        stacked = torch.stack([states[layer] for layer in MINILM])  # (l, b, t, d)
        for b, i in enumerate(chosen):
            mine = torch.tensor([word == at[i] for word in batch.word_ids(b)])
            found[i] = stacked[:, b, mine].mean(dim=1).numpy()
    return np.stack(found, axis=1)


def minilm_readers(models: Models, passages: Passages) -> dict[str, Array]:
    """Layers of MiniLM at the place, where [MASK] stands if the word may not be seen."""
    if models.minilm is None:
        return {}
    texts = [models.corpus.vocabulary.decode(ids) for ids in passages.ids]
    if passages.task.masked:
        for text, k in zip(texts, passages.at, strict=True):
            text[k] = models.minilm.tokenizer.mask_token
    states = minilm_states(models.minilm, texts, passages.at)
    names = {f"minilm-{layer}": states[i] for i, layer in enumerate(MINILM)}
    if passages.task.masked:
        del names["minilm-0"]  # the same for all, but for where in the passage it stands
    return names


# Readers without a probe ----------------------------------------------------------------------


def log_shares(models: Models) -> Array:
    """Logarithms of the frequency of each class of the softmax in the training part: (V,)."""
    counts = np.bincount(
        classes(models.train.ids, len(models.bilm.words)), minlength=len(models.bilm.words)
    )
    return np.log(np.maximum(counts, 1) / counts.sum())  # type: ignore[no-any-return]


def answer_classes(models: Models, task: Task) -> Array:
    """Return the classes of the two answers to each occurrence: (n, 2)."""
    number = {word: i for i, word in enumerate(models.bilm.words)}
    pairs = np.array([[number[word] for word in pair] for pair in task.answers])
    return pairs[task.item]


@torch.no_grad()
def guesses(models: Models, task: Task, beside: Array) -> dict[str, Array]:
    """Return which answer ELMo finds likelier than usual, by both sides and by each: (n,).

    Each side is taken without the word's own frequency: of both together, Bayes' rule takes it away
    once (the sides independent, given the word), and once more that both answers are as frequent.
    """
    words, usual = answer_classes(models, task), log_shares(models)
    d = models.bilm.settings.d
    sides = {}
    for side, states in (("before", beside[-1, :, :d]), ("after", beside[-1, :, d:])):
        logs = np.empty(words.shape)
        for first in range(0, len(words), 256):
            rows = slice(first, first + 256)
            every = models.bilm.output.all(torch.from_numpy(states[rows].copy())).numpy()
            logs[rows] = np.take_along_axis(every, words[rows], axis=1)
        sides[side] = logs - usual[words]
    return {
        "guess": (sides["before"] + sides["after"]).argmax(axis=1),
        "guess-before": sides["before"].argmax(axis=1),
        "guess-after": sides["after"].argmax(axis=1),
    }


def ngram_guesses(models: Models, passages: Passages) -> dict[str, Array]:
    """Return which answer the n-grams find likelier than usual: (n,)."""
    words, usual = answer_classes(models, passages.task), log_shares(models)
    size = len(models.bilm.words)
    lengths = np.array([len(ids) for ids in passages.ids])
    starts = np.append(0, np.cumsum(lengths))
    here = starts[:-1] + np.array(passages.at)
    vocabulary = models.ngrams.counts.vocabulary
    text, alone = np.empty(words.shape), np.empty(words.shape)
    for answer in (0, 1):
        ids = classes(np.concatenate(passages.ids), size)
        ids[here] = words[:, answer]
        corpus = Corpus(vocabulary, ids, starts)
        logs = models.ngrams.log_probabilities(corpus)
        text[:, answer], alone[:, answer] = by_document(logs, corpus), logs[here]
    return {
        "5-gram": (text - usual[words]).argmax(axis=1),
        "5-gram-before": (alone - usual[words]).argmax(axis=1),
    }


# Running --------------------------------------------------------------------------------------


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure every task that is not done yet."""
    words = ambiguous_words()
    labels = labels_row(words)
    with train_elmo.deterministic(1):
        models = whole()
        check_places(models.corpus, words)
        tasks = all_tasks(models.corpus, judged_documents(models.corpus), words)
        yield from rows([labels], tasks, models, progress, done)


def labels_row(words: Sequence[AmbiguousWord]) -> Row:
    """Tell how well the two labellings agree."""
    first, second = [one.first for one in words], [one.second for one in words]
    agreed = [one.agreed for one in words]
    return {
        "kind": "labels",
        "labelled": len(words),
        "agreement": float(np.mean([a == b for a, b in zip(first, second, strict=True)])),
        "kappa": cohen_kappa_score(first, second),
        "kept": sum(tag is not None for tag in agreed),
        "nouns": agreed.count("noun"),
        "verbs": agreed.count("verb"),
    }


def all_tasks(
    corpus: Corpus, documents: Array, words: Sequence[AmbiguousWord]
) -> dict[str, Callable[[], Task]]:
    """Return what makes each task, by its name; each draws from its own generator."""

    def pairs(
        name: str, chosen: Sequence[tuple[str, str]], number: int, once: bool = True
    ) -> Callable[[], Task]:
        rng = np.random.default_rng([DRAW, number])
        return lambda: task_of_pairs(name, corpus, documents, chosen, rng, once=once)

    related = [pair for some in RELATED.values() for pair in some]
    lots = random_pairs(np.random.default_rng(DRAW))
    tasks = {"related": pairs("related", related, 1), "random": pairs("random", lots, 2)}
    for number, pair in enumerate(AGREEMENT, start=3):
        tasks["-".join(pair)] = pairs("-".join(pair), [pair], number, once=False)
    return tasks | {"tags": lambda: task_of_tags(words)}


def rows(
    first: Sequence[Row],
    tasks: dict[str, Callable[[], Task]],
    models: Models,
    progress: Progress,
    done: Sequence[Row] = (),
) -> Iterator[Row]:
    """Yield the rows of each task that are not done."""
    known = {_name(row) for row in done}
    yield from (row for row in first if _name(row) not in known)
    order = list(tasks)
    for number, (name, make) in enumerate(tasks.items(), start=1):
        if any(row.get("task") in order[number:] for row in done):
            continue  # a later one was begun, so this one is whole
        progress(f"{number}/{len(tasks)} {name}")
        yield from measure(make(), models, SEEDS, known)


Name: TypeAlias = tuple[Any, ...]


def _name(row: Row) -> Name:
    return tuple(row.get(key) for key in ("kind", "task", "reader", "seed"))


def _score(task: str, reader: str, seed: int | None) -> Row:
    return {"kind": "score", "task": task, "reader": reader, "seed": seed}


def measure(
    task: Task, models: Models, seeds: Sequence[int], known: Set[Name] = frozenset()
) -> Iterator[Row]:
    """Yield the row of the task, and one for each reader and seed, but for those that are known."""
    if _name(task.row()) not in known:
        yield task.row()
    passages = Passages.of(task, models.corpus)
    of, beside = elmo_states(models, passages)
    readers = readers_of(task, models, passages, of, beside)
    if task.masked:
        yield from _without_probe(task, models, passages, beside, known)
    layers = beside if task.masked else of
    for seed in seeds:
        splits = deal_documents(task.documents, PARTS, np.random.default_rng([seed, 0]))
        yield from probe_all(task, readers, layers, task.y, splits, seed, task.name, known)
        if not task.masked:
            yield from _tags_only(task, readers, layers, splits, seed, known)


def _without_probe(
    task: Task, models: Models, passages: Passages, beside: Array, known: Set[Name]
) -> Iterator[Row]:
    """Yield what models predict by themselves; of many pairs by both sides only."""
    sides = ("", "-before", "-after") if len(task.answers) == 1 else ("",)
    names = [f"guess{side}" for side in sides] + [f"5-gram{side}" for side in sides[:2]]
    missing = [name for name in names if _name(_score(task.name, name, None)) not in known]
    if missing:
        found = guesses(models, task, beside) | ngram_guesses(models, passages)
        for reader in missing:
            yield _score(task.name, reader, None) | task.score(found[reader], task.y)


def _tags_only(
    task: Task,
    readers: dict[str, Any],
    layers: Array,
    splits: Splits,
    seed: int,
    known: Set[Name],
) -> Iterator[Row]:
    """Yield the control task, and words that the probe has not met."""
    lots = control_labels(task.words, np.random.default_rng([seed, 1]))
    see = {name: X for name, X in readers.items() if not name.startswith(("around", "bag"))}
    yield from probe_all(task, see, layers, lots, splits, seed, "tags-control", known)
    apart = deal_words(task.words, task.documents, PARTS, np.random.default_rng([seed, 2]))
    yield from probe_all(task, readers, layers, task.y, apart, seed, "tags-new", known)


def readers_of(
    task: Task, models: Models, passages: Passages, of: Array, beside: Array
) -> dict[str, Any]:
    """Return what each reader knows of every occurrence, (n, d), by its name."""
    layers = beside if task.masked else of
    readers: dict[str, Any] = {f"layer-{k}": layers[k] for k in range(len(layers))}
    readers["bag"] = bag(passages.around())
    if not task.masked:
        readers |= {f"around-{k}": beside[k] for k in range(1, len(beside))}
    if task.name in {"-".join(pair) for pair in AGREEMENT}:
        d = beside.shape[2] // 2
        for k in range(1, len(beside)):
            readers |= {f"layer-{k}-before": beside[k, :, :d], f"layer-{k}-after": beside[k, :, d:]}
        before, after = passages.sides()
        readers |= {"bag-before": bag(before), "bag-after": bag(after)}
    return readers | static_readers(models, passages) | minilm_readers(models, passages)


def probe_all(
    task: Task,
    readers: dict[str, Any],
    layers: Array,
    y: Array,
    splits: Splits,
    seed: int,
    name: str,
    known: Set[Name],
) -> Iterator[Row]:
    """Judge every reader, the learnt mix too, and for tags the most frequent one."""
    items = task.item if len(task.answers) > 1 and task.masked else None
    others = ("mix",) if task.masked else ("mix", "most-frequent")
    for reader in (*readers, *others):
        row = _score(name, reader, seed)
        if _name(row) in known:
            continue
        if reader == "most-frequent":
            yield row | task.score(most_frequent(task.words, y, splits), y)
            continue
        extra: Row = {}
        if reader == "mix":
            shares = _mixes(layers, y, splits, items, np.random.default_rng([seed, 4]))
            extra = {"shares": np.mean(shares, axis=0)}
            X: Any = [mixed(layers, some) for some in shares]
        else:
            X = readers[reader]
        rng = np.random.default_rng([seed, 3])
        found = cross_predict(X, y, task.documents, splits, rng, items=items)
        extra |= {"C": float(np.median(found.C)), "edges": found.edges}
        yield row | task.score(found.predicted, y) | extra


def _mixes(
    layers: Array, y: Array, splits: Splits, items: Array | None, rng: np.random.Generator
) -> list[Array]:
    """Learn the shares of the layers from each part's own documents."""
    return [
        learn_mix(layers[:, learn], y[learn], rng, items=None if items is None else items[learn])
        for learn, _ in splits
    ]
