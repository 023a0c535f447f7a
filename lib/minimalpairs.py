"""Sentences that differ in little and say something else, and whether a vector notices.

Each frame is a plain sentence that is changed in seven ways, all made by explicit templates
and read by hand:

    ===============  =================================  ==========================================
    column           *roles*                            *negation*
    ===============  =================================  ==========================================
    sentence         Yesterday the dog bit the man.     On Monday the board approved the plan.
    changed          Yesterday the man bit the dog.     On Monday the board did not approve it.
    kept             Yesterday the man was bitten       On Monday the plan was approved by the
                     by the dog.                        board.
    kept_as_changed  Yesterday the dog was bitten       On Monday the plan was not approved by
                     by the man.                        the board.
    synonym          another verb for the same deed
    harmless         The dog bit the man yesterday.     On Monday the board did indeed approve it.
    harmless_too     The dog yesterday bit the man.     On Monday the board did also approve it.
    random           both nouns of the next frame       the object of the next frame
    ===============  =================================  ==========================================

``changed`` and ``kept_as_changed`` say something else, ``kept``, ``synonym``, ``harmless`` and
``harmless_too`` say the same. ``harmless`` is as long an edit as ``changed``: the same words in
another order (roles), or one word in the place of another (negation). So is ``harmless_too``, a
second one, to see what hangs on the first. ``random`` changes the topic, to show how far an edit of
about that length can go.

In the roles part ``changed``, ``harmless`` and ``harmless_too`` hold the same words, as do ``kept``
and ``kept_as_changed``: a bag of words cannot tell them apart, and stands at one half by
construction.

A measure is a share of frames, not of sentences: the two forms of a frame have words in common.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.evaluate import cosine_matrix

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["roles", "negation"]

KINDS: Final[tuple[Kind, ...]] = ("roles", "negation")
"""What is changed."""

SAME: Final = ("kept", "synonym", "harmless", "harmless_too")
"""The columns that say what the sentence says."""

OTHER: Final = ("changed", "kept_as_changed")
"""The columns that say something else."""

TIE: Final = 1e-5
"""Cosines closer than this are taken for equal: rounding of single precision."""

# Frames ---------------------------------------------------------------------------------------

_ROLES: Final = """
Yesterday | dog | man | bit | bitten | nipped
On Monday | bank | insurer | bought | bought | acquired
Last week | lawyer | judge | praised | praised | commended
Last night | soldier | guard | attacked | attacked | assaulted
This morning | nurse | patient | phoned | phoned | called
On Sunday | sailor | swimmer | rescued | rescued | saved
This morning | cat | fox | chased | chased | pursued
Last year | banker | broker | deceived | deceived | fooled
On Friday | champion | student | defeated | defeated | beat
Last month | minister | mayor | criticised | criticised | denounced
Yesterday | boy | girl | helped | helped | assisted
On Tuesday | child | clown | scared | scared | frightened
At noon | actor | singer | applauded | applauded | cheered
Last night | driver | farmer | hit | hit | struck
On Thursday | manager | clerk | ignored | ignored | disregarded
Yesterday | player | referee | insulted | insulted | offended
Last week | pilot | engineer | blamed | blamed | faulted
On Saturday | reporter | senator | questioned | questioned | interviewed
Last night | spy | tourist | followed | followed | trailed
In June | officer | rebel | captured | captured | seized
On Monday | king | bishop | warned | warned | alerted
Last month | doctor | priest | cured | cured | healed
On Friday | poet | critic | mocked | mocked | ridiculed
In autumn | coach | captain | replaced | replaced | succeeded
At dawn | truck | bus | overtook | overtaken | passed
Yesterday | host | guest | welcomed | welcomed | greeted
Last year | duke | princess | abandoned | abandoned | deserted
This morning | baker | butcher | pushed | pushed | shoved
On Sunday | aunt | uncle | entertained | entertained | amused
In May | tenant | landlord | cheated | cheated | swindled
On Tuesday | expert | trainee | advised | advised | counselled
Last week | wolf | bear | killed | killed | slaughtered
"""
"""Time, two nouns, past tense, participle, past tense of a synonym."""

_NEGATION: Final = """
On Monday | board | plan | approve | approved | approved | accepted
Last week | police | thief | catch | caught | caught | captured
Yesterday | court | ruling | overturn | overturned | overturned | reversed
In May | company | debt | repay | repaid | repaid | settled
Last night | firefighters | fire | extinguish | extinguished | extinguished | quenched
Last year | city | bridge | repair | repaired | repaired | fixed
In June | scientists | signal | detect | detected | detected | spotted
Last month | museum | painting | obtain | obtained | obtained | acquired
Yesterday | climbers | summit | reach | reached | reached | attained
On Sunday | divers | wreck | locate | located | located | found
Last week | parliament | budget | adopt | adopted | adopted | passed
On Thursday | doctors | virus | identify | identified | identified | recognised
In March | factory | order | complete | completed | completed | finished
Last night | guards | intruder | stop | stopped | stopped | halted
In autumn | farmers | harvest | save | saved | saved | rescued
On Wednesday | union | strike | end | ended | ended | stopped
Last month | editor | mistake | notice | noticed | noticed | spotted
On Monday | plumbers | leak | find | found | found | discovered
Yesterday | teacher | problem | solve | solved | solved | resolved
Last year | senator | tax | abolish | abolished | abolished | scrapped
In April | school | roof | replace | replaced | replaced | renewed
On Friday | army | town | seize | seized | seized | captured
Last week | shops | price | raise | raised | raised | increased
At dawn | rescuers | survivor | free | freed | freed | liberated
Last night | burglars | safe | open | opened | opened | unlocked
In July | airline | route | launch | launched | launched | opened
On Sunday | chef | oven | clean | cleaned | cleaned | scrubbed
Last month | lawyers | contract | terminate | terminated | terminated | ended
On Thursday | regulator | merger | prevent | prevented | prevented | blocked
Yesterday | nurse | error | report | reported | reported | disclosed
Last year | builders | tower | finish | finished | finished | completed
This morning | technician | server | restart | restarted | restarted | rebooted
"""
"""Time, subject, object in the singular, base form, past, participle, past of a synonym."""


_DENIALS: Final = (
    ("did not", "did indeed", "did also"),
    ("failed to", "managed to", "proceeded to"),
)
"""What denies the deed, and two edits of the same length that do not."""


def _rows(table: str) -> list[list[str]]:
    return [[part.strip() for part in row.split("|")] for row in table.strip().splitlines()]


# Sentences ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One sentence and its edits; the columns are told in the head of the module.

    Attributes
    ----------
    kind : {"roles", "negation"}
        What is changed.
    frame : str
        The verb that names the frame; two items have it in common.
    form : str
        ``"ab"`` or ``"ba"`` (who stands first), ``"did not"`` or ``"failed to"``.
    sentence, changed, kept, kept_as_changed, synonym, harmless, harmless_too, random : str
        The sentence and its seven edits.
    """

    kind: Kind
    frame: str
    form: str
    sentence: str
    changed: str
    kept: str
    kept_as_changed: str
    synonym: str
    harmless: str
    harmless_too: str
    random: str


