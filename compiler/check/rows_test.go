package check_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/source"
)

// rowsTold compiles a module of catalog's kinds and returns what is said of it, "severity code summary | detail".
func rowsTold(t *testing.T, text string) (*check.Module, []string) {
	t.Helper()
	r := front.Compile(context.Background(), map[string][]byte{"p.mlp": []byte("pipeline \"p\" {}\n" + text)}, catalog(), front.Options{Library: library{}})
	var said []string
	for _, d := range r.Diagnostics {
		said = append(said, fmt.Sprintf("%s %s %s | %s", map[source.Severity]string{source.Error: "error", source.Warning: "warning"}[d.Severity], d.Code, d.Summary, d.Detail))
	}
	return r.Module, said
}

// short writes blocks in one line: "rows a; learn m by=rows.a; measure e what=learn.m over=rows.a". A value without a dot is text.
func short(text string) string {
	var out strings.Builder
	for _, b := range strings.Split(text, ";") {
		words := strings.Fields(b)
		fmt.Fprintf(&out, "%s %q {\n", words[0], words[1])
		for _, w := range words[2:] {
			name, value, _ := strings.Cut(w, "=")
			if strings.HasPrefix(value, "'") {
				value = `"` + strings.Trim(value, "'") + `"`
			}
			fmt.Fprintf(&out, "  %s = %s\n", name, value)
		}
		out.WriteString("}\n")
	}
	return out.String()
}

