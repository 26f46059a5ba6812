package records

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

// memory is a folder in memory where there is one: what is shown is not how fast a disk syncs.
func memory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "mlp-bench-") // a name that no sweep of folders for temporary files takes
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func at(dir string) *local.Bucket { return local.Open(dir, scratch.At(dir)) }

func open(b bucket.Bucket) *Records { return New(b, func(key string) string { return key }) }

func action(n int) plan.Action {
	return plan.Action{
		Fingerprint: digest.Of(fmt.Append(nil, n)), Address: fmt.Sprintf("dataset.d%d", n),
		Outputs: map[string]plan.Digest{"table": digest.Of(fmt.Append(nil, "out", n))},
	}
}

func put(t *testing.T, r *Records, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := r.Put(t.Context(), action(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// holds wants all records of some numbers.
func holds(t *testing.T, r *Records, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if got, err := r.Get(t.Context(), action(n).Fingerprint); err != nil || !reflect.DeepEqual(*got, action(n)) {
			t.Fatalf("record %d: got %+v, %v", n, got, err)
		}
	}
}

func group(t *testing.T, r *Records) {
	t.Helper()
	if err := r.Group(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, b bucket.Bucket, prefix string) []string {
	t.Helper()
	var out []string
	for key, err := range bucket.Keys(t.Context(), b, prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, key)
	}
	return out
}

// TestFewReads: of 10,000 records, which many applies left, few and many at a time, a reader reads a few dozen values.
func TestFewReads(t *testing.T) {
	b := &buckettest.Counting{Bucket: at(memory(t))}
	random := rand.New(rand.NewPCG(1, 1))
	n, applies := 0, 0
	for n < 10_000 {
		r := open(b)
		more := min(1+random.IntN(20), 10_000-n)
		if random.IntN(10) == 0 {
			more = min(random.IntN(400), 10_000-n)
		}
		if applies%50 == 0 {
			holds(t, r, 0, n) // planned first, as an apply is
		}
		holds(t, r, max(0, n-100), n)
		put(t, r, n, n+more)
		group(t, r)
		n, applies = n+more, applies+1
		if applies%50 == 1 || n == 10_000 {
			b.Take()
			holds(t, open(b), 0, n)
			if c := b.Take(); c.Gets+c.Lists > 60 || c.Puts+c.Replaces+c.Moves+c.Deletes > 0 {
				t.Errorf("after %d applies a reader of %d records asks for %+v, want at most 60 values", applies, n, c)
			} else {
				t.Logf("%d records of %d applies: %d values of %d bytes, %d lists", n, applies, c.Gets, c.Bytes, c.Lists)
			}
		}
	}
}

// TestSegmentsAreCopies: whatever becomes of segments, what is recorded stays so.
func TestSegmentsAreCopies(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone":     os.Remove,
		"empty":    func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"cut": func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.Truncate(path, info.Size()/2))
		},
		"a byte of the index is another": func(path string) error { return flip(path, 100) },
		"a byte of a record is another":  func(path string) error { return flip(path, -100) },
	} {
		dir := memory(t)
		r := open(at(dir))
		put(t, r, 0, 100)
		group(t, r)
		segments := list(t, at(dir), SegmentPrefix)
		if len(segments) != 1 {
			t.Fatalf("segments: %q", segments)
		}
		path := at(dir).Path(segments[0])
		if err := errors.Join(os.Chmod(path, 0o644), spoil(path)); err != nil {
			t.Fatal(err)
		}
		r = open(at(dir))
		holds(t, r, 0, 100)
		other := action(7)
		other.Outputs = map[string]plan.Digest{"table": digest.Of(nil)}
		var differs *NondeterministicError
		if _, err := r.Put(t.Context(), other); !errors.As(err, &differs) {
			t.Errorf("%s: another result: got %v", name, err)
		}
		put(t, r, 100, 200)
		group(t, r)
		holds(t, open(at(dir)), 0, 200)
	}
}

func flip(path string, at int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 1
	return os.WriteFile(path, data, 0o644)
}

