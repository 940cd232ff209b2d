# start_stop.csv -> values.tsv: what R's survival says about every model of tests/stats/test_cox_r.py
library(survival)
data <- read.csv("start_stop.csv")
out <- file("values.tsv", "w")
put <- function(key, values)
  writeLines(paste0(key, "\t", paste(format(as.vector(values), digits = 15, trim = TRUE, scientific = TRUE), collapse = ",")), out)
model <- function(key, formula, ...) {
  # iterate until nothing moves: the default stops when the likelihood gains less than 1e-9 of itself
  fit <- do.call(coxph, list(formula = formula, data = data, x = TRUE, y = TRUE,
                             control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60), ...))
  at <- function(name, values) put(paste(key, name, sep = "."), values)
  at("coef", coef(fit)); at("var", fit$var); at("loglik", fit$loglik); at("score", fit$score); at("wald", fit$wald.test)
  if (!is.null(fit$naive.var)) at("naive_se", sqrt(diag(fit$naive.var)))
  if (!is.null(fit$rscore)) at("rscore", fit$rscore)
  at("concordance", fit$concordance[c("concordance", "std")])
  if (identical(list(...)$ties, "exact")) return(invisible(fit))  # R has neither residuals nor, start-stop, a test
  for (transform in c("km", "identity", "log", "rank"))
    at(paste0("zph.", transform), cox.zph(fit, transform = transform, terms = FALSE)$table[, "chisq"])
  for (type in c("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaledsch"))
    at(if (type == "score") "score_residual" else type, residuals(fit, type))
  invisible(fit)
}
entered <- Surv(start, stop, event) ~ carrier + age + cleared
for (ties in c("efron", "breslow", "exact")) model(paste0("entered_", ties), entered, ties = ties)
model("clustered", update(entered, . ~ . + cluster(patient)))
model("by_site", update(entered, . ~ . + strata(site)))
model("weighted", update(entered, . ~ . + strata(site) + cluster(patient)), weights = data$weight)
model("weighted_breslow", Surv(stop, event) ~ carrier + age, weights = data$weight, robust = TRUE, ties = "breslow")
model("exact_by_site", Surv(stop, event) ~ carrier + age + strata(site), ties = "exact")
for (ties in c("efron", "breslow")) {
  fit <- coxph(entered, data, ties = ties, control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60))
  patients <- data.frame(carrier = c(0, 1), age = c(50, 70), cleared = c(1, 0))
  put(paste0("entered_", ties, ".survival"), summary(survfit(fit, patients), times = c(3, 8, 15, 24))$surv)
}
# where the profile likelihood, a fit with the coefficient as an offset, has fallen by half the chi-square quantile
profile <- function(key, rest, ...) for (level in c(.9, .95)) for (column in c("carrier", "age")) {
  others <- setdiff(c("carrier", "age"), column)
  fit <- function(formula) coxph(formula, data, control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60), ...)
  top <- fit(as.formula(paste(rest, "~", column, "+", others, if (key == "by_site") "+ strata(site)")))
  fallen <- function(b) {
    data$shift <<- b * data[[column]]
    held <- fit(as.formula(paste(rest, "~ offset(shift) +", others, if (key == "by_site") "+ strata(site)")))
    2 * (top$loglik[2] - held$loglik[2]) - qchisq(level, 1)
  }
  se <- sqrt(top$var[1, 1]); b <- coef(top)[1]
  bound <- function(side) uniroot(fallen, sort(c(b, b + side * 6 * se)), tol = 1e-12)$root
  put(paste(key, "profile", column, level, sep = "."), c(bound(-1), bound(1)))
}
profile("entered_efron", "Surv(start, stop, event)")
profile("entered_breslow", "Surv(start, stop, event)", ties = "breslow")
profile("by_site", "Surv(start, stop, event)")
profile("weighted", "Surv(start, stop, event)", weights = data$weight)
profile("exact", "Surv(stop, event)", ties = "exact")
close(out)
