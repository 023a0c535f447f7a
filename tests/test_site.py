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
import book_front  # noqa: E402
import book_head  # noqa: E402
import book_ledger  # noqa: E402
import book_promises  # noqa: E402
import book_reading  # noqa: E402
import book_runs  # noqa: E402
import book_search  # noqa: E402
import book_share  # noqa: E402
import book_status  # noqa: E402
import book_terms  # noqa: E402
import book_text  # noqa: E402

from lib.results import Result  # noqa: E402
from tools import costs, finish, site, typefaces  # noqa: E402

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
    for name in (*site.NEEDED, f"{site.FONTS}/M.woff"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name, encoding="utf-8")
    (tmp_path / "mathjax" / "LICENSE").write_text("terms", encoding="utf-8")
    assert site.stage(tmp_path, tmp_path / "out") == source
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"M.woff", "LICENSE"}
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
    # Searching happens on a page of its own, so no other page loads the index.
    searching = {"_static/searchtools.js", "_static/language_data.js", "searchindex.js"}
    assert set(address.findall(theirs_head)) - {"search"} == searching
    assert set(address.findall(ours_head)) == {"_static/fonts/"}


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


def test_a_marker_that_every_panel_defines_is_defined_once_in_the_page():
    marker = '<defs><path id="m" d="M0 0h1"/></defs>\n<use href="#m"/>'
    text = f'<svg aria-label="two panels" width="9"><g>{marker}</g><g>{marker}  </g></svg>'
    drawn = book_figures.inline_svg(text, "f")
    assert drawn.count('id="f-m"') == 1
    assert drawn.count('href="#f-m"') == 2
    other = text.replace('d="M0 0h1"', 'd="M0 0h2"', 1)
    with pytest.raises(book_figures.FigureError, match="two elements of a figure have the id 'm'"):
        book_figures.inline_svg(other, "f")


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


def test_a_formula_and_the_sign_after_it_stay_on_one_line():
    from docutils import nodes

    document = paragraph(
        nodes.math("", "x"), nodes.Text(", and "), nodes.math("", "y"), nodes.Text(".")
    )
    book_text.KeepSignWithFormula(document).run()
    kept = [n for n in document.findall(nodes.inline) if "kept-sign" in n["classes"]]
    assert [n.astext() for n in kept] == ["x,", "y."]
    assert document.astext() == "x, and y."


def test_of_equal_texts_only_the_one_after_the_formula_loses_its_sign():
    from docutils import nodes

    document = paragraph(
        nodes.emphasis("", "river"), nodes.Text(". "), nodes.math("", "x"), nodes.Text(". "),
        nodes.emphasis("", "the"),
    )  # fmt: skip
    book_text.KeepSignWithFormula(document).run()
    assert document.astext() == "river. x. the"


def test_a_formula_without_a_sign_after_it_is_left_alone():
    from docutils import nodes

    document = paragraph(nodes.math("", "x"), nodes.Text(" words"), nodes.math("", "y"))
    book_text.KeepSignWithFormula(document).run()
    assert not list(document.findall(nodes.inline)) and document.astext() == "x wordsy"


def test_a_folded_cell_says_what_opens():
    from docutils import nodes

    cells = {
        "Ranks.show_solution()": "the solution",
        '"""The same in every chapter: find it."""': "the set-up",
        "x = 1": "the code",
    }
    document = paragraph()
    for source in cells:
        document += nodes.container("", nodes.literal_block("", source), nb_element="cell_code")
        document[-1]["hide_mode"] = "all"
    document += nodes.container("", nodes.literal_block("", "y = 2"), nb_element="cell_code")
    book_text.NameFoldedCells(document).run()
    folded = [n for n in document.findall(nodes.container) if "prompt_show" in n]
    assert [n["prompt_show"] for n in folded] == [f"Show {what}" for what in cells.values()]
    assert [n["prompt_hide"] for n in folded] == [f"Hide {what}" for what in cells.values()]


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


