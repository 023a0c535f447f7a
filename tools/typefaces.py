"""Cuts the typefaces of the site to the letters it uses, and writes their style sheet.

The set-up fetches three open families like the data, by pinned hash (`lib.data`). Here each face
is cut to Latin letters, to the Greek and the signs of the book and to the weights in use, and is
written as WOFF. The licence asks that a changed font goes by another name: ours are called Book.

A page must not move when a font arrives late. So each family has a stand-in that every system
holds, stretched until its letters are as wide, on average, as ours.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fontTools.varLib import instancer  # type: ignore[import-untyped]

FOLDERS = ("source-serif-4", "source-sans-3", "source-code-pro")
SHEET = "fonts.css"
DRAWN = ("display.woff", "sans.woff")

ASCII = range(0x20, 0x7F)
NAMES = "ĄąĆćČčĎďĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŹźŻżŽž"
GREEK = "ΔΣΦΩαβγδεηθκλμνπρστφχω"
SIGNS = "‑–—‘’“”†•…′″€←↑→↓−∑∞≈≠≤≥√"
LATIN = [*ASCII, *range(0xA0, 0x100), *map(ord, NAMES + GREEK + SIGNS)]
FEATURES = ("kern", "liga", "ccmp", "locl", "mark", "mkmk", "onum", "lnum", "tnum", "pnum")

# How often a letter stands in a thousand of English text, the space included.
COUNTS = (
    180,
    102,
    75,
    65,
    62,
    57,
    56,
    52,
    50,
    49,
    34,
    33,
    23,
    23,
    20,
    19,
    18,
    16,
    16,
    15,
    12,
    8,
    6,
)
FREQUENT = dict(zip(" etaoinshrdlcumwfgypbvk", COUNTS, strict=True))


@dataclass(frozen=True)
class Face:
    """One file that the site serves.

    ``file`` is its name, ``origin`` the path below the data cache, ``axes`` where the variable
    axes are pinned or to what they are limited.
    """

    file: str
    family: str
    origin: str
    axes: Mapping[str, float | tuple[float, float]]
    weight: str
    style: str = "normal"
    letters: Sequence[int] = tuple(LATIN)


SERIF = "source-serif-4/files/SourceSerif4[opsz,wght].ttf"
ITALIC = "source-serif-4/files/SourceSerif4-Italic[opsz,wght].ttf"
FACES = (
    Face("serif.woff", "Book Serif", SERIF, {"opsz": 14, "wght": (400, 700)}, "400 700"),
    Face("italic.woff", "Book Serif", ITALIC, {"opsz": 14, "wght": 400}, "400 700", "italic"),
    # Headings: the cut for large sizes, finer and narrower.
    Face(
        "display.woff",
        "Book Display",
        SERIF,
        {"opsz": 40, "wght": 600},
        "400 700",
        letters=(*ASCII, *map(ord, "éü’“”–")),
    ),
    Face(
        "sans.woff",
        "Book Sans",
        "source-sans-3/files/SourceSans3[wght].ttf",
        {"wght": (400, 700)},
        "400 700",
    ),
    Face(
        "mono.woff",
        "Book Mono",
        "source-code-pro/files/SourceCodePro[wght].ttf",
        {"wght": 400},
        "400 700",
    ),
)

# Fonts that systems come with, and the mean width of their letters in English text, in em.
STAND_INS = {
    "Book Serif": (("Georgia", 0.439), ("Times New Roman", 0.4), ("DejaVu Serif", 0.512)),
    "Book Display": (("Georgia", 0.439), ("Times New Roman", 0.4), ("DejaVu Serif", 0.512)),
    "Book Sans": (("Arial", 0.441), ("DejaVu Sans", 0.506)),
    "Book Mono": (("Menlo", 0.602), ("Consolas", 0.55), ("DejaVu Sans Mono", 0.602)),
}


def mean_width(widths: Mapping[str, float]) -> float:
    """Mean width of a letter of English text, in the unit of ``widths``.

    Examples
    --------
    >>> round(mean_width(dict.fromkeys(FREQUENT, 0.6)), 2)
    0.6
    """
    return sum(widths[c] * n for c, n in FREQUENT.items()) / sum(FREQUENT.values())


def stand_in(family: str, local: str, width: float, ours: Mapping[str, float]) -> str:
    """Write the rule that stretches a system's font to the measure of ours.

    ``ours`` has the mean width and, above and below the line, the height of our font, in em.

    Examples
    --------
    >>> print(stand_in("Book Sans", "Arial", 0.5, {"width": 0.4, "ascent": 1, "descent": 0.4}))
    @font-face{font-family:"Book Sans Stand-in Arial";src:local("Arial");size-adjust:80.0%;\
ascent-override:125.0%;descent-override:50.0%;line-gap-override:0%}
    """
    ratio = ours["width"] / width
    return (
        f'@font-face{{font-family:"{family} Stand-in {local}";src:local("{local}");'
        f"size-adjust:{100 * ratio:.1f}%;ascent-override:{100 * ours['ascent'] / ratio:.1f}%;"
        f"descent-override:{100 * ours['descent'] / ratio:.1f}%;line-gap-override:0%}}"
    )


def style_sheet(faces: Iterable[Face], measures: Mapping[str, Mapping[str, float]]) -> str:
    """Write the style sheet: our faces, their stand-ins, and the names the site asks for."""
    rules = [
        f'@font-face{{font-family:"{face.family}";src:url("{face.file}") format("woff");'
        f"font-weight:{face.weight};font-style:{face.style};font-display:swap}}"
        for face in faces
    ]
    for family, locals_ in STAND_INS.items():
        rules += [stand_in(family, name, width, measures[family]) for name, width in locals_]
    names = {
        family: ", ".join([f'"{family}"', *(f'"{family} Stand-in {name}"' for name, _ in stands)])
        for family, stands in STAND_INS.items()
    }
    variables = "".join(
        f"--{family.lower().replace(' ', '-')}:{value};" for family, value in names.items()
    )
    return "\n".join([*rules, f":root{{{variables}}}"]) + "\n"


def cut(face: Face, source: Path, target: Path) -> dict[str, float]:
    """Write one face, cut down, and return its measures in em."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    font = TTFont(source / face.origin, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = list(FEATURES)
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=face.letters)
    chosen.subset(font)
    font = instancer.instantiateVariableFont(font, dict(face.axes), inplace=True)
    _rename(font, f"{face.family} {face.style}")
    em, table, letters = font["head"].unitsPerEm, font["hmtx"], font.getBestCmap()
    measures = {
        "width": mean_width({c: table[letters[ord(c)]][0] for c in FREQUENT}) / em,
        "ascent": font["hhea"].ascent / em,
        "descent": -font["hhea"].descent / em,
    }
    if face.file in DRAWN:  # plain, for the pictures that the build draws
        font.save(_plain(target, face.file))
    font.flavor = "woff"
    font.save(target / face.file)
    return measures


