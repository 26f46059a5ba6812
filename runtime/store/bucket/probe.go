package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// ProbeError: a bucket does not promise what a store needs.
type ProbeError struct{ Why string }

func (e *ProbeError) Error() string {
	return "the bucket cannot hold a store: " + e.Why
}

// probers is how many put one key at once in a probe.
const probers = 4

// Probe finds out by trying whether a bucket keeps its promises, and leaves nothing behind. The error is a ProbeError where it
// does not: most of all where a key that has a value can be given another with PutNew, as with servers that do not know the
// condition and ignore it. Other errors are the bucket's own.
func Probe(ctx context.Context, b Bucket) (err error) {
	nonce := make([]byte, 12)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	prefix := "probe/" + hex.EncodeToString(nonce)
	defer func() {
		for _, name := range []string{"/one", "/race", "/moved"} {
			err = errors.Join(err, b.Delete(ctx, prefix+name))
		}
	}()
	for _, try := range []func(context.Context, Bucket, string) error{probePut, probeRace, probeReplace, probeRange, probeMove} {
		if err := try(ctx, b, prefix); err != nil {
			return err
		}
	}
	return nil
}

// holds is nil where a key has just this value.
func holds(ctx context.Context, b Bucket, key, want, after string) error {
	got, err := Read(ctx, b, key)
	if errors.Is(err, fs.ErrNotExist) {
		return &ProbeError{fmt.Sprintf("after %s, %s has no value", after, key)}
	}
	if err != nil {
		return err
	}
	if string(got) != want {
		return &ProbeError{fmt.Sprintf("after %s, %s has the value %.40q, expected %q", after, key, got, want)}
	}
	return nil
}

// probePut puts a key twice: the second must be refused, and change nothing.
func probePut(ctx context.Context, b Bucket, prefix string) error {
	key := prefix + "/one"
	if err := Put(ctx, b, key, []byte("first")); err != nil {
		return fmt.Errorf("putting a value: %w", err)
	}
	switch err := Put(ctx, b, key, []byte("second")); {
	case err == nil:
		return &ProbeError{"it lets a second writer put a value that is to be put only if there is none: it ignores the condition"}
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("putting a value a second time: %w", err)
	}
	return holds(ctx, b, key, "first", "a second writer was refused")
}

// probeRace has several put one key at once: one wins and is the only one to be told so.
func probeRace(ctx context.Context, b Bucket, prefix string) error {
	key := prefix + "/race"
	errs := make([]error, probers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = Put(ctx, b, key, []byte{byte('a' + i)}) })
	}
	wg.Wait()
	var winners []string
	for i, err := range errs {
		switch {
		case err == nil:
			winners = append(winners, string(rune('a'+i)))
		case !errors.Is(err, fs.ErrExist):
			return fmt.Errorf("putting a value at once with others: %w", err)
		}
	}
	if len(winners) != 1 {
		return &ProbeError{fmt.Sprintf("of %d writers of one key at once %d were told to have won (%s), expected one", probers, len(winners), strings.Join(winners, ", "))}
	}
	return holds(ctx, b, key, winners[0], "a race that it won")
}

// probeReplace replaces the value that probePut left.
func probeReplace(ctx context.Context, b Bucket, prefix string) error {
	if err := b.Replace(ctx, prefix+"/one", bytes.NewReader([]byte("replaced"))); err != nil {
		return fmt.Errorf("replacing a value: %w", err)
	}
	return holds(ctx, b, prefix+"/one", "replaced", "it was replaced")
}

// probeRange reads three bytes out of the middle of "replaced", and wants the size of the whole.
func probeRange(ctx context.Context, b Bucket, prefix string) error {
	v, err := b.Get(ctx, prefix+"/one", Range{Offset: 2, Length: 3})
	if err != nil {
		return fmt.Errorf("reading a part of a value: %w", err)
	}
	defer v.Close()
	var part bytes.Buffer
	if _, err := part.ReadFrom(v); err != nil {
		return fmt.Errorf("reading a part of a value: %w", err)
	}
	if part.String() != "pla" || v.Size != int64(len("replaced")) {
		return &ProbeError{fmt.Sprintf("bytes 2 to 4 of %q are %q of %d", "replaced", part.String(), v.Size)}
	}
	return nil
}

// probeMove moves that value: it is under the new key, and no longer under the old one.
func probeMove(ctx context.Context, b Bucket, prefix string) error {
	if err := b.Move(ctx, prefix+"/one", prefix+"/moved"); err != nil {
		return fmt.Errorf("moving a value: %w", err)
	}
	if err := holds(ctx, b, prefix+"/moved", "replaced", "it was moved"); err != nil {
		return err
	}
	has, err := Has(ctx, b, prefix+"/one")
	if err == nil && has {
		err = &ProbeError{"a value that was moved still has its old key"}
	}
	return err
}
