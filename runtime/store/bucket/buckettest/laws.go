// Package buckettest holds the laws of buckets as one suite, which every implementation passes, and buckets that break one law
// each, to show that those above them notice.
package buckettest

// How laws are tried.
//
// A law that holds when one caller at a time asks says little, so those that matter most are tried against their enemies:
//
//	one wins                sixteen goroutines, and again sixteen processes, put the same key at once, for one key after the other
//	nothing in part         the reader that a value comes from breaks, and the context ends before a write
//	whole or not at all     a process that writes without end is killed at a random moment, six times
//	replaced, read whole    four readers read while a value of 100,000 bytes is replaced a hundred times
//	sorted across pages     as many random keys as make several pages, with prefixes and starts, against a sorted slice
//
// Values are long, and say all along who wrote them, so that one made of two writers' parts is seen. That the laws can fail is tried
// as well: for what a store does of its own, the buckets of faulty.go each break one promise, and what rests on it must notice.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Subject is an implementation. Its test binary calls Main in its TestMain, since some laws need other processes on the same bucket:
//
//	func TestMain(m *testing.M) { buckettest.Main(m, open) }
//
//	func TestLaws(t *testing.T) {
//		buckettest.Run(t, buckettest.Subject{Open: open, Place: func(t *testing.T) string { return t.TempDir() }, Keys: 2500})
//	}
type Subject struct {
	// Open opens the bucket at a place; the same place is the same bucket, also in another process.
	Open func(place string) (bucket.Bucket, error)
	// Place names a place where no bucket has been yet; several laws ask at once.
	Place func(t *testing.T) string
	// Keys is how many keys make more than two pages of a list.
	Keys int
}

// writers is how many write one key at once.
const writers = 16

// Run holds a subject to the laws.
// Each law has a bucket of its own, and all of them are tried at once. What a bucket promises is said in the package bucket; stores rest on these laws and on nothing
// else of an implementation.
func Run(t *testing.T, s Subject) {
	for _, law := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"a value is what was put", values},
		{"a range is a part", ranges},
		{"keys outside of the grammar are refused", grammar},
		{"of many writers one wins", oneWins},
		{"of many processes one wins", oneProcessWins},
		{"a writer that fails leaves nothing", failedWriter},
		{"a value that is replaced is read whole", tornRead},
		{"killed, a process leaves values whole or not at all", killed},
		{"a list is sorted across pages", lists},
		{"a value is moved", moves},
		{"what is deleted is gone", deletes},
		{"the probe finds nothing", probed},
	} {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel() // far away and behind bad networks, laws wait most of the time
			law.run(t, s)
		})
	}
}

