"""What was found in a cBioPortal study -> the text of a commented cohort file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

#: begins each line of the cohort file that says what is left to decide
OPEN = "#   - "


@dataclass(frozen=True)
class Event:
    """A time-to-event endpoint: its columns and the codes as they stand in the file."""

    label: str
    time: str
    status: str
    happened: list[str]
    censored: list[str]
    negative: bool


@dataclass(frozen=True)
class Panel:
    """An assay: genes (None: all of them) and samples, as files beside the cohort file."""

    kind: str
    genes: str | None
    samples: str
    source: str


@dataclass
class Study:
    """What the folder of a study says."""

    name: str
    title: str
    citation: str | None
    disease: str
    patients_file: str
    samples_file: str
    join_samples: bool
    several_samples: bool
    patient_columns: list[str]
    sample_columns: list[str]
    build: str = "GRCh37"
    build_from: str | None = None
    sex: dict[str, str | None] = field(default_factory=dict)
    age: str | None = None
    ipi: str | None = None
    events: dict[str, Event] = field(default_factory=dict)
    response: tuple[str, list[str], list[str], list[str]] | None = None
    mutations: str | None = None
    sequenced: str | None = None
    copy_number: list[tuple[str, str]] = field(default_factory=list)
    structural: str | None = None
    expression: list[tuple[str, str | None, str]] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    open_points: list[str] = field(default_factory=list)


def _q(value: object) -> str:
    """Return a value as YAML takes it in one line (JSON is YAML)."""
    return json.dumps(value, ensure_ascii=False)


def cohort_text(study: Study) -> str:
    """Return the cohort file of a study, with what is left to decide at its top."""
    points = list(study.open_points)
    points.append("Did the patients have an IMiD? Set study.imid, or map the patients' columns 'treatment' and 'imid'.")
    if study.several_samples:
        points.append(
            "Some patients have several samples: say under samples.columns what was sampled (material) and when (timepoint)."
        )
    else:
        points.append("Every sample is taken for tumour at baseline: correct samples.columns where that is not so.")
    if not study.events and study.response is None:
        points.append("There is no endpoint yet, and without one the file is refused.")
    if any(unit is None for _, unit, _ in study.expression):
        points.append("Expression: say what its numbers are (unit: counts, tpm or log2) and uncomment it.")
    if study.structural is not None:
        points.append("Structural variants: an assay of kind fusion must say in whom they were looked for.")
    lines = [
        f"# Cohort file of the cBioPortal study {study.name}, written by `resistance import-cbioportal`.",
        "# Paths are relative to this file. `resistance check cohort.yaml` says what is wrong.",
        "# To decide before the first run:",
        *(f"{OPEN}{point}" for point in points),
        "resistance: 1",
        "",
        "study:",
        f"  name: {_q(file_name(study.name))}",
        f"  title: {_q(study.title)}",
        f"  build: {study.build}  # {study.build_from or 'not named by the files'}",
        f"  disease: {_q(study.disease)}",
        "  # imid: false  # true: every patient had an IMiD; false: none had (prognostic only)",
        *([f"  citation: {_q(study.citation)}"] if study.citation else []),
        "",
        *_clinic(study),
        "",
        *_endpoints(study),
        "",
        *_molecular(study),
        *_assays(study),
    ]
    return "\n".join(lines) + "\n"


def file_name(text: str) -> str:
    """Return a name that can stand in a path: letters, digits, ``_.-``."""
    clean = "".join(x if x.isascii() and (x.isalnum() or x in "_.-") else "_" for x in text).lstrip("_.-")
    return clean or "study"


def _clinic(study: Study) -> list[str]:
    out = ["patients:", f"  file: {_q(study.patients_file)}", "  comment: '#'"]
    if study.join_samples:
        out += [
            "  join:  # one sample per patient: its columns are used as patients' columns, with SAMPLE_ before their names",
            f"    - {{file: {_q(study.samples_file)}, comment: '#', patient_id: PATIENT_ID, prefix: SAMPLE_}}",
        ]
    out += ["  columns:", "    patient_id: PATIENT_ID"]
    if study.sex:
        out.append(f"    sex: {{column: SEX, values: {_q(study.sex)}}}")
    if study.age is not None:
        out.append(f"    age_years: {{column: {_q(study.age)}, unit: years}}")
    out.append("    # treatment: COLUMN_WITH_THE_REGIMEN")
    out += ["  # columns of the file: " + ", ".join(study.patient_columns)]
    if study.ipi is not None:
        out += ["", "covariates:", f"  ipi: {_q(study.ipi)}"]
    out += [
        "",
        "samples:",
        f"  file: {_q(study.samples_file)}",
        "  comment: '#'",
        "  columns:",
        "    sample_id: SAMPLE_ID",
        "    patient_id: PATIENT_ID",
        "    material: {constant: tumour}",
        "    timepoint: {constant: baseline}",
        "  # columns of the file: " + ", ".join(study.sample_columns),
    ]
    return out


def _endpoints(study: Study) -> list[str]:
    example = [
        "  # os:",
        "  #   label: Overall survival",
        "  #   kind: time_to_event",
        "  #   origin: diagnosis",
        "  #   survival: {time: {column: OS_MONTHS, unit: months}, event: OS_STATUS, event_codes: [], censored_codes: []}",
    ]
    out = ["endpoints:  # the codes are those of the file; correct them where the study means something else"]
    for key, event in study.events.items():
        out += [
            f"  {key}:",
            f"    label: {_q(event.label)}",
            "    kind: time_to_event",
            "    origin: diagnosis  # cBioPortal does not say; correct it, the report prints it",
            "    survival:",
            f"      time: {{column: {_q(event.time)}, unit: months}}",
            f"      event: {_q(event.status)}",
            f"      event_codes: {_q(event.happened)}",
            f"      censored_codes: {_q(event.censored)}",
            *(
                ["      on_negative_time: exclude  # there are negative times; those patients are counted"]
                if event.negative
                else []
            ),
        ]
    if study.response is not None:
        column, yes, no, neither = study.response
        out += [
            "  response:",
            "    label: Response",
            "    kind: binary",
            f"    value: {_q(column)}",
            f"    positive: {_q(yes)}",
            f"    negative: {_q(no)}",
            *([f"    not_evaluable: {_q(neither)}  # neither: counted and left out"] if neither else []),
        ]
    return out if len(out) > 1 else [*out, *example]


def _molecular(study: Study) -> list[str]:
    out: list[str] = []
    if study.mutations is not None:
        out += ["variants:", f"  - {{format: maf, file: {_q(study.mutations)}}}", ""]
    if study.copy_number:
        out.append("copy_number:")
        out += [
            f"  {'# ' if i else ''}- {{format: {form}, file: {_q(file)}}}" for i, (form, file) in enumerate(study.copy_number)
        ]
        out.append("")
    if study.structural is not None:
        out += ["fusions:", f"  - {{format: cbioportal_sv, file: {_q(study.structural)}}}", ""]
    known = next((i for i, (_, unit, _) in enumerate(study.expression) if unit is not None), None)
    for i, (file, unit, text) in enumerate(study.expression):
        mark = "" if i == known else "# "
        out += [f"# {text}"] if text else []
        out += [f"{mark}expression: {{file: {_q(file)}, unit: {unit or 'UNIT'}, platform: rnaseq}}", ""]
    return out


def _assays(study: Study) -> list[str]:
    out = ["assays:" if study.panels else "# assays:"]
    for panel in study.panels:
        genes = "genes: ['*']" if panel.genes is None else f"gene_list: {_q(panel.genes)}"
        out.append(
            f"  - {{kind: {panel.kind}, {genes}, samples: in_file, samples_file: {_q(panel.samples)}, sample_id: sample_id}}  # {panel.source}"
        )
    if study.mutations is not None and not any(panel.kind == "mutation" for panel in study.panels):
        who = f", samples: in_file, samples_file: {study.sequenced}, sample_id: sample_id" if study.sequenced else ""
        out += [
            "  # what was sequenced is not in the study; one of:",
            f"  # - {{kind: mutation, genes: ['*']{who}}}  # a whole exome, published whole",
            f"  # - {{kind: mutation, gene_list: panel_genes.txt{who}}}  # a panel, or an exome of which some genes were published",
        ]
    if study.structural is not None:
        out.append("  # - {kind: fusion, genes: [BCL2, BCL6, MYC]}  # genes whose rearrangements were looked for, and in whom")
    return out
