package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// applyUntil starts an apply and calls disturb at the first line of its output that begins a stage, with the stage's
// address. It returns what was printed on standard error, and the exit code.
func applyUntil(t *testing.T, dir string, env, args []string, disturb func(address string)) (stderr string, code int) {
	t.Helper()
	cmd := exec.Command(mlp, append([]string{"-C", dir, "apply", "--auto-approve", "--parallelism", "1"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if words := strings.Fields(lines.Text()); !done && len(words) == 2 && words[1] == "started" {
			disturb(words[0])
			done = true
		}
	}
	_ = cmd.Wait() // its exit code is asked for
	if !done {
		t.Fatalf("no stage was started\n%s", errs.String())
	}
	return errs.String(), cmd.ProcessState.ExitCode()
}

const twoSources = `pipeline "two" {}

source "csv" "a" {
  path = "a.csv"
  column "id" { type = "bigint" }
}

source "csv" "b" {
  path = "b.csv"
  column "id" { type = "bigint" }
}
`

// TestFileMoved moves a source's file away between the plan and the stage that reads it: the plan is stale, the other
// source's result is kept, and once the file is back an apply does the rest.
func TestFileMoved(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"p.mlp": twoSources, "a.csv": "id\n1\n", "b.csv": "id\n2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var here, away string
	stderr, code := applyUntil(t, dir, nil, []string{"--executor", "process"}, func(address string) {
		here = map[string]string{"source.a": "b.csv", "source.b": "a.csv"}[address]
		here, away = filepath.Join(dir, here), filepath.Join(dir, "away")
		if err := os.Rename(here, away); err != nil {
			t.Fatal(err)
		}
	})
	if want := fmt.Sprintf("files are gone since the plan was made: none of its files is there: no file matches %q; plan again", filepath.Base(here)); code != exitStale || !strings.Contains(stderr, want) {
		t.Errorf("got exit code %d and %q, want %d and %q", code, stderr, exitStale, want)
	}
	if err := os.Rename(away, here); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, dir, "apply", "--auto-approve", "--executor", "process"); !strings.Contains(out, "Applied: 1 ran, 1 cached") {
		t.Errorf("got %s, want one stage run and the other one kept", out)
	}
}

// proxy passes connections on to the container engine until it is shut, which also cuts those that are open.
type proxy struct {
	listener net.Listener
	mu       sync.Mutex
	shut     bool
	open     []net.Conn
}

func newProxy(t *testing.T, socket string) *proxy {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	t.Cleanup(p.close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // shut
			}
			go p.pass(c)
		}
	}()
	return p
}

func (p *proxy) pass(from net.Conn) {
	to, err := net.Dial("unix", engineSocket())
	if err != nil {
		from.Close()
		return
	}
	if !p.hold(from, to) {
		return
	}
	go func() { io.Copy(to, from); to.(*net.UnixConn).CloseWrite() }()
	io.Copy(from, to)
	from.Close()
}

// hold keeps connections to be cut; false if the proxy is shut already.
func (p *proxy) hold(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, conns...)
	if p.shut {
		p.cut()
	}
	return !p.shut
}

func (p *proxy) cut() {
	for _, c := range p.open {
		c.Close()
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	p.listener.Close()
	p.cut()
}

// engineSocket is where the container engine answers, by DOCKER_HOST or by default; "" if that is no socket of this machine.
func engineSocket() string {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return "/var/run/docker.sock"
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return ""
	}
	return path
}

// TestEngineGoesAway takes the container engine away when the first stage has started. The apply ends and says so; the
// next one, with the engine back, leaves nothing behind and gives the results of an undisturbed one.
func TestEngineGoesAway(t *testing.T) {
	if !engineAnswers(t) || engineSocket() == "" {
		t.Skip("SKIPPED: no container engine answers at a socket of this machine")
	}
	undisturbed := exampleCopy(t, "churn")
	mustRun(t, undisturbed, "apply", "--auto-approve", "--executor", "process")
	dir := exampleCopy(t, "churn")
	socket := filepath.Join(t.TempDir(), "engine")
	p := newProxy(t, socket)
	stderr, code := applyUntil(t, dir, []string{"DOCKER_HOST=unix://" + socket}, []string{"--executor", "docker"}, func(string) { p.close() })
	if code != exitError || !strings.Contains(stderr, "container engine does not answer") || !strings.Contains(stderr, "apply again when the engine is back") {
		t.Errorf("got exit code %d and %q, want %d and that the engine is gone", code, stderr, exitError)
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "docker")
	if diff := cmp.Diff(results(t, undisturbed), results(t, dir)); diff != "" {
		t.Errorf("the results differ:\n%s", diff)
	}
	noContainers(t, dir)
}

// TestPortInUse serves on a port that another server has: it says which, and what to do.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.mlp"), []byte("pipeline \"served\" {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, got, code := run(t, dir, "serve", "--addr", l.Addr().String())
	want := "Error: listening on " + l.Addr().String() + ": the port is in use, perhaps by another server of this kind; stop that or take another address\n"
	if code != exitError || got != want {
		t.Errorf("got exit code %d and %q, want %d and %q", code, got, exitError, want)
	}
}