// open is a new bucket at a place of its own.
func (s Subject) open(t *testing.T) bucket.Bucket {
	t.Helper()
	b, err := s.Open(s.Place(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put puts a value under a key that has none.
func put(t *testing.T, b bucket.Bucket, key, value string) {
	t.Helper()
	if err := bucket.Put(t.Context(), b, key, []byte(value)); err != nil {
		t.Fatalf("putting %s: %v", key, err)
	}
}

// holds wants a key to have just this value.
func holds(t *testing.T, b bucket.Bucket, key, want string) {
	t.Helper()
	if got, err := bucket.Read(t.Context(), b, key); err != nil || string(got) != want {
		t.Errorf("%s: got %.60q, %v, want %.60q", key, got, err, want)
	}
}

// gone wants a key to have no value, by both ways of asking.
func gone(t *testing.T, b bucket.Bucket, key string) {
	t.Helper()
	if _, err := bucket.Read(t.Context(), b, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want that it does not exist", key, err)
	}
	if has, err := bucket.Has(t.Context(), b, key); has || err != nil {
		t.Errorf("%s: got %v, %v, want that there is none", key, has, err)
	}
}

// values puts, reads and replaces values from none to four megabytes, zeros too. Putting where there is a value changes nothing.
func values(t *testing.T, s Subject) {
	b := s.open(t)
	gone(t, b, "a/b")
	for name, value := range map[string]string{"empty": "", "small": "x", "zeros": strings.Repeat("\x00", 1<<17), "large": strings.Repeat("0123456789abcdef", 1<<18)} {
		put(t, b, "values/"+name, value)
		holds(t, b, "values/"+name, value)
		if err := bucket.Put(t.Context(), b, "values/"+name, []byte("other")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s, put again: got %v, want that it exists", name, err)
		}
		holds(t, b, "values/"+name, value)
		replace(t, b, "values/"+name, name)
		holds(t, b, "values/"+name, name)
	}
	replace(t, b, "values/new", "x")
	holds(t, b, "values/new", "x")
}

// replace puts a value whether or not the key has one.
func replace(t *testing.T, b bucket.Bucket, key, value string) {
	t.Helper()
	if err := b.Replace(t.Context(), key, strings.NewReader(value)); err != nil {
		t.Fatalf("replacing %s: %v", key, err)
	}
}

// ranges reads parts of a value. A length of 0 means to the end, and one beyond the end is cut; Size is the whole value's in each
// case.
func ranges(t *testing.T, s Subject) {
	b := s.open(t)
	put(t, b, "r/x", "0123456789")
	put(t, b, "r/empty", "")
	for _, c := range []struct {
		r    bucket.Range
		want string
	}{{bucket.Range{}, "0123456789"}, {bucket.Range{Offset: 3}, "3456789"}, {bucket.Range{Length: 4}, "0123"}, {bucket.Range{Offset: 8, Length: 9}, "89"}} {
		v, err := b.Get(t.Context(), "r/x", c.r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(v)
		if err = errors.Join(err, v.Close()); err != nil || string(got) != c.want || v.Size != 10 {
			t.Errorf("%+v: got %q of %d, %v, want %q of 10", c.r, got, v.Size, err, c.want)
		}
	}
	if _, err := b.Get(t.Context(), "r/none", bucket.Range{Offset: 1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no value: got %v", err)
	}
	if has, err := bucket.Has(t.Context(), b, "r/empty"); !has || err != nil {
		t.Errorf("an empty value: got %v, %v, want that it is there", has, err)
	}
}

// grammar tries keys that would be other files, such as ../good, or two keys in one folder's place. Each is refused by each method,
// and nothing is written, also not outside of the bucket.
func grammar(t *testing.T, s Subject) {
	b, ctx := s.open(t), t.Context()
	put(t, b, "good", "x")
	for _, key := range []string{"", "/", "/etc/passwd", "a/", "a//b", "..", "a/../good", "./good", ".x", "-x", "a b", `a\b`, "ü", "a\x00b", "tmp/x", "locks/x/y", strings.Repeat("x", 1000)} {
		_, getErr := b.Get(ctx, key, bucket.Range{})
		for name, err := range map[string]error{
			"Get": getErr, "PutNew": bucket.Put(ctx, b, key, []byte("x")), "Replace": b.Replace(ctx, key, strings.NewReader("x")),
			"Move from": b.Move(ctx, key, "good2"), "Move to": b.Move(ctx, "good", key), "Delete": b.Delete(ctx, key),
		} {
			var wrong *bucket.KeyError
			if !errors.As(err, &wrong) {
				t.Errorf("%s of %q: got %v, want a KeyError", name, key, err)
			}
		}
	}
	if _, err := b.List(ctx, "../", ""); err == nil {
		t.Error("a list of what is outside: got no error")
	}
	holds(t, b, "good", "x")
	if got := keys(t, b, "", ""); !slices.Equal(got, []string{"good"}) {
		t.Errorf("left behind: %q", got)
	}
}

// oneWins has many goroutines put the same key, each with a bucket of its own opened at the same place: state and locks rest on that
// one of them wins and all others know.
func oneWins(t *testing.T, s Subject) {
	place := s.Place(t)
	for round := range 20 {
		key := fmt.Sprintf("race/%d", round)
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				b, err := s.Open(place)
				if err == nil {
					err = bucket.Put(t.Context(), b, key, claim(i))
				}
				errs[i] = err
			})
		}
		wg.Wait()
		b, err := s.Open(place)
		if err != nil {
			t.Fatal(err)
		}
		wins(t, b, key, errs)
	}
}

// claim is what a writer writes, long enough to be torn.
func claim(writer int) []byte { return bytes.Repeat(fmt.Appendf(nil, "writer %02d;", writer), 10_000) }

// wins wants one of those who wrote a key to have won, all others to know that they lost, and the value to be the winner's.
func wins(t *testing.T, b bucket.Bucket, key string, errs []error) {
	t.Helper()
	var winners []int
	for i, err := range errs {
		if err == nil {
			winners = append(winners, i)
		} else if !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s, writer %d: %v", key, i, err)
		}
	}
	if len(winners) != 1 {
		t.Fatalf("%s: writers %v won, want one", key, winners)
	}
	holds(t, b, key, string(claim(winners[0])))
}

// broken is a reader that gives something, and then fails.
type broken struct{ given bool }

var errBroken = errors.New("the reader broke")

// Read gives four bytes, then errBroken.
func (r *broken) Read(p []byte) (int, error) {
	if r.given {
		return 0, errBroken
	}
	r.given = true
	return copy(p, "part"), nil
}

// failedWriter writes from a reader that breaks, and under a context that has ended. The key is as it was before, with its value or
// with none, and never with a part.
func failedWriter(t *testing.T, s Subject) {
	b := s.open(t)
	put(t, b, "old", "old")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, write := range map[string]func(key string) error{
		"PutNew":             func(key string) error { return b.PutNew(t.Context(), key, &broken{}) },
		"Replace":            func(key string) error { return b.Replace(t.Context(), key, &broken{}) },
		"PutNew, cancelled":  func(key string) error { return bucket.Put(cancelled, b, key, []byte("x")) },
		"Replace, cancelled": func(key string) error { return b.Replace(cancelled, key, strings.NewReader("x")) },
	} {
		for _, key := range []string{"new", "old"} {
			if err := write(key); err == nil {
				t.Errorf("%s: got no error", name)
			}
		}
		gone(t, b, "new")
		holds(t, b, "old", "old")
	}
}

// tornRead has one replace a value again and again while others read it, slowly too.
func tornRead(t *testing.T, s Subject) {
	b := s.open(t)
	replace(t, b, "torn", string(claim(0)))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := bucket.Read(t.Context(), b, "torn")
				if err != nil || len(got) < 10 || !bytes.Equal(got, bytes.Repeat(got[:10], 10_000)) {
					t.Errorf("torn: %d bytes, %v", len(got), err)
					return
				}
			}
		})
	}
	for i := range 100 {
		replace(t, b, "torn", string(claim(i%writers)))
	}
	close(stop)
	wg.Wait()
}

