r"""Numbers in prose against recorded results.

Prose repeats a recorded number and names its key in a comment that no page shows:
``0.28<!--lee50-tfidf-->``, ``[0.11<!--lee50-tfidf.low-->, 0.44<!--lee50-tfidf.high-->]``,
``97.0 %<!--r8-tfidf-->``.  This module compares each with what the stored notebooks printed, and
finds numbers that no cell stands behind: a decimal point, a thousands separator or a percent sign
without a tag, in Markdown, in alt texts and in titles of figures.

    python -m tools.numbers          list what differs; exit 1 if anything does
    python -m tools.numbers --fix    first write the recorded numbers into the prose

A number that nobody measured is written as mathematics (``$0.05$``, ``$95\,\%$``), as code, or
in a paragraph with a citation.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tools.notebooks import (
    ROOT,
    Result,
    UnreadableError,
    calls,
    chapters,
    claims,
    code_cells,
    markdown_cells,
    pages,
    read,
    results_of,
    syntax_tree,
    where,
    write,
    write_text,
)

KEY = r"(?=[a-z0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*"
SPACE = r"(?:\s|&nbsp;|\\ )"
TAG = re.compile(rf"<!--\s*(?P<key>{KEY})(?:\.(?P<part>\w+))?\s*-->")
NUMBER = re.compile(
    r"(?P<sign>(?<![\w.,])[-\u2212+])?(?P<digits>\d(?:[\d,]*\d)?(?:\.\d+)?)"
    rf"(?P<percent>{SPACE}?%)?(?P<after>[*_]*\s*)$"
)
TITLES = ("alt", "title", "suptitle", "subtitle", "caption")  # keyword arguments
TITLE_METHODS = ("set_title", "suptitle", "title")
PLOTS = (  # of lib.plot and lib.results: their titles and labels may come by position
    "figure",
    "grid_of_panels",
    "dots_with_intervals",
    "scatter",
    "human_against_model",
    "lines",
    "bars",
    "leaderboard",
)


# ---------------------------------------------------------------- the recorded side


def all_results(root: Path = ROOT) -> tuple[dict[str, Result], list[str]]:
    """Return the results of all chapters by key, and a problem for each key recorded twice."""
    found: dict[str, list[Result]] = defaultdict(list)
    for chapter in chapters(root):
        for result in results_of(read(chapter), chapter.stem):
            found[result.key].append(result)
    problems = []
    for key, group in found.items():
        if len(group) > 1:
            places = ", ".join(f"chapters/{r.chapter}.ipynb [{r.cell}]" for r in group)
            problems.append(f"{places}: the key {key!r} is recorded {len(group)} times: rename one")
        if not group[0].shown:
            place = f"chapters/{group[0].chapter}.ipynb [{group[0].cell}]"
            problems.append(f"{place}: the line of {key!r} cannot be read: {group[0].text!r}")
    return {key: group[0] for key, group in found.items()}, problems


# ---------------------------------------------------------------- tagged numbers


def _unknown(key: str, known: Mapping[str, Result]) -> str:
    near = difflib.get_close_matches(key, known, n=3)
    hint = f" (near it: {', '.join(near)})" if near else ""
    return f"no cell records the key {key!r}{hint}: record it, or mend the tag"


def _written(number: re.Match[str], result: Result, part: str) -> str:
    """Return the recorded number in the manner of the prose: its minus, its space, its stars."""
    digits = result.shown[part]
    if number["sign"] == "\u2212":
        digits = digits.replace("-", "\u2212")
    if number["sign"] == "+" and not digits.startswith(("-", "\u2212")):
        digits = f"+{digits}"
    percent = number["percent"] or ""
    if result.percent and not percent and part == "value":
        percent = " %"  # the ends of an interval may share one sign, the value carries its own
    return digits + (percent if result.percent else "") + number["after"]


def compare_text(
    text: str, known: Mapping[str, Result], place: str, *, fix: bool = False
) -> tuple[str, list[str]]:
    """Compare the tagged numbers of one piece of prose with the records.

    Returns
    -------
    tuple of str and list of str
        The text, with the recorded numbers written in if ``fix``; what is wrong with it.
    """
    problems: list[str] = []
    done, position = [], 0
    for tag in TAG.finditer(text):
        before = text[position : tag.start()]
        number, part = NUMBER.search(before), tag["part"] or "value"
        result = known.get(tag["key"])
        if number is None:
            if result is not None:
                problems.append(f"{place}: no number stands before {tag[0]}: write it there")
        elif result is None:
            problems.append(f"{place}: {_unknown(tag['key'], known)}")
        elif part not in result.shown:
            have = ", ".join(result.shown)
            problems.append(f"{place}: {tag['key']!r} has no part {part!r}, it has: {have}")
        else:
            right = _written(number, result, part)
            if number[0] != right:
                if fix:
                    before = before[: number.start()] + right
                else:
                    problems.append(
                        f"{place}: the prose says {number[0].strip()!r}, but {tag['key']}"
                        f"{'' if part == 'value' else '.' + part} is {right.strip()!r}: "
                        "run `python -m tools.numbers --fix` and read the sentence again"
                    )
        done += [before, tag[0]]
        position = tag.end()
    return "".join([*done, text[position:]]), problems


# ---------------------------------------------------------------- untagged numbers

_CITATION = re.compile(r"\{cite[^}]*\}")
_PROSE_DIRECTIVES = re.compile(
    r"(?:admonition|note|tip|hint|important|warning|caution|attention|danger|error|seealso|"
    r"epigraph|margin|sidebar|dropdown|card|grid|grid-item|grid-item-card|tab-set|tab-item|"
    r"figure|table|list-table|exercise|solution|prf:\w+|topic|div)\b"
)
_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<marks>`{3,}|~{3,})\s*(?P<info>.*)$")
_OPTION = re.compile(r"^\s*:(?P<name>[\w-]+):(?P<value>.*)$")
_NOT_PROSE = [
    re.compile(r"<!--.*?-->", re.DOTALL),  # comments; the tags have been dealt with
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
    re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL),
    re.compile(r"(?<![\\$])\$(?!\$)(?:\\.|[^$\\\n]|\n(?!\s*\n))+?\$"),
    re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL),
    re.compile(
        r"<(?:code|pre|script|style|kbd|math)\b.*?</(?:code|pre|script|style|kbd|math)>", re.S
    ),
    re.compile(r"(?<=\])\([^()\s]*(?:\s+\"[^\"]*\")?\)"),  # the target of a link, not its text
    re.compile(r"^\s{0,3}\[[^\]]+\]:\s.*$", re.MULTILINE),  # definitions of links
    re.compile(r"\(?https?://\S+|\bdoi:\S+"),
    re.compile(r"^\([\w:.-]+\)=\s*$", re.MULTILINE),  # labels
    re.compile(
        r"(?i)(?:§|\b(?:sections?|sec\.|chapters?|tables?|figures?|fig\.|equations?|eq\.|"
        r"appendix|part|version|python|numpy|scipy|pytorch|torch|transformers|gensim|pandas|"
        r"matplotlib|scikit-learn|sphinx|jupyter\w*|cc by(?:-sa)?|"
        r"attribution|licen[cs]e|apache|v))[\s\u00a0]*"
        r"(?:\d+(?:\.\d+)*)(?:(?:\s*(?:,|-|\u2013|to|and|or)\s*)\d+(?:\.\d+)*)*(?!\s?%|\.?\d|,\d{3})"
    ),
    re.compile(
        rf"\b95{SPACE}?%(?=[\s\u00a0-]+(?:\w+[\s\u00a0]+)?intervals?\b)"
    ),  # the level of all
    re.compile(r"(?<![\d.,])\d+\.\d+\.\d+(?:\.\d+)*(?!\.?\d|,\d)"),  # versions: three parts or more
]
_UNTAGGED = re.compile(
    rf"(?<![\w.,])(?<![A-Za-z]-)[-\u2212+]?(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d*\.\d+|\d+(?={SPACE}?%))"
    rf"(?:{SPACE}?%)?"
)


def _without_fences(text: str) -> str:
    """Drop fenced code; keep the words of directives such as notes, and the alt of figures."""
    kept: list[str] = []
    open_fences: list[tuple[str, bool]] = []  # marks, whether the inside is prose
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence and open_fences and not fence["info"].strip():
            marks = open_fences[-1][0]
            if fence["marks"][0] == marks[0] and len(fence["marks"]) >= len(marks):
                open_fences.pop()
                kept.append("")
                continue
        if fence and all(prose for _, prose in open_fences):
            name = re.match(r"\{(.+?)\}(.*)", fence["info"].strip())
            prose = bool(name and _PROSE_DIRECTIVES.match(name[1]))
            open_fences.append((fence["marks"], prose))
            kept.append(name[2] if name and prose and name[1] != "figure" else "")
            continue
        if all(prose for _, prose in open_fences):
            option = _OPTION.match(line)
            if option:
                line = option["value"] if option["name"] in ("alt", "caption", "title") else ""
            kept.append(line)
        else:
            kept.append("")
    return "\n".join(kept)


def _keep_alt(tag: re.Match[str]) -> str:
    """Replace an HTML tag by what a reader hears of it."""
    heard = re.findall(r"\b(?:alt|title|aria-label)\s*=\s*\"([^\"]*)\"", tag[0])
    return " ".join(["", *heard, ""])


def prose_of(text: str) -> str:
    """Return what remains of Markdown as prose: without code, mathematics, addresses, tags.

    Tagged numbers go together with their tags, and so does every paragraph with a citation.
    """
    text = _without_fences(text)
    pieces, position = [], 0
    for tag in TAG.finditer(text):
        before = text[position : tag.start()]
        number = NUMBER.search(before)
        pieces.append(before[: number.start()] if number else before)
        position = tag.end()
    text = "\0".join([*pieces, text[position:]])
    paragraphs = re.split(r"(\n\s*\n)", text)
    text = "".join("" if _CITATION.search(paragraph) else paragraph for paragraph in paragraphs)
    for pattern in _NOT_PROSE:
        text = pattern.sub("\0", text)
    return re.sub(r"</?[a-zA-Z][^<>]*>", _keep_alt, text)


def untagged(text: str) -> list[str]:
    """Return the numbers of a Markdown text that look measured and have no tag."""
    return [match[0].strip() for match in _UNTAGGED.finditer(prose_of(text))]


def _literal_parts(node: ast.AST) -> Iterator[str]:
    """Yield the literal text in an expression: strings, and what is fixed in f-strings."""
    if isinstance(node, ast.FormattedValue):
        return  # a computed number is right by construction
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _literal_parts(child)


def titles(source: str) -> Iterator[str]:
    """Yield the literal titles and alt texts in the code of a cell."""
    tree = syntax_tree(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in TITLES:
            yield from _literal_parts(node.value)
    for call in calls(tree, *TITLE_METHODS, *PLOTS):
        if isinstance(call.func, ast.Attribute) or call.func.id in PLOTS:  # type: ignore[attr-defined]
            for argument in call.args:
                yield from _literal_parts(argument)


def _plain_untagged(text: str) -> list[str]:
    for pattern in _NOT_PROSE:
        text = pattern.sub("\0", text)
    return [match[0].strip() for match in _UNTAGGED.finditer(text)]


def _no_cell_behind(place: str, number: str) -> str:
    return (
        f"{place}: no cell stands behind {number!r}: record it and tag it ({number}<!--key-->), or "
        "write it as mathematics or code if nobody measured it, or cite its source"
    )


# ---------------------------------------------------------------- the book


def _prose(root: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of every piece of Markdown in the book."""
    for page in pages(root):
        yield where(page), page.read_text(encoding="utf-8")
    for chapter in chapters(root):
        for place, cell in markdown_cells(read(chapter)):
            yield f"{where(chapter)}, Markdown cell {place}", cell["source"]


