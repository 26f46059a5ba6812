package attempt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// openCheckpoint chooses the folder that the stage keeps things in. That of a stage which is somebody's program lies in the store's folder from the
// start, so that a kill leaves it; where the store is a bucket elsewhere, what an attempt on another machine kept is fetched from there. That of a
// built-in stage, which seldom keeps anything, is the attempt's own, and comes into the store's folder at
// the end where something is in it; but what an earlier apply has kept there is gone on from.
func (a *Attempt) openCheckpoint(ctx context.Context) (err error) {
	a.task.Checkpoint = filepath.Join(a.work, "checkpoint")
	if a.node.Container == nil && !a.Store.Kept(a.Fingerprint) {
		return nil
	}
	if a.kept, err = a.Store.Checkpoint(a.Fingerprint); err != nil {
		return err
	}
	if a.busy = a.kept == nil; !a.busy { // else another apply runs the same stage: what this one keeps ends with it
		a.task.Checkpoint = a.kept.Dir
	}
	if a.busy || a.node.Container == nil {
		return nil
	}
	there, err := os.ReadDir(a.task.Checkpoint)
	if a.resumed = len(there) > 0; a.resumed || err != nil {
		return err
	}
	a.resumed, err = a.Store.Fetch(ctx, a.Fingerprint, a.task.Checkpoint)
	return err
}

// pushTime is how long storing what a stage kept may take, and hurry the same where whoever runs the stage is told to end.
const (
	pushTime = 10 * time.Minute
	hurry    = 30 * time.Second
)

// push stores what a failed stage kept in a bucket elsewhere, for an attempt on another machine. It returns a sentence where that does not succeed.
func (a *Attempt) push(ctx context.Context) string {
	if a.kept == nil || a.node.Container == nil || a.Rank != nil && a.Rank.Number > 0 {
		return ""
	}
	most := pushTime
	if ctx.Err() != nil {
		most = hurry
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	if err := a.Store.Keep(ctx, a.Fingerprint, a.task.Checkpoint); err != nil {
		return fmt.Sprintf("What it kept in checkpoint/ could not be stored: %v.", err)
	}
	return ""
}

// keepEach is how often what a program has in its checkpoint folder is stored in a bucket elsewhere while it runs: of a machine that is lost no more work is lost.
const keepEach = 5 * time.Minute

// errUnsettled: the program wrote to its checkpoint folder while that was read, or there is something in it that must not be kept.
var errUnsettled = errors.New("the folder is not as it was")

// keepOn stores what a running program has in its checkpoint folder, at intervals, where it changed since. Of a folder that changes while it is read nothing is stored: what
// is stored was there at one time, as after a kill at that time. What cannot be stored is tried at the next interval, and told where the attempt fails (push). The channel
// says, once ctx has ended, whether anything was stored.
func (a *Attempt) keepOn(ctx context.Context) <-chan bool {
	out := make(chan bool, 1)
	if a.kept == nil || a.node.Container == nil || a.Rank != nil && a.Rank.Number > 0 {
		out <- false
		return out
	}
	go func() {
		tick := time.NewTicker(cmp.Or(a.KeepEach, keepEach))
		defer tick.Stop()
		stored := ""
		for {
			select {
			case <-ctx.Done():
				out <- stored != ""
				return
			case <-tick.C:
			}
			now, err := a.look()
			if err != nil || now == "" || now == stored {
				continue
			}
			err = a.Store.KeepIf(ctx, a.Fingerprint, a.task.Checkpoint, func() error {
				if _, secret, err := a.secrets.leaked(a.task.Checkpoint); err != nil || secret != "" {
					return cmp.Or(err, errUnsettled)
				}
				if then, err := a.look(); err != nil || then != now {
					return cmp.Or(err, errUnsettled)
				}
				return nil
			})
			if err == nil {
				stored = now
			}
		}
	}()
	return out
}

// look is what the checkpoint folder looks like from outside: names, sizes and times. Empty: nothing is in it.
func (a *Attempt) look() (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(a.task.Checkpoint, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == a.task.Checkpoint {
			return err
		}
		info, err := e.Info()
		if err == nil {
			fmt.Fprintf(&b, "%q %v %d %d\n", path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	return b.String(), err
}

// closeCheckpoint gives up what the stage has kept, for the next attempt. What cannot be put where that finds it is made again.
func (a *Attempt) closeCheckpoint() {
	if a.kept == nil && !a.busy && !a.done && a.task.Checkpoint != "" {
		a.keep()
	}
	if a.kept != nil {
		a.kept.Release()
	}
}

// keep moves what is in the attempt's own folder to where the next apply finds it, unless another apply has left something there meanwhile.
func (a *Attempt) keep() {
	own, err := os.ReadDir(a.task.Checkpoint)
	if err != nil || len(own) == 0 {
		return
	}
	if a.kept, err = a.Store.Checkpoint(a.Fingerprint); err != nil || a.kept == nil {
		return
	}
	if there, err := os.ReadDir(a.kept.Dir); err != nil || len(there) > 0 {
		return
	}
	for _, e := range own {
		_ = os.Rename(filepath.Join(a.task.Checkpoint, e.Name()), filepath.Join(a.kept.Dir, e.Name()))
	}
}
