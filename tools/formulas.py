"""Sets the formulas of the built pages once, so that no reader's browser has to.

MathJax runs here, at build time, in the Node that comes with Playwright. A page then holds each
formula as HTML that a style sheet draws, with hidden MathML for those who listen, and its TeX in
``data-tex``: it loads no script for mathematics, nothing moves after it stands, and formulas are
there where scripts are off.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from playwright._impl._driver import compute_driver_executable

PROGRAM = Path(__file__).with_suffix(".cjs")
SHEET = "_static/formulas.css"
FONTS = "vendor/mathjax"  # as seen from the sheet
SECONDS = 120  # far above the second that a whole book takes
# What the builder writes: TeX between \( \) or \[ \], or, for an environment of amsmath, bare.
FORMULA = re.compile(
    r'<(span|div) class="((?:[\w-]+ )*math notranslate nohighlight)"([^>]*)>(.*?)</\1>', re.S
)
KEPT = re.compile(r' data-tex="([^"]*)"')
NUMBER = re.compile(r'^\s*<span class="eqno">.*?</span>\s*', re.S)

# What MathJax makes of \qquad, and what stands there instead: a place where a line may end.
WIDE_SPACE = '<mjx-mstyle><mjx-mspace style="width: 2em;"></mjx-mspace></mjx-mstyle>'
GAP = "<mjx-gap> </mjx-gap>"

TeX: TypeAlias = tuple[str, bool]
"""A formula, and whether it stands by itself."""


class FormulaError(RuntimeError):
    """A formula cannot be set; the message says which, on which page, and why."""


class Set(NamedTuple):
    """Formulas as HTML, in the order asked for, and the style sheet that draws them."""

    formulas: list[str]
    css: str


def bare_tex(text: str) -> str:
    r"""Take the signs of the builder off a formula.

    Examples
    --------
    >>> bare_tex(r"\(a &lt; b\)")
    'a < b'
    """
    tex = html.unescape(text).strip()
    return tex[2:-2].strip() if tex[:2] in {r"\(", r"\["} else tex


def set_formulas(wanted: Sequence[TeX], mathjax: Path) -> Set:
    """Let MathJax set formulas.

    Parameters
    ----------
    wanted : sequence of (TeX, whether it stands by itself)
    mathjax : Path
        MathJax's folder ``es5``.

    Raises
    ------
    FormulaError
        If MathJax cannot run, or the TeX of a formula is wrong: all of them are listed.
    """
    node = compute_driver_executable()[0]
    try:
        run = subprocess.run(
            [node, str(PROGRAM), str(mathjax.resolve()), FONTS],
            input=json.dumps(list(wanted)),
            capture_output=True, encoding="utf-8", timeout=SECONDS, check=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise FormulaError("Node is missing: run the set-up again, it brings one") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["nothing"])[0]
        raise FormulaError(f"MathJax in {mathjax} does not run: {said}") from error
    found = json.loads(run.stdout)
    if found["errors"]:
        listed = "; ".join(f"{wanted[place][0]!r}: {why}" for place, why in found["errors"])
        raise FormulaError(listed)
    return Set(found["formulas"], found["css"])


def breakable(formula: str) -> str:
    """Let a formula that stands by itself go on in a new line at a wide space, on a narrow screen.

    Examples
    --------
    >>> breakable(f"<mjx-math>a{WIDE_SPACE}b</mjx-math>")
    '<mjx-math>a<mjx-gap> </mjx-gap>b</mjx-math>'
    """
    return formula.replace(WIDE_SPACE, GAP)


def formulas_in(text: str) -> list[TeX]:
    """List the formulas of a page that are still TeX."""
    return [
        (bare_tex(NUMBER.sub("", body)), kind == "div")
        for kind, _, attributes, body in FORMULA.findall(text)
        if "data-tex=" not in attributes
    ]


def _put_in(text: str, made: Mapping[TeX, str]) -> str:
    """Replace the TeX of a page by what was made of it."""

    def swap(match: re.Match[str]) -> str:
        kind, classes, attributes, body = match.groups()
        if "data-tex=" in attributes:
            return match.group(0)
        number = (NUMBER.match(body) or [""])[0]
        tex = body[len(number) :].strip()
        kept = html.escape(html.unescape(tex), quote=True)
        inside = f"{number}{made[bare_tex(tex), kind == 'div']}"
        return f'<{kind} class="{classes}"{attributes} data-tex="{kept}">{inside}</{kind}>'

    return FORMULA.sub(swap, text)


def set_pages(pages: dict[str, str], site: Path, mathjax: Path) -> None:
    """Set all formulas of the pages, in place, write their style sheet and link it.

    Parameters
    ----------
    pages : dict
        The HTML of each page by its path in the site.
    site : Path
        The built site; the sheet goes to :data:`SHEET`.
    mathjax : Path
        MathJax's folder ``es5``.

    Raises
    ------
    FormulaError
        If a formula cannot be set.
    """
    wanted = {name: formulas_in(text) for name, text in pages.items()}
    each = list(dict.fromkeys(formula for found in wanted.values() for formula in found))
    if not each:
        return
    made, css = set_formulas(each, mathjax)
    (site / SHEET).write_text(css, encoding="utf-8", newline="\n")
    of = {f: breakable(m) if f[1] else m for f, m in zip(each, made, strict=True)}
    for name, found in wanted.items():
        if found:
            up = "../" * name.count("/")
            link = f'<link rel="stylesheet" href="{up}{SHEET}"/>\n'
            pages[name] = _put_in(pages[name], of).replace("</head>", f"{link}</head>", 1)


def unset(text: str) -> str:
    r"""Turn the formulas of a page back into what the builder wrote, for tools that set them anew.

    Examples
    --------
    >>> unset(r'<span class="math notranslate nohighlight" data-tex="\(x\)"><b>x</b></span>')
    '<span class="math notranslate nohighlight">\\(x\\)</span>'
    """

    def swap(match: re.Match[str]) -> str:
        kind, classes, attributes, body = match.groups()
        kept = KEPT.search(attributes)
        if kept is None:
            return match.group(0)
        number = (NUMBER.match(body) or [""])[0]
        return f'<{kind} class="{classes}"{KEPT.sub("", attributes)}>{number}{kept[1]}</{kind}>'

    return FORMULA.sub(swap, text)
