package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

func TestPathsThatMayShareFiles(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"a.csv", "a.csv", true},
		{"a.csv", "b.csv", false},
		{"data/*.csv", "data/2026.csv", true},
		{"data/2026.csv", "data/*.csv", true},
		{"data/*.csv", "data/x/2026.csv", false},
		{"data/**/*.csv", "data/x/y/2026.csv", true},
		{"data/**", "data/2026.parquet", true},
		{"data/2025-*.csv", "data/2026-*.csv", false},
		{"data/*.csv", "data/2026-*.csv", true},
		{"data/*.csv", "data/*.parquet", false},
		{"data/202[56].csv", "data/2025.csv", true},
		{"data/202[56].csv", "data/2024.csv", false},
		{"**/a.csv", "x/**", true},
		{"**/a.csv", "a.csv", true},
		{"**/a.csv", "x/b.csv", false},
		{"**/a.csv", "x/y/a.csv", true},
		{"x/**/a.csv", "x/y/b.csv", false},
		{"data/x.csv", "data", false},
		{"data/*b.csv", "data/*.csv", true},
		{"data/a*.csv", "data/ab*.csv", true},
	}
	for _, tt := range tests {
		for _, p := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := share(strings.Split(p[0], "/"), strings.Split(p[1], "/")); got != tt.want {
				t.Errorf("%s and %s: got %t", p[0], p[1], got)
			}
		}
	}
}

// sources is a checker of a module with sources of these configurations, in these folders.
func sources(external bool, configs map[string][2]string) *checker {
	c := &checker{m: &Module{Blocks: map[string]*Block{}}}
	table := &schema.Type{External: external, Out: []schema.Port{{Name: "table", Type: schema.TablePort}}}
	for address, of := range configs {
		c.m.Blocks[address] = &Block{Block: &resolve.Block{Address: address, Dir: of[0], TypeSpec: table}, Config: []byte(of[1])}
	}
	return c
}

// TestSourcePath: the path of a source is relative to the folder of its module.
func TestSourcePath(t *testing.T) {
	tests := []struct {
		name, dir, config string
		foreign           bool // no source
		want              string
	}{
		{"in the module", "", `{"path":"data/x.csv"}`, false, "data/x.csv"},
		{"in a called one", "modules/cards", `{"path":"./x.csv"}`, false, "modules/cards/x.csv"},
		{"above it", "modules/cards", `{"path":"../x.csv"}`, false, "modules/x.csv"},
		{"from the root", "modules/cards", `{"path":"/data//x.csv"}`, false, "/data/x.csv"},
		{"with separators of Windows", "", `{"path":"data\\x.csv"}`, false, "data/x.csv"},
		{"none", "modules/cards", `{}`, false, ""},
		{"of another form", "modules/cards", `{"path":["x.csv"]}`, false, ""},
		{"of another form, in part", "modules/cards", `{"path":"x.csv","path":1}`, false, ""},
		{"of no source", "", `{"path":"x.csv"}`, true, ""},
	}
	for _, tt := range tests {
		if got := sources(!tt.foreign, map[string][2]string{"source.s": {tt.dir, tt.config}}).sourcePath("source.s"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSameFiles: each source is told those before it that may read its files.
func TestSameFiles(t *testing.T) {
	c := sources(true, map[string][2]string{"source.a": {"", `{"path":"m/x.csv"}`}, "source.b": {"m", `{"path":"*.csv"}`}, "source.c": {"", `{"path":"m/**"}`},
		"source.d": {"", `{"path":"x.csv"}`}, "source.e": {"", `{}`}})
	want := map[string][]string{"source.b": {"source.a"}, "source.c": {"source.a", "source.b"}}
	if d := cmp.Diff(want, c.sameFiles()); d != "" {
		t.Error(d)
	}
}

// TestSameFilesOfMany: paths that are looked up are told as if each had been compared with each.
func TestSameFilesOfMany(t *testing.T) {
	paths := []string{"a.csv", "b.csv", "*.csv", "x/a.csv", "x/*.csv", "**/a.csv", "x/**", "x/[ab].csv", "x/y/a.csv"}
	configs := map[string][2]string{}
	var addresses []string
	for i := range 80 {
		address := fmt.Sprintf("source.s%02d", i)
		addresses = append(addresses, address)
		configs[address] = [2]string{"", fmt.Sprintf(`{"path":%q}`, paths[i*i*7%79%len(paths)])}
	}
	c := sources(true, configs)
	want := map[string][]string{}
	for i, b := range addresses {
		for _, a := range addresses[:i] {
			if share(strings.Split(c.sourcePath(a), "/"), strings.Split(c.sourcePath(b), "/")) {
				want[b] = append(want[b], a)
			}
		}
	}
	if d := cmp.Diff(want, c.sameFiles()); d != "" || len(want) < 60 {
		t.Errorf("%d share files (-each with each +looked up):\n%s", len(want), d)
	}
}
