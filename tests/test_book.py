"""tools/book.py: the entry point that a bare Python starts."""

import ast
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools import book

ROOT = Path(__file__).resolve().parent.parent


def test_the_entry_point_needs_nothing_but_the_standard_library():
    tree = ast.parse((ROOT / "tools" / "book.py").read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert {n.split(".")[0] for n in names} <= set(sys.stdlib_module_names)


def test_an_old_python_is_refused_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    monkeypatch.setattr(book.platform, "python_version", lambda: "3.10.4")
    assert book.main(["book"]) == 2
    assert "needs Python 3.11 or newer, and this is 3.10.4" in capsys.readouterr().out


def test_the_entry_point_still_compiles_for_an_old_python():
    ast.parse((ROOT / "tools" / "book.py").read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """An environment that looks finished."""
    monkeypatch.setenv("BOOK_VENV", str(tmp_path / "a venv"))
    book.venv_python().parent.mkdir(parents=True)
    book.venv_python().touch()
    book.stamp().write_text(json.dumps(book.wanted_state()), encoding="utf-8")
    return tmp_path


def test_a_finished_set_up_is_not_done_again(finished):
    assert book.is_ready()


@pytest.mark.parametrize("key", ["requirements", "root"])
def test_a_changed_lock_or_a_moved_book_asks_for_set_up(finished, key):
    state = {**book.wanted_state(), key: "another"}
    book.stamp().write_text(json.dumps(state), encoding="utf-8")
    assert not book.is_ready()


def test_another_python_that_starts_the_script_does_not_ask_for_set_up(finished):
    state = {**book.wanted_state(), "python": "3.13.9"}
    book.stamp().write_text(json.dumps(state), encoding="utf-8")
    assert book.is_ready()


@pytest.mark.parametrize("left", ["", "{", "[]", "{}"])
def test_an_interrupted_set_up_is_not_taken_for_done(finished, left):
    book.stamp().write_text(left, encoding="utf-8")
    assert not book.is_ready()


def test_a_missing_interpreter_asks_for_set_up(finished):
    book.venv_python().unlink()
    assert not book.is_ready()


def test_a_folder_that_the_book_did_not_make_is_never_deleted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BOOK_VENV", str(tmp_path / "mine"))
    book.venv_python().parent.mkdir(parents=True)
    book.venv_python().write_text("not a program", encoding="utf-8")
    thesis = tmp_path / "mine" / "thesis.tex"
    thesis.write_text("years of work", encoding="utf-8")
    monkeypatch.setattr(book, "is_ready", lambda: False)
    assert book.main(["setup"]) == 1
    assert "let BOOK_VENV name an empty folder" in capsys.readouterr().out
    assert thesis.read_text(encoding="utf-8") == "years of work"


def test_a_broken_environment_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_VENV", str(tmp_path / "broken"))
    book.venv_python().parent.mkdir(parents=True)
    book.marker().write_text("made by the book", encoding="utf-8")
    book.venv_python().write_text("not a program", encoding="utf-8")
    if not sys.platform.startswith("win"):
        book.venv_python().chmod(0o755)
    made = []
    monkeypatch.setattr(book.venv.EnvBuilder, "create", lambda self, where: made.append(where))
    book.make_venv()
    assert made == [tmp_path / "broken"]
    assert not book.venv_python().exists()


def test_two_set_ups_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "ROOT", tmp_path)
    order = []

    def second():
        with book.only_one():
            order.append("second")

    with book.only_one():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_who_waits_for_another_set_up_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book, "ROOT", tmp_path)
    answers = iter([False, False, True])
    monkeypatch.setattr(book, "try_lock", lambda lock: next(answers))
    monkeypatch.setattr(book.time, "sleep", lambda seconds: None)
    with book.only_one():
        pass
    assert capsys.readouterr().out.count("another set-up is at work") == 1


def test_the_doctor_reports_without_setting_anything_up(monkeypatch):
    def forbidden(options):
        raise AssertionError("the doctor must not set anything up")

    seen = []
    done = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(book, "setup", forbidden)
    monkeypatch.setattr(book.subprocess, "run", lambda args, **kw: seen.append(args) or done)
    assert book.main(["doctor"]) == 0
    assert seen[0][1:] == ["-m", "tools.doctor"]


def test_a_taken_port_names_the_next_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(book, "ROOT", tmp_path)
    (tmp_path / "_build/html").mkdir(parents=True)
    (tmp_path / "_build/html/index.html").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert book.main(["serve", "--port", str(port)]) == 1
    assert f"--port {port + 1}" in capsys.readouterr().out


def test_a_complaint_of_the_operating_system_is_one_line(monkeypatch, capsys):
    def full(options):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setitem(book.COMMANDS, "setup", (full, ""))
    assert book.main(["setup"]) == 1
    assert capsys.readouterr().out == "error: No space left on device: somewhere\n"


def test_a_failed_step_gives_its_sentence_and_a_failing_status(monkeypatch, capsys):
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", lambda *args, **env: 3)
    assert book.main(["book"]) == 1
    assert "error: The site was not built" in capsys.readouterr().out


def test_every_stage_runs_and_one_failure_fails_the_whole(monkeypatch, capsys):
    seen = []

    def call(*args, **env):
        seen.append(args)
        return int("worksteal" in args)

    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", call)
    assert book.main(["test"]) == 1
    out = capsys.readouterr().out
    assert len(seen) == sum(map(len, book.STAGES.values()))
    assert f"stages: {len(book.STAGES)} passed, 1 failed" in out
    assert "unit       FAILED" in out


def test_when_all_stages_pass_the_status_is_zero(monkeypatch, capsys):
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", lambda *args, **env: 0)
    assert book.main(["test"]) == 0
    assert f"stages: {len(book.STAGES) + 1} passed, 0 failed" in capsys.readouterr().out


