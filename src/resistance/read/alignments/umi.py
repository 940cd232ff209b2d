"""Reads with a UMI (RX) and no family (MI) -> families, by UMI-tools; which of the two tags a file has.

UMI-tools (Smith 2017, doi 10.1101/gr.209601.116) is an optional part of the installation: it is called, not written again.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.read.alignments.opened import Alignment, quiet
from resistance.read.alignments.stream import undecoded

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: reads that are looked at for tags
LOOK = 2000
_INSTALL = (
    "Install it: pip install setuptools wheel Cython, then pip install --no-build-isolation 'resistance[umi]' "
    "(its source package is built with what is there); or group the reads yourself (fgbio GroupReadsByUmi writes MI)."
)


def tags_of(alignment: Alignment, spans: Sequence[tuple[int, int, int]]) -> tuple[int, set[str], bool]:
    """Look at the first reads over some spans.

    Parameters
    ----------
    alignment : Alignment
    spans : sequence of (contig, start, end)
        Number of the contig; 0-based, half-open.

    Returns
    -------
    int
        Mapped reads that were looked at.
    set of str
        Their tags.
    bool
        Any of them is paired.
    """
    import pysam

    found: set[str] = set()
    looked, paired = 0, False
    reference = None if alignment.fasta is None else str(alignment.fasta)
    try:
        with quiet(), pysam.AlignmentFile(str(alignment.path), reference_filename=reference, check_sq=False) as file:
            for number, start, end in spans:
                for read in file.fetch(alignment.contigs[number], max(0, start), end):
                    found.update(name for name, _ in read.get_tags())
                    paired = paired or read.is_paired
                    looked += 1
                    if looked >= LOOK:
                        return looked, found, paired
    except (OSError, ValueError) as error:
        raise undecoded(alignment) from error
    return looked, found, paired


def group_table(path: str | Path, method: str, *, tag: str | None = "RX", paired: bool = False) -> pd.DataFrame:
    """Group the reads of a BAM by position and UMI with ``umi_tools group``.

    Parameters
    ----------
    path : str or Path
        Indexed BAM.
    method : {'unique', 'percentile', 'cluster', 'adjacency', 'directional'}
    tag : str or None
        Tag that holds the UMI; None: the UMI ends the read's name, behind '_'.
    paired : bool
        The first mates are grouped, by the place of both.

    Returns
    -------
    DataFrame
        As UMI-tools writes it: read_id, contig, position, gene, umi, umi_count, final_umi, final_umi_count, unique_id.

    Raises
    ------
    InputError
        UMI-tools is not installed, or refuses the file.
    """
    import pandas as pd

    if importlib.util.find_spec("umi_tools") is None:
        raise InputError("reads have UMIs (RX) but no families (MI), and UMI-tools is not installed", path=path, remedy=_INSTALL)
    with tempfile.TemporaryDirectory(prefix="resistance_") as folder:
        out = Path(folder) / "groups.tsv"
        argv = [sys.executable, "-m", "umi_tools.umi_tools", "group", f"--method={method}", f"--group-out={out}"]
        argv += ["-I", str(path), "-L", str(Path(folder) / "log"), "--random-seed=1", f"--temp-dir={folder}"]
        if tag is not None:
            argv += ["--extract-umi-method=tag", f"--umi-tag={tag}"]
        if paired:
            argv += ["--paired", "--chimeric-pairs=discard", "--unpaired-reads=discard", "--unmapped-reads=discard"]
        # its sets of UMIs are walked in the order of their hashes: one seed gives one file
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"})
        if done.returncode or not out.exists():
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise InputError(
                "UMI-tools could not group the reads",
                path=path,
                value=said[-1] if said else None,
                remedy="Its last line stands above.",
            )
        return pd.read_csv(out, sep="\t", dtype={"read_id": str, "contig": str, "umi": str, "final_umi": str, "gene": str})


def molecules_of(groups: pd.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the hashes of the read names, sorted, and the number of the family of each.

    Parameters
    ----------
    groups : DataFrame
        From :func:`group_table`.
    """
    import numpy as np

    from resistance.read.alignments.record import hash_bytes

    encoded = [name.encode() for name in groups["read_id"]]
    ends = np.cumsum([0, *(len(name) for name in encoded)])
    data = np.frombuffer(b"".join(encoded), np.uint8)
    hashes = np.array([hash_bytes(data, ends[i], ends[i + 1]) for i in range(len(encoded))], np.uint64)
    # a name can stand twice (a read that maps to several places): the first family is taken
    unique, first = np.unique(hashes, return_index=True)
    return unique, groups["unique_id"].to_numpy(np.uint64)[first]


@contextmanager
def whole_bam(alignment: Alignment) -> Iterator[Path]:
    """Give a BAM of all reads: UMI-tools reads no CRAM."""
    if not alignment.is_cram:
        yield alignment.path
        return
    import pysam.utils

    with tempfile.TemporaryDirectory(prefix="resistance_") as folder:
        bam = Path(folder) / "reads.bam"
        with quiet():
            try:
                pysam.view("-b", "-1", "-T", str(alignment.fasta), "-o", str(bam), str(alignment.path), catch_stdout=False)
                pysam.index(str(bam))
            except pysam.utils.SamtoolsError as error:
                raise undecoded(alignment) from error
        yield bam
