"""The browser checks without a browser: finding one, serving, and every judgement by itself."""

import asyncio
import gzip
import http.client
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.async_api import Error as PlaywrightError

from lib.counts import Tfidf
from tools import browser, chromium, journeys, lighthouse, live_checks, serving
from tools.chromium import Fault, NoBrowser, Watch, find_chromium

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import book_live  # noqa: E402

# ------------------------------------------------------------------ finding Chromium


def nothing(*_):
    return None


def test_the_variable_names_the_browser_before_anything_else():
    found = find_chromium({"BOOK_CHROMIUM": "/opt/mine"}, lambda name: "/usr/bin/" + name)
    assert found == Path("/usr/bin//opt/mine")
    found = find_chromium({"BOOK_CHROMIUM": "/opt/mine"}, nothing, lambda path: True)
    assert found == Path("/opt/mine")


def test_a_variable_that_names_nothing_is_not_passed_over():
    with pytest.raises(NoBrowser, match="BOOK_CHROMIUM names /gone"):
        find_chromium({"BOOK_CHROMIUM": "/gone"}, nothing, lambda path: False)


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "chromium-browser", "msedge"])
def test_a_browser_on_the_path_is_found(name):
    found = find_chromium({}, lambda n: f"/usr/bin/{n}" if n == name else None)
    assert found == Path("/usr/bin") / name


def test_the_usual_places_of_macos_and_windows_are_looked_at():
    mac = find_chromium({}, nothing, lambda p: "Google Chrome" in str(p), "darwin")
    assert mac.name == "Google Chrome"
    roots = {"PROGRAMFILES": "P", "LOCALAPPDATA": "L"}
    edge = find_chromium(roots, nothing, lambda p: str(p).endswith("msedge.exe"), "win32")
    assert "Edge" in str(edge) and str(edge).startswith("P")


def test_the_places_of_one_system_are_not_looked_at_on_another():
    with pytest.raises(NoBrowser):
        find_chromium({"PROGRAMFILES": "P"}, nothing, lambda p: True, "linux")


def test_without_a_browser_the_message_says_what_to_install():
    with pytest.raises(NoBrowser, match=r"no Chromium found; install Chromium .* BOOK_CHROMIUM"):
        find_chromium({}, nothing, lambda path: False)


@pytest.mark.parametrize(("value", "required"), [("1", True), ("0", False), ("", False)])
def test_the_environment_makes_a_missing_browser_a_failure(value, required):
    assert chromium.is_required({"BOOK_REQUIRE_BROWSER": value}) is required
    assert not chromium.is_required({})


def test_only_a_complaint_about_the_sandbox_drops_it():
    assert chromium.speaks_of_sandbox("Running as root without --no-sandbox is not supported")
    assert not chromium.speaks_of_sandbox("error while loading shared libraries: libnss3.so")


class Launcher:
    """A player whose browser starts, or does not."""

    def __init__(self, refusal=None):
        self.refusal, self.asked, self.closed = refusal, [], 0
        self.chromium = self

    async def launch(self, **options):
        self.asked.append(options["chromium_sandbox"])
        if self.refusal and options["chromium_sandbox"]:
            raise PlaywrightError(self.refusal)
        return self

    async def close(self):
        self.closed += 1


async def start(player, inside=lambda: None):
    async with chromium.browser(player, Path("c")):
        inside()


def test_the_sandbox_stays_where_the_browser_starts_with_it():
    player = Launcher()
    asyncio.run(start(player))
    assert player.asked == [True] and player.closed == 1


def test_the_sandbox_goes_only_where_the_browser_cannot_start_with_it():
    player = Launcher("No usable sandbox")
    asyncio.run(start(player))
    assert player.asked == [True, False]


def test_a_browser_that_does_not_start_is_no_browser():
    with pytest.raises(NoBrowser, match=r"c does not start: libnss3\.so is missing"):
        asyncio.run(start(Launcher("libnss3.so is missing\nmore")))


