"""Fixtures that several rooms of the test house share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent

# speed is measured in benchmarks/: a test that fails because the machine is busy says nothing
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that share a run of the workflow: they stay on one worker, and the others go on beside them."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the source tree."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real cohorts and reference values beside the checkout; skips where it is absent."""
    folder = CHECKOUT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside the checkout: real cohorts and reference values are not here")
    return folder


@pytest.fixture
def write_chain(tmp_path: Path):
    """Write a chain file from pieces (source, start, target, strand, start, blocks) between two builds.

    Starts are 1-based and on the forward strand of each genome: of the piece's first source base, and of
    its lowest target base. Blocks are (size, gap in the source, gap in the target), the last (size, 0, 0).
    """
    import gzip

    from resistance.contigs import contig_lengths

    def write(*pieces: tuple, builds=("GRCh37", "GRCh38"), prefix=("", ""), name="test.chain", lengths=None) -> Path:
        sizes = [{**contig_lengths(build), "MT": 16569, "GL1": 5000, **(lengths or {})} for build in builds]
        lines = []
        for number, (source, start, target, strand, low, blocks) in enumerate(pieces, start=1):
            of = sum(size + gap for size, gap, _ in blocks)
            to = sum(size + gap for size, _, gap in blocks)
            begin = low - 1 if strand == "+" else sizes[1][target] - (low - 1 + to)
            lines.append(
                f"chain 1000 {prefix[0]}{source} {sizes[0][source]} + {start - 1} {start - 1 + of} "
                f"{prefix[1]}{target} {sizes[1][target]} {strand} {begin} {begin + to} {number}\n"
            )
            lines += [f"{size}\t{gap}\t{other}\n" for size, gap, other in blocks[:-1]]
            lines.append(f"{blocks[-1][0]}\n\n")
        path = tmp_path / name
        text = "".join(lines).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    return write
