"""The front page: verdict cards, three doors with their cost, questions that lead somewhere.

Each number is read from the stored results, the stored runs, the exercises or the pages
themselves when the site is built. What a card says follows from the result: a comparison whose
interval holds zero is called a tie.

``{front-verdicts}``, one card a line::

    claim 5: onehot-zeros | what the number is | chapters/02_one_hot#A word as a place in a list
    duel r8-gap-a-over-b: r8-a | r8-b | counting | averaging | at sorting | chapters/01_x#A heading

``{front-door} read`` (or ``run``, ``teach``) lists what that door costs, ``{front-questions}`` has
lines ``question | chapter number | heading``, ``{front-plan}`` is a course of one session a
chapter, and ``{front-facts}`` is the colophon.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from book_ledger import chapters, read_claims, recorded, table
from book_reading import minutes, spoken_minutes
from book_runs import peak_gib, read_runs
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

from lib.exercise import Exercise, Question
from lib.results import VERDICTS, Result, format_estimate, format_number

logger = logging.getLogger(__name__)
GB = 1e9
PAGE_WEIGHT = "page-weight"
"""The class of the text that `tools.site` replaces when the pages are there to be weighed."""


class heading_link(nodes.Inline, nodes.TextElement):
    """A link to the heading of a page, found when every page has been read."""


class page_cost(nodes.Inline, nodes.TextElement):
    """A text about the chapters' pages, or one of them, that needs them to have been read."""


# --------------------------------------------------------------------------- what is counted


@dataclass(frozen=True)
class Taught:
    """How much of each kind the exercises hold."""

    exercises: int
    questions: int
    misconceptions: int


def taught(modules: Iterable[object]) -> Taught:
    """Count exercises, questions and known misconceptions in exercise modules."""
    exercises: list[type[Exercise]] = []
    questions = 0
    for module in modules:
        name = getattr(module, "__name__", "")
        for value in vars(module).values():
            if isinstance(value, Question):
                questions += 1
            elif isinstance(value, type) and issubclass(value, Exercise):
                exercises += [value] if value.__module__ == name else []
    return Taught(len(exercises), questions, sum(len(e.misconceptions) for e in exercises))


def exercise_modules(numbers: Iterable[int]) -> list[object]:
    """Import the exercises of the chapters that have some."""
    found = []
    for number in numbers:
        name = f"exercises.ch{number:02d}"
        try:
            found.append(importlib.import_module(name))
        except ModuleNotFoundError as error:
            if error.name not in {name, "exercises"}:
                raise
    return found


def gigabytes(size: float) -> str:
    """Write bytes in gigabytes.

    Examples
    --------
    >>> gigabytes(2_521_088_834), gigabytes(313_160_315)
    ('2.5 GB', '0.3 GB')
    """
    return f"{size / GB:.1f} GB"


def spell(number: int, noun: str, plural: str = "") -> str:
    """Write a number and what is counted.

    Examples
    --------
    >>> spell(1, "chapter"), spell(3, "chapter")
    ('1 chapter', '3 chapters')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Write seconds as a reader would say them.

    Examples
    --------
    >>> duration(42.4), duration(89.2), duration(210)
    ('42 s', '1.5 min', '3.5 min')
    """
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


# --------------------------------------------------------------------------- cards


@dataclass(frozen=True)
class Card:
    """What one verdict card shows."""

    kind: str
    verdict: str
    statement: str
    number: str
    interval: str
    basis: str
    picture: str
    target: str


def outcome(gap: Result) -> str:
    """Say who wins a comparison: the first, the second, or neither when zero is inside.

    Examples
    --------
    >>> values = {"level": 0.95, "n": 9, "unit": "documents", "method": ""}
    >>> from lib.results import Result
    >>> outcome(Result(0.1, -0.1, 0.3, key="a", kind="bootstrap", digits=1, **values))
    'tie'
    >>> outcome(Result(0.2, 0.1, 0.3, key="a", kind="bootstrap", digits=1, **values))
    'first'
    """
    return "first" if gap.low > 0 else "second" if gap.high < 0 else "tie"


