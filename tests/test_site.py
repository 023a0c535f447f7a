"""The website: its checks catch what they are for, and the pages come out as promised."""

import doctest
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import book_cards  # noqa: E402
import book_figures  # noqa: E402
import book_head  # noqa: E402
import book_ledger  # noqa: E402
import book_runs  # noqa: E402
import book_status  # noqa: E402
import book_text  # noqa: E402

from tools import site  # noqa: E402

GOOD = """<!doctype html><html lang="en"><head><title>Counting words</title>
<link rel="stylesheet" href="_static/site.css"><script src="_static/site.js?v=1"></script></head>
<body><h1 id="top">Counting</h1><a href="#top">up</a> <a href="other.html#part">on</a>
<a href="https://example.org/paper">a paper</a><img src="_static/a.png" alt="Two rising lines">
<svg role="img" aria-label="Three dots"><circle r="1"/></svg></body></html>"""
OTHER = '<html lang="en"><head><title>Other</title></head><body><p id="part">x</p></body></html>'
FILES = ["_static/site.css", "_static/site.js", "_static/a.png"]


def pages(first=GOOD, **others):
    texts = {"index.html": first, "other.html": OTHER, **others}
    return {name: site.read_page(text, name) for name, text in texts.items()}


# --------------------------------------------------------------------------- links


def test_a_whole_page_has_no_problem():
    found = pages()
    assert site.broken_links(found, FILES) == []
    assert site.third_party_requests(found, {"a.css": "p { color: red }"}) == []
    assert site.images_without_text(found) == []
    assert site.duplicate_ids(found) == []
    assert site.without_language_or_title(found) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("other.html#part", "gone.html", "gone.html"),
        ("other.html#part", "other.html#gone", "#gone"),
        ("#top", "#bottom", "#bottom"),
        ("_static/a.png", "_static/b.png", "_static/b.png"),
        ("_static/site.js?v=1", "_static/gone.js?v=1", "gone.js"),
        ("_static/site.css", "_static/gone.css", "gone.css"),
    ],
)
def test_a_broken_link_is_found(old, new, named):
    problems = site.broken_links(pages(GOOD.replace(old, new)), FILES)
    assert len(problems) == 1
    assert problems[0].startswith("index.html: ") and named in problems[0]


def test_a_link_is_read_from_the_folder_of_its_page():
    inner = '<html lang="en"><a href="../other.html#part">x</a><a href="other.html">y</a></html>'
    problems = site.broken_links(pages(**{"chapters/one.html": inner}), FILES)
    assert problems == ["chapters/one.html: links to 'other.html', which is not in the site"]


def test_a_link_with_escaped_letters_finds_its_anchor():
    page = OTHER.replace('id="part"', 'id="zipf’s law"')
    found = {"a.html": site.read_page('<a href="b.html#zipf%E2%80%99s%20law">z</a>', "a.html")}
    found["b.html"] = site.read_page(page, "b.html")
    assert site.broken_links(found, []) == []


def test_a_file_that_a_style_sheet_asks_for_must_exist():
    styles = {"_static/styles/a.css": 'p { background: url("../b.png") } /* url(gone.png) */'}
    assert site.missing_from_styles(styles, ["_static/b.png"]) == []
    assert site.missing_from_styles(styles, ["b.png"]) == [
        "_static/styles/a.css: asks for '../b.png', which is not in the site"
    ]


# --------------------------------------------------------------------------- other hosts


@pytest.mark.parametrize(
    "loaded",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="HTTPS://cdn.example.org/x.css">',
        '<link rel="preconnect" href="https://cdn.example.org">',
        '<img alt="a picture of it" src="http://example.org/x.png">',
        '<img alt="two" src="_static/a.png" srcset="_static/a.png 1x, https://e.org/b.png 2x">',
        '<iframe src="https://example.org"></iframe>',
        '<video poster="https://example.org/x.png"></video>',
        '<object data="https://example.org/x.svg"></object>',
        '<svg aria-label="x"><image href="https://example.org/x.png"/></svg>',
        '<p style="background: url(https://example.org/x.png)">x</p>',
        "<style>@import 'https://example.org/x.css';</style>",
        '<script>import("https://example.org/x.mjs")</script>',
        '<script type="module">import x from "https://example.org/x.mjs"</script>',
        '<script>fetch("https://example.org/x.json")</script>',
        "<script>const s = {}; s.src = 'https://example.org/x.js'</script>",
        '<script>new Worker("https://example.org/x.js")</script>',
        "<script>r.open('GET', 'https://example.org/x')</script>",
        "<button onclick=\"fetch('https://example.org')\">x</button>",
    ],
)
def test_a_request_to_another_host_is_found(loaded):
    page = GOOD.replace("</body>", loaded + "</body>")
    problems = site.third_party_requests(pages(page), {})
    assert len(problems) == 1 and problems[0].startswith("index.html: loads '")


