# Rscript values.R FOLDER: scores of the R package gneSeqCOO (a checkout of it in FOLDER) on simulated counts.
# The package needs DESeq2 only as a container of counts; a plain matrix takes its place here.
folder <- commandArgs(TRUE)[1]
load(file.path(folder, "R/sysdata.rda"))
load(file.path(folder, "data/coo_GOYA_21gene.RData"))
load(file.path(folder, "data/dzsig_GAMBL_29gene.RData"))
code <- parse(file.path(folder, "R/Functions.R"))
counts <- function(object) object
for (expression in code) {
  if (is.call(expression) && as.character(expression[[1]]) %in% c("<-", "=")) eval(expression)
}
set.seed(7)
coo <- coo_GOYA_21gene_igis4
dzsig <- dzsig_GAMBL_29gene_igis4
genes <- function(model) gsub("`", "", names(model$coefficients)[-1])
score_genes <- union(genes(coo), genes(dzsig))
others <- sample(setdiff(names(goyaRefSample4), score_genes), 2400)
ids <- c(score_genes, others, paste0("ENSG999999", sprintf("%05d", 1:60)))
n <- 6
depth <- c(1, 0.4, 2.5, 0.01, 1.3, 0.7)
mean <- outer(c(goyaRefSample4[c(score_genes, others)], rep(40, 60)), depth)
rownames(mean) <- ids
# two samples like ABC, two with a dark-zone signature
for (j in 2:3) mean[genes(coo), j] <- mean[genes(coo), j] * exp(0.6 * sign(coo$coefficients[-1]))
for (j in 5:6) mean[genes(dzsig), j] <- mean[genes(dzsig), j] * exp(0.5 * sign(dzsig$coefficients[-1]))
x <- matrix(rpois(length(mean), mean * exp(rnorm(length(mean), sd = 0.5))), nrow(mean), dimnames = list(ids, paste0("S", 1:n)))
x <- x[sample(nrow(x)), ]
kept <- x[rowSums(x) >= ncol(x), ]
library_size <- refLibrarySize(kept, "ensembl")
norm <- t(t(log(x + 1)) + log(10^6 / library_size))
score <- function(model) {
  b <- model$coefficients
  names(b) <- gsub("`", "", names(b))
  as.vector(b[1] + b[-1] %*% norm[names(b)[-1], ])
}
out <- data.frame(
  sample = colnames(x), library = library_size, coo = score(coo), dzsig = score(dzsig),
  coo_class = as.character(cut(score(coo), c(-Inf, 1920, 2430, Inf), labels = c("GCB", "UNCLASSIFIED", "ABC"))),
  dzsig_class = as.character(cut(score(dzsig), c(-Inf, -15.6, -6.3, Inf), labels = c("DZsig-NEG", "DZsig-IND", "DZsig-POS")))
)
write.table(format(out, digits = 15, trim = TRUE), "values.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
write.table(data.frame(gene = rownames(x), x), "counts.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