def test_the_status_page_shows_what_the_experiments_stored(tmp_path):
    assert book_status.stored_results(tmp_path) == {}
    folder = tmp_path / "data" / "results"
    folder.mkdir(parents=True)
    race = {"model": "cbow", "dimensions": 50, "tokens": 250_000, "threads": 2, "ours": 1_234_567.0,
            "gensim": 2e5, "ratio": 6.17, "lowest": 5.9, "highest": 6.44}  # fmt: skip
    stored = {"rows": [race], "seeds": [1], "seconds": 150.0, "date": "2026-11-23T10:00:00"}
    (folder / "word2vec_scaling.json").write_text(json.dumps(stored), encoding="utf-8")
    results = book_status.stored_results(tmp_path)
    (row,) = book_status.experiment_rows(results)
    assert [cell.astext() for cell in row] == ["word2vec scaling", "1", "1", "2", "2026-11-23"]
    (row,) = book_status.speed_rows(results["word2vec_scaling"]["rows"])
    told = ["cbow", "50", "0.25", "2", "1,235", "6.2 (5.9 to 6.4)"]
    assert [cell.astext() for cell in row] == told


def test_a_card_is_split_at_its_headings_and_never_inside_code():
    text = "---\nx: 1\n---\n# News\nOne.\n\n## Licence\n```\n# not a heading\n```\n### Size\nBig.\n"
    assert book_cards.split_card(text, "news") == (
        "News",
        [("", "One."), ("Licence", "```\n# not a heading\n```"), ("Size", "Big.")],
    )
    assert book_cards.split_card("Plain.", "news") == ("news", [("", "Plain.")])


def test_a_card_in_no_group_or_in_two_is_named():
    with pytest.raises(book_cards.ExtensionError, match="news: every card is in one group"):
        book_cards.groups(["Texts: r8"], ["news", "r8"])
    with pytest.raises(book_cards.ExtensionError, match="r8: every card"):
        book_cards.groups(["Texts: r8", "Models: r8"], ["r8"])


def test_cards_of_our_own_sets_count_too(tmp_path):
    for name in ("data/cards/r8.md", "data/own/marks.md", "data/own/marks.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# A card\n", encoding="utf-8")
    assert list(book_cards.cards(tmp_path)) == ["marks", "r8"]


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


