"""Formulas in words, for those who listen to the PDF or to the EPUB.

MathJax turns the TeX of a page into MathML; :func:`spoken` reads that aloud, plainly: *x sub i*,
*fraction, a over b, end fraction*. A reader that knows MathML speaks it better by itself; this is
what the others say.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

NAMES = {
    "−": "minus", "-": "minus", "+": "plus", "±": "plus or minus", "=": "equals", "≠": "is not",
    "<": "is less than", ">": "is greater than", "≤": "is at most", "≥": "is at least",
    "≈": "is about", "∼": "is like", "⋅": "times", "·": "times", "×": "times", "∗": "star",
    "/": "over", "∑": "sum", "∏": "product", "∫": "integral", "√": "root", "∂": "partial",
    "∇": "gradient", "∞": "infinity", "∈": "in", "∉": "not in", "∪": "union", "∩": "intersect",
    "∝": "in proportion to",
    "⊂": "within", "∅": "empty set", "→": "to", "←": "becomes", "↦": "maps to",
    "…": "and so on", "⋯": "and so on", "⋮": "and so on", "⋱": "and so on", "⊤": "transposed",
    "⊙": "times, entry by entry", "∥": "norm bar", "‖": "norm bar", "|": "bar", "∣": "bar",
    "⌊": "floor of", "⌋": "end floor", "⌈": "ceiling of", "⌉": "end ceiling", "′": "prime",
    "ℓ": "l", "ℝ": "the real numbers", "∘": "after", "(": "(", ")": ")", "^": "hat", "¯": "bar",
    "~": "tilde", "˜": "tilde", "→⃗": "vector", "⏟": "brace", "°": "degrees",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon",
    "ζ": "zeta", "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Γ": "capital gamma", "Δ": "capital delta", "Θ": "capital theta",
    "Λ": "capital lambda", "Σ": "capital sigma", "Φ": "capital phi", "Ω": "capital omega",
}  # fmt: skip
SILENT = {"\u2061", "\u2062", "\u2063", "\u2064", ""}
LIMITS = {"∑", "∏", "∫", "max", "min", "argmax", "argmin", "lim"}


def _name(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _row(element: ET.Element) -> str:
    return " ".join(filter(None, map(_say, element)))


def _token(element: ET.Element) -> str:
    text = (element.text or "").strip()
    if text in SILENT:
        return ""
    if _name(element) == "mtext":
        return " ".join(text.split())
    said = NAMES.get(text, text)
    return f"bold {said}" if "bold" in element.get("mathvariant", "") else said


def _say(element: ET.Element) -> str:
    """Say one element of presentation MathML."""
    kind, parts = _name(element), list(element)
    if kind in {"mi", "mn", "mo", "mtext", "ms"}:
        return _token(element)
    if kind in {"mspace", "mphantom", "annotation", "annotation-xml"}:
        return ""
    said = [_say(part) for part in parts]
    if kind == "mfrac":
        return f"fraction, {said[0]}, over {said[1]}, end fraction"
    if kind == "msqrt":
        return f"root of {' '.join(said)}, end root"
    if kind == "mroot":
        return f"root number {said[1]} of {said[0]}, end root"
    if kind in {"msub", "munder"}:
        return f"{said[0]} {_below(said[0], kind)} {said[1]}"
    if kind in {"msup", "mover"}:
        return _above(said[0], said[1], kind)
    if kind in {"msubsup", "munderover"}:
        if kind == "munderover" or said[0] in {"sum", "product", "integral"}:
            return f"{said[0]} from {said[1]} to {said[2]} of"
        return _above(f"{said[0]} sub {said[1]}", said[2], "msup")
    if kind == "mtable":
        return "; ".join(said)
    if kind in {"mtr", "mlabeledtr"}:
        return ", ".join(filter(None, said))
    return _row(element)


def _below(base: str, kind: str) -> str:
    over_a_set = kind == "munder" or base in {"sum", "product", "integral"}
    return "over" if over_a_set else "sub"


def _above(base: str, raised: str, kind: str) -> str:
    """Say what stands above: an accent, a transposition, a power."""
    if kind == "mover" or raised in {"transposed", "prime", "star"}:
        return f"{base} {raised}"
    powers = {"2": "squared", "3": "cubed"}
    return f"{base} {powers[raised]}" if raised in powers else f"{base} to the power {raised}"


def spoken(mathml: str) -> str:
    """Say a formula in words.

    Parameters
    ----------
    mathml : str
        A ``<math>`` element, as MathJax writes it.

    Examples
    --------
    >>> spoken("<math><msub><mi>x</mi><mi>i</mi></msub><mo>=</mo><mn>1</mn></math>")
    'x sub i equals 1'
    >>> spoken("<math><mfrac><mi>a</mi><msup><mi>b</mi><mn>2</mn></msup></mfrac></math>")
    'fraction, a, over b squared, end fraction'
    """
    return " ".join(_row(ET.fromstring(mathml)).split()).replace(" ,", ",")
