"""Faults planted in copies of the built site: every browser check must notice its own.

Needs Chromium and a built site, so it runs in the stage `browser` and not among the unit tests
(its name begins with no `test_` on purpose). All pages are visited once, in one browser; the tests
then look at what was said of each.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tools import browser, journeys, live_checks
from tools.chromium import WIDE, find_chromium
from tools.chromium import browser as chromium
from tools.serving import serving

HOME = "pages/about"  # a short page without formulas: planted faults stand out on it
END = "</article>"
WORDS = " ".join(f"word{i}" for i in range(150))
NOISE = "x=" + "".join(
    random.Random(0).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=1_500_000)
)

# name: what is put at the end of the article, and what the checks must say about it
PLANTED = {
    "image": ('<img alt="a" src="https://elsewhere.example/a.png"/>', "asks another host: image"),
    "beacon": (
        '<script>navigator.sendBeacon("https://elsewhere.example/b", "x")</script>',
        "asks another host: ping",
    ),
    "socket": ('<script>new WebSocket("ws://elsewhere.example/s")</script>', "the socket ws:"),
    "missing": ('<script src="no-such-file.js"></script>', "no-such-file.js answers 404"),
    "console": ('<script>console.error("spilt milk")</script>', "console error: spilt milk"),
    "warning": ('<script>console.warn("thin ice")</script>', "console warning: thin ice"),
    "thrown": ('<script>throw new Error("broken cup")</script>', "script error: broken cup"),
    "label": ('<input type="text"/>', "axe label on 1 element(s)"),
    "contrast": ('<p style="color:#bbb;background:#fff">Read me?</p>', "axe color-contrast"),
    "wide": ('<div style="width:2000px">wide</div>', "in a window of 1440 px: div"),
    "narrow": ('<div style="min-width:350px">broad</div>', "in a window of 320 px: div"),
    "raw": ("<p>The length is \\(\\sqrt{2}\\) here.</p>", "shows or speaks raw TeX"),
    "unset": ('<p><span class="math">no formula</span></p>', "1 of 1 formulas were not set"),
    "heavy": ('<script src="noise.js"></script>', "KB compressed; the heaviest file is"),
    "scripted": (
        f'<p id="late"></p><script>late.textContent = "{WORDS}"</script>',
        "[no scripts]: has",
    ),
    "unlisted": (
        '<div data-live="ghost"></div>',
        "[no scripts]: the live figure ghost shows nothing",
    ),
    "cut": (
        '<pre style="overflow:hidden!important;white-space:pre!important">' + "x" * 400 + "</pre>",
        "[print]: cuts 1 elements: pre",
    ),
    "control": ('<button style="display:block!important">Press</button>', 'button "Press"'),
    "fetch": ('<script>fetch("data.html").catch(() => 0)</script>', "data.html did not load"),
}  # fmt: skip


def plant(site: Path, name: str, extra: str) -> str:
    """Write a copy of a page with a fault at its end; return its name."""
    text = (site / f"{HOME}.html").read_text(encoding="utf-8")
    before, mark, after = text.rpartition(END)
    assert mark
    target = f"pages/planted-{name}"
    (site / f"{target}.html").write_text(before + extra + mark + after, encoding="utf-8")
    return target


def change(path: Path, old: str, new: str, times: int = 1) -> None:
    """Replace a text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(old, text)) >= times, f"{path.name} has no {old!r}"
    path.write_text(re.sub(old, new, text), encoding="utf-8")


def break_question(site: Path) -> None:
    change(site / "index.html", r'(class="question-link[^"]*" href="[^"#]*)#[^"]*"', r'\1#gone"')


def break_notebook(site: Path) -> None:
    for path in site.rglob("*.ipynb"):
        path.write_text("<html>not found</html>", encoding="utf-8")


def break_search(site: Path) -> None:
    (site / "searchindex.js").write_text("", encoding="utf-8")


def break_door(site: Path) -> None:
    change(site / "index.html", r'href="pages/about.html#how-to-cite"', 'href="pages/about.html"')


def break_rank(site: Path) -> None:
    path = site / "_static/live/pair-judge.js"
    change(path, r"pearson\(averageRanks\(x\), averageRanks\(y\)\)", "pearson(x, y)")


def break_cosine(site: Path) -> None:
    change(site / "_static/live/pair-judge.data.js", r'("cosines":\[)[-\d.]+', r"\g<1>0.1234")


def break_state(site: Path) -> None:
    change(site / "_static/live/live.js", r"history\.replaceState\([^)]*\)", "void 0")


