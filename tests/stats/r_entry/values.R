# patients.csv -> values.tsv: Fine-Gray models with delayed entry of tests/stats/test_fine_gray_entry.py
suppressWarnings({
library(survival)
data <- read.csv("patients.csv")
data$state <- factor(data$cause, 0:2, c("censored", "one", "two"))
out <- file("values.tsv", "w")
put <- function(key, values)
  writeLines(paste0(key, "\t", paste(format(as.vector(values), digits = 15, trim = TRUE, scientific = TRUE), collapse = ",")), out)
fit <- function(key, rows, formula) for (of in c("one", "two")) {
  long <- finegray(formula, data = rows, etype = of, id = id)
  model <- coxph(Surv(fgstart, fgstop, fgstatus) ~ x1 + x2, data = long, weights = fgwt, ties = "breslow", id = id, robust = TRUE,
                 control = coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 50))
  put(paste(key, of, "coef", sep = "."), coef(model)); put(paste(key, of, "var", sep = "."), vcov(model))
  put(paste(key, of, "loglik", sep = "."), model$loglik)
}
fit("entered", data, Surv(start, stop, state) ~ x1 + x2 + id)
fit("all_late", data[data$start > 0, ], Surv(start, stop, state) ~ x1 + x2 + id)
fit("plain", data, Surv(stop, state) ~ x1 + x2 + id)
tied <- transform(data, start = floor(start), stop = floor(stop) + 1)
fit("tied", tied, Surv(start, stop, state) ~ x1 + x2 + id)
fit("tied_plain", tied, Surv(stop, state) ~ x1 + x2 + id)
# score test of four groups, patients' weights taken as known: the robust score statistic of coxph
score <- function(key, rows) {
  rows$four <- factor(rows$x1 + 2 * rows$site)
  long <- finegray(Surv(start, stop, state) ~ four + id, data = rows, etype = "one", id = id)
  put(key, coxph(Surv(fgstart, fgstop, fgstatus) ~ four, data = long, weights = fgwt, ties = "breslow", id = id, robust = TRUE)$rscore)
}
score("entered.rscore", data)
score("tied.rscore", tied)
close(out)
})
