"""Five readers use the site in a real browser, step by step, as they would by hand.

Each journey is a coroutine that gets an open tab and raises `Broken` at the first step that does
not work, with what was expected and where to mend it. Steps go by what a reader perceives (roles,
names, visible text, what the address says), and only where there is no name for it by a class.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Download, Locator, Page
from playwright.async_api import Error as PlaywrightError

from tools.chromium import PHONE, WIDE, Fault, Variant, settle, visit

if TYPE_CHECKING:
    from tools.browser import Job, Task

WALK = (Path(__file__).parent / "browser_walk.js").read_text(encoding="utf-8")
MOST_STOPS = 900  # presses of the Tab key before a page is taken for endless


class Broken(Exception):
    """A step did not work: what happened, and what mends it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fault = (what, fix)


@dataclass(frozen=True)
class Journey:
    """A reader with a purpose."""

    name: str
    variant: Variant
    walk: Callable[[Job, Page], Awaitable[None]]


def chapters(site: Path) -> list[str]:
    """List the chapters of a built site in their order, as paths in the site."""
    found = sorted(p for p in (site / "chapters").glob("[0-9]*.html"))
    return [path.relative_to(site).as_posix() for path in found]


async def seen(step: Locator, what: str, fix: str, seconds: float = 5) -> Locator:
    """Wait until something is visible; Broken says what is missing."""
    shown = step.filter(visible=True).first
    try:
        await shown.wait_for(state="visible", timeout=1000 * seconds)
    except PlaywrightError as error:
        raise Broken(what, fix) from error
    return shown


async def in_view(tab: Page, element: Locator) -> bool:
    """Tell whether the top of an element lies in the window."""
    for _ in range(20):  # the page may still be scrolling to it
        box = await element.bounding_box()
        height = (tab.viewport_size or {"height": 0})["height"]
        if box and -1 <= box["y"] < height:
            return True
        await asyncio.sleep(0.1)
    return False


async def arrive(tab: Page, link: Locator, what: str) -> Locator:
    """Follow a link and return the heading or term that its address points to, in view."""
    href = await link.get_attribute("href") or ""
    await link.click()
    await settle(tab)
    anchor = href.partition("#")[2]
    target = tab.locator(f'[id="{anchor}"]') if anchor else tab.locator("h1").first
    await seen(target, f"{what}: {href} leads to nothing visible", "mend the link's target")
    if not await in_view(tab, target):
        raise Broken(f"{what}: the target of {href} is not in view", "mend scroll-margin or layout")
    return target


# --------------------------------------------------------------------------- the five readers


async def search_engine_visitor(job: Job, tab: Page) -> None:
    """Land on a chapter, read the answer, look up a term, go on, search."""
    pages = chapters(job.site)
    here, following = pages[-2], pages[-1]
    await tab.goto(f"{job.origin}/{here}")
    await settle(tab)
    answer = tab.locator("main article p:not(.last-run)").filter(
        has_text=re.compile(r"(\S+\s+){25}")
    )
    first = await seen(answer, f"{here} has no answer at its top", "open with the answer")
    if not await in_view(tab, first):
        raise Broken(f"the answer of {here} is below the first screen", "bring it up")
    term = tab.locator('main article a[href*="glossary.html#"]')
    link = await seen(
        term, f"{here} links no term to the glossary", "link a term where it first comes"
    )
    await arrive(tab, link, "from a term to the glossary")
    await tab.go_back()
    await settle(tab)
    onward = tab.locator(f'main a[href$="{following.partition("/")[2]}"], a.right-next')
    await (
        await seen(onward, f"{here} has no way to the next chapter", "keep previous and next")
    ).click()
    await settle(tab)
    if following not in tab.url:
        raise Broken(f"next leads from {here} to {tab.url}", "mend the order of _toc.yml")
    await search(tab, "cosine")


async def search(tab: Page, words: str) -> None:
    """Open the search by its button, ask, and follow the first answer."""
    await (await seen(
        tab.locator("button.search-button-field, button.search-button"),
        "there is no search button", "show it in the sidebar and on the phone",
    )).click()  # fmt: skip
    field = await seen(tab.locator("dialog[open] input[type=search], dialog[open] input"),
                       "the search button opens no field", "mend the dialog")  # fmt: skip
    await field.fill(words)
    await field.press("Enter")
    result = await seen(
        tab.locator("#search-results li a"), f"a search for {words!r} finds nothing",
        "build searchindex.js, and load it on the search page", 15,
    )  # fmt: skip
    await result.click()
    await settle(tab)
    if words not in (await tab.locator("main").inner_text()).lower():
        raise Broken(
            f"the first result for {words!r} does not hold the word", "mend the search index"
        )


