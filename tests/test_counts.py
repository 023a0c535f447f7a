from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, issparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from lib.counts import (
    BM25,
    BagOfWords,
    Tfidf,
    bm25,
    document_frequency,
    expected_df,
    idf,
    l2_normalise,
    one_hot,
    residual_idf,
    tfidf,
)
from lib.data import load
from lib.text import EVERY_WORD, WORD, Vocabulary, tokenize

CATS = ["The cat and the dog", "the dog", "a cat"]

SCIKIT_LEARN = {
    "smooth": {},
    "sublinear": {"sublinear_tf": True},
    "unsmoothed": {"smooth_idf": False},
}


@cache
def newsgroups():
    return load("20newsgroups")


def same(ours, theirs):
    assert issparse(ours)
    assert ours.format == "csr"
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert ours.nnz == 0 or ours.data.all()  # no zero is stored
    difference = abs(ours - theirs)
    assert difference.nnz == 0 or difference.max() <= 1e-12


def words_of(vectorizer):
    return tuple(vectorizer.get_feature_names_out())


# one-hot


def test_a_one_hot_row_has_its_one_in_the_column_of_its_id():
    rows = one_hot([2, 0, 2], size=4)
    assert rows.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    assert rows.dtype == np.int64
    assert rows.format == "csr"
    assert rows.nnz == 3
    assert one_hot([], size=3).shape == (0, 3)


def test_distinct_words_have_nothing_in_common():
    rows = one_hot(range(5), size=5)
    np.testing.assert_array_equal((rows @ rows.T).toarray(), np.eye(5))


def test_looking_up_a_row_is_a_product_with_one_hot():
    W = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(one_hot([3, 1], size=4) @ W, W[[3, 1]])


@pytest.mark.parametrize("number", [-1, 3])
def test_an_id_without_a_column_is_refused(number):
    with pytest.raises(ValueError, match=f"id {number} has no column: size is 3"):
        one_hot([0, number], size=3)


def test_a_bag_of_words_is_a_sum_of_one_hots():
    bag = BagOfWords().fit(CATS)
    ids = bag.vocabulary_.encode(tokenize(CATS[0]))
    total = one_hot(ids, len(bag.vocabulary_)).sum(axis=0)
    np.testing.assert_array_equal(total, bag.transform(CATS[:1]).toarray())


# idf


def test_the_rarer_a_word_the_more_it_weighs_by_hand():
    df = [1, 2, 4]
    log = np.log
    np.testing.assert_allclose(idf(df, 4, "textbook"), [log(4), log(2), 0], atol=1e-15)
    np.testing.assert_allclose(idf(df, 4, "unsmoothed"), [1 + log(4), 1 + log(2), 1])
    np.testing.assert_allclose(idf(df, 4, "smooth"), [1 + log(5 / 2), 1 + log(5 / 3), 1])
    np.testing.assert_array_equal(idf(df, 4, "sublinear"), idf(df, 4, "smooth"))
    np.testing.assert_array_equal(idf(df, 4), idf(df, 4, "smooth"))


def test_a_word_of_no_document_has_a_smoothed_idf_only():
    assert idf([0], 4, "smooth")[0] == pytest.approx(1 + np.log(5))
    for variant in ("textbook", "unsmoothed"):
        with pytest.raises(ValueError, match=f"1 words stand in no document, so the {variant}"):
            idf([0, 1], 4, variant)


def test_impossible_document_frequencies_and_variants_are_refused():
    with pytest.raises(ValueError, match="stands in 5 documents, but there are only n = 4"):
        idf([5], 4)
    with pytest.raises(ValueError, match="variant 'log' is unknown"):
        idf([1], 4, "log")
    with pytest.raises(ValueError, match="norm 'l1' is unknown"):
        tfidf(csr_matrix([[1]]), norm="l1")


