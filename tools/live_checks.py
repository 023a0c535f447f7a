"""Operate the live figures in a real browser and hold what they show against Python.

The scripts' formulas are compared with `lib` by the unit tests, in Node. Here a reader's hands are
on the figure: what is hidden before the guess, what is shown after it, whether the address keeps
the state, whether the numbers on the screen are those of `lib` over the same data.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Locator, Page

from tools.chromium import PHONE, WIDE, Fault, Variant, settle, visit
from tools.journeys import Broken, seen

if TYPE_CHECKING:
    from lib.cooccurrence import Weighting
    from lib.counts import TfidfVariant
    from lib.vectors import Method, Vectors
    from tools.browser import Job, Task

MINUS = "\N{MINUS SIGN}"
RATINGS = (10, 2, 7, 0, 9, 4, 6, 1, 8, 3, 5, 0, 10, 2, 7)  # a reader's, one a pair, in any order
QUERIES = ("prison escape", "space station", "climate change report")


def number(text: str) -> float:
    """Read a number as the figures write it.

    Examples
    --------
    >>> number("−0.25")
    -0.25
    """
    return float(text.replace(MINUS, "-").replace(",", ""))


def shown(value: float, digits: int = 2) -> str:
    """Write a number as the figures do.

    Examples
    --------
    >>> shown(-0.254), shown(-0.001)
    ('−0.25', '0.00')
    """
    text = f"{value:.{digits}f}"
    text = text.replace("-", "") if float(text) == 0 else text
    return text.replace("-", MINUS)


def near(text: str, value: float, digits: int = 2) -> bool:
    """Tell whether a printed number is a value rounded to so many digits, ties either way."""
    half: float = 0.5 * 10.0**-digits
    return abs(number(text) - value) <= half + 1e-6


def differences(what: str, screen: Sequence[str], python: Sequence[str]) -> str:
    """Say where a list on the screen first differs from Python's; "" where it does not."""
    if list(screen) == list(python):
        return ""
    for place, pair in enumerate(zip(screen, python, strict=False), start=1):
        if pair[0] != pair[1]:
            return f"{what}, row {place}: the page shows {pair[0]!r}, lib computes {pair[1]!r}"
    return f"{what}: the page shows {len(screen)} rows, lib computes {len(python)}"


def agreement_differences(
    screen: Sequence[tuple[str, str]],
    python: Sequence[tuple[str, float, float | None, float | None]],
) -> str:
    """Compare the shown agreements, label and text such as ``0.52 [0.10, 0.94]``, with Python's."""
    if len(screen) != len(python):
        return f"the page shows {len(screen)} methods, lib computes {len(python)}"
    expected = {label: numbers for label, *numbers in python}
    for label, text in screen:
        if label not in expected:
            return f"the page shows {label!r}, which is no method"
        found = re.findall(rf"[{MINUS}-]?\d+\.\d+", text)
        wanted = [value for value in expected[label] if value is not None]
        if len(found) != len(wanted) or not all(map(near, found, wanted)):
            computed = ", ".join(shown(value) for value in wanted)
            return f"agreement with {label}: the page shows {text!r}, lib computes {computed}"
    order = [expected[label][0] for label, _ in screen]
    falling = all(
        a is None or b is None or a >= b - 1e-9 for a, b in pairwise(order)
    )  # fmt: skip
    return "" if falling else "the methods do not stand best first"


def payload(site: Path, name: str) -> dict[str, Any]:
    """Read what a figure draws, as the site offers it for download."""
    path = site / "_static" / "live" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


async def figure(tab: Page, name: str) -> Locator:
    """Wait until a figure has been mounted."""
    box = tab.locator(f'figure[data-live="{name}"]')
    await seen(box.locator(".live-stage"), f"{name} was not mounted", "see the console of the page")
    await box.scroll_into_view_if_needed()
    return box


async def set_slider(slider: Locator, value: int) -> None:
    """Move a slider by its keys."""
    await slider.focus()
    await slider.press("Home")
    for _ in range(value):
        await slider.press("ArrowRight")


# --------------------------------------------------------------------------- pair judge


