package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/lease"
)

// A journal that grows, for other machines.
//
// In a bucket elsewhere a value cannot grow. So while a run goes on, every few seconds what its journal has more becomes a piece of its own:
//
//	running/fraud/default/<apply>/000001.jsonl   lines 1 to 40
//	running/fraud/default/<apply>/000002.jsonl   lines 41 to 52
//	journal/fraud/default/<apply>.jsonl          all of them, at the end; then the pieces go
//
// Pieces are whole lines, one behind the other without gap, so that a reader who has read so many bytes of them goes on at that byte of the
// whole journal once a piece is gone. Whether a run without an end goes on tells the lease. The pieces of one that was killed, on whatever machine,
// become its journal when the next run of the workspace begins.

// sendEvery is how often a journal that grows is sent.
const sendEvery = 2 * time.Second

// running is where the pieces of a workspace's live journals lie.
func (j journalsOf) running() string { return "running/" + j.pipeline + "/" + j.workspace + "/" }

// piece is the key of a journal's piece. Numbers have leading zeros, so that a list of keys has them in their order.
func (j journalsOf) piece(apply string, n int) string {
	return fmt.Sprintf("%s%s/%06d%s", j.running(), apply, n, journalExt)
}

// sender sends what a live journal has more, until it is stopped.
type sender struct {
	store *store.Store
	at    journalsOf
	apply string
	sent  int64 // bytes
	next  int   // piece
	piece []byte
	stop  chan struct{}
	ended chan struct{}
}

// send begins to send a live journal to a store elsewhere; nil where the store is a folder, in which everybody sees the file.
func (j *journal) send(ctx context.Context) *sender {
	if !j.store.IsFar() {
		return nil
	}
	s := &sender{store: j.store, at: j.at, apply: j.apply, next: 1, stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		tick := time.NewTicker(sendEvery)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				s.more(ctx)
			}
		}
	}()
	return s
}

// more sends the whole lines that were added. What fails is sent again, the same bytes: results don't rest on it.
func (s *sender) more(ctx context.Context) {
	if s.piece == nil {
		f, err := os.Open(s.at.file(s.store.Place(), s.apply))
		if err != nil {
			return
		}
		defer f.Close()
		whole, err := wholeLines(f)
		if err != nil || whole <= s.sent {
			return
		}
		s.piece = make([]byte, whole-s.sent)
		if _, err := f.ReadAt(s.piece, s.sent); err != nil {
			s.piece = nil
			return
		}
	}
	err := bucket.Put(ctx, s.store.Bucket(), s.at.piece(s.apply, s.next), s.piece)
	if err == nil || errors.Is(err, fs.ErrExist) { // nobody else writes it
		s.sent, s.next, s.piece = s.sent+int64(len(s.piece)), s.next+1, nil
	}
}

// end stops sending.
func (s *sender) end() {
	if s != nil {
		close(s.stop)
		<-s.ended
	}
}

// forget removes the pieces of a journal that is there as a whole.
func (s *sender) forget(ctx context.Context) error {
	if s == nil {
		return nil
	}
	var err error
	for n := 1; n <= s.next; n++ {
		err = errors.Join(err, s.store.Bucket().Delete(ctx, s.at.piece(s.apply, n)))
	}
	return err
}

// adoptPieces makes journals of the pieces that killed runs left, on whatever machine. The workspace's lock is held, so that no other run goes on.
func (j *journal) adoptPieces(ctx context.Context) error {
	if !j.store.IsFar() {
		return nil
	}
	b := j.store.Bucket()
	applies, err := bucket.Folders(ctx, b, j.at.running())
	if err != nil {
		return err
	}
	for _, apply := range applies {
		if apply == j.apply {
			continue
		}
		var all bytes.Buffer
		n := 1
		for ; ; n++ {
			piece, err := bucket.Read(ctx, b, j.at.piece(apply, n))
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return err
			}
			all.Write(piece)
		}
		if err := bucket.Put(ctx, b, j.at.key(apply), all.Bytes()); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		for key, err := range bucket.Keys(ctx, b, j.at.running()+apply+"/", "") {
			if err != nil {
				return err
			}
			if err := b.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// sentApplies are the applies that have pieces.
func (j *Journals) sentApplies(ctx context.Context) ([]string, error) {
	if !j.store.IsFar() {
		return nil, nil
	}
	return bucket.Folders(ctx, j.store.Bucket(), j.of.running())
}

// runs reports whether somebody, on whatever machine, applies to the workspace.
func (j *Journals) runs(ctx context.Context) bool {
	if !j.store.IsFar() {
		return false
	}
	held, err := lease.Look(ctx, j.store.Bucket(), j.of.pipeline+"/"+j.of.workspace, time.Now)
	return err == nil && held != nil && held.Holder.What == "apply"
}

// runningElsewhere is the apply of another machine that goes on; "" if none does.
func (j *Journals) runningElsewhere(ctx context.Context) (string, error) {
	if !j.runs(ctx) {
		return "", nil
	}
	sent, err := j.sentApplies(ctx)
	if err != nil || len(sent) == 0 {
		return "", err
	}
	apply := sent[len(sent)-1]
	stored, err := bucket.Has(ctx, j.store.Bucket(), j.of.key(apply))
	if err != nil || stored {
		return "", err
	}
	return apply, nil
}

// pieces reads the journal of a run elsewhere: its pieces, and what is left of the whole once that is there.
type pieces struct {
	ctx   context.Context
	of    *Journals
	apply string
	at    int64 // bytes that were read
	next  int
	body  io.ReadCloser // of a piece, or the rest of the whole
	whole bool
}

// openPieces opens the pieces of a journal; nil if there are none.
func (j *Journals) openPieces(ctx context.Context, apply string) (*pieces, error) {
	if !j.store.IsFar() {
		return nil, nil
	}
	has, err := bucket.Has(ctx, j.store.Bucket(), j.of.piece(apply, 1))
	if err != nil || !has {
		return nil, err
	}
	return &pieces{ctx: ctx, of: j, apply: apply, next: 1}, nil
}

// Read gives io.EOF where no piece more is there yet. Whoever follows the journal reads again later, and goes on from that place.
func (p *pieces) Read(buf []byte) (int, error) {
	for {
		if p.body == nil {
			if err := p.open(); err != nil {
				return 0, err
			}
		}
		n, err := p.body.Read(buf)
		p.at += int64(n)
		if n > 0 || err != io.EOF {
			return n, err
		}
		if p.whole {
			return 0, io.EOF
		}
		err = p.body.Close()
		p.body = nil
		if err != nil {
			return 0, err
		}
	}
}

// open opens the next piece, or else the rest of the whole journal. The error is io.EOF where there is neither.
func (p *pieces) open() error {
	b := p.of.store.Bucket()
	v, err := b.Get(p.ctx, p.of.of.piece(p.apply, p.next), bucket.Range{})
	if err == nil {
		p.body, p.next = v, p.next+1
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	v, err = b.Get(p.ctx, p.of.of.key(p.apply), bucket.Range{Offset: p.at})
	if errors.Is(err, fs.ErrNotExist) {
		return io.EOF
	}
	if err == nil {
		p.body, p.whole = v, true
	}
	return err
}

// Close closes what is open.
func (p *pieces) Close() error {
	if p.body == nil {
		return nil
	}
	return p.body.Close()
}

// isDead reports whether nothing more comes: the whole was read, or the run was killed.
func (p *pieces) isDead() bool { return p.whole || !p.of.runs(p.ctx) }
