package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unit is what one team declares, after examples/fraud: 20 blocks. § is its number.
const unit = `
variable "min_recall_§" {
  type        = number
  default     = 0.70
  description = "The share of fraud that a release must catch on the test payments."
}

source "csv" "payments_§" {
  path = "data/payments_§/*.csv"

  column "payment_id"    { type = "varchar" }
  column "paid_at"       { type = "timestamp" }
  column "amount"        { type = "double" }
  column "merchant"      { type = "varchar" }
  column "is_fraud"      { type = "boolean" }
  column "chargeback_at" { type = "timestamp" }
  column "card" {
    type = "varchar"
    pii  = true
  }
  column "age_band" {
    type      = "varchar"
    protected = true
  }
}

# The gateway delivers some payments twice; the later delivery counts. Amounts of zero only ask whether a card is valid.
dataset "payments_§" {
  from = [source.payments_§]
  key  = ["payment_id"]
  sql  = <<-SQL
    select * from payments_§ where amount > 0
    qualify row_number() over (partition by payment_id order by paid_at desc, amount desc) = 1
  SQL
}

dataset "merchants_§" {
  from = { p = dataset.payments_§ }
  key  = ["merchant"]
  sql  = "select merchant, avg(amount) as mean_amount, count(*) as payments from p group by merchant having count(*) > §"
}

check "payments_§" {
  on = dataset.payments_§
  expect "amount"   { between = [0, 50000] }
  expect "merchant" { matches = "^[A-Z0-9]{4,}$" }
  rule "enough data" {
    assert  = "table.rows >= 10000.0"
    message = "too little data to train on"
  }
}

# A payment without a chargeback is honest only after 45 days; until then nobody knows.
label "fraud_§" {
  on            = dataset.payments_§
  column        = "is_fraud"
  known_at      = "chargeback_at"
  event_time    = "paid_at"
  matures_after = "45d"
}

feature "card_§" {
  from   = dataset.payments_§
  entity = ["card"]
  time   = "paid_at"
  column "log_amount" { expr = "ln(1 + amount)" }
  column "hour"       { expr = "hour(paid_at)" }
  window "spend_24h" {
    expr = "sum(amount)"
    over = "24h"
  }
  window "payments_1h" {
    expr = "count(*)"
    over = "1h"
  }
}

feature "merchant_§" {
  from   = label.fraud_§
  entity = ["merchant"]
  time   = "paid_at"
  window "fraud_rate_90d" {
    expr     = "avg(is_fraud::int)"
    over     = "90d"
    known_at = "fraud_§_known_at"
  }
}

training_set "payments_§" {
  spine    = label.fraud_§
  features = [feature.card_§, feature.merchant_§]
  as_of    = "paid_at"
}

split "time" "holdout_§" {
  from       = training_set.payments_§
  by         = "paid_at"
  validation = 0.15
  test       = 0.25
}

metric "auc_§"    { type = "roc_auc" }
metric "recall_§" { type = "recall" }
metric "fpr_§"    { type = "false_positive_rate" }

metric "loss_avoided_§" {
  sql  = "sum(case when actual and predicted then amount end) / sum(case when actual then amount end)"
  goal = "maximize"
}

train "gradient_boosting" "model_§" {
  data       = split.holdout_§.train
  validation = split.holdout_§.validation
  target     = "is_fraud"
  features   = ["log_amount", "hour", "spend_24h", "payments_1h", "fraud_rate_90d"]
  requires   = [check.payments_§]
  seed       = 7
  params {
    trees         = 300
    learning_rate = 0.1
    max_depth     = 6
  }
  decision {
    maximize = metric.recall_§
    where    = "fpr_§ <= 0.01"
  }
}

evaluate "holdout_§" {
  model         = train.model_§
  data          = split.holdout_§.test
  metrics       = [metric.auc_§, metric.recall_§, metric.fpr_§, metric.loss_avoided_§]
  min_positives = 50
  slice "large" { where = "amount > 250" }
}

gate "release_§" {
  after    = [check.payments_§]
  champion = deploy.scorer_§
  rule "catches fraud"     { assert = "evaluate.holdout_§.metrics.recall_§ >= variable.min_recall_§" }
  rule "spares the honest" { assert = "evaluate.holdout_§.metrics.fpr_§ <= 0.012" }
  rule "not worse than what is live" {
    assert = "!champion.comparable || evaluate.holdout_§.delta.auc_§.low > -0.005"
  }
  rule "no weak slice" {
    assert   = "evaluate.holdout_§.slices.all(s, evaluate.holdout_§.slices[s].auc_§ > 0.8)"
    severity = "warn"
  }
  approval "risk" {
    from = ["risk-officers"]
    when = "champion.exists && evaluate.holdout_§.delta.auc_§.value < 0.0"
  }
}

deploy "http" "scorer_§" {
  model = train.model_§
  gate  = gate.release_§
  key   = ["card"]
}

deploy "batch" "review_§" {
  model     = train.model_§
  gate      = gate.release_§
  data      = split.holdout_§.test
  key       = ["payment_id"]
  allow_pii = ["card"]
}

monitor "live_§" {
  reference = split.holdout_§.train
  current   = split.holdout_§.test
  drift { min_rows = 1000 }
}
`