async def learner(job: Job, tab: Page) -> None:
    """Download the notebook, copy a cell, answer a question, open a solution."""
    page = next(p for p in chapters(job.site) if "01" in p)
    await tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=job.origin)
    await tab.goto(f"{job.origin}/{page}")
    await settle(tab)
    notebook = await download_notebook(tab)
    sources = ["".join(c["source"]).strip() for c in notebook["cells"] if c["cell_type"] == "code"]
    cell = tab.locator("div.cell:not(.tag_hide-input) div.cell_input").first
    await cell.scroll_into_view_if_needed()
    await cell.hover()
    button = await seen(
        cell.locator("button.copybtn"), "a cell has no copy button", "keep copybutton"
    )
    await button.click()
    await asyncio.sleep(0.2)
    copied = (await tab.evaluate("navigator.clipboard.readText()")).strip()
    if copied not in sources:
        what = f"the copy button copies {copied[:40]!r}, which is no cell of the notebook"
        raise Broken(what, "copy the text of the cell")
    question = tab.locator("main details").filter(has_text=re.compile(r"\b(Right|Not so)\."))
    await reveal(question, "a question")
    await reveal(tab.locator("main div.cell.tag_hide-cell details"), "a solution")


async def reveal(folded: Locator, what: str) -> None:
    """Open something folded and see its inside."""
    box = await seen(
        folded, f"there is no folded {what.partition(' ')[2]}", "fold it with <details>"
    )
    inside = box.locator(":scope > *:not(summary)").first
    if await inside.is_visible():
        raise Broken(f"{what} shows its answer before it is opened", "fold it")
    await box.locator("summary").first.click()
    await seen(inside, f"{what} does not open", "mend <details>")


async def download_notebook(tab: Page) -> dict[str, Any]:
    """Fetch the notebook by the page's own button; Broken if it is not a notebook."""
    got: asyncio.Queue[Download] = asyncio.Queue()
    tab.on("download", got.put_nowait)
    tab.context.on("page", lambda popup: popup.on("download", got.put_nowait))
    link = tab.locator('a[href$=".ipynb"]:visible')
    if not await link.count():
        menu = tab.get_by_role("button", name=re.compile("download", re.I))
        await (await seen(menu, "there is no download button", "show it at the top")).click()
    await (
        await seen(link, "the page does not offer its notebook", "keep the .ipynb button")
    ).click()
    try:
        download = await asyncio.wait_for(got.get(), 10)
        text = (await download.path()).read_text(encoding="utf-8")
        notebook: dict[str, Any] = json.loads(text)
    except (TimeoutError, ValueError, PlaywrightError) as error:
        raise Broken(f"the notebook cannot be downloaded ({error!r})", "mend the button") from error
    if notebook.get("nbformat") != 4 or len(notebook.get("cells", [])) < 5:
        raise Broken("what is downloaded is no notebook of the book", "link the chapter's .ipynb")
    return notebook


async def instructor(job: Job, tab: Page) -> None:
    """Go through the Teach door to exercises, licence and citation."""
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    heading = tab.get_by_role("heading", name=re.compile(r"^Teach\b"))
    await seen(heading, "the front page has no door called Teach", "add the door")
    for name, anchor in (
        ("the licence", re.compile("licen[cs]e", re.I)),
        ("how to cite", re.compile("cite|citing", re.I)),
        ("the exercises", re.compile("exercise", re.I)),
    ):
        await tab.goto(f"{job.origin}/index.html")
        await settle(tab)
        links = [*await tab.locator("#teach a[href], [id=sources-and-terms] a[href]").all()]
        hrefs = [(await link.get_attribute("href") or "", link) for link in links]
        fitting = [link for href, link in hrefs if anchor.search(href.partition("#")[2])]
        if not fitting:
            raise Broken(f"nothing at the Teach door leads to {name}", "link it there")
        target = await arrive(tab, fitting[0], f"from the Teach door to {name}")
        text = await target.inner_text()
        if not anchor.search(text):
            raise Broken(f"the link to {name} leads to {text[:40]!r}", "mend the link")


