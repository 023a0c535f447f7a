"""The book on paper and in a reading device: binding, the EPUB, the checks of both."""

import asyncio
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfWriter

from tools import bound, chromium, epub, print_check
from tools import print as printer
from tools.spoken import spoken

ROOT = Path(__file__).resolve().parent.parent

# ------------------------------------------------------------------ a book of two small pages

QUESTION = """
<div class="question" role="group" aria-label="Question with 2 options">
<p><strong>Predict first.</strong> Does it rain?</p>
<details><summary>A. Yes</summary><p><strong>Right.</strong> Look out.</p></details>
<details><summary>B. No</summary><p><strong>Not so.</strong> Look again.</p></details>
</div>"""
SOLUTION = """
<p><strong>1. Add.</strong> One line.</p>
<div class="cell tag_hide-cell docutils container">
<details class="admonition hide above-input"><summary aria-label="Toggle"><p>Show</p></summary>
<div class="cell_input"><pre>Add.show_solution()</pre></div>
<div class="cell_output"><pre>def add(a, b): return a + b</pre></div>
</details></div>"""
SET_UP = """
<div class="cell tag_hide-input docutils container">
<details class="admonition hide above-input"><summary><p class="collapsed">Show the set-up</p>
<p class="expanded">Hide the set-up</p></summary>
<div class="cell_input"><pre>import lib</pre></div></details></div>"""
FIGURE = """
<div class="figure-frame"><svg class="book-figure" role="img" aria-label="A line &amp; a dot."
 viewBox="0 0 40 20" style="max-width: 40px" id="figure-1"><defs><clipPath id="figure-1-a">
<rect width="4" height="4"/></clipPath></defs><path clip-path="url(#figure-1-a)" d="M0 0L4 4"
 stroke="currentColor"/><circle r="2" fill="var(--figure-paper)"/></svg></div>"""
FIRST = f"""<html><body><nav>the site's frame</nav><article class="bd-article">
<section id="rain"><h1>Rain<a class="headerlink" href="#rain">#</a></h1>
<p>It rains 12 %<!--rain--> of the time: see <a href="../pages/notes.html#word">a word</a>,
<a href="../pages/notes.html">the notes</a>, <a href="https://example.org/rain">outside</a> and
<a href="../_sources/rain.ipynb" download>the notebook</a>.</p>
<p>With <span class="math notranslate">\\(\\frac{{a}}{{b}}\\)</span> dry days.</p>
{SET_UP}{QUESTION}{SOLUTION}
<section id="more"><h2>More</h2>{FIGURE}<script>run()</script><button>Copy</button></section>
<figure class="live" data-live="pair-judge" id="live-pair-judge"><figcaption><strong>Judge</strong>
Rate them.</figcaption><table><tr><td>1</td></tr></table>
<p class="live-links"><a href="x.csv">CSV</a></p></figure>
</section></article></body></html>"""
NOTES = f"""<html><body><article class="bd-article"><section id="notes"><h1>Notes</h1>
<p id="word">A word. Back to <a href="../chapters/01_rain.html#more">more</a>.</p>{FIGURE}
<p><a href="https://example.org/a">https://example.org/a</a></p>
</section></article></body></html>"""
TOC = {
    "root": "chapters/01_rain",
    "parts": [{"caption": "Reference", "chapters": [{"file": "pages/notes"}]}],
}
MATHML = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mfrac data-mjx-texclass="ORD">'
    "<mi>a</mi><mi>b</mi></mfrac></math>"
)
RUN = {"cells": [{"cell_type": "code", "source": "import lib", "metadata": {}}]}


@pytest.fixture(scope="module")
def chapters():
    return bound.bind({"chapters/01_rain": FIRST, "pages/notes": NOTES}, TOC)


@pytest.fixture(scope="module")
def rain(chapters):
    return chapters[0].body


@pytest.fixture
def book(tmp_path):
    formulas = {(r"\frac{a}{b}", False): (MATHML, spoken(MATHML))}
    return epub.Epub(
        "Small", "A book", "us", "0.1.0", "2026-11-23", "p {}", formulas, b"\x89PNG", tmp_path
    )


# ------------------------------------------------------------------ binding


