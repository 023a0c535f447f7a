"""Formulas set at build time: what a page holds, what is said when one is wrong."""

from __future__ import annotations

import re

import pytest

from tools import formulas
from tools.formulas import FormulaError, set_formulas, set_pages, unset
from tools.site import mathjax_folder

INLINE = '<span class="math notranslate nohighlight">\\(x_i &lt; 2\\)</span>'
BLOCK = (
    '<div class="math notranslate nohighlight" id="equation-a">\n'
    '<span class="eqno">(1)<a class="headerlink" href="#equation-a">#</a></span>\\[x\\]</div>'
)
ALIGNED = (
    '<div class="amsmath math notranslate nohighlight">\\begin{align}a &amp;= b\\end{align}</div>'
)


@pytest.fixture(scope="module")
def mathjax():
    return mathjax_folder() / "es5"


def page(body):
    return f"<html><head></head><body>{body}</body></html>"


def test_a_formula_becomes_html_with_hidden_mathml(mathjax):
    made = set_formulas([("x_i", False), ("x_i", True)], mathjax)
    inline, block = made.formulas
    assert "<msub><mi>x</mi><mi>i</mi></msub></math></mjx-assistive-mml>" in inline
    assert 'display="true"' in block and 'display="true"' not in inline
    assert 'aria-hidden="true"' in inline and "mjx-c1D465" in made.css


def test_every_kind_of_formula_on_a_page_is_set_and_can_be_unset(tmp_path, mathjax):
    (tmp_path / "_static").mkdir()
    body = INLINE + BLOCK + ALIGNED
    pages = {"chapters/a.html": page(body), "b.html": page("none")}
    set_pages(pages, tmp_path, mathjax)
    text = pages["chapters/a.html"]
    assert text.count("<mjx-container") == 3
    shown = re.sub(r'data-tex="[^"]*"', "", text)
    assert "\\(" not in shown and "\\[" not in shown and "begin{align}" not in shown
    assert '<span class="eqno">(1)' in text and "<mtable" in text
    assert '<link rel="stylesheet" href="../_static/formulas.css"/>' in text
    assert pages["b.html"] == page("none")
    assert (tmp_path / formulas.SHEET).read_text(encoding="utf-8").count("@font-face") > 3
    again = unset(text).replace('<link rel="stylesheet" href="../_static/formulas.css"/>\n', "")
    assert again == page(body)


def test_a_formula_by_itself_may_go_on_below_at_a_wide_space(tmp_path, mathjax):
    (tmp_path / "_static").mkdir()
    wide = '<div class="math notranslate nohighlight">\\[a, \\qquad b \\quad c\\]</div>'
    inline = wide.replace("div", "span").replace("[", "(").replace("]", ")")
    pages = {"a.html": page(wide), "b.html": page(inline)}
    set_pages(pages, tmp_path, mathjax)
    assert pages["a.html"].count(formulas.GAP) == 1 and formulas.GAP not in pages["b.html"]
    assert formulas.WIDE_SPACE in pages["b.html"]
    assert wide in unset(pages["a.html"])


def test_formulas_that_are_set_stay(tmp_path, mathjax):
    (tmp_path / "_static").mkdir()
    pages = {"a.html": page(INLINE)}
    set_pages(pages, tmp_path, mathjax)
    once = pages["a.html"]
    set_pages(pages, tmp_path, mathjax)
    assert pages["a.html"] == once


def test_all_wrong_formulas_are_listed_with_the_reason(mathjax):
    wrong = [("x", False), (r"\frac{1}", False), (r"\nosuch", True)]
    with pytest.raises(FormulaError, match=r"frac\{1\}'.*; .*nosuch'.*[Uu]ndefined") as caught:
        set_formulas(wrong, mathjax)
    assert "'x'" not in str(caught.value)


def test_a_folder_without_mathjax_is_named(tmp_path):
    with pytest.raises(FormulaError, match=r"MathJax in .* does not run"):
        set_formulas([("x", False)], tmp_path)
