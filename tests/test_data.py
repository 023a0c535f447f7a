"""lib.data: the bytes are the right ones, or one clear sentence says what to do about it."""

from __future__ import annotations

import bz2
import contextlib
import errno
import hashlib
import http.client
import http.server
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import zipfile
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from lib import _fetch, data
from lib._fetch import DATA, Refused, Source, Store, read_manifest
from lib.data import DataError

ROOT = Path(__file__).resolve().parent.parent
BOOKS = {"a.tab": b"alpha\n" * 500, "deep/er/b.bin": bytes(range(256)) * 40}
SONGS = {"song.txt": b"la la la\n"}


# A small world: one wheel with two sets, an origin that stands in for pip -----------------------


def wheel_bytes(*, without: str = "", spoil: str = "") -> bytes:
    """A wheel of the two sets, with a bystander that nobody wants."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("tiny/__init__.py", "raise RuntimeError('data wheels are never imported')")
        for root, members in (("tiny/books/", BOOKS), ("tiny/", SONGS)):
            for file, content in members.items():
                if file != without:
                    archive.writestr(root + file, content[::-1] if file == spoil else content)
    return out.getvalue()


def write_manifest(folder: Path, hub: str = "") -> None:
    def facts(members):
        return {
            file: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for file, content in members.items()
        }

    sets = {
        "books": {"source": "tiny", "root": "tiny/books/", "members": facts(BOOKS)},
        "songs": {"source": "tiny", "root": "tiny/", "members": facts(SONGS)},
    }
    if hub:
        sets["books"]["hub"] = hub
    sources = {"tiny": {"wheel": "tiny-1.0-py3-none-any.whl", "size": len(wheel_bytes())}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "members.json").write_text(json.dumps({"sources": sources, "sets": sets}), "utf-8")
    (folder / "sources.txt").write_text("# ours\ntiny==1.0 --hash=sha256:00\n", "utf-8")


class FakePip:
    """Delivers `content` as the wheel, counts its calls, or refuses."""

    def __init__(self, content: bytes | None = None, refuse: str = ""):
        self.content = wheel_bytes() if content is None else content
        self.refuse = refuse
        self.calls: list[Source] = []

    def __call__(self, source, workshop, bar):
        self.calls.append(source)
        if self.refuse:
            raise Refused(self.refuse)
        (workshop / source.wheel).write_bytes(self.content)
        return workshop / source.wheel


@pytest.fixture
def store(tmp_path):
    write_manifest(tmp_path / "with space" / "data")
    folder = tmp_path / "with space" / "data"
    return Store(read_manifest(folder), folder / "cache", pip=FakePip(), patience=20.0)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the lock files left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if ".locks" not in path.parts
    }


WHOLE = {
    "books/a.tab": BOOKS["a.tab"],
    "books/deep/er/b.bin": BOOKS["deep/er/b.bin"],
    "songs/song.txt": SONGS["song.txt"],
}


def one_sentence(caught) -> str:
    """The message, if it is one sentence without a line break."""
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    assert not re.search(r"\. [A-Z]", message), message
    return message


# Fetching ---------------------------------------------------------------------------------------


def test_the_first_read_fetches_and_the_second_touches_no_origin(store):
    assert store.read("books") == BOOKS
    assert store.read("books") == BOOKS
    assert len(store.pip.calls) == 1
    assert store.pip.calls[0] == Source(
        "tiny",
        "tiny-1.0-py3-none-any.whl",
        len(wheel_bytes()),
        "tiny==1.0 --hash=sha256:00",
    )


def test_only_the_members_asked_for_are_unpacked_and_the_wheel_is_deleted(store):
    store.fetch(["songs"])
    assert snapshot(store.cache) == {"songs/song.txt": SONGS["song.txt"]}


def test_two_sets_of_one_wheel_cost_one_download(store):
    store.fetch(["books", "songs"])
    assert snapshot(store.cache) == WHOLE
    assert len(store.pip.calls) == 1


def test_a_folder_of_files_keeps_its_relative_paths(store):
    folder = store.folder("books")
    assert folder == store.cache / "books"
    assert (folder / "deep" / "er" / "b.bin").read_bytes() == BOOKS["deep/er/b.bin"]


def test_fetch_and_verify_name_every_set(store):
    assert data.verify(store=store) == {"books": "a.tab is missing", "songs": "song.txt is missing"}
    data.fetch(progress=False, store=store)
    assert data.verify(store=store) == {"books": "ok", "songs": "ok"}
    (store.cache / "songs" / "song.txt").write_bytes(b"la la lo\n")
    assert data.verify(store=store) == {"books": "ok", "songs": "song.txt is damaged"}
    assert (store.cache / "songs" / "song.txt").read_bytes() == b"la la lo\n"  # verify only looks


def test_progress_is_shown_only_when_asked_for(store, capsys):
    store.fetch(["songs"])
    assert capsys.readouterr() == ("", "")
    store.fetch(["books"], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "tiny: 100%" in err


# Damage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1234, -1])
def test_one_flipped_bit_in_the_cache_is_found_and_the_file_fetched_again(store, place):
    store.fetch(["books"])
    path = store.cache / "books" / "a.tab"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))
    assert store.read("books") == BOOKS
    assert path.read_bytes() == BOOKS["a.tab"]
    assert len(store.pip.calls) == 2


def test_a_flipped_bit_is_found_in_a_model_folder_too(store):
    path = store.folder("books") / "deep" / "er" / "b.bin"
    path.write_bytes(b"\x01" + path.read_bytes()[1:])
    store.folder("books")
    assert path.read_bytes() == BOOKS["deep/er/b.bin"]


def test_damage_without_any_origin_removes_the_file_and_says_so(store):
    store.fetch(["books"])
    path = store.cache / "books" / "a.tab"
    path.write_bytes(b"Alpha\n" * 500)
    with pytest.raises(DataError) as caught:
        replace(store, offline=True).read("books")
    message = one_sentence(caught)
    assert "a.tab had a wrong checksum and was removed" in message
    assert "unset BOOK_OFFLINE" in message
    assert not path.exists()
    assert (store.cache / "books" / "deep" / "er" / "b.bin").exists()  # the others stay
    assert store.read("books") == BOOKS  # the next run recovers


def test_a_member_that_is_wrong_in_the_wheel_never_reaches_the_cache(store):
    wrong = replace(store, pip=FakePip(wheel_bytes(spoil="song.txt")))
    with pytest.raises(DataError, match=r"song\.txt has a wrong checksum"):
        wrong.read("songs")
    assert snapshot(store.cache) == {}
    assert store.read("songs") == SONGS


def test_a_wheel_that_lacks_a_member_is_refused(store):
    wrong = replace(store, pip=FakePip(wheel_bytes(without="song.txt")))
    with pytest.raises(DataError, match="truncated or damaged"):
        wrong.read("songs")


def test_a_set_that_is_damaged_again_while_being_read_is_reported(store, monkeypatch):
    monkeypatch.setattr(Store, "bytes_of", lambda self, member: None)
    with pytest.raises(DataError) as caught:
        store.read("songs")
    assert "run it again" in one_sentence(caught)


# The reader's mirror ----------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def test_a_mirror_of_wheels_serves_without_a_network(store, mirror):
    (mirror / "tiny-1.0-py3-none-any.whl").write_bytes(wheel_bytes())
    offline = replace(store, mirror=mirror, offline=True)
    offline.fetch(["books", "songs"])
    assert snapshot(store.cache) == WHOLE
    assert store.pip.calls == []


@pytest.mark.parametrize("place", ["song.txt", "songs/song.txt"])
def test_a_mirror_of_members_serves_by_file_name_and_by_path(store, mirror, place):
    (mirror / place).parent.mkdir(exist_ok=True)
    (mirror / place).write_bytes(SONGS["song.txt"])
    assert replace(store, mirror=mirror, offline=True).read("songs") == SONGS


def test_another_cache_can_be_the_mirror(store, tmp_path):
    store.fetch(["books", "songs"])
    second = replace(store, cache=tmp_path / "second", mirror=store.cache, offline=True)
    second.fetch(["books", "songs"])
    assert snapshot(second.cache) == WHOLE


def test_the_mirror_comes_before_pip_and_pip_fills_what_it_lacks(store, mirror):
    (mirror / "a.tab").write_bytes(BOOKS["a.tab"])
    with_mirror = replace(store, mirror=mirror)
    assert with_mirror.read("books") == BOOKS
    assert len(store.pip.calls) == 1
    (mirror / "b.bin").write_bytes(BOOKS["deep/er/b.bin"])
    assert replace(with_mirror, cache=store.cache / "x").read("books") == BOOKS
    assert len(store.pip.calls) == 1


@pytest.mark.parametrize("keep", [0, 100, 9000, len(wheel_bytes()) - 1])
def test_a_truncated_wheel_in_the_mirror_is_named_and_a_whole_one_recovers(store, mirror, keep):
    wheel = mirror / "tiny-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel_bytes()[:keep])
    offline = replace(store, mirror=mirror, offline=True)
    with pytest.raises(DataError) as caught:
        offline.read("books")
    message = one_sentence(caught)
    assert "in BOOK_MIRROR, tiny-1.0-py3-none-any.whl is truncated or damaged" in message
    assert snapshot(store.cache) == {}
    wheel.write_bytes(wheel_bytes())
    assert offline.read("books") == BOOKS


def test_no_damage_to_the_directory_of_a_wheel_gets_past_the_checksums(store, mirror):
    content = wheel_bytes()
    begin = content.index(b"PK\x01\x02")  # the directory, which is read first, stands at the end
    offline = replace(store, mirror=mirror, offline=True)
    outcomes = Counter()
    for place in range(begin, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 129
        (mirror / "tiny-1.0-py3-none-any.whl").write_bytes(bytes(damaged))
        for file in ("a.tab", "deep/er/b.bin"):
            (store.cache / "books" / file).unlink(missing_ok=True)
        try:
            assert offline.read("books") == BOOKS
            outcomes["whole"] += 1
        except DataError as error:
            assert "tiny-1.0-py3-none-any.whl is truncated or damaged" in str(error)
            outcomes["refused"] += 1
    assert min(outcomes["whole"], outcomes["refused"]) > 100


def test_flipped_bytes_inside_a_wheel_of_the_mirror_are_found(store, mirror):
    content = wheel_bytes().replace(b"la la la", b"la lu la")
    (mirror / "tiny-1.0-py3-none-any.whl").write_bytes(content)
    with pytest.raises(DataError, match="truncated or damaged"):
        replace(store, mirror=mirror, offline=True).read("songs")
    assert replace(store, mirror=mirror).read("songs") == SONGS  # pip makes it good


def test_a_wrong_member_in_the_mirror_is_named_and_never_used(store, mirror):
    (mirror / "song.txt").write_bytes(b"la la lo\n")
    with pytest.raises(DataError) as caught:
        replace(store, mirror=mirror, offline=True).read("songs")
    assert f"{mirror / 'song.txt'} in BOOK_MIRROR has a wrong checksum" in one_sentence(caught)
    assert snapshot(store.cache) == {}


def test_a_mirror_that_holds_nothing_is_named(store, mirror):
    with pytest.raises(DataError) as caught:
        replace(store, mirror=mirror, offline=True).read("songs")
    message = one_sentence(caught)
    assert f"BOOK_MIRROR ({mirror}) does not hold tiny-1.0-py3-none-any.whl" in message


# No network -------------------------------------------------------------------------------------


def test_without_a_network_one_sentence_says_what_to_do_and_the_next_run_recovers(store):
    cut_off = replace(store, pip=FakePip(refuse="pip found no network"))
    with pytest.raises(DataError) as caught:
        cut_off.fetch(["books", "songs"])
    assert one_sentence(caught) == (
        "books, songs could not be fetched (pip found no network): go online and run it "
        "again, or set BOOK_MIRROR to a folder that holds tiny-1.0-py3-none-any.whl."
    )
    assert snapshot(store.cache) == {}
    store.fetch(["books", "songs"])
    assert snapshot(store.cache) == WHOLE


def test_offline_never_calls_pip_or_the_hub(store, monkeypatch):
    monkeypatch.setattr(_fetch.urllib.request, "urlopen", lambda *a, **k: pytest.fail("network"))
    with pytest.raises(DataError) as caught:
        replace(store, offline=True, hub=True).read("songs")
    assert one_sentence(caught) == (
        "songs could not be fetched (BOOK_OFFLINE forbids the network): unset BOOK_OFFLINE and run "
        "it again, or set BOOK_MIRROR to a folder that holds tiny-1.0-py3-none-any.whl."
    )
    assert store.pip.calls == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("/usr/bin/python: No module named pip\n", "ensurepip"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE\n", "another file than the pin"),
        ("WARNING: Retrying (Retry(total=4))\nERROR: No matching distribution", "no network"),
        ("ERROR: Read timed out.\n", "no network"),
        ("noise\nERROR: first\nERROR: the last one.\n", "pip said 'the last one'"),
        ("", "pip said 'nothing'"),
    ],
)
def test_what_pip_complains_about_becomes_a_few_words(store, log, reason):
    assert reason in _fetch._why_pip_failed(store.sets["songs"].source, log)


def test_pip_itself_downloads_a_pinned_wheel_and_nothing_else(tmp_path, monkeypatch):
    """The real pip, pointed at a folder instead of an index."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    content = real_wheel()
    (shelf / "tiny-1.0-py3-none-any.whl").write_bytes(content)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    digest = hashlib.sha256(content).hexdigest()
    source = Source("tiny", "tiny-1.0-py3-none-any.whl", 1, f"tiny==1.0 --hash=sha256:{digest}")
    workshop = tmp_path / "work shop"
    workshop.mkdir()
    with _fetch.tqdm(total=source.size, disable=True) as bar:
        wheel = _fetch.pip_download(source, workshop, bar)
        assert wheel == workshop / "tiny-1.0-py3-none-any.whl"
        assert wheel.read_bytes() == content
        wheel.unlink()
        other = replace(source, requirement=f"tiny==1.0 --hash=sha256:{'0' * 64}")
        with pytest.raises(Refused, match="another file than the pinned"):
            _fetch.pip_download(other, workshop, bar)
        missing = replace(source, requirement=f"tinier==1.0 --hash=sha256:{digest}")
        with pytest.raises(Refused, match=r"tinier==1\.0"):
            _fetch.pip_download(missing, workshop, bar)


