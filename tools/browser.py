"""Look at every page of the built site in a real browser, as its readers will.

``python -m tools.browser`` serves `_build/html`, opens each page of the table of contents in
headless Chromium, light and dark, wide and narrow, without scripts, from disk and for print, then
plays the scripted journeys of `tools.journeys` and operates the live figures. A check gives
faults, one line each: page, variant, what is wrong, what mends it. Without a browser nothing is
checked, which is said and never counted as passed: the exit status is then 77.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from tools.chromium import (
    PHONE,
    PLAIN,
    SHOWN,
    WIDE,
    Fault,
    NoBrowser,
    Variant,
    Watch,
    browser,
    find_chromium,
    is_required,
    settle,
    visit,
)
from tools.serving import serving
from tools.site import pages_of

ROOT = Path(__file__).resolve().parent.parent
SITE = Path(os.environ.get("BOOK_SITE") or ROOT / "_build" / "html")
NOT_RUN = 77  # the exit status of a check that could not be made, as automake has it
BUDGET = 800 * 1024  # bytes, compressed, of a page without its live figures
LIVE_BUDGET = 150 * 1024  # bytes, compressed, of one live figure
NARROWEST = 320  # pixels: a small phone, or 400 % zoom of a window
PAPER = 718  # pixels between the margins of A4
PROBE = (Path(__file__).parent / "browser_probe.js").read_text(encoding="utf-8")

# A phone lays out late what is far below the screen; the checks look at all of it.
ALL_DRAWN = "* { content-visibility: visible !important; }"
TEX_SPOKEN = ("\\(", "\\[", "\\frac", "\\sum", "\\mathbf", "\\begin", "$$")
CODE_ROLES = {"code", "Pre", "pre", "textbox"}


@dataclass
class Row:
    """The measurements of one page."""

    page: str
    bytes: int = 0
    live_bytes: int = 0
    requests: int = 0
    formulas: int = 0
    axe: int = 0
    sideways: int = 0


@dataclass
class Job:
    """What the checks of one run share."""

    started: Browser
    origin: str
    site: Path
    axe: str
    everything: bool = False
    rows: dict[str, Row] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def row(self, page: str) -> Row:
        """Return the row of a page, made when first asked for."""
        return self.rows.setdefault(page, Row(page))

    def add(self, page: str, variant: str, what: str, fix: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(page, variant, what, fix))


# --------------------------------------------------------------------------- judgements
# Pure functions from what was measured to faults: tested without a browser.


def sideways_faults(page: str, variant: str, found: Mapping[str, Any]) -> list[Fault]:
    """Say whether a page scrolls sideways, or cuts what is wider than its cell."""
    lost = [
        Fault(page, variant, f"cuts {name} at its cell", "give the cell the room that it needs")
        for name in found["cut"]
    ]
    if found["scroll"] <= found["client"]:
        return lost
    makers = ", ".join(found["makers"]) or "an element that could not be named"
    what = f"is {found['scroll']} px wide in a window of {found['client']} px: {makers}"
    return [Fault(page, variant, what, "let it wrap, or scroll inside a frame of its own"), *lost]


def axe_faults(page: str, variant: str, found: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Turn the violations that axe reports into faults."""
    return [
        Fault(
            page, variant,
            f"axe {v['id']} on {v['count']} element(s): {'; '.join(v['where'])}",
            str(v["help"]),
        )
        for v in found
    ]  # fmt: skip


def is_live(address: str) -> bool:
    """Tell whether a file belongs to a live figure."""
    return "/live/" in address


def live_name(address: str) -> str:
    """Return the figure that a file belongs to; what all figures share has the name "live".

    Examples
    --------
    >>> live_name("http://127.0.0.1:8000/_static/live/pair-judge.data.js?v=1")
    'pair-judge'
    """
    return address.rpartition("/")[2].partition("?")[0].partition(".")[0]


def weight_faults(page: str, variant: str, sizes: Mapping[str, int]) -> list[Fault]:
    """Compare the compressed bytes of a page and of its live figures with the budgets."""
    faults, plain = [], sum(size for url, size in sizes.items() if not is_live(url))
    if plain > BUDGET:
        heaviest = max((u for u in sizes if not is_live(u)), key=lambda u: sizes[u])
        what = f"weighs {plain / 1024:.0f} KB compressed; the heaviest file is {heaviest}"
        faults.append(Fault(page, variant, what, f"stay within {BUDGET // 1024} KB"))
    figures: dict[str, int] = {}
    for url, size in sizes.items():
        if is_live(url):
            figures[live_name(url)] = figures.get(live_name(url), 0) + size
    faults += [
        Fault(page, variant, f"the live figure {name} weighs {size / 1024:.0f} KB compressed",
              f"stay within {LIVE_BUDGET // 1024} KB, or load the rest on a click")
        for name, size in figures.items()
        if size > LIVE_BUDGET
    ]  # fmt: skip
    return faults