def test_document_frequency_counts_documents_not_tokens():
    assert document_frequency(csr_matrix([[3, 0, 1], [1, 0, 0]])).tolist() == [2, 0, 1]
    stored_zero = csr_matrix(([0, 1], [0, 1], [0, 2]), shape=(1, 2))
    assert document_frequency(stored_zero).tolist() == [0, 1]
    stored_twice = csr_matrix(([1, 1], [0, 0], [0, 2]), shape=(1, 1))
    assert document_frequency(stored_twice).tolist() == [1]


# residual idf


def test_chance_spreads_a_word_over_as_many_documents_as_poisson_says():
    got = expected_df([0, 1, 4, 8], n=4)
    want = [0, 4 * (1 - np.exp(-0.25)), 4 * (1 - np.exp(-1)), 4 * (1 - np.exp(-2))]
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert got.dtype == np.float64
    documents = np.random.default_rng(1).integers(0, 50, size=(4000, 80))  # 80 tokens, 50 documents
    met = np.mean([len(set(row)) for row in documents.tolist()])
    assert abs(expected_df([80], n=50)[0] - met) < 0.5  # the binomial, which Poisson approximates


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_word_is_expected_in_more_documents_than_it_has_tokens_or_there_are(cf, n):
    assert 0 < expected_df([cf], n)[0] <= min(cf, n)


def test_a_rare_word_keeps_its_digits():
    assert expected_df([1], n=10**12)[0] == pytest.approx(1 - 0.5e-12, rel=1e-15)


def test_impossible_counts_have_no_expectation():
    with pytest.raises(ValueError, match="n = 0, but a word needs"):
        expected_df([1], n=0)
    with pytest.raises(ValueError, match="a count is -2, but"):
        expected_df([1, -2], n=3)


def test_residual_idf_by_hand():
    X = csr_matrix([[4, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0]])
    chance = 4 * (1 - np.exp(-1))  # where four tokens fall on four documents
    want = [np.log(chance / 1), np.log(chance / 4), np.log(4 * (1 - np.exp(-0.25)))]
    np.testing.assert_allclose(residual_idf(X), want)
    twice = csr_matrix(([1, 3, 0], [0, 0, 1], [0, 3, 3]), shape=(2, 2))  # stored in two parts
    np.testing.assert_allclose(residual_idf(twice[:, :1]), np.log(2 * (1 - np.exp(-2))))
    with pytest.raises(ValueError, match="1 words stand in no document"):
        residual_idf(twice)


def test_a_word_seen_once_is_where_chance_would_put_it():
    X = BagOfWords().fit_transform(newsgroups().train.texts[:500])
    cf = np.asarray(X.sum(axis=0)).ravel()
    once = residual_idf(X)[cf == 1]
    assert len(once) > 1000
    assert np.all(np.abs(once) < 0.002)
    assert residual_idf(X).max() > 2


def test_a_word_that_crowds_is_informative_and_one_that_is_strewn_is_not():
    crowd, strewn = np.zeros((30, 2), dtype=int).T
    crowd[:3], strewn[:24] = 8, 1
    got = residual_idf(csr_matrix(np.column_stack([crowd, strewn])))
    assert got[0] > 1 > 0 > got[1]


# tf-idf


def test_tfidf_by_hand():
    X = csr_matrix([[3, 1, 0], [0, 1, 0], [0, 2, 1]])
    log = np.log
    textbook = [[3 * log(3), 0, 0], [0, 0, 0], [0, 0, log(3)]]
    np.testing.assert_allclose(tfidf(X, "textbook").toarray(), textbook)
    rare = 1 + log(4 / 2)
    smooth = [[3 * rare, 1, 0], [0, 1, 0], [0, 2, rare]]
    np.testing.assert_allclose(tfidf(X, norm="none").toarray(), smooth)
    sublinear = [[(1 + log(3)) * rare, 1, 0], [0, 1, 0], [0, 1 + log(2), rare]]
    np.testing.assert_allclose(tfidf(X, "sublinear", norm="none").toarray(), sublinear)
    unsmoothed = [[3 * (1 + log(3)), 1, 0], [0, 1, 0], [0, 2, 1 + log(3)]]
    np.testing.assert_allclose(tfidf(X, "unsmoothed", norm="none").toarray(), unsmoothed)


