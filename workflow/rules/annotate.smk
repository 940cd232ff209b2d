# Effects that the callers' annotation gives -> one effect per variant and gene.


rule annotate:
    input:
        PLAN.tables("cohort"),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("annotate"),
    log:
        f"{PLAN.results}/logs/annotate.log",
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        version=PLAN.version,
    shell:
        "resistance annotate {input.cohort:q} --results {PLAN.results:q} > {log:q} 2>&1"