@pytest.mark.parametrize(
    "css",
    [
        "@import url(https://fonts.example.org/css);",
        '@import "//fonts.example.org/css";',
        "@font-face { src: url('https://fonts.example.org/a.woff2') }",
    ],
)
def test_a_request_of_a_style_sheet_is_found(css):
    assert site.third_party_requests({}, {"a.css": css})[0].startswith("a.css: loads ")


@pytest.mark.parametrize(
    "harmless",
    [
        '<a href="https://example.org">a link loads nothing</a>',
        '<link rel="canonical" href="https://example.org/book">',
        '<script>const help = "https://example.org/help";</script>',
        '<img alt="a dot" src="data:image/png;base64,AAAA">',
        "<p>Write import('https://example.org') and see.</p>",
    ],
)
def test_what_loads_nothing_is_no_request(harmless):
    assert site.third_party_requests(pages(GOOD.replace("</body>", harmless + "</body>")), {}) == []


def test_an_address_in_a_comment_of_a_style_sheet_is_no_request():
    assert site.third_party_requests({}, {"a.css": "/* url(https://example.org/x) */"}) == []


# --------------------------------------------------------------------------- text for pictures


@pytest.mark.parametrize(
    "alt", ["", 'alt=""', 'alt=" "', 'alt="a.png"', 'alt="a"', 'alt="../x/3f2c.svg"', "alt"]
)
def test_a_picture_without_words_is_found(alt):
    page = GOOD.replace('alt="Two rising lines"', alt)
    assert len(site.images_without_text(pages(page))) == 1


def test_a_drawing_without_a_name_is_found():
    page = GOOD.replace('aria-label="Three dots"', "")
    assert site.images_without_text(pages(page)) == ["index.html: 1 drawing(s) without a name"]


def test_a_decoration_needs_no_words():
    marks = '<img src="_static/mark.svg" alt=""><svg aria-hidden="true"></svg>'
    assert site.images_without_text(pages(GOOD.replace("</body>", marks + "</body>"))) == []


# --------------------------------------------------------------------------- ids, titles, weight


def test_an_id_used_twice_is_found():
    page = GOOD.replace("</body>", '<p id="top">again</p></body>')
    assert site.duplicate_ids(pages(page)) == ["index.html: 2 elements have the id 'top'"]


def test_a_page_must_name_its_language():
    problems = site.without_language_or_title(pages(GOOD.replace(' lang="en"', "")))
    assert problems == ["index.html: the page does not name its language"]


def test_a_page_must_have_a_title():
    problems = site.without_language_or_title(pages(GOOD.replace("Counting words", " ")))
    assert problems == ["index.html: the page has no title"]


def test_two_pages_must_not_share_a_title():
    problems = site.without_language_or_title(pages(**{"third.html": OTHER}))
    assert problems == ["2 pages share the title 'Other'"]


def test_the_title_of_a_drawing_is_not_the_title_of_the_page():
    page = site.read_page("<html><svg><title>dots</title></svg></html>", "a.html")
    assert site.without_language_or_title({"a.html": page})[-1] == "a.html: the page has no title"


def test_the_first_page_may_stand_under_two_addresses():
    assert site.without_language_or_title(pages(**{"intro.html": GOOD})) == []


def test_a_page_weighs_what_it_loads_at_once_compressed(tmp_path):
    (tmp_path / "a.css").write_text("p { color: red }\n" * 5000, encoding="utf-8")
    (tmp_path / "f.woff2").write_bytes(bytes(3000))
    html = (
        '<html><link rel="stylesheet" href="a.css?v=2"><link rel="preload" href="f.woff2"></html>'
    )
    (tmp_path / "a.html").write_text(html, encoding="utf-8")
    weight = site.weights({"a.html": site.read_page(html, "a.html")}, tmp_path)["a.html"]
    assert 3000 < weight < 4000


def test_a_page_over_the_budget_is_found():
    assert site.too_heavy({"a.html": 800 * 1024, "b.html": 800 * 1024 + 1}) == [
        "b.html: 800 KB compressed, the budget is 800 KB"
    ]