MODULES = (
    site, finish, costs, typefaces, book_cards, book_figures, book_front, book_head, book_ledger,
    book_promises, book_reading, book_runs, book_search, book_share, book_status, book_terms,
    book_text,
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0


# --------------------------------------------------------------------------- the front page


def number(value, low, high, **others):
    facts = {"level": 0.95, "n": 300, "unit": "documents", "method": "", "key": "a"}
    return Result(value, low, high, **{**facts, "kind": "bootstrap", "digits": 1, **others})


def test_a_method_wins_only_where_the_interval_of_the_difference_leaves_out_zero():
    scores = [number(0.95, 0.93, 0.97, percent=True), number(0.89, 0.85, 0.92, percent=True)]
    words = ("counting", "averaging", "at sorting")

    def card(low, high):
        gap = number((low + high) / 2, low, high, percent=True)
        return book_front.duel_card(gap, scores, words, "x")

    won = card(0.03, 0.1)
    assert (won.verdict, won.statement) == (
        "The simple method wins", "Counting beats averaging at sorting.",
    )  # fmt: skip
    assert (won.number, won.interval) == ("+6.5", "points [3.0, 10.0]")
    assert won.basis == "95.0 % right against 89.0 %, n\u00a0=\u00a0300 documents"
    lost = card(-0.1, -0.03)
    assert (lost.verdict, lost.statement) == (
        "The fancy method wins", "Averaging beats counting at sorting.",
    )  # fmt: skip
    tied = card(-0.01, 0.1)
    assert (tied.verdict, tied.statement) == (
        "A tie", "Counting and averaging cannot be told apart at sorting.",
    )  # fmt: skip


def test_a_drawn_interval_stands_where_its_numbers_are():
    drawn = book_front.interval_drawing(number(0.5, 0.25, 0.75), 0, 1)
    assert 'd="M50.0 12H150.0"' in drawn and 'cx="100.0"' in drawn and 'd="M0.0 3V21"' in drawn
    assert 'aria-hidden="true"' in drawn
    exact = book_front.interval_drawing(number(0.5, 0.5, 0.5, kind="exact"), 0.1, 1)
    assert "span" not in exact and "zero" not in exact


def test_a_card_about_a_number_that_no_chapter_recorded_is_refused():
    with pytest.raises(Exception, match="'duel gone: a \\| b' cannot be read"):
        book_front.read_cards(["duel gone: a | b"], [], {})


def test_the_exercises_of_the_book_are_counted_from_its_code():
    from exercises import ch01
    from lib.exercise import Exercise

    own = [v for v in vars(ch01).values() if isinstance(v, type) and issubclass(v, Exercise)]
    counted = book_front.taught([ch01])
    assert counted.exercises == len([e for e in own if e is not Exercise]) == 4
    assert counted.misconceptions == sum(len(e.misconceptions) for e in own if e is not Exercise)
    assert book_front.taught(book_front.exercise_modules([1, 99])) == counted


# --------------------------------------------------------------------------- the opening, the terms


def test_sentences_are_counted_past_decimals_and_short_forms():
    assert book_reading.sentences("It scores 0.51, e.g. more. Why? Because of 2.3 points.") == 3
    assert book_reading.sentences("One (as said). Two: see Fig. 3.") == 2
    assert book_reading.sentences("No end") == 0


def test_every_chapter_of_the_book_opens_with_three_sentences():
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source
        answer = re.sub(r"<!--.*?-->|\*\*", "", first.split("\n\n")[1])
        assert book_reading.sentences(answer) == 3, path.name


def paragraph(*children):
    from docutils import nodes
    from docutils.utils import new_document

    document = new_document("x")
    document += nodes.paragraph("", "", *children)
    return document


def test_a_term_is_linked_at_its_first_use_only_and_never_in_code():
    from docutils import nodes

    terms = {"idf": book_terms.Term("idf", "term-idf", "A weight."),
             "type": book_terms.Term("type", "term-type", "A distinct token.")}  # fmt: skip
    document = paragraph(
        nodes.literal("", "idf"), nodes.Text(" is code; a type of idf, the idf, two "),
        nodes.emphasis("", "types"), nodes.Text("."),
    )  # fmt: skip
    assert book_terms.link_terms(document, terms, "g.html") == ["idf", "type"]
    links = list(document.findall(nodes.reference))
    assert [(a.astext(), a["refuri"], a["reftitle"]) for a in links] == [
        ("idf", "g.html#term-idf", "A weight."), ("types", "g.html#term-type", "A distinct token."),
    ]  # fmt: skip
    assert document.astext() == "idf is code; a type of idf, the idf, two types."
    assert links[1].parent.tagname == "emphasis"


@pytest.mark.parametrize("kind", sorted(book_terms.UNTOUCHED_CLASSES))
def test_no_term_is_linked_in_the_answer_or_in_an_output(kind):
    from docutils import nodes

    document = paragraph(nodes.inline("", "idf", classes=[kind]))
    terms = {"idf": book_terms.Term("idf", "term-idf", "A weight.")}
    assert book_terms.link_terms(document, terms, "g.html") == []


# --------------------------------------------------------------------------- previews, addresses


def test_a_preview_is_a_picture_of_the_size_that_others_ask_for(tmp_path):
    picture = book_share.preview("A title of some words", "above", "below", tmp_path)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == book_share.SIZE == (1200, 630)
    assert picture == book_share.preview("A title of some words", "above", "below", tmp_path)
    assert int.from_bytes(book_share.icon(180)[16:20], "big") == 180


def test_absolute_addresses_are_written_only_where_the_address_is_known(monkeypatch):
    monkeypatch.delenv("BOOK_ADDRESS", raising=False)
    head = book_share.head_links("pages/about", "intro", "../")
    assert "canonical" not in head and "og:url" not in head
    assert 'content="../_static/social/book.png"' in head
    monkeypatch.setenv("BOOK_ADDRESS", "https://example.org/b/")
    head = book_share.head_links("pages/about", "intro", "../")
    assert '<link rel="canonical" href="https://example.org/b/pages/about.html"/>' in head
    assert 'content="https://example.org/b/_static/social/book.png"' in head
    assert "canonical" not in book_share.head_links("404", "intro", "")
    listed = book_share.sitemap([book_share.page_address("intro", "intro")], "2026-11-23")
    assert "<loc>https://example.org/b/</loc><lastmod>2026-11-23</lastmod>" in listed


# --------------------------------------------------------------------------- the last hand


def test_a_rule_goes_only_if_nothing_on_any_page_or_in_any_script_can_match_it():
    css = """.used a, .gone {color: red} .gone:hover {color: blue} #gone {x: y}
    @media print { .used {x: y} .gone {x: y} } @media screen { .gone {x: y} }
    @font-face {font-family: a; src: url(a.woff)} p:not(.gone) {x: "a; }"} [class*="go"] {x: y}"""
    kept = finish.pruned(finish.squeezed(css), {"used"})
    assert kept == (
        ".used a{color:red}@media print{.used{x:y}}"
        '@font-face{font-family:a;src:url(a.woff)}p:not(.gone){x:"a; }"}[class*="go"]{x:y}'
    )


def test_style_sheets_become_one_with_their_imports_and_their_addresses(tmp_path):
    (tmp_path / "_static" / "styles").mkdir(parents=True)
    (tmp_path / "_static" / "a.css").write_text("b{background:url(dot.png)}", encoding="utf-8")
    theme = '@import url("../a.css");i{background:url(../img/x.png)}.gone{x:y}'
    (tmp_path / "_static" / "styles" / "t.css").write_text(theme, encoding="utf-8")
    link = '<link rel="stylesheet" href="../_static/styles/t.css?v=1" />\n'
    pages = {"p/one.html": f"<head>{link}</head>", "p/two.html": f"<head>{link}</head>"}
    finish.bundle_styles(pages, tmp_path)
    css = (tmp_path / "_static" / "book.css").read_text(encoding="utf-8")
    assert css == 'b{background:url("dot.png")}i{background:url("img/x.png")}'
    assert re.fullmatch(
        r'<head>  <link rel="stylesheet" href="\.\./_static/book\.css\?v=\w{8}"/>\n</head>',
        pages["p/one.html"],
    )
    assert not list(tmp_path.rglob("t.css")) and not list(tmp_path.rglob("a.css"))


def test_a_page_loads_one_style_sheet_for_all_its_live_figures(tmp_path):
    (tmp_path / "_static" / "live").mkdir(parents=True)
    for stem in ("live", "dice"):
        css = f".{stem} {{ width: calc(100% - 2px); }} /* {stem} */"
        (tmp_path / "_static" / "live" / f"{stem}.css").write_text(css, encoding="utf-8")
    links = '<link rel="stylesheet" href="../_static/live/{}.css?v=1"/>'
    pages = {
        "p/two.html": links.format("live") + links.format("dice"),
        "p/one.html": links.format("live"),
        "p/none.html": '<link rel="stylesheet" href="../_static/book.css"/>',
    }
    finish.join_figures(pages, tmp_path)
    assert len(finish.LINK.findall(pages["p/two.html"])) == 1
    assert 'href="../_static/live/live-and-dice.min.css?v=' in pages["p/two.html"]
    both = (tmp_path / "_static" / "live" / "live-and-dice.min.css").read_text(encoding="utf-8")
    assert both == ".live{width:calc(100% - 2px)}.dice{width:calc(100% - 2px)}"
    assert "live/live.min.css" in pages["p/one.html"] and "live" not in pages["p/none.html"]


def test_scripts_wait_for_the_page_and_mathjax_is_not_loaded():
    head = (
        '<script src="_static/documentation_options.js"></script><script src="a.js"></script>'
        '<script>window.MathJax = {}</script><script defer src="mathjax/tex-chtml.js"></script>'
    )
    plain = finish.wait(head, "const D = 1;")
    assert plain == (
        f'<script>const D = 1;{finish.FROM_DISK}</script>\n<script defer src="a.js"></script>'
    )
    formula = finish.wait(head + '<span class="math notranslate">x</span>', "")
    assert "MathJax" not in formula and "mathjax" not in formula


def test_the_first_page_says_what_a_chapter_weighs(tmp_path):
    text = '<span class="page-weight">some</span>'
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    finish.say_weight(tmp_path, {"chapters/a.html": 312_000, "chapters/b.html": 598_000, "x": 9})
    said = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert said == '<span class="page-weight">310 to 600 KB</span>'


# --------------------------------------------------------------------------- typefaces


def test_a_site_without_the_typefaces_still_builds_and_keeps_no_old_ones(tmp_path):
    (tmp_path / "fonts").mkdir()
    assert not typefaces.make(tmp_path / "nothing", tmp_path / "fonts")
    assert not (tmp_path / "fonts").exists()


def test_a_face_is_cut_to_the_letters_in_use_and_goes_by_another_name(tmp_path, monkeypatch):
    from fontTools.ttLib import TTFont

    from lib.data import load

    source = load("source-code-pro").folder.parent
    mono = next(face for face in typefaces.FACES if face.file == "mono.woff")
    measures = typefaces.cut(mono, source, tmp_path)
    assert measures["width"] == pytest.approx(0.6)
    font = TTFont(tmp_path / "mono.woff")
    assert set(font.getBestCmap()) <= set(typefaces.LATIN)
    assert {ord(c) for c in "azAZ09{}−"} <= set(font.getBestCmap())
    names = {record.nameID: record.toUnicode() for record in font["name"].names}
    assert names[1] == "Book Mono normal" and "Source" not in names[4] + names[6]
    assert "Open Font License" in names[13]
    assert (tmp_path / "mono.woff").stat().st_size < 30_000


def test_every_family_has_stand_ins_and_a_name_that_the_style_asks_for():
    one = {"width": 0.5, "ascent": 1.0, "descent": 0.3}
    measures = dict.fromkeys(typefaces.STAND_INS, one)
    sheet = typefaces.style_sheet(typefaces.FACES, measures)
    css = (ROOT / "webassets" / "site.css").read_text(encoding="utf-8")
    asked = set(re.findall(r"var\((--book-\w+)", css))
    assert asked == set(re.findall(r"(--book-\w+):", sheet))
    for family in typefaces.STAND_INS:
        assert f'font-family:"{family}";' in sheet and f'"{family} Stand-in ' in sheet
    assert sheet.count("font-display:swap") == len(typefaces.FACES)


# --------------------------------------------------------------------------- checks of every page

WHOLE = """<html lang="en"><head><title>{name}</title>
<meta name="description" content="About {name}"><meta property="og:title" content="{name}">
<meta property="og:description" content="About {name}">
<meta property="og:image" content="../_static/book.png"><meta name="twitter:card" content="large">
<link rel="apple-touch-icon" href="../_static/a.png">
<script defer src="../_static/site.js"></script></head><body><a href="#main-content">Skip</a>
<nav></nav><main id="main-content"><article><p class="book-place"></p><p class="last-run"></p>
<div class="answer"></div><p class="book-notebook"></p></article></main><footer></footer></body>"""


def chapter_pages(old="", new=""):
    texts = {f"chapters/{name}.html": WHOLE.format(name=name) for name in ("one", "two")}
    if old:
        assert old in texts["chapters/one.html"]
        texts["chapters/one.html"] = texts["chapters/one.html"].replace(old, new)
    return {name: site.read_page(text, name) for name, text in texts.items()}


def faults(found, address=""):
    files = [
        "_static/book.png",
        "_static/a.png",
        *(["sitemap.xml", "robots.txt"] if address else []),
    ]
    return [
        *site.without_description(found),
        *site.missing_pictures(found, files, address),
        *site.without_landmarks(found),
        *site.without_answer(found),
        *site.slow_to_stand(found),
        *site.wrong_address(found, files, address),
    ]


def test_a_page_with_all_that_a_page_needs_has_no_fault():
    assert faults(chapter_pages()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="description" content="About one"', "", "has no 'description'"),
        ('content="About one"><meta', 'content="About two"><meta', "share the description"),
        ('property="og:image"', 'property="x"', "has no 'og:image'"),
        ("_static/book.png", "_static/gone.png", "_static/gone.png was not drawn"),
        ('href="../_static/a.png"', 'href="../_static/b.png"', "_static/b.png was not drawn"),
        ("<nav></nav>", "", "no <nav>"),
        ('href="#main-content"', 'href="#"', "no link that skips"),
        ('<div class="answer"></div>', "", "0 blocks of class 'answer'"),
        ('class="last-run"', "", "0 blocks of class 'last-run'"),
        ("<script defer", "<script", "waits for '../_static/site.js'"),
        ("<title>", '<script defer src="tex-chtml.js"></script><title>', "loads MathJax"),
        ("<title>", '<link rel="stylesheet" href="a.css">' * 4 + "<title>", "4 style sheets"),
        ("<title>", '<link rel="canonical" href="https://e.org/"><title>', "BOOK_ADDRESS is not"),
    ],
)  # fmt: skip
def test_what_a_page_lacks_is_named(old, new, said):
    found = faults(chapter_pages(old, new))
    assert found and all("one.html" in line or "share" in line for line in found)
    assert any(said in line for line in found)