COLUMNS: Final = (
    "sentence",
    "changed",
    "kept",
    "kept_as_changed",
    "synonym",
    "harmless",
    "harmless_too",
    "random",
)
"""The columns that are sentences."""


def items(kind: Kind | None = None) -> list[Item]:
    """Make the sentences: 64 items of each kind, two of each frame, in order.

    Parameters
    ----------
    kind : {"roles", "negation"}, optional
        By default both.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> bite = items("roles")[0]
    >>> bite.sentence, bite.changed
    ('Yesterday the dog bit the man.', 'Yesterday the man bit the dog.')
    >>> bite.kept, bite.harmless
    ('Yesterday the man was bitten by the dog.', 'The dog bit the man yesterday.')
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    made = {"roles": _roles, "negation": _negation}
    return [item for name in KINDS if kind in (None, name) for item in made[name]()]


def _roles() -> list[Item]:
    found = []
    rows = _rows(_ROLES)
    for row, after in zip(rows, [*rows[1:], rows[0]], strict=True):
        time, a, b, past, participle, synonym = row
        later = time[0].lower() + time[1:]  # names of days and months keep their capital
        for form, one, two, c, d in (("ab", a, b, *after[1:3]), ("ba", b, a, *after[2:0:-1])):
            found.append(
                Item(
                    kind="roles",
                    frame=past,
                    form=form,
                    sentence=f"{time} the {one} {past} the {two}.",
                    changed=f"{time} the {two} {past} the {one}.",
                    kept=f"{time} the {two} was {participle} by the {one}.",
                    kept_as_changed=f"{time} the {one} was {participle} by the {two}.",
                    synonym=f"{time} the {one} {synonym} the {two}.",
                    harmless=f"The {one} {past} the {two} {later}.",
                    harmless_too=f"The {one} {later} {past} the {two}.",
                    random=f"{time} the {c} {past} the {d}.",
                )
            )
    return found


def _negation() -> list[Item]:
    found = []
    rows = _rows(_NEGATION)
    for row, after in zip(rows, [*rows[1:], rows[0]], strict=True):
        time, subject, thing, base, past, participle, synonym = row
        for form, yes, also in _DENIALS:
            found.append(
                Item(
                    kind="negation",
                    frame=base,
                    form=form,
                    sentence=f"{time} the {subject} {past} the {thing}.",
                    changed=f"{time} the {subject} {form} {base} the {thing}.",
                    kept=f"{time} the {thing} was {participle} by the {subject}.",
                    kept_as_changed=f"{time} the {thing} was not {participle} by the {subject}.",
                    synonym=f"{time} the {subject} {synonym} the {thing}.",
                    harmless=f"{time} the {subject} {yes} {base} the {thing}.",
                    harmless_too=f"{time} the {subject} {also} {base} the {thing}.",
                    random=f"{time} the {subject} {past} the {after[2]}.",
                )
            )
    return found


def as_csv(made: Sequence[Item]) -> str:
    """Write items as a table: a head, then a row each.

    Examples
    --------
    >>> as_csv(items("negation")[:1]).splitlines()[0]
    'kind,frame,form,sentence,changed,kept,kept_as_changed,synonym,harmless,harmless_too,random'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(field.name for field in fields(Item))
    writer.writerows(astuple(item) for item in made)
    return out.getvalue()


