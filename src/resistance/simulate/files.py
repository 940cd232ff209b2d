"""A seed -> the simulated cohort's files as bytes, by their path in the folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from resistance.simulate import clinic, measured, truth
from resistance.simulate.bgzf import compress
from resistance.simulate.clinic import Cell
from resistance.simulate.cohort_file import NOTE, cohort_text
from resistance.simulate.expression import HOUSEKEEPING, coo_label, coo_score, ihc, nanostring_counts, rna
from resistance.simulate.genes import load_genes
from resistance.simulate.patients import Patient, make_patients
from resistance.simulate.reads import Plasma, alignments, bed, regions_around, snp_vcf
from resistance.simulate.somatic import Clone, carried, make_clones, plasma_calls, plasma_fractions, tumour_calls
from resistance.simulate.streams import allot, streams
from resistance.simulate.structural import IGH, copy_number, translocations
from resistance.simulate.vcf import panel, plasma_vcf, tumour_vcf
from resistance.simulate.visits import Sample, make_samples

Streams = dict[str, np.random.Generator]
#: patients whose plasma is simulated read by read, variants of each in the panel, and controls
SEQUENCED, REGIONS, CONTROLS = 2, 5, 2


def tsv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a tab separated table; None is NA, whole numbers have no point."""

    def text(cell: Cell) -> str:
        if cell is None:
            return "NA"
        return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)

    lines = ["\t".join(columns), *("\t".join(text(cell) for cell in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _listing(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def cohort_files(*, seed: int, n_patients: int) -> dict[str, bytes]:
    """Return every file of the cohort, by path."""
    random = streams(seed)
    patients = make_patients(random, n_patients)
    samples = make_samples(random["visits"], patients)
    clones = {p.name: make_clones(random["somatic"], p) for p in patients}
    tumours = [s for s in samples if not s.plasma]
    sequenced = [s for s in tumours if s.relapse or not s.patient.tumour_failed]
    files: dict[str, bytes] = {
        "README.md": _readme(seed, patients, samples),
        "cohort.yaml": cohort_text(seed=seed, n_patients=n_patients).encode("utf-8"),
    }
    purity: dict[str, float] = {}
    fractions: dict[str, float] = {}
    paths = {
        **_tumour_files(random, sequenced, clones, files, purity),
        **_plasma_files(random, samples, clones, files, fractions),
    }
    bams = _alignment_files(random["reads"], samples, clones, fractions, files)
    files["samples.tsv"] = tsv(
        ("sample", "subject", "material", "visit", "study_day", "plasma_ml", "cfdna_ng_per_ml", "tumour_cells_percent", "vcf", "bam"),
        [
            [s.name, s.patient.name, "Plasma" if s.plasma else "Tumour biopsy", s.visit, s.day, s.plasma_ml, s.cfdna_ng_per_ml, purity.get(s.name), paths.get(s.name), bams.get(s.name)]
            for s in samples
        ],
    )  # fmt: skip
    small = [s.name for s in samples if s.plasma or (s in sequenced and s.patient.small_panel)]
    full = [s.name for s in sequenced if not s.patient.small_panel]
    files["panel_full.txt"] = _listing(panel(small=False))
    files["panel_small.txt"] = _listing(panel(small=True))
    files["assayed_full_panel.tsv"] = _listing(["sample", *full])
    files["assayed_small_panel.tsv"] = _listing(["sample", *small])
    labels = _expression_files(random, tumours, patients, files)
    _structural_files(random, patients, sequenced, tumours, files)
    _measured_files(random, samples, files)
    rng = random["clinic"]
    files["patients.tsv"] = tsv(clinic.PATIENT_COLUMNS, clinic.patient_rows(random["gaps"], patients, labels))
    files["treatments.tsv"] = tsv(("subject", "line", "regimen", "first_day", "last_day"), clinic.treatment_rows(rng, patients))
    files["adverse_events.tsv"] = tsv(
        ("subject", "ctcae_term", "grade", "drug", "cycle", "study_day"), clinic.adverse_event_rows(rng, patients)
    )
    files["truth/truth.json"] = truth.truth_json(patients, clones, seed=seed).encode("utf-8")
    files["truth/truth_effects.tsv"] = tsv(truth.EFFECT_COLUMNS, truth.effect_rows(patients))
    files["truth/truth_patients.tsv"] = tsv(truth.PATIENT_COLUMNS, truth.patient_rows(patients))
    files["truth/truth_emergent.tsv"] = tsv(truth.EMERGENT_COLUMNS, truth.emergent_rows(patients, clones, samples))
    return dict(sorted(files.items()))


def _tumour_files(
    random: Streams, sequenced: list[Sample], clones: dict[str, list[Clone]], files: dict[str, bytes], purity: dict[str, float]
) -> dict[str, str]:
    paths = {}
    for sample in sequenced:
        paths[sample.name] = f"vcf/tumour/{sample.name}.vcf.gz"
        cells, calls = tumour_calls(random["tumour"], sample, clones[sample.patient.name])
        purity[sample.name] = float(5 * round(cells * 20))  # as a pathologist writes it: in steps of five percent
        files[paths[sample.name]] = compress(tumour_vcf(sample.name, calls))
    return paths


def _plasma_files(
    random: Streams,
    samples: list[Sample],
    clones: dict[str, list[Clone]],
    files: dict[str, bytes],
    found: dict[str, float],
) -> dict[str, str]:
    """Write the VCFs of all plasma and the VAF of a clonal variant in each (into `found`); return the paths."""
    by_patient: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.plasma:
            by_patient.setdefault(sample.patient.name, []).append(sample)
    paths = {}
    for name, mine in by_patient.items():
        fractions = plasma_fractions(random["plasma"], mine[0].patient, mine)
        found.update({s.name: fraction for s, fraction in zip(mine, fractions, strict=True)})
        rows = plasma_calls(random["plasma"], mine, fractions, clones[name])
        path = f"vcf/plasma/{name}.vcf.gz"
        files[path] = compress(plasma_vcf([s.name for s in mine], rows))
        paths.update({s.name: path for s in mine})
    return paths


def _alignment_files(
    rng: np.random.Generator,
    samples: list[Sample],
    clones: dict[str, list[Clone]],
    fractions: dict[str, float],
    files: dict[str, bytes],
) -> dict[str, str]:
    """Write the alignments of some patients' plasma, of controls, and their panel; return the paths by sample."""
    series: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.plasma:
            series.setdefault(sample.patient.name, []).append(sample)
    longest = max(len(mine) for mine in series.values())
    whole = [mine for mine in series.values() if len(mine) == longest and mine[0].patient.arm != "IC"]
    chosen = sorted(whole, key=lambda mine: (not mine[0].patient.crbn_emerges, mine[0].patient.response != "CR"))[:SEQUENCED]
    followed = {}
    for mine in chosen:
        shown = [c for c in clones[mine[0].patient.name] if load_genes()[c.variant.gene].small_panel]
        followed[mine[0].patient.name] = sorted(shown, key=lambda c: (not c.origin.startswith("emergent"), c.before < 1))[
            :REGIONS
        ]
    regions = regions_around(
        [clone.variant for mine in followed.values() for clone in mine], [c.variant for mine in clones.values() for c in mine]
    )
    paths = {}
    people = list(followed)
    for number, mine in enumerate(chosen):
        for sample in mine:
            vafs = [(c.variant, carried(c, sample) * fractions[sample.name]) for c in followed[sample.patient.name]]
            # one sample holds some of the other patient's DNA, for the check of identity to find
            stranger = people[0] if number == 1 and sample is mine[1] else None
            plasma = Plasma(sample.name, sample.patient.name, vafs, stranger)
            paths[sample.name] = f"bam/{sample.name}.bam"
            files[paths[sample.name]], files[f"{paths[sample.name]}.csi"] = alignments(rng, plasma, regions)
    controls = [f"HC-{k + 1:02d}" for k in range(CONTROLS)]
    for name in controls:
        files[f"bam/{name}.bam"], files[f"bam/{name}.bam.csi"] = alignments(rng, Plasma(name, name, []), regions)
    files["controls.tsv"] = tsv(("control", "bam"), [[name, f"bam/{name}.bam"] for name in controls])
    files["bam_panel.bed"] = bed(regions).encode("utf-8")
    files["common_snps.vcf"] = snp_vcf(regions).encode("utf-8")
    return paths


def _expression_files(
    random: Streams, tumours: list[Sample], patients: list[Patient], files: dict[str, bytes]
) -> dict[str, str | None]:
    """Write RNA, NanoString and IHC; return the cell of origin by NanoString, None where it was not done."""
    rng = random["expression"]
    baseline = [s for s in tumours if not s.relapse]
    no_rna = allot(rng, [0] * len(tumours), [0.08] * len(tumours))
    with_rna = [s for s, missing in zip(tumours, no_rna, strict=True) if not missing]
    no_counts = allot(rng, [0] * len(baseline), [0.04] * len(baseline))
    counted = [s for s, missing in zip(baseline, no_counts, strict=True) if not missing]
    counts = {s.name: nanostring_counts(rng, s.patient) for s in counted}
    labels: dict[str, str | None] = dict.fromkeys((p.name for p in patients), None)
    labels.update({s.patient.name: coo_label(coo_score(counts[s.name])) for s in counted})
    codes = sorted(counts[counted[0].name])
    files["nanostring.tsv"] = tsv(
        ("code", "code_class", *counts),
        [[code, "Housekeeping" if code in HOUSEKEEPING else "Endogenous", *(c[code] for c in counts.values())] for code in codes],
    )
    files["expression.tsv"] = tsv(("gene", *(s.name for s in with_rna)), [[gene, *values] for gene, values in rna(rng, with_rna)])
    files["assayed_rna.tsv"] = _listing(["sample", *(s.name for s in with_rna)])
    antibodies = ("CD10", "BCL6", "MUM1", "MYC", "BCL2")
    stained = [(s, ihc(random["ihc"], s.patient)) for s in baseline]
    files["ihc.tsv"] = tsv(("sample", *antibodies), [[s.name, *(values[a] for a in antibodies)] for s, values in stained])
    return labels


def _structural_files(
    random: Streams, patients: list[Patient], sequenced: list[Sample], tumours: list[Sample], files: dict[str, bytes]
) -> None:
    rng = random["copy_number"]
    states = copy_number(rng, patients, sequenced)
    files["copy_number.tsv"] = tsv(("Hugo_Symbol", *(s.name for s in sequenced)), [[gene, *values] for gene, values in states])
    files["copy_number_genes.txt"] = _listing(gene for gene, _ in states)
    files["assayed_copy_number.tsv"] = _listing(["sample", *(s.name for s in sequenced)])
    baseline = [s for s in tumours if not s.relapse]
    no_fish = allot(rng, [0] * len(baseline), [0.06] * len(baseline))
    fish = {s.patient.name: s.name for s, missing in zip(baseline, no_fish, strict=True) if not missing}
    files["assayed_fish.tsv"] = _listing(["sample", *fish.values()])
    files["fusions.tsv"] = tsv(
        ("sample", "gene_a", "chrom_a", "pos_a", "gene_b", "chrom_b", "pos_b", "reads"),
        [
            [fish[name], event.gene, event.chrom, near, "IGH", IGH[0], far, reads]
            for name, event, near, far, reads in translocations(rng, patients)
            if name in fish
        ],
    )


def _measured_files(random: Streams, samples: list[Sample], files: dict[str, bytes]) -> None:
    rng = random["measured"]
    files["serum.tsv"] = tsv(("sample", "crbn_ng_per_ml"), measured.serum_rows(rng, samples))
    files["scores.tsv"] = tsv(("sample", *measured.SCORES), measured.score_rows(rng, samples))
    files["transcripts.tsv"] = tsv(("sample", "crbn_without_exon10_percent"), measured.splice_rows(rng, samples))


def _readme(seed: int, patients: list[Patient], samples: list[Sample]) -> bytes:
    return f"""\
# Simulated cohort

**{NOTE}**

{len(patients)} simulated patients with relapsed DLBCL and {len(samples)} samples, written by `resistance simulate --seed {seed}`.
Arms: lenalidomide (LEN), lenalidomide + rituximab (R2), chemotherapy of the investigator's choice (IC, the control).

| file | what |
|---|---|
| cohort.yaml | the cohort file: what stands where, and the plan of the analysis |
| patients.tsv, treatments.tsv, adverse_events.tsv | clinic; months in the survival columns, `PFS_EVENT` 1 = progressed or died |
| samples.tsv | one row per sample; `study_day` counts from the start of treatment |
| vcf/tumour | one VCF per tumour sample, GRCh38, VEP CSQ annotation |
| vcf/plasma | one VCF per patient, all plasma samples; every followed variant has a row, with 0 reads where it was not seen |
| panel_full.txt, panel_small.txt | genes of the two panels; plasma and every fifth patient's tumours had the small one |
| assayed_*.tsv | samples in which an assay worked: what is missing there is not assessed, not absent |
| bam/, controls.tsv, bam_panel.bed, common_snps.vcf | reads of a small panel, of {SEQUENCED} patients' plasma and of {CONTROLS} controls; one sample holds another person's DNA |
| copy_number.tsv, fusions.tsv, expression.tsv, nanostring.tsv, ihc.tsv, serum.tsv, scores.tsv, transcripts.tsv | the other assays |
| truth/ | what was planted: effects (natural log scale), patients, variants that emerge |

Positions, transcripts and hot spots are real; other bases are made up, and a check against GRCh38 would refuse them.
Sources of frequencies and effects: `truth/truth.json`, and `resources/simulation/README.md` of the project.
""".encode()
