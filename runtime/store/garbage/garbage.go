// Package garbage removes from a bucket the objects and records that nothing mentions any more, in two phases, while others work in it.
//
// An Index finds what is mentioned, Mark condemns the rest, and Sweep deletes, a grace later, what is still condemned. A Holder is for who is
// about to record something: what it rests on is not swept from then on.
package garbage

// How an object that is used again survives.
//
// What a revision, a record or a directory mentions by its digest is kept, whatever it mentions it for: so a kind of value that is added
// later is kept too. Everything else is condemned by a mark, gc/000007/mark.json, and deleted by a sweep that begins when the grace is over.
// In between, an apply may find a condemned record, as its stage is the same again, and record a revision that rests on it. Whether the
// sweep or the apply is first is decided without a lock, by two keys:
//
//	apply                                         sweep
//	puts gc/000007/kept/000003.json, the keys     puts gc/000007/closed.json
//	that it rests on and the mark has             reads gc/000007/kept/000001.json … to the first that is not there
//	asks for gc/000007/closed.json                finds anew what is mentioned
//	puts the revision                             deletes what is neither kept nor mentioned; puts gc/000007/swept.json
//
// Each puts its own key before it asks for the other's, so that at least one sees the other. If the apply finds the mark open, the sweep
// finds what it kept: what is kept is a chain of keys, of which each is put once, so that no list is asked, which might lag. If the apply finds
// the mark closed, it waits for the end of the sweep. In any case it looks then whether what it rests on is there: where it is not, the
// revision is not written.
//
// Machines that share a bucket keep copies of what they read. What they hold is right for ever; that it is there is not. So an apply believes of
// nothing that it is there unless it asked the bucket since it began, and holds what it is about to record against all marks whose sweep was not over
// then (Since): a record that it found and that a sweep deleted since is condemned by one of those.
//
// Time. An apply's revision, and a sweep's delete, are carried out within Late of the look at the marks, or at the clock, that they rest on. The grace is longer
// than that, and than any list lags. Who finds after its put that Late was over looks again (state). A sweep has twenty minutes; one that was
// killed, or is slower, deletes nothing more, and the next collection begins with a new mark. Where a network may carry a request out after it was taken
// for lost, a sweep is over Late after it says so: whoever would put again what it deleted waits until then. Clocks agree to within Skew.
//
// Records are deleted before objects, and copies of records before these: a record whose objects are gone only makes its stage run again.

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

const (
	prefix = "gc/"
	// sweepFor is how long a sweep deletes.
	sweepFor = 20 * time.Minute
	// Late is within what time a request is carried out, or never, where a network is between.
	Late = time.Minute
	// Skew is by how much clocks of machines that share a bucket may differ.
	Skew = 5 * time.Second
	// poll is how often it is looked whether a sweep has ended.
	poll = 100 * time.Millisecond
	// keptMarks is how many marks stay, for applies that began before they were swept.
	keptMarks = 16
	// together is how many keys are deleted between two looks at the clock.
	together = 1000
)

// mark is what stands under the key of one.
type mark struct {
	At   time.Time `json:"at"`
	Keys []string  `json:"keys"` // that are condemned, sorted
}

// until is what stands under closed.json and swept.json: when the sweep is over. Nothing is deleted after.
type until struct {
	Until time.Time `json:"until,omitzero"`
}

// at is the key of one of the files of a mark.
func at(n int, name string) string { return fmt.Sprintf("%s%06d/%s.json", prefix, n, name) }

// phase is how far the collection of a mark is.
type phase int

const (
	open   phase = iota // what it condemns may be used again
	closed              // it is being swept
	over                // nothing of it is deleted any more
)

// newest is the number of the last mark, 0 if there is none, and its phase. A list may lag: what it does not show is asked for.
func newest(ctx context.Context, b bucket.Bucket, now time.Time) (n int, p phase, err error) {
	names, err := bucket.Folders(ctx, b, prefix)
	if err != nil {
		return 0, over, err
	}
	for _, name := range names {
		var x int
		if _, err := fmt.Sscanf(name, "%06d", &x); err == nil {
			n = max(n, x)
		}
	}
	for {
		if has, err := bucket.Has(ctx, b, at(n+1, "mark")); err != nil || !has {
			if err != nil {
				return 0, over, err
			}
			break
		}
		n++
	}
	if n == 0 {
		return 0, over, nil
	}
	p, err = phaseOf(ctx, b, n, now)
	return n, p, err
}

