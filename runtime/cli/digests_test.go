package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
)

const (
	digestsModule = "testdata/digests"
	digestsGolden = "testdata/digests.golden"
)

// held is a line of the golden file: what a version of a component yields, given a configuration and inputs.
type held struct {
	component string // "dataset.sql@1"; of one that uses the SQL engine with its version, "dataset.sql@1+duckdb-1.4.5"
	port      string
	digest    string
	address   string
	given     string // digest of the configuration and the inputs' digests
}

func (h held) key() string { return h.address + " " + h.port }
func (h held) String() string {
	return strings.Join([]string{h.component, h.port, h.digest, h.address, h.given}, " ")
}

const digestsHead = `# What each version of each component yields: component@version port digest address given.
# given is the digest of the configuration and of the inputs: while it and the version stay, the output's digest must.
# Made on linux/amd64 by go test ./runtime/cli -run TestDigests -update.
`

// TestDigests applies a module that uses every built-in component and compares the digests of what they yield. Other
// bytes from the same version of a component would be taken for the same result by every store that has the old ones.
func TestDigests(t *testing.T) {
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		t.Skipf("SKIPPED: the digests are those of linux/amd64; on %s the C library's logarithms may round otherwise", platform)
	}
	dir := digestsApplied(t)
	got := yields(t, digestsPlan(t, dir))
	want := readHeld(t)
	problems, stale := compareHeld(want, got)
	for _, p := range problems {
		t.Error(p)
	}
	switch {
	case len(problems) > 0 || len(stale) == 0:
	case *update:
		writeHeld(t, got)
	default:
		t.Errorf("%s is not up to date (go test -update writes it), %d lines:\n%s", digestsGolden, len(stale),
			strings.Join(stale[:min(5, len(stale))], "\n"))
	}
}

// compareHeld finds digests that moved while their component's version did not: those are problems that no update
// mends. All other differences make the golden file stale.
func compareHeld(want, got []held) (problems, stale []string) {
	before := map[string]held{}
	for _, h := range want {
		before[h.key()] = h
	}
	for _, h := range got {
		was, known := before[h.key()]
		delete(before, h.key())
		switch {
		case !known:
			stale = append(stale, "new: "+h.String())
		case was.component == h.component && was.given == h.given && was.digest != h.digest:
			problems = append(problems, fmt.Sprintf("%s yields other bytes at port %s of %s: %s, not %s.\n"+
				"If that is meant, bump the Version of %s, so that results of the old one are not taken for results of the new.\n"+
				"If the old bytes were never used, remove the line from %s by hand and run go test -update.",
				h.component, h.port, h.address, h.digest, was.digest, strings.Split(h.component, "@")[0], digestsGolden))
		case was != h:
			stale = append(stale, "was: "+was.String()+"\nnow: "+h.String())
		}
	}
	for _, h := range want {
		if _, left := before[h.key()]; left {
			stale = append(stale, "gone: "+h.String())
		}
	}
	return problems, stale
}

// TestCompareHeld shows which differences an update may write and which it must not.
func TestCompareHeld(t *testing.T) {
	line := held{"split.hash@1", "train", "blake3:aa", "split.x", "blake3:11"}
	with := func(change func(*held)) []held {
		h := line
		change(&h)
		return []held{h}
	}
	tests := []struct {
		name            string
		want, got       []held
		problems, stale int
	}{
		{"same", []held{line}, []held{line}, 0, 0},
		{"other bytes", []held{line}, with(func(h *held) { h.digest = "blake3:bb" }), 1, 0},
		{"other bytes of another version", []held{line}, with(func(h *held) { h.digest, h.component = "blake3:bb", "split.hash@2" }), 0, 1},
		{"other bytes from other inputs", []held{line}, with(func(h *held) { h.digest, h.given = "blake3:bb", "blake3:22" }), 0, 1},
		{"same bytes of another version", []held{line}, with(func(h *held) { h.component = "split.hash@2" }), 0, 1},
		{"line removed by hand", nil, []held{line}, 0, 1},
		{"block removed", []held{line}, nil, 0, 1},
	}
	for _, tt := range tests {
		problems, stale := compareHeld(tt.want, tt.got)
		if len(problems) != tt.problems || len(stale) != tt.stale {
			t.Errorf("%s: got problems %q and stale %q, want %d and %d", tt.name, problems, stale, tt.problems, tt.stale)
		}
	}
}

// TestDigestsCoverComponents makes sure that the module leaves out no component that runs without a container.
func TestDigestsCoverComponents(t *testing.T) {
	used := map[string]bool{}
	for _, h := range readHeld(t) {
		used[strings.Split(h.component, "@")[0]] = true
	}
	for _, c := range stdlib.Components() {
		elsewhere := c.Type.External && c.Source == nil // tests of stdlib/source hold what it reads of a server
		if runs := c.Run != nil && c.Type.Name != "container" && !elsewhere; runs && !used[c.Name()] {
			t.Errorf("%s is not used in %s", c.Name(), digestsModule)
		}
	}
}

// digestsApplied is a folder in which the module of all components was applied.
func digestsApplied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(digestsModule)); err != nil {
		t.Fatal(err)
	}
	// What a deployment answered lies in the store; of the log any table will do.
	logged, err := os.ReadFile(filepath.Join(dir, "data", "meters.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, ".mlp", "predictions", "digests", "default", "usage", schema.LoggedName("20260101T000000.000000000Z-00000000", 1, strings.Repeat("0", 64)))
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, logged, 0o600)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	return dir
}

// digestsPlan is a plan of what was applied: all is known, and nothing is left to do.
func digestsPlan(t *testing.T, dir string) *plan.Plan {
	t.Helper()
	var p plan.Plan
	if err := json.Unmarshal([]byte(mustRun(t, dir, "plan", "--format", "json")), &p); err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Nodes {
		if n.Verdict != plan.Cached {
			t.Fatalf("%s was just applied and is not cached: %s", n.Address, n.Verdict)
		}
	}
	return &p
}

// yields lists what the nodes of a plan yield, sorted by component, address and port.
func yields(t *testing.T, p *plan.Plan) []held {
	t.Helper()
	var all []held
	for _, n := range p.Nodes {
		inputs := map[string]plan.Digest{}
		for _, in := range n.Inputs {
			inputs[in.Port] = in.Digest
		}
		given, err := plan.Sum("given", []any{n.Config, inputs})
		if err != nil {
			t.Fatal(err)
		}
		component := fmt.Sprintf("%s@%d", workspace.ComponentName(n.Kind, n.Type), n.Version)
		if n.Engine != "" {
			component += "+" + n.Engine
		}
		for _, out := range n.Outputs {
			all = append(all, held{component, out.Port, string(out.Digest), n.Address, string(given)})
		}
	}
	slices.SortFunc(all, func(a, b held) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.address, b.address), cmp.Compare(a.port, b.port))
	})
	return all
}

func readHeld(t *testing.T) []held {
	t.Helper()
	text, err := os.ReadFile(digestsGolden)
	if err != nil {
		t.Fatal(err)
	}
	var all []held
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(line, "#") {
			if len(f) != 5 {
				t.Fatalf("%s: %q has not five fields", digestsGolden, line)
			}
			all = append(all, held{f[0], f[1], f[2], f[3], f[4]})
		}
	}
	return all
}

func writeHeld(t *testing.T, all []held) {
	t.Helper()
	text := digestsHead
	for _, h := range all {
		text += h.String() + "\n"
	}
	if err := os.WriteFile(filepath.FromSlash(digestsGolden), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
