"""The smaller tools: doctor, bench, audit, links, lock, status."""

import ast
import json
import re
import urllib.error
from pathlib import Path

import pytest

from tools import audit, bench, doctor, links, lock, status

ROOT = Path(__file__).resolve().parent.parent

# ------------------------------------------------------------------ doctor


def test_this_machine_is_found_fit():
    assert [f.line() for f in doctor.report() if not f.good] == []


def test_an_old_python_gets_a_fix():
    finding = doctor.check_python((3, 10, 1))
    assert not finding.good
    assert finding.line().startswith("FIX python") and "3.11 or newer" in finding.line()


def test_a_newer_python_is_fit_but_not_the_reference():
    finding = doctor.check_python((3, 13, 0))
    assert finding.good and "stored outputs come from 3.11" in finding.found


def test_a_wrong_and_a_missing_package_are_named():
    finding = doctor.check_packages({"numpy": "1.0", "no-such-package": "2"})
    assert not finding.good and finding.found == "0 of 2 as locked"
    assert "numpy" in finding.fix and "instead of 1.0" in finding.fix
    assert "no-such-package missing instead of 2" in finding.fix


def test_a_build_suffix_is_no_difference(monkeypatch):
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "2.13.0+cpu")
    assert doctor.check_packages({"torch": "2.13.0"}).good


def test_the_lock_pins_what_the_stored_outputs_depend_on():
    pins = doctor.locked()
    for name in ("numpy", "torch", "transformers", "gensim", "scikit-learn", "matplotlib", "nbval"):
        assert re.fullmatch(r"\d+(\.\d+)+", pins[name]), name
    assert pins["jupyter-book"].startswith("1.")


def test_a_damaged_set_is_named(monkeypatch):
    found = {"r8": "ok", "minilm": "the checksum of model.safetensors differs"}
    monkeypatch.setattr("lib.data.verify", lambda: found)
    finding = doctor.check_data()
    assert not finding.good
    assert "minilm: the checksum of model.safetensors differs" in finding.fix
    assert finding.found.startswith("1 of 2 sets and models"), "only what is fetched is counted"


def test_a_full_disk_gets_a_fix(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda p: type("U", (), {"free": 2**28})())
    assert not doctor.check_disk().good


# ------------------------------------------------------------------ bench

ENTRY = {
    **{"name": "a", "ours": 1.0, "peer": 2.0},
    **{"peer_name": "b", "ratio": 2.0, "unit": "s", "scores": {}},
}


def test_a_benchmark_entry_has_the_agreed_fields():
    assert bench.check_entry(ENTRY) == ENTRY
    with pytest.raises(ValueError, match="missing or unknown: \\['unit'\\]"):
        bench.check_entry({k: v for k, v in ENTRY.items() if k != "unit"})
    with pytest.raises(ValueError, match="the ratio is 0"):
        bench.check_entry({**ENTRY, "ratio": 0})


def test_an_unknown_benchmark_is_named():
    with pytest.raises(ValueError, match=r"bench_nothing.*there are"):
        bench.collect(["nothing"])


# ------------------------------------------------------------------ audit


def test_a_mutation_must_match_once():
    m = audit.Mutation("lib/x.py", "+", "-", "sign")
    assert m.apply("a + b") == "a - b"
    with pytest.raises(ValueError, match="stands there 2 times, not once"):
        m.apply("a + b + c")
    with pytest.raises(ValueError, match="0 times"):
        m.apply("a * b")


def test_a_mutation_is_judged_by_the_tests_of_its_module():
    assert audit.Mutation("lib/counts.py", "", "", "").suites() == ["tests/test_counts.py"]
    assert audit.Mutation("lib/_fetch.py", "", "", "", ("tests/t.py",)).suites() == ["tests/t.py"]


def test_an_emptied_module_returns_zero_everywhere():
    space: dict = {}
    code = "class A:\n    def f(self):\n        return 2\ndef g(x):\n    return lambda: 1"
    exec(audit.emptied(code), space)
    assert space["A"]().f() == 0 and space["g"](1) == 0


