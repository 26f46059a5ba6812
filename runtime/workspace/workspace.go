// Package workspace has the use cases of a pipeline: open it, plan, apply, approve, show what is recorded. Each takes and
// returns data. Nothing here prints, asks, or ends the program; what happens meanwhile is told to a function that is handed
// in. The command line is one view of it, tests of modules are another.
//
// Begin with a Workspace, and Open it:
//
//	w := &workspace.Workspace{Given: ".", Dir: dir, Name: "default"}
//	s, err := w.OpenToPlan(ctx, nil)
//	…
//	defer s.Close()
//	p, err := s.Plan(ctx, nil)
//
// Errors that somebody can do something about are a *Failure; mistakes in the module's text are a *front.Error.
package workspace

import "time"

// How a use case goes, by example of `mlp apply` in the folder fraud:
//
//  1. OpenToPlan reads the pins of mlp.lock, checks the module, and opens the store (.mlp) with the state of the workspace. A guess of
//     which pipeline the folder has lets the state be read while the module is still being checked.
//  2. Apply takes the workspace's lock, which it holds to the end, and reads the state again, so that what is planned is what is there.
//  3. Plan compares each block with what is recorded. The plan is data; the state is not changed.
//  4. The caller is shown the plan and answers yes or no (Applying.Show, Confirm). After a no, nothing has changed.
//  5. Package engine carries the plan out; each event goes to Applying.Event.
//  6. If all went well, the plan is marked as applied, so that a file of it is not applied twice.
//
// A use case that fails for a reason with a remedy returns a *Failure, whose Hint is a whole sentence: "'mlp graph' lists all
// addresses."

// Workspace is where use cases work: the folder of a module, and which of its states. Use cases that are told of a
// saved plan or values set Name and Told; apart from that it stays as it is. It is for one goroutine at a time.
type Workspace struct {
	Given string // the folder as the user wrote it, for commands to copy; "" and "." are the current one
	Dir   string // the same, absolute
	Name  string // of the state, such as "default"
	// Base is the workspace whose state plans are made against, such as "default" for one of a pull request; "": that which the workspace
	// went by when it was last applied, if any.
	Base string
	// Sample is the share of each source's rows that plans are of, as plan.ParseShare has it; "": that of which the workspace is, if it is one of a
	// sample, else all.
	Sample string
	Roots  DataRoots // where data may lie
	// StoreURL is where the store is, before what MLP_STORE and the module say; "": as they say.
	StoreURL string
	// ApproversFile is the operator's file of who may approve; "": that of MLP_APPROVERS, if any.
	ApproversFile string
	// Clock is what time it is for schedules, rollouts and what is recorded of them; nil: that of the machine.
	Clock func() time.Time
	// Told is what variables are given, without what is sensitive, for commands to copy. Opening sets it.
	Told Settings

	goesBy string // the workspace whose state plans are made against, once the state was read; "": its own
	tries  string // the workspace that this one is for tries of; "": it is none
}

// Failure is an error with what to do about it: Hint is a whole sentence, or "".
type Failure struct {
	Err  error
	Hint string
	// Stale: a saved plan no longer fits what it rests on.
	Stale bool
}

func (e *Failure) Error() string { return e.Err.Error() }
func (e *Failure) Unwrap() error { return e.Err }
