"""BAM and CRAM files -> counts: of variants, of every position of a panel, of SNPs; and the quality of cell-free DNA."""
