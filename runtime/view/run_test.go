package view

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// A transfer is a part of the moving line on a terminal, and in a log file a line once in a while; a short one is none.
func TestTransfers(t *testing.T) {
	const mib = 1 << 20
	events := []engine.Event{engine.RunStarted{Stages: []string{"train.model"}}}
	fetch := func(seconds, done int) {
		events = append(events, engine.StageTransfer{Address: "train.model", Fetched: true, Done: int64(done) * mib, Total: 100 * mib, Elapsed: time.Duration(seconds) * time.Second})
	}
	for s := 1; s <= 40; s++ {
		fetch(s, 2*s)
	}
	fetch(50, 100)
	events = append(events, engine.StageStarted{Address: "train.model", Attempt: 1})
	send := engine.StageTransfer{Address: "train.model", Done: mib, Total: 3 * mib, Elapsed: 2 * time.Second}
	events = append(events, send, engine.StageStored{Address: "train.model"},
		engine.StoreWaits{Until: time.Date(2026, 3, 1, 12, 1, 5, 0, time.UTC), Wait: 65 * time.Second})
	show := func(terminal bool) string {
		var out bytes.Buffer
		v := NewRun(&Screen{Out: &out, Terminal: terminal})
		for _, e := range events {
			v.Event(e)
		}
		return out.String()
	}
	waits := "  Recording waits for 1 m 5 s at most, until 12:01:05Z: what was made again was deleted by 'mlp gc' just before, and a delete may still be under way.\n"
	want := "\n  train.model  fetching 30 MiB of 100 MiB, 15 s so far\n  train.model  fetching 60 MiB of 100 MiB, 30 s so far\n" +
		"  train.model  fetching 100 MiB of 100 MiB, 50 s so far\n  train.model  started\n" + waits
	if got := show(false); got != want {
		t.Errorf("in a file:\n%s\nwant:\n%s", got, want)
	}
	got := show(true)
	for _, part := range []string{"[0/1] train.model fetching 2.0 MiB of 100 MiB", "[0/1] train.model sending 1.0 MiB of 3.0 MiB", waits} {
		if !strings.Contains(got, part) {
			t.Errorf("on a terminal there is no %q in %q", part, got)
		}
	}
}

// Trials are told together, each fifth, and one that fails by its own name; what was found to be recorded is no line.
func TestTrials(t *testing.T) {
	started := engine.RunStarted{Stages: []string{"source.rows", "train.model", "train.other"}}
	for i := range 12 {
		started.Stages = append(started.Stages, address.Numbered("train.model", "trial", i+1))
	}
	started.Stages = append(started.Stages, "train.other@trial001", "train.other@trial002")
	events := []engine.Event{started, engine.StageStarted{Address: "source.rows", Attempt: 1}, engine.StageDone{NodeResult: engine.NodeResult{Address: "source.rows", Status: engine.Ran, Duration: time.Second}}}
	for _, of := range started.Stages[3:15] {
		events = append(events, engine.StageStarted{Address: of, Attempt: 1}, engine.StageDone{NodeResult: engine.NodeResult{Address: of, Status: engine.Ran, Duration: time.Second}})
	}
	again := started.Stages[4]
	events = append(events, engine.StageStarted{Address: again, Attempt: 1, Rebuild: true}, engine.StageFailed{Address: again, Failure: &engine.Failure{Summary: "no room"}})
	for _, of := range started.Stages[15:] {
		events = append(events, engine.StageDone{NodeResult: engine.NodeResult{Address: of, Status: engine.Cached}})
	}
	want := `
  source.rows  started
  source.rows  done in 1.0 s
  train.model  12 trials started
  train.model  2 of 12 trials done
  train.model  4 of 12 trials done
  train.model  6 of 12 trials done
  train.model  8 of 12 trials done
  train.model  10 of 12 trials done
  train.model  12 of 12 trials done
  train.model@trial002  its result is gone from the store: running again
  train.model@trial002  failed: no room
`
	var out bytes.Buffer
	v := NewRun(&Screen{Out: &out})
	for _, e := range events {
		v.Event(e)
	}
	if got := out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