def interval_drawing(result: Result, low: float, high: float) -> str:
    """Draw value and interval on a line from ``low`` to ``high``, with a mark at zero.

    Decoration only: the same numbers stand beside it as text.
    """

    def place(value: float) -> str:
        return f"{200 * (min(max(value, low), high) - low) / (high - low):.1f}"

    zero = f'<path class="zero" d="M{place(0)} 3V21"/>' if low <= 0 <= high else ""
    if result.kind == "exact":
        span = ""
    else:
        span = f'<path class="span" d="M{place(result.low)} 12H{place(result.high)}"/>'
    return (
        '<svg class="interval-drawing" viewBox="-6 0 212 24" aria-hidden="true" focusable="false">'
        f'<path class="line" d="M0 12H200"/>{zero}{span}'
        f'<circle cx="{place(result.value)}" cy="12" r="5.5"/></svg>'
    )


def _interval(result: Result) -> str:
    """Write the interval alone, or say that none is needed."""
    if result.kind == "exact":
        return ""
    return format_estimate(result).split(" [")[1].rstrip("]").join(("[", "]"))


def claim_card(claim: Any, result: Result, what: str, target: str) -> Card:
    """Show a statement on trial with the number that decides it."""
    exact = result.kind == "exact"
    value = format_estimate(result).split(" [")[0]
    basis = what if exact else f"{what}, n\u00a0=\u00a0{result.n:,} {result.unit}"
    inside = not exact and abs(result.value) <= 1
    return Card(
        kind=claim.verdict,
        verdict=VERDICTS[claim.verdict].capitalize(),
        statement=" ".join(claim.statement.split()),
        number=value,
        interval=_interval(result),
        basis=basis,
        picture=interval_drawing(result, -0.2, 1) if inside else "",
        target=target,
    )


def duel_card(gap: Result, scores: Sequence[Result], words: Sequence[str], target: str) -> Card:
    """Compare a simple method with a fancy one, and let the interval name the winner."""
    simple, fancy, task = words
    won = outcome(gap)
    verdict, statement = {
        "first": ("The simple method wins", f"{simple} beats {fancy} {task}."),
        "second": ("The fancy method wins", f"{fancy} beats {simple} {task}."),
        "tie": ("A tie", f"{simple} and {fancy} cannot be told apart {task}."),
    }[won]
    sign = "+" if gap.value > 0 else ""
    value = sign + format_number(gap.value, gap.digits, percent=gap.percent)
    reach = 1.25 * max(abs(gap.low), abs(gap.high))
    first, second = (format_estimate(score).split(" [")[0] for score in scores)
    unit = "points" if gap.percent else ""
    return Card(
        kind="duel",
        verdict=verdict,
        statement=statement[0].upper() + statement[1:],
        number=value.replace(" %", ""),
        interval=f"{unit} {_interval(gap)}".strip(),
        basis=f"{first} right against {second}, n\u00a0=\u00a0{gap.n:,} {gap.unit}",
        picture=interval_drawing(gap, -reach / 3, reach),
        target=target,
    )


def read_cards(
    lines: Iterable[str], claims: Iterable[Any], records: Mapping[str, Result]
) -> list[Card]:
    """Make the cards that the lines of the directive ask for.

    Raises
    ------
    ExtensionError
        If a line names a statement without a verdict, or a number that no chapter recorded.
    """
    known = {claim.number: claim for claim in claims}
    cards = []
    for line in filter(str.strip, lines):
        head, _, rest = line.partition(":")
        kind, _, name = head.strip().partition(" ")
        parts = [part.strip() for part in rest.split("|")]
        try:
            if kind == "claim":
                claim = known[int(name)]
                if not claim.verdict:
                    raise ExtensionError(f"front page: statement {name} has no verdict yet")
                cards.append(claim_card(claim, records[parts[0]], *parts[1:3]))
            else:
                scores = [records[key] for key in parts[:2]]
                cards.append(duel_card(records[name], scores, parts[2:5], parts[5]))
        except (LookupError, ValueError) as error:
            raise ExtensionError(
                f"front page: {line.strip()!r} cannot be read ({error!r}): name a judged statement "
                "or a recorded result, as book_front.py shows"
            ) from error
    return cards


# --------------------------------------------------------------------------- directives


def _span(text: str, kind: str) -> nodes.inline:
    return nodes.inline("", text, classes=[kind])