async def pair_judge(job: Job, tab: Page) -> None:
    """Rate every pair, compare the answers and the agreement, reload, start again."""
    data = payload(job.site, "pair-judge")["data"]
    box = await figure(tab, "pair-judge")
    ratings = RATINGS[: len(data["pairs"])]
    for place, rating in enumerate(ratings):
        await rate(box, data, place, rating)
    await compare_agreement(box, data, ratings)
    if "pair-judge=" not in tab.url:
        raise Broken("the ratings are not in the address", "write the state on each commit")
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "pair-judge")
    await compare_agreement(box, data, ratings)
    await box.get_by_role("button", name="Start again").click()
    slider = await seen(box.locator("input[type=range]"), "no slider after the reset", "show it")
    if "pair-judge=" in tab.url or await slider.input_value() != str(data["top"] // 2):
        raise Broken("the reset leaves the old state", "clear the ratings and the address")


async def rate(box: Locator, data: Mapping[str, Any], place: int, rating: int) -> None:
    """Rate one pair; before the commit nothing of the answers may be seen."""
    pair = data["pairs"][place]
    rows = box.locator('[aria-label="Answers of the methods"] .pj-value')
    answers = [shown(cosine) for cosine in pair["cosines"]]
    early = await rows.all_inner_texts()
    if any(re.search(r"\d", text) for text in early):
        raise Broken(f"pair {place + 1} shows answers before the commit", "hide them until then")
    sentences = await box.locator(".pj-sentences p").all_inner_texts()
    if sentences != [pair["first"], pair["second"]]:
        raise Broken(f"pair {place + 1} shows {sentences}", "show the pairs in their order")
    await set_slider(box.locator("input[type=range]"), rating)
    await box.get_by_role("button", name="Show the five answers").click()
    found = await rows.all_inner_texts()
    if problem := differences(f"cosines of pair {place + 1}", found, answers):
        raise Broken(problem, "mend webassets/live/pair-judge.js or its data")
    onward = box.locator(".live-main")
    if place + 1 < len(data["pairs"]):
        await onward.click()


async def compare_agreement(box: Locator, data: Mapping[str, Any], ratings: Sequence[int]) -> None:
    """Compare the shown agreement of every method with that of lib."""
    from lib.evaluate import spearman
    from lib.live_pairs import agreements

    names = [method["name"] for method in data["methods"]]
    labels = {method["name"]: method["label"] for method in data["methods"]}
    cosines = {n: [p["cosines"][i] for p in data["pairs"]] for i, n in enumerate(names)}
    found = agreements(list(ratings), cosines)
    python = [
        (labels[a.method], spearman([float(r) for r in ratings], cosines[a.method]), a.low, a.high)
        for a in found
    ]
    rows = box.locator('[aria-label^="Agreement with your order"] > li')
    names_shown = await rows.locator(".pj-name").all_inner_texts()
    values = await rows.locator(".pj-value").all_inner_texts()
    screen = [(n.strip(), v) for n, v in zip(names_shown, values, strict=True)]
    if problem := agreement_differences(screen, python):
        raise Broken(problem, "mend webassets/live/pair-judge.js, or lib/live_pairs.py")


# --------------------------------------------------------------------------- term scale


async def term_scale(job: Job, tab: Page) -> None:
    """Guess, then turn the knobs: the list is that of lib.counts; a shuffle changes nothing."""
    data = payload(job.site, "term-scale")["data"]
    box = await figure(tab, "term-scale")
    table = box.locator(".ts-table table")
    if await table.is_visible():
        raise Broken("the weights are seen before the guess", "hide them until the commit")
    await box.locator("input[type=radio]").first.check()
    await box.get_by_role("button", name="That is my guess").click()
    passage = data["documents"][0]
    await compare_terms(box, data, passage, "smooth", normed=True)
    others: tuple[TfidfVariant, ...] = ("textbook", "sublinear", "unsmoothed")
    for variant in others:
        await box.get_by_label("Variant").select_option(variant)
        await compare_terms(box, data, passage, variant, normed=True)
    await box.get_by_label("bring the vector to length 1").uncheck()
    await compare_terms(box, data, passage, "unsmoothed", normed=False)
    await box.get_by_role("button", name="Shuffle the words").click()
    await compare_terms(box, data, passage, "unsmoothed", normed=False)
    await seen(box.get_by_text("the vector is identical"), "a shuffle moves the vector", "mend it")
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "term-scale")
    await compare_terms(box, data, passage, "unsmoothed", normed=False)
    await set_slider(box.get_by_label(re.compile("Lower threshold")), 1)
    await compare_terms(box, data, passage, "unsmoothed", normed=False, least=2)
    await box.get_by_role("button", name="Start again").click()
    if "term-scale=" in tab.url or await box.locator(".ts-table table").is_visible():
        raise Broken("the reset leaves the old state", "clear it and the address")