# Measures -------------------------------------------------------------------------------------


def cosines(encode: Callable[[list[str]], Any], made: Sequence[Item]) -> dict[str, Floats]:
    """Cosine of each sentence with each of its edits: column -> (n,).

    Parameters
    ----------
    encode : callable
        From a list of texts to an (n, d) array or sparse matrix. It is called once, on each
        different text once.
    made : sequence of n Item

    Examples
    --------
    >>> def letters(texts):
    ...     return np.array([[text.count(letter) for letter in "adgmno"] for text in texts])
    >>> cosines(letters, items("roles")[:1])["changed"].round(6)  # the same letters
    array([1.])
    """
    texts = list(dict.fromkeys(getattr(item, c) for item in made for c in COLUMNS))
    row, X = {text: i for i, text in enumerate(texts)}, encode(texts)
    near = cosine_matrix(X)
    at = {c: [row[getattr(item, c)] for item in made] for c in COLUMNS}
    return {c: np.asarray(near[at["sentence"], at[c]]) for c in COLUMNS[1:]}


def preferred(first: ArrayLike, second: ArrayLike) -> Floats:
    """1 where the first cosine is larger, 0 where the second is, and 1/2 for a tie: (n,).

    Without the half, a method that cannot tell two texts apart would be right or wrong by
    rounding.

    Examples
    --------
    >>> preferred([0.9, 0.5, 0.3], [0.8, 0.5 + 1e-9, 0.7])
    array([1. , 0.5, 0. ])
    """
    apart = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    return np.where(np.abs(apart) <= TIE, 0.5, (apart > 0).astype(np.float64))


