"""Serve the built site as a good host would: compressed, typed, cached, on this machine alone.

``python -m http.server`` sends every file plain and without a word on how long it may be kept,
so that a measurement of a page's weight or speed would measure that server. This one sends text
with gzip, lets a browser keep the files whose address carries their version (``?v=``), and answers
"not changed" to a browser that asks again.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".pdf": "application/pdf",
    ".epub": "application/epub+zip",
    ".wasm": "application/wasm",
}
PACKED = {".png", ".jpg", ".webp", ".woff", ".woff2", ".pdf", ".epub"}
YEAR = "public, max-age=31536000, immutable"
UNVERSIONED = "public, max-age=86400"  # a script of MathJax, a font: no version, and seldom new


def file_for(site: Path, address: str) -> Path | None:
    """Return the file that an address names, or None where there is none inside the site."""
    path = unquote(urlsplit(address).path)
    wanted = site / path.lstrip("/")
    if path.endswith("/"):
        wanted = wanted / "index.html"
    try:
        found = wanted.resolve()
        inside = found.is_relative_to(site.resolve()) and found.is_file()
    except (OSError, ValueError):  # a name that this system cannot have
        return None
    return found if inside else None


def lifetime(address: str, suffix: str) -> str:
    """Return what ``Cache-Control`` says for an address.

    Examples
    --------
    >>> lifetime("/intro.html", ".html")
    'no-cache'
    >>> lifetime("/_static/site.css?v=1", ".css")
    'public, max-age=31536000, immutable'
    """
    if suffix == ".html":
        return "no-cache"
    return YEAR if "v=" in urlsplit(address).query else UNVERSIONED


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD from the folder of its server."""

    protocol_version = "HTTP/1.1"  # keeps the connection, as hosts do
    server: SiteServer
    timeout = 30

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the browser's own log is what the checks read."""

    def do_GET(self) -> None:
        """Send a file."""
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send what a GET would send, without the file."""
        self.answer(with_body=False)

    def answer(self, *, with_body: bool) -> None:
        """Send the headers of a file, and the file unless the browser has it already."""
        path = file_for(self.server.site, self.path)
        if path is None:
            self.reply(404, b"There is no such page.", {"Content-Type": "text/plain"}, with_body)
            return
        packs = "gzip" in self.headers.get("Accept-Encoding", "")
        body, tag = self.server.packed(path, packs and path.suffix not in PACKED)
        headers = {
            "Content-Type": TYPES.get(path.suffix, "application/octet-stream"),
            "Cache-Control": lifetime(self.path, path.suffix),
            "ETag": tag,
            "Vary": "Accept-Encoding",
        }
        if packs and path.suffix not in PACKED:
            headers["Content-Encoding"] = "gzip"
        if self.headers.get("If-None-Match") == tag:
            self.reply(304, b"", headers, with_body=False)
        else:
            self.reply(200, body, headers, with_body)

    def reply(self, status: int, body: bytes, headers: dict[str, str], with_body: bool) -> None:
        """Write one answer; a browser that has gone away is nobody's fault."""
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)


class SiteServer(ThreadingHTTPServer):
    """A server of one folder, on a free port of this machine."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.site = site
        self._kept: dict[tuple[Path, int, bool], tuple[bytes, str]] = {}

    @property
    def address(self) -> str:
        """Where the site is served, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def packed(self, path: Path, squeeze: bool) -> tuple[bytes, str]:
        """Return a file's bytes, compressed or not, and the tag of just these bytes."""
        key = (path, path.stat().st_mtime_ns, squeeze)
        if key not in self._kept:
            body = path.read_bytes()
            body = gzip.compress(body, 9, mtime=0) if squeeze else body
            self._kept[key] = (body, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
        return self._kept[key]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that closed its connection in the middle."""


@contextlib.contextmanager
def serving(site: Path, port: int = 0) -> Iterator[SiteServer]:
    """Serve a folder while the block runs."""
    server = SiteServer(site, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
