package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
)

// slowDisk is a disk that takes its time for a sync, and counts syncs. It keeps nothing.
type slowDisk struct {
	whole bool // it syncs many at once
	syncs atomic.Int64
}

func (c *slowDisk) Sync(string) error {
	c.syncs.Add(1)
	time.Sleep(5 * time.Millisecond)
	return nil
}

func (c *slowDisk) SyncAll(paths []string) (bool, error) {
	if !c.whole || len(paths) < 4 {
		return false, nil
	}
	return true, c.Sync("")
}

func (c *slowDisk) Mkdir(path string) error      { return os.Mkdir(path, 0o755) }
func (c *slowDisk) Link(from, to string) error   { return os.Link(from, to) }
func (c *slowDisk) Rename(from, to string) error { return os.Rename(from, to) }

// TestSyncs: stages that are stored at the same time wait for the disk together, and are recorded in few revisions. One by one a stage has eight
// syncs: of two objects, its record and its revision, and of the folder of each.
func TestSyncs(t *testing.T) {
	const stages = 200
	for _, c := range []struct {
		what               string
		whole              bool
		syncs, perRevision float64
	}{
		{"at once", true, 2, 3},
		{"one by one", false, 6, 3},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir, disk := t.TempDir(), &slowDisk{whole: c.whole}
			s, err := store.On(disk, filepath.Join(dir, ".mlp"))
			if err != nil {
				t.Fatal(err)
			}
			r := rigOn(t, dir, s)
			r.opts = func(o *Options) { o.Parallelism = 4 }
			var nodes []*plan.Node
			for i := range stages {
				nodes = append(nodes, stage(fmt.Sprintf("stage.s%03d", i), script{}))
			}
			res := r.run(newPlan(nodes...))
			syncs, revision := float64(disk.syncs.Load())/stages, stages/float64(res.State.Revision)
			t.Logf("%.2f syncs a stage, %.1f stages a revision", syncs, revision)
			if res.ExitCode() != 0 || syncs > c.syncs || revision < c.perRevision {
				t.Errorf("exit code %d, %.2f syncs a stage, want %.0f at most; %.1f stages a revision, want %.0f at least", res.ExitCode(), syncs, c.syncs, revision, c.perRevision)
			}
		})
	}
}

// TestGathering: what is held back so that others are stored with it is recorded while others run.
func TestGathering(t *testing.T) {
	r := newRig(t)
	nodes := []*plan.Node{stage("stage.tiny", script{})}
	for i := range 8 {
		nodes = append(nodes, stage(fmt.Sprintf("stage.slow%d", i), script{SleepMS: 1000}))
	}
	r.run(newPlan(nodes...))
	begun, ended := false, 0
	for _, e := range r.events {
		switch e := e.(type) {
		case StageStarted:
			begun = begun || e.Address == "stage.tiny"
		case StageDone:
			if e.Address == "stage.tiny" {
				if ended > 2 {
					t.Errorf("the tiny stage was recorded after %d slow ones that ended while it was held back", ended)
				}
				return
			}
			if begun {
				ended++
			}
		}
	}
	t.Error("the tiny stage was not recorded")
}

// TestWorthwhile: results are held back while stages run, others can be started, and none waits for what comes after.
func TestWorthwhile(t *testing.T) {
	ready := func(weights ...int64) *queue {
		q := &queue{}
		for _, w := range weights {
			*q = append(*q, &unit{weight: w})
		}
		return q
	}
	for _, c := range []struct {
		what             string
		weight           int64
		ready            *queue
		running, storing int64
		want             bool
	}{
		{"others run and can be started", 1, ready(2, 1), 3, 2, true},
		{"nothing can be started", 0, ready(), 3, 2, false},
		{"nothing runs", 1, ready(2), 3, 3, false},
		{"no more may be begun", 1, ready(2), 32, 3, false},
		{"the longest chain waits", 3, ready(2, 1), 3, 2, false},
	} {
		r := &run{Options: Options{Parallelism: 2}}
		r.storing.Store(c.storing)
		if got := r.worthwhile(&gathering{weight: c.weight}, c.ready, int(c.running)); got != c.want {
			t.Errorf("%s: got %t, want %t", c.what, got, c.want)
		}
	}
}