def test_with_an_address_every_page_names_its_own():
    found = faults(chapter_pages(), "https://e.org/b/")
    assert len([line for line in found if "its canonical address is ''" in line]) == 2


# --------------------------------------------------------------------------- a small book, built

FRONT = """# The book

A small book that stands in for the large one, with one of each thing.

```{ledger-count}
```

```{ledger}
:only: judged
```

```{front-verdicts}
claim 1: toy | what it is | chapters/01_toy#How it plays
duel gap: toy | toy | counting | averaging | at toys | chapters/01_toy
```

```{front-door} read
```

```{front-door} run
```

```{front-door} teach
```

```{front-questions}
Is it a toy? | 1 | How it plays
Is it more? | 2
```

```{front-plan}
```

```{front-facts}
```
"""
ANSWER = "The answer is that $x$ and {cite}`K1975` agree on most days. It scored 0.28. Why not?"
RUN = {"seconds": 42, "peak_mib": 922, "cells": 3, "date": "2026-11-23"}
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
        for name in (
            "chapters/01_toy",
            "pages/verdicts",
            "pages/status",
            "pages/about",
            "pages/glossary",
        )
    )
    files = {
        "_toc.yml": toc,
        "references.bib": "@book{K1975, author={K, A}, title={T}, year={1975}, publisher={P}}\n",
        "intro.md": FRONT,
        "pages/glossary.md": "# Glossary\n\nTerms that the chapters use, each in one sentence.\n\n"
        "```{glossary}\ntoy\n    A thing to play with.\n```\n",
        "pages/verdicts.md": "# Verdicts\n\nEvery statement of the small book, and its verdict.\n\n"
        "```{ledger}\n```\n\n```{bibliography}\n```\n",
        "pages/status.md": "# Runs\n\nWhat the chapter of this small book cost when it ran.\n\n"
        "```{book-status}\n```\n\n```{data-overview}\nTexts: lee\n```\n\n```{data-cards}\n```\n",
        "pages/about.md": "# About\n\nA page that says what this small book is about.\n\n"
        "## How to cite\n\nSo.\n\n## Licence\n\nOpen.\n",
        "data/claims.yml": CLAIMS,
        ".pytest_cache/README.md": "# A hidden folder is no page of the book\n",
        "data/cards/lee.md": "# Lee: texts\n\nFifty texts.\n\n**Size.** 50 texts, all short.\n\n"
        "## Licence\n\nNot *stated*.\n",
        "data/runs.json": json.dumps({"01_toy": RUN}),
    }
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    mime = "application/vnd.embeddings-tested.result+json"
    shown = [
        {"text/plain": "toy = 0.28 [0.11, 0.44] (n = 50 documents)", mime: {"key": "toy"}},
        {"text/plain": "gap = 0.02 [-0.08, 0.12] (n = 50 documents)", mime: {"key": "gap"}},
        {"text/plain": "GloVe lies above", "image/svg+xml": FIGURE},
        {"text/plain": "a table", "text/html": "<table><tr><th>a</th></tr></table>"},
    ]
    cells = [
        nbformat.v4.new_markdown_cell(
            f"# A toy\n\n{ANSWER}\n\nA *toy* is a toy; `toy` is code, and toys are linked once."
            " See [chapter 1](../intro.md), not [chapter 2](../intro.md)."
            "\n\n## How it plays\n\nWell: $a_i < b$, and\n\n$$\n\\frac{1}{2}\n$$ (half)"
        )
    ]
    imports = nbformat.v4.new_code_cell("import re\nfrom math import log", execution_count=1)
    cells.append(imports)
    for count, data in enumerate(shown, start=2):
        output = nbformat.v4.new_output("display_data", data=data)
        cells.append(
            nbformat.v4.new_code_cell(f"f({count})", execution_count=count, outputs=[output])
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, root / "chapters" / "01_toy.ipynb")
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = small_book(tmp_path_factory.mktemp("a book") / "with spaces")
    return site.build(root, fonts=root / "none").parent


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
    assert "1 minute to read. Last run" in chapter
    assert '<p class="book-place">Chapter 1</p>' in chapter
    assert re.search(r'href="\.\./_sources/chapters/01_toy\.ipynb" download>', chapter)
    assert "_sources/chapters/01_toy.ipynb" in chapter


