# Effects that the callers' annotation gives -> one effect per variant and gene.


rule annotate:
    input:
        PLAN.tables("cohort"),
        cohort=PLAN.cohort,
    output:
        PLAN.tables("annotate"),
    log:
        f"{PLAN.results}/logs/annotate.log",
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
        "choose one effect per variant and gene"
    shell:
        "resistance annotate {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