async def practitioner(job: Job, tab: Page) -> None:
    """Come with a question, land on the section that answers it, find the verdict's number."""
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    links = tab.locator("a.question-link")
    if await links.count() < 2:
        raise Broken("the front page has no questions that lead on", "list them")
    for place in (0, await links.count() - 1):
        await tab.goto(f"{job.origin}/index.html")
        await settle(tab)
        await arrive(tab, links.nth(place), "from a question to its section")
        box = tab.locator("main .admonition.verdict")
        verdict = await seen(
            box, f"{tab.url} has no verdict box", "close the chapter with verdict()"
        )
        await verdict.scroll_into_view_if_needed()
        if not re.search(r"\d", await verdict.inner_text()):
            raise Broken("the verdict box shows no number", "name the result in data/claims.yml")


# --------------------------------------------------------------------------- without a mouse


async def tab_to(tab: Page, selector: str, what: str, most: int = 150) -> Locator:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        await tab.keyboard.press("Tab")
        if await tab.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return tab.locator(":focus")
    raise Broken(f"Tab does not reach {what}", "make it focusable, in the order of the page")


async def keyboard_only(job: Job, tab: Page) -> None:
    """Skip to the text, search, switch the theme, open the menu, operate a live figure."""
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    await skip(tab)
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    await switch_theme(tab)
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    await search_by_keys(tab)
    await tab.goto(f"{job.origin}/index.html")
    await settle(tab)
    if await tab.locator('[data-live="pair-judge"]').count():
        await judge_by_keys(tab)


async def skip(tab: Page) -> None:
    """Skip to the text at the first stop."""
    await tab.keyboard.press("Tab")
    focus = tab.locator(":focus")
    if "skip" not in (await focus.inner_text()).lower():
        raise Broken("the first stop of Tab is no skip link", "put it first in the page")
    if not await in_view(tab, focus):
        raise Broken("the skip link is not visible when it has the focus", "show it on focus")
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Tab")
    if not await tab.evaluate("!!document.activeElement.closest('main')"):
        raise Broken("after the skip link, Tab does not go on in the text", "point it at <main>")


async def switch_theme(tab: Page) -> None:
    """Turn the page dark and light; the choice must stay."""
    look = (
        "document.documentElement.dataset.theme + getComputedStyle(document.body).backgroundColor"
    )
    await tab_to(tab, ".theme-switch-button", "the theme switch")
    seen_looks = {await tab.evaluate(look)}
    for _ in range(3):
        await tab.keyboard.press("Enter")
        await asyncio.sleep(0.1)
        seen_looks.add(await tab.evaluate(look))
    if len(seen_looks) < 2:
        raise Broken("the theme switch changes nothing", "mend its script")
    mode = "document.documentElement.dataset.mode"
    while await tab.evaluate(mode) != "dark":
        await tab.keyboard.press("Enter")
    await tab.reload()
    await settle(tab)
    if await tab.evaluate("document.documentElement.dataset.theme") != "dark":
        raise Broken("the chosen theme is forgotten on the next page", "keep it in localStorage")


async def search_by_keys(tab: Page) -> None:
    """Open, close and use the search without a mouse."""
    await tab_to(tab, "button.search-button-field, button.search-button", "the search button")
    await tab.keyboard.press("Enter")
    field = "dialog[open] input"
    await seen(tab.locator(field), "Enter on the search button opens no field", "mend the dialog")
    await tab.keyboard.press("Escape")
    if await tab.locator(field).count():
        raise Broken("Escape does not close the search", "close the dialog")
    await tab.keyboard.press("Enter")
    await seen(tab.locator(field), "the focus does not return to the search button", "return it")
    await tab.keyboard.type("rank")
    await tab.keyboard.press("Enter")
    await seen(
        tab.locator("#search-results li a"), "the search finds nothing by keyboard", "mend it", 15
    )
    await tab_to(tab, "#search-results li a", "the first result")


async def judge_by_keys(tab: Page) -> None:
    """Rate a pair and commit without a mouse."""
    slider = await tab_to(tab, '[data-live="pair-judge"] input[type=range]', "the slider")
    before = await slider.input_value()
    spoken = await slider.get_attribute("aria-valuetext")
    await tab.keyboard.press("ArrowRight")
    after = await slider.input_value()
    if before == after or spoken == await slider.get_attribute("aria-valuetext"):
        raise Broken("the arrow keys do not move the slider aloud", "keep the native range input")
    for _ in range(4):
        await tab.keyboard.press("Tab")
        if await tab.evaluate("document.activeElement.matches('.live-main')"):
            break
    await tab.keyboard.press("Enter")
    await asyncio.sleep(0.2)
    if "pair-judge=" not in tab.url:
        raise Broken("Enter on the button does not commit the rating", "make it a button")
    if not await tab.evaluate("!!document.activeElement.closest('[data-live]')"):
        raise Broken("after the commit the focus has left the figure", "move it to the next button")