def test_only_the_imports_of_a_chapter_are_folded(chapter):
    (folded,) = re.findall(r'<details class="admonition hide.*?</details>', chapter, re.S)
    assert "Show what this chapter imports" in folded
    assert ">log</span>" in folded


def test_a_chapter_named_by_number_is_linked_once_it_is_written(chapter):
    assert re.search(r'<a class="reference internal" href="#">(<span[^>]*>)?chapter 1<', chapter)
    assert not re.search(r'intro\.html">(<span[^>]*>)?chapter', chapter)
    assert re.search(r'<span class="to-come">(<span[^>]*>)?chapter 2<', chapter)


def test_a_chapter_shows_its_figure_as_part_of_the_page(chapter):
    assert '<div class="figure-frame"><svg ' in chapter
    assert 'aria-label="GloVe lies above counting"' in chapter
    assert not re.search(r'<img[^>]*\.svg"[^>]*class="[^"]*output', chapter)


def test_a_chapter_hides_the_machine_readable_result(chapter):
    assert "toy = 0.28 [0.11, 0.44] (n = 50 documents)" in chapter
    assert "result+json" not in chapter


def test_formulas_are_set_with_their_mathml_and_need_no_script(chapter, built):
    assert chapter.count("<mjx-container") == 3 and "tex-chtml" not in chapter
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in chapter
    assert 'data-tex="\\(a_i &lt; b\\)"' in chapter
    assert '<span class="eqno">(1)' in chapter
    sheet = (built / "_static" / "book.css").read_text(encoding="utf-8")
    assert "MathJax_Math-Italic.woff" in sheet and "MathJax_Fraktur" not in sheet
    assert (built / "_static" / "vendor" / "mathjax" / "MathJax_Math-Italic.woff").is_file()


