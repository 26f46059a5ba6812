package ci_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// crowd is how many pull requests TestManyPulls has, and who works on them.
type crowd struct {
	pulls, writers, chains int
	kills                  int // one of so many applies is killed,
	most                   int // until so many were: what they held is free a minute later
}

// TestManyPulls has writers, each on a machine of its own, try and merge pull requests in random order, in one store in a bucket behind a bad
// network, and kills some of them. Then
//
//   - a merge ran no stage whose result had been recorded when it was planned;
//   - an apply that ran no stage put no object;
//   - nobody freed a lock;
//   - the log of production is whole, has each change once, and what main is now has nothing left to do.
//
// With MLP_SOAK it is 200 pull requests by 16 writers.
func TestManyPulls(t *testing.T) {
	c := crowd{pulls: 12, writers: 4, chains: 4, kills: 2, most: 2}
	if os.Getenv("MLP_SOAK") != "" {
		c = crowd{pulls: 200, writers: 16, chains: 12, kills: 16, most: 24}
	}
	bin := os.Getenv("MLP_BIN")
	if bin == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	m := &many{t: t, crowd: c, bin: bin, server: s3test.Start(t, "models"), random: rand.New(rand.NewPCG(seed, 0)), main: make([][]int, c.chains), recorded: map[string]bool{}}
	m.bad = m.server.Behind(t, s3test.Bad)
	start := time.Now()
	first := m.writer()
	first.merged(-1)
	var all sync.WaitGroup
	for range c.writers {
		w := m.writer()
		all.Go(w.work)
	}
	all.Wait()
	m.settled(first)
	t.Logf("seed %d: %d pull requests by %d writers in %s: %s", seed, c.pulls, c.writers, time.Since(start).Round(time.Second), m.told())
}

// many is what the writers share: what is main, and what is known of the store.
type many struct {
	t *testing.T
	crowd
	bin         string
	server, bad *s3test.Server

	mu       sync.Mutex
	random   *rand.Rand
	opened   int
	tried    []*change       // and not merged yet
	main     [][]int         // by chain the pull requests in it
	recorded map[string]bool // results, by stage and what it is made of
	figures  struct{ tries, merges, unmoved, again, stale, killed, ran, put int }

	planning sync.Mutex // whoever merges plans the commit at once, as the CI does
}

// change is a pull request: it adds its number to a chain of stages.
type change struct {
	number, chain int
	from          [][]int // what main was when it was tried
}

// with is main, or a state of it, with a change.
func with(main [][]int, chain, number int) [][]int {
	tree := slices.Clone(main)
	if number >= 0 {
		tree[chain] = append(slices.Clone(tree[chain]), number)
		slices.Sort(tree[chain])
	}
	return tree
}

// results are the stages of a tree with what each is made of.
func results(tree [][]int) map[string]string {
	all := map[string]string{}
	for k, numbers := range tree {
		for _, stage := range []string{"source.s", "dataset.d"} {
			address := fmt.Sprintf("%s%d", stage, k)
			all[address] = fmt.Sprint(address, numbers)
		}
	}
	return all
}

// writer is one who works on pull requests with its machine: a folder, and a way to the store on which requests are counted.
type writer struct {
	*many
	dir, url string
	objects  int // put since the last apply began
}

func (m *many) writer() *writer {
	w := &writer{many: m, dir: m.t.TempDir()}
	server := httptest.NewServer(w)
	m.t.Cleanup(server.Close)
	w.url = (&s3test.Server{Endpoint: server.URL}).URL("models/many")
	return w
}

