package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.lsp.dev/protocol"

	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// largeModule is one of at least 2,000 lines: forty small pipelines side by side.
func largeModule() string {
	var b strings.Builder
	for i := 0; strings.Count(b.String(), "\n") < 2000; i++ {
		text := strings.NewReplacer("payments", fmt.Sprintf("payments_%d", i), "sides", fmt.Sprintf("sides_%d", i),
			`pipeline "fraud" {}`, "", `variable "min_recall"`, fmt.Sprintf("variable \"min_recall_%d\"", i),
			"day =", fmt.Sprintf("day_%d =", i), `"auc" {`, fmt.Sprintf("\"auc_%d\" {", i), `"recall" {`, fmt.Sprintf("\"recall_%d\" {", i),
			"metric.auc", fmt.Sprintf("metric.auc_%d", i), "metric.recall", fmt.Sprintf("metric.recall_%d", i),
			"].auc", fmt.Sprintf("].auc_%d", i), "metrics.recall", fmt.Sprintf("metrics.recall_%d", i),
			"variable.min_recall", fmt.Sprintf("variable.min_recall_%d", i), "train.model", fmt.Sprintf("train.model_%d", i),
			`"model" {`, fmt.Sprintf("\"model_%d\" {", i), "holdout", fmt.Sprintf("holdout_%d", i), `"release"`, fmt.Sprintf("\"release_%d\"", i),
		).Replace(editorModule["data.mlp"] + "\n" + editorModule["model.mlp"])
		b.WriteString(text + "\n")
	}
	return "pipeline \"large\" {}\n" + b.String()
}

// keystrokeLimit is how long diagnostics may take after a keystroke in a module of 2,000 lines. On a machine so busy that
// HCL's parser takes more than a fifth of it, five times the parser's time.
const keystrokeLimit = 50 * time.Millisecond

// BenchmarkLSPKeystroke is the time from a keystroke to its diagnostics in a module of 2,000 lines, over the protocol.
// The pause that the server waits for further typing is part of it.
func BenchmarkLSPKeystroke(b *testing.B) {
	text := largeModule()
	c := newClient(b, nil)
	c.open("main.mlp", text)
	if got := c.diagnostics("main.mlp"); got != nil {
		b.Fatalf("the module is wrong: %v", got)
	}
	at := positionOf(b, text, "amount > 0", len("amount > 0"))
	var took []time.Duration
	for b.Loop() {
		for _, typed := range []string{"1", ""} {
			r := protocol.Range{Start: at, End: at}
			if typed == "" {
				r.End.Character++
			}
			start := time.Now()
			c.change("main.mlp", r, typed)
			if got := c.diagnostics("main.mlp"); got != nil {
				b.Fatalf("got %v", got)
			}
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(float64(median.Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "worst-ms")
	if limit := max(keystrokeLimit, 5*parseTime(b, text)); median > limit {
		b.Errorf("diagnostics come %v after a keystroke, want less than %v", median, limit)
	}
}

// parseTime is how long HCL's parser alone takes for the text, so that a busy machine is told from a slow server.
func parseTime(b *testing.B, text string) time.Duration {
	var took []time.Duration
	for range 21 {
		start := time.Now()
		if _, ds := hclsyntax.ParseConfig([]byte(text), "main.mlp", hcl.InitialPos); ds.HasErrors() {
			b.Fatal(ds)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[10].Microseconds())/1000, "hcl-parser-ms")
	return took[10]
}

// BenchmarkLSPAnalysis is the compiler's share of it.
func BenchmarkLSPAnalysis(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	e := suite.NewEditor(workspace.DataRoots{})
	defer e.Close()
	files := map[string][]byte{"main.mlp": []byte(largeModule())}
	dir := b.TempDir()
	if ds := e.Analyse(context.Background(), dir, files).Diagnostics; len(ds) > 0 {
		b.Fatal(ds[0])
	}
	for b.Loop() {
		e.Analyse(context.Background(), dir, files)
	}
}
