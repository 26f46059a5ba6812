package cli

import (
	"fmt"
	"strings"
	"testing"
)

// TestReportOfManyGroups: the page of an evaluation of many rows with fifty groups and twenty slices, explained, is no larger than what a browser
// shows at once, has every group and slice, and of the rows no more than it says that it shows.
func TestReportOfManyGroups(t *testing.T) {
	t.Parallel()
	const rows, groups, slices, most = 12_000, 50, 20, 400 << 10
	dir := t.TempDir()
	var csv, module strings.Builder
	csv.WriteString("id,x,w,shop,y,side\n")
	for i := range rows {
		x, side := float64(i*7919%10007)/10007, "train"
		if i%3 > 0 {
			side = "test"
		}
		y := "no"
		if x+float64(i*31%97)/97 > 1 {
			y = "yes"
		}
		fmt.Fprintf(&csv, "row-%07d,%.6f,%d,shop %02d,%s,%s\n", i, x, i*13%89, i*17%groups, y, side)
	}
	module.WriteString(`pipeline "groups" {}

source "csv" "rows" { path = "rows.csv" }

dataset "rows" {
  from = [source.rows]
  key  = ["id"]
}

split "column" "rows" {
  from = dataset.rows
  by   = "side"
}

train "gradient_boosting" "model" {
  data     = split.rows.train
  target   = "y"
  task     = "binary_classification"
  positive = "yes"
  features = ["x", "w"]
  params { trees = 20 }
}

metric "auc"    { type = "roc_auc" }
metric "recall" { type = "recall" }

evaluate "test" {
  model   = train.model
  data    = split.rows.test
  metrics = [metric.auc, metric.recall]

  explain {}

  fairness "shop" { metrics = ["equalized_odds_difference", "demographic_parity_difference"] }
`)
	for k := range slices {
		fmt.Fprintf(&module, "  slice \"part %02d\" { where = \"w %% %d = %d\" }\n", k, slices, k)
	}
	module.WriteString("}\n")
	writeModule(t, dir, map[string]string{"rows.csv": csv.String(), "groups.mlp": module.String()})
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	page := mustRun(t, dir, "report", "evaluate.test", "--format", "html")
	t.Logf("%d bytes", len(page))
	if len(page) > most {
		t.Errorf("the page has %d bytes, more than %d", len(page), most)
	}
	for k := range groups {
		if name := fmt.Sprintf("shop %02d", k); !strings.Contains(page, name) {
			t.Errorf("%s is not in the page", name)
		}
	}
	for k := range slices {
		if name := fmt.Sprintf("part %02d", k); !strings.Contains(page, name) {
			t.Errorf("%s is not in the page", name)
		}
	}
	if strings.Contains(page, "row-0") {
		t.Error("keys of rows are in the page")
	}
	if shown := strings.Count(page, "<tr"); shown > 4*(groups+slices)+100 {
		t.Errorf("the tables of the page have %d rows, of an evaluation of %d", shown, rows)
	}
}
