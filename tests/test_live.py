"""What must be true of live figures: their data, their table, and how they reach the site."""

import csv
import io
import json
import math
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import book_live  # noqa: E402

from lib import live  # noqa: E402
from lib.data import load  # noqa: E402
from lib.live import LiveFigure, Table  # noqa: E402


def dice(**changes):
    fields = {
        "name": "dice",
        "title": "Throw it",
        "summary": "Guess first.",
        "data": {"p": [1 / 3, np.float32(0.5)], "n": np.int64(6)},
        "table": Table(("side", "p"), [("one <b>", 1 / 3), ("two", -0.001)]),
    }
    return LiveFigure(**(fields | changes))


# ------------------------------------------------------------------------------ lib.live


def test_a_payload_is_plain_rounded_and_the_same_each_time():
    first, second = dice().payload(), dice().payload()
    assert first == second
    assert json.loads(json.dumps(first)) == first
    assert first["data"] == {"p": [0.3333, 0.5], "n": 6}
    assert first["table"] == {
        "header": ["side", "p"],
        "rows": [["one <b>", 0.3333], ["two", -0.001]],
    }
    assert [first[k] for k in ("name", "title", "summary")] == ["dice", "Throw it", "Guess first."]


def test_digits_say_how_far_numbers_are_rounded():
    assert dice(digits=1).payload()["data"]["p"] == [0.3, 0.5]


def test_minus_zero_and_none_and_truth_are_kept_apart():
    kept = live.rounded([-0.00001, None, True, "x", (1, 2.0)], 2)
    assert json.dumps(kept) == '[0.0, null, true, "x", [1, 2.0]]'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_hold_is_refused_by_name(number):
    with pytest.raises(ValueError, match="which JSON cannot"):
        dice(data={"x": [number]})
    with pytest.raises(TypeError, match="set"):
        dice(data={"x": {1, 2}})


