# Annotated tables -> ctDNA, cell of origin, and which patient carries which marker.


rule ctdna:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("ctdna"),
    log:
        f"{PLAN.results}/logs/ctdna.log",
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        version=PLAN.version,
    shell:
        "resistance ctdna {input.cohort:q} --results {PLAN.results:q} > {log:q} 2>&1"


rule subtype:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("subtype"),
    log:
        f"{PLAN.results}/logs/subtype.log",
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        version=PLAN.version,
    shell:
        "resistance subtype {input.cohort:q} --results {PLAN.results:q} > {log:q} 2>&1"


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
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        version=PLAN.version,
    shell:
        "resistance matrix {input.cohort:q} --results {PLAN.results:q} > {log:q} 2>&1"