async def keyboard_menu(job: Job, tab: Page) -> None:
    """Open and close the menu of the chapters on a phone, without a mouse."""
    await tab.goto(f"{job.origin}/{chapters(job.site)[-1]}")
    await settle(tab)
    await tab_to(tab, ".primary-toggle", "the menu button")
    await tab.keyboard.press("Enter")
    menu = tab.locator(".bd-sidenav a[href], .bd-links a[href]")
    await seen(menu, "Enter on the menu button shows no chapters", "mend the sidebar")
    await tab_to(tab, ".bd-sidenav a[href], .bd-links a[href]", "the chapters of the menu")
    await tab.keyboard.press("Escape")
    await asyncio.sleep(0.3)
    if await tab.evaluate("!!document.querySelector('dialog[open]')"):
        raise Broken("Escape does not close the menu", "close the dialog")


async def walk_through(job: Job, tab: Page, page: str) -> None:
    """Press Tab from the top of a page to its end: nothing traps, each stop can be seen."""
    await tab.goto(f"{job.origin}/{page}")
    await settle(tab)
    await tab.evaluate(WALK)
    for _ in range(MOST_STOPS):
        await tab.keyboard.press("Tab")
        if await tab.evaluate("bookWalk.stop()"):
            break
    else:
        raise Broken(f"{page} has more than {MOST_STOPS} stops", "trap nothing; shorten the way")
    for what, fix in await tab.evaluate("bookWalk.report()"):
        job.add(page, "journey: keyboard only", what, fix)
    for place in range(await tab.evaluate("bookWalk.suspects.length")):
        name = await unseen_focus(tab, place)
        if name:
            what = f"{name} looks the same with and without the focus"
            job.add(page, "journey: keyboard only", what, "give :focus-visible an outline")


async def unseen_focus(tab: Page, place: int) -> str:
    """Compare pictures of an element with and without the focus; its name if they are equal."""
    handle = (await tab.evaluate_handle(f"bookWalk.suspects[{place}]")).as_element()
    if handle is None or not await handle.is_visible():
        return ""
    await handle.scroll_into_view_if_needed()
    await handle.evaluate("(e) => e.blur()")
    await asyncio.sleep(0.3)
    box = await handle.bounding_box()
    assert box is not None
    clip = {"x": max(0, box["x"] - 6), "y": max(0, box["y"] - 6),
            "width": min(600, box["width"] + 12),
            "height": min(300, box["height"] + 12)}  # fmt: skip
    without = await tab.screenshot(clip=clip)  # type: ignore[arg-type]
    await handle.evaluate("(e) => e.focus({ focusVisible: true })")
    await asyncio.sleep(0.3)
    focused = await tab.screenshot(clip=clip)  # type: ignore[arg-type]
    return "" if without != focused else str(await handle.evaluate("(e) => bookWalk.label(e)"))


async def keyboard_front(job: Job, tab: Page) -> None:
    """Walk through the front page."""
    await walk_through(job, tab, "index.html")


async def keyboard_chapter(job: Job, tab: Page) -> None:
    """Walk through a chapter."""
    await walk_through(job, tab, next(p for p in chapters(job.site) if "01" in p))


JOURNEYS = (
    Journey("search-engine visitor", WIDE, search_engine_visitor),
    Journey("search-engine visitor", PHONE, search_engine_visitor),
    Journey("learner", WIDE, learner),
    Journey("instructor", WIDE, instructor),
    Journey("practitioner", WIDE, practitioner),
    Journey("keyboard only", WIDE, keyboard_only),
    Journey("keyboard only", PHONE, keyboard_menu),
    Journey("keyboard only", WIDE, keyboard_front),
    Journey("keyboard only", WIDE, keyboard_chapter),
)


async def travel(job: Job, journey: Journey) -> None:
    """Make one journey, and note where it broke and what the pages complained about."""
    name = f"journey: {journey.name}"
    async with visit(job.started, job.origin, journey.variant) as (tab, watch):
        try:
            await journey.walk(job, tab)
        except Broken as broken:
            page = tab.url.removeprefix(job.origin).lstrip("/").partition("?")[0]
            job.faults.append(
                Fault(page or "index", f"{name}, {journey.variant.name}", *broken.fault)
            )
        job.faults += watch.faults("(any)", name)


def tasks(job: Job) -> list[Task]:
    """List the journeys as tasks."""
    return [("site", f"journey: {j.name}", partial(travel, job, j)) for j in JOURNEYS]
