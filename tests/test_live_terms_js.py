"""The scripts of the two live figures of chapter 3 compute what lib computes.

The pure part of each script runs in the Node that playwright brings along; what it answers is
held against `lib.counts` and `lib.text`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from typing import Any

import numpy as np
import pytest
from livescripts import asking
from scipy.sparse import csr_matrix

from lib.counts import BM25, BagOfWords, Tfidf, bm25
from lib.data import load
from lib.live_terms import (
    PASSAGES,
    Passage,
    Rankings,
    packed,
    passage_terms,
    rare_words,
    search_index,
    searchable,
    term_table,
)
from lib.text import edit_distance, nearest_spellings, tokenize

FITTED: dict[tuple[Any, ...], Tfidf] = {}  # one collection, so fitted once for all seeds
VARIANTS = ("textbook", "smooth", "sublinear", "unsmoothed")


terms = asking("term-scale.js")
news = asking("news-search.js")
shared = asking("live.js")


# The term scale -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def background() -> list[str]:
    return load("lee-background").texts


PASSAGE = Passage("lee", "A news item", "posts", 7, 5, 95, ("the", "of", "to"))


@pytest.fixture(scope="module")
def small(background: list[str]) -> dict[str, Any]:
    [counted] = passage_terms([PASSAGE], background)
    return {**counted, "marks": {}, "key": "lee"}


@pytest.mark.parametrize("seed", [0, 1, 12])
def test_every_setting_weighs_as_tfidf_fitted_on_the_collection(
    small: dict[str, Any], background: list[str], seed: int
) -> None:
    settings = [
        {"variant": v, "norm": norm, "least": least, "most": most, "pairs": pairs, "seed": seed}
        for v in VARIANTS
        for norm in (True, False)
        for least, most in ((1, 1), (3, 0.5), (2, 0.05))
        for pairs in (False, True)
    ]
    body = (
        "return input.settings.map((s) => [pure.wordsOf(input.passage, s.seed), "
        "pure.weigh(input.passage, input.n, s)]);"
    )
    answers = terms(body, passage=small, n=len(background), settings=settings)
    for wanted, (words, weighed) in zip(settings, answers, strict=True):
        key = (wanted["variant"], wanted["least"], wanted["most"], wanted["pairs"])
        if key not in FITTED:
            FITTED[key] = Tfidf(
                variant=wanted["variant"],
                min_df=wanted["least"],
                max_df=float(wanted["most"]),
                ngram_range=(1, 2 if wanted["pairs"] else 1),
            ).fit(background)
        model = FITTED[key]
        model.norm = "l2" if wanted["norm"] else "none"
        row = model.transform([" ".join(words)]).tocoo()
        columns = model.vocabulary_.words
        expected = {columns[j]: x for j, x in zip(row.coords[1], row.data, strict=True)}
        found = {item["term"]: item["weight"] for item in weighed["kept"] if item["weight"]}
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-13), wanted


def test_a_passage_of_the_figure_ranks_as_its_table() -> None:
    news_texts = load("news").texts
    own = next(p for p in PASSAGES if p.key == "carbon")
    marks = {word: list(mark) for (key, word), mark in rare_words().items() if key == own.key}
    [counted] = passage_terms([own], news_texts)
    document = {**counted, "title": own.title, "collection": "news", "marks": marks}
    collections = {"news": {"n": len(news_texts), "many": "articles"}}
    body = "return pure.ranked(pure.weigh(input.passage, input.n, pure.START).kept);"
    ranked = terms(body, passage=document, n=len(news_texts))
    rows = term_table(document, collections).rows
    assert len(rows) == 12
    for item, row in zip(ranked, rows, strict=False):
        assert (item["term"], item["tf"], item["df"], item["mark"]) == (*row[:3], row[5])
        assert item["weight"] == pytest.approx(row[3], rel=1e-12)


def test_a_shuffle_is_a_permutation_and_the_same_for_the_same_seed(small: dict[str, Any]) -> None:
    body = "return [0, 1, 1, 2].map((seed) => pure.wordsOf(input.passage, seed));"
    order, first, again, second = terms(body, passage=small)
    assert order == [small["words"][i] for i in small["order"]]
    assert first == again
    assert len({tuple(words) for words in (order, first, second)}) == 3
    assert Counter(first) == Counter(second) == Counter(order)


def test_every_order_of_three_words_is_about_equally_likely() -> None:
    body = "return Array.from({length: 1200}, (_, i) => pure.shuffled([1, 2, 3], i + 1).join(''));"
    orders = Counter(terms(body))
    assert sorted(orders) == ["123", "132", "213", "231", "312", "321"]
    assert all(150 <= times <= 250 for times in orders.values())  # 200 each, deviation 13


def test_a_shuffled_passage_has_the_identical_vector_until_pairs_count(
    small: dict[str, Any],
) -> None:
    body = """
      const at = (seed, pairs, variant) => pure.weigh(input.passage, 300,
        {...pure.START, seed, pairs, variant});
      return pure.VARIANTS.map((v) => [pure.compare(at(0, false, v), at(3, false, v)),
        pure.compare(at(0, true, v), at(3, true, v)),
        JSON.stringify(at(0, false, v)) === JSON.stringify(at(3, false, v))]);"""
    for words, pairs, identical in terms(body, passage=small):
        assert identical
        assert (words["distance"], words["cosine"]) == (0, 1)
        assert pairs["distance"] > 0.1
        assert pairs["cosine"] < 0.99


def test_distance_and_cosine_of_two_weighings_by_hand() -> None:
    body = """
      const of = (weights) => ({
        kept: Object.entries(weights).map(([term, weight]) => ({term, weight})),
      });
      return [pure.compare(of({a: 3, b: 4}), of({b: 4, c: 3})),
        pure.compare(of({}), of({a: 1}))];"""
    one, empty = terms(body)
    assert one == {"distance": pytest.approx(18**0.5), "cosine": 16 / 25, "shared": 1}
    assert empty == {"distance": 1, "cosine": 0, "shared": 0}


def test_thresholds_count_what_they_drop() -> None:
    passage = {
        "words": ["cta", "cat", "the"], "order": [2, 1, 2, 0], "df": [1, 5, 100],
        "pairs": [2, 1, 4], "marks": {"cta": ["typo", "cat"]},
    }  # fmt: skip
    body = """
      const s = {...pure.START, least: 2, most: 0.5};
      const words = pure.weigh(input.passage, 100, s);
      const pairs = pure.weigh(input.passage, 100, {...s, pairs: true});
      return [words.kept.map((k) => k.term), pure.tally(words.dropped),
        pairs.kept.map((k) => [k.term, k.mark]), pairs.unseen];"""
    kept, dropped, pairs, unseen = terms(body, passage=passage)
    assert kept == ["cat"]
    assert dropped == [["typo", 1], ["", 1]]
    assert pairs == [["cat", ""], ["the cat", "pair"]]
    assert unseen == 2  # cat the, the cta


def test_equal_weights_rank_in_alphabetical_order() -> None:
    items = [{"term": term, "weight": weight} for term, weight in (("b", 1), ("a", 1), ("c", 2))]
    ranked = terms("return pure.ranked(input.items);", items=items)
    assert [item["term"] for item in ranked] == ["c", "a", "b"]


def test_the_state_of_the_scale_survives_the_address() -> None:
    passages = [{"key": "lee"}, {"key": "tank"}]
    states = [
        {
            "passage": "tank", "variant": v, "norm": norm, "least": 5, "most": most,
            "pairs": norm, "seed": 42, "guess": guess, "term": "the cat",
        }
        for v in VARIANTS for norm in (True, False) for most in (1, 0.5, 0.05, 0.01)
        for guess in ("", "0", "2", "skip")
    ]  # fmt: skip
    body = "return input.states.map((s) => pure.read(pure.write(s), input.passages));"
    assert terms(body, states=states, passages=passages) == states


@pytest.mark.parametrize(
    "text", ["", "nothing", "lee.odd.1.7.33.9.-1.7.", "x.smooth", "......", "lee.smooth.1.x.x.1.x"]
)
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str) -> None:
    state = terms("return pure.read(input.text, [{key: 'lee'}]);", text=text)
    assert state["passage"] == "lee"
    assert (state["variant"], state["least"], state["most"]) == ("smooth", 1, 1)
    assert (state["seed"], state["guess"], state["pairs"]) == (0, "", False)


# The news search ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return searchable(load("news"))


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    return search_index(load("news"))


@pytest.fixture(scope="module")
def ranker(texts: list[str]) -> BM25:
    return BM25().fit(texts)


@pytest.fixture(scope="module")
def counts(texts: list[str], ranker: BM25) -> csr_matrix:
    return BagOfWords(vocabulary=ranker.vocabulary_).transform(texts)


def test_words_are_cut_alike_for_every_letter_of_unicode() -> None:
    letters = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in {"Cn", "Cs", "Co"}
    ]
    samples = [f"{letter}{letter}a b{letter}" for letter in letters]
    answers = news("return input.samples.map(pure.tokenize);", samples=samples)
    differ = [
        (hex(ord(letter)), tokenize(sample), answer)
        for letter, sample, answer in zip(letters, samples, answers, strict=True)
        if tokenize(sample) != answer
    ]
    assert differ == []


def test_words_are_cut_alike_in_real_titles_and_texts(texts: list[str]) -> None:
    samples = [
        "Don't say it's the O'Brien's café", "ΟΔΟΣ Σ ΑΣ.", "İstanbul İİ", "Straße STRASSE",
        "x² ½ ₃₃ Ⅷ", "snake_case __init__", "a b c", "", "naïve nai\u0308ve", "16th 226T 3.4",
        *load("news").titles, *texts[:50],
    ]  # fmt: skip
    answers = news("return input.samples.map(pure.tokenize);", samples=samples)
    assert answers == [tokenize(sample) for sample in samples]


def test_edit_distances_and_nearest_spellings_are_those_of_lib(index: dict[str, Any]) -> None:
    asked = ["goverment", "recieve", "parliment", "trmp", "elecshun", "escapee", "zzzzzzzz", "é"]
    words = news("return pure.prepare(input.index).byFrequency;", index=index)
    body = """
      return [input.asked.map((w) => pure.nearestSpellings(w, input.words)),
        input.asked.map((w) => pure.editDistance("government", w))];"""
    near, distances = shared(body, words=words, asked=asked)
    assert distances == [edit_distance("government", word) for word in asked]
    assert near == [nearest_spellings(word, words) for word in asked]
    assert near[0][0] == "government"


def test_the_unpacked_index_has_the_words_lengths_and_frequencies_of_the_articles(
    index: dict[str, Any], texts: list[str]
) -> None:
    body = """
      const m = pure.prepare(input.index);
      return [m.words, [...m.lengths], m.mean, m.postings.map((p) => p.documents.length),
        m.byFrequency.slice(0, 3)];"""
    words, lengths, mean, df, frequent = news(body, index=index)
    bag = BagOfWords()
    X = bag.fit_transform(texts)
    assert tuple(words) == bag.vocabulary_.words
    assert lengths == np.asarray(X.sum(axis=1)).ravel().tolist()
    assert mean == X.sum() / len(texts)
    assert df == np.bincount(X.indices, minlength=X.shape[1]).tolist()
    assert frequent == [
        bag.vocabulary_.words[j] for j in np.argsort(-np.array(df), kind="stable")[:3]
    ]


def test_packed_numbers_of_several_letters_are_read() -> None:
    numbers = [0, 31, 32, 1024, 3, 31 * 1024 + 32768]
    assert news('return pure.unpack("AfgBggBDgg_B");') == numbers
    assert news('return pure.unpackPostings("AFD");') == {"documents": [0, 3], "counts": [1, 5]}
    assert news('return pure.unpackWords("Acar De Ct");') == ["car", "care", "cat"]


def test_packed_numbers_of_any_size_are_read() -> None:
    numbers = [n for bits in range(5, 50, 5) for n in (2**bits - 1, 2**bits, 2**bits + 1)]
    assert news("return pure.unpack(input.text);", text="".join(map(packed, numbers))) == numbers


SEARCH = """
  const model = pure.prepare(input.index);
  return input.queries.map((query) => pure.search(model, query, input.settings));"""


@pytest.mark.parametrize(
    "settings",
    [{"k1": 1.2, "b": 0.75}, {"k1": 0, "b": 0.5}, {"k1": 3, "b": 1}, {"k1": 0.7, "b": 0}],
)
def test_fifty_titles_find_the_same_articles_with_the_same_scores(
    index: dict[str, Any], ranker: BM25, counts: csr_matrix, settings: dict[str, float]
) -> None:
    queries = [title for title in load("news").titles[::75] if title]
    assert len(queries) >= 50
    queries += ["the the of", "football football brexit", "Cap'n café", "prison, ESCAPE?"]
    ranker.k1, ranker.b = settings["k1"], settings["b"]
    ranker.weights_ = bm25(counts, **settings)
    found = news(SEARCH, index=index, queries=queries, settings=settings)
    for query, answer in zip(queries, found, strict=True):
        check_ranking(ranker.scores(query), answer["bm25"], query)


def test_fifty_titles_have_the_same_cosines(index: dict[str, Any], texts: list[str]) -> None:
    queries = [title for title in load("news").titles[1::75] if title] + ["the the football"]
    assert len(queries) >= 50
    model = Tfidf()
    W = model.fit_transform(texts)
    settings = {"k1": 1.2, "b": 0.75}
    for query, found in zip(
        queries, news(SEARCH, index=index, queries=queries, settings=settings), strict=True
    ):
        scores = np.asarray((W @ model.transform([query]).T).toarray()).ravel()
        check_ranking(scores, found["cosine"], query)


def check_ranking(scores: np.ndarray, found: dict[str, Any], query: str) -> None:
    """The same ten articles in the same order, the same scores, as many hits."""
    best = [i for i in np.argsort(-scores.round(10), kind="stable")[:10] if scores[i] > 0]
    assert [one["document"] for one in found["top"]] == best, query
    assert [one["score"] for one in found["top"]] == pytest.approx(scores[best], rel=1e-9)
    assert found["hits"] == int(np.sum(scores > 0)), query


def test_a_word_that_no_article_holds_is_named_and_counts_for_nothing(
    index: dict[str, Any],
) -> None:
    queries = ["prison xyzzyx", "prison", "xyzzyx"]
    with_it, without, alone = news(
        SEARCH, index=index, queries=queries, settings={"k1": 1.2, "b": 0.75}
    )
    assert with_it["unknown"] == ["xyzzyx"]
    assert without["unknown"] == []
    assert with_it["bm25"] == without["bm25"]
    assert alone["bm25"] == alone["cosine"] == {"hits": 0, "top": []}


def test_the_reasons_of_an_article_add_up_to_its_score(index: dict[str, Any]) -> None:
    body = """
      const model = pure.prepare(input.index);
      return input.queries.map((query) => {
        const found = pure.search(model, query, pure.START);
        return found.bm25.top.map(({document, score}) =>
          [score, pure.reasons(model, found.known, document, pure.START)]);
      });"""
    for top in news(body, index=index, queries=["prison escape prison", "oil prices", "the deal"]):
        assert len(top) == 10
        for score, parts in top:
            assert sum(part["adds"] for part in parts) == pytest.approx(score, rel=1e-12)
            for part in parts:
                assert part["adds"] == pytest.approx(part["times"] * part["idf"] * part["share"])
                assert 0 <= part["share"] < 1
                assert (part["share"] == 0) == (part["tf"] == 0)


def test_the_question_is_judged_as_bm25_ranks(index: dict[str, Any]) -> None:
    rankings = Rankings(load("news"))
    question = rankings.question("prison escape", ("Lawyer claims US never", "Prison smuggler:"))
    mean = rankings.X.sum() / rankings.X.shape[0]
    body = "return pure.judge(input.question, input.n, input.mean, pure.START);"
    judged = news(body, question=question, n=rankings.X.shape[0], mean=mean)
    scores = rankings.scores("prison escape")[0]
    places = [rankings.titles.index(article["title"]) for article in question["articles"]]
    assert [one["score"] for one in judged] == pytest.approx(scores[places], rel=1e-12)


def test_every_setting_in_hundredths_survives_the_address() -> None:
    body = """
      const start = pure.read("", 1);
      const back = (changes) => pure.read(pure.write({...start, ...changes}), 1);
      return [input.b.map((b) => back({b}).b), input.k1.map((k1) => back({k1}).k1)];"""
    b, k1 = [i / 100 for i in range(101)], [i / 10 for i in range(31)]
    assert news(body, b=b, k1=k1) == [b, k1]


def test_the_state_of_the_search_survives_the_address() -> None:
    states = [
        {"k1": k1, "b": b, "asked": 2, "guesses": ["0", "", "s"], "query": query}
        for k1 in (0, 0.3, 1.2, 3) for b in (0, 0.05, 0.75, 1)
        for query in ("", "oil prices", "3.4 tonnes. now", "café & co")
    ]  # fmt: skip
    assert (
        news("return input.states.map((s) => pure.read(pure.write(s), 3));", states=states)
        == states
    )


@pytest.mark.parametrize("text", ["", "x", "99.400.7.9999", "-3.-1.-1.abc", "..."])
def test_a_search_address_that_makes_no_sense_gives_the_beginning(text: str) -> None:
    state = news("return pure.read(input.text, 3);", text=text)
    assert state == {"k1": 1.2, "b": 0.75, "asked": 0, "guesses": ["", "", ""], "query": ""}