def test_rows_have_length_one_except_in_the_textbook_variant():
    X = csr_matrix([[3, 1, 0], [0, 1, 2], [0, 0, 0]])
    for variant in ("smooth", "sublinear", "unsmoothed"):
        lengths = np.linalg.norm(tfidf(X[:2], variant).toarray(), axis=1)
        np.testing.assert_allclose(lengths, 1)
    assert tfidf(X)[2].nnz == 0
    free = tfidf(X, "textbook", norm="none", weights=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(free.toarray(), [[3, 2, 0], [0, 2, 6], [0, 0, 0]])
    forced = tfidf(X, "textbook", norm="l2", weights=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(forced.toarray(), l2_normalise(free).toarray())
    usual = tfidf(X, "textbook", weights=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(usual.toarray(), free.toarray())


def test_a_word_of_every_document_weighs_nothing_in_the_textbook_and_is_not_stored():
    W = tfidf(csr_matrix([[1, 1], [1, 0]]), "textbook")
    assert W.nnz == 1
    assert W[0, 1] == pytest.approx(np.log(2))


def test_stored_zeros_do_not_become_weights():
    X = csr_matrix(([0, 2], [0, 1], [0, 2]), shape=(1, 2))
    for variant in ("smooth", "sublinear"):
        assert tfidf(X, variant).toarray().tolist() == [[0, 1]]
    assert bm25(X, k1=0).toarray()[0, 0] == 0


def test_counts_below_zero_and_weights_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="a count is -2"):
        tfidf(csr_matrix([[1, -2]]))
    with pytest.raises(ValueError, match=r"weights has shape \(3,\), but X has 2 columns"):
        tfidf(csr_matrix([[1, 2]]), weights=np.ones(3))
    with pytest.raises(ValueError, match=r"df has shape \(1,\), but X has 2 columns"):
        bm25(csr_matrix([[1, 2]]), df=[1], n=1, mean_length=3.0)


@pytest.mark.parametrize("weigh", [tfidf, bm25, l2_normalise, document_frequency])
def test_the_counts_passed_in_stay_as_they_are(weigh):
    X = csr_matrix(([2, 0, 1, 3], [1, 0, 1, 0], [0, 2, 4]), shape=(2, 2))
    before = X.data.copy(), X.indices.copy(), X.indptr.copy()
    weigh(X)
    for array, old in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_a_row_is_divided_by_its_euclidean_length():
    rows = l2_normalise(csr_matrix([[3, 4], [0, 0], [0, -5]]))
    np.testing.assert_allclose(rows.toarray(), [[0.6, 0.8], [0, 0], [0, -1]])


# bags of words


def test_a_bag_by_hand():
    bag = BagOfWords()
    X = bag.fit_transform(CATS)
    assert bag.vocabulary_.words == ("and", "cat", "dog", "the")
    assert X.toarray().tolist() == [[1, 1, 1, 2], [0, 0, 1, 1], [0, 1, 0, 0]]
    assert X.dtype == np.int64


def test_binary_asks_only_whether_a_word_is_there():
    assert BagOfWords(binary=True).fit_transform(CATS).toarray()[0].tolist() == [1, 1, 1, 1]
    bag = BagOfWords(binary=True).fit(CATS)
    assert bag.transform(["dog dog dog cat"]).toarray().tolist() == [[0, 1, 1, 0]]


def test_ngrams_are_columns_of_their_own():
    bag = BagOfWords(ngram_range=(2, 3)).fit(CATS)
    assert bag.vocabulary_.words == (
        "and the",
        "and the dog",
        "cat and",
        "cat and the",
        "the cat",
        "the cat and",
        "the dog",
    )
    assert bag.transform(["the dog the dog"]).toarray().sum() == 2


def test_shuffling_a_document_changes_its_bigrams_only():
    X = Tfidf(ngram_range=(1, 1)).fit(CATS).transform(["cat the dog and", "and cat dog the"])
    assert (X[0] != X[1]).nnz == 0
    X = Tfidf(ngram_range=(1, 2)).fit(CATS).transform(["the dog cat", "dog the cat"])
    assert (X[0] != X[1]).nnz > 0


def test_the_defaults_are_those_of_scikit_learn():
    same(BagOfWords().fit_transform(CATS), CountVectorizer().fit_transform(CATS))
    same(Tfidf().fit_transform(CATS), TfidfVectorizer().fit_transform(CATS))
    assert BagOfWords().token_pattern == WORD


def test_frequent_words_are_kept_first_and_ties_follow_the_alphabet():
    texts = ["dd dd cc bb aa", "cc bb"]
    for size, words in [(1, ("bb",)), (2, ("bb", "cc")), (3, ("bb", "cc", "dd"))]:
        assert BagOfWords(max_features=size).fit(texts).vocabulary_.words == words
    assert BagOfWords(max_features=9).fit(texts).vocabulary_.words == ("aa", "bb", "cc", "dd")
    # as sets the documents hold dd once, bb and cc twice
    assert BagOfWords(max_features=1, max_df=1).fit(texts).vocabulary_.words == ("dd",)
    assert BagOfWords(max_features=3, binary=True).fit(texts).vocabulary_.words == (
        "aa",
        "bb",
        "cc",
    )


def test_a_whole_number_counts_documents_and_a_float_is_a_share_of_them():
    texts = ["aa bb cc", "bb cc", "cc", "cc"]
    for options, words in [
        ({"min_df": 2}, ("bb", "cc")),
        ({"min_df": 0.5}, ("bb", "cc")),
        ({"min_df": 1.0}, ("cc",)),
        ({"min_df": np.int64(2)}, ("bb", "cc")),
        ({"max_df": 1}, ("aa",)),
        ({"max_df": 0.5}, ("aa", "bb")),
        ({"max_df": 1.0}, ("aa", "bb", "cc")),
        ({"min_df": 2, "max_df": 2}, ("bb",)),
    ]:
        assert BagOfWords(**options).fit(texts).vocabulary_.words == words


def test_a_given_vocabulary_sets_the_columns_and_needs_no_fit():
    for vocabulary in (["dog", "cat", "fox"], Vocabulary(["dog", "cat", "fox"])):
        bag = BagOfWords(vocabulary=vocabulary, min_df=2)
        assert bag.transform(CATS).toarray().tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 0]]
        assert bag.fit_transform(CATS).toarray().tolist() == [[1, 1, 0], [1, 0, 0], [0, 1, 0]]
        assert bag.vocabulary_.words == ("dog", "cat", "fox")


