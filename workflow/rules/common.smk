# What several rules share: the memory and time a stage asks for, growing when it is tried again
# (`retries` stands in the profile: inside a rule it would fire in the same allocation of a cluster).


def memory(mb):
    """Megabytes by attempt. Snakemake itself takes about 150 MB of a cluster job, so never below 512."""
    return lambda wildcards, attempt: max(512, mb) * 2 ** (attempt - 1)


def minutes(n):
    """Minutes by attempt."""
    return lambda wildcards, attempt: n * attempt