def _link(text: str, target: str, **attributes: Any) -> heading_link:
    page, _, heading = target.partition("#")
    return heading_link("", text, page=page, heading=heading, **attributes)


def _watch(directive: SphinxDirective) -> Path:
    """Rebuild the page whenever something that it counts has changed."""
    root = Path(directive.env.srcdir)
    files = ["data/claims.yml", "data/runs.json", "data/setup.json"]
    files += [f"{name}.ipynb" for name in chapters(directive.env.found_docs).values()]
    for name in files:
        directive.env.note_dependency(str(root / name))
    return root


class FrontVerdicts(SphinxDirective):
    """Three verdicts, each with the number that it rests on."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Build a list with one item a card."""
        root = _watch(self)
        listing = nodes.bullet_list(bullet="-", classes=["verdict-cards"])
        for card in read_cards(self.content, read_claims(root), recorded(root)):
            item = nodes.list_item(classes=["verdict-card"])
            item += nodes.paragraph(
                "", "", _span(card.verdict, f"mark mark-{card.kind}"), classes=["ruling-line"]
            )
            item += nodes.paragraph("", card.statement, classes=["said"])
            figure = nodes.paragraph("", "", _span(card.number, "big-number"), classes=["measured"])
            if card.interval:
                figure += [nodes.Text(" "), _span(card.interval, "interval")]
            item += figure
            if card.picture:
                item += nodes.raw("", card.picture, format="html")
            item += nodes.paragraph("", card.basis, classes=["basis"])
            item += nodes.paragraph("", "", _link("", card.target), classes=["card-link"])
            listing += item
        return [listing]


class FrontDoor(SphinxDirective):
    """The measured cost of one way to use the book."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build a list of costs."""
        root = _watch(self)
        numbers = sorted(chapters(self.env.found_docs))
        lines = {"read": self._read, "run": self._run, "teach": self._teach}[self.arguments[0]]
        listing = nodes.bullet_list(bullet="-", classes=["costs"])
        for line in lines(root, numbers):
            listing += nodes.list_item("", nodes.paragraph("", "", *line))
        return [listing]

    def _read(self, root: Path, numbers: Sequence[int]) -> Iterable[list[nodes.Node]]:
        yield [nodes.strong("", spell(len(numbers), "chapter")), nodes.Text(" so far, "),
               page_cost("", "", what="minutes"), nodes.Text(" in all")]  # fmt: skip
        yield [nodes.strong("", "", page_cost("", "", what="weight")),
               nodes.Text(" for a chapter, scripts and type included")]  # fmt: skip
        yield [nodes.strong("", "Nothing"), nodes.Text(" to install, nothing fetched elsewhere")]

    def _run(self, root: Path, numbers: Sequence[int]) -> Iterable[list[nodes.Node]]:
        runs = read_runs(root).values()
        seconds = sum(run.get("seconds", 0) for run in runs)
        peak = max((peak_gib(run) or 0 for run in runs), default=0)
        yield [nodes.strong("", duration(seconds)),
               nodes.Text(f" to run every chapter, in {peak:.1f} GiB of memory")]  # fmt: skip
        path = root / "data" / "setup.json"
        if path.exists():
            setup = json.loads(path.read_text(encoding="utf-8"))
            disk = setup["environment_bytes"] + setup["data_bytes"]
            measured = f" on disk, measured on {setup['platform']}, "
            day = nodes.inline("", setup["date"], classes=["whole-word"])
            yield [nodes.strong("", gigabytes(disk)), nodes.Text(measured), day]
            size = gigabytes(setup["data_download_bytes"])
            yield [nodes.strong("", size), nodes.Text(" of data, fetched once, then offline")]

    def _teach(self, root: Path, numbers: Sequence[int]) -> Iterable[list[nodes.Node]]:
        count = taught(exercise_modules(numbers))
        yield [nodes.strong("", spell(count.exercises, "exercise")),
               nodes.Text(" that check themselves")]  # fmt: skip
        yield [nodes.strong("", spell(count.misconceptions, "misconception")),
               nodes.Text(" recognised, a hint for each")]  # fmt: skip
        yield [nodes.strong("", spell(count.questions, "question")),
               nodes.Text(" to predict before the answer")]  # fmt: skip