def test_wrong_tex_fails_the_build_and_is_shown(tmp_path):
    root = small_book(tmp_path / "book")
    (root / "pages" / "about.md").write_text(
        "# About\n\nA page that says what this small book is about: $\\frac{1}$.\n\n"
        "## How to cite\n\nSo.\n\n## Licence\n\nOpen.\n",
        encoding="utf-8",
    )
    with pytest.raises(site.SiteError, match=r"formula was not set: '.*frac\{1\}'"):
        site.build(root, fonts=root / "none")


def test_the_ledger_links_to_written_chapters_and_carries_their_numbers(built):
    ledger = (built / "pages" / "verdicts.html").read_text(encoding="utf-8")
    assert "It reached 0.28." in ledger
    assert re.search(r'id="statement-1".*?href="\.\./chapters/01_toy\.html"', ledger, flags=re.S)
    assert 'later <span class="unwritten">chapter 2</span>' in ledger
    assert "not yet judged" in ledger
    front = (built / "intro.html").read_text(encoding="utf-8")
    assert "1 of 2 statements have their verdict so far: 1\u00a0holds, with" in front
    assert "Counting is old" not in front


def test_cards_and_runs_are_on_their_pages(built):
    page = (built / "pages" / "status.html").read_text(encoding="utf-8")
    assert 'id="card-lee"' in page and "Not <em>stated</em>." in page
    assert "chapter 1" in page and "<p>42</p>" in page