def test_the_browser_is_ended_when_a_check_breaks():
    player = Launcher()

    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(start(player, broken))
    assert player.closed == 1


@pytest.mark.parametrize(
    ("required", "status", "word"), [(False, 77, "not run"), (True, 1, "FAILED")]
)
def test_a_missing_browser_is_said_and_never_passed(
    monkeypatch, tmp_path, capsys, required, status, word
):
    (tmp_path / "index.html").touch()
    monkeypatch.setenv("BOOK_CHROMIUM", str(tmp_path / "none"))
    monkeypatch.delenv("BOOK_REQUIRE_BROWSER", raising=False)
    arguments = ["--site", str(tmp_path), *(["--require"] if required else [])]
    assert browser.main(arguments) == status
    assert f"browser: {word}: BOOK_CHROMIUM names" in capsys.readouterr().out


def test_without_a_site_nothing_is_passed_either(tmp_path, capsys):
    assert browser.main(["--site", str(tmp_path)]) == 1
    assert "run `make book` first" in capsys.readouterr().out


# ------------------------------------------------------------------ what a page asked for


def answer(status, url, length="10"):
    return SimpleNamespace(status=status, url=url, headers={"content-length": length})


def watched(**what):
    watch = Watch("http://127.0.0.1:8000")
    for key, value in what.items():
        getattr(watch, key).extend(value)
    return [fault.what for fault in watch.faults("p", "v")]


def test_a_request_to_the_site_itself_is_no_fault():
    own = [("image", "http://127.0.0.1:8000/a.png"), ("image", "data:image/png;base64,x")]
    assert watched(requests=own) == []


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "http://127.0.0.1:9000/", "http://localhost:8000/"]
)
def test_a_request_to_another_host_or_port_is_a_fault(url):
    assert watched(requests=[("ping", url)]) == [f"asks another host: ping {url}"]


def test_sockets_failed_answers_console_and_errors_are_faults():
    assert watched(sockets=["ws://x"]) == ["opens the socket ws://x"]
    assert watched(answers=[(404, "http://127.0.0.1:8000/a.js")]) == ["/a.js answers 404"]
    assert watched(console=[("warning", "thin")]) == ["console warning: thin"]
    assert watched(errors=["Error: x"]) == ["script error: Error: x"]


def test_a_missing_file_is_told_once():
    missing = {"answers": [(404, "http://127.0.0.1:8000/a.js")]}
    line = ("error", "Failed to load resource: the server responded with a status of 404")
    assert watched(**missing, console=[line]) == ["/a.js answers 404"]
    assert watched(console=[line]) == [f"console error: {line[1]}"]


def test_the_same_fault_twice_is_told_once():
    assert len(watched(console=[("error", "x"), ("error", "x")])) == 1


def test_plain_log_lines_are_not_kept():
    watch = Watch("o")
    for kind in ("log", "info", "debug", "warning", "error"):
        watch._console(SimpleNamespace(type=kind, text="a  b"))
    assert watch.console == [("warning", "a b"), ("error", "a b")]


def test_the_weight_is_the_sum_of_what_came():
    watch = Watch("o")
    for n, url in enumerate("abc"):
        watch._response(answer(200, url, str(10**n)))
    assert watch.transfer == 111


def test_a_fault_names_page_variant_fault_and_fix():
    assert Fault("a", "dark 390", "is wide", "wrap it").line() == "a [dark 390]: is wide -> wrap it"


# ------------------------------------------------------------------ judgements


def test_a_page_as_wide_as_its_window_is_no_fault_and_one_pixel_more_is():
    fits = {"scroll": 390, "client": 390, "makers": [], "cut": []}
    assert browser.sideways_faults("p", "v", fits) == []
    (fault,) = browser.sideways_faults("p", "v", {**fits, "cut": ["div.figure-frame"]})
    assert fault.what == "cuts div.figure-frame at its cell"
    (fault,) = browser.sideways_faults("p", "v", {**fits, "scroll": 391, "makers": ["table.x"]})
    assert "is 391 px wide in a window of 390 px: table.x" in fault.what


