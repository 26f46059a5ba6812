package review

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

func rawOf(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// Names, values and messages can neither forge a line nor leave their code span.
func TestHostileDiff(t *testing.T) {
	evil := "x`\n\n# Approved ``` <img src=x onerror=alert(1)> @all \x1b[31m\u202e"
	d := &diff.Diff{Pipeline: evil, Before: diff.Side{Name: evil}, After: diff.Side{Name: evil},
		Variables: []diff.Field{{Path: evil, Before: rawOf(evil), After: rawOf("y")}},
		Added:     []diff.Block{{Address: evil, Type: evil}}, Moved: []diff.Move{{From: evil, To: evil}},
		Changed:  []diff.Changed{{Address: evil, Fields: []diff.Field{{Path: evil, After: rawOf(evil)}}, Reaches: []string{evil}}},
		Gates:    []diff.Gate{{Address: evil, Before: plan.RuleVerdict(evil), After: plan.Pass, Verdicts: []diff.Verdict{{Rule: evil}}}},
		Releases: []diff.Release{{Address: evil, Before: plan.ReleaseAction(evil), Fields: []diff.Field{{Path: evil}}}},
		Runs:     diff.Runs{After: []string{evil}}}
	var text, markdown bytes.Buffer
	if err := Diff(&text, d, render.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := DiffMarkdown(&markdown, d); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": text.String(), "markdown": markdown.String()} {
		for _, bad := range []string{"\n# Approved", "\x1b", "\u202e"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
	}
	outside := markdown.String()
	for { // what is left without code spans
		_, rest, ok := strings.Cut(outside, "````")
		if !ok {
			break
		}
		before, _, _ := strings.Cut(outside, "````")
		_, after, closed := strings.Cut(rest, "````")
		if !closed {
			t.Fatal("a code span is not closed")
		}
		outside = before + after
	}
	if strings.Contains(outside, "<img") || strings.Contains(outside, "@all") {
		t.Errorf("outside of code spans stands:\n%s", outside)
	}
}

func TestExplainOfHostileStrings(t *testing.T) {
	p := fraud()
	n := p.Node("train.model")
	n.Config = rawOf(map[string]any{"a\nforged: line": "b\x1b[2J\u202e\nforged: line"})
	n.Inputs[0].From = "x\nforged: line"
	p.Gates[0].Rules.Rules[0] = plan.Rule{Name: "a\nforged: line", Assert: "1\nforged: line", Message: "\nforged: line", Verdict: plan.Open}
	for _, address := range []string{"train.model", "gate.release"} {
		var b bytes.Buffer
		found, err := Explain(&b, p, &plan.State{}, address, "one thread: x\nforged: line", render.Options{})
		if err != nil || !found {
			t.Fatalf("%s: %v %v", address, found, err)
		}
		for _, bad := range []string{"\nforged", "\x1b", "\u202e"} {
			if strings.Contains(b.String(), bad) {
				t.Errorf("%s holds %q:\n%s", address, bad, b.String())
			}
		}
	}
	if found, _ := Explain(&bytes.Buffer{}, p, &plan.State{}, "train.none", "", render.Options{}); found {
		t.Error("explained what is not there")
	}
}