def test_watching_a_process_moves_the_bar_and_keeps_what_it_said(tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "CHUNK", 100)
    script = "import sys, time; open('big', 'wb').write(bytes(5000)); print('x' * 200000); "
    script += "sys.stdout.flush(); time.sleep(0.6); open('big', 'wb').write(bytes(3000)); "
    script += "print('done', file=sys.stderr)"
    with (
        _fetch.tqdm(total=4000, file=io.StringIO()) as bar,
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        ) as process,
    ):
        said = _fetch._watch(process, tmp_path, bar)
        assert bar.n == 4000  # never beyond the total, never back
    assert (len(said.split()[0]), said.split()[1]) == (200000, b"done")


def test_a_process_that_is_watched_ends_when_the_reader_interrupts(tmp_path, monkeypatch):
    def interrupt(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(_fetch, "_largest_file", interrupt)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        _fetch.tqdm(total=1, disable=True) as bar,
        subprocess.Popen(sleeper, stdout=subprocess.PIPE) as process,
        pytest.raises(KeyboardInterrupt),
    ):
        _fetch._watch(process, tmp_path, bar)
    assert process.returncode not in (0, None)


def test_the_largest_file_counts_wherever_it_lies(tmp_path):
    assert _fetch._largest_file(tmp_path) == 0
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(bytes(30))
    (tmp_path / "b").write_bytes(bytes(20))
    assert _fetch._largest_file(tmp_path) == 30
    assert _fetch._largest_file(tmp_path / "vanished") == 0