def test_a_violation_keeps_its_rule_place_and_help():
    found = [{"id": "label", "help": "Label it", "count": 2, "where": ["#a", "#b"]}]
    (fault,) = browser.axe_faults("p", "v", found)
    assert fault.what == "axe label on 2 element(s): #a; #b" and fault.fix == "Label it"


@pytest.mark.parametrize(("size", "faults"), [(800 * 1024, 0), (800 * 1024 + 1, 1)])
def test_the_budget_of_a_page_leaves_its_live_figures_out(size, faults):
    sizes = {"http://h/a.html": size, "http://h/_static/live/x.js": 100 * 1024}
    assert len(browser.weight_faults("p", "v", sizes)) == faults


def test_a_live_figure_has_a_budget_for_script_and_data_together():
    sizes = {
        "http://h/_static/live/x.js?v=1": 100 * 1024,
        "http://h/_static/live/x.data.js": 51 * 1024,
        "http://h/_static/live/y.js": 140 * 1024,
    }
    (fault,) = browser.weight_faults("p", "v", sizes)
    assert "live figure x weighs 151 KB" in fault.what


def node(number, role, name="", parent="", children=(), ignored=False):
    return {
        "nodeId": number, "role": {"value": role}, "name": {"value": name}, "parentId": parent,
        "childIds": list(children), "ignored": ignored,
    }  # fmt: skip


def test_only_formulas_with_something_inside_can_be_heard():
    tree = [
        node("1", "MathMLMath", children=["2"]),
        node("2", "MathMLIdentifier", "x", "1"),
        node("3", "MathMLMath"),
        node("4", "MathMLMath", children=["5"], ignored=True),
    ]
    assert browser.spoken(tree) == (1, [])


def test_raw_tex_is_heard_in_text_and_excused_in_code():
    tree = [
        node("1", "paragraph", children=["2"]), node("2", "StaticText", r"so \(x\) is", "1"),
        node("3", "code", children=["4"]), node("4", "StaticText", r"r'\frac'", "3"),
    ]  # fmt: skip
    assert browser.spoken(tree) == (0, [r"so \(x\) is"])


def test_each_way_a_formula_fails_is_told_apart():
    good = {"wanted": 3, "set": 3, "raw": []}
    assert browser.formula_faults("p", good, 3, []) == []
    (unset,) = browser.formula_faults("p", {**good, "set": 2}, 3, [])
    assert "1 of 3 formulas were not set" in unset.what
    (silent,) = browser.formula_faults("p", good, 2, [])
    assert "2 of 3 formulas are in the accessibility tree" in silent.what
    (raw,) = browser.formula_faults("p", {**good, "raw": ["\\(x"]}, 3, ["\\(x"])
    assert "raw TeX" in raw.what


FULL = {"headings": ["A", "B"], "words": 1000, "tables": 2, "pictures": 1, "withoutFallback": []}


@pytest.mark.parametrize(
    ("bare", "said"),
    [
        ({}, None), ({"words": 970}, None), ({"words": 969}, "has 969 words"),
        ({"headings": ["A"]}, "no heading 'B'"), ({"tables": 1}, "shows 1 tables"),
        ({"pictures": 0}, "shows 0 pictures"),
        ({"withoutFallback": ["x"]}, "the live figure x shows nothing"),
    ],
)  # fmt: skip
def test_what_is_lost_without_scripts_is_named(bare, said):
    faults = browser.plain_faults("p", FULL, {**FULL, **bare})
    assert [said in f.what for f in faults] == ([True] if said else [])


def test_paper_gets_the_text_whole_and_no_controls():
    good = {"around": [], "cut": [], "words": 30}
    assert browser.print_faults("p", good) == []
    assert "prints 1 controls" in browser.print_faults("p", {**good, "around": ["nav"]})[0].what
    assert "cuts 1 elements" in browser.print_faults("p", {**good, "cut": ["pre"]})[0].what
    assert "prints 29 words" in browser.print_faults("p", {**good, "words": 29})[0].what