def check_tags(root: Path = ROOT) -> list[str]:
    """Return every tagged number that differs from the record, and every key that is wrong."""
    known, problems = all_results(root)
    for place, text in _prose(root):
        problems += compare_text(text, known, place)[1]
    return problems


def check_untagged(root: Path = ROOT) -> list[str]:
    """Return every number in prose, alt texts, titles and verdicts that no cell stands behind."""
    problems = []
    for place, text in _prose(root):
        problems += [_no_cell_behind(place, number) for number in untagged(text)]
    for chapter in chapters(root):
        for count, cell in enumerate(code_cells(read(chapter)), start=1):
            for text in titles(cell["source"]):
                for number in _plain_untagged(text):
                    problems.append(
                        f"{where(chapter)} [{count}]: {number!r} is typed into a title or an alt "
                        "text: format it from the result, as in f'{r.value:.2f}'"
                    )
    for entry in claims(root):
        if entry.get("verdict") and not entry.get("cites"):
            text = re.sub(r"\{[^{}]*\}", "\0", str(entry.get("because") or ""))
            for number in _plain_untagged(text):
                problems.append(
                    f"data/claims.yml, statement {entry['number']}: {number!r} is typed into "
                    "because: write {key}, {key.low} or {key.high} of a recorded result"
                )
    return problems