def real_wheel() -> bytes:
    """A wheel that pip accepts, whose requirements cannot be met."""
    meta = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Dist: nowhere-to-be-found\n"
    tags = "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("tiny/song.txt", SONGS["song.txt"])
        archive.writestr("tiny-1.0.dist-info/METADATA", meta)
        archive.writestr("tiny-1.0.dist-info/WHEEL", tags)
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return out.getvalue()


# The model hub ----------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path):
    """A web server on this machine that stands in for the hub at one revision."""
    served: dict[str, bytes] = {f"/pinned/{file}": content for file, content in BOOKS.items()}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = served.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder = tmp_path / "data"
        write_manifest(folder, hub=f"http://127.0.0.1:{server.server_port}/pinned/")
        store = Store(read_manifest(folder), folder / "cache", pip=FakePip())
        yield store, served, asked
        server.shutdown()


def test_the_hub_is_not_asked_while_pip_serves(hub):
    store, _, asked = hub
    assert store.read("books") == BOOKS
    assert asked == []


def test_the_hub_serves_first_when_the_reader_wants_it(hub):
    store, _, asked = hub
    assert replace(store, hub=True).read("books") == BOOKS
    assert asked == ["/pinned/a.tab", "/pinned/deep/er/b.bin"]
    assert store.pip.calls == []


def test_the_hub_serves_when_pip_fails(hub):
    store, _, asked = hub
    assert replace(store, pip=FakePip(refuse="no index")).read("books") == BOOKS
    assert len(asked) == 2


def test_another_revision_of_the_same_name_is_refused(hub):
    store, served, _ = hub
    served["/pinned/a.tab"] = BOOKS["a.tab"].upper()
    with pytest.raises(DataError, match=r"no index; a\.tab has a wrong checksum"):
        replace(store, pip=FakePip(refuse="no index")).read("books")
    assert replace(store, hub=True).read("books") == BOOKS  # pip makes it good


def test_a_silent_hub_is_one_more_reason_in_the_sentence(hub):
    store, served, _ = hub
    served.clear()
    with pytest.raises(DataError) as caught:
        replace(store, pip=FakePip(refuse="no index")).read("books")
    assert "no index; the model hub does not answer (HTTP Error 404" in one_sentence(caught)


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("refused"), http.client.IncompleteRead(b"")]
)
def test_every_way_in_which_a_connection_breaks_is_caught(hub, monkeypatch, error):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(_fetch.urllib.request, "urlopen", broken)
    with pytest.raises(DataError, match="the model hub does not answer"):
        replace(hub[0], pip=FakePip(refuse="no index")).read("books")


def test_a_set_that_is_on_no_hub_is_not_asked_for_there(hub):
    store, _, asked = hub
    assert replace(store, hub=True).read("songs") == SONGS
    assert asked == []


def test_an_answer_without_end_is_refused_before_it_fills_the_disk():
    class Endless:
        asked = 0

        def read(self, size):
            self.asked += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(Refused, match="larger than the 5,000,000 bytes"):
        _fetch.sha256_of(stream, io.BytesIO(), at_most=5_000_000)
    assert stream.asked < 10_000_000


# Disks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_the_next_run_recovers(store, monkeypatch, number):
    def full(stream, copy_to=None, **limits):
        if copy_to is not None:
            copy_to.write(b"half")
            raise OSError(number, os.strerror(number))
        return real(stream)

    real = _fetch.sha256_of
    with monkeypatch.context() as patch:
        patch.setattr(_fetch, "sha256_of", full)
        with pytest.raises(DataError) as caught:
            store.fetch(["books", "songs"])
    assert one_sentence(caught) == (
        f"The disk of {store.cache} is full: free 0 MB, or set BOOK_DATA_DIR to a folder on "
        "another disk, and fetch books, songs again."
    )
    assert snapshot(store.cache) == {}  # nothing half-written stays behind to fill it further
    assert store.read("books") == BOOKS


