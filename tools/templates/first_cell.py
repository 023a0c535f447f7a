"""The same in every chapter: find the book's code, lib, or say what to do."""

import importlib.util
import os
import site
from pathlib import Path

from IPython import get_ipython


def lib_is_there() -> bool:
    """Tell the book's package from a stray folder: that has no file."""
    spec = importlib.util.find_spec("lib")
    return spec is not None and spec.origin is not None


if not lib_is_there():
    here, shell = Path.cwd(), get_ipython()
    address = os.environ.get("BOOK_REPOSITORY")
    if address and not (here / "book").exists():
        shell.system(f'git clone --quiet --depth 1 "{address}" book')
    for folder in (here, here.parent, here / "book"):
        project = folder / "pyproject.toml"
        text = project.read_text("utf-8") if project.is_file() else ""
        if "embeddings-tested" in text:
            shell.run_line_magic("pip", f'install -q -e "{folder}"')
            importlib.invalidate_caches()
            for packages in site.getsitepackages():
                site.addsitedir(packages)  # as the next start of Python would
            break
if not lib_is_there():
    raise ImportError(
        "The book's code is not installed here, or a stray folder called lib "
        "hides it: run `make book` in the book's folder and use its kernel."
    )

import lib

if not getattr(lib, "__version__", "none").startswith("0.1."):
    raise ImportError("This chapter needs lib 0.1: run the set-up again.")
