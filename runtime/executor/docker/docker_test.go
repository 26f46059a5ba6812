package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// requireEngine skips the test where no engine answers, unless MLP_REQUIRE_DOCKER=1 says that one must.
func requireEngine(t testing.TB) {
	t.Helper()
	err := Available(context.Background())
	switch {
	case err == nil:
	case os.Getenv("MLP_REQUIRE_DOCKER") == "1":
		t.Fatalf("MLP_REQUIRE_DOCKER=1, and no container engine: %v", err)
	default:
		t.Skipf("no container engine: %v", err)
	}
}

// stageBinary builds testdata/stage, once.
var stageBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mlp-stage-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "stage")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", path, "./testdata/stage")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building testdata/stage: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := stageBinary(); err == nil {
		removeImage(path)
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func newExecutor(t testing.TB, o Options) *Executor {
	t.Helper()
	requireEngine(t)
	self, err := stageBinary()
	if err != nil {
		t.Fatal(err)
	}
	if o.SelfPath == "" {
		o.SelfPath = self
	}
	e, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// testLog is a log that may be read while it is written.
type testLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *testLog) waitFor(t testing.TB, text string) {
	t.Helper()
	for range 12_000 {
		if strings.Contains(l.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the log has no %q: %q", text, l.String())
}

// newTask is a task that runs a component of testdata/stage. Its pipeline is named by the test, so that tests find
// their own containers.
func newTask(t testing.TB, name string) (executor.Task, *testLog) {
	t.Helper()
	log := &testLog{}
	dir := t.TempDir()
	task := executor.Task{
		Pipeline: t.Name(), Workspace: "default", Address: "stage.x", Fingerprint: "blake3:12", Apply: "a1", Attempt: 1,
		Scratch: filepath.Join(dir, "scratch"), Out: filepath.Join(dir, "out"), Checkpoint: filepath.Join(dir, "checkpoint"),
		Inputs: []executor.Input{{Port: "data", Path: filepath.Join(dir, "data")}},
		Log:    log, Timeout: time.Minute,
		Spec: component.Spec{
			Protocol: component.Protocol, Address: "stage.x", Component: "test." + name, Version: 1, Seed: 7,
			Config: []byte("{}"),
			In:     map[string]schema.Shape{"data": {Type: schema.FilesPort}},
			Out:    map[string]schema.Shape{"files": {Type: schema.FilesPort}},
		},
	}
	for _, d := range []string{task.Out, task.Checkpoint, task.Inputs[0].Path} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(task.Inputs[0].Path, "a.txt"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	return task, log
}

// laidOut is the folder that a task's container has on the host.
func laidOut(t testing.TB, task executor.Task) string {
	t.Helper()
	task.Scratch = t.TempDir()
	dir, err := prepare(engine{}, task)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// untraced is a result without what it took, which differs from run to run.
func untraced(r executor.Result) executor.Result {
	r.Trace = executor.Trace{}
	return r
}

// containers lists what the engine has of a task's pipeline.
func containers(t testing.TB, e *Executor, pipeline string) []container.Summary {
	t.Helper()
	args := filters.NewArgs(filters.Arg("label", labelPipeline+"="+pipeline))
	left, err := e.api.ContainerList(context.Background(), container.ListOptions{All: true, Filters: args})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func assertNothingLeft(t *testing.T, e *Executor, task executor.Task) {
	t.Helper()
	if left := containers(t, e, task.Pipeline); len(left) != 0 {
		t.Errorf("got %d containers left, want none", len(left))
	}
	if left, err := os.ReadDir(task.Scratch); err != nil || len(left) != 0 {
		t.Errorf("scratch: got %v, %v, want nothing left", left, err)
	}
}

func TestDockerRun(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "copy")
	got, err := e.Run(context.Background(), task)
	if want := (executor.Result{}); err != nil || untraced(got) != want {
		t.Fatalf("got %+v, %v, want %+v; log %q", got, err, want, log)
	}
	for file, want := range map[string]string{
		filepath.Join(task.Out, "files", "b.txt"): "hello",
		filepath.Join(task.Checkpoint, "seen"):    "hello",
		filepath.Join(task.Out, "metrics.json"):   "{\n  \"bytes\": 5\n}\n",
	} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
	if got, want := log.String(), "copying 5 bytes\n"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
	assertNothingLeft(t, e, task)
}

func TestDockerEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not for stages")
	e := newExecutor(t, Options{Env: map[string]string{"MLP_TEST": "yes"}})
	task, log := newTask(t, "env")
	task.CPUs, task.MemoryMB = 1, 512
	if _, err := e.Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	user := engine{}.user(os.Getuid(), os.Getgid())
	want := strings.Join([]string{
		"HOME=/mlp/tmp", "HOSTNAME=stage", "LC_ALL=C", "MLP_IN_DATA=/mlp/in/data", "MLP_MEMORY_MB=512", "MLP_OUT_FILES=/mlp/out/files",
		"MLP_PROTOCOL=1", "MLP_ROOT=/mlp", "MLP_SEED=7", "MLP_TEST=yes", "MLP_THREADS=1",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=/mlp/tmp", "TZ=UTC",
		"host stage, user " + user + ", threads 1", "",
	}, "\n")
	if got := log.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDockerWalls(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "walls")
	if _, err := e.Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"write root: false", "write input: false", "write description: false", "reach the network: false",
		"interfaces: 1 <nil>", "CapBnd: 0000000000000000", "CapEff: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2",
	}, "\n")
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	slices.Sort(lines[5:])
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDockerKeepsTheWholeLog(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "log")
	if _, err := e.Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	if got, want := len(lines), 20201; got != want {
		t.Fatalf("got %d lines, want %d", got, want)
	}
	for _, want := range []string{"line 0", "line 19999", "error line 19900", "the last words"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
}

func TestDockerExitCodes(t *testing.T) {
	e := newExecutor(t, Options{})
	for name, want := range map[string]int{"bad": component.ExitNever, "retry": component.ExitRetry, "unheard_of": component.ExitNever} {
		task, log := newTask(t, name)
		got, err := e.Run(context.Background(), task)
		if err != nil || untraced(got) != (executor.Result{ExitCode: want}) {
			t.Errorf("%s: got %+v, %v, want exit code %d", name, got, err, want)
		}
		if !strings.Contains(log.String(), `"mlp":"error"`) {
			t.Errorf("%s: the log has no message: %q", name, log)
		}
	}
}

func TestDockerOutOfMemory(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "memory")
	task.MemoryMB = 64
	got, err := e.Run(context.Background(), task)
	if want := (executor.Result{ExitCode: 137, OutOfMemory: true, MemoryMB: 64}); err != nil || untraced(got) != want {
		t.Errorf("got %+v, %v, want %+v; log %q", got, err, want, log)
	}
	assertNothingLeft(t, e, task)
}

func TestDockerTimesOut(t *testing.T) {
	e := newExecutor(t, Options{})
	for _, name := range []string{"sleep", "stubborn"} {
		t.Run(name, func(t *testing.T) {
			task, _ := newTask(t, name)
			task.Timeout = 500 * time.Millisecond
			got, err := e.Run(context.Background(), task)
			if err != nil || !got.TimedOut || got.OutOfMemory {
				t.Errorf("got %+v, %v, want it to time out", got, err)
			}
			assertNothingLeft(t, e, task)
		})
	}
}

func TestDockerIsCancelled(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "sleep")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		log.waitFor(t, "sleeping")
		cancel()
	}()
	if _, err := e.Run(ctx, task); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	assertNothingLeft(t, e, task)
	if _, err := e.Run(ctx, task); !errors.Is(err, context.Canceled) {
		t.Errorf("started after the end: got %v, want %v", err, context.Canceled)
	}
}

