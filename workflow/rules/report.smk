# Everything -> one page, the tables beside it, and what it was made from.


rule report:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.tables("ctdna"),
        PLAN.tables("subtype"),
        PLAN.tables("matrix"),
        PLAN.tables("associate"),
        f"{PLAN.results}/associate/plan.json",
        cohort=PLAN.cohort,
    output:
        f"{PLAN.results}/report/report.html",
        f"{PLAN.results}/report/report.json",
        f"{PLAN.results}/report/provenance.json",
        tables=directory(f"{PLAN.results}/report/tables"),
    log:
        f"{PLAN.results}/logs/report.log",
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        version=PLAN.version,
    shell:
        "resistance report {input.cohort:q} --results {PLAN.results:q} > {log:q} 2>&1"
