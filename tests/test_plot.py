"""Figures are readable by everybody, carry their numbers, and come out the same each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lib import plot
from lib.evaluate import Estimate
from lib.plot import METHODS, balanced_lines, plotted, show, spread, svg
from lib.results import Result

ALT = "Two methods agree with people, and the second one agrees more."
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def estimate(value, low, high, n=50):
    return Estimate(value, low, high, 0.95, n, "documents", "bootstrap")


def dots(**changes):
    arguments = {
        "estimates": [estimate(0.28, 0.11, 0.44), estimate(0.51, 0.35, 0.63)],
        "labels": ["tfidf", "Something else"],
        "title": "The second method agrees more with people than the first",
        "x_label": "Spearman correlation",
    } | changes
    return plot.dots_with_intervals(**arguments)


def cloud(n=1225, names=("tfidf",)):
    rng = np.random.default_rng(0)
    human = rng.random(n)
    models = {name: human * 0.5 + rng.normal(0, 0.1, n) for name in names}
    return plot.human_against_model(human, models, "Models see what people see"), human, models


# ------------------------------------------------------------------------------------- colours


def channels(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(colour):
    c = channels(colour)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """The contrast ratio of the Web Content Accessibility Guidelines, section 1.4.3."""
    weights = [0.2126, 0.7152, 0.0722]
    light, dark = sorted((float(linear(c) @ weights) for c in (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# Machado, Oliveira & Fernandes 2009, full severity.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def oklab(rgb):
    to_cones = [[0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468],
              [1.9779984951, -2.4285922050, 0.4505937099],
              [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(rgb, 0, 1))


def test_the_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_seen_on_light_and_on_dark_ground(name):
    assert contrast(METHODS[name].colour, plot.GROUND) >= 3
    assert contrast(METHODS[name].colour, plot.DARK_GROUND) >= 3


def test_text_can_be_read_on_the_light_ground():
    assert contrast(plot.INK, plot.GROUND) >= 7
    assert contrast(plot.MUTED, plot.GROUND) >= 4.5
    assert (plot.GROUND, plot.DARK_GROUND) == ("#ffffff", "#121212")


VARIANTS = {"glove-idf": "glove"}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_methods_of_one_figure_look_different_to_every_eye(deficiency):
    seen = {
        name: oklab(np.array(DEFICIENCIES[deficiency]) @ linear(method.colour))
        for name, method in METHODS.items()
        if name not in VARIANTS
    }
    for a, b in combinations(["one-hot", "counts", "tfidf", "glove", "minilm", "human"], 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= 0.08, (a, b)
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)) >= 0.05


def test_no_two_methods_share_a_name_a_colour_or_a_marker():
    assert list(METHODS) == [
        "one-hot", "counts", "tfidf", "lsa", "ppmi", "word2vec", "glove", "glove-idf", "fasttext",
        "elmo", "minilm", "smollm2", "human", "random",
    ]  # fmt: skip
    for part, different in (("label", 14), ("colour", 13), ("marker", 14)):
        assert len({getattr(method, part) for method in METHODS.values()}) == different


def test_a_variant_has_the_colour_of_its_method():
    for variant, method in VARIANTS.items():
        assert METHODS[variant].colour == METHODS[method].colour


# ---------------------------------------------------------------------------------- what is drawn


def series(fig, panel=0):
    return {s["name"]: s for s in plotted(fig)[panel]["series"]}


def test_dots_stand_at_the_value_and_lines_span_the_interval():
    fig = dots()
    drawn = series(fig)
    assert (drawn["tfidf"]["x"], drawn["tfidf"]["y"]) == ([0.28], [0.0])
    assert drawn["tfidf interval"]["x"] == [0.11, 0.44]
    assert drawn["Something else"]["x"] == [0.51]
    assert drawn["Something else interval"]["y"] == [1.0, 1.0]
    [panel] = plotted(fig)
    assert panel["title"] == "The second method agrees more with people than the first"
    assert (panel["x"], panel["y"]) == ("Spearman correlation", "")
    assert panel["ticks"] == ["TF-IDF", "Something else"]
    assert panel["texts"] == ["0.28 [0.11, 0.44]", "0.51 [0.35, 0.63]"]
    assert set(drawn) == {"tfidf", "tfidf interval", "Something else", "Something else interval"}


def test_the_first_row_is_on_top():
    low, high = dots().axes[0].get_ylim()
    assert low > 1 and high < 0


def test_the_first_bar_is_on_top():
    low, high = plot.bars(["a", "b", "c"], [1, 2, 3], "Three", "x").axes[0].get_ylim()
    assert low > 2 and high < 0


def test_percentages_are_drawn_and_written_as_such():
    fig = dots(estimates=[estimate(0.97, 0.962, 0.977)] * 2, percent=True)
    assert series(fig)["tfidf"]["x"] == [97.0]
    assert series(fig)["tfidf interval"]["x"] == [96.2, 97.7]
    assert plotted(fig)[0]["texts"][0] == "97.0 % [96.2, 97.7]"


def test_a_recorded_result_is_written_as_it_was_recorded():
    r = Result(0.5, 0.4, 0.6, 0.95, 50, "documents", "x", key="k", kind="bootstrap", digits=3)
    assert plotted(dots(estimates=[r, r]))[0]["texts"][0] == "0.500 [0.400, 0.600]"


def test_a_reference_is_a_line_with_its_interval_shaded():
    fig = dots(reference=("People", estimate(0.605, 0.52, 0.68)))
    drawn = series(fig)
    assert drawn["People"]["x"] == [0.605, 0.605]
    assert drawn["People interval"]["x"] == [0.52, 0.68]
    assert drawn["People interval"]["kind"] == "span"
    assert plotted(fig)[0]["texts"][-1].startswith("People 0.60 [0.52, 0.68]")
    assert fig.axes[0].texts[-1].get_ha() == "right"
    low = dots(reference=("Chance", estimate(0.1, 0.05, 0.15)))
    assert low.axes[0].texts[-1].get_ha() == "left"


def test_zero_is_drawn_when_asked_for():
    lines_at_zero = [
        line for line in dots(zero=True).axes[0].lines if list(line.get_xdata()) == [0, 0]
    ]
    assert len(lines_at_zero) == 1
    assert not [line for line in dots().axes[0].lines if list(line.get_xdata()) == [0, 0]]


def test_every_model_has_its_panel_and_every_pair_its_point():
    fig, human, models = cloud(60, ["tfidf", "glove", "minilm"])
    assert len(fig.axes) == len(plotted(fig)) == 3
    for panel, (name, values) in enumerate(models.items()):
        [points] = plotted(fig)[panel]["series"]
        assert (points["name"], points["kind"]) == (name, "points")
        assert points["x"] == pytest.approx(human, rel=0.006)
        assert points["y"] == pytest.approx(values, rel=0.006)
        assert plotted(fig)[panel]["x"] == "similarity rated by people (0 to 1)"
        assert plotted(fig)[panel]["y"] == "cosine of the model"
    assert fig.axes[0].get_ylim() == fig.axes[2].get_ylim()


def test_notes_stand_under_the_name_of_their_model():
    x = [0.1, 0.5]
    fig = plot.human_against_model(x, {"glove": x, "odd": x}, "A", notes={"glove": "Spearman 1"})
    assert [p["title"] for p in plotted(fig)] == ["A GloVe Spearman 1", "A odd"]


def test_named_points_are_named_where_they_are():
    fig = plot.scatter(
        [1, 2, 3], [4, 5, 6], "Title", "a", "b", point_labels={1: "two"}, method="lsa"
    )
    [text] = fig.axes[0].texts
    assert (text.get_text(), text.xy) == ("two", (2.0, 5.0))
    assert series(fig)["lsa"]["y"] == [4.0, 5.0, 6.0]
    assert set(series(plot.scatter([1], [2], "Title", "a", "b"))) == {"points"}


def test_curves_are_named_at_their_ends_with_bands_where_intervals_are_known():
    fig = plot.lines(
        [1, 10, 100], {"tfidf": [estimate(v, v - 0.1, v + 0.1) for v in (0.3, 0.5, 0.8)],
                       "glove": [0.3, 0.4, 0.79]}, "Both rise", "labels", "accuracy", log_x=True,
    )  # fmt: skip
    [panel] = plotted(fig)
    assert panel["texts"] == ["TF-IDF", "GloVe"]
    drawn = series(fig)
    assert drawn["tfidf"]["y"] == [0.3, 0.5, 0.8] and drawn["glove"]["x"] == [1.0, 10.0, 100.0]
    assert set(drawn) == {"tfidf interval", "tfidf", "glove"}
    assert {0.2, 0.4, 0.6, 0.7, 0.9} <= set(drawn["tfidf interval"]["y"])
    assert drawn["tfidf interval"]["kind"] == "band"
    fig.draw_without_rendering()
    ends = [text.get_window_extent() for text in fig.axes[0].texts]
    assert not ends[0].overlaps(ends[1])


def test_the_name_of_a_curve_points_at_its_last_value_and_stands_at_that_height():
    fig = plot.lines([1, 2, 3], {"tfidf": [0.9, 0.5, 0.1], "glove": [0.1, 0.2, 0.8]},
                     "They cross", "labels", "accuracy")  # fmt: skip
    texts = {text.get_text(): text for text in fig.axes[0].texts}
    assert texts["TF-IDF"].xy == (3.0, 0.1) and texts["GloVe"].xy == (3.0, 0.8)
    fig.draw_without_rendering()
    assert texts["GloVe"].get_window_extent().y0 > texts["TF-IDF"].get_window_extent().y1


def test_logarithmic_ticks_are_written_in_full_at_the_points_drawn():
    x = [1, 10, 1000]
    fig = plot.lines(x, {"a": [1, 100, 10000]}, "Up", "x", "y", log_x=True, log_y=True)
    ax = fig.axes[0]
    fig.draw_without_rendering()
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10", "1,000"]
    assert "10,000" in [t.get_text() for t in ax.get_yticklabels()]
    plain = plot.lines(x, {"a": x}, "Up", "x", "y").axes[0]
    assert (plain.get_xscale(), plain.get_yscale()) == ("linear", "linear")


def test_bars_start_at_zero_and_say_their_amounts():
    fig = plot.bars(["one-hot", "lsa"], [24583, 100], "Fewer", "dimensions")
    assert fig.axes[0].get_xlim()[0] == 0
    assert plotted(fig)[0]["texts"] == ["24,583", "100"]
    assert series(fig)["bars"]["x"] == [24600.0, 100.0]
    assert plotted(fig)[0]["ticks"] == ["One-hot", "LSA"]
    assert plotted(plot.bars(["a"], [0.5], "Half", "x"))[0]["texts"] == ["0.50"]
    assert plotted(plot.bars(["a", "b"], [1, 0.5], "x", "x"))[0]["texts"] == ["1.00", "0.50"]


def test_each_bar_has_the_colour_of_its_method():
    drawn = plot.bars(["one-hot", "lsa", "other"], [3, 2, 1], "Fewer", "dimensions").axes[0]
    colours = [to_hex(bar.get_facecolor()) for bar in drawn.patches]
    assert colours == [METHODS["one-hot"].colour, METHODS["lsa"].colour, plot.MUTED]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: dots(labels=["tfidf"]),
        lambda: dots(labels=[], estimates=[]),
        lambda: dots(title=" "),
        lambda: plot.bars(["a"], [1, 2], "T", "x"),
        lambda: plot.bars([], [], "T", "x"),
        lambda: plot.bars(["a"], [-1], "T", "x"),
        lambda: plot.lines([1, 2], {"a": [1, 2, 3]}, "T", "x", "y"),
        lambda: plot.human_against_model([1, 2], {"tfidf": [1]}, "T"),
        lambda: plot.human_against_model([1, 2], {}, "T"),
        lambda: plot.figure(""),
    ],
)
def test_what_cannot_be_drawn_honestly_is_refused(draw):
    with pytest.raises(ValueError, match=r"need as many|title|negative|points|pairs|no models"):
        draw()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.floats(0.1, 20))
def test_spread_labels_keep_their_order_and_distance_and_centre(positions, gap):
    placed = spread(positions, gap)
    order = np.argsort(positions, kind="stable")
    assert np.all(np.diff(np.array(placed)[order]) >= gap - 1e-6)
    assert np.mean(placed) == pytest.approx(np.mean(positions), abs=1e-6)


def test_labels_that_have_room_stay_where_they_are():
    assert spread([5.0, 0.0, 10.0], 5.0) == [5.0, 0.0, 10.0]
    assert spread([1.0, 1.0], 2.0) == [0.0, 2.0]
    assert spread([7.0, 0.0, 20.0], 5.0) == [7.0, 0.0, 20.0]
    assert spread([0.0, 0.0, 4.0], 4.0) == pytest.approx([-8 / 3, 4 / 3, 16 / 3])


@given(st.text("ab ", max_size=120), st.integers(10, 60))
def test_balanced_lines_keep_every_word_and_use_no_more_lines_than_needed(text, width):
    import textwrap

    lines = balanced_lines(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) == len(textwrap.wrap(text, width))
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [3.2, 6.4, 9.6])
def test_a_long_title_is_wrapped_to_the_width_of_its_figure(width):
    title = "Words that stand in many documents say little about any one of them " * 2
    fig, _ = plot.figure(title, width=width)
    fig.draw_without_rendering()
    box = fig._suptitle.get_window_extent()
    assert 0.5 < box.width / fig.bbox.width <= 1
    assert max(map(len, fig.get_suptitle().split("\n"))) <= 58 * width / 6.4


def test_balanced_lines_have_no_orphans():
    assert balanced_lines("one two three four five", 20) == ["one two three", "four five"]


# -------------------------------------------------------------------------------------- the SVG


def root_of(fig, alt=ALT):
    return ET.fromstring(svg(fig, alt=alt))


def test_the_picture_announces_itself():
    root = root_of(dots())
    assert (root.get("role"), root.get("aria-label")) == ("img", ALT)
    title = next(iter(root))
    assert (title.tag, title.text) == (f"{SVG}title", ALT)
    assert root.get("class") == "book-figure"


def test_the_picture_fits_a_phone_and_never_grows_beyond_its_size():
    root = root_of(dots())
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width == pytest.approx(6.4 * 72)
    assert (int(root.get("width")), int(root.get("height"))) == (614, round(height * 96 / 72))
    assert root.get("style") == "max-width:100%;height:auto"


def test_the_plotted_values_are_inside_the_picture():
    fig, _, _ = cloud(30)
    root = root_of(fig)
    assert json.loads(root.find(f"{SVG}metadata").text) == plotted(fig)


def test_values_have_three_significant_digits_and_what_is_missing_is_null():
    fig, ax = plot.figure("Three digits")
    ax.plot([123456, 0.00012345, -0.0], [np.nan, np.inf, 2], label="a")
    assert plotted(fig)[0]["series"] == [
        {"name": "a", "kind": "line", "x": [123000.0, 0.000123, 0.0], "y": [None, None, 2.0]}
    ]


def test_grids_and_line_collections_are_read_too():
    fig, ax = plot.figure("A heat map")
    ax.imshow([[1, 2], [3, 4.5678]])
    ax.vlines([1, 2], 0, [3, 4], label="stems")
    rows, first, second = sorted(plotted(fig)[0]["series"], key=lambda s: s["kind"])
    assert rows["rows"] == [[1.0, 2.0], [3.0, 4.57]]
    assert (first["name"], first["x"], first["y"]) == ("stems", [1.0, 1.0], [0.0, 3.0])
    assert second["y"] == [0.0, 4.0]


def test_a_page_can_recolour_ground_ink_axes_and_grid():
    text = svg(dots(), alt=ALT)
    for role in ("ground-fill", "ground-stroke", "ink-fill", "muted-fill", "faint-stroke"):
        assert f'class="{role}"' in text or role in text, role
    root = ET.fromstring(text)
    for element in root.iter(f"{SVG}text"):
        assert element.get("class") in {"ink-fill", "muted-fill"}
    for element in list(root.iter())[1:]:
        assert "style" not in element.attrib  # inline style would win over the page's
    ground = next(e for e in root.iter(f"{SVG}path"))
    assert (ground.get("class"), ground.get("fill")) == ("ground-fill", "#ffffff")


def test_matplotlibs_own_black_becomes_ink():
    fig, ax = plot.figure("Plain")
    ax.text(0.5, 0.5, "black", color="black")
    ax.plot([0, 1], [0, 1], color="black")
    text = svg(fig, alt=ALT)
    assert "#000000" not in text and 'class="ink-stroke"' in text


def test_text_stays_text_in_a_font_that_the_reader_has():
    root = root_of(dots())
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"TF-IDF", "Spearman correlation", "0.28 [0.11, 0.44]"} <= set(words)
    assert root.get("font-family").startswith("system-ui")
    assert "DejaVu" not in ET.tostring(root, encoding="unicode")


@pytest.mark.parametrize("make", [dots, lambda: cloud()[0]])
def test_no_text_is_smaller_than_nine_points(make):
    sizes = [
        float(e.get("font-size").removesuffix("px")) for e in root_of(make()).iter(f"{SVG}text")
    ]
    assert len(sizes) > 5 and min(sizes) >= 9


def test_text_that_is_too_small_is_refused():
    fig, ax = plot.figure("Small print")
    ax.text(0, 0, "terms", fontsize=8.9)
    with pytest.raises(ValueError, match=r"'terms' has 8.9 points: use at least 9"):
        svg(fig, alt=ALT)
    ax.texts[0].set_fontsize(9)
    assert svg(fig, alt=ALT)


@pytest.mark.parametrize(
    "alt", ["", "Too short", "A figure of two methods and people", "Plot showing two methods well",
            "The chart compares two methods", "graph of all that there is here"],
)  # fmt: skip
def test_a_description_that_describes_nothing_is_refused(alt):
    with pytest.raises(ValueError, match="description"):
        svg(dots(), alt=alt)


def test_a_description_may_speak_of_plotters_and_has_no_line_breaks():
    assert 'aria-label="Plotters draw curves in two colours."' in svg(
        dots(), alt="Plotters draw curves\n   in two colours."
    )


def test_markup_in_words_is_escaped():
    fig, ax = plot.figure('Less < more & "so"')
    assert root_of(fig, alt='Less < more & "so" it goes on').get("aria-label").startswith("Less <")
    assert ax.get_title() == ""


def test_1225_points_take_less_than_150_kilobytes():
    assert len(svg(cloud()[0], alt=ALT).encode()) < 150_000
    assert len(svg(cloud(names=list(METHODS)[:5])[0], alt=ALT).encode()) < 300_000


def test_many_points_keep_their_places_in_one_path():
    fig, human, _ = cloud(60)
    [path] = [p for p in root_of(fig).iter(f"{SVG}path") if p.get("marker-mid")]
    points = np.array(path.get("d")[1:].split(), dtype=float).reshape(-1, 2)
    ax = fig.axes[0]
    expected = ax.transData.transform(ax.collections[0].get_offsets()) * 72 / fig.dpi
    height = fig.get_figheight() * 72
    assert points == pytest.approx(
        np.column_stack([expected[:, 0], height - expected[:, 1]]), abs=0.06
    )
    assert path.get("marker-start") == path.get("marker-mid") == path.get("marker-end")
    marker = path.get("marker-mid")[5:-1]
    [shape] = [m for m in root_of(fig).iter(f"{SVG}marker") if m.get("id") == marker]
    assert next(iter(shape)).get("fill") == METHODS["tfidf"].colour
    assert len(human) == len(points)


def test_few_points_stay_apart():
    assert not [p for p in root_of(cloud(49)[0]).iter(f"{SVG}path") if p.get("marker-mid")]


def test_ids_are_unique_across_figures_and_every_reference_has_its_target():
    texts = [svg(dots(), alt=ALT), svg(dots(), alt=ALT + " Indeed."), svg(cloud()[0], alt=ALT)]
    found = [re.findall(r'\bid="([^"]+)"', text) for text in texts]
    everything = [name for names in found for name in names]
    assert len(everything) == len(set(everything)) and all(found)
    for text, names in zip(texts, found, strict=True):
        assert set(re.findall(r"#(f[0-9a-f]{8}-\d+)", text)) == set(names)


def test_the_same_figure_is_the_same_bytes_in_another_process():
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_plot import ALT, cloud, dots, svg\n"
        "sys.stdout.buffer.write((svg(dots(), alt=ALT) + svg(cloud()[0], alt=ALT)).encode())"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": seed}, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert run.stdout == (svg(dots(), alt=ALT) + svg(cloud()[0], alt=ALT)).encode()


def test_no_date_and_no_version_of_a_library_is_stored():
    text = svg(dots(), alt=ALT)
    assert "atplotlib" not in text and not re.search(r"20\d\d-\d\d", text)
    assert "<!DOCTYPE" not in text and "xlink" not in text


def test_style_does_not_leak_into_other_figures():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    svg(dots(), alt=ALT)
    assert dict(mpl.rcParams) == before


def test_a_plain_matplotlib_figure_can_be_shown():
    fig = Figure()
    fig.subplots().plot([1, 2], [3, 4], label="a")
    assert json.loads(root_of(fig).find(f"{SVG}metadata").text)[0]["series"][0]["y"] == [3.0, 4.0]


def test_showing_gives_one_output_with_picture_and_words(monkeypatch):
    outputs = []
    monkeypatch.setattr(plot, "get_ipython", object)
    monkeypatch.setattr(plot, "display", lambda bundle, raw: outputs.append((bundle, raw)))
    show(dots(), alt=ALT)
    assert outputs == [({"text/plain": ALT, "image/svg+xml": svg(dots(), alt=ALT)}, True)]


def test_outside_a_notebook_showing_still_checks(capsys):
    show(dots(), alt=ALT)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="description"):
        show(dots(), alt="")


def test_the_settings_file_of_a_reader_changes_no_figure():
    def drawn():
        return svg(plot.bars(["a", "b"], [1, 2], "Two bars", "amount"), alt=ALT)

    plain = drawn()
    settings = {"axes.grid": True, "savefig.bbox": "tight", "axes.xmargin": 0.4, "font.size": 20}
    with plot.mpl.rc_context(settings):
        assert drawn() == plain
