# The cohort's variants, looked for in the alignments of a batch of samples; without 'ctdna.alignments' no job.


rule pileup:
    input:
        PLAN.tables("cohort"),
        cohort=PLAN.cohort,
        files=lambda wildcards: PLAN.alignments[wildcards.reads],
        normals=lambda wildcards: PLAN.normals(wildcards.reads),
    output:
        PLAN.pileup_tables("{reads}"),
    log:
        f"{PLAN.results}/logs/pileup/{{reads}}.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
    params:
        results=subpath(output[0], ancestor=3),
        version=PLAN.version,
    message:
        "count the variants in the alignments of {wildcards.reads}"
    shell:
        "resistance pileup {input.cohort:q} --results {params.results:q} --batch {wildcards.reads} > {log:q} 2>&1"