def test_the_cards_are_listed_by_group_with_a_link_to_each(built):
    page = (built / "pages" / "status.html").read_text(encoding="utf-8")
    table = re.search(r'<table class="data-overview.*?</table>', page, re.S)
    assert table and 'colspan="4"><p><strong>Texts</strong>' in table.group(0)
    assert 'href="#card-lee">Lee</a>' in table.group(0)
    assert "<p>texts</p>" in table.group(0) and "<p>50 texts</p>" in table.group(0)


def test_the_front_page_is_made_of_results(built):
    front = (built / "index.html").read_text(encoding="utf-8")
    assert '<span class="big-number">0.28</span>' in front
    assert '<span class="interval">[0.11, 0.44]</span>' in front
    assert "A tie" in front and "cannot be told apart at toys" in front
    assert re.search(r'href="chapters/01_toy\.html#how-it-plays">(<span[^>]*>)?How it', front)
    assert "comes with chapter 2" in front and ">Is it a toy?" in front
    assert "42 s</strong> to run every chapter, in 0.9 GiB" in front
    assert re.search(r'class="page-weight">\d+ KB<', front)
    assert "Every chapter was last run on 2026-11-23 or later." in front


def test_the_plan_of_a_course_says_what_each_chapter_takes(built):
    front = (built / "index.html").read_text(encoding="utf-8")
    plan = re.search(r'<table class="front-plan.*?</table>', front, re.S)
    assert plan and 'href="chapters/01_toy.html"' in plan.group(0)
    assert "<p>1 minute</p>" in plan.group(0) and "<p>42 s</p>" in plan.group(0)