def test_chapters_come_in_the_order_of_the_contents_with_number_and_part(chapters):
    assert [c.label for c in chapters] == ["1  Rain", "Notes"]
    assert [c.part for c in chapters] == ["", "Reference"]
    assert chapters[0].sections[0] == ("chapters-01_rain--more", "More")


def test_the_frame_scripts_buttons_and_marks_of_the_site_stay_out(chapters):
    text = "".join(str(c.body) for c in chapters)
    for word in (
        "site's frame",
        "run()",
        "Copy",
        "headerlink",
        "<!--",
        "x.csv",
        "<details",
        "<summary",
    ):
        assert word not in text


def test_two_pages_with_the_same_ids_share_none_in_the_book(chapters):
    assert bound.doubled_places(chapters) == []
    ids = [i for c in chapters for s in c.drawings.values() for i in re.findall(r'id="([^"]+)"', s)]
    assert len(ids) == len(set(ids)) == 4


def test_a_drawing_refers_to_its_own_parts(chapters):
    for svg in chapters[0].drawings.values():
        (target,) = re.findall(r"url\(#([^)]+)\)", svg)
        assert f'id="{target}"' in svg and "clipPath" in svg


def test_a_link_to_another_page_leads_within_the_book(rain):
    links = {link.get_text(): link["href"] for link in rain.find_all("a")}
    assert links["a word"] == "#pages-notes--word"
    assert links["the notes"] == "#pages-notes"
    assert links["outside"] == "https://example.org/rain"
    assert "the notebook" not in links and "the notebook" in rain.get_text()


def test_a_link_that_leads_nowhere_is_refused():
    wrong = NOTES.replace("#more", "#less")
    with pytest.raises(bound.BindingError, match="'#chapters-01_rain--less' leads nowhere"):
        bound.bind({"chapters/01_rain": FIRST, "pages/notes": wrong}, TOC)


def test_a_page_that_was_not_built_is_named():
    with pytest.raises(bound.BindingError, match="pages/notes: the page was not built"):
        bound.bind({"chapters/01_rain": FIRST}, TOC)


def test_a_page_without_an_article_is_named():
    with pytest.raises(bound.BindingError, match="pages/notes: the page has no article"):
        bound.bind({"chapters/01_rain": FIRST, "pages/notes": "<p>Nothing.</p>"}, TOC)


def test_a_question_shows_its_options_and_its_answers_come_later(rain):
    question = rain.select_one(".question")
    assert [li.get_text() for li in question.select("li")] == ["A. Yes", "B. No"]
    assert "Right." not in question.get_text()
    end = rain.select_one(".at-the-end .reply").get_text()
    assert "Question 1.1" in end and re.search(r"A\.\s*Right\. Look out\.", end)
    text = str(rain)
    assert text.index("Does it rain") < text.index("More") < text.index("Look out.")


def test_question_and_answer_lead_to_each_other(rain):
    question, answer = rain.select_one(".question"), rain.select_one(".reply")
    assert question.find("a")["href"] == f"#{answer['id']}"
    assert answer.find("a")["href"] == f"#{question['id']}"


def test_a_solution_is_shown_at_the_end_under_the_name_of_its_exercise(rain):
    solution = rain.select_one(".at-the-end .solution")
    assert solution.h3.get_text() == "1. Add"
    assert "def add(a, b)" in solution.get_text() and "Add.show_solution()" in solution.get_text()
    assert str(rain).count("def add(a, b)") == 1


def test_code_that_the_site_folds_is_not_lost(rain):
    assert rain.get_text().count("import lib") == 1
    assert "import lib" in rain.select(".at-the-end")[-1].get_text()


def test_folded_neighbours_share_a_line_that_names_them(rain):
    line = rain.select_one("[id$='--folded-1']")
    assert line.get_text() == "Printed apart, since it shows nothing: the set-up."
    imports = SET_UP.replace("the set-up", "what it imports").replace("import lib", "import re")
    second = FIRST.replace(SET_UP, SET_UP + imports)
    body = bound.bind({"chapters/01_rain": second, "pages/notes": NOTES}, TOC)[0].body
    (line,) = [p for p in body.select(".turn-line") if "Printed apart" in p.get_text()]
    assert line.get_text().endswith(": the set-up, what it imports.")
    ends = [a["href"].lstrip("#") for a in line.find_all("a")]
    assert [body.find(id=end).pre.get_text() for end in ends] == ["import lib", "import re"]


