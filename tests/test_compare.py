"""Two values are told apart in words: kinds first, then plain data."""

from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lib.compare import EXACT, Tolerance, difference, kind, show

NEAR = Tolerance(relative=1e-6, absolute=1e-9)
FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=5)
    | hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(plain)
def test_every_plain_value_agrees_with_itself_and_can_be_shown_on_one_line(value):
    assert difference(value, value) is None
    assert "\n" not in show(value).replace("\\n", "")
    assert len(show(value)) <= 240


@given(hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=4)), st.data())
def test_one_changed_value_is_found_at_its_index(array, data):
    index = data.draw(st.tuples(*(st.integers(0, n - 1) for n in array.shape)))
    changed = array.copy()
    changed[index] ^= 1
    words = difference(changed, array)
    assert words == (
        f"at [{', '.join(map(str, index))}]: {changed[index]} instead of {array[index]}; "
        f"1 of {array.size} values differ (tolerance 0 relative, 0 absolute)"
    )


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ([1], (1,), "yours is a list, expected a tuple: tuple(...) makes one"),
        ((1,), [1], "yours is a tuple, expected a list: list(...) makes one"),
        (
            [1.0],
            np.array([1.0]),
            "yours is a list, expected an array: np.array(...) makes one",
        ),
        (np.ones((1, 2)), [1, 1], "yours is an array of shape (1, 2), expected a list: list("),
        (np.array([2.0]), 2.0, "yours is an array of shape (1,), expected a number"),
        (np.array(2.0), 2.0, "yours is an array of shape (), expected a number"),
        (True, 1, "yours is a truth value, expected a number"),
        (1, True, "yours is a number, expected a truth value"),
        ("1", 1, "yours is a text, expected a number"),
        (None, [1], "yours is None, expected a list"),
        (..., 1, "yours is ..., expected a number"),
        ([], {}, "yours is a list, expected a dictionary: dict(...) makes one"),
        ([1], {1}, "yours is a list, expected a set: set(...) makes one"),
        (range(2), [0, 1], "yours is a range object, expected a list: list(...) makes one"),
        (object(), 1, "yours is an object object, expected a number"),
        (1j, 1.0, "yours is a complex object, expected a number"),
        (
            np.ones((1, 1)),
            scipy.sparse.csr_array(np.ones((1, 1))),
            "yours is an array of shape (1, 1), expected a sparse matrix",
        ),
        (
            scipy.sparse.csr_array(np.ones((1, 1))),
            np.ones((1, 1)),
            "yours is a sparse matrix, expected an array",
        ),
    ],
)
def test_another_kind_is_named_with_the_way_to_mend_it(got, expected, words):
    assert difference(got, expected).startswith(words)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (2, 2.0),
        (np.float32(2), 2),
        (np.int8(2), 2),
        (np.uint64(2), 2),
        (np.float16(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.True_, True),
        (np.str_("a"), "a"),
        (float("nan"), np.nan),
        (np.inf, np.inf),
        (10**400, 10**400),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
        (np.array(["a"]), np.array(["a", "bb"])[:1]),
        (np.array([None, [1]], dtype=object), np.array([None, [1]], dtype=object)),
        (np.array([True]), np.array([True])),
        (np.array([1j]), np.array([1j])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (frozenset("ab"), set("ab")),
        ({("a", 1)}, {("a", 1)}),
    ],
)
def test_storage_does_not_count_within_a_kind(got, expected):
    assert difference(got, expected) is None
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (3, 2, "3 instead of 2 (tolerance 0 relative, 0 absolute)"),
        (10**400, 10**400 + 1, "instead of"),
        (2**53 + 1, 2**53, "9007199254740993 instead of 9007199254740992"),
        (10**400, 1.5, "yours can't be compared (OverflowError)"),
        (np.nan, 0.0, "nan instead of 0"),
        (0.0, np.nan, "0 instead of nan"),
        (np.inf, -np.inf, "inf instead of -inf"),
        (np.False_, True, "False instead of True"),
        ("abc", "abd", "character 2 is 'c' instead of 'd'"),
        ("ab", "abd", "yours ends after 2 characters, 'd' should follow"),
        ("abd", "ab", "yours should end after 2 characters, 'd' follows"),
        ([1, 2], [1], "yours has 2 items, expected 1"),
        ([2], [1, 2], "yours has 1 items, expected 2; at [0]: 2 instead of 1"),
        ([[1, "a"]], [[1, "b"]], "at [0][1]: character 0 is 'a' instead of 'b'"),
        ([[1]], [[1, 2]], "at [0]: yours has 1 items, expected 2"),
        ([(1,)], [[1]], "at [0]: yours is a tuple, expected a list"),
        ({"a": 1}, {"a": 2}, "at ['a']: 1 instead of 2"),
        ({"a": 1}, {"b": 1, "c": 1}, "keys: yours lacks 'b' and has 'a' too many (2 missing, 1"),
        ([{"a": 1}], [{}], "at [0]: keys: yours has 'a' too many (0 missing, 1 too many)"),
        ({1, 2}, {1, 3}, "yours lacks 3 and has 2 too many (1 missing, 1 too many)"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "the shape is (2, 3), expected (3, 2): swap the axes"),
        (np.zeros(2), np.zeros(3), "the shape is (2,), expected (3,)"),
        (np.zeros((2, 1)), np.zeros(2), "the shape is (2, 1), expected (2,)"),
        (np.array(["1"]), np.array([1]), "yours holds texts (dtype <U1), expected numbers"),
        (np.array([1, 0]), np.array([True, False]), "yours holds numbers (dtype int64), expected"),
        (np.array([1j]), np.array([1.0]), "yours holds complex numbers (dtype complex128), exp"),
        (np.array([2j]), np.array([1j]), "at [0]: "),
        (np.array(["a", "b"]), np.array(["a", "c"]), "at [1]: 'b' instead of 'c'; 1 of 2 values"),
        (np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object), "at [1]: character"),
        ([np.array([1, 2])], [np.array([1, 3])], "at [0][1]: 2 instead of 3"),
        (np.array([0.0, np.nan, 1]), np.zeros(3), "at [1]: nan instead of 0; 2 of 3 values differ"),
    ],
)
def test_the_first_difference_is_said_in_words(got, expected, words):
    assert difference(got, expected).startswith(words) or words in difference(got, expected)
    assert difference(got, got) is None