def test_a_figure_may_have_150_kilobytes_and_no_byte_more():
    letters = live.LIMIT - len('{"x":""}')
    assert live.LIMIT == 150 * 1024
    assert dice(data={"x": "a" * letters}).name == "dice"
    with pytest.raises(ValueError, match=r"'dice': 153,601 bytes of data, 153,600 are allowed"):
        dice(data={"x": "a" * (letters + 1)})
    with pytest.raises(ValueError, match="bytes of data"):
        dice(data={"x": "\u00e9" * (letters // 2 + 1)})  # two bytes each


def test_a_row_has_as_many_cells_as_the_header():
    with pytest.raises(ValueError, match="row 2 has 1 cells under a header of 2"):
        Table(("a", "b"), [(1, 2), (3,)])


def test_csv_can_be_read_back():
    table = Table(("a", "b"), [('says "no", twice', 0.5), ("line\nbreak", 1)])
    assert list(csv.reader(io.StringIO(table.csv()))) == [
        ["a", "b"],
        ['says "no", twice', "0.5"],
        ["line\nbreak", "1"],
    ]


def test_compact_json_cannot_end_the_script_that_holds_it():
    text = live.compact({"x": "</script>\u2028"})
    assert "</" not in text and "\u2028" not in text and " " not in text
    assert json.loads(text) == {"x": "</script>\u2028"}


def test_plain_text_says_what_it_is_and_how_much_more_there_is():
    rows = [(str(i), i / 7) for i in range(5)]
    text = live.plain(dice(table=Table(("side", "p"), rows)).payload())
    assert text.splitlines() == [
        "Throw it", "Guess first.", "side | p", "0 | 0.00", "1 | 0.14", "2 | 0.29",
        "and 2 more rows",
    ]  # fmt: skip
    assert "more rows" not in live.plain(dice().payload())


def test_numbers_in_tables_have_two_decimals_and_a_true_minus():
    shown = [live.number_text(x) for x in (0.276, -0.104, -0.004, 7, "well-known")]
    assert shown == ["0.28", "\u22120.10", "0.00", "7", "well-known"]


class Outline(HTMLParser):
    """Collects tags with attributes, and the text of each."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_fallback_is_a_captioned_table_with_headings_in_both_directions():
    outline = Outline(live.fallback(dice().payload()))
    assert outline.all("figure") == [
        {"class": "live", "data-live": "dice", "id": "live-dice", "data-mode": "full"}
    ]
    assert len(outline.all("figcaption")) == len(outline.all("caption")) == 1
    scopes = [attributes["scope"] for attributes in outline.all("th")]
    assert scopes == ["col", "col", "row", "row"]
    assert len(outline.all("td")) == 2
    assert "one <b>" in outline.texts and not outline.all("b")


def test_a_mode_reaches_the_markup_and_cannot_break_out_of_it():
    assert (
        Outline(live.fallback(dice().payload(), "front")).all("figure")[0]["data-mode"] == "front"
    )
    odd = Outline(live.fallback(dice().payload(), '"><script>'))
    assert odd.all("figure")[0]["data-mode"] == '"><script>' and not odd.all("script")


def test_show_gives_one_output_with_data_table_and_text(monkeypatch):
    shown = []
    monkeypatch.setattr(live, "get_ipython", lambda: object())
    monkeypatch.setattr(live, "display", lambda bundle, raw: shown.append((bundle, raw)))
    live.show(dice())
    ((bundle, raw),) = shown
    payload = dice().payload()
    assert raw is True
    assert bundle == {
        "text/plain": live.plain(payload),
        "text/html": live.fallback(payload),
        live.MIME: payload,
    }
    monkeypatch.setattr(live, "get_ipython", lambda: None)
    live.show(dice())
    assert len(shown) == 1


def test_only_registered_figures_have_large_data(monkeypatch):
    monkeypatch.setattr(live, "BUILDERS", {"dice": "lib.text:nothing", "cards": "math:tau"})
    assert live.large("coin") is None
    with pytest.raises(AttributeError):
        live.large("dice")
    monkeypatch.setattr(live, "BUILDERS", {"dice": "lib.data:names"})
    assert live.large("dice") == load.__globals__["names"]()


# ------------------------------------------------------------------------------ _ext/book_live


def notebook(*payloads):
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {
                "text/plain": live.plain(p),
                "text/html": live.fallback(p),
                live.MIME: p,
            },
        }
        for p in payloads
    ]
    cell = {
        "cell_type": "code", "execution_count": 1, "id": "a", "metadata": {}, "source": "show()",
        "outputs": outputs,
    }  # fmt: skip
    title = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# A chapter"}
    return {"cells": [title, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def write_chapter(root, stem, *payloads):
    (root / "chapters").mkdir(exist_ok=True)
    path = root / "chapters" / f"{stem}.ipynb"
    path.write_text(json.dumps(notebook(*payloads)), encoding="utf-8")


def test_figures_are_read_from_the_stored_outputs(tmp_path):
    write_chapter(tmp_path, "01_a", dice().payload())
    write_chapter(tmp_path, "02_b", dice(name="coin").payload())
    assert book_live.payloads(tmp_path) == {
        "dice": dice().payload(),
        "coin": dice(name="coin").payload(),
    }


def test_a_name_belongs_to_one_figure_and_an_edited_one_is_still_weighed(tmp_path):
    write_chapter(tmp_path, "01_a", dice().payload())
    write_chapter(tmp_path, "02_b", dice().payload())
    with pytest.raises(book_live.LiveError, match=r"02_b.ipynb: a second live figure .* 'dice'"):
        book_live.payloads(tmp_path)
    heavy = dice().payload() | {"data": {"x": "a" * live.LIMIT}}
    write_chapter(tmp_path, "02_b", heavy | {"name": "heavy"})
    with pytest.raises(book_live.LiveError, match="'heavy' has 153,608 bytes"):
        book_live.payloads(tmp_path)


def test_a_figure_is_written_for_scripts_and_for_readers(monkeypatch):
    monkeypatch.setattr(live, "BUILDERS", {"dice": "lib.data:names"})
    payload = dice().payload()
    written = book_live.files("dice", payload)
    assert sorted(written) == ["dice.csv", "dice.data.js", "dice.json", "dice.large.js"]
    call = re.fullmatch(
        r'EmbeddingsTested\.live\.data\("dice",(.*)\);\n', written["dice.data.js"], re.S
    )
    assert json.loads(call[1]) == payload == json.loads(written["dice.json"])
    assert written["dice.large.js"].startswith('EmbeddingsTested.live.large("dice",["20newsgroups"')
    assert written["dice.csv"].startswith("side,p\none <b>,0.3333\n")
    monkeypatch.setattr(live, "BUILDERS", {})
    assert "dice.large.js" not in book_live.files("dice", payload)


def test_links_stay_inside_their_own_figure():
    two = live.fallback(dice().payload()) + live.fallback(dice(name="coin").payload())
    first, second, rest = book_live.with_links(two, "../").split("</figure>")
    assert 'href="../_static/live/dice.csv"' in first and "coin" not in first
    assert 'href="../_static/live/coin.json"' in second and "dice" not in second
    assert not rest.strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build a book of three pages with nothing but this extension."""
    from sphinx.application import Sphinx

    root = tmp_path_factory.mktemp("book")
    write_chapter(root, "01_a", dice().payload())
    shutil.copytree(ROOT / "webassets", root / "webassets")
    for name in ("dice.js", "dice.css"):
        (root / "webassets" / "live" / name).write_text("/* */\n", encoding="utf-8")
    pages = {
        "index.md": "# First\n\n```{toctree}\nchapters/01_a\nplain\n```\n\n"
        "```{live} dice\n:mode: front\n```\n",
        "plain.md": "# Plain\n\nNothing lives here.\n",
        "conf.py": "extensions = ['myst_nb', 'book_live_alone']\nnb_execution_mode = 'off'\n"
        "html_static_path = ['webassets']\nsuppress_warnings = ['mystnb.unknown_mime_type']\n",
    }
    for name, text in pages.items():
        (root / name).write_text(text, encoding="utf-8")
    (root / "book_live_alone.py").write_text(
        "import book_live\n\n\ndef setup(app):\n    book_live.register(app)\n", encoding="utf-8"
    )
    sys.path.insert(0, str(root))
    warnings = io.StringIO()
    app = Sphinx(root, root, root / "out", root / "doctrees", "html", status=None, warning=warnings)
    app.build()
    sys.path.remove(str(root))
    assert "live" not in warnings.getvalue(), warnings.getvalue()
    return root / "out"


def scripts(page):
    return re.findall(r'<script[^>]*src="[^"]*live/([\w.-]+)\.js[^"]*"', page)


def test_only_pages_with_a_figure_load_its_scripts(site):
    chapter = (site / "chapters" / "01_a.html").read_text("utf-8")
    first = (site / "index.html").read_text("utf-8")
    assert scripts(chapter) == scripts(first) == ["live", "dice", "dice.data"]
    for page in (chapter, first):
        assert "live/live.css" in page and "live/dice.css" in page and 'add("live-on")' in page
    plain = (site / "plain.html").read_text("utf-8")
    assert scripts(plain) == [] and "live.css" not in plain and "live-on" not in plain


def test_the_directive_shows_the_figure_of_the_chapter_in_its_own_mode(site):
    first = Outline((site / "index.html").read_text("utf-8"))
    chapter = Outline((site / "chapters" / "01_a.html").read_text("utf-8"))
    assert [f["data-mode"] for f in first.all("figure") if f.get("data-live")] == ["front"]
    assert [f["data-mode"] for f in chapter.all("figure") if f.get("data-live")] == ["full"]
    assert [len(page.all("table")) for page in (first, chapter)] == [1, 1]


def test_every_address_of_a_figure_leads_to_a_file(site):
    for page in ("index.html", "chapters/01_a.html"):
        outline = Outline((site / page).read_text("utf-8"))
        found = [a.get("src") or a.get("href") for t in ("script", "link", "a")
                 for a in outline.all(t)]  # fmt: skip
        mine = [a.split("?")[0] for a in found if a and "live/" in a]
        assert len(mine) == 7  # three scripts, two styles, two downloads
        for address in mine:
            assert ((site / page).parent / address).is_file(), address


def test_scripts_work_from_disk():
    for path in sorted((ROOT / "webassets" / "live").glob("*.js")):
        text = re.sub(r"^\s*(//|\*|/\*).*", "", path.read_text("utf-8"), flags=re.M)
        assert not re.search(r"\bfetch\s*\(|XMLHttpRequest|^\s*(import|export)\b", text, re.M), path
        assert "innerHTML" not in text and "https:" not in text, path
        assert '"use strict"' in text, path


def test_an_unknown_figure_stops_the_build(tmp_path):
    from sphinx.application import Sphinx

    write_chapter(tmp_path, "01_a", dice().payload())
    (tmp_path / "index.md").write_text("# A\n\n```{live} nothing\n```\n", encoding="utf-8")
    (tmp_path / "conf.py").write_text(
        "extensions = ['myst_nb', 'book_live']\nexclude_patterns = ['chapters']\n", encoding="utf-8"
    )
    warnings = io.StringIO()
    book_live.setup = lambda app: book_live.register(app)
    try:
        app = Sphinx(
            tmp_path, tmp_path, tmp_path / "out", tmp_path / "d", "html", status=None,
            warning=warnings,
        )  # fmt: skip
        app.build()
    finally:
        del book_live.setup
    assert "no chapter shows a live figure 'nothing'; there are: dice" in warnings.getvalue()