def test_words_of_one_letter_count_where_the_pattern_takes_them():
    bag = BagOfWords(token_pattern=EVERY_WORD, lowercase=False).fit(["A a The"])
    assert bag.vocabulary_.words == ("A", "The", "a")


def test_unknown_words_are_passed_over_and_empty_documents_are_empty_rows():
    bag = BagOfWords().fit(CATS)
    X = bag.transform(["zebra", "", "the zebra", ""])
    assert X.toarray().tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert bag.transform([]).shape == (0, 4)
    assert BagOfWords().fit_transform(["", "cat", ""]).toarray().tolist() == [[0], [1], [0]]


def test_texts_can_come_from_a_generator():
    assert (
        BagOfWords().fit_transform(t for t in CATS) != BagOfWords().fit_transform(CATS)
    ).nnz == 0


def test_fitting_again_forgets_the_first_texts():
    bag = BagOfWords().fit(CATS)
    assert bag.fit(["a new fox"]).vocabulary_.words == ("fox", "new")
    tf = Tfidf().fit(CATS)
    assert tf.fit(["fox", "fox new"]) is tf
    np.testing.assert_allclose(tf.idf_, [1, 1 + np.log(3 / 2)])


@pytest.mark.parametrize("model", [BagOfWords(), Tfidf(), BM25()])
def test_using_a_model_before_fitting_it_is_refused(model):
    with pytest.raises(RuntimeError, match=f"this {type(model).__name__} is not fitted yet"):
        model.transform(CATS)


