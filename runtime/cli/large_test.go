package cli

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLargeTables: a CSV that is larger than the memory that the SQL engine has is loaded, split, trained on and scored with memory_mb = 512: stages that
// have more are ended. In the long form of the tests it has 1 GB.
func TestLargeTables(t *testing.T) {
	t.Parallel()
	const limit = 512
	size := 256 << 20
	if os.Getenv("MLP_SOAK") != "" {
		size = 1 << 30
	}
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	dir := t.TempDir()
	writeModule(t, dir, map[string]string{"large.mlp": strings.ReplaceAll(`pipeline "large" {}

source "csv" "rows" {
  path      = "rows.csv"
  memory_mb = LIMIT
}

split "hash" "parts" {
  from       = source.rows
  validation = 0.05
  test       = 0.9
  memory_mb  = LIMIT
}

metric "auc" { type = "roc_auc" }

train "logistic_regression" "model" {
  data      = split.parts.train
  target    = "y"
  features  = ["x0", "x1", "x2", "x3"]
  memory_mb = LIMIT
}

evaluate "test" {
  model     = train.model
  data      = split.parts.test
  metrics   = [metric.auc]
  memory_mb = LIMIT
}
`, "LIMIT", fmt.Sprint(limit))})
	writeLarge(t, filepath.Join(dir, "rows.csv"), size)
	child(t, dir, "apply", "--auto-approve", "--executor", "process")
}

// writeLarge writes rows in no order, of an id, a truth, 24 numbers and 4 words, up to a size in bytes.
func writeLarge(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	random, out := rand.New(rand.NewPCG(1, 2)), bufio.NewWriterSize(f, 1<<20)
	var rows []string
	for range 1000 {
		var row strings.Builder
		for range 24 {
			fmt.Fprintf(&row, ",%.6f", random.NormFloat64())
		}
		for range 4 {
			fmt.Fprintf(&row, ",w%d", random.IntN(1000))
		}
		rows = append(rows, row.String())
	}
	header := "id,y"
	for i := range 28 {
		header += fmt.Sprintf(",x%d", i)
	}
	fmt.Fprintln(out, header)
	const apart = 7919 // ids come in another order than their own
	for n, i := 0, 0; n < size; i++ {
		wrote, err := fmt.Fprintf(out, "%d,%t%s\n", i*apart%(1<<23), random.IntN(3) == 0, rows[random.IntN(len(rows))])
		if err != nil {
			t.Fatal(err)
		}
		n += wrote
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}
