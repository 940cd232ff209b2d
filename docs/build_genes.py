"""resources/ -> docs/genes/: a page per gene that a statement names, and their list.  Run it after a change of the tables."""

from __future__ import annotations

from pathlib import Path

from resistance.knowledge_export import records
from resistance.knowledge_show import gene_page
from resistance.tables import write_text

FOLDER = Path(__file__).with_name("genes")
MARK = "<!-- Written by docs/build_genes.py from resources/; do not edit by hand. -->\n"


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    counts: dict[str, list[int]] = {}
    for row in records():
        for gene in row["genes"]:
            counts.setdefault(gene, [0, 0])[0 if row["verified"] else 1] += 1
    lines = [
        "# Genes with statements",
        "",
        "One page per gene. A statement holds for its disease, drug and kind of evidence only; what was not read in its "
        "source says so. Research use only.",
        "",
        "| gene | statements read in their source | not read yet |",
        "|---|---|---|",
        *(f"| [{gene}]({gene}.md) | {read} | {unread} |" for gene, (read, unread) in sorted(counts.items())),
        "",
    ]
    out = {f"{gene}.md": MARK + gene_page(gene).rstrip() + "\n" for gene in sorted(counts)}
    return {"index.md": MARK + "\n".join(lines)} | out


if __name__ == "__main__":
    for name, text in pages().items():
        write_text(FOLDER / name, text)
    for path in FOLDER.glob("*.md"):
        if path.name not in pages():
            path.unlink()
