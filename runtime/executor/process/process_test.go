package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/executortest"
	"github.com/mlp-lang/mlp/runtime/executor/process"
)

// TestMain lets the test binary stand in for mlp: with "worker" it runs stages, with "orphan" an apply that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		os.Exit(component.Work(context.Background(), "", testComponent, func(context.Context) error { return nil }))
	}
	if len(os.Args) == 3 && os.Args[1] == "orphan" {
		runOrphan(os.Args[2])
	}
	os.Exit(m.Run())
}

// testComponent finds the stages of these tests: each is named by what it does.
func testComponent(name string) *component.Component {
	run := map[string]func(context.Context, *component.Stage) error{
		"test.copy": copyStage, "test.env": envStage, "test.sleep": sleepStage, "test.stubborn": stubbornStage,
		"test.bad":   func(context.Context, *component.Stage) error { return &component.InputError{Summary: "row 3 is bad"} },
		"test.child": childStage, "test.log": logStage, "test.hungry": hungryStage, "test.pid": pidStage, "test.crash": crashStage,
	}[name]
	if run == nil {
		run = plants[name]
	}
	if run == nil {
		return nil
	}
	return &component.Component{Kind: "test", Type: schema.Type{Name: strings.TrimPrefix(name, "test."), Version: 1}, Run: run}
}

func copyStage(_ context.Context, s *component.Stage) error {
	data, err := os.ReadFile(filepath.Join(s.Input("data"), "a.txt"))
	if err != nil {
		return err
	}
	dir, err := s.Output("files")
	if err != nil {
		return err
	}
	s.Logf("copying %d bytes", len(data))
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "b.txt"), data, 0o644),
		os.WriteFile(filepath.Join(s.Root, "checkpoint", "seen"), data, 0o644),
		s.WriteFigures(map[string]any{"bytes": len(data)}),
	)
}

func envStage(_ context.Context, s *component.Stage) error {
	env := os.Environ()
	slices.Sort(env)
	for _, v := range env {
		s.Logf("%s", strings.ReplaceAll(v, s.Root, "ROOT"))
	}
	s.Logf("threads %d", s.Threads)
	return nil
}

func sleepStage(ctx context.Context, s *component.Stage) error {
	s.Logf("pid %d", os.Getpid())
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return nil
	}
}

// stubbornStage doesn't stop when it is told to.
func stubbornStage(_ context.Context, s *component.Stage) error {
	s.Logf("pid %d", os.Getpid())
	time.Sleep(time.Minute)
	return nil
}

// childStage leaves a child behind that holds the log open.
func childStage(_ context.Context, s *component.Stage) error {
	cmd := exec.Command("/bin/sleep", "60")
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	s.Logf("pid %d", cmd.Process.Pid)
	return nil
}

func logStage(_ context.Context, s *component.Stage) error {
	for i := range 20000 {
		s.Logf("line %d", i)
	}
	fmt.Fprint(os.Stderr, "the last words")
	return nil
}

// lockedLog is a log that may be read while it is written.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newExecutor(t *testing.T) *process.Executor {
	t.Helper()
	e, err := process.New(process.Options{Env: map[string]string{"MLP_TEST": "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newTask(t *testing.T, name string) (executor.Task, *lockedLog) {
	t.Helper()
	log := &lockedLog{}
	dir := t.TempDir()
	task := executor.Task{
		Address: "stage.x", Scratch: filepath.Join(dir, "scratch"), Out: filepath.Join(dir, "out"),
		Checkpoint: filepath.Join(dir, "checkpoint"), Log: log, Timeout: time.Minute,
		Inputs: []executor.Input{{Port: "data", Path: filepath.Join(dir, "data")}},
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

func TestRun(t *testing.T) {
	task, log := newTask(t, "copy")
	got, err := newExecutor(t).Run(context.Background(), task)
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
	if left := executortest.Left(task.Scratch); len(left) > 0 {
		t.Errorf("scratch: got %v, want nothing left", left)
	}
}

func TestRunInRelativeFolders(t *testing.T) {
	task, log := newTask(t, "copy")
	e := newExecutor(t)
	t.Chdir(filepath.Dir(task.Out))
	task.Out, task.Scratch, task.Checkpoint, task.Inputs[0].Path = "out", "scratch", "checkpoint", "data"
	if got, err := e.Run(context.Background(), task); err != nil || got.ExitCode != 0 {
		t.Errorf("got %+v, %v, log %q", got, err, log)
	}
}

func TestRunGivesABareEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not for stages")
	task, log := newTask(t, "env")
	task.CPUs, task.MemoryMB = 2, 512
	if _, err := newExecutor(t).Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"HOME=ROOT/home", "LC_ALL=C", "MLP_IN_DATA=ROOT/in/data", "MLP_MEMORY_MB=512", "MLP_OUT_FILES=ROOT/out/files", "MLP_PROTOCOL=1",
		"MLP_ROOT=ROOT", "MLP_SEED=7", "MLP_TEST=yes", "MLP_THREADS=2", "PATH=/usr/local/bin:/usr/bin:/bin",
		"TMPDIR=ROOT/home", "TZ=UTC", "threads 2", "",
	}, "\n")
	got := slices.DeleteFunc(strings.SplitAfter(log.String(), "\n"), func(l string) bool { return strings.HasPrefix(l, "GOCOVERDIR") || strings.HasPrefix(l, "PWD=") })
	if strings.Join(got, "") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, ""), want)
	}
}