// TestMeasuredRows: the rows that a model is measured on are held to those that it was fitted on, however both came about. Each module
// ends in learn.m, fitted on by=, and measure.e of it, over=.
func TestMeasuredRows(t *testing.T) {
	const (
		seen  = "error MLP1407 measure.e measures learn.m on rows that it was trained on"
		drawn = "warning MLP1990 measure.e measures learn.m on rows that it was trained on"
	)
	tests := []struct {
		name, world, fitted, measured string
		want                          string
		why                           string // of drawn rows: the beginning of Detail
	}{
		{"two tables", "rows a; rows b", "rows.a", "rows.b", "", ""},
		{"one table", "rows a", "rows.a", "rows.a", seen, ""},
		{"sides of a split", "rows a; halves h of=rows.a", "halves.h.l", "halves.h.t", "", ""},
		{"a side, and rows kept of that side", "rows a; halves h of=rows.a; keep k of=halves.h.l", "halves.h.l", "keep.k", seen, ""},
		{"sides, and rows kept of them", "rows a; halves h of=rows.a; keep k of=halves.h.l; keep n of=halves.h.t", "keep.k", "keep.n", "", ""},
		{"rows kept twice of one table", "rows a; keep k of=rows.a; keep n of=rows.a only='x'", "keep.k", "keep.n", seen, ""},
		{"a side, and all", "rows a; halves h of=rows.a", "halves.h.l", "rows.a", seen, ""},
		{"the same side by two splits that split alike", "rows a; halves h of=rows.a; halves i of=rows.a", "halves.h.l", "halves.i.l", seen, ""},
		{"other sides by two splits that split alike", "rows a; halves h of=rows.a; halves i of=rows.a", "halves.h.l", "halves.i.t", "", ""},

		{"one file by two sources", "file a path='x.csv'; file b path='x.csv'", "file.a", "file.b", seen, ""},
		{"one file by two sources, written otherwise", "file a path='x.csv'; file b path='./y/../x.csv'", "file.a", "file.b", seen, ""},
		{"one file by its whole path", "file a path='/d/x.csv'; file b path='/d//x.csv'", "file.a", "file.b", seen, ""},
		{"by a path from here and one from the root", "file a path='x.csv'; file b path='/x.csv'", "file.a", "file.b", "", ""},
		{"a file among those of a pattern", "file a path='*.csv'; file b path='x.csv'", "file.a", "file.b", seen, ""},
		{"a pattern that a file is among", "file a path='x.csv'; file b path='*.csv'", "file.a", "file.b", seen, ""},
		{"a file that is not among those of a pattern", "file a path='y/*.csv'; file b path='x.csv'", "file.a", "file.b", "", ""},
		{"sources of no files", "file a; file b", "file.a", "file.b", "", ""},
		{"a source of no file, and one", "file a; file b path='x.csv'", "file.a", "file.b", "", ""},
		{"sides of two sources of one file, split alike", "file a path='x.csv'; file b path='x.csv'; halves h of=file.a; halves i of=file.b", "halves.h.l", "halves.i.t", "", ""},
		{"sides of two sources of one file, the same", "file a path='x.csv'; file b path='x.csv'; halves h of=file.a; halves i of=file.b", "halves.h.l", "halves.i.l", seen, ""},

		{"all rows by a query", "rows a; query q from=[rows.a]", "rows.a", "query.q", drawn, "rows.a and rows.a → query.q have"},
		{"fitted on all rows by a query", "rows a; query q from=[rows.a]", "query.q", "rows.a", drawn, "rows.a → query.q and rows.a have"},
		{"a part by a query", "rows a; query q from=[rows.a] where='x'", "rows.a", "query.q", drawn, "rows.a and"},
		{"two parts by queries", "rows a; query q from=[rows.a] where='x'; query p from=[rows.a] where='y'", "query.q", "query.p", "", ""},
		{"the same part by two queries", "rows a; query q from=[rows.a] where='x'; query p from=[rows.a] where='x'", "query.q", "query.p", drawn, "rows.a → query.q and rows.a → query.p have"},
		{"a part, and all of another query", "rows a; query q from=[rows.a] where='x'; query p from=[rows.a]", "query.q", "query.p", drawn, "rows.a → query.q and"},
		{"all of a query, and a part", "rows a; query q from=[rows.a] where='x'; query p from=[rows.a]", "query.p", "query.q", drawn, "rows.a → query.p and"},
		{"sides by queries", "rows a; halves h of=rows.a; query q from=[halves.h.l]; query p from=[halves.h.t]", "query.q", "query.p", "", ""},
		{"the same side by queries", "rows a; halves h of=rows.a; query q from=[halves.h.l]; query p from=[halves.h.l]", "query.q", "query.p", drawn,
			"halves.h.l → query.q and halves.h.l → query.p have"},
		{"sides of a query", "rows a; query q from=[rows.a]; halves h of=query.q", "halves.h.l", "halves.h.t", "", ""},
		{"an answer made anew", "rows a; query q from=[rows.a] answer='new'", "rows.a", "query.q", "", ""},
		{"a file by two sources, by queries", "file a path='x.csv'; file b path='x.csv'; query q from=[file.b]", "file.a", "query.q", drawn, "file.a and file.b → query.q have"},
		{"all rows by a query, kept", "rows a; query q from=[rows.a]; keep k of=query.q", "rows.a", "keep.k", drawn, "rows.a and rows.a → query.q → keep.k have"},
		{"rows of two tables by a query, of which it is the second", "rows a; rows b; query q from=[rows.b,rows.a]", "rows.a", "query.q", drawn, "rows.a and"},
		{"sides of splits that are configured otherwise", "rows a; halves h of=rows.a; halves i of=rows.a seed='2'", "halves.h.l", "halves.i.t", seen, ""},
		{"sides of splits of two kinds", "rows a; halves h of=rows.a; thirds i of=rows.a", "halves.h.l", "thirds.i.t", seen, ""},
		{"a source of no file, and all files", "file a; file b path='*'", "file.a", "file.b", "", ""},
		{"a table that has a path and is no source", "file a path='x.csv'; rows b; query q from=[rows.b] path='x.csv'", "file.a", "query.q", "", ""},
		{"rows that come along with others", "rows a; query q from=[rows.a]; view v from=rows.a answer='new'; set s views=[view.v]", "query.q", "set.s", "", ""},
		{"a label added to rows", "rows a; keep k of=rows.a column='z'; keep n of=keep.k; query q from=[keep.n]", "keep.k", "query.q", drawn, "keep.k and keep.k → keep.n → query.q have"},
		{"a label of the name of a column that was dropped", "rows a; query q from=[rows.a]; keep k of=query.q column='z'; keep n of=keep.k", "rows.a", "keep.n", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := rowsTold(t, short(fmt.Sprintf("%s; learn m by=%s; measure e what=learn.m over=%s", tt.world, tt.fitted, tt.measured)))
			switch {
			case tt.want == "" && got != nil:
				t.Errorf("got %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want+" | "+tt.why)):
				t.Errorf("got %q, want %s | %s…", got, tt.want, tt.why)
			}
		})
	}
}

