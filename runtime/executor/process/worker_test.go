package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/process"
)

// pidStage says which process it is in, and which variables and folder it finds.
func pidStage(_ context.Context, s *component.Stage) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	s.Logf("pid %d, planted %q, in its root %t", os.Getpid(), os.Getenv("PLANTED"), dir == s.Root)
	return nil
}

// plants are stages that leave something behind.
var plants = map[string]func(context.Context, *component.Stage) error{
	"test.plants_goroutine": func(context.Context, *component.Stage) error {
		go func() { time.Sleep(time.Hour) }()
		return nil
	},
	"test.plants_file": func(context.Context, *component.Stage) error {
		f, err := os.Open(os.DevNull)
		planted = append(planted, f)
		return err
	},
	"test.plants_memory": func(context.Context, *component.Stage) error {
		b := make([]byte, 300<<20)
		for i := range b {
			b[i] = 1
		}
		planted = append(planted, b)
		return nil
	},
	"test.plants_some_memory": func(context.Context, *component.Stage) error {
		b, err := syscall.Mmap(-1, 0, 150<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_POPULATE)
		planted = append(planted, b) // not Go's own memory, of which the race detector keeps a copy
		return err
	},
	"test.plants_umask": func(context.Context, *component.Stage) error {
		syscall.Umask(0)
		return nil
	},
	"test.plants_processors": func(context.Context, *component.Stage) error {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
		return nil
	},
	"test.plants_variable": func(context.Context, *component.Stage) error {
		return errors.Join(os.Setenv("PLANTED", "1"), os.Chdir("/"))
	},
}

var planted []any

// crashStage dies of a panic that nothing of its own can catch.
func crashStage(context.Context, *component.Stage) error {
	go func() { panic("beside the stage") }()
	select {}
}

// TestACrashInAWorker is not the stage's own fault if the worker had run others before; in a new one it is.
func TestACrashInAWorker(t *testing.T) {
	e := newExecutor(t)
	pidOf(t, e)
	task, _ := newTask(t, "crash")
	if res, err := e.Run(t.Context(), task); !errors.Is(err, executor.ErrWorker) {
		t.Errorf("got %+v, %v, want %v", res, err, executor.ErrWorker)
	}
	if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 2 {
		t.Errorf("got %+v, %v, want exit code 2", res, err)
	}
}

// TestWorkersStay runs stages one after another, and says after which of them the next has the same process.
func TestWorkersStay(t *testing.T) {
	tests := []struct {
		stage string
		stays bool
	}{
		{"pid", true},
		{"plants_variable", true}, // what is set is set anew for each stage
		{"plants_goroutine", false},
		{"plants_file", false},
		{"plants_umask", false},
		{"plants_processors", false},
		{"plants_memory", false},
		{"plants_some_memory", true},
		{"bad", false},
		{"child", false},
	}
	for _, tt := range tests {
		t.Run(tt.stage, func(t *testing.T) {
			e := newExecutor(t)
			first := pidOf(t, e)
			task, _ := newTask(t, tt.stage)
			if _, err := e.Run(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			if next := pidOf(t, e); (next == first) != tt.stays {
				t.Errorf("the worker had process %d, and has %d, want it to stay: %t", first, next, tt.stays)
			}
		})
	}
}

// pidOf runs a stage that says which process it has, and holds it to what every stage finds.
func pidOf(t *testing.T, e *process.Executor) int {
	t.Helper()
	task, log := newTask(t, "pid")
	if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
		t.Fatalf("got %+v, %v; log %q", res, err, log)
	}
	rest, ok := strings.CutPrefix(log.String(), "pid ")
	text, rest, _ := strings.Cut(rest, ",")
	pid, err := strconv.Atoi(text)
	if !ok || err != nil || rest != " planted \"\", in its root true\n" {
		t.Fatalf("got %q", log)
	}
	return pid
}

// TestSmallStagesHaveNoLargeWorker: what earlier stages left in a worker does not count against the limit of a small one.
func TestSmallStagesHaveNoLargeWorker(t *testing.T) {
	e := newExecutor(t)
	first := pidOf(t, e)
	task, _ := newTask(t, "plants_some_memory")
	if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
		t.Fatalf("got %+v, %v", res, err)
	}
	task, log := newTask(t, "pid")
	task.MemoryMB = 256
	if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 || strings.HasPrefix(log.String(), fmt.Sprintf("pid %d,", first)) {
		t.Errorf("got %+v, %v, log %q, want another process than %d", res, err, log, first)
	}
}

// TestAWorkerThatDied costs nothing: the next stage has another one.
func TestAWorkerThatDied(t *testing.T) {
	e := newExecutor(t)
	first := pidOf(t, e)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(first, 0) == nil {
		time.Sleep(time.Millisecond)
	}
	if next := pidOf(t, e); next == first {
		t.Error("the process is the same")
	}
}

// TestWorkersAreEnded: no process and no folder is left of an executor that was closed.
func TestWorkersAreEnded(t *testing.T) {
	e := newExecutor(t)
	pid := pidOf(t, e)
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // as it was started
	if err != nil {
		t.Skip("no /proc")
	}
	_, rest, _ := strings.Cut(string(env), "TMPDIR=")
	dir, _, _ := strings.Cut(rest, "\x00")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || !strings.HasPrefix(filepath.Base(dir), "worker-") {
		t.Errorf("got %q, %v, want the folder of a worker", dir, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: got %v, want %v", pid, err, syscall.ESRCH)
	}
	if _, err := os.Lstat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Errorf("the folder of workers: got %v, want it gone", err)
	}
}

// TestWorkersRunAThousandStages, and then another worker does.
func TestWorkersRunAThousandStages(t *testing.T) {
	e := newExecutor(t)
	first := pidOf(t, e)
	for range 999 {
		if next := pidOf(t, e); next != first {
			t.Fatal("the worker ended before")
		}
	}
	if next := pidOf(t, e); next == first {
		t.Error("the worker stays for more")
	}
}
