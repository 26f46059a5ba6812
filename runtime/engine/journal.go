package engine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
)

// keptJournals is how many journals of a workspace are kept, the last ones.
const keptJournals = 20

// intent is a journal's first file: what a run is about to do.
type intent struct {
	Apply     string      `json:"apply"`
	Plan      plan.Digest `json:"plan_id"`
	Pipeline  string      `json:"pipeline"`
	Workspace string      `json:"workspace"`
	By        string      `json:"by,omitempty"`
	PID       int         `json:"pid"`
	At        time.Time   `json:"at"`
}

// step is a line of a journal. "run": an attempt begins; "uploaded": its objects are stored; "recorded": the state
// rests on it; "failed".
type step struct {
	At          time.Time   `json:"at"`
	Step        string      `json:"step"`
	Key         string      `json:"key"`
	Fingerprint plan.Digest `json:"fingerprint,omitempty"`
	Log         plan.Digest `json:"log,omitempty"`
	Live        string      `json:"live,omitempty"` // file of the log while the stage runs
	Message     string      `json:"message,omitempty"`
}

// journal tells what a run does, for whoever looks at it from outside or after it was killed. Results don't rest on it.
type journal struct {
	mu    sync.Mutex
	store *store.Store
	dir   string
	file  *os.File
	err   error
}

func openJournal(o Options) (*journal, error) {
	dir := o.Store.Path("journal", o.Apply)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening the journal of apply %s: %w", o.Apply, err)
	}
	data, err := json.MarshalIndent(intent{
		Apply: o.Apply, Plan: o.Plan.ID, Pipeline: o.Plan.Pipeline, Workspace: o.Plan.Workspace, By: o.By,
		PID: os.Getpid(), At: time.Now().UTC().Truncate(time.Millisecond),
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if err := o.Store.WriteNew(filepath.Join(dir, "intent.json"), append(data, '\n')); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "steps.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &journal{store: o.Store, dir: dir, file: f}, prune(o.Store, o.Plan.Pipeline, o.Plan.Workspace)
}

// step adds a line, written whole. The first failure is told at the end.
func (j *journal) step(s step) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.At = time.Now().UTC().Truncate(time.Millisecond)
	data, err := json.Marshal(s)
	if err == nil {
		_, err = j.file.Write(append(data, '\n'))
	}
	if j.err == nil {
		j.err = err
	}
}

// close ends the journal of a run that came to an end, with its error if it had one.
func (j *journal) close(runErr error) error {
	s := step{Step: "end"}
	if runErr != nil {
		s.Message = runErr.Error()
	}
	j.step(s)
	if err := errors.Join(j.err, j.file.Close()); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return nil
}

// journals lists the journal folders of a workspace, the latest first.
func journals(s *store.Store, pipeline, workspace string) ([]string, error) {
	entries, err := os.ReadDir(s.Path("journal"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading journals: %w", err)
	}
	var out []string
	for _, e := range slices.Backward(entries) {
		data, err := os.ReadFile(s.Path("journal", e.Name(), "intent.json"))
		var i intent
		if err != nil || json.Unmarshal(data, &i) != nil {
			continue // killed before it began
		}
		if i.Pipeline == pipeline && i.Workspace == workspace {
			out = append(out, s.Path("journal", e.Name()))
		}
	}
	return out, nil
}

func prune(s *store.Store, pipeline, workspace string) error {
	dirs, err := journals(s, pipeline, workspace)
	if err != nil {
		return err
	}
	for _, dir := range dirs[min(keptJournals, len(dirs)):] {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing an old journal: %w", err)
		}
	}
	return nil
}

// LastRun is the last attempt at a stage that a journal tells of.
type LastRun struct {
	Apply   string
	Step    string // "run" while it runs or if it was killed, "uploaded", "recorded", "failed"
	At      time.Time
	Log     plan.Digest // object of the log, once it ended
	Live    string      // path of the log's file while it runs
	Message string      // of a failure
}

// LastRunOf finds the last attempt at a stage, also a failed one, in the journals that are kept. ok is false if there is
// none: its result is older or came from elsewhere, and its log is named by its action.
func LastRunOf(s *store.Store, pipeline, workspace, address string) (last LastRun, ok bool, err error) {
	dirs, err := journals(s, pipeline, workspace)
	if err != nil {
		return LastRun{}, false, err
	}
	for _, dir := range dirs {
		last, ok, err := lastRunIn(dir, "node/"+address)
		if ok || err != nil {
			return last, ok, err
		}
	}
	return LastRun{}, false, nil
}

func lastRunIn(dir, key string) (last LastRun, ok bool, err error) {
	f, err := os.Open(filepath.Join(dir, "steps.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return last, false, nil
	}
	if err != nil {
		return last, false, fmt.Errorf("reading a journal: %w", err)
	}
	defer f.Close()
	last.Apply = filepath.Base(dir)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var s step
		if json.Unmarshal(lines.Bytes(), &s) != nil || s.Key != key {
			continue // the last line of a killed run may be cut
		}
		if s.Step == "recorded" && !ok {
			continue // recorded from the store, nothing ran
		}
		ok = true
		last.Step, last.At, last.Live, last.Message = s.Step, s.At, s.Live, s.Message
		if s.Step == "run" || s.Log != "" {
			last.Log = s.Log
		}
	}
	return last, ok, lines.Err()
}

// LastFailures says why stages failed in the latest run that is told of, by address; those that it ran again with success,
// or never came to, are not in it.
func LastFailures(s *store.Store, pipeline, workspace string) (map[string]string, error) {
	out := map[string]string{}
	dirs, err := journals(s, pipeline, workspace)
	if err != nil || len(dirs) == 0 {
		return out, err
	}
	f, err := os.Open(filepath.Join(dirs[0], "steps.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a journal: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var s step
		address, isNode := "", false
		if json.Unmarshal(lines.Bytes(), &s) == nil { // the last line of a killed run may be cut
			address, isNode = strings.CutPrefix(s.Key, "node/")
		}
		switch {
		case !isNode:
		case s.Step == "failed":
			out[address] = s.Message
		default:
			delete(out, address)
		}
	}
	return out, lines.Err()
}
