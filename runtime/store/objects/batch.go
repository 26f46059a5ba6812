package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

// Batch is content that is to be objects and comes to the disk together: two waits for the disk, for contents and for names, where each
// object alone would have two. For example, of a stage with one table the batch is the table, the list that names it, and the log.
type Batch struct {
	ctx     context.Context
	objects *Objects
	files   []written // that have no names yet
	there   []plan.Digest
	head    []byte // room for small content
}

// written is a temporary file that is to be an object. It may not be on disk yet.
type written struct {
	tmp    string
	digest plan.Digest
	stamp  scratch.Stamp // of a file that was taken, whose content was read in its place
}

const (
	// batchFiles is how many files of a batch wait for their names at most.
	batchFiles = 500
	// smallFile is up to how many bytes content is first looked for in the store, and written only where it is not there: the empty log of
	// a stage that says nothing is the same object each time.
	smallFile = 64 << 10
)

// Together stores what put adds to a batch. All of it is durable when Together returns without error; with one, part of it may be.
func (o *Objects) Together(ctx context.Context, put func(*Batch) error) error {
	b := &Batch{ctx: ctx, objects: o}
	defer b.discard()
	if err := put(b); err != nil {
		return err
	}
	if err := b.name(); err != nil {
		return fmt.Errorf("storing objects: %w", err)
	}
	return nil
}

// PutBytes adds content and returns its digest.
func (b *Batch) PutBytes(data []byte) (plan.Digest, error) {
	d, err := b.put(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("storing an object: %w", err)
	}
	return d, nil
}

// PutFile adds a copy of a regular file's content and returns its digest.
// A link is not followed: what a stage linked to is not what it wrote.
func (b *Batch) PutFile(path string) (plan.Digest, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", fmt.Errorf("storing a file: %w", err)
	}
	defer f.Close()
	d, err := b.put(f)
	if err != nil {
		return "", fmt.Errorf("storing a file: %w", err)
	}
	return d, nil
}

// put writes a temporary file, hashing on the way, unless the content is small and there.
func (b *Batch) put(r io.Reader) (plan.Digest, error) {
	w, err := b.write(r)
	if err != nil || w.tmp == "" {
		return w.digest, err
	}
	return w.digest, b.add(w)
}

// add adds a whole temporary file. A full batch (batchFiles) is named at once, so that of a folder of a million files few temporary ones
// wait at a time.
func (b *Batch) add(w written) error {
	if b.files = append(b.files, w); len(b.files) < batchFiles {
		return nil
	}
	return b.name()
}

// write is put but for the name. Small content is read whole, and hashed once; that has no temporary file where it is there.
func (b *Batch) write(r io.Reader) (written, error) {
	if err := b.ctx.Err(); err != nil {
		return written{}, err
	}
	if holes(r) {
		return b.objects.write(b.ctx, r)
	}
	if b.head == nil {
		b.head = make([]byte, 0, firstRead)
	}
	head, err := readUpTo(b.head[:0], r, smallFile+1)
	b.head = head
	if err != nil {
		return written{}, err
	}
	if len(head) > smallFile {
		return b.objects.write(b.ctx, io.MultiReader(bytes.NewReader(head), r))
	}
	d := digest.Of(head)
	if there, err := b.isThere(d); there || err != nil {
		return written{digest: d}, err
	}
	return b.objects.writeSmall(head, d)
}

// firstRead is the room that a batch has for small content at first: what tiny stages yield has a few hundred bytes.
const firstRead = 4 << 10

// readUpTo appends what a reader has to a buffer, so many bytes at most, and returns it.
func readUpTo(into []byte, r io.Reader, most int) ([]byte, error) {
	for len(into) < most {
		if len(into) == cap(into) {
			into = slices.Grow(into, min(cap(into), most-len(into)))
		}
		n, err := r.Read(into[len(into):min(cap(into), most)])
		into = into[:len(into)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return into, err
		}
	}
	return into, nil
}

// isThere looks for an object on the shelf. One whose content is not right is moved aside.
func (b *Batch) isThere(d plan.Digest) (bool, error) {
	err := b.objects.onShelf(b.ctx, d)
	if errors.Is(err, bucket.ErrMissing) {
		return false, nil
	}
	if err == nil {
		b.there = append(b.there, d)
	}
	return err == nil, err
}

// name gives whole files their names, once they are on disk, and removes the temporary ones. Of those that are there
// already each stays, if its content is right.
// Content that is there and wrong is moved aside, and the name is tried again; three times, for others may do the same.
func (b *Batch) name() error {
	defer b.discard()
	var staged []local.Staged
	digests := map[string]plan.Digest{}
	for _, w := range b.files {
		key, err := Key(w.digest)
		if err != nil {
			return err
		}
		if digests[key] == "" {
			staged = append(staged, local.Staged{Key: key, Path: w.tmp})
		}
		digests[key] = w.digest
	}
	left, err := b.objects.shelf.PutStaged(staged)
	if err == nil {
		b.objects.taken(b.files, left)
	}
	for range 3 {
		if err != nil || len(left) == 0 {
			break
		}
		if left, err = b.objects.wrong(b.ctx, left, digests); err == nil && len(left) > 0 {
			left, err = b.objects.shelf.PutStaged(left)
		}
	}
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("%s cannot be given its name", left[0].Key)
	}
	var keys []string
	for _, d := range b.there {
		key, _ := Key(d) // it was found by it
		keys, digests[key] = append(keys, key), d
	}
	if err == nil {
		err = b.objects.shelf.Settle(b.ctx, keys...) // others may have put them a moment ago
	}
	if err == nil && b.objects.far != nil {
		err = b.objects.send(b.ctx, digests)
	}
	b.there = nil
	return err
}

// discard removes temporary files.
func (b *Batch) discard() {
	for _, w := range b.files {
		_ = os.Remove(w.tmp) // what is left goes with the session
	}
	b.files = nil
}
