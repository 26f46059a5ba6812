package bucket

import (
	"context"
	"time"
)

// Transfer is how far values are that are sent to a bucket elsewhere, or fetched from it, together.
type Transfer struct {
	Fetched     bool // else sent
	Done, Total int64
	Elapsed     time.Duration // since they began
}

// Watcher is told what takes its time where a store is elsewhere. Each field may be nil; they may be called by several goroutines at once.
type Watcher struct {
	Moved func(Transfer)        // once a second at most, of what takes longer than that
	Waits func(until time.Time) // nothing is written until then at the latest, since a collection of garbage is not over
}

type watcherKey struct{}

// Watch returns a context whose transfers and waits a watcher is told of.
func Watch(ctx context.Context, w Watcher) context.Context {
	return context.WithValue(ctx, watcherKey{}, w)
}

// Watching is who is told of a context's transfers and waits; the zero Watcher where nobody is.
func Watching(ctx context.Context) Watcher {
	w, _ := ctx.Value(watcherKey{}).(Watcher)
	return w
}

type sentKey struct{}

// CountSent returns a context in which buckets elsewhere tell how many bytes they hand to the network; some twice, where a request is repeated.
func CountSent(ctx context.Context, add func(bytes int)) context.Context {
	return context.WithValue(ctx, sentKey{}, add)
}

// Sent is who counts what a context's requests hand to the network; nil where nobody does.
func Sent(ctx context.Context) func(bytes int) {
	add, _ := ctx.Value(sentKey{}).(func(bytes int))
	return add
}