def test_the_search_page_loads_what_the_theme_loads_and_our_excerpts(built):
    import pydata_sphinx_theme

    theirs = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/search.html"
    wanted = re.findall(r"pathto\('([^']+)'", theirs.read_text(encoding="utf-8"))
    page = (built / "search.html").read_text(encoding="utf-8")
    loaded = [name.partition("?")[0] for name in re.findall(r'<script[^>]* src="([^"]+)"', page)]
    assert set(wanted) <= set(loaded)
    # The excerpts are ours before the index starts the search.
    assert loaded.index("_static/searchtools.js") < loaded.index("_static/search.js")
    assert loaded.index("_static/search.js") < loaded.index("searchindex.js")
    assert "_static/search.js" not in (built / "index.html").read_text(encoding="utf-8")


def test_the_search_knows_the_words_of_a_page_and_no_command_of_tex(built):
    index = (built / "searchindex.js").read_text(encoding="utf-8")
    assert '"agre"' in index  # the stem of a word of the chapter's answer
    assert not re.search(r"\bfrac\b", index)


def test_the_answer_stands_apart_and_terms_lead_to_the_glossary(chapter):
    answer = re.search(r'<div class="answer docutils container">(.*?)</div>', chapter, re.S)
    assert answer and "In three sentences" in answer.group(1) and "Why not?" in answer.group(1)
    links = re.findall(r'<a class="term-link[^>]*>', chapter)
    assert len(links) == 1
    assert 'href="../pages/glossary.html#term-toy"' in links[0]
    assert 'title="A thing to play with."' in links[0]


def test_a_chapter_whose_answer_is_not_three_sentences_fails_the_build(tmp_path):
    root = small_book(tmp_path / "book")
    path = root / "chapters" / "01_toy.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(" Why not?", ""), encoding="utf-8")
    with pytest.raises(site.SiteError, match="must have 3 sentences, not 2"):
        site.build(root, fonts=root / "none")


def test_an_address_brings_a_map_and_a_base_for_the_page_not_found(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_ADDRESS", "https://example.org/b")
    root = small_book(tmp_path / "book")
    out = site.build(root, fonts=root / "none").parent
    listed = (out / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://example.org/b/chapters/01_toy.html</loc>" in listed
    assert '<base href="https://example.org/b/"' in (out / "404.html").read_text(encoding="utf-8")
    assert site.check(out, yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))) == []


def test_a_warning_fails_the_build_and_is_shown(tmp_path):
    root = small_book(tmp_path / "book")
    (root / "pages" / "about.md").write_text("# About\n\n[lost](nowhere.md)\n", encoding="utf-8")
    with pytest.raises(site.SiteError, match=r"about\.md:3: WARNING: .*nowhere"):
        site.build(root, fonts=root / "none")


def test_a_builder_that_builds_nothing_is_not_believed(tmp_path, monkeypatch):
    root = small_book(tmp_path / "book")
    done = subprocess.CompletedProcess([], 0, stdout="all is well", stderr="")
    monkeypatch.setattr(site.subprocess, "run", lambda *a, **k: done)
    with pytest.raises(site.SiteError, match=r"reported success, but index\.html was not built"):
        site.build(root, fonts=root / "none")
