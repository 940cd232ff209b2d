"""What the stage ``subtype`` derives: classes, scores, and how methods agree."""

from __future__ import annotations

from resistance.schemas.parts import PATIENT_COLUMN, SAMPLE_COLUMN
from resistance.tables import Column, Schema

#: what a method or label can classify
CLASSIFIED = ("cell_of_origin", "genetic", "expression_class", "risk")

SUBTYPES = Schema(
    "subtypes",
    "One row per patient and classification method.",
    (
        PATIENT_COLUMN,
        Column("sample_id", "text", "Sample it was called on; NA for a label given per patient."),
        Column("method", "text", "Method: label:<name>, hans ...", required=True),
        Column(
            "kind",
            "text",
            "What is classified; only methods of one kind are compared.",
            allowed=CLASSIFIED,
        ),
        Column("subtype", "text", "Class, or UNCLASSIFIED; NA when it could not be called."),
        Column("score", "real", "Score where the method has one."),
        Column(
            "probability", "real", "Of the called class; of the most probable one where the call is UNCLASSIFIED.", low=0, high=1
        ),
        Column("probabilities", "text", "Of every class, as 'ABC=0.93;GCB=0.07'."),
        Column("features_used", "integer", "Genes or features that the call rests on.", low=0),
        Column("features_missing", "text", "Names of those that the data do not have, joined by ';'."),
        Column("weight_missing", "real", "Their share of the method's weight, 0..1.", low=0, high=1),
        Column("flags", "text", "Quality, joined by ';'."),
        Column(
            "verified",
            "flag",
            "The rule was read in its source; NA for a label.",
        ),
        Column("borderline", "flag", "A percentage that the call rests on lies within 5 points of its cut-off."),
        Column("reason", "text", "In words.", required=True),
    ),
    key=("patient_id", "method"),
)
SCORES = Schema(
    "scores",
    "One row per sample and score of expression, usable as a continuous marker (score:<name>).",
    (
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        Column("name", "text", "Name of the score.", required=True),
        Column("value", "real", "The score; NA where it could not be computed."),
        Column("unit", "text", "Scale, in words."),
        Column("features_used", "integer", "Genes used.", low=0),
        Column("features_missing", "text", "Genes of the score that the data do not have, joined by ';'."),
        Column("weight_missing", "real", "Their share of the score's weight, 0..1.", low=0, high=1),
        Column(
            "verified",
            "flag",
            "The gene list was read in its source; a file of the study's own gene sets is its own source.",
            required=True,
        ),
        Column("note", "text", "What is missing and why."),
    ),
    key=("sample_id", "name"),
)
CONCORDANCE = Schema(
    "concordance",
    "One row per pair of methods of one kind: how often they agree on the patients that both called (ABC counts as non-GCB beside "
    "a method that knows only GCB and non-GCB).",
    (
        Column("method_1", "text", "Method.", required=True),
        Column("method_2", "text", "Method.", required=True),
        Column("kind", "text", "What both classify.", required=True, allowed=CLASSIFIED),
        Column("n_both", "integer", "Patients called by both, UNCLASSIFIED as a call.", required=True, low=0),
        Column("agree_both", "integer", "Of these with the same call.", required=True, low=0),
        Column("unclassified_1", "integer", "Of these UNCLASSIFIED by the first.", required=True, low=0),
        Column("unclassified_2", "integer", "Of these UNCLASSIFIED by the second.", required=True, low=0),
        Column("n", "integer", "Patients with a definite class by both.", required=True, low=0),
        Column("agree", "integer", "Of these with the same class.", required=True, low=0),
        Column("agreement", "real", "agree / n.", low=0, high=1),
        Column("agreement_ci_low", "real", "95 % exact interval.", low=0, high=1),
        Column("agreement_ci_high", "real", "95 % exact interval.", low=0, high=1),
        Column("kappa", "real", "Cohen's kappa over the n; NA where it is not defined.", low=-1, high=1),
        Column("kappa_ci_low", "real", "95 % interval (large-sample standard error).", low=-1, high=1),
        Column("kappa_ci_high", "real", "95 % interval (large-sample standard error).", low=-1, high=1),
        Column("kappa_both", "real", "Kappa over the n_both, UNCLASSIFIED as a class of its own.", low=-1, high=1),
        Column("note", "text", "What to beware of."),
    ),
    key=("method_1", "method_2"),
)
DISAGREEMENTS = Schema(
    "disagreements",
    "One row per patient and pair of methods of one kind whose calls differ, with what each call rests on.",
    (
        PATIENT_COLUMN,
        Column("method_1", "text", "Method.", required=True),
        Column("subtype_1", "text", "Its call.", required=True),
        Column("method_2", "text", "Method.", required=True),
        Column("subtype_2", "text", "Its call.", required=True),
        Column(
            "difference",
            "text",
            "other_class: two definite classes; unclassified: one of the two leaves it open.",
            required=True,
            allowed=("other_class", "unclassified"),
        ),
        Column("why", "text", "What may explain it: borderline, low quality, other sample ...; NA where nothing is known."),
        Column("reason_1", "text", "Of the first call.", required=True),
        Column("reason_2", "text", "Of the second call.", required=True),
    ),
    key=("patient_id", "method_1", "method_2"),
)