// TestRowsOfModels: what is told of the models of a module, beyond whether they have seen the rows.
func TestRowsOfModels(t *testing.T) {
	const ab = "rows a; rows b; rows c; halves h of=rows.c; learn m by=rows.a; learn n by=rows.b; "
	tests := []struct {
		name, text string
		want       []string // "severity code summary"
	}{
		{"fitted on a test side behind rows kept", "rows a; halves h of=rows.a; keep k of=halves.h.t; learn m by=keep.k", []string{"error MLP1406 learn.m fits on the test side of halves.h"}},
		{"fitted on a side of a test side", "rows a; halves h of=rows.a; halves i of=halves.h.t; learn m by=halves.i.l", nil},
		{"and measured there: told once", "rows a; halves h of=rows.a; learn m by=halves.h.t; measure e what=learn.m over=halves.h.t",
			[]string{"error MLP1406 learn.m fits on the test side of halves.h"}},
		{"and measured there behind a query: told once", "rows a; halves h of=rows.a; query q from=[halves.h.t]; learn m by=halves.h.t; measure e what=learn.m over=query.q",
			[]string{"error MLP1406 learn.m fits on the test side of halves.h"}},
		{"validates on rows that it learns from", "rows a; learn m by=rows.a until=rows.a", []string{"warning MLP1407 learn.m learns from rows that it validates on"}},
		{"validates on them behind a query", "rows a; query q from=[rows.a]; learn m by=rows.a until=query.q", []string{"warning MLP1990 learn.m learns from rows that it validates on"}},
		{"which predicts nothing", "rows a; query q from=[rows.a]; learn m by=rows.a until=query.q target='none'", nil},
		{"chosen by rows behind a query: only those fitted on are followed", "rows a; rows b; query q from=[rows.b]; learn m by=rows.a until=rows.b; measure e what=learn.m over=query.q", nil},
		{"one of two models has learnt from rows behind a query", "rows a; rows b; query q from=[rows.a]; learn m by=rows.b; learn n by=rows.a; pick p among=[learn.m,learn.n]; measure e what=pick.p over=query.q",
			[]string{"warning MLP1990 measure.e measures learn.n on rows that it was trained on"}},
		{"a model that waited for figures is not chosen by them", "rows a; rows b; learn m by=rows.a; measure x what=learn.m over=rows.b; pick p among=[learn.m] after=[measure.x]; measure e what=pick.p over=rows.b", nil},
		{"a model that was chosen by figures", "rows a; rows b; learn m by=rows.a; measure x what=learn.m over=rows.b; pick p among=[learn.m] best=[measure.x]; measure e what=pick.p over=rows.b",
			[]string{"warning MLP1407 measure.e measures pick.p on rows that it was chosen by, in measure.x"}},
		{"both have: told once", "rows a; query q from=[rows.a]; learn m by=rows.a; learn n by=rows.a; pick p among=[learn.m,learn.n]; measure e what=pick.p over=query.q",
			[]string{"warning MLP1990 measure.e measures learn.m on rows that it was trained on"}},
		{"on rows of splits of each other", "halves h of=halves.i.l; halves i of=halves.h.l; learn m by=halves.h.l; measure e what=learn.m over=halves.i.t",
			[]string{"error MLP1401 these blocks need each other: halves.h → halves.i → halves.h"}},
		{"measured on rows of splits of each other", "rows a; halves h of=halves.i.l; halves i of=halves.h.l; learn m by=rows.a; measure e what=learn.m over=halves.i.t",
			[]string{"error MLP1401 these blocks need each other: halves.h → halves.i → halves.h"}},
		{"on rows of queries of each other", "query h from=[query.i]; query i from=[query.h]; learn m by=query.h until=query.i; measure e what=learn.m over=query.i",
			[]string{"error MLP1401 these blocks need each other: query.h → query.i → query.h"}},
		{"a baseline of the same model", ab + "measure x what=learn.m over=halves.h.t; vote v with=[learn.m] each=halves.h.c; watch w answers=vote.v then=measure.x", nil},
		{"a baseline of another model", ab + "measure x what=learn.n over=halves.h.t; vote v with=[learn.m] each=halves.h.c; watch w answers=vote.v then=measure.x",
			[]string{"error MLP1409 measure.x measures learn.n, and the predictions are those of learn.m"}},
		{"a baseline of another port's model", ab + "measure x what=learn.m.other over=halves.h.t; vote v with=[learn.m] each=halves.h.c; watch w answers=vote.v then=measure.x",
			[]string{"error MLP1409 measure.x measures learn.m, and the predictions are those of learn.m"}},
		{"of several models no baseline is known", ab + "measure x what=learn.n over=halves.h.t; vote v with=[learn.m,learn.n] each=halves.h.c; watch w answers=vote.v then=measure.x", nil},
		{"figures of no model are no baseline", ab + "vote v with=[learn.m] each=halves.h.c; watch x answers=vote.v; watch w answers=vote.v then=watch.x", nil},
		{"nor is a table", ab + "vote v with=[learn.m] each=halves.h.c; vote u with=[learn.n] each=halves.h.c; watch w answers=vote.v beside=vote.u", nil},
		{"what measures a model itself has no baseline", ab + "measure x what=learn.n over=halves.h.t; measure e what=learn.m over=halves.h.c then=measure.x", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, said := rowsTold(t, short(tt.text))
			var got []string
			for _, s := range said {
				line, _, _ := strings.Cut(s, " | ")
				got = append(got, line)
			}
			if d := gocmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestHintsOfRows: what to do differs with where the rows come in.
func TestHintsOfRows(t *testing.T) {
	for text, want := range map[string]string{
		"rows a; learn m by=rows.a; measure e what=learn.m over=rows.a":                         "evaluate on the test side of a split, and train on its train side.",
		"rows a; learn m by=rows.a; vote v with=[learn.m] each=rows.a; watch w answers=vote.v":  "let vote.v score rows of another time, or the test side of a split.",
		"rows a; halves h of=rows.a; keep k of=halves.h.t; learn m by=rows.a until=keep.k":      "give it the validation side of the split that data comes from.",
		"rows a; halves h of=rows.a; keep k of=halves.h.t; learn m by=keep.k":                   "by = halves.h.l",
		"rows a; halves h of=rows.a; keep k of=halves.h.t; learn m by=halves.h.l until=keep.k":  "until = halves.h.c",
		"rows a; query q from=[rows.a]; learn m by=rows.a; measure e what=learn.m over=query.q": "split the table first, and make a dataset of each side.",
	} {
		r := front.Compile(context.Background(), map[string][]byte{"p.mlp": []byte("pipeline \"p\" {}\n" + short(text))}, catalog(), front.Options{Library: library{}})
		if d := r.Diagnostics; len(d) == 0 || !slices.ContainsFunc(d, func(d source.Diagnostic) bool { return d.Hint == want }) {
			t.Errorf("%s: got %v, want %s", text, d, want)
		}
	}
}

// TestModelInput: the model that a block reads.
func TestModelInput(t *testing.T) {
	m, _ := rowsTold(t, short("rows a; rows b; learn m by=rows.a; measure e what=learn.m over=rows.b"))
	if r := m.Blocks["measure.e"].ModelInput(); r == nil || r.Target != "learn.m" {
		t.Errorf("of measure.e: %v", r)
	}
	if r := m.Blocks["rows.a"].ModelInput(); r != nil {
		t.Errorf("of rows.a: %v", r)
	}
}

// TestTwins: sources of which only a plan knows whether their files are the same are noted, unless a split keeps their rows apart.
func TestTwins(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // "block model fitted asked"
	}{
		{"two files", "file a path='x.csv'; file b path='y.csv'; learn m by=file.a; measure e what=learn.m over=file.b", []string{"measure.e learn.m file.a file.b"}},
		{"validated by another file", "file a path='x.csv'; file b path='y.csv'; learn m by=file.a until=file.b", []string{"learn.m learn.m file.a file.b"}},
		{"behind queries", "file a path='x.csv'; file b path='y.csv'; query q from=[file.a]; learn m by=query.q; measure e what=learn.m over=file.b", []string{"measure.e learn.m file.a file.b"}},
		{"parts of two files", "file a path='x.csv'; file b path='y.csv'; query q from=[file.a] where='x'; query p from=[file.b] where='y'; learn m by=query.q; measure e what=learn.m over=query.p", nil},
		{"sides of two files, split alike", "file a path='x.csv'; file b path='y.csv'; halves h of=file.a; halves i of=file.b; learn m by=halves.h.l; measure e what=learn.m over=halves.i.t", nil},
		{"a source of no file", "file a; file b path='y.csv'; learn m by=file.a; measure e what=learn.m over=file.b", nil},
		{"and the other one", "file a path='x.csv'; file b; learn m by=file.a; measure e what=learn.m over=file.b", nil},
		{"the same file is told", "file a path='x.csv'; file b path='x.csv'; learn m by=file.a; measure e what=learn.m over=file.b", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := rowsTold(t, short(tt.text))
			var got []string
			for _, w := range m.Twins {
				got = append(got, strings.Join([]string{w.Block, w.Model, w.Fitted, w.Asked}, " "))
			}
			if d := gocmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