def test_a_long_integer_is_compared_beyond_the_digits_of_a_float():
    assert difference(np.array([2**53 + 1]), np.array([2**53])) is not None


def test_numbers_that_look_alike_are_shown_with_more_digits():
    assert difference(1.0000001, 1.0) == (
        "1.0000001 instead of 1 (tolerance 0 relative, 0 absolute)"
    )


def test_the_tolerance_is_relative_to_the_expected_value_plus_an_absolute_part():
    within = Tolerance(relative=0.1, absolute=1.0)
    assert difference(111.0, 100.0, within) is None
    assert difference(111.1, 100.0, within) is not None
    assert difference(89.0, 100.0, within) is None
    assert difference(88.9, 100.0, within) is not None
    assert difference(100.0, 111.2, within) is None
    assert difference(1.0, 0.0, within) is None
    assert difference(np.array([1.01]), np.array([0.0]), within) is not None
    assert difference(101, 100, within) is not None, "whole numbers are compared exactly"


def test_the_default_tolerance_is_a_millionth_and_a_billionth():
    assert Tolerance() == Tolerance(relative=1e-6, absolute=1e-9)
    assert Tolerance(0.0, 0.0) == EXACT
    assert str(Tolerance()) == "tolerance 1e-06 relative, 1e-09 absolute"


