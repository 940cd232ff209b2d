# patients.csv -> values.tsv: what R says about curves, groups, competing events and cut-points of tests/stats/test_r_competing.py
library(survival); library(cmprsk); library(maxstat)
data <- read.csv("patients.csv")
data$event <- as.integer(data$cause > 0); data$id <- seq_len(nrow(data))
out <- file("values.tsv", "w")
put <- function(key, values)
  writeLines(paste0(key, "\t", paste(format(as.vector(values), digits = 15, trim = TRUE, scientific = TRUE), collapse = ",")), out)
curve <- function(key, fit) {
  for (name in c("time", "n.risk", "n.event", "n.censor", "surv", "lower", "upper")) put(paste(key, name, sep = "."), fit[[name]])
  put(paste0(key, ".std.err"), summary(fit, censored = TRUE)$std.err)
  q <- quantile(fit, c(.1, .25, .5, .75, .9))
  for (name in names(q)) put(paste0(key, ".q_", name), q[[name]])
}
for (scale in c("log-log", "log", "plain")) {
  curve(paste0("plain_", scale), survfit(Surv(stop, event) ~ 1, data, conf.type = scale))
  curve(paste0("entered_", scale), survfit(Surv(start, stop, event) ~ 1, data, conf.type = scale, conf.int = .9))
}
curve("counts", survfit(Surv(start, stop, event) ~ 1, data, weights = count, conf.type = "log-log", robust = FALSE))
curve("weighted", survfit(Surv(start, stop, event) ~ 1, data, weights = weight, id = id, conf.type = "log-log", robust = TRUE))
curve("reverse", survfit(Surv(stop, 1 - event) ~ 1, data, conf.type = "log-log"))
groups <- function(key, fit) {
  total <- function(x) if (is.matrix(x)) rowSums(x) else x
  put(paste0(key, ".obs"), total(fit$obs)); put(paste0(key, ".exp"), total(fit$exp))
  put(paste0(key, ".var"), fit$var); put(paste0(key, ".chisq"), fit$chisq)
}
for (rho in c(0, .5, 1)) {
  groups(paste0("groups_", rho), survdiff(Surv(stop, event) ~ group, data, rho = rho))
  groups(paste0("strata_", rho), survdiff(Surv(stop, event) ~ group + strata(site), data, rho = rho))
}
states <- function(key, fit) {
  put(paste0(key, ".time"), fit$time); put(paste0(key, ".pstate"), fit$pstate); put(paste0(key, ".std.err"), fit$std.err)
}
data$state <- factor(data$cause, 0:2, c("censored", "one", "two"))
states("states", survfit(Surv(stop, state) ~ 1, data))
states("states_entered", survfit(Surv(start, stop, state) ~ 1, data, id = id))
for (rho in c(0, 1, -0.5)) {
  one <- cuminc(data$stop, data$cause, data$group, rho = rho)
  two <- cuminc(data$stop, data$cause, data$group, data$site, rho = rho)
  put(paste0("gray_", rho), one$Tests[, "stat"]); put(paste0("gray_strata_", rho), two$Tests[, "stat"])
}
at <- timepoints(cuminc(data$stop, data$cause), c(2, 5, 10, 15, 20, 30))
put("cuminc.est", t(at$est)); put("cuminc.var", t(at$var))
x <- cbind(data$marker, data$age, data$group == "b")
for (of in 1:2) for (by in c("all", "site")) {
  group <- if (by == "site") data$site else rep(1, nrow(data))
  fit <- crr(data$stop, data$cause, x, cengroup = group, failcode = of, gtol = 1e-12, maxiter = 50)
  key <- paste0("crr_", of, "_", by)
  put(paste0(key, ".coef"), fit$coef); put(paste0(key, ".var"), fit$var); put(paste0(key, ".loglik"), c(fit$loglik.null, fit$loglik))
}
data$answer <- as.integer(data$cause == 1)
for (bounds in list(c(.1, .9), c(.25, .6))) {
  best <- function(formula, smethod, pmethod)
    maxstat.test(formula, data, smethod = smethod, pmethod = pmethod, minprop = bounds[1], maxprop = bounds[2])
  cut <- function(name, formula, smethod) {
    fit <- best(formula, smethod, "Lau94")
    put(paste(name, bounds[1], sep = "_"), c(fit$estimate, fit$statistic, fit$p.value, best(formula, smethod, "Lau92")$p.value))
  }
  cut("cut_survival", Surv(stop, event) ~ marker, "LogRank")
  cut("cut_binary", answer ~ marker, "Wilcoxon")
  cut("cut_continuous", lab ~ marker, "Wilcoxon")
}
close(out)