// unitBlocks are those of a unit.
const unitBlocks = 20

// teams is a module of many teams in as many files as asked for: blocks of all kinds, as they come in real pipelines.
func teams(blocks, files int) map[string]string {
	out := map[string]string{"pipeline.mlp": "pipeline \"teams\" {}\n"}
	for i := range blocks / unitBlocks {
		name := fmt.Sprintf("team%03d.mlp", i%files)
		out[name] += strings.ReplaceAll(unit, "§", fmt.Sprintf("%04d", i))
	}
	return out
}

// shapes are modules of many stages, by what their graph looks like. A thousand queries differ.
var shapes = map[string]func(stages int) map[string]string{
	// All stages read the source.
	"wide": func(stages int) map[string]string {
		return datasets(stages, func(i int) (from, sql string) {
			return "t = source.s", fmt.Sprintf("select id, amount, amount * 2 as step from t where amount > %d", i%1000)
		})
	},
	// Each reads the one before.
	"deep": func(stages int) map[string]string {
		return datasets(stages, func(i int) (from, sql string) {
			if i == 0 {
				return "t = source.s", "select id, amount, 1.0 as step from t"
			}
			return "t = dataset." + stageName(i-1), fmt.Sprintf("select id, amount * 1.01 as amount, step + 1 as step from t where amount > %d", i%1000)
		})
	},
	// All read the source, and no two queries have the same structure: a query's number is written in the terms of its expressions.
	"unlike": func(stages int) map[string]string {
		return datasets(stages, func(i int) (from, sql string) {
			terms := []string{"t.amount + 1", "abs(t.amount)", "coalesce(t.amount, 0)", "case when t.id > 5 then t.amount else 2 end", "t.amount * t.id",
				"greatest(t.amount, 3)", "round(t.amount, 2)", "t.amount - ln(1 + t.id)", "sqrt(abs(t.amount))", "nullif(t.amount, t.id)"}
			column := "t.amount"
			for n := i; n > 0; n /= len(terms) {
				column = strings.ReplaceAll(terms[n%len(terms)], "t.amount", "("+column+")")
			}
			return "t = source.s", fmt.Sprintf("select id, %s as amount, id + 1 as step from t where amount > 1", column)
		})
	},
	// Layers of a hundred, each of which reads two of the layer before.
	"layered": func(stages int) map[string]string {
		const width = 100
		return datasets(stages, func(i int) (from, sql string) {
			if i < width {
				return "t = source.s", fmt.Sprintf("select id, amount + %d as amount, amount as step from t", i)
			}
			first := i/width*width - width
			x, y := stageName(first+i%width), stageName(first+(i+7)%width)
			return fmt.Sprintf("x = dataset.%s, y = dataset.%s", x, y),
				fmt.Sprintf("select x.id, x.amount + y.amount as amount, x.step from x join y using (id) where x.amount > %d", i%1000)
		})
	},
}

func stageName(i int) string { return fmt.Sprintf("d%06d", i) }

// datasets is a module of one source and so many datasets, a hundred in a file.
func datasets(stages int, of func(i int) (from, sql string)) map[string]string {
	out := map[string]string{"pipeline.mlp": `pipeline "stages" {}

source "csv" "s" {
  path = "data/*.csv"
  column "id"     { type = "bigint" }
  column "amount" { type = "double" }
}
`}
	for i := range stages {
		from, sql := of(i)
		out[fmt.Sprintf("stages%04d.mlp", i/100)] += fmt.Sprintf("\ndataset %q {\n  from = { %s }\n  key  = [\"id\"]\n  sql  = %q\n}\n", stageName(i), from, sql)
	}
	return out
}

func writeModule(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}