def test_folded_code_that_two_chapters_share_is_printed_once():
    toc = {"root": "chapters/01_rain", "chapters": [{"file": "chapters/02_snow"},
                                                    {"file": "pages/notes"}]}  # fmt: skip
    pages = {"chapters/01_rain": FIRST, "chapters/02_snow": FIRST, "pages/notes": NOTES}
    first, second, _ = bound.bind(pages, toc)
    assert first.body.get_text().count("import lib") == 1
    assert "import lib" not in second.body.get_text()
    assert second.body.select_one("[id$='--folded-1'] a")["href"] == "#chapters-01_rain--code-1"


def test_a_live_figure_stands_as_its_numbers_and_says_so(rain):
    figure = rain.select_one("figure.live")
    assert figure.select_one("td").get_text() == "1"
    assert figure.select_one(".live-note").get_text() == bound.LIVE
    assert figure.figcaption.get_text().split() == ["Judge.", "Rate", "them."]


def test_the_alternative_texts_of_all_figures_are_known(chapters):
    assert bound.figures_of(chapters) == ["A line & a dot."] * 2


# ------------------------------------------------------------------ paper


@pytest.fixture(scope="module")
def sheet(chapters):
    return bound.paper(chapters, head="", front="<div>Cover</div>", title='A "book"')


def test_the_contents_list_chapters_and_their_sections_with_a_place_for_the_page(sheet):
    rows = re.findall(r'class="contents-(\w+)"><a href="#([^"]+)"', sheet)
    assert rows[0] == ("chapter", "chapters-01_rain")
    assert ("section", "chapters-01_rain--more") in rows and ("chapter", "pages-notes") in rows
    assert sheet.count('class="contents-page" data-page=') == len(rows)


def test_an_outside_link_gets_its_address_at_the_end_of_the_chapter(sheet):
    assert "<li>https://example.org/rain</li>" in sheet
    assert "<li>https://example.org/a</li>" not in sheet  # its text is the address
    assert sheet.count('<sup class="note">1</sup>') == 1


def test_a_link_to_another_chapter_gets_a_page_number(sheet):
    assert '<span class="page-of" data-page="pages-notes--word">' in sheet


def test_binding_for_paper_leaves_the_chapters_as_they_are(chapters, sheet):
    assert "Addresses" in sheet
    assert "Addresses" not in str(chapters[0].body)


def test_each_chapter_has_its_title_on_top_of_its_pages(sheet):
    assert '@top-left { content: "A \\"book\\"" }' in sheet
    assert '@top-right { content: "1  Rain" }' in sheet
    assert "#chapters-01_rain { page: c0 }" in sheet


def test_a_word_with_a_hyphen_stays_whole_in_a_title():
    page = NOTES.replace("<h1>Notes", "<h1>On one-hot <em>sub-words</em>")
    chapters = bound.bind({"chapters/01_rain": FIRST, "pages/notes": page}, TOC)
    sheet = bound.paper(chapters, head="", front="", title="x")
    assert 'On <span class="kept">one-hot</span> <em><span class="kept">sub-words</span>' in sheet
    assert chapters[1].title == "On one-hot sub-words"


def test_the_full_stop_behind_a_formula_stays_with_it():
    formula = '<span class="math notranslate">\\(x\\)</span>'
    page = NOTES.replace("A word.", f"Let {formula}, then {formula} go.")
    chapters = bound.bind({"chapters/01_rain": FIRST, "pages/notes": page}, TOC)
    sheet = bound.paper(chapters, head="", front="", title="x")
    assert f'Let <span class="kept">{formula},</span> then {formula} go.' in sheet


def test_drawings_come_back_with_the_names_that_svg_knows(sheet):
    assert sheet.count("<svg") == 2 and "clipPath" in sheet and bound.STANDS_FOR not in sheet


def test_a_long_title_is_cut_at_its_colon_for_the_top_of_a_page(chapters):
    chapter = bound.Chapter("a", "a", "Vectors: " + "why " * 30, "3", "", chapters[0].body)
    assert bound.head_of(chapter) == "3  Vectors"


