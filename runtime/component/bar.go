package component

import (
	"context"
	"sync"
)

// Bar is that of a stage whose work has several parts, such as scoring, intervals and explanations. The parts follow each other and count alike, however long they
// are, so that the bar never goes back: of four parts, half of the second is 37 of 100.
//
//	bar := stage.Bar(2)
//	score(bar.Next(ctx))      // says Steps(ctx, rows)
//	intervals(bar.Next(ctx))  // says Steps(ctx, resamples)
//
// What is told goes by counts alone: it is the same at every run, whatever the number of threads. A nil Bar moves nothing.
type Bar struct {
	tell  func(done, total int)
	parts int

	mu    sync.Mutex
	begun int // parts
	told  int // hundredths
}

// Bar is a new bar of so many parts. Where some turn out to be nothing to do it stands short of its end when the stage is done.
func (s *Stage) Bar(parts int) *Bar { return &Bar{tell: s.Progress, parts: parts} }

// part is one part of a bar.
type part struct {
	of    *Bar
	place int  // from 0
	taken bool // somebody counts its steps
}

type partKey struct{}

// Next is the context of the next part. The one before is over, whatever was said of it.
func (b *Bar) Next(ctx context.Context) context.Context {
	if b == nil {
		return ctx
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &part{of: b, place: b.begun}
	b.begun++
	b.move(p.place * 100 / b.parts)
	return context.WithValue(ctx, partKey{}, p)
}

// move tells how many hundredths are done, if they are more than before. The bar is locked.
func (b *Bar) move(to int) {
	if to = min(to, 100); to > b.told {
		b.told = to
		b.tell(to, 100)
	}
}

// Steps is for work that may be a part of a bar, and is total steps long: the function tells that n more of them are done. It may be called by several
// goroutines. Of work within work the outer one counts, since it asks first.
func Steps(ctx context.Context, total int) func(n int) {
	p, _ := ctx.Value(partKey{}).(*part)
	if p == nil || total < 1 || !p.take() {
		return func(int) {}
	}
	done := 0
	return func(n int) {
		p.of.mu.Lock()
		defer p.of.mu.Unlock()
		done = min(done+n, total)
		p.of.move(int((int64(p.place)*int64(total) + int64(done)) * 100 / (int64(p.of.parts) * int64(total))))
	}
}

// take reports whether nobody counts the part's steps yet.
func (p *part) take() bool {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	was := p.taken
	p.taken = true
	return !was
}