func TestRunKeepsTheWholeLog(t *testing.T) {
	task, log := newTask(t, "log")
	if _, err := newExecutor(t).Run(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	if got, want := len(lines), 20001; got != want {
		t.Fatalf("got %d lines, want %d", got, want)
	}
	for _, want := range []string{"line 0", "line 19999", "the last words"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
}

// hungryStage takes memory until it is ended.
func hungryStage(ctx context.Context, _ *component.Stage) error {
	for held := [][]byte{}; ctx.Err() == nil; {
		piece := make([]byte, 8<<20)
		for i := range piece {
			piece[i] = 1
		}
		if held = append(held, piece); len(held) > 512 { // 4 GB: nobody ended it
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}

func TestRunOutOfMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux tells how much memory a process has")
	}
	task, log := newTask(t, "hungry")
	task.MemoryMB = 256
	got, err := newExecutor(t).Run(t.Context(), task)
	if err != nil || !got.OutOfMemory || got.MemoryMB != 256 || got.TimedOut {
		t.Errorf("got %+v, %v, want that it was out of memory; log %q", got, err, log)
	}
}

func TestRunReportsFailure(t *testing.T) {
	task, log := newTask(t, "bad")
	got, err := newExecutor(t).Run(context.Background(), task)
	if want := (executor.Result{ExitCode: component.ExitNever}); err != nil || untraced(got) != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if !strings.Contains(log.String(), `{"detail":"","mlp":"error","summary":"row 3 is bad"}`) {
		t.Errorf("log: got %q, want the message", log)
	}
}

func TestRunTimesOut(t *testing.T) {
	for _, name := range []string{"sleep", "stubborn"} {
		t.Run(name, func(t *testing.T) {
			task, log := newTask(t, name)
			task.Timeout = 300 * time.Millisecond
			got, err := newExecutor(t).Run(context.Background(), task)
			if err != nil || !got.TimedOut {
				t.Errorf("got %+v, %v, want it to time out", got, err)
			}
			assertGone(t, pidIn(t, log))
		})
	}
}

func TestRunIsCancelled(t *testing.T) {
	task, log := newTask(t, "sleep")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		pidIn(t, log)
		cancel()
	}()
	_, err := newExecutor(t).Run(ctx, task)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	assertGone(t, pidIn(t, log))
	if _, err := newExecutor(t).Run(ctx, task); !errors.Is(err, context.Canceled) {
		t.Errorf("started after the end: got %v, want %v", err, context.Canceled)
	}
}

func TestRunLeavesNoChildren(t *testing.T) {
	task, log := newTask(t, "child")
	got, err := newExecutor(t).Run(context.Background(), task)
	if err != nil || got.ExitCode != 0 {
		t.Errorf("got %+v, %v, want success", got, err)
	}
	assertGone(t, pidIn(t, log))
}

func TestRunWithoutInput(t *testing.T) {
	task, _ := newTask(t, "copy")
	task.Inputs[0].Path = filepath.Join(t.TempDir(), "missing")
	if _, err := newExecutor(t).Run(context.Background(), task); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
	if left := executortest.Left(task.Scratch); len(left) > 0 {
		t.Errorf("scratch: got %v, want nothing left", left)
	}
}

func TestNewRefusesWhatCannotRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mlp")
	if _, err := process.New(process.Options{SelfPath: file}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: got %v, want %v", err, os.ErrNotExist)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := process.New(process.Options{SelfPath: file}); err == nil {
		t.Error("not executable: got no error")
	}
}

// runOrphan is the apply of TestStageDiesWithItsApply: it runs a stage that outlasts it, and keeps its threads busy so
// that the one that started the stage would end if it were not held.
func runOrphan(dir string) {
	self, _ := os.Executable()
	e, err := process.New(process.Options{SelfPath: self})
	if err != nil {
		panic(err)
	}
	task := executor.Task{
		Address: "stage.x", Scratch: dir, Out: dir, Log: os.Stdout,
		Spec: component.Spec{Protocol: component.Protocol, Address: "stage.x", Component: "test.stubborn", Version: 1},
	}
	_, err = e.Run(context.Background(), task)
	panic(err)
}

func TestStageDiesWithItsApply(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedLog{}
	apply := exec.Command(self, "orphan", t.TempDir())
	apply.Stdout = log
	apply.WaitDelay = 10 * time.Second
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pidIn(t, log)
	time.Sleep(300 * time.Millisecond)
	if !alive(pid) {
		t.Fatal("the stage died before its apply: its thread ended")
	}
	if err := apply.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = apply.Wait()
	assertGone(t, pid)
}

// pidIn waits for the line "pid N" of a log.
func pidIn(t *testing.T, log *lockedLog) int {
	t.Helper()
	for range 1000 {
		if _, after, ok := strings.Cut(log.String(), "pid "); ok && strings.Contains(after, "\n") {
			pid, err := strconv.Atoi(after[:strings.Index(after, "\n")])
			if err != nil {
				t.Error(err)
			}
			return pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("no process number in the log: %q", log.String())
	return 0
}

// untraced is a result without what it took, which differs from run to run.
func untraced(r executor.Result) executor.Result {
	r.Trace = executor.Trace{}
	return r
}

func assertGone(t *testing.T, pid int) {
	t.Helper()
	for range 300 {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// alive tells whether the process runs; one that ended and waits for its parent does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}