def python_terms(
    data: Mapping[str, Any],
    passage: Mapping[str, Any],
    variant: TfidfVariant,
    *,
    normed: bool,
    least: int,
) -> list[tuple[str, float]]:
    """Weigh the terms of a passage with lib.counts, heaviest first."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from lib.counts import idf, l2_normalise, tfidf

    n = data["collections"][passage["collection"]]["n"]
    df = np.asarray(passage["df"])
    kept = np.flatnonzero(df >= least)
    tf = np.bincount(passage["order"], minlength=len(df))[kept]
    weighed = tfidf(csr_matrix(tf), variant, norm="none", weights=idf(df[kept], n, variant))
    values = (l2_normalise(weighed) if normed else weighed).toarray().ravel()
    terms = [(passage["words"][i], float(v)) for i, v in zip(kept, values, strict=True)]
    return sorted(terms, key=lambda pair: (-round(pair[1], 9), pair[0]))


async def compare_terms(
    box: Locator, data: Mapping[str, Any], passage: Mapping[str, Any], variant: TfidfVariant, *,
    normed: bool, least: int = 1,
) -> None:  # fmt: skip
    """Compare the table of the terms with lib.counts."""
    rows = box.locator(".ts-table tbody tr")
    await seen(rows, "the term scale shows no terms", "mend webassets/live/term-scale.js")
    words = [word.strip() for word in await rows.locator("th").all_inner_texts()]
    weights = [text.strip() for text in await rows.locator(".ts-number").all_inner_texts()]
    python = python_terms(data, passage, variant, normed=normed, least=least)[: len(words)]
    digits = 3 if normed else 2
    problem = differences(f"{variant} terms", words, [word for word, _ in python])
    if not problem and not all(
        near(t, v, digits) for t, (_, v) in zip(weights, python, strict=True)
    ):
        problem = f"{variant} weights: the page shows {weights}, lib computes {python}"
    if problem:
        raise Broken(problem, "mend webassets/live/term-scale.js, or lib/counts.py")


# --------------------------------------------------------------------------- news search


async def news_search(job: Job, tab: Page) -> None:
    """Guess, load the index, search: the ranking is that of lib.counts.BM25 over the same texts."""
    from lib.data import load
    from lib.live_terms import Rankings

    box = await figure(tab, "news-search")
    await box.locator(".ns-quiz input[type=radio]").first.check()
    await box.get_by_role("button", name="That is my guess").click()
    load_button = await seen(box.locator(".ns-load"), "the index is not offered", "show the button")
    await load_button.click()
    field = box.locator("input[type=search]")
    await seen(field, "the index does not load", "build news-search.large.js", 20)
    rankings = Rankings(load("news"))
    for query in QUERIES:
        await field.fill(query)
        await field.press("Enter")
        await asyncio.sleep(0.3)
        await compare_ranking(box, rankings, query)
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "news-search")
    asked = box.locator(".ns-engine").get_by_text(QUERIES[-1])
    await seen(asked, "the query is forgotten on reload", "keep it in the address")
    await box.locator(".ns-load").click()
    await seen(box.locator(".ns-list"), "the query is not asked again", "ask it after the load", 20)
    await compare_ranking(box, rankings, QUERIES[-1])
    await box.get_by_role("button", name="Start again").click()
    if "news-search=" in tab.url:
        raise Broken("the reset leaves the old state", "clear the address")


async def compare_ranking(box: Locator, rankings: Any, query: str) -> None:  # noqa: ANN401
    """Compare both lists of results, titles and scores, with lib."""
    import numpy as np

    for place, scores in enumerate(rankings.scores(query)):
        rows = box.locator(".ns-list").nth(place).locator(":scope > li")
        titles = [t.strip() for t in await rows.locator(".ns-title").all_inner_texts()]
        printed = [t.strip() for t in await rows.locator(".ns-score").all_inner_texts()]
        best = [int(i) for i in np.argsort(-scores, kind="stable")[:10] if scores[i] > 0]
        name = f"{('BM25', 'TF-IDF')[place]} for {query!r}"
        wanted = [" ".join(rankings.titles[i].split()) for i in best]
        problem = differences(name, titles, wanted)
        digits = (2, 3)[place]
        good = len(printed) == len(best) and all(
            near(text, float(scores[i]), digits) for text, i in zip(printed, best, strict=True)
        )
        if not problem and not good:
            problem = f"{name}: the page shows the scores {printed}"
        if problem:
            raise Broken(problem, "mend webassets/live/news-search.js, or lib/counts.py")


# --------------------------------------------------------------------------- window


async def guess_first(box: Locator, hidden: Locator, answer: int) -> None:
    """See that nothing is shown before the reader has guessed, then guess."""
    if await hidden.first.is_visible():
        raise Broken("the answer is seen before the guess", "hide it until the commit")
    await box.get_by_role("button", name="That is my guess").click()
    await seen(box.locator(".live-remind"), "an empty guess is not refused", "remind the reader")
    await box.locator(".live-ask input").nth(answer).check()
    await box.get_by_role("button", name="That is my guess").click()
    await seen(hidden, "the answer is not shown after the guess", "show it")
    if not await box.locator(".live-said").evaluate("(e) => e === document.activeElement"):
        raise Broken("after the guess the focus is lost", "move it to what is said")


async def forget(tab: Page, box: Locator, name: str, hidden: Locator) -> None:
    """Start again: nothing of the old state may stay."""
    await box.get_by_role("button", name="Start again").click()
    if f"{name}=" in tab.url or await hidden.first.is_visible():
        raise Broken("the reset leaves the old state", "clear it and the address")


async def window(job: Job, tab: Page) -> None:
    """Guess, widen the window, weigh by distance: weights and lists are those of lib."""
    figures = payload(job.site, "window")
    box = await figure(tab, "window")
    lists = box.locator(".ws-lists ol")
    await compare_window(box, figures["data"], 6, 2, "plain")
    await guess_first(box, lists, 1)
    await set_slider(box.get_by_label("Width of the window"), 7)
    await compare_window(box, figures["data"], 6, 8, "plain")
    await box.get_by_label("1 / distance").check()
    await set_slider(box.get_by_label("Word at the centre"), 11)
    await compare_window(box, figures["data"], 11, 8, "distance")
    word = figures["data"]["words"][3]
    await box.get_by_label("Neighbours of").select_option(word)
    await compare_neighbours(lists, figures, word, 8, "distance")
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "window")
    await compare_window(box, figures["data"], 11, 8, "distance")
    await compare_neighbours(box.locator(".ws-lists ol"), figures, word, 8, "distance")
    await forget(tab, box, "window", box.locator(".ws-lists ol"))


async def compare_window(
    box: Locator, data: Mapping[str, Any], centre: int, width: int, weighting: Weighting
) -> None:
    """Compare the words in the window and their weights with lib."""
    from lib.live_window import in_window

    parts = "(all) => all.map((one) => [...one.children].map((part) => part.textContent))"
    tokens = await box.locator(".ws-token").evaluate_all(parts)
    expected = dict(in_window(len(tokens), centre, width, weighting))
    for place, (word, said) in enumerate(tokens):
        if place in expected:
            right = bool(said) and near(said, expected[place])
        else:
            right = said == ("centre" if place == centre else "")
        if word != data["tokens"][place] or not right:
            raise Broken(
                f"word {place + 1} shows {word!r}, {said!r}; lib says {expected.get(place)}",
                "mend webassets/live/window.js",
            )


async def compare_neighbours(
    lists: Locator, figures: Mapping[str, Any], word: str, width: int, weighting: str
) -> None:
    """Compare both lists with the table, which holds those of lib for every setting."""
    settings = figures["data"]["settings"]
    fitting = [
        (abs(one["width"] - width), one["width"], place)
        for place, one in enumerate(settings)
        if one["weighting"] == weighting or one["width"] == 1
    ]
    row = next(row for row in figures["table"]["rows"] if row[0] == word)
    for place, column in enumerate((settings.index({"width": 1, "weighting": "plain"}),
                                    min(fitting)[2])):  # fmt: skip
        screen = await lists.nth(place).locator("li").all_inner_texts()
        words = [text.replace("in both", "").strip() for text in screen]
        if problem := differences(f"neighbours of {word}", words, row[column + 1].split(", ")):
            raise Broken(problem, "mend webassets/live/window.js")


# --------------------------------------------------------------------------- one update


async def one_update(job: Job, tab: Page) -> None:
    """Guess, take updates with and without negatives: each is that of lib.word2vec."""
    data = payload(job.site, "one-update")["data"]
    box = await figure(tab, "one-update")
    await guess_first(box, box.locator(".ou-chart"), 1)
    await compare_update(box, data["negatives"], data["rate"], 0)
    for button, updates in (("One update", 1), ("10 updates", 11), ("One back", 10)):
        await box.get_by_role("button", name=button).click()
        await compare_update(box, data["negatives"], data["rate"], updates)
    await set_slider(box.get_by_label("Negatives"), 5)
    await set_slider(box.get_by_label("Rate"), 3)
    await compare_update(box, 5, data["rates"][3], 10)
    await set_slider(box.get_by_label("Negatives"), 0)
    await box.get_by_role("button", name="50 updates").click()
    await compare_update(box, 0, data["rates"][3], 60)
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "one-update")
    await compare_update(box, 0, data["rates"][3], 60)
    await box.get_by_label("Updates made").press("End")
    await compare_measures(box, 0, data["rates"][3], len(data["draws"]))
    await forget(tab, box, "one-update", box.locator(".ou-chart"))


async def compare_update(box: Locator, negatives: int, rate: float, updates: int) -> None:
    """Compare the table of the next update, and the measures so far, with lib."""
    from lib.live_update import WORDS, toy, trained
    from lib.word2vec import loss, sigmoid

    W, C = trained(negatives, rate, updates)
    after_W, after_C = trained(negatives, rate, updates + 1)
    centre, outputs, labels = toy().example(updates, negatives)
    dots, after = C[outputs] @ W[centre[0]], after_C[outputs] @ after_W[centre[0]]
    columns = (dots, sigmoid(dots), labels, sigmoid(dots) - labels, sigmoid(after))
    rows = box.locator(".ou-table tbody tr")
    screen = [text.split()[0] for text in await rows.locator("th").all_inner_texts()]
    if problem := differences("outputs", screen, [WORDS[i] for i in outputs]):
        raise Broken(problem, "mend webassets/live/one-update.js")
    for place, values in enumerate(zip(*columns, strict=True)):
        said = await rows.nth(place).locator("td").all_inner_texts()
        if not all(near(text, float(v)) for text, v in zip(said, values, strict=True)):
            raise Broken(f"row {place + 1} shows {said}, lib computes {values}", "mend the script")
    losses = await box.locator(".ou-loss b").all_inner_texts()
    expected = (loss(W[centre], C[outputs], labels),
                loss(after_W[centre], after_C[outputs], labels))  # fmt: skip
    if not all(near(t, v, 3) for t, v in zip(losses, expected, strict=True)):
        raise Broken(f"the losses are {losses}, lib computes {expected}", "mend the script")
    await compare_measures(box, negatives, rate, updates)


async def compare_measures(box: Locator, negatives: int, rate: float, updates: int) -> None:
    """Compare what the chart says of all words with lib."""
    from lib.live_update import measures, trained

    m = measures(*trained(negatives, rate, updates))
    label = await box.locator(".ou-chart svg[role=img]").get_attribute("aria-label") or ""
    said = re.findall(rf"{MINUS}?\d\.\d\d", label)
    wanted = (m.cosine, m.seen, m.unseen)
    if len(said) != 3 or not all(near(t, v) for t, v in zip(said, wanted, strict=True)):
        raise Broken(f"after {updates} updates: {label!r}, lib: {wanted}", "mend the script")


# --------------------------------------------------------------------------- lying map


async def lying_map(job: Job, tab: Page) -> None:
    """Guess, pick words and pictures: what is counted is what lib counts."""
    data = payload(job.site, "lying-map")["data"]
    box = await figure(tab, "lying-map")
    await guess_first(box, box.locator(".lm-lists"), 0)
    await compare_map(box, data, 30, "0", "apple")
    await box.get_by_label("Word", exact=True).select_option(data["words"][-1])
    await set_slider(box.get_by_label("Perplexity", exact=True), 0)
    await compare_map(box, data, 5, "0", data["words"][-1])
    await box.get_by_label("random 3").check()
    await compare_map(box, data, 5, "2", data["words"][-1])
    await box.locator(".lm-point.lm-rest").first.click(force=True)
    word = await box.get_by_label("Word", exact=True).input_value()
    if word == data["words"][-1]:
        raise Broken("a click on the map picks no word", "mend webassets/live/lying-map.js")
    await compare_map(box, data, 5, "2", word)
    await box.get_by_label("PCA", exact=True).check()
    await compare_map(box, data, 0, "PCA", word)
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "lying-map")
    await compare_map(box, data, 0, "PCA", word)
    await forget(tab, box, "lying-map", box.locator(".lm-lists"))


async def compare_map(
    box: Locator, data: Mapping[str, Any], perplexity: int, start: str, word: str
) -> None:
    """Compare both lists, and what is counted over all words, with lib."""
    import numpy as np

    from lib.live_projection import kept, map_neighbours

    layout = next(
        one for one in data["layouts"] if (one["perplexity"], one["start"]) == (perplexity, start)
    )
    places = np.array(layout["places"]).reshape(-1, 2)
    truth, words = np.array(data["neighbours"]), data["words"]
    place, shares = words.index(word), kept(places, truth)
    near = map_neighbours(places, truth.shape[1])[place]
    for number, expected in enumerate((truth[place], near)):
        rows = box.locator(".lm-lists ol").nth(number).locator("li > span:first-child")
        screen = await rows.all_inner_texts()
        if problem := differences(f"list {number + 1}", screen, [words[i] for i in expected]):
            raise Broken(problem, "mend webassets/live/lying-map.js")
    said = await box.locator(".lm-result").inner_text()
    many, share = round(shares[place] * truth.shape[1]), f"{100 * shares.mean():.0f} %"
    if not said.startswith(f"{many} of the ") or share not in said.replace("\u00a0", " "):
        raise Broken(f"the page says {said!r}, lib counts {many} and {share}", "mend the script")
    correlation = f"at {shown(layout['rho'])} (ranks)"
    if correlation not in await box.locator(".lm-whole").inner_text():
        raise Broken(f"the page does not say {correlation!r}", "show what lib computed")


# --------------------------------------------------------------------------- analogy switch


async def analogy_switch(job: Job, tab: Page) -> None:
    """Guess, load the vectors, ask: the answers are those of lib.vectors over the same bytes."""
    from lib.data import load
    from lib.live_analogy import small_vectors
    from lib.vectors import Vectors

    box = await figure(tab, "analogy-switch")
    await guess_first(box, box.locator(".as-load"), 1)
    await box.locator(".as-load").click()
    await seen(box.locator(".as-form"), "the vectors do not load", "build the large data", 20)
    small = small_vectors(Vectors.of(load("glove-6b-50d")))
    await compare_analogy(box, small, ("man", "king", "woman"), "add", inputs=False)
    for name, own in zip(("a", "a*", "b"), ("Paris", "france", " rome"), strict=True):
        await box.get_by_label(name, exact=True).fill(own)
    await box.get_by_role("button", name="Ask", exact=True).click()
    words = ("paris", "france", "rome")
    await compare_analogy(box, small, words, "add", inputs=False)
    await box.get_by_label("3CosMul").check()
    await compare_analogy(box, small, words, "mul", inputs=False)
    await box.get_by_label("the given words may be answers").check()
    await compare_analogy(box, small, words, "mul", inputs=True)
    await box.get_by_label("only b").check()
    await compare_analogy(box, small, words, "only-b", inputs=True)
    await tab.reload()
    await settle(tab)
    box = await figure(tab, "analogy-switch")
    await box.locator(".as-load").click()
    await seen(box.locator(".as-form"), "the vectors do not load again", "mend the script", 20)
    await compare_analogy(box, small, words, "only-b", inputs=True)
    await box.get_by_label("a*", exact=True).fill("frence")
    await box.get_by_label("a*", exact=True).press("Enter")
    missing = box.locator(".as-missing")
    await seen(missing, "an unknown word is not named", "say that it is unknown")
    await missing.get_by_role("button", name="france", exact=True).click()
    await compare_analogy(box, small, words, "only-b", inputs=True)
    await forget(tab, box, "analogy-switch", box.locator(".as-answers"))


async def compare_analogy(
    box: Locator, small: Vectors, words: tuple[str, str, str], method: Method, *, inputs: bool
) -> None:
    """Compare the five answers and their scores with lib."""
    expected = small.analogy(*words, 5, method=method, inputs=inputs)
    rows = box.locator(".as-answers ol > li")
    answers = await rows.locator(".as-answer").all_inner_texts()
    screen = [text.split()[0] for text in answers]
    name = f"{method} for {' '.join(words)}"
    if problem := differences(name, screen, [word for word, _ in expected]):
        raise Broken(problem, "mend webassets/live/analogy-switch.js")
    scores = await rows.locator(".as-score").all_inner_texts()
    if not all(near(t, v, 3) for t, (_, v) in zip(scores, expected, strict=True)):
        raise Broken(f"{name}: the page shows {scores}, lib computes {expected}", "mend it")


# --------------------------------------------------------------------------- bank


async def bank(job: Job, tab: Page, name: str = "bank") -> None:
    """Guess, choose word, model and layer: what is counted is what lib counts."""
    data = payload(job.site, name)["data"]
    first, last = data["models"][0], data["models"][-1]
    words = [one["word"] for one in data["words"]]
    box = await figure(tab, name)
    await guess_first(box, box.locator(".bk-matrix"), 2)
    await compare_bank(box, data, 0, len(first["layers"]) - 1, words[0])
    await set_slider(box.get_by_label("Layer", exact=True), 0)
    await compare_bank(box, data, 0, 0, words[0])
    await box.get_by_label("Word", exact=True).select_option(words[-1])
    await set_slider(box.get_by_label("Layer", exact=True), 1)
    await box.get_by_label(re.compile("centred")).check()
    await compare_bank(box, data, 0, 1, words[-1], centred=True)
    await box.get_by_label("Model", exact=True).select_option(last["name"])
    place, top = len(data["models"]) - 1, len(last["layers"]) - 1
    await compare_bank(box, data, place, top, words[-1], centred=True)
    await tab.reload()
    await settle(tab)
    box = await figure(tab, name)
    await compare_bank(box, data, place, top, words[-1], centred=True)
    for place, model in enumerate(data["models"]):
        await box.get_by_label("Model", exact=True).select_option(model["name"])
        top = len(model["layers"]) - 1
        await compare_bank(box, data, place, top, words[-1], centred=True)
    await forget(tab, box, name, box.locator(".bk-matrix"))


async def compare_bank(
    box: Locator, data: Mapping[str, Any], model: int, layer: int, word: str, *,
    centred: bool = False,
) -> None:  # fmt: skip
    """Compare sentences, cosines, the nearest of each and what is counted with lib."""
    import numpy as np

    from lib.live_senses import nearest, separation

    place = [one["word"] for one in data["words"]].index(word)
    own, n = data["words"][place], len(data["words"][place]["labels"])
    M = np.eye(n)
    i, j = np.triu_indices(n, 1)
    numbers = data["models"][model]["cosines"][layer][int(centred)][place]
    M[i, j] = M[j, i] = np.array(numbers) / data["scale"]
    sentences = await box.locator(".bk-sentences li > span:nth-child(2)").all_text_contents()
    tidy = [" ".join(text.split()) for text in sentences]
    if problem := differences("the sentences", tidy, own["sentences"]):
        raise Broken(problem, "mend webassets/live/bank.js")
    unread = await box.locator(".bk-unread").all_text_contents()
    after = [
        " ".join(text.split()[place + 1 :])
        for text, place in zip(own["sentences"], own["places"], strict=True)
    ]
    until = data["models"][model].get("until", False)
    if problem := differences("what is not read", unread, after if until else []):
        raise Broken(problem, "mend webassets/live/bank.js")
    if await box.locator(".bk-reach").is_visible() != until:
        raise Broken("it is not said what the model has read", "show it for a decoder alone")
    cells = await box.locator(".bk-matrix td:not(.bk-self)").all_text_contents()
    values = M[~np.eye(n, dtype=bool)]
    if len(cells) != len(values) or not all(
        near(text.removesuffix(" nearest"), float(v), 3)
        for text, v in zip(cells, values, strict=True)
    ):
        raise Broken(f"the table shows {cells}, lib has {values}", "mend webassets/live/bank.js")
    found, nears = separation(M, np.array(own["labels"])), nearest(M)
    framed = sum(len(one) for one in nears if len(one) < n - 1)
    if await box.locator(".bk-matrix .bk-best").count() != framed:
        raise Broken(f"not {framed} cells are framed", "frame the nearest of each row")
    said = await box.locator(".bk-result").inner_text()
    times = re.search(r"same sense (\d+(?:\.\d)?) times", said)
    mean = re.search(rf"within a sense ({MINUS}?\d\.\d+)", said)
    if not times or not near(times[1], found.hits, 1) or not mean or not near(
        mean[1], found.within, 3
    ):  # fmt: skip
        raise Broken(f"the page says {said!r}, lib counts {found}", "mend the script")
    here = await box.locator(".bk-whole .bk-here th").inner_text()
    if not here.startswith(data["models"][model]["label"]):
        raise Broken(f"the row {here!r} is marked", "mark the layer that is shown")


# --------------------------------------------------------------------------- all of them

CHECKS: Mapping[str, Callable[[Job, Page], Awaitable[None]]] = {
    "pair-judge": pair_judge,
    "term-scale": term_scale,
    "news-search": news_search,
    "window": window,
    "one-update": one_update,
    "lying-map": lying_map,
    "analogy-switch": analogy_switch,
    "bank": bank,
    "bank-layers": partial(bank, name="bank-layers"),
}


def places(site: Path) -> dict[str, list[str]]:
    """List the pages of a site on which each live figure stands."""
    found: dict[str, list[str]] = {}
    for path in sorted(site.rglob("*.html")):
        page = path.relative_to(site).with_suffix("").as_posix()
        if page.startswith("_") or page == "intro":  # which is index under another address
            continue
        for name in re.findall(r'data-live="([\w-]+)"', path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(page)
    return found


async def operate(job: Job, page: str, name: str, variant: Variant) -> None:
    """Operate one figure on one page."""
    label = f"{name}, {variant.name}"
    async with visit(job.started, job.origin, variant) as (tab, watch):
        await tab.goto(f"{job.origin}/{page}.html")
        await settle(tab)
        try:
            await CHECKS[name](job, tab)
        except Broken as broken:
            job.faults.append(Fault(page, label, *broken.fault))
        job.faults += watch.faults(page, label)


# Figures whose chapter is still to come: no page shows them yet (none today).
COMING: frozenset[str] = frozenset()


def tasks(job: Job) -> list[Task]:
    """List the figures to operate; a figure that nobody shows or checks is a fault."""
    found = places(job.site)
    listed: list[Task] = []
    for name in sorted(set(CHECKS) | set(found)):
        if name not in CHECKS:
            job.add(found[name][0], name, "is checked by nothing", "add it to tools/live_checks.py")
        elif name not in found and name not in COMING:
            job.add("(any)", name, "no page shows this live figure", "show it, or drop its check")
        elif name in found and name in COMING:
            job.add(found[name][0], name, "is shown, and listed as coming", "take it off COMING")
        else:
            for place, page in enumerate(found.get(name, ())):
                variant = (WIDE, PHONE)[place % 2]
                listed.append((page, name, partial(operate, job, page, name, variant)))
    return listed