def check(root: Path = ROOT) -> list[str]:
    """Return everything that is wrong with the numbers of the book."""
    return check_tags(root) + check_untagged(root)


def fix(root: Path = ROOT) -> list[str]:
    """Write the recorded numbers into the prose; return the files that changed."""
    known, _ = all_results(root)

    def mended(text: str) -> str:
        return compare_text(text, known, "", fix=True)[0]

    changed = [where(page) for page in pages(root) if _fix_page(page, mended)]
    return changed + [
        where(chapter) for chapter in chapters(root) if _fix_notebook(chapter, mended)
    ]


def _fix_page(page: Path, mended: Callable[[str], str]) -> bool:
    text = page.read_text(encoding="utf-8")
    new = mended(text)
    return new != text and write_text(page, new)


def _fix_notebook(chapter: Path, mended: Callable[[str], str]) -> bool:
    notebook, different = read(chapter), False
    for _, cell in markdown_cells(notebook):
        new = mended(cell["source"])
        different = different or new != cell["source"]
        cell["source"] = new
    return different and write(notebook, chapter)


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.numbers", description="Numbers in prose against recorded results."
    )
    parser.add_argument("--fix", action="store_true", help="write the recorded numbers in first")
    wanted = parser.parse_args(arguments)
    try:
        for path in fix(root) if wanted.fix else []:
            print(f"rewritten: {path}")
        problems = check(root)
    except UnreadableError as error:
        problems = [f"error: {error}"]
    print("\n".join(problems) or "every number in prose is the recorded one")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
