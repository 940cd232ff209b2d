"""BAM and CRAM -> counts of alleles in reads, fragments, UMI families and duplexes, and what each filter dropped.

``opened`` checks the file, ``index`` and ``stream`` give its records as they stand in it (bytes), ``record``,
``observe``, ``tally`` and ``position_kernel`` are compiled, ``sites`` says what is looked for, ``count`` makes tables.
"""
