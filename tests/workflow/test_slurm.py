"""A run on a real Slurm (two nodes on the loopback of this machine) gives the bytes of a run without it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow_support import Ran, environment, resistance, result_files

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slurm,
    pytest.mark.shared,
    pytest.mark.long,
    pytest.mark.xdist_group("small_cohort"),
]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def slurm(shared: Path) -> Iterator[dict[str, str]]:
    """The variables of a Slurm that lives for this test."""
    missing = [name for name in ("slurmctld", "slurmd", "sinfo", "sbatch", "munged") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no Slurm here: {', '.join(missing)} missing (apt install slurmctld slurmd slurm-client munge)")
    if os.geteuid() != 0:
        pytest.skip("a Slurm of one's own needs root: slurmd starts jobs for users")
    # a link is what such a throw-away Slurm leaves when it is killed; the next one replaces it
    settings = Path("/etc/slurm/slurm.conf")
    if settings.exists() and not settings.is_symlink():
        pytest.skip(f"another Slurm is configured here ({settings})")
    # sockets have short paths, so not below pytest's folder
    lab = Path(tempfile.mkdtemp(prefix="slurm-"))
    ports = {"CTLD_PORT": free_port(), "NODE_PORT0": free_port()}
    variables = environment(SLURM_LAB=str(lab), **ports)
    up = subprocess.run(
        ["bash", str(shared / "lab" / "slurm-up.sh")], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    try:
        if "does not resolve to 127" in up.stderr:
            pytest.skip(up.stderr.strip())
        assert up.returncode == 0, up.stdout + up.stderr
        yield {"SLURM_LAB": str(lab), "SLURM_CONF": str(lab / "etc" / "slurm.conf")}
    finally:
        subprocess.run(
            ["bash", str(shared / "lab" / "slurm-down.sh")], env=variables, capture_output=True, timeout=120, check=False
        )
        shutil.rmtree(lab, ignore_errors=True)


def test_slurm_gives_the_bytes_of_a_local_run(ran: Ran, slurm: dict[str, str]) -> None:
    # the profile's waits are for real clusters; this one has a single disk
    quick = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"]
    words = ["run", "cohort/cohort.yaml", "--output", "slurm", "--profile", "slurm", "--", *quick]
    done = resistance(ran.folder, *words, timeout=540, **slurm)
    assert done.returncode == 0, done.stdout
    assert "has been submitted with SLURM jobid" in done.stdout
    local, remote = result_files(ran.folder / "local"), result_files(ran.folder / "slurm")
    assert list(local) == list(remote)
    assert [name for name in local if local[name] != remote[name]] == []