// ServeHTTP passes a request on to the bad network, and counts what is put or copied to objects.
func (w *writer) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/models/many/objects/") {
		w.mu.Lock()
		w.objects++
		w.mu.Unlock()
	}
	request, err := http.NewRequest(r.Method, w.bad.Endpoint+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request.Header, request.Host, request.ContentLength = r.Header.Clone(), r.Host, int64(len(body)) // the host is signed
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	maps.Copy(to.Header(), response.Header)
	to.WriteHeader(response.StatusCode)
	if _, err := io.Copy(to, response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// work opens and tries pull requests, and merges some that were tried, in random order, until all are merged.
func (w *writer) work() {
	for !w.t.Failed() {
		w.mu.Lock()
		var c *change
		merge := len(w.tried) > 0 && (w.opened == w.pulls || w.random.IntN(2) == 0)
		switch {
		case merge:
			i := w.random.IntN(len(w.tried))
			c = w.tried[i]
			w.tried = slices.Delete(w.tried, i, i+1)
		case w.opened < w.pulls:
			c = &change{number: w.opened, chain: w.random.IntN(w.chains), from: slices.Clone(w.main)}
			w.opened++
		}
		w.mu.Unlock()
		switch {
		case c == nil: // the last ones are tried by others, who merge them
			return
		case merge:
			w.merge(c)
		default:
			w.try(c)
			w.mu.Lock()
			w.tried = append(w.tried, c)
			w.mu.Unlock()
		}
	}
}

// try applies a pull request in its workspace; whoever is killed does so again.
func (w *writer) try(c *change) {
	tree := with(c.from, c.chain, c.number)
	w.lay(tree)
	w.apply(tree, nil, "--workspace", fmt.Sprintf("pr-%d", c.number), "apply", "--base", "default", "--auto-approve", "--executor", "process", "--wait")
	w.count(&w.figures.tries)
}

// merge merges a pull request and applies main, and forgets the workspace.
func (w *writer) merge(c *change) {
	w.merged(c.number, c)
	if out, code := w.mlp("workspace", "remove", fmt.Sprintf("pr-%d", c.number)); code != 0 {
		w.t.Errorf("workspace remove: exit code %d\n%s", code, out)
	}
	w.count(&w.figures.merges)
}

func (w *writer) count(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

var planID = regexp.MustCompile(`"plan_id": "(blake3:[0-9a-f]{64})"`)

// merged has a change in main, if there is one, plans that at once, and applies the plan, while others go on. A plan that became stale is made anew.
func (w *writer) merged(number int, changes ...*change) {
	for !w.t.Failed() {
		w.planning.Lock()
		w.mu.Lock()
		for _, c := range changes {
			if slices.Equal(w.main[c.chain], c.from[c.chain]) {
				w.figures.unmoved++
			}
			w.main = with(w.main, c.chain, number)
		}
		changes = nil
		tree, before := slices.Clone(w.main), maps.Clone(w.recorded)
		w.mu.Unlock()
		w.lay(tree)
		file := filepath.Join(w.dir, "plan.json")
		out, code := w.mlp("plan", "--refresh", "--detailed-exitcode", "--out", file)
		w.planning.Unlock()
		if code == 0 {
			return // somebody who merged later has applied this, too
		}
		data, err := os.ReadFile(file)
		id := planID.FindSubmatch(data)
		if code != 2 || err != nil || id == nil {
			w.t.Errorf("plan: exit code %d, %v\n%s", code, err, out)
			return
		}
		if w.apply(tree, before, "apply", file, "--plan-id", string(id[1]), "--auto-approve", "--executor", "process", "--wait") {
			return
		}
		w.count(&w.figures.stale)
	}
}

var started = regexp.MustCompile(`(?m)^ +(\S+) +started$`)

// apply runs an apply of a tree until it is not killed, and is false where its plan is stale. Results that had been recorded before it was
// planned must not be made again.
func (w *writer) apply(tree [][]int, before map[string]bool, args ...string) bool {
	for again := false; ; again = true {
		w.mu.Lock()
		w.objects = 0
		kill := w.figures.killed < w.most && w.random.IntN(w.kills) == 0
		after := time.Duration(w.random.IntN(1500)) * time.Millisecond
		w.mu.Unlock()
		out, code, killed := w.killed(kill, after, args...)
		w.mu.Lock()
		ran := 0
		for _, m := range started.FindAllStringSubmatch(out, -1) {
			ran++
			if result := results(tree)[m[1]]; before[result] {
				w.t.Errorf("%s ran again, though its result was recorded when the merge was planned\n%s", result, out)
			}
		}
		w.figures.ran += ran
		w.figures.put += w.objects
		if ran == 0 && w.objects > 0 {
			w.t.Errorf("an apply that ran nothing put %d objects\n%s", w.objects, out)
		}
		if killed {
			w.figures.killed++
		}
		if again && code == 5 && strings.Contains(out, "applied already") { // it was killed after the last thing it did
			code = 0
			w.figures.again++
		}
		if code == 0 {
			for _, result := range results(tree) {
				w.recorded[result] = true
			}
		}
		w.mu.Unlock()
		switch {
		case killed:
			continue
		case code != 0 && code != 5:
			w.t.Errorf("mlp %s: exit code %d\n%s", strings.Join(args, " "), code, out)
		}
		return code != 5
	}
}

// killed runs mlp, and kills it after a while if it is to be killed and still runs.
func (w *writer) killed(kill bool, after time.Duration, args ...string) (string, int, bool) {
	ctx, cancel := context.WithCancel(context.Background())
	if kill {
		ctx, cancel = context.WithTimeout(ctx, after)
	}
	defer cancel()
	cmd := exec.CommandContext(ctx, w.bin, append([]string{"-C", w.dir, "--store", w.url}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		w.t.Error(err)
	}
	return string(out), cmd.ProcessState.ExitCode(), !cmd.ProcessState.Exited()
}

func (w *writer) mlp(args ...string) (string, int) {
	out, code, _ := w.killed(false, 0, args...)
	return out, code
}

// lay writes the module and its data, as a checkout of the tree has them.
func (w *writer) lay(tree [][]int) {
	module := "pipeline \"many\" {}\n"
	for k, numbers := range tree {
		module += fmt.Sprintf("source \"csv\" \"s%[1]d\" {\n  path = \"%[1]d.csv\"\n  column \"id\" { type = \"bigint\" }\n}\ndataset \"d%[1]d\" {\n  from = [source.s%[1]d]\n  key = [\"id\"]\n  sql = \"select id from s%[1]d\"\n}\n", k)
		text := fmt.Sprintf("id\n%d\n", 1000+k)
		for _, n := range numbers {
			text += fmt.Sprintln(n)
		}
		if err := os.WriteFile(filepath.Join(w.dir, fmt.Sprintf("%d.csv", k)), []byte(text), 0o644); err != nil {
			w.t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "many.mlp"), []byte(module), 0o644); err != nil {
		w.t.Error(err)
	}
}

// settled holds the store to what must be true in the end, by a machine that has seen the beginning alone.
func (m *many) settled(w *writer) {
	merged := 0
	for _, numbers := range m.main {
		merged += len(numbers)
	}
	if merged != m.pulls {
		m.t.Errorf("%d pull requests are merged, want %d", merged, m.pulls)
	}
	w.url = m.server.URL("models/many")
	w.lay(m.main)
	for _, ask := range []struct{ said, command string }{
		{"nothing to do", "plan --refresh --detailed-exitcode"}, {"all is as it was written", "store verify"}, {"default", "workspace list"},
	} {
		out, code := w.mlp(strings.Fields(ask.command)...)
		if code != 0 || !strings.Contains(out, ask.said) || strings.Contains(out, "pr-") {
			m.t.Errorf("mlp %s: exit code %d\n%s", ask.command, code, out)
		}
	}
	out, _ := w.mlp("history", "--format", "json")
	var log []struct {
		Revision int64
		Changes  []struct{ Kind, Address, Fingerprint string }
	}
	if err := json.Unmarshal([]byte(out), &log); err != nil {
		m.t.Errorf("history: %v\n%s", err, out)
	}
	last := map[string]string{}
	for i, r := range log {
		if r.Revision != int64(i+1) {
			m.t.Errorf("revision %d of the log is number %d", i+1, r.Revision)
		}
		for _, c := range r.Changes {
			if last[c.Address] == c.Fingerprint || c.Kind != "node" {
				m.t.Errorf("revision %d: %+v, which is no change", r.Revision, c)
			}
			last[c.Address] = c.Fingerprint
		}
	}
	if len(last) != 2*m.chains {
		m.t.Errorf("the log has %d revisions of %d stages, want 2 stages of each of %d chains", len(log), len(last), m.chains)
	}
}

func (m *many) told() string {
	f := m.figures
	return fmt.Sprintf("%d tries, %d merges, of which %d did not move since the try; %d stages ran, %d objects were put; %d plans were stale and made anew; %d applies were killed, %d of them after all was done",
		f.tries, f.merges, f.unmoved, f.ran, f.put, f.stale, f.killed, f.again)
}