// keys lists all pages.
func keys(t *testing.T, b bucket.Bucket, prefix, after string) []string {
	t.Helper()
	var out []string
	for key, err := range bucket.Keys(t.Context(), b, prefix, after) {
		if err != nil {
			t.Fatalf("listing %q after %q: %v", prefix, after, err)
		}
		out = append(out, key)
	}
	return out
}

// lists holds lists to a model: the sorted keys, cut.
func lists(t *testing.T, s Subject) {
	b := s.open(t)
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "a-b", "a.b", "ab", "a_", "A", "0", "z"}
	known := map[string]bool{}
	for len(known) < s.Keys {
		var parts []string
		for range 1 + random.IntN(3) {
			parts = append(parts, fmt.Sprintf("%s%d", names[random.IntN(len(names))], random.IntN(9)))
		}
		known[strings.Join(parts, "/")+".v"] = true // no key is in the place of a folder
	}
	var all []string
	for key := range known {
		put(t, b, key, key)
		all = append(all, key)
	}
	slices.Sort(all)
	prefixes := []string{"", "a", "a1", "a1/", "a-", "nothing", "z/x", all[len(all)/2]}
	afters := []string{"", all[0], all[len(all)/3], all[len(all)-1], "a1", "a1/", "a", "zz"}
	for _, prefix := range prefixes {
		for _, after := range afters {
			var want []string
			for _, key := range all {
				if strings.HasPrefix(key, prefix) && key > after {
					want = append(want, key)
				}
			}
			if got := keys(t, b, prefix, after); !slices.Equal(got, want) {
				t.Errorf("%q after %q: got %d keys, want %d", prefix, after, len(got), len(want))
			}
		}
	}
	if page, err := b.List(t.Context(), "", ""); err != nil || !page.More || len(page.Keys) == 0 || len(page.Keys) > len(all)/2 {
		t.Errorf("the first page of %d keys: got %d, more %v, %v; want less than half of them", len(all), len(page.Keys), page.More, err)
	}
	if page, err := b.List(t.Context(), "", ""); err != nil || page.Sizes != nil && len(page.Sizes) != len(page.Keys) {
		t.Errorf("a page of %d keys says the sizes of %d, %v", len(page.Keys), len(page.Sizes), err)
	} else {
		for i, size := range page.Sizes {
			if size != int64(len(page.Keys[i])) { // each holds its key
				t.Errorf("the size of %s is %d", page.Keys[i], size)
			}
		}
	}
	var folders []string
	for _, key := range all {
		name, _, ok := strings.Cut(key, "/")
		if ok && !slices.Contains(folders, name) {
			folders = append(folders, name)
		}
	}
	slices.Sort(folders)
	if got, err := bucket.Folders(t.Context(), b, ""); err != nil || !slices.Equal(got, folders) {
		t.Errorf("folders: got %q, %v, want %q", got, err, folders)
	}
}