def test_the_sentence_about_a_full_disk_says_how_much_room_is_needed(store):
    big = replace(store.sets["songs"].source, size=70_000_000)
    songs = replace(store.sets["songs"], source=big)
    member = replace(songs.members[0], size=20_400_000)
    sets = {"songs": replace(songs, members=(member,))}

    def full(source, workshop, bar):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="free 160 MB"):
        replace(store, sets=sets, pip=full).fetch(["songs"])


def test_a_full_disk_that_pip_meets_is_a_full_disk(store):
    for log in ("OSError: [Errno 28] No space left on device", "There is not enough space on the"):
        with pytest.raises(OSError) as caught:
            _fetch._why_pip_failed(store.sets["songs"].source, log)
        assert caught.value.errno == errno.ENOSPC


def forbid_writing(monkeypatch, number=errno.EROFS):
    """Let every attempt to write fail, as on a read-only disk (root may write anywhere)."""

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    for name in ("mkdir", "unlink", "write_bytes", "write_text", "touch"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(FileLock, "acquire", refuse)
    monkeypatch.setattr(_fetch.os, "replace", refuse)
    monkeypatch.setattr(_fetch.shutil, "rmtree", refuse)


def test_a_read_only_cache_with_everything_in_it_works_without_a_lock(store, monkeypatch):
    store.fetch(["books", "songs"])
    with monkeypatch.context() as patch:
        forbid_writing(patch)
        assert store.read("songs") == SONGS
        assert store.folder("books") == store.cache / "books"
        store.fetch(["books", "songs"])


def test_leftovers_in_a_read_only_cache_disturb_nobody(store, monkeypatch):
    store.fetch(["songs"])
    (store.cache / ".fetching-tiny").mkdir()
    with monkeypatch.context() as patch:
        forbid_writing(patch)
        store.fetch(["songs"])
    assert (store.cache / ".fetching-tiny").exists()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_cache_that_lacks_something_says_where_to_go(store, monkeypatch, number):
    store.fetch(["songs"])
    with monkeypatch.context() as patch:
        forbid_writing(patch, number)
        with pytest.raises(DataError) as caught:
            store.read("books")
        assert store.read("songs") == SONGS
    message = one_sentence(caught)
    assert message.startswith(
        "books cannot be had, since a file cannot be read or written in " + str(store.cache)
    )
    assert os.strerror(number) in message
    assert "set BOOK_DATA_DIR to a folder of your own" in message
    assert store.read("books") == BOOKS


def test_a_cache_that_is_a_file_is_a_clear_error_too(store, tmp_path):
    (tmp_path / "occupied").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        replace(store, cache=tmp_path / "occupied").read("songs")
    assert "set BOOK_DATA_DIR" in one_sentence(caught)


# Interruptions and company ----------------------------------------------------------------------


def test_an_interrupted_fetch_leaves_nothing_behind(store):
    def interrupted(source, workshop, bar):
        (workshop / "pip-unpack-x").mkdir()
        (workshop / "pip-unpack-x" / "half.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(store, pip=interrupted).fetch(["books"])
    assert snapshot(store.cache) == {}
    assert store.read("books") == BOOKS


def test_leftovers_of_a_killed_fetch_are_cleaned_by_the_next(store):
    workshop = store.cache / ".fetching-tiny"
    workshop.mkdir(parents=True)
    (workshop / "part").write_bytes(b"half")
    (workshop / "tiny-1.0-py3-none-any.whl").write_bytes(b"half")

    def tidy_pip(source, workshop, bar):
        assert list(workshop.iterdir()) == []
        return store.pip(source, workshop, bar)

    replace(store, pip=tidy_pip).fetch(["books"])
    assert not workshop.exists()
    workshop.mkdir()  # killed after its last step: nothing is missing, yet something is left over
    store.fetch(["books"])
    assert not workshop.exists()
    assert len(store.pip.calls) == 1


def test_a_running_fetch_is_neither_tidied_away_nor_waited_for_without_need(store, monkeypatch):
    waits = []

    def watched(path, timeout):
        waits.append(timeout)
        return FileLock(path, timeout=timeout)

    monkeypatch.setattr(_fetch, "FileLock", watched)
    store.fetch(["songs"])
    workshop = store.cache / ".fetching-tiny"
    workshop.mkdir()
    with FileLock(store.cache / ".locks" / "tiny.lock"):
        store.fetch(["songs"])
    assert workshop.exists()
    assert waits == [store.patience, 0]


def test_a_process_killed_in_the_midst_of_a_fetch_does_not_block_the_next(store, tmp_path):
    killed = run_fetch(store, tmp_path, "time.sleep(60)")
    while not (store.cache / ".fetching-tiny" / "started").exists():
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    assert (store.cache / ".fetching-tiny").exists()
    assert store.read("books") == BOOKS
    assert snapshot(store.cache).keys() == {"books/a.tab", "books/deep/er/b.bin"}


def test_two_processes_at_once_download_once_and_both_succeed(store, tmp_path):
    both = [run_fetch(store, tmp_path, "time.sleep(0.5)") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "whole\n", "")
    assert len(list(tmp_path.glob("call-*"))) == 1
    assert store.read("books") == BOOKS
    assert store.pip.calls == []


def run_fetch(store: Store, folder: Path, while_downloading: str) -> subprocess.Popen[str]:
    """Start a process that fetches 'books' with a pip of its own, which leaves a trace."""
    (folder / "wheel").write_bytes(wheel_bytes())
    script = f"""
import os, shutil, sys, time
from pathlib import Path
from lib._fetch import Store, read_manifest

def pip(source, workshop, bar):
    Path({str(folder)!r}, f"call-{{os.getpid()}}").touch()
    (workshop / "started").touch()
    {while_downloading}
    shutil.copy({str(folder / "wheel")!r}, workshop / source.wheel)
    return workshop / source.wheel

store = Store(read_manifest(Path({str(store.cache.parent)!r})), Path({str(store.cache)!r}), pip=pip)
store.read("books")
print("whole")
"""
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


def test_waiting_for_another_process_ends_with_a_sentence(store):
    (store.cache / ".locks").mkdir(parents=True)
    with FileLock(store.cache / ".locks" / "tiny.lock"), pytest.raises(DataError) as caught:
        replace(store, patience=0.0).read("books")
    message = one_sentence(caught)
    assert message.startswith("Another process has been fetching books for 0 seconds")
    assert str(store.cache / ".locks" / "tiny.lock") in message


def test_replacing_waits_while_another_process_reads_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    real, tries = os.replace, []

    def busy(part, target):
        tries.append(part)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "in use")
        real(part, target)

    monkeypatch.setattr(_fetch.os, "replace", busy)
    _fetch.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(PermissionError):
        _fetch.replace(tmp_path / "new", tmp_path / "old", patience=-1.0)
    assert len(tries) == 1


# Installed packages -----------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with one text file, put on the path but never imported."""
    package = tmp_path / "site" / "tinypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')", "utf-8")
    (package / "words.txt").write_bytes(b"one\ntwo\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    facts = {"size": 8, "sha256": hashlib.sha256(b"one\ntwo\n").hexdigest()}
    entry = {"source": "tinypackage", "root": "tinypackage/", "members": {"words.txt": facts}}
    manifest = {"sources": {"tinypackage": {"installed": True}}, "sets": {"words": entry}}
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "members.json").write_text(json.dumps(manifest), "utf-8")
    (folder / "sources.txt").write_text("", "utf-8")
    return Store(read_manifest(folder), folder / "cache"), package


