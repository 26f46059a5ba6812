package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// shareableTask is a task that a worker may have.
func shareableTask(t testing.TB, name string) (executor.Task, *testLog) {
	t.Helper()
	task, log := newTask(t, name)
	dir := filepath.Dir(task.Out)
	task.Inputs[0].Own = true
	task.Place = func(pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }
	return task, log
}

// looks runs a stage that says what it finds around it, and returns that and the container that it had.
func looks(t *testing.T, e *Executor) (found, id string) {
	t.Helper()
	task, log := shareableTask(t, "look")
	if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
		t.Fatalf("got %+v, %v; log %q", res, err, log)
	}
	if got, err := os.ReadFile(filepath.Join(task.Out, "files", "b.txt")); err != nil || string(got) != "hello" {
		t.Errorf("the output: got %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(task.Inputs[0].Path, "a.txt")); err != nil || string(got) != "hello" {
		t.Errorf("the input afterwards: got %q, %v", got, err)
	}
	if info, err := os.Lstat(task.Out); err != nil || !info.IsDir() {
		t.Errorf("the output folder: got %v, %v", info, err)
	}
	ids := containers(t, e, task.Pipeline)
	if len(ids) != 1 {
		t.Fatalf("got %d containers, want 1", len(ids))
	}
	return log.String(), ids[0].ID
}

// TestWorkersAreReused runs a stage, one that leaves something behind, and the first again: it finds what it found before, in the
// same container or, where what was left is in the process or in a place that the next stage would see, in another one.
func TestWorkersAreReused(t *testing.T) {
	tests := []struct {
		stage string
		stays bool
	}{
		{"look", true},
		{"plants_home", true},     // which is removed
		{"plants_variable", true}, // which are set anew
		{"plants_output", false},  // beside its output folder
		{"plants_goroutine", false},
		{"bad", false},
	}
	for _, tt := range tests {
		t.Run(tt.stage, func(t *testing.T) {
			e := newExecutor(t, Options{})
			before, first := looks(t, e)
			task, _ := shareableTask(t, tt.stage)
			if _, err := e.Run(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			after, next := looks(t, e)
			if after != before {
				t.Errorf("it finds\n%s, and found\n%s", after, before)
			}
			if (next == first) != tt.stays {
				t.Errorf("the container is the same: %t, want %t", next == first, tt.stays)
			}
			if err := e.Close(); err != nil || len(containers(t, e, task.Pipeline)) != 0 {
				t.Errorf("got %v, and containers that are left", err)
			}
		})
	}
}

// TestOwnContainers: what a worker must not have runs as ever, and nothing of it stays.
func TestOwnContainers(t *testing.T) {
	e := newExecutor(t, Options{})
	for name, change := range map[string]func(*executor.Task){
		"data outside of the store":   func(t *executor.Task) { t.Inputs[0].Own = false },
		"something in the checkpoint": func(t *executor.Task) { t.Checkpoint = t.Inputs[0].Path },
		"no place":                    func(t *executor.Task) { t.Place = nil },
	} {
		task, log := shareableTask(t, "look")
		change(&task)
		if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
			t.Errorf("%s: got %+v, %v; log %q", name, res, err, log)
		}
		if left := containers(t, e, task.Pipeline); len(left) != 0 {
			t.Errorf("%s: got %d containers that stay", name, len(left))
		}
	}
}

// TestWithoutSockets: where a worker cannot connect, stages have containers of their own.
func TestWithoutSockets(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := shareableTask(t, "look")
	place := task.Place
	task.Place = func(pattern string) (string, error) {
		dir, err := place(pattern)
		return dir, errors.Join(err, os.Mkdir(filepath.Join(dir, socketFile), 0o700)) // its name is taken
	}
	for range 2 {
		if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
			t.Fatalf("got %+v, %v; log %q", res, err, log)
		}
	}
	if left := containers(t, e, task.Pipeline); len(left) != 0 {
		t.Errorf("got %d containers that stay", len(left))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(task.Out), "container-*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestWorkersByLimits: a stage has a worker of its own limits, and no more of them stay than stages ran at a time.
func TestWorkersByLimits(t *testing.T) {
	e := newExecutor(t, Options{})
	var task executor.Task
	var ids []string
	for _, mb := range []int64{256, 512, 256} {
		var log *testLog
		task, log = shareableTask(t, "look")
		task.MemoryMB = mb
		if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 {
			t.Fatalf("got %+v, %v; log %q", res, err, log)
		}
		now := containers(t, e, task.Pipeline)
		if len(now) != 1 {
			t.Fatalf("%d MB: got %d containers, want 1", mb, len(now))
		}
		inspected, err := e.api.ContainerInspect(t.Context(), now[0].ID)
		if err != nil || inspected.HostConfig.Memory != mb<<20 {
			t.Errorf("%d MB: got %v, %v", mb, inspected.HostConfig, err)
		}
		ids = append(ids, now[0].ID)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("got %v, want another container each time", ids)
	}
}

// TestWorkersSideBySide: as many containers as stages at a time, however many stages.
func TestWorkersSideBySide(t *testing.T) {
	e := newExecutor(t, Options{})
	var all sync.WaitGroup
	var some executor.Task
	for i := range 2 {
		for j := range 10 {
			task, log := shareableTask(t, "look")
			task.Address = fmt.Sprintf("stage.x%d_%d", i, j)
			some = task
			if j == 0 {
				continue
			}
			all.Go(func() {
				if res, err := e.Run(t.Context(), task); err != nil || res.ExitCode != 0 || !strings.Contains(log.String(), "/in has data\n") {
					t.Errorf("got %+v, %v; log %q", res, err, log)
				}
			})
			if j%3 == 0 {
				all.Wait()
			}
		}
	}
	all.Wait()
	if n := len(containers(t, e, some.Pipeline)); n < 1 || n > 3 {
		t.Errorf("got %d containers, want at most 3", n)
	}
}

// TestAKilledWorker costs the attempt that it had, as the engine's fault if it ran others before; what was lent is back.
func TestAKilledWorker(t *testing.T) {
	e := newExecutor(t, Options{})
	_, id := looks(t, e)
	task, log := shareableTask(t, "sleep")
	go func() {
		log.waitFor(t, "sleeping")
		if err := e.api.ContainerKill(context.Background(), id, "KILL"); err != nil {
			t.Error(err)
		}
	}()
	if res, err := e.Run(t.Context(), task); !errors.Is(err, executor.ErrWorker) {
		t.Errorf("got %+v, %v, want %v", res, err, executor.ErrWorker)
	}
	if got, err := os.ReadFile(filepath.Join(task.Inputs[0].Path, "a.txt")); err != nil || string(got) != "hello" {
		t.Errorf("the input afterwards: got %q, %v", got, err)
	}
	if _, next := looks(t, e); next == id {
		t.Error("the container is the same")
	}
}

// TestAnIdleWorkerThatDied costs nothing.
func TestAnIdleWorkerThatDied(t *testing.T) {
	e := newExecutor(t, Options{})
	before, first := looks(t, e)
	if err := e.api.ContainerKill(t.Context(), first, "KILL"); err != nil {
		t.Fatal(err)
	}
	if after, next := looks(t, e); next == first || after != before {
		t.Errorf("got %q in %s, want %q in another than %s", after, next, before, first)
	}
}
