package attempt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// replicas is how many times a stage's program runs at once.
func replicas(n *plan.Node) int {
	if n.Container == nil {
		return 1
	}
	return max(1, n.Container.Replicas)
}

// ofRanks says of a failure of several replicas which one it was, and how the others did. Ranks of nil are those of a stage of one.
func ofRanks(f *Failure, ranks *executor.Ranks) *Failure {
	if ranks == nil {
		return f
	}
	if f.Kind == TimeoutFailure {
		var left []int
		for rank := range ranks.World {
			if !slices.Contains(ranks.Done, rank) {
				left = append(left, rank)
			}
		}
		f.Summary += ": " + listed(left) + " had not ended"
		if len(ranks.Done) > 0 {
			f.Summary += ", " + listed(ranks.Done) + " had"
		}
		return f
	}
	f.Summary = fmt.Sprintf("rank %d of %d: %s", ranks.Failed, ranks.World, f.Summary)
	others := "A rank that fails ends the attempt of all."
	if len(ranks.Also) > 0 {
		others = capital(listed(ranks.Also)) + " failed after it. " + others
	}
	f.Detail = strings.TrimSpace(f.Detail + "\n" + others)
	return f
}

// strayOutput is a failure by what a rank other than 0 wrote.
func strayOutput(address, wrote string) *Failure {
	f := Failuref(OutputFailure, "%s: %s to its outputs, and those of the stage are rank 0's", address, wrote)
	f.Detail = `Write outputs and figures where RANK is "0" alone; what the others keep for themselves goes to /tmp.`
	return f
}

// wroteAsRank is the failure of a replica that wrote outputs which are not the stage's; nil: it did not.
func (a *Attempt) wroteAsRank() *Failure {
	if a.Rank == nil || a.Rank.Number == 0 {
		return nil
	}
	name, err := protocol.Wrote(a.task.Out)
	if err != nil {
		return Failuref(StoreFailure, "looking at what %s wrote: %v", a.node.Address, err)
	}
	if name == "" {
		return nil
	}
	return strayOutput(a.node.Address, fmt.Sprintf("rank %d wrote %s", a.Rank.Number, name))
}

// replica runs one replica beside the others. That of rank 0 waits for them, and records what the stage yields.
func (a *Attempt) replica(ctx context.Context) (*plan.Action, error) {
	lead, leads := a.Rally.(*Leader)
	running, err := a.Rally.Begin(ctx)
	switch {
	case leads && errors.Is(err, errStopped):
		return a.lead(ctx, lead, Failuref(KilledFailure, "%v", err))
	case errors.Is(err, errStopped):
		return nil, Failuref(KilledFailure, "%v", err)
	case err != nil:
		return nil, err
	}
	f := a.Try(running)
	if f != nil {
		a.Rally.Fell()
	}
	if leads {
		return a.lead(ctx, lead, f)
	}
	if f != nil {
		return nil, f
	}
	action, err := a.Finish(ctx)
	return &action, err
}

// lead waits for the other replicas. It records the result where all succeeded, with the logs of all, and else is the failure of the first that did not.
func (a *Attempt) lead(ctx context.Context, l *Leader, own *Failure) (*plan.Action, error) {
	all := l.gather(ctx)
	if ctx.Err() != nil { // it was told to end
		return nil, Failuref(KilledFailure, "killed")
	}
	outs := make([]Outcome, len(all))
	for rank, m := range all[1:] {
		if m.outcome == "" {
			continue
		}
		out, err := a.outcome(m.outcome)
		if err != nil {
			return nil, fmt.Errorf("reading what became of rank %d: %w", rank+1, err)
		}
		outs[rank+1] = out
	}
	outs[0] = Outcome{Failure: own}
	if err := a.log.join(func(rank int) ([]byte, error) { return a.logOf(outs[rank]) }, len(all)); err != nil {
		return nil, err
	}
	if f := a.firstOf(all, outs); f != nil {
		return nil, f
	}
	action, err := a.Finish(ctx)
	if err != nil {
		return nil, err
	}
	for _, out := range outs[1:] {
		action.CPUMS += out.Action.CPUMS
		action.PeakMemory = max(action.PeakMemory, out.Action.PeakMemory)
		for _, w := range out.Action.Warnings {
			if !slices.Contains(action.Warnings, w) {
				action.Warnings = append(action.Warnings, w)
			}
		}
	}
	return a.Record(action)
}