func TestDockerRelativeFolders(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := newTask(t, "copy")
	t.Chdir(filepath.Dir(task.Out))
	task.Out, task.Scratch, task.Checkpoint, task.Inputs[0].Path = "out", "scratch", "checkpoint", "data"
	if got, err := e.Run(context.Background(), task); err != nil || got.ExitCode != 0 {
		t.Errorf("got %+v, %v, log %q", got, err, log)
	}
}

func TestDockerUnreadableInput(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root's stages run as somebody else")
	}
	e := newExecutor(t, Options{})
	task, log := newTask(t, "copy")
	file := filepath.Join(task.Inputs[0].Path, "a.txt")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := e.Run(context.Background(), task)
	if err != nil || got.ExitCode != 1 {
		t.Errorf("got %+v, %v, want exit code 1", got, err)
	}
	if want := "who may not read " + file + " (-rw-------)"; !strings.Contains(log.String(), want) {
		t.Errorf("log: got %q, want it to contain %q", log, want)
	}
}

func TestDockerCleanup(t *testing.T) {
	e := newExecutor(t, Options{Store: "here"})
	ctx := context.Background()
	image, err := e.image.get(ctx, e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	leave := func(store, workspace string) string {
		task, _ := newTask(t, "sleep")
		task.Workspace = workspace
		other := &Executor{api: e.api, opts: e.opts}
		other.opts.Store = store
		c, h := other.config(task, engine{}, image, laidOut(t, task))
		id, err := e.createContainer(ctx, c, h)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.remove(ctx, id) })
		return id
	}
	leave("here", "default")
	running := leave("here", "default")
	if err := e.api.ContainerStart(ctx, running, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	want := []string{leave("here", "other"), leave("elsewhere", "default")}
	n, err := e.Cleanup(ctx, t.Name(), "default")
	if err != nil || n != 2 {
		t.Errorf("got %d, %v, want 2 containers removed", n, err)
	}
	var got []string
	for _, c := range containers(t, e, t.Name()) {
		got = append(got, c.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left: got %v, want %v", got, want)
	}
}

// TestDockerRetryRemovesTheLastAttempt shows that two attempts at one task never write side by side.
func TestDockerRetryRemovesTheLastAttempt(t *testing.T) {
	e := newExecutor(t, Options{})
	ctx := context.Background()
	image, err := e.image.get(ctx, e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	task, _ := newTask(t, "sleep")
	c, h := e.config(task, engine{}, image, laidOut(t, task))
	id, err := e.createContainer(ctx, c, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.remove(ctx, id) })
	task.Attempt, task.Spec.Component = 2, "test.nothing"
	if got, err := e.Run(ctx, task); err != nil || got.ExitCode != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	assertNothingLeft(t, e, task)
}

func TestNewWithoutEngine(t *testing.T) {
	host := "unix://" + filepath.Join(t.TempDir(), "none.sock")
	if _, err := New(context.Background(), Options{Host: host}); !errors.Is(err, executor.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, executor.ErrUnavailable)
	}
	t.Setenv("DOCKER_HOST", host)
	if err := Available(context.Background()); !errors.Is(err, executor.ErrUnavailable) {
		t.Errorf("Available: got %v, want %v", err, executor.ErrUnavailable)
	}
	if _, err := New(context.Background(), Options{Host: "nonsense"}); err == nil {
		t.Error("an address that is none: got no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Available(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, executor.ErrUnavailable) {
		t.Errorf("cancelled: got %v", err)
	}
}
