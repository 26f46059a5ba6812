package view

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Watch returns a context of a command that is no apply, such as serve or approve, in which a line is written once in a while of what is
// fetched from a store elsewhere or sent there, and of a wait for a collection of garbage. An apply tells of both by events of its own.
func Watch(ctx context.Context, w io.Writer) context.Context {
	var mu sync.Mutex
	last := time.Duration(0)
	return bucket.Watch(ctx, bucket.Watcher{
		Moved: func(t bucket.Transfer) {
			mu.Lock()
			defer mu.Unlock()
			if t.Elapsed < last { // another transfer
				last = 0
			}
			if t.Elapsed-last < transferEvery {
				return
			}
			last = t.Elapsed
			fmt.Fprintf(w, "The store: %s, %s so far.\n", transferText(t.Fetched, t.Done, t.Total), render.Duration(t.Elapsed.Round(time.Second)))
		},
		Waits: func(until time.Time) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(w, waitText(time.Until(until).Round(time.Second), until))
		},
	})
}

// transferText says how far a transfer is.
func transferText(fetched bool, done, total int64) string {
	verb := "sending"
	if fetched {
		verb = "fetching"
	}
	return fmt.Sprintf("%s %s of %s", verb, render.Bytes(done), render.Bytes(total))
}

// waitText says for how long nothing is recorded, and why.
func waitText(wait time.Duration, until time.Time) string {
	return fmt.Sprintf("Recording waits for %s at most, until %s: what was made again was deleted by 'mlp gc' just before, and a delete may still be under way.",
		render.Duration(wait), until.UTC().Format("15:04:05Z"))
}