def test_the_table_of_contents_names_pages_at_every_depth():
    toc = yaml.safe_load(
        "{root: intro, parts: [{caption: x, chapters: [{file: a, sections: [{file: b}]}]}]}"
    )
    assert site.pages_of(toc) == ["intro", "a", "b"]


def test_a_page_that_was_not_built_is_found():
    assert site.missing_pages({"root": "intro"}, ["intro.html", "index.html"]) == []
    assert site.missing_pages({"root": "intro"}, ["index.html"]) == ["intro.html was not built"]
    assert site.missing_pages({"root": "intro"}, ["intro.html"]) == ["index.html was not built"]


def test_every_page_of_the_book_exists_as_a_source():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for name in site.pages_of(toc):
        assert any((ROOT / f"{name}{end}").exists() for end in (".md", ".ipynb")), name


def test_warnings_are_told_from_chatter():
    output = "\x1b[31mreading sources\nchapters/a.md:3: WARNING: no such page\nValueError: x\ndone"
    assert site.messages(output) == ["chapters/a.md:3: WARNING: no such page", "ValueError: x"]


# --------------------------------------------------------------------------- scripts of others


def test_only_a_whole_mathjax_is_staged(tmp_path):
    source = tmp_path / "mathjax" / "es5"
    for name in ("tex-chtml.js", "a11y/assistive-mml.js", "output/chtml/fonts/woff-v2/M.woff"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name, encoding="utf-8")
    (tmp_path / "mathjax" / "LICENSE").write_text("terms", encoding="utf-8")
    site.stage(tmp_path, tmp_path / "out")
    staged = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert staged == {
        "tex-chtml.js", "a11y/assistive-mml.js", "output/chtml/fonts/woff-v2/M.woff"
    }  # fmt: skip
    assert (tmp_path / "out" / "LICENSE").read_text(encoding="utf-8") == "terms"
    (source / "a11y" / "assistive-mml.js").unlink()
    with pytest.raises(site.SiteError, match=r"assistive-mml\.js is not in"):
        site.stage(tmp_path, tmp_path / "out2")


def test_the_templates_still_load_what_the_theme_loads_but_its_icons():
    import pydata_sphinx_theme

    theirs = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme"
    ours = ROOT / "_ext" / "templates"
    address = re.compile(r"pathto\('([^']+)'")
    macros = "static/webpack-macros.html"
    loaded = set(address.findall((theirs / macros).read_text(encoding="utf-8")))
    kept = set(address.findall((ours / macros).read_text(encoding="utf-8")))
    assert loaded - kept == {"_static/scripts/fontawesome.js"} and kept < loaded
    theirs_head = (theirs / "layout.html").read_text(encoding="utf-8")
    ours_head = (ours / "layout.html").read_text(encoding="utf-8")
    assert set(address.findall(ours_head)) == set(address.findall(theirs_head)) - {"search"}


def test_every_icon_that_the_style_names_is_drawn():
    css = (ROOT / "webassets" / "site.css").read_text(encoding="utf-8")
    drawn = set(re.findall(r"--(icon-[a-z-]+): url", css))
    assert set(re.findall(r"var\(--(icon-[a-z-]+)", css)) == drawn


# --------------------------------------------------------------------------- figures

FIGURE = """<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"
 xmlns:xlink="http://www.w3.org/1999/xlink" width="614" height="300" viewBox="0 0 460 225">
<title>GloVe lies above counting</title><metadata>{"x": 1}</metadata>
<defs><style>* {stroke-linejoin: round} .a, .b {fill: #ffffff}</style>
<clipPath id="c1"><rect width="3" height="3"/></clipPath><path id="m" d="M0 0"/></defs>
<g clip-path="url(#c1)" style="fill: #000000; stroke: #e57301"><use xlink:href="#m"/></g>
<text fill="black">one</text><rect class="ground-fill" fill="#FFFFFF"/></svg>"""


def test_a_figure_in_the_page_keeps_its_name_and_shares_no_id():
    first = book_figures.inline_svg(FIGURE, "figure-1")
    assert first.startswith("<svg ") and 'role="img"' in first
    assert 'aria-label="GloVe lies above counting"' in first
    assert "<title" not in first and "metadata" not in first
    assert 'id="figure-1-c1"' in first and "url(#figure-1-c1)" in first
    assert 'href="#figure-1-m"' in first and "xlink" not in first
    ids = re.findall(r'id="([^"]+)"', first + book_figures.inline_svg(FIGURE, "figure-2"))
    assert len(ids) == len(set(ids)) == 6