class Liar:
    """Says that it equals everything and is whatever one wants."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("a")

    def __float__(self):
        return 1.0

    def __array__(self, dtype=None, copy=None):
        return np.ones(1)

    def __repr__(self):
        raise RuntimeError("no")


def lying_subclass(base):
    return type("Sub", (base,), {"__eq__": lambda a, b: True, "__hash__": lambda a: hash("a")})


@pytest.mark.parametrize("honest", [1, 1.0, "a", [1], (1,), {"a": 1}, {"a"}, np.ones(1), None])
def test_an_object_that_equals_everything_agrees_with_nothing(honest):
    assert difference(Liar(), honest) is not None
    assert difference([Liar()], [honest]) is not None
    assert difference({"a": Liar()}, {"a": honest}) is not None


@pytest.mark.parametrize(
    "honest", [1, 1.0, "a", [1], (1,), {"a": 1}, {"a"}], ids=lambda v: type(v).__name__
)
def test_a_lying_subclass_agrees_with_nothing(honest):
    assert difference(lying_subclass(type(honest))(honest), honest) is not None


def test_a_lying_key_or_member_or_array_element_is_found():
    assert "contains a Liar object" in difference({Liar(): 1}, {"a": 1})
    assert "contains a Liar object" in difference({Liar()}, {"a"})
    assert "contains a Liar object" in difference({(Liar(),)}, {("a",)})
    one, other = np.empty(1, dtype=object), np.empty(1, dtype=object)
    one[0], other[0] = Liar(), 1
    assert "yours is a Liar object" in difference(one, other)


def test_an_array_subclass_is_not_an_array():
    class Lying(np.ndarray):
        def __ne__(self, other):
            return np.zeros(self.shape, dtype=bool)

    assert difference(np.zeros(2).view(Lying), np.ones(2)).startswith("yours is a Lying object")
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    assert difference(masked, np.array([9.0, 2.0])).startswith("yours is a MaskedArray object")


def test_an_unknown_object_differs_even_from_itself():
    liar = Liar()
    assert difference(liar, liar) == "a Liar object can't be compared"


@pytest.mark.parametrize("end", ["matrix", "array"])
@pytest.mark.parametrize("name", FORMATS)
def test_sparse_matrices_agree_across_formats(name, end):
    dense = np.array([[0.0, 2.0, 0.0], [3.0, 0.0, np.nan]])
    got = getattr(scipy.sparse, f"{name}_{end}")(dense)
    expected = scipy.sparse.csr_matrix(dense)
    assert kind(got) == "a sparse matrix"
    assert difference(got, expected) is None
    assert difference(expected, got) is None
    words = difference(got, expected * 2)
    assert words.startswith("at [0, 1]: 2 instead of 4; 2 of 3 values differ")


def test_sparse_matrices_differ_where_only_one_stores_a_value():
    got = scipy.sparse.csr_array(np.array([[0, 0, 5], [1, 0, 0]]))
    expected = scipy.sparse.csr_array(np.array([[0, 0, 0], [1, 0, 7]]))
    assert difference(got, expected).startswith("at [0, 2]: 5 instead of 0; 2 of 3 values differ")
    assert difference(expected, got).startswith("at [0, 2]: 0 instead of 5")


def test_explicit_zeros_and_repeated_entries_of_a_sparse_matrix_do_not_matter():
    got = scipy.sparse.coo_array(([1, 1, 0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    assert difference(got, scipy.sparse.csr_array(np.array([[0, 2], [0, 0]]))) is None


def test_sparse_shapes_and_contents_are_said_in_words():
    one, other = scipy.sparse.csr_array((2, 3)), scipy.sparse.csr_array((3, 2))
    assert difference(one, other) == "the shape is (2, 3), expected (3, 2): swap the axes?"
    assert difference([one], [other]).startswith("at [0]: the shape is (2, 3)")
    truths = scipy.sparse.csr_array(np.array([[True]]))
    assert difference(truths, truths.astype(int)).startswith("yours holds truth values (dtype bool")


def test_a_broken_sparse_matrix_is_reported_and_shown_without_an_error():
    broken = scipy.sparse.csr_array(np.eye(2))
    broken.indices = np.array([0, 99], dtype=np.int32)
    assert "can't be compared" in difference(broken, scipy.sparse.csr_array(np.eye(2)))
    assert show(broken) == "a sparse matrix"


def test_tensors_are_compared_with_tensors():
    half = torch.tensor([1.0, 2.0], dtype=torch.bfloat16, requires_grad=True)
    assert difference(half, torch.tensor([1, 2])) is None
    assert difference(torch.tensor([1, 3]), torch.tensor([1, 2])).startswith("at [1]: 3 instead")
    assert difference(np.ones(1), torch.ones(1)).endswith("expected a tensor")
    assert show(torch.tensor([[1.0, 0.5]])) == "tensor [[1, 0.5]] (shape 1 × 2)"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (1.0, "1"),
        (np.float64(1 / 3), "0.333333"),
        (1234567, "1234567"),
        (np.True_, "True"),
        (None, "None"),
        (..., "..."),
        (np.str_("it's"), '"it\'s"'),
        ([], "[]"),
        ((1,), "(1,)"),
        ((), "()"),
        ((1, 2), "(1, 2)"),
        (set(), "set()"),
        ({"b", "a"}, "{'a', 'b'}"),
        ({}, "{}"),
        ({"a": [1.5]}, "{'a': [1.5]}"),
        (list(range(8)), "[0, 1, 2, 3, 4, 5, 6, 7]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, 6, 7, ... (9 items)]"),
        (set(range(9)), "{0, 1, 2, 3, 4, 5, 6, 7, ... (9 items)}"),
        (
            dict.fromkeys(range(9), 0),
            "{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, ... (9 items)}",
        ),
        ([[[[1]]]], "[[[[... (1 items)]]]]"),
        (np.array([1.0, -0.25]), "[1, -0.25]"),
        (np.array(3.0), "3 (shape ())"),
        (np.array([True]), "[True]"),
        (np.array(["a"]), "['a']"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]] (shape 2 × 2)"),
        (np.arange(16), f"[{', '.join(map(str, range(16)))}]"),
        (np.arange(17), "[0, 1, ..., 15, 16] (shape 17)"),
        (object, "a type object"),
        (
            scipy.sparse.csr_array(np.eye(2)),
            "sparse {(0, 0): 1, (1, 1): 1} (shape 2 × 2, 2 stored)",
        ),
        (
            scipy.sparse.csr_array(np.eye(5)),
            "sparse {(0, 0): 1, (1, 1): 1, (2, 2): 1, (3, 3): 1, ...} (shape 5 × 5, 5 stored)",
        ),
    ],
)
def test_a_value_is_shown_in_one_short_line(value, line):
    assert show(value) == line


def test_a_long_text_is_cut_and_a_broken_object_only_named():
    assert show("a" * 300) == "'" + "a" * 235 + " ..."
    assert show("a" * 300, limit=20) == "'" + "a" * 15 + " ..."
    assert show([Liar()]) == "[a Liar object]"
    assert "0x" not in show([lambda: 0, object()])
    assert show(1 / 3, digits=3) == "0.333"
    assert show(np.array([1 / 3]), digits=3) == "[0.333]"


def test_a_list_that_contains_itself_is_shown():
    endless = []
    endless.append(endless)
    assert show(endless) == "[[[[... (1 items)]]]]"
    assert difference(endless, [1]) == "at [0]: yours is a list, expected a number"


def test_the_print_options_of_the_reader_do_not_matter():
    with np.printoptions(precision=1, threshold=1, formatter={"all": lambda x: "?"}):
        assert show(np.array([0.25, 0.125])) == "[0.25, 0.125]"