def test_the_style_sheet_for_paper_loads_nothing():
    for name in ("print.css", "epub.css"):
        css = (ROOT / "webassets" / name).read_text(encoding="utf-8")
        assert "url(" not in css and "@import" not in css
        assert css.count("{") == css.count("}")


def test_the_pages_of_the_real_contents_are_the_chapters_of_the_book():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    names = [name for name, _ in bound.parts_of(toc)]
    assert names[0] == "intro" and "chapters/00_primer" in names
    assert len(names) == len(set(names))


# ------------------------------------------------------------------ formulas in words


@pytest.mark.parametrize(
    ("mathml", "words"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x squared"),
        ("<msup><mi mathvariant='bold'>X</mi><mo>⊤</mo></msup>", "bold X transposed"),
        ("<msqrt><mi>n</mi></msqrt>", "root of n, end root"),
        (
            "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>i</mi>",
            "sum from i to n of i",
        ),
        ("<mover><mi>y</mi><mo>^</mo></mover>", "y hat"),
        ("<mi>log</mi><mo>\u2061</mo><mi>p</mi>", "log p"),
        ("<mi>θ</mi><mo>≤</mo><mn>1</mn>", "theta is at most 1"),
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "x sub i squared"),
    ],
)
def test_a_formula_is_said(mathml, words):
    assert spoken(f"<math>{mathml}</math>") == words


# ------------------------------------------------------------------ the EPUB


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(files, first=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            method = first if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return out.getvalue()


def test_the_epub_passes_its_own_checks(chapters, book):
    assert epub.problems(epub.write(chapters, book)) == []


def test_the_epub_is_the_same_each_time(chapters, book):
    assert epub.write(chapters, book) == epub.write(chapters, book)


def test_the_epub_leaves_the_chapters_as_they_are(chapters, book):
    before = str(chapters[0].body)
    epub.write(chapters, book)
    assert str(chapters[0].body) == before


def test_a_formula_becomes_mathml_with_its_words(chapters, book):
    page = unpacked(epub.write(chapters, book))["OEBPS/chapters-01_rain.xhtml"]
    (formula,) = ET.fromstring(page).iter(f"{{{epub.MATHML}}}math")
    assert formula.get("alttext") == "fraction, a, over b, end fraction"
    assert b"data-mjx" not in page and b"frac{" not in page


def test_formulas_that_stand_side_by_side_stand_in_lines_in_the_epub():
    def made(inside):
        return BeautifulSoup(f"<math>{inside}</math>", "html.parser").math

    wide = '<mstyle><mspace width="2em"></mspace></mstyle>'
    thin = '<mstyle><mspace width="0.167em"></mspace></mstyle>'
    lines = epub._lines(made(f"<mi>a</mi>{thin}<mi>b</mi>{wide}<mi>c</mi>"))
    assert [line["alttext"] for line in lines] == ["a b", "c"]
    assert "2em" not in "".join(map(str, lines))
    assert len(epub._lines(made(f"<mi>a</mi>{thin}<mi>b</mi>"))) == 1
    assert len(epub._lines(made(f"<mfrac><mrow>{wide}<mi>a</mi></mrow><mi>b</mi></mfrac>"))) == 1


def test_a_formula_that_was_not_set_is_refused(chapters, book):
    bare = epub.Epub(**{**vars(book), "formulas": {}})
    with pytest.raises(epub.EpubError, match="was not set"):
        epub.write(chapters, bare)


def test_a_figure_becomes_a_picture_with_fixed_colours_on_a_light_ground(chapters):
    (svg,) = chapters[0].drawings.values()
    text = epub.picture(svg)
    root = ET.fromstring(text)
    assert "var(" not in text and "clipPath" in text
    assert root.find(f"{{{epub.SVG}}}title").text == "A line & a dot."
    ground = root.find(f"{{{epub.SVG}}}rect")
    assert (ground.get("fill"), ground.get("width")) == (epub.GROUND, "40")
    assert root.get("color") == epub.INK


def test_a_decoration_is_not_in_the_book(book):
    mark = '<svg viewBox="0 0 1 1" aria-hidden="true"><path fill="var(--never)"/></svg>'
    pages = {"chapters/01_rain": FIRST, "pages/notes": NOTES.replace("A word.", f"{mark} A word.")}
    files = unpacked(epub.write(bound.bind(pages, TOC), book))
    assert [name for name in files if "notes-drawing" in name] == [
        "OEBPS/images/pages-notes-drawing-1.svg"
    ]


def test_a_figure_with_an_unknown_colour_is_refused():
    with pytest.raises(epub.EpubError, match="--never"):
        epub.picture('<svg viewBox="0 0 1 1"><path fill="var(--never)"/></svg>')


def test_every_colour_of_a_figure_is_known_to_the_epub():
    source = (ROOT / "_ext" / "book_figures.py").read_text(encoding="utf-8")
    assert set(re.findall(r"var\((--[\w-]+)\)", source)) <= set(epub.COLOURS)


def test_a_picture_that_is_not_there_is_refused(chapters, book):
    pages = {
        "chapters/01_rain": FIRST,
        "pages/notes": NOTES.replace("A word.", '<img src="x.png"/>'),
    }
    with pytest.raises(epub.EpubError, match=r"pages/x\.png is not in the site"):
        epub.write(bound.bind(pages, TOC), book)


def spoil(chapters, book, name, old, new):
    files = unpacked(epub.write(chapters, book))
    assert old in files[name]
    return epub.problems(repacked({**files, name: files[name].replace(old, new)}))


RAIN = "OEBPS/chapters-01_rain.xhtml"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (RAIN, b"--word", b"--world", "leads nowhere"),
        (RAIN, b'alt="A line', b'alt="" title="A line', "a picture has no text"),
        (RAIN, b'src="images/', b'src="https://example.org/', "from outside"),
        (RAIN, b"</h1>", b"", "is not well-formed"),
        (RAIN, b"dry days", b"dry $$ days", "raw TeX"),
        (RAIN, b'alttext="', b'title="', "a formula has no words"),
        (RAIN, b"chapters-01_rain--more", b"chapters-01_rain", "stands twice"),
        ("OEBPS/package.opf", b'href="style.css"', b'href="lost.css"', "is listed and not there"),
        ("OEBPS/package.opf", b' properties="nav"', b"", "0 tables of contents"),
    ],
)
def test_what_is_wrong_in_an_epub_is_found(chapters, book, name, old, new, said):
    found = spoil(chapters, book, name, old, new)
    assert any(said in line for line in found), found