def test_a_check_that_breaks_or_hangs_is_a_fault_and_the_others_go_on(monkeypatch):
    job = browser.Job(None, "o", Path(), "")
    done = []

    async def broken():
        raise PlaywrightError("the tab crashed\nmore")

    async def good():
        done.append(1)

    asyncio.run(browser.work(job, [("a", "v", broken), ("b", "v", good)], 1))
    assert done == [1]
    assert job.faults == [
        Fault("a", "v", "could not be checked: the tab crashed", "open it and look")
    ]


def test_a_tab_that_crashes_is_tried_once_more_and_no_more():
    tries = []

    def crash_until(success: int):
        async def task() -> None:
            tries.append(success)
            if tries.count(success) < success:
                raise PlaywrightError("Page.evaluate: Target crashed")

        return task

    job = browser.Job(None, "o", Path(), "")
    asyncio.run(browser.work(job, [("a", "v", crash_until(2)), ("b", "v", crash_until(3))], 1))
    assert sorted(tries) == [2, 2, 3, 3]
    assert [fault.page for fault in job.faults] == ["b"]


def test_every_page_of_the_contents_is_checked_in_every_variant(tmp_path):
    pages = browser.pages_to_check()
    assert pages[0] == "index" and pages[-1] == "search"
    assert "chapters/01_what_is_a_vector_for" in pages and len(pages) == len(set(pages))
    job = browser.Job(None, "o", tmp_path, "")
    found = {(page, variant) for page, variant, _ in browser.page_tasks(job, pages)}
    variants = {"light 1440", "dark 1440", "light 390", "dark 390", "from disk"}
    assert found == {(page, variant) for page in pages for variant in variants}


def test_the_table_has_a_line_a_page():
    row = browser.Row("a", bytes=2048, live_bytes=1024, requests=7, axe=0, sideways=1)
    lines = browser.show([vars(row)]).splitlines()
    assert lines[1].split() == ["a", "2", "1", "7", "0", "1"]


# ------------------------------------------------------------------ serving


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text("<p>" + "word " * 500, encoding="utf-8")
    (tmp_path / "a.woff2").write_bytes(b"font" * 100)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.js").write_text("x", encoding="utf-8")
    return tmp_path


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=5)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply, body


def test_text_is_sent_compressed_and_fonts_as_they_are(site):
    with serving.serving(site) as server:
        reply, body = ask(server, "/", Accept_Encoding="gzip, br")
        assert reply.headers["Content-Encoding"] == "gzip" and len(body) < 200
        assert gzip.decompress(body) == (site / "index.html").read_bytes()
        assert reply.headers["Content-Length"] == str(len(body))
        reply, body = ask(server, "/a.woff2", Accept_Encoding="gzip")
        assert reply.headers["Content-Encoding"] is None and body == b"font" * 100
        assert reply.headers["Content-Type"] == "font/woff2"


def test_who_does_not_ask_for_gzip_gets_the_plain_file(site):
    with serving.serving(site) as server:
        reply, body = ask(server, "/index.html")
        assert reply.headers["Content-Encoding"] is None
        assert body == (site / "index.html").read_bytes()


def test_a_file_that_has_not_changed_is_not_sent_again(site):
    with serving.serving(site) as server:
        tag = ask(server, "/b/c.js")[0].headers["ETag"]
        reply, body = ask(server, "/b/c.js", If_None_Match=tag)
        assert reply.status == 304 and body == b""
        (site / "b" / "c.js").write_text("changed", encoding="utf-8")
        assert ask(server, "/b/c.js", If_None_Match=tag)[1] == b"changed"


def test_a_head_gets_the_headers_alone(site):
    with serving.serving(site) as server:
        reply, body = ask(server, "/index.html", "HEAD")
        assert reply.status == 200 and int(reply.headers["Content-Length"]) > 2000 and body == b""


