package planner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// opaque is the pipeline with a model of somebody's image, so that all that a block can say of one is in it.
var opaque = strings.Replace(fraud, `train "trees" "m" {`, `train "container" "m" {
  image   = "i"
  command = ["t", "u"]
  predict = ["p", "q"]
  env     = { A = "1", B = "2" }`, 1)

// edits of a text, one at a time: each number, string, list and bool is another, with the line that it stands in.
func edits(text string) map[string]int {
	out := map[string]int{}
	add := func(from, to int, with string) {
		out[text[:from]+with+text[to:]] = strings.Count(text[:from], "\n") + 1
	}
	for _, at := range regexp.MustCompile(`= [0-9.]+`).FindAllStringIndex(text, -1) {
		add(at[0], at[1], text[at[0]:at[1]]+"1")
	}
	for _, at := range regexp.MustCompile(`"[^"\n]*"`).FindAllStringIndex(text, -1) {
		word := text[at[0]+1 : at[1]-1]
		line := text[strings.LastIndexByte(text[:at[0]], '\n')+1:]
		before, _, _ := strings.Cut(line, text[at[0]:at[1]])
		line = line[:strings.IndexByte(line, '\n')]
		switch {
		case !strings.Contains(before, "="): // labels are names: another one is another block
		case strings.Contains(line, "assert"):
			add(at[0]+1, at[1]-1, "("+word+") && true")
		case strings.Contains(line, "path"), strings.Contains(line, "image"):
		case strings.Contains(line, "names"):
			add(at[0]+1, at[1]-1, "x"+word)
		case strings.Contains(line, "features"): // columns that there are
		default:
			add(at[0]+1, at[1]-1, word+"x")
		}
	}
	for _, at := range regexp.MustCompile(`\[("[^"\n]*"), ("[^"\n]*")`).FindAllStringSubmatchIndex(text, -1) {
		add(at[2], at[5], text[at[4]:at[5]]+", "+text[at[2]:at[3]])
	}
	return out
}

// TestEveryEditIsTold: whatever is written otherwise, the plan says so, at the line where it stands; and whatever it makes run or leaves
// open is listed under a cause.
func TestEveryEditIsTold(t *testing.T) {
	for name, text := range map[string]string{"trees": fraud, "opaque": opaque} {
		w := settledIn(t, text)
		if p := w.plan(text); len(p.Changes) > 0 {
			t.Fatalf("%s: nothing differs, and the plan has %v", name, whyText(p))
		}
		tried := 0
		for other, line := range edits(text) {
			tried++
			p := w.plan(other)
			said := strings.Split(other, "\n")[line-1]
			told := func(c plan.Change) bool { return c.Range.Start.Line == line }
			if !slices.ContainsFunc(p.Changes, told) {
				t.Errorf("%s: an edit of line %d (%s) is not told there: %v", name, line, said, describeChanges(p))
			}
			for _, n := range p.Nodes {
				if n.Verdict != plan.Run && n.Verdict != plan.MayRun {
					continue
				}
				if !slices.ContainsFunc(p.Changes, func(c plan.Change) bool {
					return slices.Contains(c.Runs, n.Address) || slices.Contains(c.MayRun, n.Address)
				}) {
					t.Errorf("%s: line %d: %s has no cause: %v", name, line, n.Address, describeChanges(p))
				}
			}
		}
		if tried < 10 {
			t.Errorf("%s: only %d edits", name, tried)
		}
	}
}

func describeChanges(p *plan.Plan) (out []string) {
	for _, c := range p.Changes {
		out = append(out, fmt.Sprintf("%s:%d %s %s", c.Address, c.Range.Start.Line, c.Cause.Kind, c.Cause.Path))
	}
	return out
}

// TestStagesOfKnownResultsAreAdded: a stage that is new is told also where its result is known, as that of one that does the same, and
// once it is recorded it is told no more.
func TestStagesOfKnownResultsAreAdded(t *testing.T) {
	w := settledIn(t, fraud)
	twin := fraud + "\nevaluate \"twin\" {\n" + body(t, fraud, `evaluate "e" {`)
	p := w.plan(twin)
	if got := whyText(p); len(got) != 1 || got[0] != "metadata evaluate.twin added" || p.Changes[0].Range.Start.Line < strings.Count(fraud, "\n") {
		t.Errorf("got %v", got)
	}
	w.apply(p)
	if got := whyText(w.plan(twin)); len(got) > 0 {
		t.Errorf("once it is recorded: %v", got)
	}
}

// body is what stands behind a head, with the closing brace.
func body(t *testing.T, text, head string) string {
	_, after, ok := strings.Cut(text, head)
	inside, _, end := strings.Cut(after, "\n}")
	if !ok || !end {
		t.Fatalf("there is no %s", head)
	}
	return inside + "\n}\n"
}