def test_ink_follows_the_text_paper_the_page_and_methods_keep_their_colour():
    drawn = book_figures.inline_svg(FIGURE, "f")
    assert "fill: currentColor; stroke: #e57301" in drawn
    assert '<text fill="currentColor">' in drawn
    assert 'fill="var(--figure-paper)"' in drawn


def test_a_marker_drawn_by_reference_follows_the_page_too():
    marker = '<path class="ink-stroke faint-fill" fill="#dedee3" stroke="#1b1b1f"/>'
    text = f'<svg aria-label="Three dots"><defs>{marker}</defs></svg>'
    drawn = book_figures.inline_svg(text, "f")
    assert 'stroke="currentColor"' in drawn and 'fill="var(--rule)"' in drawn
    assert "#1b1b1f" not in drawn and "#dedee3" not in drawn


def test_the_rules_of_a_figure_reach_no_other_part_of_the_page():
    drawn = book_figures.inline_svg(FIGURE, "f")
    assert "#f * {stroke-linejoin: round}" in drawn
    assert "#f .a, #f .b {fill: var(--figure-paper)}" in drawn or "#f .a, #f .b {" in drawn


def test_a_figure_is_never_wider_than_it_was_drawn():
    assert 'style="max-width: 614px"' in book_figures.inline_svg(FIGURE, "f")
    points = FIGURE.replace('width="614"', 'width="460pt"')
    drawn = book_figures.inline_svg(points, "f")
    assert 'style="max-width: 460pt"' in drawn and not re.search(
        r"<svg[^>]* (width|height)=", drawn
    )


def test_a_figure_without_words_is_refused():
    with pytest.raises(book_figures.FigureError, match="no alternative text"):
        book_figures.inline_svg(FIGURE.replace("GloVe lies above counting", " "), "f")


# --------------------------------------------------------------------------- the other extensions


def test_a_table_of_pandas_gets_one_heading_row_and_named_rows():
    import pandas as pd

    frame = pd.DataFrame({"value": [1]}, index=pd.Index(["tfidf"], name="method"))
    mended = book_head.mend_table(frame.to_html())
    assert "<thead><tr><th>method</th><th>value</th></tr></thead>" in mended
    assert '<th scope="row">tfidf</th>' in mended
    assert "border=" not in mended and "style=" not in mended
    unnamed = book_head.mend_table(pd.DataFrame({"value": [1]}).to_html())
    assert "<th></th>" not in unnamed and "<td></td>" in unnamed


def test_html_without_a_table_is_left_alone():
    text = "<details><summary>A</summary><style>p {}</style></details>"
    assert book_head.mend_table(text) == text


def test_a_number_keeps_its_percent_sign_beside_it():
    assert book_text.together("8.8 % of 10 words, 5 %") == "8.8\u00a0% of 10 words, 5\u00a0%"
    assert book_text.together("a % b, 50%") == "a % b, 50%"


def test_a_description_ends_with_a_sentence_or_a_word():
    text = "First sentence here. " + "Then words and words " * 20
    assert book_head.shorten(text) == "First sentence here."
    assert book_head.shorten("word " * 100).endswith("word ...")
    assert len(book_head.shorten("word " * 100)) <= book_head.LONGEST
    assert book_head.shorten("Short.") == "Short."


def test_head_tags_escape_what_they_quote():
    assert 'content="a &quot;b&quot; &lt;c&gt;"' in book_head.head_tags("t", 'a "b" <c>')


def test_the_last_run_is_one_line_in_the_units_of_the_reader():
    run = {"seconds": 41.6, "peak_mib": 921.6, "cells": 17, "date": "2026-11-23", "python": "3"}
    assert book_runs.run_line(run) == ("Last run: 42 s, 0.9 GiB peak memory, 17 cells, 2026-11-23")
    assert book_runs.run_line({"seconds": 0.2}) == "Last run: 1 s"
    assert book_runs.run_line({"fingerprint": "x"}) == ""
    assert book_runs.peak_gib({"peak_bytes": 2**31}) == 2.0
    assert book_runs.peak_gib({"peak_gib": 1.5}) == 1.5
    assert book_runs.peak_gib({"seconds": 3}) is None


def test_runs_are_read_by_file_stem(tmp_path):
    assert book_runs.read_runs(tmp_path) == {}
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "runs.json"
    path.write_text('{"01_a": {"seconds": 3}}', encoding="utf-8")
    assert book_runs.read_runs(tmp_path) == {"01_a": {"seconds": 3}}