def test_a_vocabulary_alone_gives_no_document_frequencies():
    with pytest.raises(RuntimeError, match="not fitted yet"):
        Tfidf(vocabulary=["cat"]).transform(CATS)
    with pytest.raises(RuntimeError, match="not fitted yet"):
        BM25(vocabulary=["cat"]).scores("cat")


def test_one_text_is_not_a_list_of_texts():
    with pytest.raises(TypeError, match="one single str"):
        BagOfWords().fit("the cat")
    with pytest.raises(TypeError, match="one single str"):
        BagOfWords().fit(CATS).transform("the cat")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ngram_range": (2, 1)}, "shortest <= longest"),
        ({"ngram_range": (0, 1)}, "shortest <= longest"),
        ({"min_df": 2.0}, "min_df = 2.0"),
        ({"max_df": 1.5}, "max_df = 1.5"),
        ({"min_df": -1}, "min_df = -1"),
        ({"max_features": 0}, "max_features = 0"),
        ({"vocabulary": ["cat", "cat"]}, "'cat' stands twice"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BagOfWords(**options)


def test_no_word_left_is_an_error_that_says_what_to_check():
    with pytest.raises(ValueError, match=r"of 4 words in 3 documents none is left.*min_df = 3"):
        BagOfWords(min_df=3).fit(CATS)
    with pytest.raises(ValueError, match="of 0 words in 0 documents none is left"):
        BagOfWords().fit([])


# against scikit-learn

bag_options = st.fixed_dictionaries(
    {
        "ngram_range": st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 3), (2, 3)]),
        "binary": st.booleans(),
        "lowercase": st.booleans(),
        "min_df": st.sampled_from([1, 2, 3, 0.0, 0.1, 0.34, 0.5]),
        "max_df": st.sampled_from([1.0, 0.9, 0.5, 4, 100]),
        "token_pattern": st.sampled_from([r"(?u)\b\w\w+\b", WORD, EVERY_WORD, r"[a-z](\w+)"]),
        "vocabulary": st.sampled_from([None, None, None, ["ba", "a", "abc abc", "the"]]),
    }
)
variants = st.sampled_from(sorted(SCIKIT_LEARN))
toy_texts = st.lists(
    st.lists(st.sampled_from(["a", "ba", "Ba", "abc", "abc,", "Ünd", "x1"]), max_size=8).map(
        " ".join
    ),
    min_size=1,
    max_size=8,
)


def fits(vectorizer, texts):
    try:
        return vectorizer.fit(texts)
    except ValueError:  # no word is left, or min_df lies above max_df
        return None


def compare(options, variant, l2, train, test):
    """Fit both libraries, and compare words, counts and weights."""
    their_bag = fits(CountVectorizer(**options), train)
    if their_bag is None:
        with pytest.raises(ValueError, match="none is left"):
            BagOfWords(**options).fit(train)
        return
    bag = BagOfWords(**options)
    same(bag.fit_transform(train), their_bag.transform(train))
    assert bag.vocabulary_.words == words_of(their_bag)
    same(bag.transform(test), their_bag.transform(test))

    df = np.bincount(their_bag.transform(train).indices, minlength=len(bag.vocabulary_))
    assume(df.all() or variant != "unsmoothed")  # scikit-learn divides by zero, ours refuses
    theirs = TfidfVectorizer(**options, **SCIKIT_LEARN[variant], norm="l2" if l2 else None)
    theirs.fit(train)
    ours = Tfidf(variant=variant, norm="l2" if l2 else "none", **options)
    same(ours.fit_transform(train), theirs.transform(train))
    same(ours.fit(train).transform(test), theirs.transform(test))
    np.testing.assert_allclose(ours.idf_, theirs.idf_, rtol=0, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(bag_options, variants, st.booleans(), toy_texts, toy_texts)
def test_any_settings_give_what_scikit_learn_gives_on_toy_texts(options, variant, l2, train, test):
    compare(options, variant, l2, train, test)


@settings(max_examples=40, deadline=None)
@given(bag_options, variants, st.booleans(), st.integers(0, 11_000), st.integers(2, 40))
def test_any_settings_give_what_scikit_learn_gives_on_newsgroups(options, variant, l2, start, n):
    texts = newsgroups().train.texts
    compare(options, variant, l2, texts[start : start + n], texts[:20])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.booleans(), st.integers(0, 11_000))