// phaseOf is how far the collection of a mark is.
func phaseOf(ctx context.Context, b bucket.Bucket, n int, now time.Time) (phase, error) {
	p, _, err := phaseUntil(ctx, b, n, now)
	return p, err
}

// phaseUntil is phaseOf, and of a closed mark until when it is that at the latest.
func phaseUntil(ctx context.Context, b bucket.Bucket, n int, now time.Time) (phase, time.Time, error) {
	for _, name := range []string{"swept", "closed"} {
		var u until
		switch err := read(ctx, b, at(n, name), &u); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return over, time.Time{}, fmt.Errorf("reading a mark of garbage: %w", err)
		}
		if u.Until.IsZero() || now.After(u.Until.Add(Skew)) {
			return over, time.Time{}, nil
		}
		return closed, u.Until.Add(Skew), nil
	}
	return open, time.Time{}, nil
}

// Since is the number of the last mark whose sweep is over, 0 if there is none, and whether a later one is being swept.
func Since(ctx context.Context, b bucket.Bucket, now time.Time) (n int, sweeping bool, err error) {
	n, p, err := newest(ctx, b, now)
	if err != nil {
		return 0, false, fmt.Errorf("reading marks of garbage: %w", err)
	}
	if p != over {
		n--
	}
	return n, p == closed, nil
}