// TestSegmentDecides: a record whose own key is gone still holds against another one.
func TestSegmentDecides(t *testing.T) {
	b := at(memory(t))
	r := open(b)
	put(t, r, 0, 50)
	group(t, r)
	alone, _ := key(Prefix, action(3).Fingerprint)
	if err := b.Delete(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	r = open(b)
	holds(t, r, 0, 50)
	put(t, r, 3, 4)
	other := action(3)
	other.Outputs = map[string]plan.Digest{"table": digest.Of(nil)}
	var differs *NondeterministicError
	if _, err := r.Put(t.Context(), other); !errors.As(err, &differs) {
		t.Errorf("got %v, want that it differs", err)
	}
}

// TestReplacedCountsFirst: a record that is replaced is the last one, also where a segment has an older one.
func TestReplacedCountsFirst(t *testing.T) {
	b := at(memory(t))
	r := open(b)
	put(t, r, 0, 50)
	group(t, r)
	for round := range 3 {
		changed := action(3)
		changed.DurationMS = int64(round + 1)
		changed.Outputs = map[string]plan.Digest{"table": digest.Of(fmt.Append(nil, round))}
		if err := r.Replace(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Records{r, open(b)} {
			if got, err := r.Get(t.Context(), changed.Fingerprint); err != nil || !reflect.DeepEqual(*got, changed) {
				t.Errorf("got %+v, %v, want %+v", got, err, changed)
			}
		}
	}
}

// TestManyWriters: applies that record the same and other stages at once, group, and merge, lose nothing, and lists may lag.
func TestManyWriters(t *testing.T) {
	lagging := &buckettest.Lagging{Bucket: at(memory(t)), Lag: 5}
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for round := range 4 {
				r := open(lagging)
				put(t, r, 40*w+10*round, 40*w+10*round+60)
				if err := r.Group(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	holds(t, open(lagging), 0, 40*15+30+60)
	lagging.Lag = 0
	r := open(lagging)
	put(t, r, 10_000, 10_100)
	group(t, r)
	holds(t, open(lagging), 0, 40*15+30+60)
	sizes := map[int]int{}
	for _, key := range list(t, lagging, SegmentPrefix) {
		n, _ := strconv.Atoi(strings.TrimPrefix(key, SegmentPrefix)[:5])
		sizes[len(strconv.FormatInt(int64(n/worthGrouping), 4))]++
	}
	for size, n := range sizes {
		if n >= sameSize {
			t.Errorf("%d segments of size %d, want less than %d", n, size, sameSize)
		}
	}
}

// TestSegmentIsWhatItHolds: the same records make the same segment.
func TestSegmentIsWhatItHolds(t *testing.T) {
	all := map[plan.Digest][]byte{}
	for n := range 100 {
		data, err := encode(action(n))
		if err != nil {
			t.Fatal(err)
		}
		all[action(n).Fingerprint] = data
	}
	key, data, err := encodeSegment(all)
	again, dataAgain, _ := encodeSegment(maps.Clone(all))
	if err != nil || key != again || !bytes.Equal(data, dataAgain) || bucket.Check(key) != nil {
		t.Errorf("got %s and %s, %v", key, again, err)
	}
	in := map[plan.Digest]place{}
	decodeSegment(data, in)
	for fp, want := range all {
		if !bytes.Equal(in[fp].record(), want) {
			t.Errorf("%s: got %q", fp, in[fp].record())
		}
	}
}

// TestKilledGrouping kills a process that records, groups and merges at random moments: what it recorded is there, and the next
// one groups it.
func TestKilledGrouping(t *testing.T) {
	if dir := os.Getenv("MLP_TEST_RECORDS"); dir != "" {
		for n := 0; ; n += 40 {
			r := open(at(dir))
			put(t, r, n, n+40)
			fmt.Println(n + 40)
			group(t, r)
		}
	}
	for range 5 {
		dir := filepath.Join(memory(t), "bucket")
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledGrouping$")
		cmd.Env = append(os.Environ(), "MLP_TEST_RECORDS="+dir)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		said := strings.Fields(out.String())
		last := 0
		if len(said) > 0 {
			last, _ = strconv.Atoi(said[len(said)-1])
		}
		r := open(at(dir))
		holds(t, r, 0, last)
		put(t, r, 100_000, 100_040)
		group(t, r)
		b := &buckettest.Counting{Bucket: at(dir)}
		holds(t, open(b), 0, last)
		if c := b.Take(); c.Gets > 60 {
			t.Errorf("%d records: %+v", last, c)
		}
		t.Logf("killed after %d records", last)
	}
}

// TestMergeable picks segments of one size.
func TestMergeable(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		want  int
	}{{nil, 0}, {[]int{32, 40, 50}, 0}, {[]int{32, 40, 50, 60}, 4}, {[]int{32, 40, 50, 600, 700, 800, 900}, 4}, {[]int{8192, 8192, 8192, 8192}, 0}, {[]int{3000, 3000, 3000, 3000}, 0}} {
		var keys []string
		for i, n := range c.sizes {
			keys = append(keys, fmt.Sprintf("%s%05d-%032d", SegmentPrefix, n, i))
		}
		if got := mergeable(append(keys, SegmentPrefix+"x")); len(got) != c.want || slices.ContainsFunc(got, func(k string) bool { return !slices.Contains(keys, k) }) {
			t.Errorf("%v: got %q, want %d", c.sizes, got, c.want)
		}
	}
}

// TestAudit finds what is damaged, wherever it stands.
func TestAudit(t *testing.T) {
	b := at(memory(t))
	r := open(b)
	put(t, r, 0, 40)
	group(t, r)
	if err := r.Replace(t.Context(), action(50)); err != nil {
		t.Fatal(err)
	}
	alone, _ := key(Prefix, action(1).Fingerprint)
	replaced, _ := key(ReplacedPrefix, action(50).Fingerprint)
	if err := errors.Join(flip(b.Path(alone), 50), os.Remove(b.Path(replaced)), os.Mkdir(b.Path(replaced), 0o755)); err != nil {
		t.Fatal(err)
	}
	n := 0
	found := map[plan.Digest]string{}
	err := r.Audit(t.Context(), func(d *DamagedError) {
		n++
		if d != nil {
			found[d.Fingerprint] = d.File
		}
	}, b.Strays)
	if want := map[plan.Digest]string{action(1).Fingerprint: alone, action(50).Fingerprint: replaced}; err != nil || n != 41 || !maps.Equal(found, want) {
		t.Errorf("got %v of %d, %v, want %v of 41", found, n, err, want)
	}
	if _, err := r.Get(t.Context(), digest.Of(nil)); !errors.Is(err, bucket.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v", err)
	}
}
