package suite

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func TestExecutorName(t *testing.T) {
	for _, tc := range []struct {
		asked   string
		foreign bool
		want    string
	}{{"process", false, "process"}, {"auto", false, "process"}, {"docker", false, "docker"}, {"process", true, "docker"}, {"auto", true, "docker"}} {
		if got := executorName(tc.asked, tc.foreign); got != tc.want {
			t.Errorf("%s, foreign %v: got %s, want %s", tc.asked, tc.foreign, got, tc.want)
		}
	}
}

// TestReadFiles: those that are named, or all of the folder, by their names; and none, or what is no text, is told.
func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	w := &workspace.Workspace{Given: "GIVEN", Dir: dir}
	_, err := ReadFiles(w, nil)
	var none *workspace.Failure
	if !errors.As(err, &none) || none.Error() != "there is no .mlptest file in GIVEN" || !strings.Contains(none.Hint, "mlp docs test") {
		t.Errorf("without files: got %v", err)
	}
	for name, text := range map[string]string{"b.mlptest": "test \"b\" {}\n", "a.mlptest": "\xef\xbb\xbftest \"a\" {}\n", "other.mlp": "", "in/c.mlptest": "test \"c\" {}\n", "bad.txt": "\xff"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ names, want []string }{
		{nil, []string{`a.mlptest: test "a" {}`, `b.mlptest: test "b" {}`}},
		{[]string{"in/c.mlptest"}, []string{`in/c.mlptest: test "c" {}`}},
	} {
		files, err := ReadFiles(w, tc.names)
		var got []string
		for name, text := range files {
			got = append(got, name+": "+strings.TrimSpace(string(text)))
		}
		if slices.Sort(got); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%v: got %q, %v, want %q", tc.names, got, err, tc.want)
		}
	}
	for _, name := range []string{"bad.txt", "none.mlptest"} {
		_, err := ReadFiles(w, []string{"a.mlptest", name})
		var wrong *front.Error
		if !errors.As(err, &wrong) || !wrong.Diagnostics.HasErrors() || wrong.Diagnostics[0].Subject.File != name {
			t.Errorf("%s: got %v", name, err)
		} else if _, shown := wrong.Files[name]; !shown {
			t.Errorf("%s: its text is not there to be shown", name)
		}
	}
}
