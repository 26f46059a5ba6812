package cli

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlp-lang/mlp/runtime/executor/docker"
)

// binary is the static mlp that scripts and containers run: the one MLP_BIN names, or else one built here. The process in which
// go test -fuzz calls a target gets none: a build there would use up the target's time before its first input, and targets call
// the packages.
func binary() (path string, cleanup func(), err error) {
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		return "", func() {}, nil
	}
	if given := os.Getenv("MLP_BIN"); given != "" {
		path, err = filepath.Abs(given)
		return path, func() {}, err
	}
	dir, err := os.MkdirTemp("", "mlp")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "mlp")
	out, err := exec.Command("go", "build", "-tags", "netgo,osusergo", "-o", path, "github.com/mlp-lang/mlp/runtime/cmd/mlp").CombinedOutput()
	if err != nil {
		return "", nil, fmt.Errorf("building mlp: %w\n%s", err, out)
	}
	return path, func() { os.RemoveAll(dir) }, nil
}

var (
	mlp    string // the binary under test
	during string // a folder that is there as long as the tests run
)

func TestMain(m *testing.M) {
	flag.Parse()
	path, cleanup, err := binary()
	if err == nil {
		during, err = os.MkdirTemp("", "mlp-tests")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mlp = path
	code := m.Run()
	cleanup()
	os.RemoveAll(during)
	os.Exit(code)
}

// engineAnswers tells whether container tests can run; they must where MLP_REQUIRE_DOCKER is set.
func engineAnswers(t *testing.T) bool {
	err := docker.Available(context.Background())
	if err != nil && os.Getenv("MLP_REQUIRE_DOCKER") != "" {
		t.Fatalf("MLP_REQUIRE_DOCKER is set and no engine answers: %v", err)
	}
	return err == nil
}

// TestScripts runs the command line as users do: each file of testdata/script is a story with its input and output.
func TestScripts(t *testing.T) {
	engine := engineAnswers(t)
	if !engine {
		t.Log("SKIPPED: the scripts that need a container engine; none answers")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(mlp)+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("ROOT", root)
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"uncosted": uncosted},
		Condition: func(cond string) (bool, error) {
			if cond == "docker" {
				return engine, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

var costLine = regexp.MustCompile(`(?m)^\nAbout .*\n`)

// uncosted FILE writes what the last command printed to FILE, less the line that tells how long past runs took.
func uncosted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: uncosted FILE")
	}
	text := costLine.ReplaceAllString(ts.ReadFile("stdout"), "")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}
