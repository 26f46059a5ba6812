package cli

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// servedModule is a pipeline that releases a model; STRENGTH gives another model.
const servedModule = `pipeline "p" {}
source "csv" "s" {
  path = "s.csv"
  column "id" { type = "bigint" }
  column "x"  { type = "double" }
  column "y"  { type = "boolean" }
}
train "logistic_regression" "m" {
  data     = source.s
  target   = "y"
  features = ["x"]
  params { l2 = STRENGTH }
}
deploy "http" "scorer" { model = train.m }
`

// said is what a process writes, read while it runs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a server of a store, started as its users start it.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	log said
	url string
}

// startServer starts mlp serve in a folder; without a url it has ended.
func startServer(t *testing.T, dir string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(mlp, "-C", dir, "serve", "--addr", "127.0.0.1:0")}
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = r.cmd.Wait(); close(ended) }() // how it ended is in its state
	t.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if strings.Contains(r.log.String(), "goroutine") || r.cmd.ProcessState.ExitCode() < 0 {
			t.Errorf("the server ended with %v: %s", r.cmd.ProcessState, &r.log)
		}
	})
	for {
		if _, rest, ok := strings.Cut(r.log.String(), "Serving on "); ok && strings.Contains(rest, "\n") {
			r.url, _, _ = strings.Cut(rest, "\n")
			return r
		}
		select {
		case <-ended:
			return r
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// score asks for the score of one row, once the releases were read.
func (r *running) score() (status int, body string) {
	r.t.Helper()
	resp, err := http.Post(r.url+"/v1/models/scorer/predict", "application/json", strings.NewReader(`{"rows":[{"x":2.5}]}`))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (r *running) eventually(text string) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(r.log.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("the server does not say %q: %s", text, &r.log)
		}
	}
}

// harm changes a file in each of the ways that disks and people do.
var harm = map[string]func(t *testing.T, file string){
	"gone": func(t *testing.T, file string) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	},
	"cut": func(t *testing.T, file string) {
		rewrite(t, file, func(b []byte) []byte { return b[:len(b)/2] })
	},
	"a bit": func(t *testing.T, file string) {
		rewrite(t, file, func(b []byte) []byte { b[len(b)*2/3] ^= 1; return b })
	},
}

func rewrite(t *testing.T, file string, by func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		b = by(b)
		err = os.Remove(file) // objects are read-only
	}
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// objectsOf are the files of a release's model in a store: of its directory, its bundle and its estimator.
func objectsOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, ".mlp/objects/blake3/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("bundle.json")) || bytes.Contains(b, []byte(`"provenance"`)) || bytes.Contains(b, []byte(`"coefficients"`)) {
			files = append(files, file)
		}
	}
	return files
}

func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestServeOfDamagedStore: a server of a store whose files are damaged says which, and what to run, and never answers with what they hold.
func TestServeOfDamagedStore(t *testing.T) {
	old := t.TempDir()
	put(t, filepath.Join(old, "s.csv"), "id,x,y\n1,1,false\n2,2,true\n3,3,false\n4,4,true\n5,5,true\n6,0,false\n7,1,false\n8,2,true\n9,3,true\n10,4,true\n11,5,false\n12,0,false\n")
	put(t, filepath.Join(old, "m.mlp"), strings.ReplaceAll(servedModule, "STRENGTH", "1"))
	mustRun(t, old, "apply", "--auto-approve", "--executor", "process")
	files := objectsOf(t, old)
	if len(files) != 3 {
		t.Fatalf("got %d objects of the model: %v", len(files), files)
	}
	whole := startServer(t, copied(t, old))
	status, want := whole.score()
	if status != http.StatusOK {
		t.Fatalf("got %d %s", status, want)
	}
	for how, damage := range harm {
		for _, file := range files {
			dir := copied(t, old)
			rel, _ := filepath.Rel(old, file)
			damage(t, filepath.Join(dir, rel))
			r := startServer(t, dir)
			status, body := r.score()
			if status != http.StatusServiceUnavailable || !strings.Contains(body, "mlp apply") || !strings.Contains(body, "mlp store verify") {
				t.Errorf("%s %s: got %d %s", rel, how, status, body)
			}
		}
		dir := copied(t, old)
		revisions, err := filepath.Glob(filepath.Join(dir, ".mlp/log/p/default/*.json"))
		if err != nil || len(revisions) == 0 {
			t.Fatalf("got %v, %v", revisions, err)
		}
		damage(t, revisions[len(revisions)-1])
		if r := startServer(t, dir); r.url != "" || !strings.Contains(r.log.String(), "the state's log is damaged") {
			t.Errorf("state %s: got %s", how, &r.log)
		}
	}

	next := copied(t, old)
	put(t, filepath.Join(next, "m.mlp"), strings.ReplaceAll(servedModule, "STRENGTH", "0.01"))
	mustRun(t, next, "apply", "--auto-approve", "--executor", "process")
	still := func(r *running) {
		t.Helper()
		if status, body := r.score(); status != http.StatusOK || body != want {
			t.Errorf("got %d %s, want %s", status, body, want)
		}
	}
	for _, damage := range harm {
		damaged := copied(t, next)
		for _, file := range objectsOf(t, damaged) {
			rel, _ := filepath.Rel(damaged, file)
			if !slices.Contains(files, filepath.Join(old, rel)) {
				damage(t, file)
			}
		}
		dir := copied(t, old)
		r := startServer(t, dir)
		still(r)
		for _, part := range []string{"objects", "heads", "log"} { // as an apply writes them
			if out, err := exec.Command("cp", "-rf", filepath.Join(damaged, ".mlp", part), filepath.Join(dir, ".mlp")).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		r.eventually("stays: fetching the model")
		still(r)
	}
	dir := copied(t, old)
	r := startServer(t, dir)
	still(r)
	if err := os.Rename(filepath.Join(dir, ".mlp"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	r.eventually("what is loaded stays")
	still(r)
}
