# The figures of `go test -bench` that have a bound, as a table: what was measured, and what it should be at most (<=) or at least (>=). Of a
# benchmark that ran several times it is the mean. With -v peers=1 they are those of `make bench-peers`. The exit code is 1 where a benchmark failed.
function row(what, name, unit, bound) { rows[++n] = what; key[n] = name SUBSEP unit; bounds[n] = bound }
function set(name, unit, most) {
  row(name ": " (unit == "%" ? "RMSE" : "ROC AUC"), "Peers/" name, "figure", "")
  row("  behind XGBoost" (unit == "%" ? ", %" : ""), "Peers/" name, unit "-behind-xgboost", "<= " most)
  row("  tuned, behind scikit-learn" (unit == "%" ? ", %" : ""), "Peers/" name, unit "-behind-sklearn", "<= 0")
}
BEGIN {
  if (peers) {
    k = split("adult wa_churn credit_data hmda elec compas hastie categories breast_cancer digits wine iris five_classes", names, " ")
    for (i = 1; i <= k; i++) set(names[i], "auc", 0.002)
    k = split("diamonds diabetes friedman1 friedman2 gaps", names, " ")
    for (i = 1; i <= k; i++) set(names[i], "%", 1)
    k = split("branin hartmann6 rosenbrock ackley mixed adult breast_cancer diabetes diamonds digits", names, " ")
    for (i = 1; i <= k; i++) for (batch = 1; batch <= 5; batch += 4) {
      row("search of " names[i] ", " batch " at a time: above the least", "Optuna", names[i] "-by-" batch, "")
      row("  behind Optuna", "Optuna", names[i] "-by-" batch "-behind", "<= 0")
    }
    row("fit of 1,000,000 x 28, processor time over XGBoost's fit", "Stage", "cpu/xgboost-fit", "<= 1")
    row("  memory over XGBoost's process", "Stage", "peak/xgboost", "<= 0.5")
    row("from an edit to the figures of 10,000 rows, s", "Edit", "s-to-figures", "<= 2")
    row("  processor s", "Edit", "cpu-s", "")
    row("32 clients of one row: answers a second, over those of FastAPI", "FastAPI", "mlp/fastapi", ">= 20")
  } else {
    row("1,000 tiny SQL stages as processes, stages a second", "TinyStages/disk", "stages/s", ">= 250")
    row("  in memory", "TinyStages/memory", "stages/s", "")
    row("  processor time of a stage, ms", "TinyStages/disk", "cpu-ms/stage", "")
    row("100 tiny stages in a container, in the time of a container each", "Workers", "stages/container", ">= 2.5")
    row("first plan of 10,000 stages in layers, processor s", "FirstPlan/layered", "cold-cpu-s", "<= 5")
    row("  again, nothing applied", "FirstPlan/layered", "warm-cpu-s", "<= 2.2")
    row("  queries of 10,000 structures", "FirstPlan/unlike", "cold-cpu-s", "<= 5")
    row("plan of 1,000 with nothing to do, processor s", "Plan/layered/1000", "cpu-s", "<= 0.35")
    row("training on 1,000,000 x 28, processor time over XGBoost's fit", "Stage", "cpu/xgboost-fit", "<= 1.15")
    row("  memory over XGBoost's process", "Stage", "peak/xgboost", "<= 0.5")
    row("  26 classes, over XGBoost's fit", "ClassesAgainstXGBoost", "times-xgboost", "<= 1.15")
    row("CSV to source, over the engine's own copy on two threads", "CSV", "source/copy-on-2", "<= 1.3")
    row("  to source and dataset", "CSV", "source+dataset/copy-on-2", "<= 1.8")
    row("windows of 300,000 rows, over the SQL by hand", "WindowsByHand", "feature/hand", "<= 1.3")
    row("serving a row, processor time of an echo over mlp's", "Serving/predict/1", "echo/mlp", ">= 0.75")
    row("  100 rows", "Serving/predict/100", "echo/mlp", ">= 0.9")
    row("32 clients of one row: answers a second, over those of an echo", "Load", "mlp/echo", ">= 0.6")
    row("  the 99th percentile of latency, over the echo's", "Load", "p99/echo", "<= 3")
    row("  answers a second with a log of predictions, over those without", "Load", "kept/free", ">= 0.85")
    row("a batch of 200,000 rows, million rows a minute of a core", "Batch", "M-rows/core-minute", ">= 1")
    row("examples/fraud from nothing as processes, processor s", "Fraud", "cpu-s", "<= 3")
    row("the binary, MB", "Binary", "MB", "<= 150")
  }
}
/^Benchmark/ {
  name = $1
  sub(/^Benchmark/, "", name)
  sub(/-[0-9]+$/, "", name)
  for (i = 3; i < NF; i += 2) {
    sum[name, $(i + 1)] += $i
    runs[name, $(i + 1)]++
  }
}
/^FAIL/ { failed = 1 }
END {
  for (i = 1; i <= n; i++) {
    k = key[i]
    said = k in runs ? sprintf("%.3g", sum[k] / runs[k]) : "-"
    verdict = ""
    if (bounds[i] != "" && k in runs) {
      split(bounds[i], b, " ")
      v = sum[k] / runs[k]
      verdict = (b[1] == "<=" ? v <= b[2] : v >= b[2]) ? "holds" : "missed"
    }
    line = sprintf("%-66s %8s   %-8s %s", rows[i], said, bounds[i], verdict)
    sub(/ +$/, "", line)
    print line
  }
  exit failed
}
