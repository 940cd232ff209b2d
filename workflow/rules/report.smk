# Everything -> one page, the tables beside it, and what it was made from.


rule report:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.tables("ctdna"),
        PLAN.tables("subtype"),
        PLAN.tables("matrix"),
        PLAN.tables("associate"),
        PLAN.trained(),
        f"{PLAN.results}/associate/plan.json",
        cohort=PLAN.cohort,
    output:
        page=f"{PLAN.results}/report/report.html",
        content=f"{PLAN.results}/report/report.json",
        patients=multiext(f"{PLAN.results}/report/patients", ".html", ".json"),
        plan=f"{PLAN.results}/report/plan.html",
        checklists=f"{PLAN.results}/report/checklists.html",
        provenance=f"{PLAN.results}/report/provenance.json",
        tables=directory(f"{PLAN.results}/report/tables"),
    log:
        f"{PLAN.results}/logs/report.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        results=subpath(output.page, ancestor=2),
        version=PLAN.version,
    message:
        "write {output.page}"
    shell:
        "resistance report {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
