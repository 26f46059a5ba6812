package buckettest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// roleVariable tells a test binary that is started again what it is to do: role, place of the bucket, argument, on a line each.
//
// A process for a law is the test binary itself, started again: there is nothing else to build, and it has the same
// implementation. What it has done it prints, a line each, and the law reads that. A line is printed after the put
// returned, so whoever kills the process knows of each line that its value was durable; a value that was put but not yet told may
// be there or not, and then whole.
const roleVariable = "MLP_BUCKETTEST"

// Main runs the tests of a package that holds a subject to the laws, or, in a process that a law has started, plays its part. It does not
// return. A package whose tests call Run has
//
//	func TestMain(m *testing.M) { buckettest.Main(m, open) }
func Main(m *testing.M, open func(place string) (bucket.Bucket, error)) {
	role, rest, ok := strings.Cut(os.Getenv(roleVariable), "\n")
	if !ok {
		os.Exit(m.Run())
	}
	place, argument, _ := strings.Cut(rest, "\n")
	b, err := open(place)
	if err == nil {
		err = map[string]func(bucket.Bucket, string) error{"race": race, "write": writeOn}[role](b, argument)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// start starts the test binary in a role, and returns what it prints. The caller waits for it.
func start(t *testing.T, role, place, argument string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role+"\n"+place+"\n"+argument)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// races is how many keys the processes put one after the other.
const races = 10

// race is one of many processes: for each of some keys it says whether it won.
func race(b bucket.Bucket, argument string) error {
	writer, err := strconv.Atoi(argument)
	if err != nil {
		return err
	}
	for round := range races {
		err := bucket.Put(context.Background(), b, fmt.Sprintf("race/%d", round), claim(writer))
		switch {
		case err == nil:
			fmt.Println("won")
		case errors.Is(err, fs.ErrExist):
			fmt.Println("lost")
		default:
			return err
		}
	}
	return nil
}

// oneProcessWins is oneWins among processes: what keeps writers apart must not be in the memory of one.
func oneProcessWins(t *testing.T, s Subject) {
	place := s.Place(t)
	errs := make([][]error, races)
	for i := range errs {
		errs[i] = make([]error, writers)
	}
	var wg sync.WaitGroup
	for i := range writers {
		cmd, out := start(t, "race", place, strconv.Itoa(i))
		wg.Go(func() {
			for round := range races {
				line, err := out.ReadString('\n')
				if err == nil && line == "lost\n" {
					err = fs.ErrExist
				}
				errs[round][i] = err
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	b, err := s.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	for round := range races {
		wins(t, b, fmt.Sprintf("race/%d", round), errs[round])
	}
}

// value is what a key has in the law on killing: so long that a write of it is hit, and other for each key.
func value(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d", n), 1<<16) }

// writeOn puts values and replaces one, without end. It says which it has put.
func writeOn(b bucket.Bucket, argument string) error {
	from, err := strconv.Atoi(argument)
	if err != nil {
		return err
	}
	for n := from; ; n++ {
		if err := bucket.Put(context.Background(), b, fmt.Sprintf("put/%08d", n), value(n)); err != nil {
			return err
		}
		fmt.Println(n)
		if err := b.Replace(context.Background(), "replaced", bytes.NewReader(value(n))); err != nil {
			return err
		}
	}
}

// killed kills a writer with SIGKILL at random moments: what it said it had put is there, and all that is there is whole. Six times, each
// writer with keys of its own. The value that is replaced over and over is one of those written, whole, or there is none yet.
func killed(t *testing.T, s Subject) {
	place := s.Place(t)
	b, err := s.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	said := map[int]bool{}
	for round := range 6 {
		from := round * 1000
		cmd, out := start(t, "write", place, strconv.Itoa(from))
		if line, err := out.ReadString('\n'); err != nil || line == "" {
			t.Fatalf("the writer ended by itself: %v", err)
		}
		said[from] = true
		time.Sleep(time.Duration(random.Int64N(int64(40 * time.Millisecond))))
		_ = cmd.Process.Kill()
		for {
			line, err := out.ReadString('\n')
			if err != nil {
				break
			}
			n, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			said[n] = true
		}
		_ = cmd.Wait() // it was killed
	}
	for n := range said {
		holds(t, b, fmt.Sprintf("put/%08d", n), string(value(n)))
	}
	for _, key := range keys(t, b, "put/", "") {
		n, err := strconv.Atoi(strings.TrimPrefix(key, "put/"))
		if err != nil {
			t.Fatalf("a key that nobody put: %s", key)
		}
		holds(t, b, key, string(value(n)))
	}
	got, err := bucket.Read(t.Context(), b, "replaced")
	if err == nil && (len(got) != len(value(0)) || !bytes.Equal(got, bytes.Repeat(got[:8], 1<<16))) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("replaced: %d bytes, %v", len(got), err)
	}
}