// outcome reads what a replica left. It is held to the task: it comes from elsewhere.
func (a *Attempt) outcome(digest plan.Digest) (out Outcome, err error) {
	text, err := a.Store.Get(digest)
	if err != nil {
		return out, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return out, err
	}
	if out.Failure != nil {
		out.Failure.Passing = out.Again
	} else if out.Action == nil || out.Action.Fingerprint != a.Fingerprint {
		return out, errors.New("it is not of this task")
	}
	return out, nil
}

// logOf is the log that a replica stored; nil: none.
func (a *Attempt) logOf(out Outcome) ([]byte, error) {
	switch {
	case out.Action != nil && out.Action.Log != "":
		return a.Store.Get(out.Action.Log)
	case out.Failure != nil && out.Failure.Log != "":
		return a.Store.Get(out.Failure.Log)
	}
	return nil, nil
}

// firstOf is the failure of the replica that failed first, as the leader saw it: one that needed more memory than it may use before all others, since those that
// lose a connection to it say so sooner. One that was told to end has not failed, whoever told it. nil: all succeeded.
func (a *Attempt) firstOf(all []member, outs []Outcome) *Failure {
	ranks := &executor.Ranks{World: len(all), Failed: -1}
	failed := func(rank int) bool {
		return all[rank].lost || outs[rank].Failure != nil && outs[rank].Failure.Kind != KilledFailure || rank > 0 && all[rank].outcome == ""
	}
	memory := func(rank int) bool { return outs[rank].Failure != nil && outs[rank].Failure.Kind == MemoryFailure }
	var fell []int
	for rank := range all {
		switch {
		case failed(rank):
			fell = append(fell, rank)
		case outs[rank].Failure == nil:
			ranks.Done = append(ranks.Done, rank)
		}
	}
	if len(fell) == 0 && len(ranks.Done) == len(all) {
		return nil
	}
	if len(fell) == 0 { // the pod of one was told to end, and the others then
		return Failuref(KilledFailure, "killed")
	}
	slices.SortStableFunc(fell, func(x, y int) int {
		switch {
		case memory(x) != memory(y) && memory(x):
			return -1
		case memory(x) != memory(y):
			return 1
		}
		return at(all[x]).Compare(at(all[y]))
	})
	ranks.Failed, ranks.Also = fell[0], slices.Sorted(slices.Values(fell[1:]))
	f := outs[ranks.Failed].Failure
	if f == nil {
		f = &Failure{Kind: EngineFailure, Summary: "its pod was lost, or does not answer", Passing: true}
		time.Sleep(lastLook) // whoever waits for the pods sees why
	}
	told := *f
	told.Log, told.Tail = "", nil
	return ofRanks(&told, ranks)
}

// lastLook is how long a leader is still there who does not know why a member is gone.
const lastLook = 5 * time.Second

// at is when a rank failed, for an order: one that never said so is last.
func at(m member) time.Time {
	if m.fell.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return m.fell
}

// join makes a log one of several replicas: its own lines are those of rank 0, and those of the others follow by their rank.
func (l *log) join(of func(rank int) ([]byte, error), world int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	path := l.path + ".ranks"
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing a log: %w", err)
	}
	var own io.Reader = bytes.NewReader(l.short)
	if l.file != nil {
		if _, err := l.file.Seek(0, io.SeekStart); err != nil {
			return errors.Join(err, file.Close())
		}
		own = l.file
	}
	logs := protocol.NewRankLogs(file)
	_, err = io.Copy(logs.Of(0), own)
	for rank := 1; rank < world && err == nil; rank++ {
		var text []byte
		if text, err = of(rank); err == nil {
			_, err = logs.Of(rank).Write(text)
		}
	}
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	l.file, l.path, l.ranked = file, path, true
	return err
}

// listed names ranks: "rank 3", "ranks 0, 1 and 3".
func listed(ranks []int) string {
	text := make([]string, len(ranks))
	for i, r := range ranks {
		text[i] = fmt.Sprint(r)
	}
	switch last := len(text) - 1; last {
	case 0:
		return "rank " + text[0]
	default:
		return "ranks " + strings.Join(text[:last], ", ") + " and " + text[last]
	}
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
