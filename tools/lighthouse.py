"""Measure with Lighthouse how fast every page is, on a desktop and on a phone.

``python -m tools.lighthouse`` installs the pinned Lighthouse of `tools/lighthouse` below `_build`
(npm must be there; the Node that runs it comes with Playwright), serves the built site compressed,
and asks for each page twice. Performance has a floor; the other three scores are reported. A page
below the floor is measured again, since a busy machine slows a page and nothing speeds it up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable
from playwright.async_api import async_playwright

from tools.browser import NOT_RUN, ROOT, SITE, pages_to_check
from tools.chromium import Fault, NoBrowser, browser, find_chromium, is_required
from tools.serving import serving

HERE = Path(__file__).resolve().parent / "lighthouse"
FORMS = {"desktop": 95, "phone": 85}  # the floor of performance, in percent
SCORES = ("performance", "accessibility", "best-practices", "seo")
TRIES = 3  # measurements of a page that is below the floor; the best counts
SECONDS = 120  # for one measurement


@dataclass(frozen=True)
class Tool:
    """How to run Lighthouse: Node, its entry point, and the port of the browser."""

    node: str
    entry: Path
    port: int


class NoNpm(RuntimeError):
    """Lighthouse cannot be installed; the message says what is missing."""


def install(target: Path) -> Path:
    """Install the pinned Lighthouse into a folder, unless it is there; return its entry point.

    Raises
    ------
    NoNpm
        If npm is missing, or does not get what the lock names.
    """
    entry = target / "node_modules" / "lighthouse" / "cli" / "index.js"
    names = ("package.json", "package-lock.json")
    wanted = b"".join((HERE / name).read_bytes() for name in names)
    stamp = target / "installed"
    if entry.exists() and stamp.exists() and stamp.read_bytes() == wanted:
        return entry
    npm = shutil.which("npm")
    if npm is None:
        raise NoNpm("npm is missing: install Node.js, which brings it")
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(HERE / name, target / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
    if done.returncode or not entry.exists():
        said = (done.stderr.strip().splitlines() or ["npm said nothing"])[-1]
        raise NoNpm(f"npm could not install Lighthouse ({said}): go online and run it again")
    stamp.write_bytes(wanted)
    return entry


def command_for(tool: Tool, address: str, form: str, report: Path) -> list[str]:
    """Return the command that measures one address."""
    command = [tool.node, str(tool.entry), address, f"--port={tool.port}", "--quiet"]
    command += ["--output=json", f"--output-path={report}", "--no-enable-error-reporting"]
    command += [f"--only-categories={','.join(SCORES)}", "--disable-full-page-screenshot"]
    return [*command, "--preset=desktop"] if form == "desktop" else command


def scores_of(report: Mapping[str, Any]) -> dict[str, int]:
    """Read the scores of a report, in percent; a score that Lighthouse could not give is 0."""
    categories = report["categories"]
    return {name: round(100 * (categories[name]["score"] or 0)) for name in SCORES}


def slowest(report: Mapping[str, Any], number: int = 3) -> list[str]:
    """Name the audits of performance that cost most, with what Lighthouse measured."""
    parts = report["categories"]["performance"]["auditRefs"]
    losses = []
    for part in parts:
        audit = report["audits"][part["id"]]
        if part.get("weight") and audit.get("score") is not None and audit["score"] < 0.9:
            loss = part["weight"] * (1 - audit["score"])
            losses.append((loss, f"{audit['title']} {audit.get('displayValue', '')}".strip()))
    return [text for _, text in sorted(losses, reverse=True)[:number]]


async def measure_once(tool: Tool, address: str, form: str, folder: Path) -> dict[str, Any]:
    """Run Lighthouse on one address; the event loop stays free for the browser."""
    report = folder / f"{form}.json"
    report.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *command_for(tool, address, form, report),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        raise RuntimeError(f"Lighthouse took longer than {SECONDS} s") from None
    if not report.exists():
        last = (said.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[-1]
        raise RuntimeError(f"Lighthouse wrote no report: {last}")
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


async def measure(
    tool: Tool, address: str, form: str, folder: Path
) -> tuple[dict[str, int], list[str]]:
    """Measure a page, again if it is below the floor; return the best scores, what was slow."""
    best, slow = dict.fromkeys(SCORES, -1), list[str]()
    for _ in range(TRIES):
        report = await measure_once(tool, address, form, folder)
        scores = scores_of(report)
        if scores["performance"] > best["performance"]:
            best, slow = scores, slowest(report)
        if best["performance"] >= FORMS[form]:
            break
    return best, slow


def faults_of(page: str, form: str, scores: Mapping[str, int], slow: Sequence[str]) -> list[Fault]:
    """Compare the performance with its floor."""
    if scores["performance"] >= FORMS[form]:
        return []
    what = f"Lighthouse performance {scores['performance']}, at least {FORMS[form]} is wanted"
    return [Fault(page, form, what, "; ".join(slow) or "see the report")]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def measure_all(
    site: Path, pages: Sequence[str], forms: Sequence[str], entry: Path, program: Path
) -> tuple[dict[str, dict[str, dict[str, int]]], list[Fault]]:
    """Measure every page, one at a time, so that none slows another."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    faults: list[Fault] = []
    node, port = str(compute_driver_executable()[0]), free_port()
    folder = ROOT / "_build" / "lighthouse"
    with serving(site) as server:
        debugging = [f"--remote-debugging-port={port}"]
        async with async_playwright() as player, browser(player, program, debugging):
            tool = Tool(node, entry, port)
            for page in pages:
                for form in forms:
                    address = f"{server.address}/{page}.html"
                    try:
                        scores, slow = await measure(tool, address, form, folder)
                    except (RuntimeError, ValueError, KeyError) as error:
                        faults.append(Fault(page, form, str(error), "run it again by itself"))
                        continue
                    found.setdefault(page, {})[form] = scores
                    faults += faults_of(page, form, scores, slow)
                    print(f"lighthouse: {page:<36} {form:<8} {line(scores)}", flush=True)
    return found, faults


