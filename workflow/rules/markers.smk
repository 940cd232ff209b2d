# Annotated tables -> ctDNA, cell of origin, and which patient carries which marker.


rule ctdna:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.counted(),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("ctdna"),
    log:
        f"{PLAN.results}/logs/ctdna.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        results=subpath(output[0], ancestor=2),
        version=PLAN.version,
    message:
        "quantify ctDNA, its change and emergent variants"
    shell:
        "resistance ctdna {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"


rule classify:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        cohort=PLAN.cohort,
        files=PLAN.classified,
    output:
        PLAN.tables("subtype"),
    log:
        f"{PLAN.results}/logs/classify.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        results=subpath(output[0], ancestor=2),
        version=PLAN.version,
    message:
        "classify cell of origin and subtype"
    shell:
        "resistance classify {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"


rule matrix:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.tables("ctdna"),
        PLAN.tables("subtype"),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("matrix"),
    log:
        f"{PLAN.results}/logs/matrix.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        results=subpath(output[0], ancestor=2),
        version=PLAN.version,
    message:
        "match the marker statements"
    shell:
        "resistance matrix {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