def without_browser(*args, **env):
    return book.NOT_RUN if "tools.browser" in args else 0


def test_a_stage_without_its_browser_is_not_run_and_never_passed(monkeypatch, capsys):
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", without_browser)
    assert book.main(["test"]) == 0
    out = capsys.readouterr().out
    assert "browser    not run" in out
    assert "not run: 1 stage (browser): no Chromium found; install" in out
    assert out.rstrip().endswith(f"stages: {len(book.STAGES)} passed, 0 failed, 1 not run")


def test_a_stage_that_failed_is_not_excused_by_a_part_that_was_not_run(monkeypatch):
    codes = iter([1, book.NOT_RUN, 0])
    monkeypatch.setitem(book.STAGES, "mixed", [["a"], ["b"], ["c"]])
    monkeypatch.setattr(book, "call", lambda *args, **env: next(codes))
    assert book.run_stage("mixed") == "FAILED"


def test_what_needs_the_browser_is_not_tried_without_it(monkeypatch):
    seen = []
    monkeypatch.setattr(
        book, "call", lambda *args, **env: seen.append(args) or without_browser(*args)
    )
    assert book.run_stage("browser") == "not run"
    assert len(seen) == 1 < len(book.STAGES["browser"])


def test_the_browser_is_the_last_stage_and_its_status_the_agreed_one():
    from tools import browser

    assert list(book.STAGES)[-1] == "browser"
    assert list(book.STAGES).index("site") < list(book.STAGES).index("browser")
    assert browser.NOT_RUN == book.NOT_RUN


def test_the_unit_stage_does_not_collect_the_browser_tests():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/browser"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert "no tests" in done.stdout


@pytest.mark.parametrize(("arguments", "parts"), [([], 1 + len(book.SLOW)), (["text"], 1)])
def test_the_audit_adds_what_is_slow_unless_modules_are_named(monkeypatch, arguments, parts):
    seen = []
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", lambda *args, **env: bool(seen.append(args)))
    assert book.main(["audit", *arguments]) == 0
    assert len(seen) == parts and seen[0] == ("-m", "tools.audit", *arguments)


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 1), (book.NOT_RUN, 0)])
def test_a_slow_check_that_fails_fails_the_audit(monkeypatch, capsys, code, status):
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(
        book, "call", lambda *args, **env: code if "tools.lighthouse" in args else 0
    )
    assert book.main(["audit"]) == status
    said = f"not run: 1 of {1 + len(book.SLOW)} parts of the audit" in capsys.readouterr().out
    assert said == (code == book.NOT_RUN)


def test_continuous_integration_requires_the_browser_and_runs_the_readme_command():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "bash .ci/chromium" in script and "export BOOK_REQUIRE_BROWSER=1" in script
    assert script.rstrip().endswith("exec make test")
    for name in ("test", "nightly"):
        workflow = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
        assert "bash .ci/chromium" in workflow and "BOOK_REQUIRE_BROWSER" in workflow


def test_an_unknown_stage_names_the_known_ones(monkeypatch, capsys):
    monkeypatch.setattr(book, "setup", lambda options: None)
    assert book.main(["test", "--only", "spelling"]) == 1
    assert "no stage 'spelling'; the stages are static, unit" in capsys.readouterr().out


def test_an_interrupt_says_how_to_go_on(monkeypatch, capsys):
    def stop(options):
        raise KeyboardInterrupt

    monkeypatch.setitem(book.COMMANDS, "setup", (stop, ""))
    assert book.main(["setup"]) == 130
    assert "run the same command again" in capsys.readouterr().out


def test_flags_reach_the_tool_behind_a_command(monkeypatch):
    seen = []
    monkeypatch.setattr(book, "setup", lambda options: None)
    monkeypatch.setattr(book, "call", lambda *args, **env: bool(seen.append(args)))
    assert book.main(["run", "01", "--all"]) == 0
    assert seen == [("-m", "tools.notebooks", "run", "01", "--all")]


def test_an_unknown_flag_of_our_own_is_refused():
    with pytest.raises(SystemExit):
        book.main(["book", "--fast"])


@pytest.mark.parametrize(
    ("requires", "warned"), [(["nvidia-cublas==13"], True), (["sympy>=1.13"], False)]
)
def test_a_torch_with_cuda_is_announced_before_it_is_fetched(
    tmp_path, monkeypatch, capsys, requires, warned
):
    monkeypatch.setenv("BOOK_VENV", str(tmp_path))
    monkeypatch.setattr(book.sys, "platform", "linux")
    monkeypatch.setattr(book, "installed_version", lambda name: "")

    def call(*args, **env):
        report = {"install": [{"metadata": {"requires_dist": requires}}]}
        Path(args[args.index("--report") + 1]).write_text(json.dumps(report), encoding="utf-8")
        return 0

    monkeypatch.setattr(book, "call", call)
    book.install_torch(None)
    assert ("only the CUDA build" in capsys.readouterr().out) == warned


def test_an_index_for_torch_is_used_for_torch_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(book, "call", lambda *args, **env: bool(seen.append(args)))
    book.install_torch("https://example.org/cpu")
    (args,) = seen
    assert args[args.index("--index-url") + 1] == "https://example.org/cpu"
    assert "--no-deps" in args
    assert args[-1] == book.torch_pin()


def test_the_makefile_offers_every_command():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(text.split(".PHONY:")[1].splitlines()[0].split())
    assert targets == set(book.COMMANDS)


def test_help_names_every_command():
    script = str(ROOT / "tools" / "book.py")
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    named = re.findall(r"^ {4}(\S+)", done.stdout, re.MULTILINE)
    assert set(named) == set(book.COMMANDS)
