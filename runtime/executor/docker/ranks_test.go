package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// ranksTask is a task of four replicas that meet, and then do something.
func ranksTask(t *testing.T, e *Executor, do string) (executor.Task, *testLog) {
	t.Helper()
	if _, err := e.engine.get(t.Context(), e.findEngine); err != nil {
		t.Fatal(err)
	}
	image, err := e.image.get(t.Context(), e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	task, log := newTask(t, "ranks")
	task.Container = &executor.Container{ImageID: image, Command: []string{"/" + binaryPath, "stage", "--root", root}, Env: map[string]string{"DO": do}, Replicas: 4}
	task.MemoryMB = 64
	return task, log
}

func networks(t *testing.T, e *Executor, pipeline string) []network.Summary {
	t.Helper()
	left, err := e.api.NetworkList(context.Background(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelPipeline+"="+pipeline))})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestDockerRanks: replicas reach each other and nobody else, each with its own folders; what rank 0 wrote is the task's, and nothing is left.
func TestDockerRanks(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := ranksTask(t, e, "")
	if err := os.WriteFile(filepath.Join(task.Checkpoint, "seen"), []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := e.Run(t.Context(), task)
	if err != nil || got.ExitCode != 0 || got.Ranks == nil {
		t.Fatalf("got %+v, %v; log\n%s", got, err, log)
	}
	if r := got.Ranks; r.World != 4 || r.Failed != -1 || r.Wrote != "" || !slices.Equal(r.Done, []int{0, 1, 2, 3}) {
		t.Errorf("got %+v", r)
	}
	for file, want := range map[string]string{filepath.Join(task.Out, "files", "b.txt"): "6", filepath.Join(task.Checkpoint, "seen"): "rank 0's"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
	lines := strings.Split(log.String(), "\n")
	for rank := range 4 {
		if want := fmt.Sprintf(`[rank %d] I am rank-%d, kept "before", outside false, names false`, rank, rank); !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, log)
		}
	}
	assertNothingLeft(t, e, task)
	if left := networks(t, e, task.Pipeline); len(left) > 0 {
		t.Errorf("got networks %v", left)
	}
}

// TestDockerRanksEndTogether: the first that does not succeed ends the others, and is told from those that failed by it.
func TestDockerRanksEndTogether(t *testing.T) {
	e := newExecutor(t, Options{})
	for do, want := range map[string]executor.Result{
		"fail":   {ExitCode: 78, Ranks: &executor.Ranks{World: 4, Failed: 2}},
		"memory": {ExitCode: 137, OutOfMemory: true, MemoryMB: 64, Ranks: &executor.Ranks{World: 4, Failed: 1}},
		"hang":   {TimedOut: true, Ranks: &executor.Ranks{World: 4, Done: []int{0, 2}}},
		"write":  {Ranks: &executor.Ranks{World: 4, Failed: -1, Done: []int{0, 1, 2, 3}, Wrote: "rank 2 wrote files/b.txt"}},
	} {
		t.Run(do, func(t *testing.T) {
			task, log := ranksTask(t, e, do)
			if do == "hang" {
				task.Timeout = 30 * time.Second
			}
			got, err := e.Run(t.Context(), task)
			if err != nil || got.Ranks == nil {
				t.Fatalf("got %+v, %v; log\n%s", got, err, log)
			}
			r, w := got.Ranks, want.Ranks
			failed := r.Failed == w.Failed || do == "hang" && r.Failed%2 == 1
			if !failed || !slices.Equal(r.Done, w.Done) || r.Wrote != w.Wrote || slices.Contains(r.Also, r.Failed) {
				t.Errorf("got %+v, want %+v; log\n%s", r, w, log)
			}
			got.Ranks, want.Ranks = nil, nil
			if do == "hang" {
				got.ExitCode = 0
			}
			if untraced(got) != want {
				t.Errorf("got %+v, want %+v; log\n%s", got, want, log)
			}
			assertNothingLeft(t, e, task)
		})
	}
}

// TestDockerRanksCancelled: who is told to end leaves neither containers nor a network; and what a dead apply left is cleaned up.
func TestDockerRanksCancelled(t *testing.T) {
	e := newExecutor(t, Options{})
	task, log := ranksTask(t, e, "hang")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := e.Run(ctx, task)
		ended <- err
	}()
	log.waitFor(t, "[rank 0] sum 6")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	assertNothingLeft(t, e, task)
	if _, err := e.createNetwork(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Cleanup(t.Context(), task.Pipeline, task.Workspace); err != nil {
		t.Error(err)
	}
	if left := networks(t, e, task.Pipeline); len(left) > 0 {
		t.Errorf("got networks %v", left)
	}
}
