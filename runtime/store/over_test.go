package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
)

// shared is a bucket elsewhere that counts what machines ask of it.
func shared(t *testing.T) (*buckettest.Counting, *local.Bucket) {
	t.Helper()
	dir := t.TempDir()
	b := local.Open(dir, scratch.At(dir))
	return &buckettest.Counting{Bucket: b}, b
}

// machine is a store over a bucket, on a machine that has seen nothing of it.
func machine(t *testing.T, b bucket.Bucket) *Store {
	t.Helper()
	s, err := over(t, b, filepath.Join(t.TempDir(), ".mlp"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// over opens a store and makes its bucket ready.
func over(t *testing.T, b bucket.Bucket, dir string) (*Store, error) {
	t.Helper()
	s, err := Over(t.Context(), b, dir, "s3://models")
	if err == nil {
		err = s.Prepare(t.Context(), func() {})
	}
	return s, err
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// TestOver: what one machine stores in a bucket another one has, fetched when it is asked for, and once.
func TestOver(t *testing.T) {
	far, _ := shared(t)
	ada, bob := machine(t, far), machine(t, far)
	d, err := ada.PutDir(t.Context(), folder(t, map[string]string{"a": "first", "sub/b": "second"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	unasked, err := ada.PutDir(t.Context(), folder(t, map[string]string{"big": "nobody asks for this"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	far.Take()
	outputs := map[string]plan.Digest{"x": d, "y": unasked}
	if err := bob.Present(outputs); err != nil || bob.Has(digest.Of(nil)) || !bob.Has(d) {
		t.Errorf("present: %v", err)
	}
	if c := far.Take(); c.Bytes > 1000 || c.Gets > 8 {
		t.Errorf("to look whether they are there: %+v", c)
	}
	for range 2 {
		dest := filepath.Join(t.TempDir(), "in")
		if err := bob.Materialize(t.Context(), d, dest); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dest, "sub", "b")); err != nil || string(got) != "second" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if c := far.Take(); c.Gets != 2 {
		t.Errorf("two files, laid out twice: %+v, want each fetched once", c)
	}
	if _, err := bob.PutDir(t.Context(), folder(t, map[string]string{"a": "first", "sub/b": "second"}), nil); err != nil {
		t.Error(err)
	}
	if c := far.Take(); c.Puts != 0 {
		t.Errorf("what is there is sent again: %+v", c)
	}
}

// slow holds each answer back, and counts how many are held at once.
type slow struct {
	bucket.Bucket
	now, most atomic.Int64
}

func (s *slow) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	time.Sleep(5 * time.Millisecond)
	return s.Bucket.Get(ctx, key, r)
}

// TestFetchesAtOnce: the files of a folder that are not here come several at once, and each once.
func TestFetchesAtOnce(t *testing.T) {
	far, _ := shared(t)
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprint("f", i)] = fmt.Sprint(i % 30) // some are the same
	}
	d, err := machine(t, far).PutDir(t.Context(), folder(t, files), nil)
	if err != nil {
		t.Fatal(err)
	}
	waits := &slow{Bucket: far}
	bob := machine(t, waits)
	far.Take()
	waits.most.Store(0)
	dest := filepath.Join(t.TempDir(), "in")
	if err := bob.Materialize(t.Context(), d, dest); err != nil {
		t.Fatal(err)
	}
	if c := far.Take(); c.Gets != 31 || waits.most.Load() < 4 {
		t.Errorf("got %d values, %d at once, want 31 and several", c.Gets, waits.most.Load())
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dest, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestOverDamage: what is wrong here is fetched again; what is wrong there is moved aside there, and counts for missing.
func TestOverDamage(t *testing.T) {
	far, b := shared(t)
	ada, bob := machine(t, far), machine(t, far)
	d, err := ada.PutBytes(t.Context(), []byte("precious"))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, ada, d)
	if got, err := ada.Get(d); err != nil || string(got) != "precious" {
		t.Errorf("a wrong copy: got %q, %v", got, err)
	}
	hex, _ := d.Hex()
	there := b.Path("objects/blake3/" + hex[:2] + "/" + hex[2:])
	if err := errors.Join(os.Remove(there), os.WriteFile(there, []byte("Precious"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Get(d); !errors.Is(err, ErrCorrupt) {
		t.Errorf("wrong there: got %v", err)
	}
	if _, err := bob.Get(d); !errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
		t.Errorf("afterwards: got %v", err)
	}
	if has, err := bucket.Has(t.Context(), b, "quarantine/"+hex); !has || err != nil {
		t.Errorf("aside: %v, %v", has, err)
	}
	if _, err := bob.PutBytes(t.Context(), []byte("precious")); err != nil {
		t.Fatal(err)
	}
	if got, err := machine(t, far).Get(d); err != nil || string(got) != "precious" {
		t.Errorf("put again: got %q, %v", got, err)
	}
	if audited, err := bob.Audit(t.Context()); err != nil || audited.Objects != 1 || len(audited.Corrupt) != 0 {
		t.Errorf("audit: %+v, %v", audited, err)
	}
}

// TestOverRecords: records come in a few values, and once they came nothing of them is asked for again, but for what is new.
func TestOverRecords(t *testing.T) {
	far, _ := shared(t)
	ada := machine(t, far)
	const n = 200
	record := func(i int) plan.Action {
		a := action("x")
		a.Fingerprint = digest.Of(fmt.Append(nil, i))
		return a
	}
	for i := range n {
		if _, err := ada.PutAction(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), ".mlp")
	for round, want := range []int{1, 0, 0} {
		bob, err := over(t, far, dir)
		if err != nil {
			t.Fatal(err)
		}
		far.Take()
		for i := range n {
			if a, err := bob.Action(record(i).Fingerprint); err != nil || a.Fingerprint != record(i).Fingerprint {
				t.Fatalf("record %d: %v", i, err)
			}
		}
		if c := far.Take(); c.Gets != want || c.Lists > 2 {
			t.Errorf("round %d: %+v, want %d values", round, c, want)
		}
		if round == 1 { // a copy that a failing disk changed is no loss
			copies, err := filepath.Glob(filepath.Join(dir, "cache", "store", "*", "actions", "segments", "*"))
			if err != nil || len(copies) != 1 {
				t.Fatalf("copies: %v, %v", copies, err)
			}
			if err := os.Truncate(copies[0], 5000); err != nil {
				t.Fatal(err)
			}
			if _, err := bob.Bucket().Get(t.Context(), "actions/segments/none", bucket.Range{}); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("none: %v", err)
			}
			again, err := over(t, far, dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Action(record(7).Fingerprint); err != nil {
				t.Error(err)
			}
		}
	}
	bob := machine(t, far)
	changed := record(3)
	changed.DurationMS = 5
	if err := bob.ReplaceAction(changed); err != nil {
		t.Fatal(err)
	}
	if got, err := machine(t, far).Action(changed.Fingerprint); err != nil || got.DurationMS != 5 {
		t.Errorf("replaced: got %+v, %v", got, err)
	}
}

// cached is how many bytes of objects a machine keeps of a bucket elsewhere.
func cached(t *testing.T, s *Store) (total int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Root(), "cache", "store", "*", "objects", "blake3", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// TestCacheIsTrimmed: a cache is cut to its limit when a store is closed, what was used longest ago first, and nothing is lost. What
// a process that is alive has used stays, whoever trims.
func TestCacheIsTrimmed(t *testing.T) {
	far, _ := shared(t)
	ada := machine(t, far)
	var all []plan.Digest
	for i := range 10 {
		d, err := ada.PutBytes(t.Context(), bytes.Repeat([]byte{byte(i)}, 1000))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	dir := filepath.Join(t.TempDir(), ".mlp")
	open := func(limit int64) *Store {
		s, err := over(t, far, dir)
		if err != nil {
			t.Fatal(err)
		}
		s.LimitCache(limit)
		return s
	}
	get := func(s *Store, digests ...plan.Digest) (fetched int) {
		t.Helper()
		far.Take()
		for _, d := range digests {
			if _, err := s.Get(d); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond) // so that the times differ
		}
		return far.Take().Gets
	}
	closed := func(s *Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	bob := open(10_000)
	get(bob, all...)
	get(bob, all[0]) // used already in this session: what counts is when it was first
	closed(bob)
	if got := cached(t, bob); got != 10_000 {
		t.Errorf("within the limit: got %d bytes, want all", got)
	}
	bob = open(5_000)
	if n := get(bob, all[1]); n != 0 {
		t.Errorf("what is kept was fetched")
	}
	closed(bob)
	if got := cached(t, bob); got != 5_000 {
		t.Errorf("beyond the limit: got %d bytes, want 5000", got)
	}
	bob = open(5_000)
	if n := get(bob, all[1], all[9], all[8], all[7], all[6]); n != 0 {
		t.Errorf("of those used last %d were fetched again", n)
	}
	if n := get(bob, all[0], all[2]); n != 2 {
		t.Errorf("of those used longest ago %d were fetched, want both", n)
	}
	// Another process trims while this one is at work.
	eve := open(0)
	get(eve, all[3])
	closed(eve)
	if n := get(bob, all[1], all[6], all[0], all[2]); n != 0 {
		t.Errorf("%d objects were taken from a process that uses them", n)
	}
	dest := filepath.Join(t.TempDir(), "in")
	d, err := bob.PutDir(t.Context(), folder(t, map[string]string{"a": "mine"}), nil)
	if err == nil {
		closed(open(0))
		err = bob.Materialize(t.Context(), d, dest)
	}
	if err != nil {
		t.Error(err)
	}
	closed(bob)
	closed(open(0))
	if got := cached(t, bob); got != 0 {
		t.Errorf("with nobody at work: got %d bytes, want none", got)
	}
}

// TestCacheIsTrimmedUnderUse: while one process after another trims all that nobody uses, others lay out folders, and miss nothing.
func TestCacheIsTrimmedUnderUse(t *testing.T) {
	far, _ := shared(t)
	ada := machine(t, far)
	d, err := ada.PutDir(t.Context(), folder(t, map[string]string{"a": "1", "b": "2", "c": "3", "d/e": "4"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), ".mlp")
	var done atomic.Int64
	var wg sync.WaitGroup
	const users, rounds = 4, 15
	for range users {
		wg.Go(func() {
			defer done.Add(1)
			for range rounds {
				s, err := over(t, far, dir)
				if err == nil {
					err = s.Materialize(t.Context(), d, filepath.Join(t.TempDir(), "in"))
				}
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for done.Load() < users {
		s, err := over(t, far, dir)
		if err != nil {
			t.Fatal(err)
		}
		s.LimitCache(0)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}

// TestStoreFormats: a store in which garbage is collected says so before anything is deleted, by a format that an mlp which knows nothing of marks
// refuses, as this one does with formats that it does not know.
func TestStoreFormats(t *testing.T) {
	far, b := shared(t)
	said := func() string {
		data, err := bucket.Read(t.Context(), b, identityKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	ada := machine(t, far)
	if !strings.Contains(said(), `"format":"mlp.store/1","id":"`+ada.far.id+`"`) {
		t.Errorf("a new store: %s", said())
	}
	for range 2 {
		if err := ada.Collected(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(said(), `"format":"mlp.store/2","id":"`+ada.far.id+`"`) {
		t.Errorf("a store that is collected: %s", said())
	}
	bob := machine(t, far)
	if bob.far.id != ada.far.id || bob.Late() != garbage.Late {
		t.Errorf("of another machine: id %s, want %s; late %s", bob.far.id, ada.far.id, bob.Late())
	}
	put := func(i identity) {
		data, err := i.seal()
		if err == nil {
			err = b.Replace(t.Context(), identityKey, bytes.NewReader(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(identity{Format: "mlp.store/3", ID: ada.far.id})
	var format *FormatError
	if _, err := over(t, far, filepath.Join(t.TempDir(), ".mlp")); !errors.As(err, &format) || !strings.Contains(err.Error(), "use a later mlp") || !strings.Contains(err.Error(), "s3://models/store.json") {
		t.Errorf("a later format: %v", err)
	}
	put(identity{Format: collected, ID: ada.far.id, LateSeconds: 2})
	if late := machine(t, far).Late(); late != 2*time.Second {
		t.Errorf("late: got %s", late)
	}
	for _, late := range []int{-1, 601} {
		put(identity{Format: collected, ID: ada.far.id, LateSeconds: late})
		if _, err := over(t, far, filepath.Join(t.TempDir(), ".mlp")); err == nil || !strings.Contains(err.Error(), "late_seconds") {
			t.Errorf("late_seconds %d: %v", late, err)
		}
	}
}

// slowly is a bucket elsewhere behind a slow network: a value of 1 MiB takes two seconds.
type slowly struct{ bucket.Bucket }

func (s slowly) PutNew(ctx context.Context, key string, content io.Reader) error {
	return s.Bucket.PutNew(ctx, key, &slowReader{content, bucket.Sent(ctx)})
}

func (s slowly) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	v, err := s.Bucket.Get(ctx, key, r)
	if err == nil {
		v.ReadCloser = struct {
			io.Reader
			io.Closer
		}{&slowReader{v.ReadCloser, nil}, v.ReadCloser}
	}
	return v, err
}

type slowReader struct {
	r    io.Reader
	sent func(int)
}

func (s *slowReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), 64<<10)])
	time.Sleep(time.Duration(n) * 2 * time.Microsecond)
	if s.sent != nil {
		s.sent(n)
	}
	return n, err
}
