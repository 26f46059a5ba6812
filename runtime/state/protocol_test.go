package state

import (
	"fmt"
	"testing"
)

// The protocol of writers who share a bucket, as a model that is small enough to be explored whole: two writers who each have one event to
// record, a bucket whose answers may be lost, whose requests may come through late and whose lists may lag, clocks that may pass the end of a
// lease, and machines that may die at any step and are started again. Each step of the model is one request, or the loss of its answer. What the code does is in append.go, log.go and package lease; the
// model has their decisions and nothing else.
//
// A writer:  look (list, then by key)  →  take the next term  →  look again (the log)  →  put the next revision  →  end the term.
// Where an answer is lost it reads back whose value is there; where the value is another's it folds that and goes on.

const (
	modelWriters   = 2
	modelRevisions = 4 // that the log can have
	modelTerms     = 4
	modelCrashes   = 3
	modelLosses    = 3 // of answers, or of requests that come through late
	modelExpiries  = 3 // times that a lease's time passes
)

// What a writer is about to do.
const (
	wantsList      = iota // reads the list of the log, which may lag
	wantsProbe            // asks for keys after the list's last
	wantsTerm             // puts the next term of the lease
	wantsCheck            // reads back whose term it is
	wantsPut              // puts the next revision
	wantsRead             // reads back whose revision it is
	wantsEnd              // gives the lease up
	finished              // recorded, and knows it
	refusedByLease        // told that another has the lease: tries again, or leaves
	fenced                // told that a later term has written
	unsure                // its answer was lost for good: it says so and stops
	crashed
)

type modelWriter struct {
	At       int8
	Seen     int8 // the last revision it knows
	Term     int8 // that it holds, or tries to take
	Restarts int8
}

// world is a state of the model. All of it is comparable, so that a set of worlds that were visited is a map.
type world struct {
	Log                       [modelRevisions + 1]int8 // who wrote a revision, 1 or 2; 0 nobody. Whose nonce it is
	LogTerm                   [modelRevisions + 1]int8
	Writes                    [modelRevisions + 1]int8 // how often a revision's key was given a value: more than once is a lost revision
	Holder                    [modelTerms + 1]int8     // who put a term
	Over                      [modelTerms + 1]int8     // 1: ended, or its time has passed
	Writer                    [modelWriters]modelWriter
	Acked                     [modelWriters]int8 // times that a writer was told that its event is recorded
	Late                      [modelWriters]int8 // the revision whose request is still under way; 0 none
	LateBy                    [modelWriters]int8 // the term in it
	Crashes, Losses, Expiries int8
}

// protocol is what of the protocol is left out, to see that the model finds out.
type protocol struct {
	noReadBack    bool // after an error the writer takes its revision for not written, and puts its event again
	blindPut      bool // the bucket ignores the condition
	noFence       bool // a writer that meets a revision of a later term goes on
	noFenceAtLoad bool // the same of one that finds it when it reads the log
	noExpiry      bool // a lease ends by being given up alone
}

func lastRevision(w *world) int8 {
	for n := int8(modelRevisions); n > 0; n-- {
		if w.Log[n] != 0 {
			return n
		}
	}
	return 0
}

func lastTerm(w *world) int8 {
	for n := int8(modelTerms); n > 0; n-- {
		if w.Holder[n] != 0 {
			return n
		}
	}
	return 0
}

// next calls each with all worlds that one step leads to.
func (p protocol) next(w world, each func(world)) {
	for i := range w.Writer {
		p.step(w, i, each)
		x := w
		if at := w.Writer[i].At; at < finished && w.Crashes < modelCrashes { // the machine dies, with whatever it holds
			x.Writer[i].At, x.Crashes = crashed, w.Crashes+1
			each(x)
		}
	}
	for i, n := range w.Late { // a request comes through that was taken for lost
		if n > 0 {
			x := w
			x.Late[i] = 0
			p.write(&x, i, n, w.LateBy[i])
			each(x)
		}
	}
	if top := lastTerm(&w); !p.noExpiry && top > 0 && w.Over[top] == 0 && w.Expiries < modelExpiries { // its holder was asleep, or is dead
		x := w
		x.Over[top], x.Expiries = 1, w.Expiries+1
		each(x)
	}
}