def test_installed_data_are_read_in_place_without_importing_the_package(installed):
    store, package = installed
    assert store.read("words") == {"words.txt": b"one\ntwo\n"}
    assert store.path(store.sets["words"].members[0]) == package / "words.txt"
    assert not store.cache.exists()


def test_line_ends_of_another_system_do_not_change_installed_text(installed):
    store, package = installed
    (package / "words.txt").write_bytes(b"one\r\ntwo\r\n")
    assert store.read("words") == {"words.txt": b"one\ntwo\n"}
    assert data.verify(store=store) == {"words": "ok"}


def test_damaged_installed_data_say_how_to_reinstall(installed):
    store, package = installed
    (package / "words.txt").write_bytes(b"one\ntoo\n")
    with pytest.raises(DataError) as caught:
        store.read("words")
    assert "--force-reinstall" in one_sentence(caught)
    assert data.verify(store=store) == {"words": "words.txt is damaged"}
    (package / "words.txt").unlink()
    assert data.verify(store=store) == {"words": "words.txt is missing"}


def test_a_package_that_is_not_installed_is_named(installed, monkeypatch):
    store, _ = installed
    monkeypatch.setattr(_fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        store.read("words")
    message = one_sentence(caught)
    assert "'words' comes with the package tinypackage, which is not installed" in message
    assert "requirements.txt" in message
    assert data.verify(store=store) == {"words": message}


# The manifest, the environment, the names -------------------------------------------------------


@pytest.mark.parametrize("content", [None, "{", '{"sources": {}}', '{"sources": {}, "sets": 1}'])
def test_an_unreadable_manifest_is_a_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "members.json").write_text(content, "utf-8")
        (tmp_path / "sources.txt").write_text("", "utf-8")
    with pytest.raises(DataError) as caught:
        read_manifest(tmp_path)
    assert "clone the repository anew" in str(caught.value)