def spoken(nodes: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Count the formulas of an accessibility tree, and list the texts that are raw TeX.

    Parameters
    ----------
    nodes : sequence of mappings
        As ``Accessibility.getFullAXTree`` of the Chrome DevTools Protocol gives them.

    Returns
    -------
    int, list of str
        Exposed formulas that have something inside, and raw TeX outside of code.
    """
    known = {node["nodeId"]: node for node in nodes}

    def role(node: Mapping[str, Any]) -> str:
        return str(node.get("role", {}).get("value", ""))

    def in_code(node: Mapping[str, Any]) -> bool:
        up: Mapping[str, Any] | None = node
        while up is not None:
            if role(up) in CODE_ROLES:
                return True
            up = known.get(up.get("parentId", ""))
        return False

    shown = [node for node in nodes if not node.get("ignored")]
    exposed = [n for n in shown if role(n) in {"MathMLMath", "math"} and n.get("childIds")]
    raw = []
    for node in shown:
        name = str(node.get("name", {}).get("value", ""))
        if any(mark in name for mark in TEX_SPOKEN) and not in_code(node):
            raw.append(name[:60])
    return len(exposed), raw


def formula_faults(
    page: str, found: Mapping[str, Any], exposed: int, raw: Sequence[str]
) -> list[Fault]:
    """Say which formulas were not set, cannot be heard, or are heard as TeX."""
    faults = []
    if found["set"] < found["wanted"]:
        what = f"{found['wanted'] - found['set']} of {found['wanted']} formulas were not set"
        faults.append(Fault(page, WIDE.name, what, "mend their TeX: see tools/formulas.py"))
    if exposed < found["wanted"]:
        what = f"{exposed} of {found['wanted']} formulas are in the accessibility tree"
        faults.append(Fault(page, WIDE.name, what, "keep the hidden MathML beside each formula"))
    for text in dict.fromkeys([*found["raw"], *raw]):
        what = f"shows or speaks raw TeX: {text!r}"
        faults.append(Fault(page, WIDE.name, what, "set it as a formula, or mark it as code"))
    return faults


def plain_faults(
    page: str, with_scripts: Mapping[str, Any], bare: Mapping[str, Any]
) -> list[Fault]:
    """Compare what a page holds without scripts with what it holds with them."""
    faults, name = [], PLAIN.name
    lost = [h for h in with_scripts["headings"] if h not in bare["headings"]]
    if lost:
        faults.append(Fault(page, name, f"has no heading {lost[0]!r}", "write it in the HTML"))
    if bare["words"] < 0.97 * with_scripts["words"]:
        what = f"has {bare['words']} words, with scripts {with_scripts['words']}"
        faults.append(Fault(page, name, what, "write the text in the HTML"))
    for key in ("tables", "pictures"):
        if bare[key] < with_scripts[key]:
            what = f"shows {bare[key]} {key}, with scripts {with_scripts[key]}"
            faults.append(Fault(page, name, what, "write them in the HTML"))
    faults += [
        Fault(page, name, f"the live figure {figure} shows nothing", "give it a table as fallback")
        for figure in bare["withoutFallback"]
    ]
    return faults


def print_faults(page: str, found: Mapping[str, Any]) -> list[Fault]:
    """Say what of the navigation is printed and what of the text is cut."""
    faults = []
    if found["around"]:
        what = f"prints {len(found['around'])} controls: {'; '.join(found['around'][:3])}"
        faults.append(Fault(page, "print", what, "hide them in the print style"))
    if found["cut"]:
        what = f"cuts {len(found['cut'])} elements: {'; '.join(found['cut'][:3])}"
        faults.append(Fault(page, "print", what, "wrap or shrink them in the print style"))
    if found["words"] < 30:
        what = f"prints {found['words']} words"
        faults.append(Fault(page, "print", what, "show the text in the print style"))
    return faults


# --------------------------------------------------------------------------- looking at pages


async def look(job: Job, page: str, variant: Variant) -> None:
    """Open a page in one variant and make every check of that variant."""
    async with visit(job.started, job.origin, variant) as (tab, watch):
        await tab.goto(f"{job.origin}/{page}.html")
        await settle(tab)
        await tab.add_style_tag(content=ALL_DRAWN)
        await tab.evaluate(PROBE)
        await measure_width(job, page, variant.name, tab)
        if variant is WIDE:
            await look_once(job, page, tab, watch)
        await look_for_barriers(job, page, variant, tab)
        if variant is PHONE:
            await tab.set_viewport_size({"width": NARROWEST, "height": 640})
            await measure_width(job, page, f"light {NARROWEST}", tab)
        if variant is WIDE:
            await look_at_print(job, page, tab)
        job.faults += watch.faults(page, variant.name)


async def measure_width(job: Job, page: str, variant: str, tab: Page) -> None:
    """Check that a page fits its window."""
    found = sideways_faults(page, variant, await tab.evaluate("bookProbe.sideways()"))
    job.row(page).sideways += len(found)
    job.faults += found


async def look_for_barriers(job: Job, page: str, variant: Variant, tab: Page) -> None:
    """Run axe on a page."""
    await tab.evaluate(job.axe)
    found = await tab.evaluate(f"bookProbe.barriers({json.dumps(job.everything)})")
    job.row(page).axe += len(found)
    job.faults += axe_faults(page, variant.name, found)


async def look_once(job: Job, page: str, tab: Page, watch: Watch) -> None:
    """Weigh a page, listen to its formulas, and compare it with itself without scripts."""
    row = job.row(page)
    row.requests = len(watch.requests)
    row.live_bytes = sum(size for url, size in watch.sizes.items() if is_live(url))
    row.bytes = watch.transfer - row.live_bytes
    job.faults += weight_faults(page, WIDE.name, watch.sizes)
    formulas = await tab.evaluate("bookProbe.formulas()")
    row.formulas = formulas["wanted"]
    session = await tab.context.new_cdp_session(tab)
    exposed, raw = spoken((await session.send("Accessibility.getFullAXTree"))["nodes"])
    await session.detach()
    job.faults += formula_faults(page, formulas, exposed, raw)
    with_scripts = await tab.evaluate("bookProbe.content()")
    async with visit(job.started, job.origin, PLAIN) as (plain, plain_watch):
        await plain.goto(f"{job.origin}/{page}.html")
        await plain.evaluate(PROBE)
        bare = await plain.evaluate("bookProbe.content()")
        job.faults += plain_watch.faults(page, PLAIN.name)
    if page != "search":  # which is a script's work, and says so itself
        job.faults += plain_faults(page, with_scripts, bare)


async def look_at_print(job: Job, page: str, tab: Page) -> None:
    """Check the page as a printer gets it."""
    await tab.set_viewport_size({"width": PAPER, "height": 1000})
    await tab.emulate_media(media="print")
    if page != "search":
        job.faults += print_faults(page, await tab.evaluate("bookProbe.printed()"))


async def look_from_disk(job: Job, page: str) -> None:
    """Open a page from its file, where a browser refuses requests and modules."""
    name = "from disk"
    async with visit(job.started, "file://") as (tab, watch):
        address = (job.site / f"{page}.html").absolute().as_uri()
        await tab.goto(address + ("?q=vectors" if page == "search" else ""))
        await settle(tab)
        await tab.evaluate(PROBE)
        if page == "search":
            try:
                await tab.wait_for_selector("#search-results li a", timeout=10_000)
            except PlaywrightError:
                job.add(page, name, "finds nothing for 'vectors'", "load the index as a script")
        found = await tab.evaluate("bookProbe.formulas()")
        if found["set"] < found["wanted"]:
            what = f"{found['wanted'] - found['set']} formulas were not set"
            job.add(page, name, what, "set them at build time: see tools/formulas.py")
        job.faults += watch.faults(page, name)


# --------------------------------------------------------------------------- the whole run

Task = tuple[str, str, Callable[[], Awaitable[None]]]


def page_tasks(job: Job, pages: Iterable[str]) -> list[Task]:
    """List the looks at every page, the long pages first."""

    def size(page: str) -> int:
        path = job.site / f"{page}.html"
        return path.stat().st_size if path.exists() else 0

    tasks: list[Task] = []
    for page in sorted(pages, key=size, reverse=True):
        for variant in SHOWN:
            tasks.append((page, variant.name, partial(look, job, page, variant)))
        tasks.append((page, "from disk", partial(look_from_disk, job, page)))
    return tasks


async def work(job: Job, tasks: Iterable[Task], workers: int) -> None:
    """Do the tasks, a few at a time; one that breaks is a fault, and the others go on."""
    waiting = list(tasks)[::-1]
    again: set[tuple[str, str]] = set()

    async def worker() -> None:
        while waiting:
            page, variant, task = waiting.pop()
            try:
                await asyncio.wait_for(task(), 150)
            except (PlaywrightError, TimeoutError) as error:
                if "Target crashed" in str(error) and (page, variant) not in again:
                    again.add((page, variant))  # the browser's own fault: a second try, once
                    waiting.append((page, variant, task))
                    continue
                what = (str(error).splitlines() or ["it took longer than 150 s"])[0]
                job.add(page, variant, f"could not be checked: {what}", "open it and look")

    await asyncio.gather(*(worker() for _ in range(workers)))


def axe_source() -> str:
    """Read the verified axe-core of the data layer."""
    from lib.data import load

    return (Path(load("axe").folder) / "axe.min.js").read_text(encoding="utf-8")


def pages_to_check(root: Path = ROOT) -> list[str]:
    """List every page of the table of contents, and the page of the search."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return ["index", *pages_of(toc)[1:], "search"]


async def check(
    site: Path, pages: Sequence[str], program: Path, *, parts: Sequence[str], everything: bool
) -> Job:
    """Make the chosen checks on a built site."""
    from tools import journeys, live_checks

    with serving(site) as server:
        async with async_playwright() as player, browser(player, program) as started:
            job = Job(started, server.address, site, axe_source(), everything)
            tasks: list[Task] = []
            if "journeys" in parts:
                tasks += journeys.tasks(job)
            if "live" in parts:
                tasks += live_checks.tasks(job)
            if "pages" in parts:
                tasks += page_tasks(job, pages)
            await work(job, tasks, workers=max(2, min(6, os.cpu_count() or 2)))
            return job


PARTS = ("pages", "journeys", "live")


def table(job: Job, seconds: float, version: str) -> dict[str, Any]:
    """Return the measurements as they are stored."""
    rows = [vars(job.rows[page]) for page in sorted(job.rows)]
    return {"browser": version, "seconds": round(seconds), "pages": rows}


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Set the measurements as lines of text."""
    lines = [f"{'page':<36} {'KB':>5} {'live':>5} {'requests':>8} {'axe':>4} {'sideways':>8}"]
    for r in rows:
        size, live = r["bytes"] / 1024, r["live_bytes"] / 1024
        lines.append(
            f"{r['page']:<36} {size:>5.0f} {live:>5.0f} {r['requests']:>8} {r['axe']:>4} "
            f"{r['sideways']:>8}"
        )
    return "\n".join(lines)


def store(measured: Mapping[str, Any], path: Path) -> None:
    """Write the measurements, keeping what another tool has added (Lighthouse)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8", newline="\n")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = argparse.ArgumentParser(prog="python -m tools.browser", description=main.__doc__)
    p.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    p.add_argument("--pages", nargs="+", help="only these pages, named as in _toc.yml")
    p.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="only these checks")
    p.add_argument("--everything", action="store_true",
                   help="axe looks at every word, not at one of each colour (long)")  # fmt: skip
    p.add_argument("--require", action="store_true", help="without a browser: fail")
    p.add_argument("--table", type=Path, default=ROOT / "_build" / "browser.json",
                   help="where the measurements go")  # fmt: skip
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the built site in a real browser; 0 is clean, 1 has faults, 77 was not run."""
    options = parser().parse_args(arguments)
    required = options.require or is_required()
    began = time.monotonic()
    if not (options.site / "index.html").exists():
        print(f"browser: there is no site in {options.site}: run `make book` first")
        return 1
    pages = options.pages or pages_to_check()
    try:
        program = find_chromium()
        job = asyncio.run(check(options.site, pages, program, parts=options.only,
                                everything=options.everything))  # fmt: skip
    except NoBrowser as missing:
        print(f"browser: {'FAILED' if required else 'not run'}: {missing}")
        return 1 if required else NOT_RUN
    for fault in sorted(set(job.faults), key=lambda f: (f.page, f.variant)):
        print(f"browser: {fault.line()}")
    measured = table(job, time.monotonic() - began, job.started.version)
    if measured["pages"]:
        store(measured, options.table)
        print(show(measured["pages"]))
    print(f"browser: {len(set(job.faults))} faults in {time.monotonic() - began:.0f} s")
    return int(bool(job.faults))


if __name__ == "__main__":
    sys.exit(main())
