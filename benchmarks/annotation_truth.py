"""Our names and classes beside those of the truth tables: writes docs/annotation_truth.md and the counts that the tests hold.

python benchmarks/annotation_truth.py [--check]

Needs the reference values in ../shared.  ``--check`` writes nothing and says whether the two files are up to date.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests" / "annotate"))

import truth_support as truth  # noqa: E402

PAGE = CHECKOUT / "docs" / "annotation_truth.md"
HEAD = """# Own annotation beside others' names

Each row of a truth table gives up to three facts: the coding name, the protein change, the class of effect. Each fact is
compared, or counted with the reason why it is not. The page and `tests/cases/annotation/counts.tsv` are written by
`python benchmarks/annotation_truth.py`; `tests/annotate/test_truth_tables.py` requires the same numbers, and that the
disagreements are exactly those listed, with the reason for each, in `tests/cases/annotation/disagreements.tsv`.

The bundle of reference values has all coding bases of APC, BRAF, CREBBP, CTNNB1, KRAS, MYD88 and TP53 on GRCh37, three
bases around a substitution in other genes, and N elsewhere. GRCh38 has the same bases, moved through the chain file. Introns and untranslated
regions are N, so a frameshift that reads into the 3' UTR, and the 3' shift of an indel that touches a border, cannot be
compared. A coding name of a substitution and the length of a frame need no bases; these are compared in all genes of the panel.

`agrees` allows shorter spellings of the same change (`R110fs*13` for `R110Vfs*13`, `del` with its residues, `L43fs*1` for
`L43*`, `M1V` for `M1?`, `*394L` for its extension).

## Compared

"""


def counts(facts: list[truth.Fact]) -> Counter[tuple[str, str, str, str]]:
    return Counter((f.table, f.aspect, f.kind, f.state) for f in facts)


def counts_text(counted: Counter[tuple[str, str, str, str]]) -> str:
    lines = ["\t".join((*key, str(n))) for key, n in sorted(counted.items())]
    return "\n".join(["table\taspect\tkind\tstate\tn", *lines]) + "\n"


def page(facts: list[truth.Fact]) -> str:
    """Return the page: agreement by table, aspect and kind; the reasons of what was not compared; the disagreements by rule."""
    counted = counts(facts)
    out = [HEAD, "| table | fact | kind | compared | agree | % | differ | not compared |\n|---|---|---|---|---|---|---|---|\n"]
    for table in truth.TABLES:
        for aspect in ("c", "p", "class"):
            for kind in ("SNV", "MNV", "indel"):
                here = {state: n for (t, a, k, state), n in counted.items() if (t, a, k) == (table, aspect, kind)}
                same, differ = here.pop(truth.AGREES, 0), here.pop(truth.DIFFERS, 0)
                if same + differ:
                    share = 100 * same / (same + differ)
                    out.append(
                        f"| {table} | {aspect} | {kind} | {same + differ} | {same} | {share:.1f} | {differ} | {sum(here.values())} |\n"
                    )
    out.append("\n## Not compared, and why\n\n| table | reason | facts |\n|---|---|---|\n")
    why = Counter((t, s) for (t, _, _, s), n in counted.items() if s not in (truth.AGREES, truth.DIFFERS) for _ in range(n))
    out += [
        f"| {table} | {reason} | {n} |\n"
        for (table, reason), n in sorted(why.items(), key=lambda x: (list(truth.TABLES).index(x[0][0]), x[0][1]))
    ]
    out.append("\n## Disagreements by rule\n\n| table | fact | right | rule | variants |\n|---|---|---|---|---|\n")
    rows = truth.disagreements(CHECKOUT / "tests" / "cases" / "annotation" / "disagreements.tsv")
    by_rule = Counter((row["table"], row["aspect"], row["right"], row["rule"]) for row in rows)
    out += [f"| {' | '.join(key)} | {n} |\n" for key, n in sorted(by_rule.items())]
    return "".join(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is out of date")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        bundles = truth.make_bundles(CHECKOUT.parent / "shared", Path(folder))
        facts = [fact for table in truth.TABLES for fact in truth.compare(bundles, table)]
    stale = 0
    for path, text in ((CHECKOUT / truth.COUNTS, counts_text(counts(facts))), (PAGE, page(facts))):
        if check:
            stale += not path.is_file() or path.read_text(encoding="utf-8") != text
        else:
            path.write_text(text, encoding="utf-8")
    found = {fact.key for fact in facts if fact.state == truth.DIFFERS}
    listed = {tuple(row[c] for c in truth.KEY) for row in truth.disagreements(CHECKOUT / truth.DISAGREEMENTS)}
    for key in sorted(found ^ listed):
        print("new disagreement" if key in found else "no longer a disagreement", *key, sep="\t")
    return int(bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