def by_frame(values: ArrayLike, made: Sequence[Item]) -> Floats:
    """Mean over the items of each frame, frames in order: (n,) -> (frames,).

    Raises
    ------
    ValueError
        If there is not one value an item.

    Examples
    --------
    >>> by_frame([1, 0, 1, 1], items("roles")[:4])
    array([0.5, 1. ])
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(made),):
        raise ValueError(f"values of shape {values.shape} for {len(made)} items")
    names = list(dict.fromkeys((item.kind, item.frame) for item in made))
    number = np.array([names.index((item.kind, item.frame)) for item in made])
    return np.asarray(np.bincount(number, values) / np.bincount(number))


def fooled(
    found: dict[str, Floats], made: Sequence[Item], wrong: str = "changed", right: str = "kept"
) -> Floats:
    """How often an edit that says something else is nearer than one that says the same.

    Parameters
    ----------
    found : mapping from a column to (n,) array
        From :func:`cosines`.
    made : sequence of n Item
    wrong, right : str
        Columns: one of :data:`OTHER`, and one of :data:`SAME`.

    Returns
    -------
    (frames,) array
        From 0 (never) to 1 (always), one half for a method that cannot tell the two apart.

    Raises
    ------
    ValueError
        If the columns are none of these.

    Examples
    --------
    >>> found = {"changed": np.array([0.9, 0.9]), "kept": np.array([0.8, 0.95])}
    >>> fooled(found, items("roles")[:2])
    array([0.5])
    """
    if wrong not in OTHER or right not in SAME:
        raise ValueError(f"{wrong!r} must be one of {OTHER}, and {right!r} one of {SAME}")
    return by_frame(preferred(found[wrong], found[right]), made)


# Order in real text -----------------------------------------------------------------------------


def swap_neighbours(words: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Exchange two neighbouring words that differ, at a place drawn by lot.

    The first and the last word stay where they are, so that the edges do not give it away; after
    the bigram shift of Conneau, Kruszewski, Lample, Barrault & Baroni 2018.

    Raises
    ------
    ValueError
        If no two neighbours inside differ.

    Examples
    --------
    >>> swap_neighbours(["a", "b", "c", "d"], np.random.default_rng(0))
    ['a', 'c', 'b', 'd']
    """
    places = [k for k in range(1, len(words) - 2) if words[k] != words[k + 1]]
    if not places:
        raise ValueError(f"no two neighbours inside {' '.join(words)[:40]!r} differ")
    k = places[int(rng.integers(len(places)))]
    out = list(words)
    out[k], out[k + 1] = out[k + 1], out[k]
    return out


def shuffle_words(words: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Put the words between the first and the last into an order drawn by lot.

    Examples
    --------
    >>> sorted(shuffle_words("a b c d e".split(), np.random.default_rng(0)))
    ['a', 'b', 'c', 'd', 'e']
    """
    inner = list(words[1:-1])
    order = rng.permutation(len(inner))
    return [*words[:1], *(inner[k] for k in order), *words[1:][-1:]]


def pair_features(U: ArrayLike, V: ArrayLike) -> Floats:
    """Make what a probe may read of two vectors, ``|u - v|`` and ``u * v``: (n, 2 d).

    Both are the same for (u, v) and (v, u), as a question about a pair should be; after InferSent
    (Conneau, Kiela, Schwenk, Barrault & Bordes 2017), which adds u and v themselves.

    Examples
    --------
    >>> pair_features([[1.0, 2.0]], [[3.0, 2.0]])
    array([[2., 0., 3., 4.]])
    """
    u, v = np.asarray(U, dtype=np.float64), np.asarray(V, dtype=np.float64)
    return np.hstack([np.abs(u - v), u * v])