def test_an_audit_of_some_modules_empties_only_those():
    assert [m.file for m in audit.emptied_modules(["text", "counts"])] == [
        "lib/counts.py",
        "lib/text.py",
    ]
    assert len(audit.emptied_modules()) > 2


def test_every_planted_error_still_fits_the_code():
    mutations = audit.load_mutations(ROOT / "tests" / "mutations.toml")
    assert len(mutations) >= 60
    for m in mutations:
        source = (ROOT / m.file).read_text(encoding="utf-8")
        ast.parse(m.apply(source))
        assert m.find != m.replace
        assert all((ROOT / suite).exists() for suite in m.suites())


def test_every_module_of_lib_has_a_suite_that_must_notice_when_it_is_emptied():
    missing = [s for m in audit.emptied_modules() for s in m.suites() if not (ROOT / s).exists()]
    assert missing == []


def test_the_planted_errors_cover_every_module_of_lib_but_the_data_layer():
    files = {m.file for m in audit.load_mutations(ROOT / "tests" / "mutations.toml")}
    modules = {f"lib/{p.name}" for p in (ROOT / "lib").glob("[a-z]*.py")} - {"lib/data.py"}
    assert modules <= files


# ------------------------------------------------------------------ links


def test_outside_links_are_collected_with_their_files(tmp_path):
    (tmp_path / "a.md").write_text("[x](https://example.org/a). http://127.0.0.1:8000", "utf-8")
    (tmp_path / "b.md").write_text("<https://example.org/a>", "utf-8")
    assert links.outside_links(tmp_path) == {"https://example.org/a": ["a.md", "b.md"]}


def test_a_dead_link_is_told_from_one_that_refuses_robots(monkeypatch):
    def answer(code):
        def opened(request, timeout):
            raise urllib.error.HTTPError("u", code, "", {}, None)

        return opened

    monkeypatch.setattr(links.urllib.request, "urlopen", answer(404))
    assert links.problem("https://example.org") == "answers 404"
    monkeypatch.setattr(links.urllib.request, "urlopen", answer(403))
    assert links.problem("https://example.org") is None


def test_a_host_that_does_not_answer_is_a_dead_link(monkeypatch):
    def refuse(request, timeout):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(links.urllib.request, "urlopen", refuse)
    assert "does not answer" in links.problem("https://example.org")


# ------------------------------------------------------------------ lock


def test_the_lock_was_made_from_the_requirements_as_they_are():
    wanted = [w.split("#")[0].strip() for w in (ROOT / "requirements.in").read_text().splitlines()]
    names = {re.split(r"[=<>~]", w)[0].lower() for w in wanted if w}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    locked = {line.split("==")[0].strip() for line in text.splitlines() if "==" in line}
    assert names - locked == set()
    assert text.startswith(lock.HEADER)
    assert text.endswith(lock.TORCH + "\n")


def test_the_lock_brings_no_cuda():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(r"^(nvidia|cuda|triton)", text, re.M)


def test_locking_without_uv_says_what_to_do(monkeypatch):
    monkeypatch.setattr(lock.shutil, "which", lambda name, path: None)
    with pytest.raises(RuntimeError, match="pip install uv"):
        lock.lock(ROOT)


# ------------------------------------------------------------------ status


def test_status_lists_every_chapter_and_every_statement():
    state = json.loads(json.dumps(status.status()))
    assert [c["number"] for c in state["claims"]] == list(range(1, 43))
    assert len(state["chapters"]) == len(list((ROOT / "chapters").glob("*.ipynb")))
    for chapter in state["chapters"]:
        assert chapter["seconds"] > 0 and chapter["peak_mib"] > 0 and chapter["cells"] > 0
        assert chapter["stale"] is False
    assert state["versions"]["torch"].startswith("2.13.0")
    assert {a["path"] for a in state["artefacts"]} >= {
        f"chapters/{c['chapter']}.ipynb" for c in state["chapters"]
    }
    assert state["mutations"]["share"] >= audit.REQUIRED