JOURNEYS = {
    "question": (break_question, "practitioner", "leads to nothing visible"),
    "notebook": (break_notebook, "learner", "the notebook cannot be downloaded"),
    "search": (break_search, "search-engine visitor", "a search for 'cosine' finds nothing"),
    "door": (break_door, "instructor", "nothing at the Teach door leads to how to cite"),
}
LIVE = {
    "rank": (break_rank, "agreement with"),
    "cosine": (break_cosine, "the page shows '0.12', lib computes"),
    "state": (break_state, "the ratings are not in the address"),
}
WALKS = {
    "trap": (
        '<button onkeydown="event.key === \'Tab\' && event.preventDefault()">stay</button>',
        "traps the focus",
    ),
    "blind": ('<button class="blind">blind</button><style>.blind, .blind:focus'
              "{all:revert!important;outline:none!important;border:0!important}</style>",
              "looks the same with and without the focus"),
    "under": ('<a href="#" style="position:fixed;left:0;top:0;z-index:1">under</a><div '
              'style="position:fixed;inset:0;z-index:99;background:#fff">'
              "over</div>", "has the focus under something else"),
}  # fmt: skip


async def visit_everything(site: Path, program: Path, folder: Path) -> dict[str, list[str]]:
    """Plant every fault, look at every planted page, and return what was said of each."""
    said: dict[str, list[str]] = defaultdict(list)
    pages = {name: plant(site, name, extra) for name, (extra, _) in {**PLANTED, **WALKS}.items()}
    (site / "pages" / "noise.js").write_text(f"const {NOISE.replace('=', '=`', 1)}`;", "utf-8")

    async def keep(key: str, job: browser.Job, task: browser.Task) -> None:
        await browser.work(job, [task], 1)
        said[key] += [fault.line() for fault in job.faults]

    async with async_playwright() as player, chromium(player, program) as started:
        axe, waiting, servers = browser.axe_source(), [], []

        def job(root: Path) -> browser.Job:
            context = serving(root)
            servers.append(context)
            return browser.Job(started, context.__enter__().address, root, axe)

        shared = job(site)

        def fresh() -> browser.Job:
            return browser.Job(started, shared.origin, site, axe)

        for name in ["clean", *PLANTED]:
            page = HOME if name == "clean" else pages[name]
            look = partial(browser.look, variant=browser.PHONE if name == "narrow" else WIDE)
            if name in {"clean", "fetch"}:
                own = fresh()
                waiting.append(
                    (name, own, (page, "disk", partial(browser.look_from_disk, own, page)))
                )
            own = fresh()
            waiting.append((name, own, (page, name, partial(look, own, page))))
        for name in WALKS:
            own, page = fresh(), f"{pages[name]}.html"
            waiting.append((name, own, (page, name, partial(walk, own, page))))
        for name, (spoil, who, _) in JOURNEYS.items():
            copy = Path(shutil.copytree(site, folder / name))
            spoil(copy)
            own = job(copy)
            journey = next(j for j in journeys.JOURNEYS if j.name == who)
            waiting.append((name, own, ("site", who, partial(journeys.travel, own, journey))))
        for name, (spoil, _) in LIVE.items():
            copy = Path(shutil.copytree(site, folder / name))
            spoil(copy)
            own = job(copy)
            operate = partial(live_checks.operate, own, "index", "pair-judge", WIDE)
            waiting.append((name, own, ("index", "live", operate)))
        queue = waiting[::-1]

        async def worker() -> None:
            while queue:
                await keep(*queue.pop())

        await asyncio.gather(*(worker() for _ in range(3)))
        for server in servers:
            server.__exit__(None, None, None)
    return said


async def walk(job: browser.Job, page: str) -> None:
    """Walk through a planted page with the Tab key."""
    async with browser.visit(job.started, job.origin, WIDE) as (tab, _):
        await journeys.walk_through(job, tab, page)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    built = browser.SITE
    assert (built / "index.html").exists(), "build the site first: python -m tools.site"
    folder = tmp_path_factory.mktemp("planted")
    site = Path(shutil.copytree(built, folder / "site"))
    return asyncio.run(visit_everything(site, find_chromium(), folder))


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_noticed_and_a_clean_page_is_not_accused(said, name):
    expected = PLANTED[name][1]
    assert any(expected in line for line in said[name]), said[name]
    assert not any(expected in line for line in said["clean"]), said["clean"]


@pytest.mark.parametrize("name", WALKS)
def test_a_keyboard_trap_or_an_unseen_focus_is_noticed(said, name):
    assert any(WALKS[name][1] in line for line in said[name]), said[name]


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_broken_journey_is_noticed(said, name):
    assert any(JOURNEYS[name][2] in line for line in said[name]), said[name]


@pytest.mark.parametrize("name", LIVE)
def test_a_wrong_number_or_a_lost_state_in_a_live_figure_is_noticed(said, name):
    assert any(LIVE[name][1] in line for line in said[name]), said[name]


def test_every_fault_says_what_mends_it(said):
    lines = [line for lines in said.values() for line in lines]
    assert len(lines) > len(PLANTED)
    assert all(re.match(r"\S.* \[[^\]]+\]: .+ -> \S", line) for line in lines)