def test_the_most_frequent_words_are_those_of_scikit_learn(size, binary, start):
    texts = newsgroups().train.texts[start : start + 30]
    totals = CountVectorizer(binary=binary).fit_transform(texts).sum(axis=0).A1
    totals = np.append(np.sort(totals)[::-1], 0)
    size = min(size, len(totals) - 1)
    assume(totals[size - 1] > totals[size])  # scikit-learn chooses among ties at random
    ours = BagOfWords(max_features=size, binary=binary)
    theirs = CountVectorizer(max_features=size, binary=binary)
    same(ours.fit_transform(texts), theirs.fit_transform(texts))
    assert ours.vocabulary_.words == words_of(theirs)


def test_all_of_20_newsgroups_is_weighed_as_scikit_learn_weighs_it():
    news = newsgroups()
    ours, theirs = Tfidf(), TfidfVectorizer()
    same(ours.fit_transform(news.train.texts), theirs.fit_transform(news.train.texts))
    same(ours.transform(news.test.texts), theirs.transform(news.test.texts))
    assert ours.vocabulary_.words == words_of(theirs)

    X = BagOfWords(vocabulary=ours.vocabulary_).transform(news.test.texts)
    X = X[:, document_frequency(X) > 0]
    for variant, options in SCIKIT_LEARN.items():
        same(tfidf(X, variant), TfidfTransformer(**options).fit_transform(X))


def test_the_textbook_weights_are_scikit_learns_unsmoothed_ones_less_the_counts():
    texts = newsgroups().train.texts[:500]
    X = CountVectorizer().fit_transform(texts)
    unsmoothed = TfidfTransformer(norm=None, smooth_idf=False).fit_transform(X)
    textbook = Tfidf(variant="textbook").fit_transform(texts)
    assert abs(textbook - (unsmoothed - X)).max() <= 1e-12


# BM25


def plain_bm25(query, documents, k1, b, variant):
    """The sum over the words of a query, as it stands in the papers."""
    documents = [tokenize(document) for document in documents]
    n = len(documents)
    mean_length = sum(map(len, documents)) / n
    scores = []
    for document in documents:
        score = 0.0
        for word in tokenize(query):
            df = sum(word in other for other in documents)
            tf = document.count(word)
            odds = (n - df + 0.5) / (df + 0.5)
            weight = np.log(1 + odds) if variant == "lucene" else np.log(odds)
            if tf:
                score += weight * tf / (tf + k1 * (1 - b + b * len(document) / mean_length))
        scores.append(score)
    return scores


def test_bm25_by_hand():
    X = csr_matrix([[1, 0, 1], [0, 2, 2], [0, 0, 0]])  # lengths 2, 4, 0: mean 2
    W = bm25(X, k1=1.5, b=0.5).toarray()
    rare, common = np.log(1 + 2.5 / 1.5), np.log(1 + 1.5 / 2.5)
    short, long = 1.5 * (0.5 + 0.5 * 1), 1.5 * (0.5 + 0.5 * 2)
    expected = [
        [rare / (1 + short), 0, common / (1 + short)],
        [0, rare * 2 / (2 + long), common * 2 / (2 + long)],
        [0, 0, 0],
    ]
    np.testing.assert_allclose(W, expected, rtol=1e-12)
    W = bm25(X, k1=1.5, b=0.5, variant="robertson").toarray()
    assert W[0, 0] == pytest.approx(np.log(2.5 / 1.5) / (1 + short), rel=1e-12)
    assert W[0, 2] == pytest.approx(np.log(1.5 / 2.5) / (1 + short), rel=1e-12)
    assert W[0, 2] < 0  # the word stands in more than half of the documents


