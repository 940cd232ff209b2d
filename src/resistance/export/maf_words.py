"""What a variant does, in our words -> Variant_Classification and Variant_Type of a MAF.

After GDC's MAF format v1.0.0 and vcf2maf's GetVariantClassification (Kandoth, doi:10.5281/zenodo.593251),
with one difference: the class is never stronger than ours.  vcf2maf calls ``coding_sequence_variant``
a missense mutation; here it is ``Targeted_Region``, so that reading the MAF again finds the same markers.
"""

from __future__ import annotations

#: no effect on a gene is known
UNKNOWN = "Unknown"
#: neither coding nor in the words below
OTHER = "Targeted_Region"
_BY_CLASS = {
    "splice": "Splice_Site",
    "start_lost": "Translation_Start_Site",
    "stop_lost": "Nonstop_Mutation",
    "missense": "Missense_Mutation",
    "synonymous": "Silent",
    "other": OTHER,
}
#: Sequence Ontology terms of effects outside the coding sequence
NONCODING = {
    "3_prime_UTR_truncation": "3'UTR",
    "3_prime_UTR_variant": "3'UTR",
    "5_prime_UTR_premature_start_codon_gain_variant": "5'UTR",
    "5_prime_UTR_truncation": "5'UTR",
    "5_prime_UTR_variant": "5'UTR",
    "NMD_transcript_variant": "RNA",
    "TFBS_ablation": "IGR",
    "TFBS_amplification": "IGR",
    "TF_binding_site_variant": "IGR",
    "coding_transcript_variant": "RNA",
    "conserved_intergenic_variant": "IGR",
    "conserved_intron_variant": "Intron",
    "downstream_gene_variant": "3'Flank",
    "exon_variant": "RNA",
    "intergenic_variant": "IGR",
    "intragenic_variant": "Intron",
    "intron_variant": "Intron",
    "mature_miRNA_variant": "RNA",
    "non_coding_transcript_exon_variant": "RNA",
    "non_coding_transcript_splice_region_variant": "RNA",
    "non_coding_transcript_variant": "RNA",
    "regulatory_region_ablation": "IGR",
    "regulatory_region_amplification": "IGR",
    "regulatory_region_variant": "IGR",
    "splice_donor_5th_base_variant": "Splice_Region",
    "splice_donor_region_variant": "Splice_Region",
    "splice_polypyrimidine_tract_variant": "Splice_Region",
    "splice_region_variant": "Splice_Region",
    "upstream_gene_variant": "5'Flank",
}


def net_length(ref: str, alt: str) -> int:
    """Return how many bases are gained ('-' is none)."""
    return len(alt.replace("-", "")) - len(ref.replace("-", ""))


def variant_classification(effect_class: str, consequence: str, gained: int) -> str:
    """Return a MAF's Variant_Classification.

    Parameters
    ----------
    effect_class : str
        As in the effects table.
    consequence : str
        Sequence Ontology terms, most severe first, joined by '&'; may be empty.
    gained : int
        See :func:`net_length`.

    Examples
    --------
    >>> variant_classification("truncating", "frameshift_variant", -1)
    'Frame_Shift_Del'
    >>> variant_classification("noncoding", "splice_region_variant&intron_variant", 0)
    'Splice_Region'
    """
    terms = consequence.split("&")
    if effect_class == "truncating":
        if terms[0] == "stop_gained" or gained == 0:
            return "Nonsense_Mutation"
        return "Frame_Shift_Ins" if gained > 0 else "Frame_Shift_Del"
    if effect_class == "inframe_indel":
        deletion = gained < 0 or (gained == 0 and any("deletion" in term for term in terms))
        return "In_Frame_Del" if deletion else "In_Frame_Ins"
    if effect_class == "noncoding":
        return next((NONCODING[term] for term in terms if term in NONCODING), "RNA")
    return _BY_CLASS[effect_class]


def variant_type(ref: str, alt: str) -> str:
    """Return SNP, DNP, TNP, ONP, INS or DEL; a change of both sequence and length is what its net length is.

    Examples
    --------
    >>> variant_type("-", "T"), variant_type("CC", "TT"), variant_type("ACG", "T")
    ('INS', 'DNP', 'DEL')
    """
    gained = net_length(ref, alt)
    if gained:
        return "INS" if gained > 0 else "DEL"
    return {1: "SNP", 2: "DNP", 3: "TNP"}.get(len(ref), "ONP")
