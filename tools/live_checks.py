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
    from lib.counts import TfidfVariant
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


# --------------------------------------------------------------------------- all of them

CHECKS: Mapping[str, Callable[[Job, Page], Awaitable[None]]] = {
    "pair-judge": pair_judge,
    "term-scale": term_scale,
    "news-search": news_search,
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


def tasks(job: Job) -> list[Task]:
    """List the figures to operate; a figure that nobody shows or checks is a fault."""
    found = places(job.site)
    listed: list[Task] = []
    for name in sorted(set(CHECKS) | set(found)):
        if name not in CHECKS:
            job.add(found[name][0], name, "is checked by nothing", "add it to tools/live_checks.py")
        elif name not in found:
            job.add("(any)", name, "no page shows this live figure", "show it, or drop its check")
        else:
            for place, page in enumerate(found[name]):
                variant = (WIDE, PHONE)[place % 2]
                listed.append((page, name, partial(operate, job, page, name, variant)))
    return listed