def test_the_usual_settings_of_bm25():
    X = csr_matrix([[1, 0, 1], [0, 2, 2]])
    ours = bm25(X).toarray()
    np.testing.assert_array_equal(ours, bm25(X, k1=1.2, b=0.75, variant="lucene").toarray())
    assert BM25() == BM25(k1=1.2, b=0.75, variant="lucene")


@given(
    toy_texts.filter(lambda texts: any(tokenize(text) for text in texts)),
    st.lists(st.sampled_from(["ba", "abc", "x1", "zz"]), max_size=5).map(" ".join),
    st.floats(0, 3),
    st.floats(0, 1),
    st.sampled_from(["lucene", "robertson"]),
)
def test_scores_are_the_sum_over_the_words_of_the_query(texts, query, k1, b, variant):
    ranker = BM25(k1=k1, b=b, variant=variant).fit(texts)
    np.testing.assert_allclose(
        ranker.scores(query), plain_bm25(query, texts, k1, b, variant), rtol=1e-12, atol=1e-12
    )


def test_scores_on_real_texts_are_the_sum_over_the_words_of_the_query():
    texts = newsgroups().train.texts[:60]
    query = "the encryption of the space shuttle"
    for variant in ("lucene", "robertson"):
        ranker = BM25(variant=variant).fit(texts)
        np.testing.assert_allclose(
            ranker.scores(query), plain_bm25(query, texts, 1.2, 0.75, variant), rtol=1e-12
        )


def test_new_documents_are_weighed_by_what_the_fitted_ones_taught():
    texts = ["the cat sat", "the dog sat", "the dog barked at the cat"]
    ranker = BM25()
    W = ranker.fit_transform(texts)
    assert issparse(W)
    assert abs(ranker.transform(texts) - W).max() == 0
    assert abs(ranker.transform(texts[1:2]) - W[1]).max() == 0
    assert abs(ranker.weights_ - W).nnz == 0


def test_the_lucene_weights_are_never_negative_and_saturate():
    X = csr_matrix([[1, 9], [2, 0], [400, 1]])
    W = bm25(X, b=0).toarray()
    assert W.min() >= 0
    assert W[0, 0] < W[1, 0] < W[2, 0] < np.log(1 + 0.5 / 3.5)


def test_length_matters_only_as_far_as_b_says():
    X = csr_matrix([[1, 0], [1, 9]])
    assert bm25(X, b=0)[0, 0] == bm25(X, b=0)[1, 0]
    assert bm25(X, b=0.1)[0, 0] > bm25(X, b=0.1)[1, 0]


@pytest.mark.parametrize("options", [{"k1": -0.1}, {"b": -0.1}, {"b": 1.1}])
def test_settings_outside_their_range_are_refused(options):
    with pytest.raises(ValueError, match="k1 is at least 0 and b lies between 0 and 1"):
        bm25(csr_matrix([[1]]), **options)


def test_empty_documents_and_unknown_variants_are_refused():
    with pytest.raises(ValueError, match="all documents are empty"):
        bm25(csr_matrix((2, 3)))
    with pytest.raises(ValueError, match="variant 'okapi' is unknown"):
        bm25(csr_matrix([[1]]), variant="okapi")


def test_what_bm25_learned_elsewhere_is_given_whole_or_not_at_all():
    X = csr_matrix([[1, 0], [1, 2]])
    with pytest.raises(ValueError, match="all three, or none"):
        bm25(X, df=[50, 60])
    with pytest.raises(ValueError, match="60 documents, but there are only n = 2"):
        bm25(X, df=[50, 60], n=2, mean_length=2.0)
    assert (bm25(X, df=[50, 60], n=100, mean_length=2.0).data > 0).all()
