"""Find the Chromium of this machine, start it without a connection to anywhere, and watch pages.

The book brings no browser: Chromium, Chrome or Edge comes from the system. It starts with a
profile of its own that is thrown away, without background networking, and with every host name
but this machine's own address made unknown, so that nothing that a page asks for gets out; what
it asked for is logged all the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    WebSocket,
)
from playwright.async_api import Error as PlaywrightError

VARIABLE = "BOOK_CHROMIUM"  # the environment variable that names the browser
REQUIRED = "BOOK_REQUIRE_BROWSER"  # set to 1 where a missing browser is a failure
NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "msedge",
         "microsoft-edge", "chrome")  # fmt: skip
MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WINDOWS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)
WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
INSTALL = (
    "install Chromium from your system's packages (Debian: apt-get install chromium), or let "
    f"{VARIABLE} name a Chromium, Chrome or Edge"
)

# What Playwright switches off by itself is not repeated here.
QUIET = [
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication,Translate",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
]


class NoBrowser(RuntimeError):
    """There is no browser to run the checks in; the message says what to install."""


def find_chromium(
    environment: Mapping[str, str] | None = None,
    which: Callable[[str], str | None] = shutil.which,
    exists: Callable[[Path], bool] = Path.is_file,
    system: str = sys.platform,
) -> Path:
    """Find a browser: what BOOK_CHROMIUM names, else on the path, else at the usual places.

    Raises
    ------
    NoBrowser
        If BOOK_CHROMIUM names something that is not there, or nothing is found.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(VARIABLE)
    if named:
        found = which(named)
        if found or exists(Path(named)):
            return Path(found or named)
        raise NoBrowser(f"{VARIABLE} names {named}, and there is no such program; {INSTALL}")
    for name in NAMES:
        if found := which(name):
            return Path(found)
    places = [Path(place) for place in MAC] if system == "darwin" else []
    if system == "win32":
        roots = [environment[root] for root in WINDOWS_ROOTS if environment.get(root)]
        places = [Path(root) / place for place in WINDOWS for root in roots]
    for path in places:
        if exists(path):
            return path
    raise NoBrowser(f"no Chromium found; {INSTALL}")


def is_required(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the environment makes a missing browser a failure."""
    environment = os.environ if environment is None else environment
    return environment.get(REQUIRED, "") not in ("", "0")


def speaks_of_sandbox(message: str) -> bool:
    """Tell whether Chromium refused to start for want of its sandbox (root, some containers)."""
    return "sandbox" in message.lower() or "namespace" in message.lower()


@asynccontextmanager
async def browser(
    player: Playwright, program: Path, extra: Iterable[str] = ()
) -> AsyncIterator[Browser]:
    """Start Chromium with its sandbox, without it only where it cannot start, and end it."""
    arguments = [*QUIET, *extra]
    launch = player.chromium.launch
    try:
        started = await launch(
            executable_path=program, args=arguments, chromium_sandbox=True, timeout=60_000
        )
    except PlaywrightError as error:
        if not speaks_of_sandbox(str(error)):
            raise NoBrowser(f"{program} does not start: {str(error).splitlines()[0]}") from error
        started = await launch(
            executable_path=program, args=arguments, chromium_sandbox=False, timeout=60_000
        )
    try:
        yield started
    finally:
        await started.close()


# --------------------------------------------------------------------------- what is found


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, in which variant of the page, what, and what mends it."""

    page: str
    variant: str
    what: str
    fix: str

    def line(self) -> str:
        """Return the fault as one line of text."""
        return f"{self.page} [{self.variant}]: {self.what} -> {self.fix}"


@dataclass
class Watch:
    """Everything that a page asked for and complained about while it was open."""

    origin: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    console: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def attach(self, context: BrowserContext) -> None:
        """Listen to every page, worker and popup of a context."""
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("page", lambda page: page.on("websocket", self._socket))

    def _request(self, request: Request) -> None:
        self.requests.append((request.resource_type, request.url))

    def _response(self, response: Response) -> None:
        self.answers.append((response.status, response.url))
        length = response.headers.get("content-length", "0")
        self.sizes[response.url] = int(length)

    def _failed(self, request: Request) -> None:
        self.failures.append((request.failure or "failed", request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.console.append((message.type, " ".join(message.text.split())[:200]))

    def _socket(self, socket: WebSocket) -> None:
        self.sockets.append(socket.url)

    @property
    def transfer(self) -> int:
        """Compressed bytes of everything that came from the site, headers left out."""
        return sum(self.sizes.values())

    def faults(self, page: str, variant: str) -> list[Fault]:
        """List what a clean page would not have done."""
        found = [("request", self._leaves(kind, url)) for kind, url in self.requests]
        lines = [(what, fix) for _, pair in found if pair for what, fix in [pair]]
        lines += [
            (f"opens the socket {url}", "the book needs no open connection: take it out")
            for url in self.sockets
        ]
        lines += [
            (f"{urlsplit(url).path} answers {status}", "build the file, or mend its address")
            for status, url in self.answers
            if status >= 400
        ]
        lines += [
            (f"{url} did not load ({why})", "serve the file from the site")
            for why, url in self.failures
            if self._leaves("", url) is None and "ERR_ABORTED" not in why
        ]
        said = [(kind, text) for kind, text in self.console if not self._repeats(text)]
        lines += [(f"console {kind}: {text}", "mend the script") for kind, text in said]
        lines += [(f"script error: {text}", "mend the script") for text in self.errors]
        return [Fault(page, variant, what, fix) for what, fix in dict.fromkeys(lines)]

    def _leaves(self, kind: str, url: str) -> tuple[str, str] | None:
        """Say which request is for another host, if it is."""
        if url.startswith((self.origin, "data:", "blob:", "about:")):
            return None
        return (f"asks another host: {kind or 'file'} {url[:120]}", "serve it from the site itself")

    def _repeats(self, text: str) -> bool:
        """Tell whether a console line only repeats a request that failed, which is listed."""
        counted = any(status >= 400 for status, _ in self.answers) or bool(self.failures)
        return counted and text.startswith("Failed to load resource")


@dataclass(frozen=True)
class Variant:
    """One way to look at a page."""

    name: str
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    scripts: bool = True

    def options(self) -> dict[str, Any]:
        """Return the options of a new context."""
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.scheme,
            "java_script_enabled": self.scripts,
            "reduced_motion": "reduce",
            "accept_downloads": True,
            "locale": "en-GB",
        }


WIDE = Variant("light 1440")
PHONE = Variant("light 390", 390, 844)
DARK = Variant("dark 1440", scheme="dark")
DARK_PHONE = Variant("dark 390", 390, 844, "dark")
PLAIN = Variant("no scripts", scripts=False)
SHOWN = (WIDE, DARK, PHONE, DARK_PHONE)


@asynccontextmanager
async def visit(
    started: Browser, origin: str, variant: Variant = WIDE, **options: object
) -> AsyncIterator[tuple[Page, Watch]]:
    """Open an empty tab in a context of its own, watched from its first request on."""
    context = await started.new_context(**{**variant.options(), **options})
    watch = Watch(origin)
    watch.attach(context)
    context.set_default_timeout(15_000)
    try:
        yield await context.new_page(), watch
    finally:
        await context.close()


async def settle(page: Page) -> None:
    """Wait until the page stands: loaded, mathematics set, fonts there, a frame painted."""
    await page.wait_for_load_state("load")
    await page.evaluate(
        """async () => {
          if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
          await document.fonts.ready;
          await new Promise((done) => setTimeout(done, 350));
        }"""
    )
