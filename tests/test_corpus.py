from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lib.corpus as module
from lib.corpus import (
    Corpus,
    Source,
    build_corpus,
    cut_chunks,
    fingerprint,
    load_corpus,
    shuffle_chunks,
)
from lib.data import Store, load
from lib.text import Vocabulary

TOY = [["a", "b", "c", "d", "e"], ["a", "b"], ["c", "a", "f"]]

documents = st.lists(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12), min_size=1, max_size=8
)


def toy():
    corpus = Corpus.from_documents(TOY)
    return replace(
        corpus, sources=(Source("one"), Source("two")), source=np.array([0, 1, 0], np.int8)
    )


def words(corpus):
    return [corpus.vocabulary.decode(document) for document in corpus.documents()]


def letters(n, start=0):
    """n different words of two letters."""
    return [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(start, start + n)]


def built(sources, withheld=(), *, min_count=1, seed=0, log=None):
    rng = np.random.default_rng(seed)
    return build_corpus(sources, withheld, rng=rng, min_count=min_count, log=log)


# The corpus itself


def test_a_corpus_gives_back_its_documents():
    corpus = toy()
    assert words(corpus) == TOY
    assert len(corpus) == 3 and corpus.tokens == 10
    assert corpus.ids.dtype == np.int32 and corpus.starts.dtype == np.int64
    assert corpus.starts.tolist() == [0, 5, 7, 10]


def test_words_are_numbered_by_falling_count_then_alphabet():
    corpus = toy()
    assert corpus.vocabulary.words == ("a", "b", "c", "d", "e", "f")
    assert corpus.counts.tolist() == [3, 2, 2, 1, 1, 1]


def test_rare_words_vanish_and_their_neighbours_meet():
    corpus = Corpus.from_documents(TOY, min_count=2)
    assert words(corpus) == [["a", "b", "c"], ["a", "b"], ["c", "a"]]


def test_a_document_is_found_by_its_number_only():
    corpus = toy()
    assert corpus.document(2).tolist() == [2, 0, 5]
    for d in (-1, 3):
        with pytest.raises(IndexError, match="0 to 2"):
            corpus.document(d)


@pytest.mark.parametrize("starts", [[], [1, 3], [0, 2], [0, 2, 1, 3], [0, 4]])
def test_starts_must_fit_the_tokens(starts):
    with pytest.raises(ValueError, match="starts"):
        Corpus(Vocabulary("ab"), np.array([0, 1, 1]), np.array(starts, dtype=np.int64))


@pytest.mark.parametrize("ids", [[0, 2], [-1, 0]])
def test_an_id_must_be_a_word(ids):
    with pytest.raises(ValueError, match="2 words"):
        Corpus(Vocabulary("ab"), np.array(ids), np.array([0, 2]))


def test_each_document_has_one_source():
    with pytest.raises(ValueError, match="3 documents"):
        replace(toy(), source=np.array([0, 1], np.int8))


def test_the_head_is_the_first_tokens_under_the_same_vocabulary():
    for tokens, expected in [
        (1, [["a"]]),
        (5, [TOY[0]]),
        (6, [TOY[0], ["a"]]),
        (7, TOY[:2]),
        (10, TOY),
    ]:
        part = toy().head(tokens)
        assert words(part) == expected
        assert part.vocabulary == toy().vocabulary
        assert part.source.tolist() == [0, 1, 0][: len(expected)]
    assert toy().head(6).counts.tolist() == [2, 1, 1, 1, 1, 0]
    for tokens in (0, 11):
        with pytest.raises(ValueError, match="10"):
            toy().head(tokens)


@given(documents, st.integers(0, 5))
def test_kept_tokens_stay_in_their_documents(texts, seed):
    corpus = Corpus.from_documents(texts)
    chosen = np.random.default_rng(seed).random(corpus.tokens) < 0.5
    kept = corpus.keep(chosen)
    places = iter(chosen)
    assert words(kept) == [[word for word in text if next(places)] for text in texts]
    assert kept.vocabulary == corpus.vocabulary


@pytest.mark.parametrize("chosen", [np.ones(9, bool), np.ones(10, int)])
def test_each_token_is_kept_or_not(chosen):
    with pytest.raises(ValueError, match="10 tokens"):
        toy().keep(chosen)


def test_facts_count_each_source_and_all():
    assert [tuple(fact) for fact in toy().facts()] == [
        ("one", 2, 8, 6),
        ("two", 1, 2, 2),
        ("all", 3, 10, 6),
    ]
    assert toy().head(3).facts()[-1].types == 3