// moves holds that a move takes the place of what is there, and that one of nothing changes nothing.
func moves(t *testing.T, s Subject) {
	b := s.open(t)
	put(t, b, "from", "1")
	if err := b.Move(t.Context(), "from", "aside/to"); err != nil {
		t.Fatal(err)
	}
	gone(t, b, "from")
	holds(t, b, "aside/to", "1")
	put(t, b, "from", "2")
	if err := b.Move(t.Context(), "from", "aside/to"); err != nil {
		t.Fatal(err)
	}
	holds(t, b, "aside/to", "2")
	if err := b.Move(t.Context(), "from", "aside/to"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: got %v, want that it does not exist", err)
	}
	holds(t, b, "aside/to", "2")
}

// deletes holds that deleting what is not there is no error, of one key and of many: two collectors may come to the same object. A key is free
// again after.
func deletes(t *testing.T, s Subject) {
	b := s.open(t)
	put(t, b, "d/x", "1")
	for range 2 {
		if err := b.Delete(t.Context(), "d/x"); err != nil {
			t.Fatal(err)
		}
		gone(t, b, "d/x")
	}
	put(t, b, "d/x", "2")
	holds(t, b, "d/x", "2")
	many := []string{"d/not-there"}
	for i := range s.Keys {
		many = append(many, fmt.Sprintf("d/many/%d", i))
		if i%10 == 0 { // the others were never there
			put(t, b, many[i+1], "1")
		}
	}
	for range 2 {
		if err := bucket.DeleteAll(t.Context(), b, many); err != nil {
			t.Fatal(err)
		}
	}
	if got := keys(t, b, "d/", ""); !slices.Equal(got, []string{"d/x"}) {
		t.Errorf("after many were deleted there are %q, want d/x alone", got)
	}
}

// probed holds that bucket.Probe, which is run against stores of users, passes here and leaves nothing behind.
func probed(t *testing.T, s Subject) {
	b := s.open(t)
	if err := bucket.Probe(t.Context(), b); err != nil {
		t.Error(err)
	}
	if got := keys(t, b, "", ""); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}