def test_status_falls_back_to_the_stored_runs(tmp_path):
    assert book_status.read_status(tmp_path) == {}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "runs.json").write_text('{"01_a": {"seconds": 3}}', encoding="utf-8")
    assert book_status.read_status(tmp_path) == {"chapters": {"01_a": {"seconds": 3}}}
    (tmp_path / "_build").mkdir()
    stored = {"chapters": [{"chapter": "01_a", "seconds": 4, "stale": True}]}
    path = tmp_path / "_build" / "status.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert book_status.read_status(tmp_path) == stored
    row = book_status.chapter_rows(stored, {1: "chapters/01_a"}, "pages/status")[0]
    assert [cell.astext() for cell in row] == ["chapter 1", "4", "-", "-", "-", "to be run again"]


def test_a_card_is_split_at_its_headings_and_never_inside_code():
    text = "---\nx: 1\n---\n# News\nOne.\n\n## Licence\n```\n# not a heading\n```\n### Size\nBig.\n"
    assert book_cards.split_card(text, "news") == (
        "News",
        [("", "One."), ("Licence", "```\n# not a heading\n```"), ("Size", "Big.")],
    )
    assert book_cards.split_card("Plain.", "news") == ("news", [("", "Plain.")])


def test_chapters_are_known_by_their_number():
    names = [
        "chapters/00_primer",
        "chapters/12_sentence_embeddings",
        "pages/12_x",
        "chapters/draft",
    ]
    assert book_ledger.chapters(names) == {
        0: "chapters/00_primer",
        12: "chapters/12_sentence_embeddings",
    }


MODULES = (site, book_cards, book_figures, book_head, book_ledger, book_runs, book_status)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0


# --------------------------------------------------------------------------- a small book, built

CLAIMS = """
- {number: 1, statement: Vectors are points, owner: 1, later: [2], evidence: [run],
   verdict: qualified, because: "It reached {toy}.", results: [toy], cites: [],
   stands_while: "toy.low > 0", flips_if: the interval reached zero}
- {number: 2, statement: Counting is old, owner: 2, later: [], evidence: [history],
   verdict: null, because: null, results: [], cites: [], stands_while: null, flips_if: null}
"""


def small_book(root):
    """The book's own configuration and extensions around one chapter and three pages."""
    root.mkdir(parents=True)
    for name in ("_config.yml", "_ext", "webassets"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, root / name)
    for name in ("chapters", "pages", "data/cards", ".pytest_cache"):
        (root / name).mkdir(parents=True)
    toc = "format: jb-book\nroot: intro\nchapters:\n" + "".join(
        f"  - file: {name}\n"
        for name in ("chapters/01_toy", "pages/verdicts", "pages/status", "pages/about")
    )
    files = {
        "_toc.yml": toc,
        "references.bib": "@book{K1975, author={K, A}, title={T}, year={1975}, publisher={P}}\n",
        "intro.md": "# The book\n\n```{ledger-count}\n```\n\n```{ledger}\n:only: judged\n```\n",
        "pages/verdicts.md": "# Verdicts\n\n```{ledger}\n```\n\n```{bibliography}\n```\n",
        "pages/status.md": "# Runs\n\n```{book-status}\n```\n\n```{data-cards}\n```\n",
        "pages/about.md": "# About\n\n## How to cite\n\nSo.\n\n## Licence\n\nOpen.\n",
        "data/claims.yml": CLAIMS,
        ".pytest_cache/README.md": "# A hidden folder is no page of the book\n",
        "data/cards/lee.md": "# Lee\n\nFifty texts.\n\n## Licence\n\nNot *stated*.\n",
        "data/runs.json": '{"01_toy": {"seconds": 42, "peak_mib": 922, "cells": 3}}',
    }
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    mime = "application/vnd.embeddings-tested.result+json"
    shown = [
        {"text/plain": "toy = 0.28 [0.11, 0.44] (n = 50 documents)", mime: {"key": "toy"}},
        {"text/plain": "GloVe lies above", "image/svg+xml": FIGURE},
        {"text/plain": "a table", "text/html": "<table><tr><th>a</th></tr></table>"},
    ]
    cells = [
        nbformat.v4.new_markdown_cell(
            "# A toy\n\nThe answer is that $x$ and {cite}`K1975` agree well enough on most days."
        )
    ]
    for count, data in enumerate(shown, start=1):
        output = nbformat.v4.new_output("display_data", data=data)
        cells.append(
            nbformat.v4.new_code_cell(f"f({count})", execution_count=count, outputs=[output])
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, root / "chapters" / "01_toy.ipynb")
    mathjax = root / "mathjax"
    for name in site.NEEDED:
        target = mathjax / name / "M.woff" if name.endswith("woff-v2") else mathjax / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("// stand-in\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = small_book(tmp_path_factory.mktemp("a book") / "with spaces")
    return site.build(root, mathjax=root / "mathjax").parent


@pytest.fixture(scope="module")
def chapter(built):
    return (built / "chapters" / "01_toy.html").read_text(encoding="utf-8")


def test_a_small_book_is_built_and_has_no_problem(built):
    toc = yaml.safe_load((built.parent.parent / "_toc.yml").read_text(encoding="utf-8"))
    assert site.check(built, toc) == []
    first = (built / "intro.html").read_text(encoding="utf-8")
    assert (built / "index.html").read_text(encoding="utf-8") == first


def test_the_checks_see_what_is_broken_in_a_built_book(built, tmp_path):
    broken = tmp_path / "html"
    shutil.copytree(built, broken)
    path = broken / "pages" / "about.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("</article>", '<a href="gone.html">x</a><img src="//e.org/a.png"></article>'),
        encoding="utf-8",
    )
    (broken / "chapters" / "01_toy.html").unlink()
    toc = yaml.safe_load((built.parent.parent / "_toc.yml").read_text(encoding="utf-8"))
    problems = "\n".join(site.check(broken, toc))
    assert "chapters/01_toy.html was not built" in problems
    assert "pages/about.html: links to 'gone.html'" in problems
    assert "pages/about.html: loads '//e.org/a.png'" in problems
    assert "has no alternative text" in problems


