# Files -> checked tables of the cohort. The unit of work is a batch of samples: a job per sample would
# cost a cluster six seconds each, and a plan of 10,000 samples more than a minute.


# A batch is read again when its own files, its own samples or the settings of reading change; not
# because samples were appended to the sheet (hence ancient(), and the digests among the parameters).
rule read:
    input:
        cohort=ancient(PLAN.cohort),
        files=lambda wildcards: PLAN.batches[wildcards.batch],
    output:
        PLAN.batch_tables("{batch}"),
    log:
        f"{PLAN.results}/logs/read/{{batch}}.log",
    conda:
        "../envs/resistance.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes(60),
    params:
        results=subpath(output[0], ancestor=3),
        members=lambda wildcards: PLAN.members[wildcards.batch],
        reading=PLAN.reading,
        version=PLAN.version,
    message:
        "read the files of {wildcards.batch}"
    shell:
        "resistance read {input.cohort:q} --results {params.results:q} --batch {wildcards.batch} > {log:q} 2>&1"


rule gather:
    input:
        cohort=PLAN.cohort,
        files=PLAN.files,
        batches=[table for batch in PLAN.batches for table in PLAN.batch_tables(batch)],
    output:
        PLAN.tables("cohort"),
        f"{PLAN.results}/cohort/cohort.json",
    log:
        f"{PLAN.results}/logs/gather.log",
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
        "gather the cohort's tables and check them against each other"
    shell:
        "resistance gather {input.cohort:q} --results {params.results:q} > {log:q} 2>&1"
