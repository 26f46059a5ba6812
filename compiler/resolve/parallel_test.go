package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/source"
)

// TestSideBySide: many blocks give what they give one by one, each once, with the mistakes of all.
func TestSideBySide(t *testing.T) {
	var text strings.Builder
	text.WriteString("pipeline \"p\" {}\nsource \"raw\" { path = \"x\" }\nmetric \"auc\" { type = \"roc_auc\" }\n")
	want := []string{}
	for i := range 200 {
		fmt.Fprintf(&text, "split \"hash\" \"s%03d\" {\n  from = source.raw\n  seed = %d\n}\n", i, i)
		fmt.Fprintf(&text, "train \"trees\" \"t%03d\" {\n  data    = split.s%03d.train\n  target  = \"y\"\n  metrics = [metric.auc]\n}\n", i, i)
		if i%50 == 7 {
			fmt.Fprintf(&text, "split \"hash\" \"w%03d\" { from = metric.auc }\n", i)
			want = append(want, "metric.auc is a metric; from takes a table")
		}
	}
	m, ds := load(t, text.String(), nil)
	if d := cmp.Diff(want, summaries(ds)); d != "" {
		t.Error(d)
	}
	if len(m.Blocks) != 3+400+4 || len(m.ByAddress) != len(m.Blocks) {
		t.Fatalf("got %d blocks, by address %d", len(m.Blocks), len(m.ByAddress))
	}
	for i, b := range m.Blocks {
		if i > 0 && m.Blocks[i-1].Address >= b.Address {
			t.Fatalf("%s stands before %s", m.Blocks[i-1].Address, b.Address)
		}
		if b.Kind == "train" && !strings.Contains(string(b.Config), `{"name":"auc","type":"roc_auc"}`) {
			t.Fatalf("%s: %s", b.Address, b.Config)
		}
	}
}

// TestBudgetInOrder: where all blocks together compute too much, the same one is told of each time, whichever is tried first.
func TestBudgetInOrder(t *testing.T) {
	var text strings.Builder
	text.WriteString("pipeline \"p\" {}\nlocals { long = join(\"\", [for i in range(1000) : \"0123456789012345678901234567890123456789012345678901234567890123456789\"]) }\n")
	for i := range 300 {
		fmt.Fprintf(&text, "check \"c%03d\" {\n  on = source.raw\n  expect \"a\" { between = [local.long, \"%d\"] }\n}\n", i, i)
		fmt.Fprintf(&text, "check \"d%03d\" {\n  on = source.raw\n  expect \"a\" { between = upper(local.long) }\n}\n", i)
	}
	text.WriteString("source \"raw\" { path = \"x\" }\n")
	_, first := load(t, text.String(), nil)
	if got := summaries(first); len(got) != 1 || got[0] != "the module computes too much" {
		t.Fatalf("got %q", got)
	}
	for range 10 {
		_, again := load(t, text.String(), nil)
		if d := cmp.Diff(first, again); d != "" {
			t.Fatal(d)
		}
	}
}

func summaries(ds source.Diagnostics) []string {
	out := []string{}
	for _, d := range ds {
		out = append(out, d.Summary)
	}
	return out
}

// TestManyMistakes: hundreds of mistakes are told in the same words each time, with what is nearest to each, though the
// names are made ready once for all of them by whichever comes first.
func TestManyMistakes(t *testing.T) {
	var text strings.Builder
	text.WriteString("pipeline \"p\" {}\nsource \"raw\" { path = \"x\" }\nmetric \"auc\" { type = \"roc_auc\" }\n")
	const n = 200
	for i := range n {
		fmt.Fprintf(&text, "split \"hash\" \"s%05d\" { from = source.raw }\n", i)
	}
	var want []string
	for i := range n {
		fmt.Fprintf(&text, "train \"trees\" \"t%03d\" {\n  data    = split.s%05dx.train\n  target  = \"y\"\n}\n", i, i)
		fmt.Fprintf(&text, "metric \"m%03d\" {\n  like = split.s%05d.test\n}\n", i, i)
		fmt.Fprintf(&text, "metric \"auc%03d\" {\n  like = train.model%d\n}\n", i, i)
		want = append(want, fmt.Sprintf("did you mean split.s%05d?", i), "", "")
	}
	_, first := load(t, text.String(), nil)
	var got []string
	for _, d := range first {
		got = append(got, d.Hint)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	for range 5 {
		_, again := load(t, text.String(), nil)
		if d := cmp.Diff(first, again); d != "" {
			t.Fatal(d)
		}
	}

	text.Reset()
	text.WriteString("pipeline \"p\" {}\nsource \"raw\" { path = \"x\" }\nsource \"more\" { path = \"x\" }\nmetric \"auc\" { type = \"roc_auc\" }\n")
	for i := range n {
		fmt.Fprintf(&text, "split \"hash\" \"s%03d\" { from = metric.auc }\nmetric \"m%03d\" { like = source.raw }\n", i, i)
	}
	_, ds := load(t, text.String(), nil)
	if len(ds) != 2*n {
		t.Fatalf("got %d mistakes", len(ds))
	}
	for _, d := range ds {
		if d.Hint != "" { // of tables and of metrics there are hundreds
			t.Fatal(d)
		}
	}
	// What there is little of is named, to each argument what it takes.
	const four = "pipeline \"p\" {}\nsource \"raw\" { path = \"x\" }\nsource \"more\" { path = \"x\" }\nmetric \"auc\" { type = \"roc_auc\" }\ncheck \"a\" { on = metric.auc }\ncheck \"b\" { on = metric.auc }\nmetric \"m\" { like = source.raw }\n"
	_, ds = load(t, four, nil)
	got = nil
	for _, d := range ds {
		got = append(got, d.Hint)
	}
	tables := "of that type: source.more, source.raw"
	if d := cmp.Diff([]string{tables, tables, "of that type: metric.auc, metric.m"}, got); d != "" {
		t.Error(d)
	}
}