@pytest.mark.parametrize(
    "path", ["/gone.html", "/b/", "/../secret.txt", "/%2e%2e/secret.txt", "/%00"]
)
def test_nothing_outside_of_the_site_is_sent(site, path):
    (site.parent / "secret.txt").write_text("secret", encoding="utf-8")
    with serving.serving(site) as server:
        reply, body = ask(server, path)
        assert reply.status == 404 and b"secret" not in body


def test_a_page_is_asked_for_each_time_and_a_versioned_file_is_kept():
    assert serving.lifetime("/a.html?v=1", ".html") == "no-cache"
    assert "immutable" in serving.lifetime("/a.css?v=12", ".css")
    assert "immutable" not in serving.lifetime("/a.css", ".css")


def test_the_server_is_gone_after_the_block(site):
    with serving.serving(site) as server:
        address = server.server_address[:2]
    with pytest.raises(ConnectionError):
        http.client.HTTPConnection(*address, timeout=2).request("GET", "/")


# ------------------------------------------------------------------ live figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.254, "0.25"), (-0.5, "\N{MINUS SIGN}0.50"), (-0.001, "0.00"), (1, "1.00")],
)
def test_numbers_are_written_as_the_figures_write_them(value, text):
    assert live_checks.shown(value) == text
    assert live_checks.near(text, value)


def test_a_number_off_by_one_in_the_last_place_is_not_near():
    assert live_checks.near("0.25", 0.2549) and not live_checks.near("0.25", 0.26)
    assert live_checks.near("0.125", 0.1252, 3) and not live_checks.near("0.125", 0.1262, 3)


def test_the_first_row_that_differs_is_named():
    assert live_checks.differences("x", ["a", "b"], ["a", "b"]) == ""
    said = live_checks.differences("x", ["a", "c"], ["a", "b"])
    assert said == "x, row 2: the page shows 'c', lib computes 'b'"
    assert "shows 1 rows, lib computes 2" in live_checks.differences("x", ["a"], ["a", "b"])


AGREEMENT = [("counts", 0.5, 0.1, 0.9), ("MiniLM", 0.25, None, None)]


@pytest.mark.parametrize(
    ("screen", "said"),
    [
        ([("counts", "0.50 [0.10, 0.90]"), ("MiniLM", "0.25")], ""),
        ([("counts", "0.51 [0.10, 0.90]"), ("MiniLM", "0.25")], "agreement with counts"),
        ([("counts", "0.50 [0.10, 0.80]"), ("MiniLM", "0.25")], "agreement with counts"),
        ([("counts", "0.50"), ("MiniLM", "0.25")], "agreement with counts"),
        ([("MiniLM", "0.25"), ("counts", "0.50 [0.10, 0.90]")], "best first"),
        ([("counts", "0.50 [0.10, 0.90]")], "shows 1 methods"),
        ([("counts", "0.50 [0.10, 0.90]"), ("GloVe", "0.25")], "no method"),
    ],
)
def test_an_agreement_that_is_not_that_of_lib_is_named(screen, said):
    found = live_checks.agreement_differences(screen, AGREEMENT)
    assert said in found if said else found == ""


@pytest.mark.parametrize("variant", ["smooth", "textbook", "sublinear", "unsmoothed"])
def test_the_terms_to_compare_with_are_those_of_tfidf_on_the_whole_collection(variant):
    texts = ["cat cat sat mat", "cat dog", "dog sat sat dog", "bird"]
    model = Tfidf(variant=variant, norm="l2").fit(texts)
    words = sorted(set(texts[0].split()))
    order = [words.index(word) for word in texts[0].split()]
    df = [sum(word in text.split() for text in texts) for word in words]
    passage = {"collection": "c", "words": words, "order": order, "df": df}
    found = live_checks.python_terms(
        {"collections": {"c": {"n": 4}}}, passage, variant, normed=True, least=1
    )
    row = model.transform(texts[:1]).toarray().ravel()
    expected = {word: row[model.vocabulary_.index[word]] for word in words}
    assert dict(found) == pytest.approx(expected)
    assert [value for _, value in found] == sorted(dict(found).values(), reverse=True)