// step has one writer do its next request.
func (p protocol) step(w world, i int, each func(world)) {
	me := int8(i + 1)
	self := &w.Writer[i]
	switch self.At {
	case wantsList: // any prefix of the log that is no shorter than what the writer has seen
		for n := self.Seen; n <= lastRevision(&w); n++ {
			x := w
			x.Writer[i].Seen, x.Writer[i].At = n, wantsProbe
			each(x)
		}
	case wantsProbe:
		x := w
		switch {
		case self.Seen < modelRevisions && w.Log[self.Seen+1] != 0:
			x.Writer[i].Seen++
		case recorded(&w, me, self.Seen) && !p.noReadBack: // by itself, before it was started again: nothing is left to do
			x.Writer[i].At = finished
			if self.Term > 0 {
				x.Writer[i].At = wantsEnd
			}
		case self.Term == 0:
			x.Writer[i].At = wantsTerm
		case w.LogTerm[self.Seen] > self.Term && !p.noFenceAtLoad:
			x.Writer[i].At = fenced
		default:
			x.Writer[i].At = wantsPut
		}
		each(x)
	case wantsTerm:
		p.take(w, i, each)
	case wantsCheck: // the nonce of the term tells whose it is
		x := w
		x.Writer[i].At = refusedByLease
		if w.Holder[self.Term] == me {
			x.Writer[i].At = wantsList // the log is read again under the lease
		}
		each(x)
	case refusedByLease:
		x := w
		x.Writer[i].Term, x.Writer[i].At = 0, wantsTerm
		if top := lastTerm(&w); w.Over[top] == 1 {
			each(x) // it waits until the lease is over
		}
	case wantsPut:
		p.put(w, i, each)
	case wantsRead:
		n := self.Seen + 1
		x := w
		switch {
		case p.noReadBack: // an error is taken for "not written": once more, on top
			x.Writer[i].At = wantsList
		case w.Log[n] == me:
			x.Writer[i].Seen, x.Writer[i].At, x.Acked[i] = n, wantsEnd, w.Acked[i]+1
		case w.Log[n] != 0:
			x = p.rebased(w, i)
		default:
			x.Writer[i].At = unsure
		}
		each(x)
	case wantsEnd:
		x := w
		x.Over[self.Term], x.Writer[i].At = 1, finished
		each(x)
		if w.Losses < modelLosses { // the request is lost: the lease ends by itself
			x = w
			x.Writer[i].At, x.Losses = finished, w.Losses+1
			each(x)
		}
	case crashed, unsure: // started again by hand: it knows nothing
		if self.Restarts == 0 {
			x := w
			x.Writer[i] = modelWriter{At: wantsList, Restarts: 1}
			each(x)
		}
	}
}

// take puts the next term, if the last one is over.
func (p protocol) take(w world, i int, each func(world)) {
	top := lastTerm(&w)
	if top > 0 && w.Over[top] == 0 {
		x := w
		x.Writer[i].At = refusedByLease
		each(x)
		return
	}
	if top == modelTerms {
		return // beyond what is explored
	}
	x := w
	x.Holder[top+1], x.Writer[i].Term, x.Writer[i].At = int8(i+1), top+1, wantsList
	each(x)
	if w.Losses < modelLosses {
		for _, carried := range []bool{true, false} {
			x := w
			x.Losses, x.Writer[i].Term, x.Writer[i].At = w.Losses+1, top+1, wantsCheck
			if carried {
				x.Holder[top+1] = int8(i + 1)
			}
			each(x)
		}
	}
}

// put puts the writer's event as the revision after the last that it knows.
func (p protocol) put(w world, i int, each func(world)) {
	n := w.Writer[i].Seen + 1
	if n > modelRevisions {
		return // beyond what is explored
	}
	term := w.Writer[i].Term
	if w.Late[i] > 0 {
		return // one request under way for each is explored
	}
	x := w
	if p.write(&x, i, n, term) {
		x.Writer[i].Seen, x.Writer[i].At = n, wantsEnd
		x.Acked[i]++
	} else {
		x = p.rebased(w, i)
	}
	each(x)
	if w.Losses < modelLosses {
		for _, fate := range []string{"carried out", "lost", "late"} {
			x := w
			x.Losses, x.Writer[i].At = w.Losses+1, wantsRead
			switch fate {
			case "carried out":
				p.write(&x, i, n, term)
			case "late":
				x.Late[i], x.LateBy[i] = n, term
			}
			each(x)
		}
	}
}

// write is what the bucket does with a revision. It reports whether it took it.
func (p protocol) write(x *world, i int, n, term int8) bool {
	if x.Log[n] != 0 && !p.blindPut {
		return false
	}
	x.Log[n], x.LogTerm[n] = int8(i+1), term
	x.Writes[n]++
	return true
}

