"""HGVS text as files write it -> one spelling: protein changes in one letter without 'p.', their first residue.

Nothing is computed from sequence here; only spellings are brought together.
"""

from __future__ import annotations

import functools
import re
from urllib.parse import unquote

_LETTERS = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H", "Ile": "I",
    "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V",
    "Sec": "U", "Pyl": "O", "Ter": "*", "Xaa": "X", "Asx": "B", "Glx": "Z",
}  # fmt: skip
# 'Ter' may stand in 'delinsTer' and 'fsTer5'; other lower-case words (del, dup, ins, fs, ext) hold no residue's name
_THREE = re.compile("|".join(_LETTERS))
_NOTHING = frozenset(("", "?", "-", ".", "na", "nan", "none", "null", "n/a"))
_RESIDUE = re.compile(r"[A-Za-z*]*?(\d+)")


@functools.lru_cache(maxsize=1 << 18)
def protein_change(text: str) -> tuple[str | None, int | None]:
    """Return a protein change in one-letter form and its first residue.

    Parameters
    ----------
    text : str
        'p.Leu265Pro', 'ENSP00000379625.3:p.(Leu265Pro)', 'p.Q61X', 'p.X189_splice', 'p.R9%3D', 'p.?' ...

    Returns
    -------
    change : str or None
        Without 'p.', '*' for a stop, '=' for no change; None when unknown ('p.?').
    residue : int or None
        First residue named.

    Examples
    --------
    >>> protein_change("ENSP00000379625.3:p.Leu265Pro")
    ('L265P', 265)
    >>> protein_change("p.Glu505ArgfsTer141")
    ('E505Rfs*141', 505)
    """
    change = unquote(text.strip())
    change = change.rsplit(":", 1)[-1].strip()
    # 'p.' may stand outside or inside the brackets of a predicted change
    change = change.replace("(", "").replace(")", "").removeprefix("p.").strip()
    if change.lower() in _NOTHING:
        return None, None
    change = _THREE.sub(lambda match: _LETTERS[match.group()], change)
    if not re.match(r"X\d+_splice", change):
        change = _stops(change)
    same = re.fullmatch(r"([A-Z*])(\d+)\1", change)
    if same:
        change = f"{same.group(1)}{same.group(2)}="
    residue = _RESIDUE.match(change)
    # 'p.0' says that no protein is made, it names no residue
    number = int(residue.group(1)) if residue else 0
    return change, number or None


@functools.lru_cache(maxsize=1 << 18)
def changed_residues(change: str) -> tuple[int, int, bool] | None:
    """Return the first and last residue that a protein change names, and whether residues are put between the two.

    Parameters
    ----------
    change : str
        As :func:`protein_change` gives it.

    Returns
    -------
    tuple or None
        None for a change that names no residue of the protein (``?``, ``0``, ``X189_splice``) or changes none (``L265=``).

    Examples
    --------
    >>> changed_residues("K3_A5delinsQQ"), changed_residues("E505Rfs*141"), changed_residues("K3_A4insQ")
    ((3, 5, False), (505, 505, False), (3, 4, True))
    """
    found = re.match(r"[A-Z*]([1-9]\d*)(?:_[A-Z*]([1-9]\d*))?", change)
    if found is None or change.endswith(("=", "_splice")):
        return None
    first = int(found[1])
    last = int(found[2] or first)
    return min(first, last), max(first, last), change[found.end() :].startswith("ins")


def class_of_change(change: str) -> str:
    """Return the effect class that a protein change alone shows, for tables that have nothing else.

    Parameters
    ----------
    change : str
        As :func:`protein_change` gives it.

    Returns
    -------
    str
        As :data:`resistance.consequences.PROTEIN_CHANGING` and ``synonymous``; ``other`` where it cannot be told.

    Examples
    --------
    >>> [class_of_change(x) for x in ("A260G", "W386*", "E505Rfs*141", "X189_splice", "M1?", "R9=", "*348Cext*159", "K3_A5del")]
    ['missense', 'truncating', 'truncating', 'splice', 'start_lost', 'synonymous', 'stop_lost', 'inframe_indel']
    """
    if change.endswith("_splice"):
        return "splice"
    if change.endswith("="):
        return "synonymous"
    if re.match(r"M1(?:\?|[A-Z*]$)", change):
        return "start_lost"
    if "fs" in change or re.search(r"\*$", change) or re.search(r"(?:ins|delins|dup)[A-Z]*\*", change):
        return "stop_lost" if change.startswith("*") and "ext" in change else "truncating"
    if change.startswith("*") or "ext" in change:
        return "stop_lost"
    if re.search(r"del|dup|ins", change):
        return "inframe_indel"
    return "missense" if re.fullmatch(r"[A-Z]+\d+[A-Z]+", change) else "other"


def _stops(change: str) -> str:
    """Write a stop, which older files call X, as '*'."""
    change = re.sub(r"^X(?=\d)", "*", change)
    change = re.sub(r"(?<=\d)X$", "*", change)
    return re.sub(r"(?<=fs)X(?=[\d?]|$)|(?<=ext)X(?=[-\d?]|$)", "*", change)


@functools.lru_cache(maxsize=1 << 18)
def coding_change(text: str, transcript: str | None = None) -> tuple[str | None, str | None]:
    """Return a coding change with its transcript, and the transcript, with the version where either has it.

    Parameters
    ----------
    text : str
        'ENST00000331789.5:c.1012T>C', 'c.1012T>C' or ANNOVAR's 'c.A139T'.
    transcript : str, optional
        Transcript that the file names in a column of its own.

    Returns
    -------
    change, transcript : str or None

    Examples
    --------
    >>> coding_change("c.A139T", "NM_001101")
    ('NM_001101:c.139A>T', 'NM_001101')
    """
    own, colon, change = unquote(text.strip()).rpartition(":")
    own = re.sub(r"\(.*\)$", "", own.strip()) if colon else ""
    if change.lower().removeprefix("c.").removeprefix("n.") in _NOTHING:
        change = ""
    old = re.fullmatch(r"c\.([ACGT])(\d+)([ACGT])", change)
    if old:
        change = f"c.{old.group(2)}{old.group(1)}>{old.group(3)}"
    named = (transcript or "").strip()
    if own and (not named or own.split(".")[0] == named.split(".")[0]):
        named = own if "." in own or not named else named
    if not change:
        return None, named or None
    reference = own if own and "." in own else (named if not own or named.split(".")[0] == own.split(".")[0] else own)
    return (f"{reference}:{change}" if reference else change), named or None


@functools.lru_cache(maxsize=65536)
def exon_number(text: str) -> int | None:
    """Return the exon of '3/9', 'exon3', '3' or '3-4/9' (the first), else None."""
    match = re.match(r"(?:exon)?\s*(\d+)", text.strip(), re.IGNORECASE)
    return (int(match.group(1)) or None) if match else None