// read reads one of these files; one that is damaged is an error.
func read(ctx context.Context, b bucket.Bucket, key string, into any) error {
	data, err := bucket.Read(ctx, b, key)
	if err != nil {
		return err
	}
	body, _, err := seal.Unseal("garbage", data)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// put writes one of these files, sealed; what Put says of a key that is taken already is the caller's to look at.
func put(ctx context.Context, b bucket.Bucket, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	data, _ := seal.Seal("garbage", body)
	return bucket.Put(ctx, b, key, data)
}

// ErrRunning: another collection is at work.
var ErrRunning = errors.New("another collection of garbage is at work in this store")

// Settle waits until no delete of a sweep that ended is under way any more, so that there can be another mark. Told is called where that takes a while.
func Settle(ctx context.Context, b bucket.Bucket, now func() time.Time, told func(until time.Time)) error {
	n, p, err := newest(ctx, b, now())
	if err != nil || p != closed {
		return err
	}
	var u until
	if err := read(ctx, b, at(n, "swept"), &u); errors.Is(err, fs.ErrNotExist) {
		return nil // it goes on
	} else if err != nil {
		return fmt.Errorf("reading a mark of garbage: %w", err)
	}
	end := u.Until.Add(Skew)
	told(end)
	for !now().After(end) {
		if err := aMoment(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Mark condemns keys. The error is ErrRunning where a mark is open.
func Mark(ctx context.Context, b bucket.Bucket, keys []string, now time.Time) error {
	n, p, err := newest(ctx, b, now)
	if err != nil {
		return err
	}
	if p != over {
		return ErrRunning
	}
	err = put(ctx, b, at(n+1, "mark"), mark{At: now.UTC(), Keys: slices.Sorted(slices.Values(keys))})
	if errors.Is(err, fs.ErrExist) {
		return ErrRunning
	}
	if err == nil {
		err = forget(ctx, b, n+1-keptMarks)
	}
	return err
}

// forget deletes marks up to a number.
func forget(ctx context.Context, b bucket.Bucket, last int) error {
	if last < 1 {
		return nil
	}
	var keys []string
	for key, err := range bucket.Keys(ctx, b, prefix, "") {
		if err != nil {
			return err
		}
		if key > fmt.Sprintf("%s%06d/\xff", prefix, last) {
			break
		}
		keys = append(keys, key)
	}
	return bucket.DeleteAll(ctx, b, keys)
}

// Due returns when the open mark was put, and how many keys it condemns; false if none is open.
func Due(ctx context.Context, b bucket.Bucket, now time.Time) (since time.Time, keys int, isOpen bool, err error) {
	n, p, err := newest(ctx, b, now)
	if err != nil || n == 0 || p == over {
		return since, 0, false, err
	}
	var m mark
	if err := read(ctx, b, at(n, "mark"), &m); err != nil {
		return since, 0, false, fmt.Errorf("reading a mark of garbage: %w", err)
	}
	return m.At, len(m.Keys), true, nil
}

// Sweeper is how marks are swept.
type Sweeper struct {
	Bucket bucket.Bucket
	Now    func() time.Time
	Late   time.Duration // within what time the bucket carries a request out: zero for a folder, else Late
	// Used says, once the mark is closed, which keys are in use.
	Used func(context.Context) (map[string]bool, error)
	Tell func(done, total int) // of keys to be deleted; may be nil
}

// Sweep closes the open mark and deletes what it condemns and nobody has used since. It returns the keys that it deleted. The error is ErrRunning where
// another sweep has closed the mark.
func (s *Sweeper) Sweep(ctx context.Context) (deleted []string, err error) {
	n, p, err := newest(ctx, s.Bucket, s.Now())
	if err != nil || n == 0 || p == over {
		return nil, err
	}
	end := s.Now().Add(sweepFor).UTC()
	if err := put(ctx, s.Bucket, at(n, "closed"), until{end.Add(s.Late)}); errors.Is(err, fs.ErrExist) {
		return nil, ErrRunning
	} else if err != nil {
		return nil, err
	}
	keys, err := s.unused(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, part := range keys {
		if !s.Now().Before(end) {
			return deleted, fmt.Errorf("%d values were deleted in %s, and the rest stays: collect again", len(deleted), sweepFor)
		}
		if err := bucket.DeleteAll(ctx, s.Bucket, part); err != nil {
			return deleted, fmt.Errorf("deleting garbage: %w", err)
		}
		if deleted = append(deleted, part...); s.Tell != nil {
			total := 0
			for _, part := range keys {
				total += len(part)
			}
			s.Tell(len(deleted), total)
		}
	}
	var u until
	if s.Late > 0 && len(deleted) > 0 {
		u.Until = s.Now().Add(s.Late).UTC()
	}
	return deleted, put(ctx, s.Bucket, at(n, "swept"), u)
}

// unused are the keys of a closed mark that are neither kept nor in use, in parts that are deleted together, records first. Copies of records are deleted
// already, where records are to be.
func (s *Sweeper) unused(ctx context.Context, n int) ([][]string, error) {
	var m mark
	if err := read(ctx, s.Bucket, at(n, "mark"), &m); err != nil {
		return nil, fmt.Errorf("reading a mark of garbage: %w", err)
	}
	_, kept, err := keptOf(ctx, s.Bucket, n)
	if err != nil {
		return nil, err
	}
	used, err := s.Used(ctx)
	if err != nil {
		return nil, err
	}
	var ofRecords, others []string
	for _, key := range m.Keys {
		switch {
		case kept[key] || used[key]:
		case strings.HasPrefix(key, records.Prefix):
			ofRecords = append(ofRecords, key)
		default:
			others = append(others, key)
		}
	}
	if len(ofRecords) > 0 {
		if err := dropSegments(ctx, s.Bucket); err != nil {
			return nil, err
		}
	}
	return slices.Concat(slices.Collect(slices.Chunk(ofRecords, together)), slices.Collect(slices.Chunk(others, together))), nil
}

// dropSegments deletes all copies of records: one that has a record which is deleted would bring it back. They are written anew by who reads
// records alone.
func dropSegments(ctx context.Context, b bucket.Bucket) error {
	for key, err := range bucket.Keys(ctx, b, records.SegmentPrefix, "") {
		if err == nil {
			err = b.Delete(ctx, key)
		}
		if err != nil {
			return fmt.Errorf("deleting copies of records: %w", err)
		}
	}
	return nil
}

// Of returns the digest of the object or record under a key; false if the key is of neither.
func Of(key string) (plan.Digest, bool) {
	digits := strings.ReplaceAll(strings.TrimPrefix(key, objects.Prefix), "/", "")
	if strings.HasPrefix(key, records.Prefix) {
		digits = strings.TrimSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
	}
	if _, err := hex.DecodeString(digits); err != nil || len(digits) != 64 {
		return "", false
	}
	return plan.Digest("blake3:" + digits), true
}