def test_the_environment_chooses_cache_mirror_and_network(tmp_path, monkeypatch):
    for name in ("BOOK_DATA_DIR", "BOOK_MIRROR", "BOOK_OFFLINE", "BOOK_HUB"):
        monkeypatch.delenv(name, raising=False)
    plain = Store.from_environment()
    assert plain.cache == ROOT / "data" / "cache"
    assert (plain.mirror, plain.offline, plain.hub) == (None, False, False)
    assert plain.pip is _fetch.pip_download
    monkeypatch.setenv("BOOK_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("BOOK_MIRROR", str(tmp_path))
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.setenv("BOOK_HUB", "1")
    chosen = Store.from_environment()
    assert chosen.cache == (tmp_path / "cache").resolve()
    assert (chosen.mirror, chosen.offline, chosen.hub) == (tmp_path.resolve(), True, True)
    monkeypatch.setenv("BOOK_OFFLINE", "0")
    monkeypatch.setenv("BOOK_HUB", "")
    assert (Store.from_environment().offline, Store.from_environment().hub) == (False, False)


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(DataError) as caught:
        data.load("20newsgroup")
    assert str(caught.value) == (
        "There is no data set called '20newsgroup': did you mean '20newsgroups'?"
    )
    with pytest.raises(DataError, match=r"there are 20newsgroups, r8, .*axe\.$"):
        data.card("zzz")
    with pytest.raises(DataError, match="did you mean 'minilm'"):
        data.fetch(["minlm"])
    with pytest.raises(DataError, match="did you mean 'r52'"):
        data.verify(["r5"])


def test_every_set_of_the_manifest_can_be_loaded_and_has_a_card():
    sets = read_manifest(DATA)
    known = sorted([*sets, *data.OWN])
    assert sorted(data.names()) == known
    assert sorted(path.stem for path in (DATA / "cards").glob("*.md")) == known


@pytest.mark.parametrize("name", data.names())
def test_a_card_answers_the_same_questions_for_every_set(name):
    text = data.card(name)
    assert text.startswith(f"# {name}: ")
    headings = re.findall(r"^\*\*(.+?)\.\*\* \S", text, flags=re.MULTILINE)
    assert headings == ["Origin", "Licence", "Size", "Splits", "Known problems", "Used for"]


def test_every_member_is_pinned_and_every_wheel_is_named_after_its_pin():
    for data_set in read_manifest(DATA).values():
        for member in data_set.members:
            assert re.fullmatch("[0-9a-f]{64}", member.sha256)
            assert member.size > 0
            assert member.inside.endswith(member.file)
            assert ".." not in Path(member.file).parts and not Path(member.file).is_absolute()
        source = data_set.source
        if source.wheel:
            name, version = source.wheel.split("-")[:2]
            pin = rf"{name.replace('_', '-')}=={re.escape(version)} --hash=sha256:[0-9a-f]{{64}}"
            assert re.fullmatch(pin, source.requirement)
            assert source.size > 100_000


def test_the_model_hub_is_asked_for_one_revision_of_one_model():
    hubs = {s.name: {m.hub for m in s.members} for s in read_manifest(DATA).values()}
    assert {name for name, addresses in hubs.items() if addresses != {""}} == {"minilm"}
    for address in hubs["minilm"]:
        assert re.match(
            r"https://[^/]+/sentence-transformers/all-MiniLM-L6-v2/resolve/\w{40}/", address
        )


def test_the_code_of_the_data_layer_names_no_host_but_the_name_space_of_a_wiki():
    files = [ROOT / "lib" / "_fetch.py", ROOT / "lib" / "data.py", DATA / "sources.txt"]
    hosts = {h for f in files for h in re.findall(r"https?://([^/\s]+)", f.read_text("utf-8"))}
    assert hosts == {"www.mediawiki.org"}


def test_the_checksum_is_that_of_the_whole_stream_and_the_copy_is_exact(monkeypatch):
    monkeypatch.setattr(_fetch, "CHUNK", 7)
    content, copy = bytes(range(256)) * 3, io.BytesIO()
    assert _fetch.sha256_of(io.BytesIO(content), copy) == hashlib.sha256(content).hexdigest()
    assert copy.getvalue() == content


# Parsing ----------------------------------------------------------------------------------------


def test_a_tab_file_has_three_header_rows_whatever_they_hold():
    assert data.read_tab(b"A\tB\nd\tstring\nclass\t\nx\ty z \n") == {"A": ["x"], "B": ["y z"]}


def test_blank_rows_of_a_tab_file_are_skipped_wherever_they_stand():
    rows = b"A\tB\r\nd\ts\r\n\t\r\n\t\r\n\r\n1\t2\r\n \t \r\n3\t\r\n"
    assert data.read_tab(rows) == {"A": ["1", "3"], "B": ["2", ""]}


def test_quoted_cells_of_a_tab_file_lose_their_quotes():
    assert data.read_tab(b'A\tB\n\n\n1\t"a ""b""\tc"\n') == {"A": ["1"], "B": ['a "b"\tc']}


def test_lee_documents_are_read_as_latin_1_and_the_ratings_mirrored():
    ratings = np.triu(np.full((50, 50), 0.4))
    ratings[0, 1], ratings[1, 0] = 0.6, 0.9  # what stands below the diagonal means nothing
    rows = "\n".join("\t".join(map(str, row)) for row in ratings)
    lee = data._lee50({"lee.cor": b"caf\xe9 \x80\nb\n", "similarities0-1.txt": rows.encode()})
    assert lee.texts == ["caf\u00e9 \x80", "b"]
    assert lee.human[0, 1] == lee.human[1, 0] == 0.6
    assert lee.human[48, 49] == lee.human[49, 48] == 0.4
    assert np.diag(lee.human).tolist() == [1.0] * 50


def test_pickled_objects_are_never_loaded():
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        data._glove({"glove_6B_50d_emb.npy": out.getvalue(), "glove_6B_index.parquet": b""})


def test_only_articles_are_taken_from_a_dump():
    pages = [
        ("Apple", 0, "", "An apple is a fruit"),
        ("Apples", 0, "<redirect title='Apple'/>", "#REDIRECT [[Apple]]"),
        ("Talk:Apple", 1, "", "I disagree"),
        ("Zebra", 0, "", "A zebra is none"),
    ]
    body = "".join(
        f"<page><title>{title}</title><ns>{space}</ns>{redirect}"
        f"<revision><text>{text}</text></revision></page>"
        for title, space, redirect, text in pages
    )
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">'
    dump = bz2.compress(f"{head}{body}</mediawiki>".encode())
    wiki = data._wikipedia(Path("dump.bz2"), {"dump.bz2": dump})
    assert wiki.titles == ["Apple", "Zebra"]
    assert wiki.markup == ["An apple is a fruit", "A zebra is none"]
    assert (wiki.name, wiki.path) == ("wikipedia", Path("dump.bz2"))


def test_a_ragged_tab_file_is_refused():
    for body in (b"1\t2\n3\n", b"1\n"):
        with pytest.raises(ValueError, match=r"zip\(\)"):
            data.read_tab(b"A\tB\nd\ts\nc\t\n" + body)


# The real data, as the set-up fetched them ------------------------------------------------------


@pytest.fixture(scope="module")
def loaded():
    """Each set is loaded once, from the real cache."""
    cache: dict[str, object] = {}

    def load(name):
        if name not in cache:
            cache[name] = data.load(name)
        return cache[name]

    return load


@pytest.mark.parametrize(
    ("name", "train", "test", "labels"),
    [("20newsgroups", 11293, 7528, 20), ("r8", 5485, 2189, 8), ("r52", 6532, 2568, 52)],
)
def test_the_classification_sets_have_their_published_sizes(loaded, name, train, test, labels):
    texts = loaded(name)
    assert texts.name == name
    assert (len(texts.train), len(texts.test), len(texts.label_names)) == (train, test, labels)
    assert list(texts.label_names) == sorted(set(texts.label_names))
    for split in (texts.train, texts.test):
        assert len(split.texts) == len(split.y) == len(split)
        assert split.y.dtype == np.int64
        assert sorted(set(split.y.tolist())) == list(range(labels))
        assert all(re.fullmatch("[a-z]+( [a-z]+)*", text) for text in split.texts)


def test_labels_and_texts_belong_together(loaded):
    news = loaded("20newsgroups")
    assert news.label_names[news.train.y[0]] == "alt.atheism"
    assert news.train.texts[0].startswith("alt atheism faq atheist resources")
    assert news.label_names[news.test.y[-1]] == "talk.religion.misc"
    r8 = loaded("r8")
    assert r8.label_names[r8.train.y[0]] == "earn"
    assert r8.train.texts[0].startswith("champion products ch approves stock split")
    r52 = loaded("r52")
    assert r52.label_names[r52.train.y[0]] == "cocoa"  # the row after the blank one
    assert r52.train.texts[0].startswith("bahia cocoa review showers")


def test_the_label_counts_are_those_of_the_cards(loaded):
    r8 = loaded("r8")
    names = ("acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade")
    assert r8.label_names == names
    assert np.bincount(r8.train.y).tolist() == [1596, 253, 2840, 41, 190, 206, 108, 251]
    assert np.bincount(r8.test.y).tolist() == [696, 121, 1083, 10, 81, 87, 36, 75]
    news = loaded("20newsgroups")
    assert np.bincount(news.train.y).tolist()[:3] == [480, 584, 572]
    assert np.bincount(news.test.y).tolist()[-2:] == [310, 251]
    r52 = loaded("r52")
    assert np.bincount(r52.train.y).min() == 1
    assert np.bincount(r52.train.y).max() == 2840


def test_r8_is_a_part_of_r52(loaded):
    r8, r52 = loaded("r8"), loaded("r52")
    for part in ("train", "test"):
        small, large = getattr(r8, part), getattr(r52, part)
        kept = Counter(
            (text, r52.label_names[k])
            for text, k in zip(large.texts, large.y, strict=True)
            if r52.label_names[k] in r8.label_names
        )
        assert kept == Counter(
            (text, r8.label_names[k]) for text, k in zip(small.texts, small.y, strict=True)
        )


def test_lee50_is_fifty_documents_and_a_symmetric_matrix_of_ratings(loaded):
    lee = loaded("lee50")
    assert len(lee.texts) == 50
    assert all(lee.texts)
    assert lee.human.shape == (50, 50)
    assert lee.human.dtype == np.float64
    assert np.array_equal(lee.human, lee.human.T)
    assert np.array_equal(np.diag(lee.human), np.ones(50))
    upper = lee.human[np.triu_indices(50, k=1)]
    assert (upper.min(), upper.max()) == (0.2, 1.0)
    assert upper.mean() == pytest.approx(0.3265051, abs=1e-7)
    assert (lee.human[0, 1], lee.human[1, 0], lee.human[0, 49]) == (0.3, 0.3, 0.5)


def test_lee_ratings_are_means_of_one_to_five_over_a_handful_of_people(loaded):
    upper = loaded("lee50").human[np.triu_indices(50, k=1)] * 5
    totals = upper[:, None] * np.arange(8, 13)  # (pairs, possible numbers of raters)
    assert np.abs(totals - totals.round()).min(axis=1).max() < 1e-5


def test_lee_is_latin_1(loaded):
    (pounds,) = [text for text in loaded("lee50").texts if "£" in text]
    assert re.search(r"£\d", pounds)
    background = loaded("lee-background")
    assert background.name == "lee-background"
    assert len(background.texts) == 300
    assert background.texts[0].startswith("Hundreds of people have been forced to vacate")
    assert not set(background.texts) & set(loaded("lee50").texts)


def test_word_pairs_come_with_ratings_from_0_to_10(loaded):
    wordsim, simlex = loaded("wordsim353"), loaded("simlex999")
    assert (wordsim.name, simlex.name) == ("wordsim353", "simlex999")
    assert (len(wordsim.pairs), len(simlex.pairs)) == (353, 999)
    assert (wordsim.ratings.shape, simlex.ratings.shape) == ((353,), (999,))
    assert (wordsim.pairs[0], wordsim.ratings[0]) == (("love", "sex"), 6.77)
    assert (simlex.pairs[0], simlex.ratings[0]) == (("old", "new"), 1.58)
    assert wordsim.ratings[wordsim.pairs.index(("tiger", "tiger"))] == 10.0
    for pairs in (wordsim, simlex):
        assert pairs.ratings.min() == 0.23
        assert pairs.ratings.max() <= 10.0


def test_analogies_have_fourteen_categories_of_four_words(loaded):
    categories = loaded("analogies").categories
    counts = {name: len(questions) for name, questions in categories.items()}
    assert len(counts) == 14
    assert sum(counts.values()) == 19544
    assert (counts["capital-world"], counts["family"], counts["gram9-plural-verbs"]) == (
        4524,
        506,
        870,
    )
    assert categories["capital-common-countries"][0] == ("Athens", "Greece", "Baghdad", "Iraq")
    grammar = sum(n for name, n in counts.items() if name.startswith("gram"))
    assert grammar == 10675


def test_news_articles_have_titles_and_texts(loaded):
    news = loaded("news")
    assert len(news.titles) == len(news.texts) == 3788
    assert all(news.texts)
    assert sum(not title for title in news.titles) == 59
    assert news.titles[0].startswith("Betsy DeVos Confirmed")
    assert news.texts[0].startswith("Michigan billionaire education activist Betsy DeVos")
    assert sum(len(text.split()) for text in news.texts) == 2_035_334


def test_tales_know_their_topics_and_which_are_selected(loaded):
    tales = loaded("grimm")
    assert len(tales.titles) == len(tales.texts) == len(tales.topics) == len(tales.selected) == 54
    assert tales.selected.sum() == 44
    topics = Counter(
        topic for topic, chosen in zip(tales.topics, tales.selected, strict=True) if chosen
    )
    assert topics == {"Tales of Magic": 26, "Animal Tales": 18}
    assert tales.titles[1] == "Brier Rose"
    assert tales.texts[1].startswith("A king and queen once upon a time")
    assert not any(text.startswith('"') and '""' in text for text in tales.texts)  # unquoted


def test_excerpts_are_half_for_children_and_half_for_adults(loaded):
    excerpts = loaded("excerpts")
    assert excerpts.label_names == ("adult", "children")
    assert np.bincount(excerpts.y).tolist() == [70, 70]
    assert excerpts.y[0] == 1
    assert excerpts.texts[0].startswith("the house Jim says he rum")


def test_deerwester_has_nine_titles_on_two_subjects(loaded):
    titles = loaded("deerwester")
    assert titles.name == "deerwester"
    assert titles.label_names == ("graphs", "human-computer interaction")
    assert titles.y.tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert titles.texts[8] == "Graph minors A survey"


def test_every_line_of_friends_has_a_speaker_and_an_episode(loaded):
    friends = loaded("friends")
    assert len(friends.speakers) == len(friends.texts) == len(friends.episodes) == 61510
    assert all(friends.texts) and all(friends.speakers)
    assert (friends.speakers[0], friends.episodes[0]) == ("Monica", "0101")
    assert friends.texts[0].startswith("There's nothing to tell!")
    assert [name for name, _ in Counter(friends.speakers).most_common(2)] == ["Rachel", "Ross"]
    assert all(re.fullmatch(r"\d{4}(-\d\d)?", episode) for episode in set(friends.episodes))


def test_wikipedia_gives_articles_and_no_redirects(loaded):
    wiki = loaded("wikipedia")
    assert len(wiki.titles) == len(wiki.markup) == 106
    assert wiki.titles[:2] == ["Anarchism", "Autism"]
    assert not any(text.lower().startswith("#redirect") for text in wiki.markup)
    assert "'''Anarchism'''" in wiki.markup[0]
    assert wiki.path.is_file()


def test_glove_has_a_row_for_each_of_400000_words(loaded):
    glove = loaded("glove-6b-50d")
    assert glove.name == "glove-6b-50d"
    assert glove.W.shape == (400_000, 50)
    assert glove.W.dtype == np.float32
    assert glove.W.flags.c_contiguous and glove.W.flags.writeable
    assert len(glove.words) == len(set(glove.words)) == 400_000
    assert glove.words[:5] == ["the", ",", ".", "of", "to"]
    assert glove.W[0, :4] == pytest.approx([0.418, 0.24968, -0.41242, 0.1217])
    assert glove.words[-1] == "sandberger"
    assert np.isfinite(glove.W).all()


def test_near_words_are_near_in_glove(loaded):
    glove = loaded("glove-6b-50d")
    frog, toad, bank = (glove.W[glove.words.index(word)] for word in ("frog", "toad", "bank"))

    def cosine(u, v):
        return u @ v / np.linalg.norm(u) / np.linalg.norm(v)

    assert cosine(frog, toad) > 0.7 > 0.4 > cosine(frog, bank)


def test_the_models_are_folders_of_checked_files(loaded):
    minilm = loaded("minilm")
    assert minilm.name == "minilm"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(minilm.files)
    assert all((minilm.folder / file).is_file() for file in minilm.files)
    weights = next(m for m in read_manifest(DATA)["minilm"].members if "safetensors" in m.file)
    assert weights.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert json.loads((minilm.folder / "config.json").read_text("utf-8"))["hidden_size"] == 384
    smollm2 = loaded("smollm2")
    assert smollm2.files == ("SmolLM2-135M-Instruct.Q4_1.gguf",)
    with (smollm2.folder / smollm2.files[0]).open("rb") as stream:
        assert stream.read(4) == b"GGUF"


def test_the_build_gets_mathjax_for_node_and_for_print_with_its_fonts(loaded):
    mathjax = loaded("mathjax")
    assert isinstance(mathjax, data.AssetFolder)
    assert all((mathjax.folder / file).is_file() for file in mathjax.files)
    assert {
        "LICENSE", "es5/tex-chtml.js", "es5/node-main.js", "es5/adaptors/liteDOM.js",
        "es5/a11y/assistive-mml.js",
    } <= set(mathjax.files)  # fmt: skip
    fonts = [f for f in mathjax.files if f.startswith("es5/output/chtml/fonts/woff-v2/")]
    assert len(fonts) == 23
    assert sum(m.size for m in read_manifest(DATA)["mathjax"].members) < 4_000_000


def test_what_load_returns_is_frozen_and_new_each_time():
    first, second = data.load("deerwester"), data.load("deerwester")
    with pytest.raises(FrozenInstanceError):
        first.name = "mine"
    first.texts.clear()
    first.y[:] = 0
    assert (len(second.texts), second.y.sum()) == (9, 5)


# The command line -------------------------------------------------------------------------------


def test_the_command_verifies_and_says_so(capsys):
    assert data._main(["verify", "deerwester", "lee50"]) == 0
    assert capsys.readouterr().out.split() == ["deerwester", "ok", "lee50", "ok"]
    assert data._main(["fetch", "deerwester"]) == 0
    assert capsys.readouterr().out.split() == ["deerwester", "ok"]


def test_the_command_fails_aloud(capsys, tmp_path, monkeypatch):
    def interrupted(names):
        raise KeyboardInterrupt

    monkeypatch.setenv("BOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.delenv("BOOK_MIRROR", raising=False)
    assert data._main(["verify", "lee50", "deerwester"]) == 1
    assert capsys.readouterr().out.split() == [
        "lee50",
        "ok",
        "deerwester",
        "deerwester.tab",
        "is",
        "missing",
    ]
    assert data._main(["fetch", "deerwester"]) == 1
    assert "deerwester could not be fetched" in capsys.readouterr().out
    monkeypatch.setattr(data, "fetch", interrupted)
    assert data._main(["fetch"]) == 130
    assert capsys.readouterr().out == "Interrupted: run it again to fetch the rest.\n"
    for arguments in ([], ["destroy"]):
        assert data._main(arguments) == 2
        assert capsys.readouterr().out == "python -m lib.data fetch|verify [-q] [NAME ...]\n"


def test_the_module_runs_as_a_command():
    command = [sys.executable, "-m", "lib.data", "verify", "deerwester"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["deerwester", "ok"], "")


def test_loading_does_not_import_gensim():
    script = "import sys; from lib import data; data.load('lee50'); print('gensim' in sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "False\n"


# The tool that makes the manifest ---------------------------------------------------------------


def test_the_manifest_tool_computes_what_the_manifest_says(tmp_path):
    from tools import manifest as tool

    content = wheel_bytes()
    (tmp_path / "tiny-1.0-py3-none-any.whl").write_bytes(content)
    made = {
        "sources": {"tiny": {"wheel": "tiny-1.0-py3-none-any.whl"}},
        "sets": {
            "books": {"source": "tiny", "root": "tiny/books/", "take": ["*.tab", "deep/*"]},
            "songs": {"source": "tiny", "root": "tiny/", "take": ["song.txt"]},
        },
    }
    pins = tool.pinned_hashes(
        f"# x\ntiny==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    )
    tool.recompute(made, pins, tmp_path)
    write_manifest(tmp_path / "data")
    wanted = json.loads((tmp_path / "data" / "members.json").read_text("utf-8"))
    assert made["sources"] == wanted["sources"]
    for name, entry in wanted["sets"].items():
        assert made["sets"][name]["members"] == entry["members"]
    with pytest.raises(SystemExit, match=r"not the file that data/sources\.txt pins"):
        tool.recompute(made, {"tiny": "0" * 64}, tmp_path)
    made["sets"]["songs"]["take"] = ["opera.txt"]
    with pytest.raises(SystemExit, match="songs: no member of tiny matches"):
        tool.recompute(made, pins, tmp_path)


def test_the_manifest_tool_agrees_with_the_installed_package():
    from tools import manifest as tool

    entries = json.loads((DATA / "members.json").read_text("utf-8"))["sets"]
    installed = {name: e for name, e in entries.items() if e["source"] == "gensim"}
    assert len(installed) == 6
    for entry in installed.values():
        assert tool.from_package("gensim", entry["root"], entry["take"]) == entry["members"]
    with pytest.raises(SystemExit, match="is not installed"):
        tool.from_package("no_such_package", "", [])


def test_the_examples_in_the_docstrings_are_true():
    import doctest

    for module in (data, _fetch):
        with contextlib.redirect_stdout(io.StringIO()):
            failed, tried = doctest.testmod(module)
        assert (failed, tried > 0) == (0, True)


def test_the_quiet_command_names_only_what_is_amiss(store, monkeypatch, capsys):
    monkeypatch.setattr(data, "fetch", lambda names: None)
    monkeypatch.setattr(data, "verify", lambda names: {"books": "ok", "songs": "a byte differs"})
    assert data._main(["fetch", "-q"]) == 1
    assert capsys.readouterr().out.split() == ["songs", "a", "byte", "differs"]
    monkeypatch.setattr(data, "verify", lambda names: {"books": "ok"})
    assert data._main(["verify", "-q", "books"]) == 0
    assert capsys.readouterr().out == ""
