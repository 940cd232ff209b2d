# Markers of resistance to lenalidomide and other IMiDs: `snakemake --cores 2` in this folder runs the
# demonstration cohort. The workflow stands in workflow/, where the Snakemake catalogue looks for it.
include: "workflow/Snakefile"


# an included file cannot set the default target
rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