def line(scores: Mapping[str, int]) -> str:
    """Set scores as text."""
    return ", ".join(f"{name} {scores[name]}" for name in SCORES)


def merge(path: Path, found: Mapping[str, Mapping[str, Mapping[str, int]]], version: str) -> None:
    """Add the scores to the table that tools.browser has written."""
    table: dict[str, Any] = {"pages": []}
    if path.exists():
        table = json.loads(path.read_text(encoding="utf-8"))
    rows = {row["page"]: row for row in table["pages"]}
    for page, forms in found.items():
        row = rows.setdefault(page, {"page": page})
        row["lighthouse"] = {**row.get("lighthouse", {}), **forms}
    table["lighthouse"] = version
    table["pages"] = [rows[page] for page in sorted(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")


def pinned() -> str:
    """Return the pinned version of Lighthouse."""
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    return str(package["dependencies"]["lighthouse"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the built site with Lighthouse; 0 is fast enough, 1 is not, 77 was not run."""
    p = argparse.ArgumentParser(prog="python -m tools.lighthouse", description=main.__doc__)
    p.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    p.add_argument("--pages", nargs="+", help="only these pages, named as in _toc.yml")
    p.add_argument("--forms", nargs="+", choices=list(FORMS), default=list(FORMS))
    p.add_argument("--table", type=Path, default=ROOT / "_build" / "browser.json")
    options = p.parse_args(arguments)
    if not (options.site / "index.html").exists():
        print(f"lighthouse: there is no site in {options.site}: run `make book` first")
        return 1
    pages = options.pages or [page for page in pages_to_check() if page != "search"]
    try:
        entry, program = install(ROOT / "_build" / "lighthouse"), find_chromium()
        found, faults = asyncio.run(
            measure_all(options.site, pages, options.forms, entry, program)
        )  # fmt: skip
    except (NoBrowser, NoNpm) as missing:
        failed = is_required()
        print(f"lighthouse: {'FAILED' if failed else 'not run'}: {missing}")
        return 1 if failed else NOT_RUN
    merge(options.table, found, pinned())
    for fault in faults:
        print(f"lighthouse: {fault.line()}")
    measured = sum(len(forms) for forms in found.values())
    print(f"lighthouse: {measured} measurements, {len(faults)} faults")
    return int(bool(faults) or measured == 0)


if __name__ == "__main__":
    sys.exit(main())
