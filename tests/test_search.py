"""What a result of the search shows of its page."""

from livescripts import asking

script = asking("../search.js")
TALE = (
    "Vectors stand for words. A window moves over the text and counts pairs. " * 6
    + "The cosine of two vectors is one where they point the same way. "
    + "Nothing else matters here. " * 20
)


def excerpt(text, *words):
    return script("return pure.excerpt(input.text, input.words);", text=text, words=words)


def best_place(text, *words):
    return script("return pure.bestPlace(input.text, input.words);", text=text, words=words)


def test_an_excerpt_holds_the_word_and_is_short():
    shown = excerpt(TALE, "cosine")
    assert "The cosine of two vectors" in shown and len(shown) <= 245


def test_an_excerpt_begins_with_a_sentence_where_one_begins_nearby():
    assert excerpt(TALE, "cosine").startswith("The cosine")


def test_an_excerpt_is_cut_between_words_and_says_so():
    shown = excerpt(TALE, "cosine")
    assert shown.endswith(" …")
    assert set(shown.removesuffix(" …").split()) <= set(TALE.split())
    inside = excerpt("x " * 200 + "cosine " + "y " * 200, "cosine")
    assert inside.startswith("… x ") and inside.endswith(" y …")


def test_a_short_text_is_shown_whole():
    assert excerpt("One  vector,\n two vectors.", "vector") == "One vector, two vectors."


def test_the_place_where_more_of_the_words_meet_is_shown():
    text = "A window. " + "Nothing. " * 60 + "The window of a cosine. " + "Nothing. " * 60
    assert excerpt(text, "window", "cosine").startswith("The window of a cosine.")


def test_a_word_is_looked_for_at_the_beginning_of_words_first():
    assert best_place("an exact act", "act") == 9
    assert best_place("an exact one", "act") == 5


def test_a_stem_that_stands_in_no_text_finds_its_word():
    assert best_place("The vocabulary grows", "vocabulari") == 4
    assert best_place("The vocabulary grows", "zebra") == -1


def test_what_nobody_wrote_gives_the_beginning():
    assert excerpt(TALE, "zebra").startswith("Vectors stand for words.")


def test_invisible_signs_of_formulas_are_left_out():
    assert excerpt("cos\u2061(u, v)", "cos") == "cos(u, v)"
