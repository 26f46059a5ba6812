package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

// stalling serves orders.csv, and where it stalls only the first half of it until goOn is closed; then the rest.
type stalling struct {
	*httptest.Server
	stalls atomic.Bool
	gets   atomic.Int64
	halted chan struct{} // is told that a client waits for the second half
	goOn   chan struct{}
}

func newStalling(t *testing.T) *stalling {
	text := "id,amount\n" + strings.Repeat("1,2.5\n", 50_000)
	s := &stalling{halted: make(chan struct{}, 1), goOn: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if r.Method == http.MethodGet {
			s.gets.Add(1)
		}
		if r.Method != http.MethodGet || !s.stalls.Load() {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		_, _ = w.Write([]byte(text[:len(text)/2]))
		w.(http.Flusher).Flush()
		s.halted <- struct{}{}
		select {
		case <-s.goOn:
			_, _ = w.Write([]byte(text[len(text)/2:]))
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// endedBy runs a command in a module with temporary folders of its own, has it stopped, and returns what it printed. Nothing may
// be left of it outside of the store's objects.
func endedBy(t *testing.T, dir string, stop func(*os.Process), args ...string) (out string, code int) {
	t.Helper()
	tmp := t.TempDir()
	cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	stop(cmd.Process)
	_ = cmd.Wait() // how it ended is in its state
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("%s was left in the folder for temporary files", left[0].Name())
	}
	nothingLeft(t, dir)
	if n := storedNames(t, dir); strings.Contains(n, "orders.csv") {
		t.Errorf("a part of the file is in the store: %s", n)
	}
	return printed.String(), cmd.ProcessState.ExitCode()
}

// storedNames lists what lies in the store's objects and checkpoints.
func storedNames(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	for _, folder := range []string{"objects", "checkpoint"} {
		_ = filepath.WalkDir(filepath.Join(dir, ".mlp", folder), func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				all = append(all, filepath.Base(path))
			}
			return nil
		})
	}
	return strings.Join(all, " ")
}

// TestFetchStopped stops a download in its middle, in every way. The first signal lets it end, the second ends it; what came of the file is
// removed, and the next apply has the whole file.
func TestFetchStopped(t *testing.T) {
	taken := make(chan os.Signal, 8)
	signal.Notify(taken, os.Interrupt, syscall.SIGHUP) // what is started does not ignore them then
	defer signal.Stop(taken)
	for _, test := range []struct {
		name    string
		by      os.Signal
		times   int
		timeout string
		want    string
		fetched int64 // how often, with the apply that comes after
	}{
		{"SIGINT", os.Interrupt, 1, "", "Applied: 1 ran", 1},
		{"SIGTERM", syscall.SIGTERM, 1, "", "Applied: 1 ran", 1},
		{"SIGHUP", syscall.SIGHUP, 1, "", "Applied: 1 ran", 1},
		{"SIGINT twice", os.Interrupt, 2, "", "Applied: 0 ran", 2},
		{"SIGTERM twice", syscall.SIGTERM, 2, "", "Applied: 0 ran", 2},
		{"SIGHUP twice", syscall.SIGHUP, 2, "", "Applied: 0 ran", 2},
		{"SIGKILL", syscall.SIGKILL, 1, "", "", 2},
		{"time-out", nil, 0, "timeout = \"3s\"", "did not end within its time-out of 3s", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStalling(t)
			s.stalls.Store(true)
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf("pipeline \"shop\" {}\nsource \"csv\" \"orders\" {\n  path = \"%s/orders.csv\"\n  %s\n  column \"id\" { type = \"bigint\" }\n}\n", s.URL, test.timeout))
			if test.by == syscall.SIGKILL {
				killedFetch(t, s, dir)
			} else {
				out, code := endedBy(t, dir, func(p *os.Process) {
					<-s.halted
					for range test.times {
						if err := p.Signal(test.by); err != nil {
							t.Error(err)
						}
						time.Sleep(300 * time.Millisecond) // so that it is a second one
					}
					if test.times == 1 {
						close(s.goOn)
					}
				}, "apply", "--auto-approve", "--executor", "process")
				if code != exitError || !strings.Contains(out, test.want) {
					t.Errorf("exit code %d\n%s", code, out)
				}
			}
			s.stalls.Store(false)
			out := mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
			if n := s.gets.Load(); n != test.fetched {
				t.Errorf("the file was fetched %d times, want %d\n%s", n, test.fetched, out)
			}
			if log := mustRun(t, dir, "logs", "source.orders"); !strings.Contains(log, "read 50000 rows") {
				t.Errorf("other rows than the file has:\n%s", log)
			}
			nothingLeft(t, dir)
		})
	}
}

