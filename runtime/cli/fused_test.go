package cli

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestNoFusedSums compiles the standard library for a processor that multiplies and adds in one rounding (arm64) and looks
// for such instructions: where there is one, a sum differs from that of amd64 in its last bit, and so may a model. An
// explicit conversion around the product, float64(a*b) + c, keeps the two roundings (Go specification, "Floating-point
// operators").
//
// Packages that the SQL engine is linked with cannot be compiled for another processor without a C compiler for it; the
// golden digests are all that holds them.
func TestNoFusedSums(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED with -short: compiles the runtime for another processor")
	}
	cmd := exec.Command("go", append([]string{"build", "-gcflags=" + modulePath + "stdlib/...=-S"}, withoutEngine(t)...)...)
	cmd.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("compiling for arm64 (%s): %v", cmd, err)
	}
	if !strings.Contains(string(out), "FMULD") {
		t.Fatal("no assembly was printed")
	}
	var found []string
	for _, m := range fusedAt.FindAllStringSubmatch(string(out), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	for _, at := range slices.Compact(found) {
		t.Errorf("%s: a product is added without being rounded: write float64(a*b) + c", at)
	}
}

// fusedAt finds the line of the source where an instruction of the listing is fused.
var fusedAt = regexp.MustCompile(`\(([^()\s]+\.go:\d+)\)\s+FN?M(?:ADD|SUB)[SD]\s`)

// withoutEngine lists the packages of the standard library that can be compiled for any processor.
func withoutEngine(t *testing.T) []string {
	t.Helper()
	found, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps}, modulePath+"stdlib/...")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range found {
		linked := len(p.GoFiles) == 0 // tests only
		packages.Visit([]*packages.Package{p}, nil, func(dep *packages.Package) {
			linked = linked || strings.HasPrefix(dep.PkgPath, "github.com/duckdb/")
		})
		if !linked {
			out = append(out, p.PkgPath)
		}
	}
	if !slices.Contains(out, modulePath+"stdlib/train/trees/histogram") || !slices.Contains(out, modulePath+"stdlib/metric") {
		t.Fatalf("got %v, want the packages that compute among them", out)
	}
	return out
}
