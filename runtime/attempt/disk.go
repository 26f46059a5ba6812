package attempt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// quota is how many bytes a stage may have in its outputs, its checkpoint and its temporary files at a time. Files count by
// their length, also where they have holes: what they hold is stored, and read by others.
type quota struct {
	bytes    int64
	given    bool // by the block; else it is a share of what is free
	folders  []string
	interval time.Duration // between two looks; 0: lookEvery
}

// lookEvery is the time between two looks at what a running stage has written.
const lookEvery = 2 * time.Second

// errOverQuota ends a stage that writes more than it may.
var errOverQuota = errors.New("the stage wrote more than it may")

// newQuota is a block's own, or half of what is free where the store is.
// mb is in MiB; 0: the block says nothing. Half is left for the store, which has what the stage wrote once more.
func newQuota(store string, mb int64, folders ...string) (*quota, error) {
	if mb > 0 {
		return &quota{bytes: mb << 20, given: true, folders: folders}, nil
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(store, &fs); err != nil {
		return nil, fmt.Errorf("asking how much disk is free: %w", err)
	}
	return &quota{bytes: int64(fs.Bavail) * int64(fs.Bsize) / 2, folders: folders}, nil
}

// exceeded reports whether a stage has written more than it may. What cannot be looked at, as it comes and goes, does not count.
func (q *quota) exceeded() bool {
	var sum int64
	for _, folder := range q.folders {
		// While a stage runs, its executor may have the folder elsewhere, with a link in its place.
		if info, err := os.Lstat(folder); err == nil && info.Mode()&os.ModeSymlink != 0 {
			if moved, err := filepath.EvalSymlinks(folder); err == nil {
				folder = moved
			}
		}
		_ = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil
			}
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
			if sum > q.bytes {
				return fs.SkipAll
			}
			return nil
		})
	}
	return sum > q.bytes
}

// watch cancels a stage once it has written more than it may. Looking takes at most a twentieth of the time.
// A stage of a million files so costs looks that are further apart, and no more than that. It may be over its quota by what it writes
// between two looks; exceeded is asked once more at the end.
func (q *quota) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	wait := lookEvery
	if q.interval > 0 {
		wait = q.interval
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		begun := time.Now()
		if q.exceeded() {
			cancel(errOverQuota)
			return
		}
		wait = max(wait, 20*time.Since(begun))
	}
}

func (q *quota) failure(address string) *Failure {
	f := Failuref(DiskFailure, "%s wrote more than it may, %d MB", address, q.bytes>>20)
	f.Detail = "Outputs, checkpoint and temporary files count together, holes in files too. The block's disk_mb is the limit; without one it is half of what was free on the store's disk."
	if q.given {
		f.Detail = "Outputs, checkpoint and temporary files count together, holes in files too. The limit is the block's disk_mb."
	}
	return f
}