def _plain(target: Path, file: str) -> Path:
    """Where the same face lies for drawing: beside the folder of what the site serves."""
    return (target.parent.parent / file).with_suffix(".ttf")


def _rename(font: TTFont, name: str) -> None:
    """Give a changed font a name of its own, as its licence asks; copyright and licence stay."""
    for record in font["name"].names:
        if record.nameID in {1, 3, 4, 6, 16, 25}:
            font["name"].setName(
                name.replace(" ", "") if record.nameID == 6 else name,
                record.nameID, record.platformID, record.platEncID, record.langID,
            )  # fmt: skip


def recipe(source: Path) -> str:
    """Fingerprint of all that the result depends on: this file and the fonts."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for origin in dict.fromkeys(face.origin for face in FACES):
        digest.update((source / origin).read_bytes())
    return digest.hexdigest()


def make(source: Path, target: Path) -> bool:
    """Fill ``target`` with the faces, their style sheet and their licences.

    Returns False, and clears ``target``, where the fonts were not fetched: the site then uses the
    fonts of the reader's system. Does nothing when the result is there already.
    """
    if not all((source / face.origin).is_file() for face in FACES):
        shutil.rmtree(target, ignore_errors=True)
        return False
    wanted, stamp = recipe(source), target / "recipe.json"
    there = all(path.is_file() for path in (stamp, *(_plain(target, file) for file in DRAWN)))
    if there and json.loads(stamp.read_text(encoding="utf-8")) == wanted:
        return True
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    measures: dict[str, dict[str, float]] = {}
    for face in FACES:
        found = cut(face, source, target)
        measures.setdefault(face.family, found)
    for folder in FOLDERS:
        shutil.copyfile(source / folder / "LICENSE", target / f"LICENSE-{folder}.txt")
    (target / SHEET).write_text(style_sheet(FACES, measures), encoding="utf-8", newline="\n")
    stamp.write_text(json.dumps(wanted), encoding="utf-8")  # last: what is half done is redone
    return True