def test_a_compressed_mimetype_is_found(chapters, book):
    files = unpacked(epub.write(chapters, book))
    assert epub.problems(repacked(files, first=zipfile.ZIP_DEFLATED)) != []


# ------------------------------------------------------------------ the checks of the PDF


def pdf_of(pages, **links):
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    for title, page in links.items():
        writer.add_outline_item(title=title, page_number=page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_an_empty_untagged_pdf_fails_on_every_count(chapters):
    found = print_check.pdf_problems(pdf_of(3), chapters, {"chapters/01_rain": RUN}, "Small")
    text = "\n".join(found)
    for said in ("3 pages cannot be right", "the outline lacks 'Rain'", "page 2 is empty",
                 "the tags lack the text of a figure: 'A line & a dot.'",
                 "the cell that begins 'import lib' is not whole", "not tagged"):  # fmt: skip
        assert said in text


def test_a_chapter_in_the_outline_is_found(chapters):
    found = print_check.pdf_problems(pdf_of(40, Rain=1, Notes=2), chapters, {}, "Small")
    assert not any("outline" in line or "cannot be right" in line for line in found)


def test_code_is_whole_on_a_page_or_across_two_and_cut_otherwise():
    notebooks = {"a": {"cells": [{**RUN["cells"][0], "source": "x = 1\ny = 2"}]}}
    assert print_check.cut_cells(["zx=1y=2z"], notebooks) == []
    assert print_check.cut_cells(["zx=1E=mc", "y=2z"], notebooks) == []
    assert print_check.cut_cells(["zx=1", "z", "y=2"], notebooks) != []
    assert print_check.cut_cells(["zx=1y="], notebooks) != []


def test_code_that_the_site_does_not_show_need_not_be_printed():
    cell = {**RUN["cells"][0], "metadata": {"tags": ["remove-cell"]}}
    assert print_check.code_cells({"cells": [cell]}) == []


# ------------------------------------------------------------------ the command


def test_the_date_of_the_book_is_that_of_its_last_run(tmp_path):
    (tmp_path / "data").mkdir()
    runs = '{"a": {"date": "2026-11-20"}, "b": {"date": "2026-11-23"}, "c": {}}'
    (tmp_path / "data" / "runs.json").write_text(runs, encoding="utf-8")
    assert printer.last_run(tmp_path) == "2026-11-23"


def test_the_cover_is_a_drawing_with_a_name_that_is_the_same_each_time():
    drawn = printer.cover(200, 300)
    root = ET.fromstring(drawn)
    assert root.get("aria-label") == "Cover: Embeddings, Tested. From one-hot to LLMs."
    assert drawn == printer.cover(200, 300)


def test_the_finished_pdf_has_title_and_date_and_is_the_same_each_time():
    made = [printer.finished(pdf_of(2), [], authors="us", date="2026-11-23") for _ in range(2)]
    assert made[0] == made[1]
    data = printer.PdfReader(io.BytesIO(made[0])).metadata
    assert data.title == "Embeddings, Tested: From one-hot to LLMs"
    assert data["/CreationDate"] == "D:20261123000000Z"


def test_a_title_that_the_browser_broke_in_two_is_whole_in_the_outline():
    pdf = pdf_of(2, **{"What do Ineed?": 0, "Other": 1})
    made = printer.finished(pdf, ["What do I need?"], authors="us", date="2026-11-23")
    outline = printer.PdfReader(io.BytesIO(made)).outline
    assert [entry.title for entry in outline] == ["What do I need?", "Other"]


def test_the_fonts_of_the_site_are_found_from_the_root(tmp_path):
    (tmp_path / "_static" / "fonts").mkdir(parents=True)
    rule = '@font-face{font-family:"Book Serif";src:url("a.woff") format("woff");}'
    (tmp_path / "_static" / "fonts" / "fonts.css").write_text(rule, encoding="utf-8")
    assert 'url(/_static/fonts/a.woff) format("woff")' in printer.font_sheet(tmp_path)


def test_without_a_browser_nothing_is_written_and_the_message_says_what_to_do(
    tmp_path, monkeypatch, capsys
):
    def missing():
        raise chromium.NoBrowser("no Chromium found; install it")

    monkeypatch.setattr(chromium, "find_chromium", missing)
    assert printer.main(["--site", str(tmp_path), "--out", str(tmp_path / "out")]) == 77
    assert "need a browser: no Chromium found; install it" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_write_that_fails_leaves_the_old_files(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"old")
    with pytest.raises(TypeError):
        printer.replace_files(tmp_path, {"a.pdf": b"new", "b.epub": None})
    assert (tmp_path / "a.pdf").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.pdf"]


def asked(site, address, mathjax):
    """What the handler answers to a request of the browser."""
    said = []

    class Asked:
        request = SimpleNamespace(url=address)

        async def abort(self):
            said.append("refused")

        async def fulfill(self, **answer):
            said.append(answer.get("status") or answer["body"])

    asyncio.run(printer.answer_from(site, "the book", mathjax)(Asked()))
    return said[0]


def test_the_browser_gets_the_book_and_files_of_the_site_and_nothing_else(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "a b.woff").write_bytes(b"font")
    (tmp_path / "secret").write_bytes(b"no")
    mathjax = tmp_path / "es5"
    mathjax.mkdir()
    (mathjax / "set.js").write_bytes(b"script")
    assert asked(site, f"{printer.ORIGIN}/", mathjax) == "the book"
    assert asked(site, f"{printer.ORIGIN}/a%20b.woff", mathjax) == b"font"
    assert asked(site, f"{printer.ORIGIN}/mathjax/set.js", mathjax) == b"script"
    assert asked(site, f"{printer.ORIGIN}/%2e%2e/secret", mathjax) == 404
    assert asked(site, f"{printer.ORIGIN}/mathjax/%2e%2e/secret", mathjax) == 404
    assert asked(site, "https://example.org/a.js", mathjax) == "refused"