// rebased is the world after a writer has met another's revision where it wanted to put its own.
func (p protocol) rebased(w world, i int) world {
	n := w.Writer[i].Seen + 1
	if w.LogTerm[n] > w.Writer[i].Term && !p.noFence {
		w.Writer[i].At = fenced
		return w
	}
	w.Writer[i].Seen, w.Writer[i].At = n, wantsPut
	if w.Log[n] == int8(i+1) {
		w.Writer[i].At = wantsEnd // a late request of its own: the same event, which is dropped
	}
	return w
}

// recorded reports whether a writer's event is in the revisions up to one.
func recorded(w *world, writer, upTo int8) bool {
	for n := int8(1); n <= upTo; n++ {
		if w.Log[n] == writer {
			return true
		}
	}
	return false
}

// wrong says which promise a world breaks; empty if none.
func wrong(w *world) string {
	for i := range w.Writer {
		mine := 0
		for n := 1; n <= modelRevisions; n++ {
			if w.Log[n] == int8(i+1) {
				mine++
			}
		}
		switch {
		case mine > 1:
			return fmt.Sprintf("the event of writer %d is recorded in %d revisions", i+1, mine)
		case w.Acked[i] > 0 && mine == 0:
			return fmt.Sprintf("writer %d was told that its event is recorded, and it is not", i+1)
		}
	}
	for n := 1; n <= modelRevisions; n++ {
		switch {
		case w.Writes[n] > 1:
			return fmt.Sprintf("revision %d was written %d times", n, w.Writes[n])
		case w.Log[n] != 0 && n > 1 && w.Log[n-1] == 0:
			return fmt.Sprintf("revision %d has none before it", n)
		case w.Log[n] != 0 && n > 1 && w.LogTerm[n] < w.LogTerm[n-1]:
			return fmt.Sprintf("revision %d is of an earlier term than the one before", n)
		}
	}
	return ""
}

// stuck reports whether somebody waits for a lease that no step will free.
func stuck(p protocol, w *world) bool {
	top := lastTerm(w)
	if top == 0 || w.Over[top] == 1 || !p.noExpiry && w.Expiries < modelExpiries {
		return false
	}
	if !p.noExpiry {
		return false // more passes of time than are explored
	}
	holder := w.Writer[w.Holder[top]-1]
	for i := range w.Writer {
		if w.Writer[i].At == refusedByLease && holder.Term == top && holder.At >= finished {
			return true
		}
	}
	return false
}

// explore visits all worlds, and returns how many worlds and steps there are, and the first promise that is broken, with the worlds that lead there.
func explore(p protocol) (worlds, steps int, broken string) {
	visited := map[world]bool{}
	todo := []world{{}}
	visited[world{}] = true
	for len(todo) > 0 {
		w := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if why := wrong(&w); why != "" {
			return len(visited), steps, fmt.Sprintf("%s: %+v", why, w)
		}
		if stuck(p, &w) {
			return len(visited), steps, fmt.Sprintf("a lease is to be freed by hand: %+v", w)
		}
		p.next(w, func(x world) {
			steps++
			if !visited[x] {
				visited[x] = true
				todo = append(todo, x)
			}
		})
	}
	return len(visited), steps, ""
}

// TestProtocol explores all ways in which two writers, a network that loses answers, lists that lag, clocks and deaths can follow one
// another: no revision is written twice, none is lost, none is recorded that its writer was not told of, and no lease stays.
func TestProtocol(t *testing.T) {
	worlds, steps, broken := explore(protocol{})
	t.Logf("%d worlds, %d steps", worlds, steps)
	if broken != "" {
		t.Error(broken)
	}
	if steps < 1_000_000 {
		t.Errorf("got %d steps, want a million at least", steps)
	}
}

// TestProtocolMutants: without a part of the protocol the exploration finds a promise that is broken.
func TestProtocolMutants(t *testing.T) {
	for name, p := range map[string]protocol{
		"no read-back": {noReadBack: true}, "the condition is ignored": {blindPut: true}, "no fence": {noFence: true}, "no fence when the log is read": {noFenceAtLoad: true}, "leases without an end": {noExpiry: true},
	} {
		if _, _, broken := explore(p); broken == "" {
			t.Errorf("%s: nothing is found", name)
		} else {
			t.Logf("%s: %.100s", name, broken)
		}
	}
}