// killedFetch kills an apply in the middle of a download; what it leaves goes with the next one.
func killedFetch(t *testing.T, s *stalling, dir string) {
	t.Helper()
	cmd := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-s.halted
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}

// TestInitStopped stops mlp init in the middle of a download: it ends at once, and pins nothing.
func TestInitStopped(t *testing.T) {
	taken := make(chan os.Signal, 8)
	signal.Notify(taken, os.Interrupt, syscall.SIGHUP)
	defer signal.Stop(taken)
	for _, by := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(by.String(), func(t *testing.T) {
			s := newStalling(t)
			s.stalls.Store(true)
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf("pipeline \"shop\" {}\nsource \"csv\" \"orders\" { path = \"%s/orders.csv\" }\n", s.URL))
			out, code := endedBy(t, dir, func(p *os.Process) {
				<-s.halted
				if err := p.Signal(by); err != nil {
					t.Error(err)
				}
			}, "init")
			if code != exitError || !strings.Contains(out, "interrupted") {
				t.Errorf("exit code %d\n%s", code, out)
			}
			if _, err := os.Stat(filepath.Join(dir, "mlp.lock")); err == nil {
				t.Error("something is pinned")
			}
			s.stalls.Store(false)
			mustRun(t, dir, "init")
		})
	}
}

// TestPostgresKilled kills the server while its rows are read, and stops an apply whose query takes hours: the server does not go on with it.
func TestPostgresKilled(t *testing.T) {
	server := postgrestest.Start(t)
	t.Setenv("MLP_TEST_DB_PASSWORD", postgrestest.Password)
	module := func(query string) string {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf("pipeline \"shop\" {}\nsecret \"db\" { env = \"MLP_TEST_DB_PASSWORD\" }\nsource \"postgres\" \"x\" {\n  url = %q\n  password = secret.db\n  query = %q\n  version = \"select count(*) from ready\"\n  column \"i\" { type = \"bigint\" }\n}\n", server.URL(), query))
		return dir
	}
	server.Exec("create table ready (i int); create table slow (i bigint); insert into slow select generate_series(1, 100000)")
	const slow = "select i, pg_sleep(0.001)::text as slept from slow"
	running := func() bool {
		return server.Ask("select count(*) from pg_stat_activity where application_name = 'mlp' and query like '%pg_sleep%' and state = 'active'") != "0"
	}
	until := func(want bool) {
		t.Helper()
		for range 200 {
			if running() == want {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Errorf("the query runs: %v", !want)
	}
	dir := module(slow)
	out, code := endedBy(t, dir, func(p *os.Process) {
		until(true)
		for range 2 {
			if err := p.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
	}, "apply", "--auto-approve", "--executor", "process")
	if code != exitError || !strings.Contains(out, "Applied: 0 ran") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	until(false)

	out, code = endedBy(t, dir, func(*os.Process) {
		until(true)
		server.Down()
	}, "apply", "--auto-approve", "--executor", "process")
	if code != exitError || !strings.Contains(out, "does not answer") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	server.Up()
	server.Exec("delete from slow where i > 100; insert into ready values (1)")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if log := mustRun(t, dir, "logs", "source.x"); !strings.Contains(log, "read 100 rows") {
		t.Errorf("other rows than the table has:\n%s", log)
	}
}
