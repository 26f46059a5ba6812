package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local/powercut"
)

// promise is what holds after a power cut, from some operation on.
type promise struct {
	from  int
	key   string
	least int // the value is that of this number, or of a later one
}

// content is a value that tells whose it is and whether it is whole.
func content(key string, number int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s %04d;", key, number), 20)
}

func numberOf(key string, data []byte) (int, error) {
	var n int
	if _, err := fmt.Sscanf(string(data), key+" %d;", &n); err != nil || !bytes.Equal(data, content(key, n)) {
		return 0, fmt.Errorf("%s is %d bytes that nobody put", key, len(data))
	}
	return n, nil
}

// Two processes put, replace and find values at once, and the power is cut at every moment: what was told to be there is there, and all
// that is there is whole.
func TestPowerCut(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	rounds, cuts, folder := 2, 0, powercut.Folder(t)
	if os.Getenv("MLP_SOAK") != "" {
		rounds = 50
	}
	for range rounds {
		root := powercut.Folder(t)
		m := powercut.In(root)
		var mu sync.Mutex
		var promised []promise
		promises := func(key string, least int) {
			mu.Lock()
			defer mu.Unlock()
			promised = append(promised, promise{m.Now(), key, least})
		}
		var working sync.WaitGroup
		for p := range 2 {
			pauses := rand.New(rand.NewPCG(random.Uint64(), 0))
			var pausing sync.Mutex
			process := []func(string, func()) local.Disk{m.Process, m.Whole}[p]
			disk := process(fmt.Sprint("process ", p), func() {
				pausing.Lock()
				pause := time.Duration(pauses.IntN(200)) * time.Microsecond
				pausing.Unlock()
				time.Sleep(pause)
			})
			dir := filepath.Join(root, "store")
			b := local.On(disk, dir, scratch.At(dir))
			for g := range 3 {
				working.Go(func() { works(t, b, scratch.At(dir), p, g, promises) })
			}
		}
		working.Wait()
		for at := range m.Now() + 1 {
			for range 2 {
				holdAfter(t, folder, m, at, random, promised)
				cuts++
			}
		}
	}
	t.Logf("%d cuts", cuts)
}

// works puts keys that all put at once, keys of its own, files that are staged, and replaces a value.
func works(t *testing.T, b *local.Bucket, place *scratch.Place, p, g int, promises func(key string, least int)) {
	replaced := fmt.Sprintf("replaced/%d%d", p, g)
	for i := range 3 {
		for _, key := range []string{fmt.Sprintf("all/%d/x", i), fmt.Sprintf("own/%d/%d/%d", p, g, i)} {
			err := bucket.Put(t.Context(), b, key, content(key, p))
			if err != nil && !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
			promises(key, 0)
		}
		if err := b.Replace(t.Context(), replaced, bytes.NewReader(content(replaced, i))); err != nil {
			t.Error(err)
		}
		promises(replaced, i)
		var staged []local.Staged
		for n := range 3 {
			key := fmt.Sprintf("staged/%d/%d", i, n)
			f, err := place.File("x-")
			if err != nil {
				t.Error(err)
				return
			}
			_, err = f.Write(content(key, p))
			if err = errors.Join(err, f.Close()); err != nil {
				t.Error(err)
			}
			staged = append(staged, local.Staged{Key: key, Path: f.Name()})
		}
		if _, err := b.PutStaged(staged); err != nil {
			t.Error(err)
		}
		for _, s := range staged {
			promises(s.Key, 0)
		}
	}
}

// holdAfter cuts the power after some operations, and holds what is left to what was promised.
func holdAfter(t *testing.T, cuts string, m *powercut.Machine, at int, random *rand.Rand, promised []promise) {
	t.Helper()
	into, err := os.MkdirTemp(cuts, "cut-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(into)
	lost, err := m.Cut(at, random, into)
	if err != nil {
		t.Fatal(err)
	}
	b := local.Open(filepath.Join(into, "store"), scratch.At(into))
	numbers := map[string]int{}
	for key, err := range bucket.Keys(t.Context(), b, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := bucket.Read(t.Context(), b, key)
		if err == nil {
			numbers[key], err = numberOf(key, data)
		}
		if err != nil {
			t.Fatalf("%s\n%v", lost, err)
		}
	}
	broken := slices.DeleteFunc(slices.Clone(promised), func(p promise) bool {
		number, ok := numbers[p.key]
		return p.from > at || ok && number >= p.least
	})
	if len(broken) > 0 {
		p := broken[0]
		t.Fatalf("%s\nfrom operation %d on %s was to be there, with number %d or more; there is %d", lost, p.from, p.key, p.least, numbers[p.key])
	}
}
