# Marker states and endpoints -> the plan of the analysis, then its answers.


rule associate:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.tables("ctdna"),
        PLAN.tables("subtype"),
        PLAN.tables("matrix"),
        cohort=PLAN.cohort,
    output:
        multiext(f"{PLAN.results}/associate/plan", ".json", ".html"),
        PLAN.tables("associate"),
    log:
        f"{PLAN.results}/logs/associate.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
    params:
        results=subpath(output[0], ancestor=2),
        version=PLAN.version,
    message:
        "write the analysis plan and answer it"
    shell:
        "resistance associate {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
