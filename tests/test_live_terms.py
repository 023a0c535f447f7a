"""The counts behind the two live figures of chapter 3, and the packing of the search index."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import live_terms
from lib.counts import BM25, Tfidf
from lib.data import Articles, DataError, load
from lib.live import LIMIT, LiveFigure, Table, compact, large
from lib.live_terms import (
    EVERY,
    LETTERS,
    LONGEST,
    MARKS,
    PASSAGES,
    QUERIES,
    QUESTIONS,
    Passage,
    Rankings,
    front_coded,
    news_index,
    news_search,
    packed,
    packed_postings,
    passage_terms,
    rare_words,
    search_index,
    search_table,
    searchable,
    shown_titles,
    term_scale,
    term_table,
)
from lib.text import tokenize

TOY = Passage("toy", "A toy", "posts", 1, 1, 6, ("the", "cat", "sat"))
TEXTS = ["The cat sat.", "so the cat, the big CAT barked", "a big cat", "cat sat, cat sat"]


# Reading back, written a second time so that a mistake in the packing cannot hide ---------------


def unpacked(text: str) -> Iterator[int]:
    number = shift = 0
    for letter in text:
        value = LETTERS.index(letter)
        number |= (value % 32) << shift
        shift += 5
        if value < 32:
            yield number
            number = shift = 0


def unpacked_postings(text: str) -> list[tuple[int, int]]:
    numbers, found, last = unpacked(text), [], -1
    for number in numbers:
        last += 1 + number // 2
        found.append((last, next(numbers) + 2 if number % 2 else 1))
    return found


def front_decoded(text: str) -> list[str]:
    words = [""]
    for coded in text.split(" "):
        words.append(words[-1][: LETTERS.index(coded[0])] + coded[1:])
    return words[1:]


@pytest.fixture(scope="module")
def scale() -> LiveFigure:
    return term_scale(load("20newsgroups"), load("news"))


@pytest.fixture(scope="module")
def rankings() -> Rankings:
    return Rankings(load("news"))


@pytest.fixture(scope="module")
def index() -> dict[str, object]:
    return search_index(load("news"))


# The term scale -----------------------------------------------------------------------------------


def test_a_passage_keeps_its_words_in_their_order() -> None:
    [terms] = passage_terms([TOY], TEXTS)
    assert terms["words"] == ["big", "cat", "the"]
    assert [terms["words"][i] for i in terms["order"]] == ["the", "cat", "the", "big", "cat"]


def test_document_frequencies_count_documents_of_the_whole_collection() -> None:
    assert passage_terms([TOY], TEXTS)[0]["df"] == [2, 4, 2]


def test_pairs_are_those_that_stand_side_by_side_in_some_document() -> None:
    flat = passage_terms([TOY], TEXTS)[0]["pairs"]
    triples = [tuple(flat[i : i + 3]) for i in range(0, len(flat), 3)]
    # big cat: documents 1 and 2; cat the: 1; the big: 1; the cat: 0 and 1; cat cat: nowhere
    assert triples == [(0, 1, 2), (1, 2, 1), (2, 0, 1), (2, 1, 2)]


def test_rare_words_have_known_marks_and_only_typos_have_a_meaning() -> None:
    for (_, word), (mark, meant) in rare_words().items():
        assert mark in MARKS, word
        assert bool(meant) == (mark == "typo"), word
        assert meant != word
    assert len(rare_words()) == 39


def test_an_unknown_mark_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"  # type: ignore[operator]
    folder.mkdir()
    (folder / "rare-words.csv").write_text(
        "passage,word,mark,meant\ntoy,cat,animal,\n", encoding="utf-8"
    )
    monkeypatch.setattr(live_terms, "DATA", tmp_path)
    rare_words.cache_clear()
    with pytest.raises(ValueError, match=r"toy, cat: the mark 'animal' is none of typo, name"):
        rare_words()
    rare_words.cache_clear()


def test_every_rare_word_of_a_passage_was_judged_and_no_other_but_one(scale: LiveFigure) -> None:
    for document in scale.data["documents"]:
        df = dict(zip(document["words"], document["df"], strict=True))
        rare = {word for word, n in df.items() if n <= 3}
        assert rare - set(document["marks"]) == set(), document["key"]
        assert set(document["marks"]) - rare <= {"reciever"}, document["key"]


def test_a_typo_is_spelled_like_what_was_meant(scale: LiveFigure) -> None:
    from lib.text import edit_distance

    for document in scale.data["documents"]:
        for word, (mark, meant) in document["marks"].items():
            if mark == "typo":
                assert edit_distance(word, meant) <= 3, word


def test_numbers_hold_a_digit_and_the_other_marks_do_not() -> None:
    for (_, word), (mark, _) in rare_words().items():
        assert any(letter.isdigit() for letter in word) == (mark == "number"), word


def test_passages_are_short_excerpts_with_three_of_their_words_to_choose_from(
    scale: LiveFigure,
) -> None:
    for passage, document in zip(PASSAGES, scale.data["documents"], strict=True):
        assert len(document["order"]) == passage.stop - passage.start <= 100
        assert set(document["choices"]) <= set(document["words"])
        assert len(set(document["choices"])) == 3


def test_the_choices_of_a_passage_differ_in_weight(scale: LiveFigure) -> None:
    for document in scale.data["documents"]:
        n = scale.data["collections"][document["collection"]]["n"]
        tf = Counter(document["words"][i] for i in document["order"])
        df = dict(zip(document["words"], document["df"], strict=True))
        weights = sorted(tf[w] * (np.log((1 + n) / (1 + df[w])) + 1) for w in document["choices"])
        assert weights[2] > 1.01 * weights[1], document["key"]


def test_frequencies_are_those_of_the_real_collections(scale: LiveFigure) -> None:
    texts = {"posts": load("20newsgroups").train.texts, "news": load("news").texts}
    for name in texts:
        assert scale.data["collections"][name]["n"] == len(texts[name])
    document = scale.data["documents"][3]
    words = {"fullerite", "the", "carbon"}
    tally = Counter(w for text in texts["news"] for w in words & set(tokenize(text)))
    assert {w: document["df"][document["words"].index(w)] for w in words} == tally


def test_a_typo_outweighs_a_word_of_the_subject_in_the_first_passage(scale: LiveFigure) -> None:
    document = scale.data["documents"][0]
    weights = {row[0]: row[3] for row in term_table(document, scale.data["collections"]).rows}
    assert weights["electornic"] > 0.1
    assert "stereo" not in weights
    assert "sega" not in weights


def test_the_table_of_terms_agrees_with_tfidf_fitted_on_the_collection(scale: LiveFigure) -> None:
    posts = load("20newsgroups").train.texts
    passage = PASSAGES[0]
    text = " ".join(tokenize(posts[passage.number])[passage.start : passage.stop])
    columns = {}
    words = sorted(set(text.split()))  # the other columns of this row are zero
    for variant in ("smooth", "textbook"):
        row = Tfidf(variant=variant, vocabulary=words).fit(posts).transform([text])
        columns[variant] = dict(zip(words, row.toarray().ravel(), strict=True))
    assert len(scale.table.rows) == 12
    for term, tf, df, smooth, textbook, mark in scale.table.rows:
        assert smooth == pytest.approx(columns["smooth"][term], abs=1e-12)
        assert textbook == pytest.approx(columns["textbook"][term], abs=1e-12)
        assert tf == text.split().count(str(term))
        assert mark in {"", *MARKS}
        assert int(df) >= 1
    assert [row[3] for row in scale.table.rows] == sorted(columns["smooth"].values())[:-13:-1]


def test_a_mark_stands_in_the_table_and_the_header_names_the_collection() -> None:
    collections = {"posts": {"many": "posts", "one": "post", "n": 1000, "label": "toys"}}
    document = {
        "title": "A toy", "collection": "posts", "words": ["cta", "the"], "order": [1, 0, 1],
        "df": [1, 1000], "marks": {"cta": ["typo", "cat"]},
    }  # fmt: skip
    table = term_table(document, collections)
    assert table.header[0] == "term of “A toy”"
    assert table.header[2] == "posts with it, of 1,000"
    cta, the = table.rows
    assert (cta[0], cta[1], cta[2], cta[5]) == ("cta", 1, 1, "typo")
    assert cta[4] == pytest.approx(np.log(1000))
    assert (the[0], the[1], the[4], the[5]) == ("the", 2, 0.0, "")


def test_the_figure_is_called_term_scale_and_keeps_within_its_limit(scale: LiveFigure) -> None:
    assert scale.name == "term-scale"
    assert len(compact(scale.payload()["data"]).encode()) < LIMIT / 2


def test_passages_counted_together_are_counted_as_if_alone() -> None:
    other = Passage("other", "Another", "posts", 3, 0, 4, ("cat", "sat", "cat"))
    both = passage_terms([TOY, other], TEXTS)
    assert both == [*passage_terms([TOY], TEXTS), *passage_terms([other], TEXTS)]


# The index ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**40)))
def test_packed_numbers_are_read_back(numbers: list[int]) -> None:
    assert list(unpacked("".join(map(packed, numbers)))) == numbers


@given(st.dictionaries(st.integers(0, 5000), st.integers(1, 500), min_size=1))
def test_packed_postings_are_read_back(counts: dict[int, int]) -> None:
    postings = sorted(counts.items())
    text = packed_postings([d for d, _ in postings], [c for _, c in postings])
    assert unpacked_postings(text) == postings


@given(st.sets(st.text("abcé_1", min_size=1, max_size=80), min_size=1))
def test_front_coded_words_are_read_back(words: set[str]) -> None:
    assert front_decoded(front_coded(sorted(words))) == sorted(words)


def test_a_shared_beginning_of_more_than_63_letters_is_cut_there() -> None:
    assert front_coded(["a" * 70, "a" * 70 + "b"]) == f"A{'a' * 70} _{'a' * 7}b"


def test_the_64_letters_differ_and_are_safe_in_a_script() -> None:
    assert len(set(LETTERS)) == 64
    assert not set(LETTERS) & set("\"'\\<> \n")


def test_every_third_article_is_searched_with_its_title() -> None:
    articles = Articles("toy", list("abcdefg"), list("ABCDEFG"))
    assert EVERY == 3
    assert searchable(articles) == ["a\nA", "d\nD", "g\nG"]
    assert shown_titles(articles) == ["a", "d", "g"]


def test_shown_titles_are_one_short_line_without_scars() -> None:
    long = "word " * 40
    articles = Articles("toy", [" a \n\ufffdb ", "", "", "", "", "", long], ["x"] * 3 + ["y z"] * 4)
    titles = shown_titles(articles)
    assert titles[0] == "a b"
    assert titles[1] == "Untitled: y z …"
    assert titles[2] == "word " * 20 + "…"
    assert len(titles[2]) <= LONGEST + 2
    assert shown_titles(Articles("toy", ["x" * LONGEST], [""])) == ["x" * LONGEST]


def test_the_index_holds_every_word_of_the_articles_and_no_text(index: dict[str, object]) -> None:
    articles = load("news")
    texts = searchable(articles)
    words = front_decoded(str(index["words"]))
    postings = [unpacked_postings(text) for text in str(index["postings"]).split(" ")]
    assert index["n"] == len(texts) == 1263
    assert words == sorted({word for text in texts for word in tokenize(text)})
    assert len(postings) == len(words)
    counts: list[Counter[str]] = [Counter() for _ in texts]
    for word, found in zip(words, postings, strict=True):
        for document, count in found:
            counts[document][word] = count
    assert counts == [Counter(tokenize(text)) for text in texts]
    assert set(index) == {"n", "words", "postings", "titles"}
    assert index["titles"] == shown_titles(articles)


def test_the_index_is_below_its_budget_and_the_same_each_time(index: dict[str, object]) -> None:
    text = compact(index)
    assert len(text.encode()) < 1.5e6
    assert compact(news_index()) == text
    assert compact(large("news-search")) == text


def test_without_the_news_there_is_no_index_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> None:
        raise DataError(f"{name} was never fetched")

    monkeypatch.setattr(live_terms, "load", missing)
    assert news_index() is None
    assert [record.getMessage() for record in caplog.records] == [
        "the news search has no index on this site: news was never fetched"
    ]


# The news search ----------------------------------------------------------------------------------


def test_scores_are_those_of_bm25_and_of_the_cosine(rankings: Rankings) -> None:
    texts = searchable(load("news"))
    bm25, cosine = rankings.scores("prison escape prison")
    assert bm25 == pytest.approx(BM25().fit(texts).scores("prison escape prison"))
    model = Tfidf(variant="smooth", norm="l2").fit(texts)
    wanted = (model.transform(texts) @ model.transform(["prison escape prison"]).T).toarray()
    assert cosine == pytest.approx(wanted.ravel())
    assert cosine.max() <= 1 + 1e-12


def test_a_question_tells_counts_and_lengths_but_not_the_answer(rankings: Rankings) -> None:
    texts = searchable(load("news"))
    question = rankings.question("prison escape", ("Lawyer claims US never", "Prison smuggler:"))
    assert set(question) == {"query", "words", "df", "articles"}
    assert question["words"] == ["prison", "escape"]
    assert question["df"] == [sum(w in tokenize(t) for t in texts) for w in question["words"]]
    for article in question["articles"]:
        assert set(article) == {"title", "length", "tf", "cosine"}
        number = rankings.titles.index(article["title"])
        tokens = tokenize(texts[number])
        assert article["length"] == len(tokens)
        assert article["tf"] == [tokens.count("prison"), tokens.count("escape")]
        assert article["cosine"] == rankings.scores("prison escape")[1][number]


@pytest.mark.parametrize(("beginning", "found"), [("No such title", 0), ("Trump", 2)])
def test_a_question_needs_one_title(rankings: Rankings, beginning: str, found: int) -> None:
    assert sum(title.startswith(beginning) for title in rankings.titles) >= found
    with pytest.raises(ValueError, match=rf"titles begin with '{beginning}', one is needed"):
        rankings.question("prison", (beginning, "Prison smuggler:"))


def test_each_question_has_a_clear_answer_and_two_of_three_part_the_methods(
    rankings: Rankings,
) -> None:
    parted = 0
    for query, beginnings in QUESTIONS:
        titles = [article["title"] for article in rankings.question(query, beginnings)["articles"]]
        places = [rankings.titles.index(title) for title in titles]
        bm25, cosine = (scores[places] for scores in rankings.scores(query))
        assert abs(bm25[0] - bm25[1]) > 0.05, query
        assert bm25.max() == rankings.scores(query)[0].max(), "the winner is the first of all"
        parted += (bm25[0] > bm25[1]) != (cosine[0] > cosine[1])
    assert parted == 2


def test_the_table_of_searches_ranks_by_both(rankings: Rankings) -> None:
    table = search_table(rankings, ("football",))
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["football, 1", "football, 2", "football, 3"]
    bm25, cosine = rankings.scores("football")
    assert [row[2] for row in table.rows] == sorted(bm25)[:-4:-1]
    assert [row[4] for row in table.rows] == sorted(cosine)[:-4:-1]
    assert table.rows[0][1] == rankings.titles[int(np.argmax(bm25))]
    assert table.rows[0][3] == rankings.titles[int(np.argmax(cosine))]


def test_of_equal_scores_the_earlier_article_comes_first() -> None:
    titles, texts = ["Dog", "Cat.", "Cat?", "Dog."], ["runs", "sat", "sat", "sat"]
    spread = [value for title in titles for value in (title, "", "")]  # every third is searched
    bodies = [value for text in texts for value in (text, "", "")]
    table = search_table(Rankings(Articles("toy", spread, bodies)), ("cat",))
    assert [row[1] for row in table.rows] == ["Cat.", "Cat?", "Dog"]
    assert [row[3] for row in table.rows] == ["Cat.", "Cat?", "Dog"]
    assert table.rows[0][2] == table.rows[1][2] > table.rows[2][2] == 0


def test_the_search_figure_says_what_is_indexed_and_how_large_it_is(
    index: dict[str, object],
) -> None:
    figure = news_search(load("news"))
    data = figure.payload()["data"]
    assert figure.name == "news-search"
    assert (data["n"], data["of"]) == (1263, 3788)
    assert data["words"] == sum(len(tokenize(text)) for text in searchable(load("news")))
    assert data["vocabulary"] == len(str(index["words"]).split(" "))
    assert data["megabytes"] == round(len(compact(index).encode()) / 1e6, 1)
    assert data["packed"] <= 0.6
    assert len(figure.table.rows) == 3 * len(QUERIES)
    assert len(json.dumps(data)) < 5000, "the index is not in the notebook"