# Chunks


def test_cutting_leaves_the_order_and_makes_chunks_documents():
    cut = cut_chunks(toy(), 2)
    assert words(cut) == [["a", "b"], ["c", "d"], ["e"], ["a", "b"], ["c", "a"], ["f"]]
    assert cut.source.tolist() == [0, 0, 0, 1, 0, 0]
    assert words(cut_chunks(toy(), 5)) == TOY


@given(documents, st.integers(1, 13), st.integers(0, 5))
def test_shuffling_within_documents_keeps_each_document_s_chunks(texts, k, seed):
    corpus = Corpus.from_documents(texts)
    shuffled = shuffle_chunks(corpus, k, np.random.default_rng(seed), within="document")
    assert shuffled.starts.tolist() == corpus.starts.tolist()
    for before, after in zip(words(corpus), words(shuffled), strict=True):
        chunks = sorted(before[i : i + k] for i in range(0, len(before), k))
        assert _can_be_joined(after, chunks)


def _can_be_joined(text, chunks):
    if not text:
        return not chunks
    for i, chunk in enumerate(chunks):
        rest = chunks[:i] + chunks[i + 1 :]
        if text[: len(chunk)] == chunk and _can_be_joined(text[len(chunk) :], rest):
            return True
    return False


@given(documents, st.integers(1, 13), st.integers(0, 5))
def test_shuffling_between_documents_keeps_chunks_and_how_many_a_document_has(texts, k, seed):
    corpus = Corpus.from_documents(texts)
    rng = np.random.default_rng(seed)
    shuffled = shuffle_chunks(corpus, k, rng)
    before = [list(c) for c in cut_chunks(corpus, k).documents()]
    order = np.random.default_rng(seed).permutation(len(before))
    assert shuffled.ids.tolist() == [i for chunk in order for i in before[chunk]]
    per_document = [-(-len(text) // k) for text in texts]
    lengths = [len(before[chunk]) for chunk in order]
    ends = np.cumsum(per_document)
    assert np.diff(shuffled.starts).tolist() == [
        sum(lengths[end - n : end]) for end, n in zip(ends, per_document, strict=True)
    ]
    assert shuffled.counts.tolist() == corpus.counts.tolist()


def test_long_chunks_leave_documents_as_they_are():
    rng = np.random.default_rng(0)
    assert words(shuffle_chunks(toy(), 5, rng, within="document")) == TOY
    assert sorted(words(shuffle_chunks(toy(), 5, rng))) == sorted(TOY)


def test_shuffling_really_shuffles_and_follows_its_generator():
    corpus = Corpus.from_documents([[str(i) for i in range(100)], [str(i) for i in range(50)]])
    for within in ("corpus", "document"):
        one, two, other = (
            shuffle_chunks(corpus, 5, np.random.default_rng(seed), within=within).ids.tolist()
            for seed in (1, 1, 2)
        )
        assert one == two and one != other and one != corpus.ids.tolist()
    inside = shuffle_chunks(corpus, 5, np.random.default_rng(1), within="document")
    assert max(map(int, words(inside)[1])) == 49
    between = shuffle_chunks(corpus, 5, np.random.default_rng(1), within="corpus")
    assert max(map(int, words(between)[1])) > 49


def test_moving_chunks_between_documents_forgets_their_source():
    rng = np.random.default_rng(0)
    assert shuffle_chunks(toy(), 2, rng).source is None
    assert shuffle_chunks(toy(), 2, rng, within="document").source.tolist() == [0, 1, 0]


def test_chunks_have_at_least_one_token_and_a_known_home():
    with pytest.raises(ValueError, match="k = 0"):
        cut_chunks(toy(), 0)
    with pytest.raises(ValueError, match="sentence"):
        shuffle_chunks(toy(), 2, np.random.default_rng(0), within="sentence")


# Building


def test_words_are_lower_cased_runs_of_letters():
    corpus = built({"toy": ["It's 12 O'Clock, naïve_Ünïcode x2y"]})
    assert words(corpus) == [["it", "s", "o", "clock", "naïve", "ünïcode", "x", "y"]]


def test_documents_come_in_random_order_with_their_source():
    texts = {"left": [f"left l{c}" for c in "abcdef"], "right": [f"right r{c}" for c in "abc"]}
    corpus = built(texts, seed=3)
    assert sorted(words(corpus)) == sorted(text.split() for s in texts for text in texts[s])
    assert [["left", "right"][s] for s in corpus.source] == [text[0] for text in words(corpus)]
    assert [one.name for one in corpus.sources] == ["left", "right"]
    assert corpus.source.tolist() != sorted(corpus.source.tolist())
    assert words(corpus) == words(built(texts, seed=3)) != words(built(texts, seed=4))


def test_a_text_is_left_out_when_half_its_runs_of_eight_are_withheld():
    hidden = letters(40)
    for shared, left_out in [(19, True), (18, False)]:
        # 19 shared words are 12 shared runs of 8; 12 others add 12 runs that are not: half
        text = hidden[:shared] + letters(12, start=200)
        corpus = built({"toy": [" ".join(text), "keep me"]}, [" ".join(hidden)])
        assert corpus.sources[0].repeats == left_out
        assert corpus.sources[0].repeated_tokens == len(text) * left_out
        assert corpus.tokens == 2 + len(text) * (not left_out)


def test_eight_words_in_another_order_repeat_nothing():
    text = letters(8)
    corpus = built({"toy": [" ".join(reversed(text))]}, [" ".join(text)])
    assert corpus.sources[0].repeats == 0


def test_a_short_text_is_left_out_only_as_a_whole():
    corpus = built(
        {"toy": ["one two three", "one two", "Two, three"]}, ["one two three", "two three"]
    )
    assert words(corpus) == [["one", "two"]]


def test_runs_do_not_reach_over_the_end_of_a_withheld_text():
    text = letters(8)
    corpus = built({"toy": [" ".join(text)]}, [" ".join(text[:4]), " ".join(text[4:])])
    assert corpus.tokens == 8
    corpus = built({"toy": [" ".join(text[:4]), " ".join(text[4:])]}, [" ".join(text)])
    assert corpus.tokens == 8


def test_a_text_without_words_repeats_nothing_not_even_a_withheld_one_without_words():
    corpus = built({"toy": ["12", "cat"]}, ["", "34"])
    assert corpus.sources[0].repeats == 0
    assert words(corpus) == [["cat"]]


def test_words_of_withheld_texts_are_no_words():
    corpus = built({"toy": ["cat dog"]}, ["cat fish fish fish"])
    assert set(corpus.vocabulary.words) == {"cat", "dog"}


def test_rare_words_are_counted_and_left_out_after_repeats_are():
    sources = {"a": ["x x y", "rare x", "2 3", "gone"], "b": ["y y z", "y q"]}
    corpus = built(sources, ["y q"], min_count=3)
    assert corpus.vocabulary.words == ("x", "y")
    assert [one.rare_tokens for one in corpus.sources] == [2, 1]
    assert [one.repeats for one in corpus.sources] == [0, 1]
    assert sorted(words(corpus)) == [["x"], ["x", "x", "y"], ["y", "y"]]  # nothing left: no text


def test_building_says_what_it_does():
    said = []
    built({"toy": ["one two", "three"]}, ["three"], log=said.append)
    assert said == ["toy: 2 documents, 3 tokens, 1 left out"]


# The cache, with three short texts in place of the real sources


@pytest.fixture
def small(tmp_path, monkeypatch):
    store = Store(Store.from_environment().sets, tmp_path)
    monkeypatch.setattr(module, "_texts", lambda name, _: [f"{name} is a a a a a source", "a é"])
    monkeypatch.setattr(module, "_test_texts", lambda name, _: [f"a test of {name}"])
    return store


def files(store):
    return sorted((store.cache / "corpus").iterdir())


def same(a, b):
    return (
        a.vocabulary == b.vocabulary
        and a.ids.tolist() == b.ids.tolist()
        and a.starts.tolist() == b.starts.tolist()
        and a.source.tolist() == b.source.tolist()
        and a.sources == b.sources
    )


def test_the_second_time_the_corpus_comes_from_the_cache(small, monkeypatch):
    said = []
    first = load_corpus(store=small, log=said.append, min_count=1)
    assert "missing" in said[0] and len(said) == 9
    monkeypatch.setattr(module, "build_corpus", None)
    assert same(load_corpus(store=small, min_count=1), first)
    assert "é" in first.vocabulary and len(files(small)) == 1


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_cache_is_noticed_and_built_anew(small, damage):
    first = load_corpus(store=small)
    (path,) = files(small)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    content = {"flip": content, "cut": content[:-1], "empty": b""}[damage]
    path.write_bytes(content)
    said = []
    assert same(load_corpus(store=small, log=said.append), first)
    assert "damaged" in said[0]
    assert path.read_bytes() != content and files(small) == [path]


def with_other_news(store, digit):
    sets = dict(store.sets)
    (member,) = sets["news"].members
    sets["news"] = replace(sets["news"], members=(replace(member, sha256=digit * 64),))
    return replace(store, sets=sets)


def test_other_settings_and_other_sources_have_another_file(small):
    changed = with_other_news(small, "0")
    assert fingerprint(changed, 5) != fingerprint(small, 5) != fingerprint(small, 6)
    load_corpus(store=small)
    load_corpus(store=small, min_count=1)
    load_corpus(store=changed)
    assert len(files(small)) == 3


@pytest.mark.parametrize("part", ["corpus", "data"])
def test_other_code_has_another_file(small, monkeypatch, tmp_path, part):
    before = fingerprint(small, 5)
    changed = module if part == "corpus" else module.data
    copy = tmp_path / "changed.py"
    copy.write_bytes(Path(changed.__file__).read_bytes())
    monkeypatch.setattr(changed, "__file__", str(copy))
    assert fingerprint(small, 5) == before  # what counts is the code, not where it lies
    copy.write_bytes(copy.read_bytes() + b"\n")
    assert fingerprint(small, 5) != before


def test_three_versions_of_the_corpus_are_kept(small):
    load_corpus(store=small, min_count=1)
    load_corpus(store=small)
    oldest = files(small)
    for digit in "012":
        load_corpus(store=with_other_news(small, digit))
    assert len(files(small)) == 4
    (gone,) = set(oldest) - set(files(small))
    assert gone.name.startswith("min-count-5-")


def test_without_a_place_to_keep_it_the_corpus_is_built_all_the_same(small):
    (small.cache / "corpus").write_text("in the way")
    said = []
    assert load_corpus(store=small, log=said.append).tokens > 0
    assert "could not be kept" in said[-1]


def test_nothing_in_the_cache_is_unpickled(small):
    load_corpus(store=small)
    (path,) = files(small)
    assert b"pickle" not in path.read_bytes()
    assert module._read(path.with_name("no such file")) is None


# The real one


@pytest.fixture(scope="module")
def corpus():
    return load_corpus()


def test_the_book_s_corpus_has_seven_million_tokens(corpus):
    assert {fact.source: tuple(fact)[1:] for fact in corpus.facts()} == {
        "20newsgroups": (10_606, 2_788_111, 32_931),
        "r52": (5_978, 702_920, 14_614),
        "news": (3_783, 2_038_664, 27_592),
        "friends": (227, 641_184, 11_193),
        "grimm": (54, 77_070, 3_828),
        "excerpts": (140, 124_721, 8_188),
        "wikipedia": (106, 450_693, 20_312),
        "lee-background": (300, 59_338, 6_307),
        "all": (21_194, 6_882_701, 39_923),
    }
    assert min(corpus.counts) == 5
    assert [(one.name, one.repeats) for one in corpus.sources][:3] == [
        ("20newsgroups", 687),
        ("r52", 554),
        ("news", 0),
    ]


def test_no_test_text_stands_in_the_book_s_corpus(corpus):
    known = set(corpus.vocabulary.words)
    test = set()
    for name in ("20newsgroups", "r52", "r8"):
        for text in load(name).test.texts:
            kept = [word for word in text.split() if word in known]
            if len(kept) > 20:
                test.add(tuple(kept))
    assert len(test) > 9000
    assert not test & {tuple(document) for document in words(corpus)}


def test_its_documents_have_one_fixed_order(corpus):
    first = [corpus.sources[s].name for s in corpus.source[:5]]
    assert first == ["20newsgroups", "r52", "20newsgroups", "20newsgroups", "20newsgroups"]
    assert corpus.vocabulary.decode(corpus.ids[:4]) == ["bike", "for", "sale", "harley"]


def test_its_first_tokens_come_from_every_source(corpus):
    shares = np.bincount(corpus.head(500_000).source) / np.bincount(corpus.source)
    assert (shares > 0.03).all() and (shares < 0.15).all()


def test_the_episodes_keep_their_lines_in_order_and_titles_of_news_stay_out():
    store = Store.from_environment()
    episodes = module._texts("friends", store)
    assert episodes[0].startswith("There's nothing to tell!")
    assert len(episodes) == 227 and "\n" in episodes[0]
    news = load("news")
    assert module._texts("news", store)[0] == news.texts[0]
