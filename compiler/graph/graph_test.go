package graph

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/source"
)

func build(t *testing.T, edges ...string) *Graph {
	t.Helper()
	g := New()
	for i, e := range edges {
		from, to, _ := strings.Cut(e, ">")
		for _, a := range []string{from, to} {
			if err := g.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		where := source.Range{File: "a.mlp", Start: source.Pos{Line: i + 1, Column: 1}}
		if err := g.Connect(from, to, where); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestOrder(t *testing.T) {
	tests := []struct{ name, edges, want string }{
		{"a chain", "c>b b>a", "c b a"},
		{"ties by name", "a>d b>d c>d", "a b c d"},
		{"an edge twice", "a>b a>b", "a b"},
		{"a diamond", "s>x s>a x>t a>t", "s a x t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := build(t, strings.Fields(tt.edges)...).Order()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCycle(t *testing.T) {
	tests := []struct{ name, edges, want string }{
		{"with itself", "a>a", "a>a:1"},
		{"of three", "b>c c>a a>b", "a>b:3 b>c:1 c>a:2"},
		{"behind a chain", "x>y y>b b>c c>b c>z", "b>c:3 c>b:4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build(t, strings.Fields(tt.edges)...).Order()
			var cycle *CycleError
			if !errors.As(err, &cycle) {
				t.Fatalf("got error %v, want a cycle", err)
			}
			var got []string
			for _, h := range cycle.Hops {
				got = append(got, fmt.Sprintf("%s>%s:%d", h.From, h.To, h.Range.Start.Line))
			}
			if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func BenchmarkOrder(b *testing.B) {
	g := New()
	for i := range 10_000 {
		_ = g.Add(fmt.Sprint(i))
		for j := max(0, i-3); j < i; j++ {
			_ = g.Connect(fmt.Sprint(j), fmt.Sprint(i), source.Range{})
		}
	}
	for b.Loop() {
		if _, err := g.Order(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestConnect(t *testing.T) {
	g := build(t, "a>b", "a>b", "c>b")
	if err := g.Connect("a", "x", source.Range{}); err == nil {
		t.Error("an edge to what was not added")
	}
	if err := g.Add("a"); err != nil || len(g.NeededBy()["a"]) != 1 {
		t.Errorf("added again: %v, needed by %v", err, g.NeededBy()["a"])
	}
	if d := cmp.Diff(map[string][]string{"a": nil, "b": {"a", "c"}, "c": nil}, g.Needs()); d != "" {
		t.Error(d)
	}
	if got := g.where[[2]string{"a", "b"}].Start.Line; got != 1 {
		t.Errorf("the edge is placed in line %d, want 1, where it was written first", got)
	}
}