def test_a_chapter_says_what_it_cost_and_what_it_is_about(chapter):
    assert "Last run: 42 s, 0.9 GiB peak memory, 3 cells" in chapter
    description = re.search(r'<meta name="description" content="([^"]+)"', chapter)
    assert description and description.group(1).startswith("The answer is that")
    assert "_sources/chapters/01_toy.ipynb" in chapter


def test_a_chapter_shows_its_figure_as_part_of_the_page(chapter):
    assert '<div class="figure-frame"><svg ' in chapter
    assert 'aria-label="GloVe lies above counting"' in chapter
    assert not re.search(r'<img[^>]*\.svg"[^>]*class="[^"]*output', chapter)


def test_a_chapter_hides_the_machine_readable_result(chapter):
    assert "toy = 0.28 [0.11, 0.44] (n = 50 documents)" in chapter
    assert "result+json" not in chapter


def test_mathematics_comes_from_the_site_with_its_hidden_mathml(chapter):
    assert 'src="../_static/vendor/mathjax/tex-chtml.js' in chapter
    assert '"enableAssistiveMml": true' in chapter


def test_the_ledger_links_to_written_chapters_and_carries_their_numbers(built):
    ledger = (built / "pages" / "verdicts.html").read_text(encoding="utf-8")
    assert "It reached 0.28." in ledger
    assert re.search(r'id="statement-1".*?href="\.\./chapters/01_toy\.html"', ledger, flags=re.S)
    assert 'later <span class="unwritten">chapter 2</span>' in ledger
    assert "not yet judged" in ledger
    front = (built / "intro.html").read_text(encoding="utf-8")
    assert "1 of 2 statements have their verdict so far: 1 holds, with a qualification." in front
    assert "Counting is old" not in front


def test_cards_and_runs_are_on_their_pages(built):
    page = (built / "pages" / "status.html").read_text(encoding="utf-8")
    assert 'id="card-lee"' in page and "Not <em>stated</em>." in page
    assert "chapter 1" in page and "<p>42</p>" in page


def test_a_warning_fails_the_build_and_is_shown(tmp_path):
    root = small_book(tmp_path / "book")
    (root / "pages" / "about.md").write_text("# About\n\n[lost](nowhere.md)\n", encoding="utf-8")
    with pytest.raises(site.SiteError, match=r"about\.md:3: WARNING: .*nowhere"):
        site.build(root, mathjax=root / "mathjax")


def test_a_builder_that_builds_nothing_is_not_believed(tmp_path, monkeypatch):
    root = small_book(tmp_path / "book")
    done = subprocess.CompletedProcess([], 0, stdout="all is well", stderr="")
    monkeypatch.setattr(site.subprocess, "run", lambda *a, **k: done)
    with pytest.raises(site.SiteError, match=r"reported success, but index\.html was not built"):
        site.build(root, mathjax=root / "mathjax")