def test_terms_below_the_threshold_are_left_out():
    passage = {"collection": "c", "words": ["a", "b"], "order": [0, 1], "df": [1, 2]}
    data = {"collections": {"c": {"n": 4}}}
    found = live_checks.python_terms(data, passage, "smooth", normed=False, least=2)
    assert found == [("b", pytest.approx(np.log(5 / 3) + 1))]


def test_a_figure_is_looked_for_on_every_page_once(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_static").mkdir()
    for page in ("index", "intro", "chapters/01_x", "_static/y"):
        text = '<figure data-live="pair-judge">' * 2
        (tmp_path / f"{page}.html").write_text(text.replace("><", ">\n<"), encoding="utf-8")
    found = live_checks.places(tmp_path)
    assert {name: sorted(set(pages)) for name, pages in found.items()} == {
        "pair-judge": ["chapters/01_x", "index"]
    }


def test_a_figure_that_is_never_shown_or_never_checked_is_a_fault(tmp_path):
    (tmp_path / "index.html").write_text('<figure data-live="ghost">', encoding="utf-8")
    job = browser.Job(None, "o", tmp_path, "")
    assert live_checks.tasks(job) == []
    said = {fault.variant: fault.what for fault in job.faults}
    assert said.pop("ghost") == "is checked by nothing"
    expected = set(live_checks.CHECKS) - live_checks.COMING
    assert said == dict.fromkeys(expected, "no page shows this live figure")


def test_a_figure_that_came_is_no_longer_listed_as_coming(tmp_path, monkeypatch):
    monkeypatch.setattr(live_checks, "COMING", {"window"})
    (tmp_path / "index.html").write_text('<figure data-live="window">', encoding="utf-8")
    job = browser.Job(None, "o", tmp_path, "")
    live_checks.tasks(job)
    assert any(f.variant == "window" and "listed as coming" in f.what for f in job.faults)


def test_every_live_figure_of_the_book_has_its_check():
    scripts = {path.stem for path in (ROOT / "webassets" / "live").glob("*.js")} - {"live"}
    assert scripts | set(book_live.DRAWN_BY) == set(live_checks.CHECKS)
    assert set(book_live.DRAWN_BY.values()) <= scripts


# ------------------------------------------------------------------ journeys


def test_there_are_five_readers():
    names = {journey.name for journey in journeys.JOURNEYS}
    assert names == {
        "search-engine visitor", "learner", "instructor", "practitioner", "keyboard only",
    }  # fmt: skip


def test_chapters_are_found_in_their_order(tmp_path):
    (tmp_path / "chapters").mkdir()
    for name in ("10_b", "02_a", "index"):
        (tmp_path / "chapters" / f"{name}.html").touch()
    assert journeys.chapters(tmp_path) == ["chapters/02_a.html", "chapters/10_b.html"]


# ------------------------------------------------------------------ Lighthouse

REPORT = {
    "categories": {
        "performance": {
            "score": 0.845,
            "auditRefs": [{"id": "lcp", "weight": 25}, {"id": "tbt", "weight": 30},
                          {"id": "cls", "weight": 25}, {"id": "hint", "weight": 0}],
        },
        "accessibility": {"score": 1}, "best-practices": {"score": 0.96}, "seo": {"score": None},
    },
    "audits": {
        "lcp": {"score": 0.5, "title": "Largest paint", "displayValue": "4 s"},
        "tbt": {"score": 0.2, "title": "Blocking"},
        "cls": {"score": 1, "title": "Shift"},
        "hint": {"score": 0, "title": "A hint"},
    },
}  # fmt: skip


def test_scores_are_read_in_percent_and_a_missing_one_is_nothing():
    scores = lighthouse.scores_of(REPORT)
    assert scores == {"performance": 84, "accessibility": 100, "best-practices": 96, "seo": 0}


def test_what_costs_most_comes_first_and_hints_do_not_count():
    assert lighthouse.slowest(REPORT) == ["Blocking", "Largest paint 4 s"]


@pytest.mark.parametrize(
    ("form", "score", "faults"),
    [("desktop", 95, 0), ("desktop", 94, 1), ("phone", 85, 0), ("phone", 84, 1)],
)
def test_the_floor_of_performance_is_95_on_a_desktop_and_85_on_a_phone(form, score, faults):
    scores = {"performance": score, "accessibility": 0, "best-practices": 0, "seo": 0}
    assert len(lighthouse.faults_of("p", form, scores, ["Blocking"])) == faults


@pytest.mark.parametrize(
    ("runs", "best"), [([96], 96), ([90, 97], 97), ([90, 92, 97], 97), ([90, 94, 80], 94)]
)
def test_a_slow_page_is_measured_again_and_the_best_counts(monkeypatch, runs, best, tmp_path):
    left = iter(runs)

    async def once(*_):
        good = {name: {"score": 1, "auditRefs": []} for name in lighthouse.SCORES}
        good["performance"]["score"] = next(left) / 100
        return {"categories": good, "audits": {}}

    monkeypatch.setattr(lighthouse, "measure_once", once)
    tool = lighthouse.Tool("node", Path("x"), 1)
    scores, _ = asyncio.run(lighthouse.measure(tool, "a", "desktop", tmp_path))
    assert scores["performance"] == best
    assert list(left) == []


def test_a_phone_is_the_default_of_lighthouse_and_nothing_is_reported_home():
    tool = lighthouse.Tool("node", Path("cli.js"), 9)
    phone = lighthouse.command_for(tool, "http://h/", "phone", Path("r"))
    desktop = lighthouse.command_for(tool, "http://h/", "desktop", Path("r"))
    assert "--no-enable-error-reporting" in phone and "--port=9" in phone
    assert [*phone, "--preset=desktop"] == desktop


def test_scores_join_the_table_and_leave_the_rest(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"browser": "1", "pages": [{"page": "a", "bytes": 5}]}), "utf-8")
    lighthouse.merge(path, {"a": {"phone": {"seo": 1}}, "b": {"phone": {"seo": 2}}}, "13")
    lighthouse.merge(path, {"a": {"desktop": {"seo": 3}}}, "13")
    table = json.loads(path.read_text("utf-8"))
    a, b = table["pages"]
    assert a == {
        "page": "a",
        "bytes": 5,
        "lighthouse": {"phone": {"seo": 1}, "desktop": {"seo": 3}},
    }
    assert b["page"] == "b" and table["browser"] == "1" and table["lighthouse"] == "13"


def test_lighthouse_is_pinned_by_hash_and_the_lock_names_no_registry():
    text = (lighthouse.HERE / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert packages["node_modules/lighthouse"]["version"] == lighthouse.pinned()
    assert re.fullmatch(r"\d+\.\d+\.\d+", lighthouse.pinned())
    assert all("integrity" in entry for name, entry in packages.items() if name)
    assert '"resolved"' not in text


def test_without_npm_lighthouse_is_not_run(monkeypatch, tmp_path, capsys):
    (tmp_path / "index.html").touch()
    monkeypatch.setattr(lighthouse.shutil, "which", lambda name: None)
    monkeypatch.setattr(lighthouse, "ROOT", tmp_path)
    monkeypatch.delenv("BOOK_REQUIRE_BROWSER", raising=False)
    assert lighthouse.main(["--site", str(tmp_path)]) == 77
    assert "lighthouse: not run: npm is missing" in capsys.readouterr().out
    monkeypatch.setenv("BOOK_REQUIRE_BROWSER", "1")
    assert lighthouse.main(["--site", str(tmp_path)]) == 1