class FrontQuestions(SphinxDirective):
    """Questions that people come with, each with the place where it is answered."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Build the list; a chapter that is not written is promised, not linked."""
        names = chapters(self.env.found_docs)
        listing = nodes.bullet_list(bullet="-", classes=["questions"])
        for line in filter(str.strip, self.content):
            question, number, *heading = (part.strip() for part in line.split("|"))
            item = nodes.paragraph()
            if int(number) in names:
                target = names[int(number)] + ("#" + heading[0] if heading else "")
                item += _link(question, target, classes=["question-link"])
                item += _span(f"chapter {number}", "where")
            else:
                item += _span(question, "question-open")
                item += _span(f"comes with chapter {number}", "where")
            listing += nodes.list_item("", item)
        return [listing]


class FrontPlan(SphinxDirective):
    """A course of one session a chapter: what to read before it, and what there is to work on."""

    columns = ("Session", "Chapter", "Read before", "Questions", "Exercises", "To run")

    def run(self) -> list[nodes.Node]:
        """Build a row for each chapter that is written; chapter 0 is preparation."""
        root = _watch(self)
        runs = read_runs(root)
        rows = []
        for number, name in sorted(chapters(self.env.found_docs).items()):
            count = taught(exercise_modules([number]))
            seconds = runs.get(Path(name).name, {}).get("seconds")
            cells = (
                nodes.Text(str(number) if number else "before"),
                _link("", name),
                page_cost("", "", what="minutes", page=name),
                nodes.Text(str(count.questions)),
                nodes.Text(str(count.exercises)),
                nodes.Text("-" if seconds is None else duration(seconds)),
            )
            rows.append([nodes.paragraph("", "", cell) for cell in cells])
        made = table(self.columns, rows, (11, 40, 17, 11, 11, 10))
        made["classes"].append("front-plan")
        return [made]


class FrontFacts(SphinxDirective):
    """The day of the last full run."""

    option_spec: ClassVar[OptionSpec] = {"class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """Name the day since which every chapter has been run."""
        root = _watch(self)
        names = chapters(self.env.found_docs).values()
        runs = read_runs(root)
        dates = [str(runs.get(Path(name).name, {}).get("date", ""))[:10] for name in names]
        if not dates or not all(dates):
            return [nodes.paragraph("", "Not every chapter has been run yet.")]
        return [nodes.paragraph("", f"Every chapter was last run on {min(dates)} or later.")]


# --------------------------------------------------------------------------- when all is read


def section_ids(app: Sphinx, page: str) -> dict[str, str]:
    """Headings of a page and their anchors, from its table of contents."""
    return {
        reference.astext(): reference.get("anchorname", "")
        for reference in app.env.tocs[page].findall(nodes.reference)
    }


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put addresses and counts where only the whole book knows them."""
    for node in list(doctree.findall(heading_link)):
        page, heading = node["page"], node["heading"]
        if page not in app.env.tocs:
            logger.warning("front page: there is no page %s", page, location=docname)
            continue
        found = section_ids(app, page)
        if heading and heading not in found:
            logger.warning(
                "front page: %s has no heading %r; it has %s", page, heading, ", ".join(found),
                location=docname,
            )  # fmt: skip
        address = app.builder.get_relative_uri(docname, page) + found.get(heading, "")
        text = node.astext() or heading or app.env.titles[page].astext()
        link = nodes.reference("", text, internal=True, refuri=address, classes=node["classes"])
        node.replace_self(link)
    for node in list(doctree.findall(page_cost)):
        if node["what"] == "weight":
            text = '<span class="page-weight">a few hundred kilobytes</span>'
            node.replace_self(nodes.raw("", text, format="html"))
        else:
            names = [node["page"]] if "page" in node else chapters(app.env.found_docs).values()
            total = sum(minutes(app.env.get_doctree(name)) for name in names)
            node.replace_self(nodes.Text(spoken_minutes(total)))


def register(app: Sphinx) -> None:
    """Add the directives."""
    app.add_node(heading_link)
    app.add_node(page_cost)
    app.add_directive("front-verdicts", FrontVerdicts)
    app.add_directive("front-door", FrontDoor)
    app.add_directive("front-questions", FrontQuestions)
    app.add_directive("front-plan", FrontPlan)
    app.add_directive("front-facts", FrontFacts)
    app.connect("doctree-resolved", resolve)
