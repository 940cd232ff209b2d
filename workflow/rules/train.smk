# Columns and endpoints -> prediction models, judged on patients they did not see. Runs only where the
# cohort file asks for `prediction`: the report takes its tables from nowhere else.


rule train:
    input:
        PLAN.tables("cohort"),
        PLAN.tables("annotate"),
        PLAN.tables("ctdna"),
        PLAN.tables("subtype"),
        PLAN.tables("matrix"),
        cohort=PLAN.cohort,
    output:
        f"{PLAN.results}/train/plan.json",
        PLAN.tables("train"),
        models=directory(f"{PLAN.results}/train/models"),
    log:
        f"{PLAN.results}/logs/train.log",
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
        "train and judge the prediction models"
    shell:
        "resistance train {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
