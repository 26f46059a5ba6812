package workspace

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/cache"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

const questions = `pipeline "p" {}

source "csv" "s" {
  path = "s.csv"

  column "id" { type = "bigint" }
  column "amount" { type = "double" }
}

dataset "d" {
  from = [source.s]
  key  = ["id"]
  sql  = "select id, amount * 2 as twice, amount > 3 as much from s"
}
`

// machine is a copy of the module on a machine that has seen nothing.
func machine(t *testing.T) *Workspace {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"p.mlp": questions, "s.csv": "id,amount\n1,2.5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Workspace{Dir: dir, Name: "default"}
}

// planned is what is planned on a machine, or why nothing is.
func planned(t *testing.T, w *Workspace) (id plan.Digest, mistake string) {
	t.Helper()
	s, err := w.OpenToPlan(t.Context(), nil)
	if err != nil {
		return "", err.Error()
	}
	defer s.Close()
	p, err := s.Plan(t.Context(), nil)
	if err != nil {
		return "", err.Error()
	}
	return p.ID, ""
}

// forged is a pack in which each answer is that to another question, sealed as it should be.
func forged(t *testing.T, pack []byte, program cache.Key) []byte {
	t.Helper()
	const magic = "mlp pack 1\n"
	rest := pack[len(magic)+2*len(program):]
	var keys, values [][]byte
	for len(rest) > 0 {
		key := rest[:len(program)]
		size, n := binary.Uvarint(rest[len(key):])
		value := rest[len(key)+n:][:size]
		keys, values, rest = append(keys, key), append(values, value), rest[len(key)+n+len(value):]
	}
	if len(keys) < 2 {
		t.Fatalf("the pack has %d answers", len(keys))
	}
	body := bytes.Clone(program[:])
	for i, key := range keys {
		value := values[(i+1)%len(values)]
		body = append(binary.AppendUvarint(append(body, key...), uint64(len(value))), value...)
	}
	sum := blake3.Sum256(body)
	return append(append([]byte(magic), sum[:]...), body...)
}

// TestPlantedAnswers: answers in a store elsewhere are those that its log names, of this program and whole. What else lies there changes no
// plan. One that the log names is taken, which shows that the others could have done harm.
func TestPlantedAnswers(t *testing.T) {
	ctx := t.Context()
	server := s3test.Start(t, "models")
	self, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		plant func(pack []byte, put func([]byte) plan.Digest, over func([]byte)) plan.Digest // returns what the log is to name
		taken bool
	}{
		"as it was put": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest { return put(pack) }, false},
		"named by no revision": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest {
			put(forged(t, pack, self))
			return put(pack)
		}, false},
		"under the name of others": {func(pack []byte, put func([]byte) plan.Digest, over func([]byte)) plan.Digest {
			d := put(pack)
			over(forged(t, pack, self))
			return d
		}, false},
		"cut": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest {
			return put(pack[:len(pack)-1])
		}, false},
		"of another program": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest {
			return put(forged(t, pack, cache.Key{1}))
		}, false},
		"no pack": {func(_ []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest { return put([]byte("{}")) }, false},
		"gone":    {func([]byte, func([]byte) plan.Digest, func([]byte)) plan.Digest { return digest.Of([]byte("gone")) }, false},
		"larger than a pack": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest {
			return put(append(bytes.Clone(pack), make([]byte, cache.MaxPack)...))
		}, false},
		"named by a revision": {func(pack []byte, put func([]byte) plan.Digest, _ func([]byte)) plan.Digest {
			return put(forged(t, pack, self))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(StoreVariable, server.URL("models/"+strings.ReplaceAll(name, " ", "-")))
			w := machine(t)
			s, err := w.OpenToPlan(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			put := func(data []byte) plan.Digest {
				d, err := s.Store.PutBytes(ctx, data)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			s.answers.Save() // this machine asks nobody from here on
			pack := s.answers.Pack(self)
			named := c.plant(pack, put, func(data []byte) {
				key, err := objects.Key(digest.Of(pack))
				if err == nil {
					err = s.Store.Bucket().Replace(ctx, key, bytes.NewReader(data))
				}
				if err != nil {
					t.Fatal(err)
				}
			})
			event := plan.Event{Key: "block/pipeline.p", Block: &plan.BlockState{}}
			if _, err := s.Log.Answering(named).Append(ctx, s.State, []plan.Event{event}); err != nil {
				t.Fatal(err)
			}
			want, mistake := planned(t, w)
			if mistake != "" {
				t.Fatal(mistake)
			}
			got, mistake := planned(t, machine(t))
			if (got == want && mistake == "") == c.taken {
				t.Errorf("got the plan %s %s, where %s is right", got, mistake, want)
			}
		})
	}
}

// TestAnswersAreCarried: what an apply put, the next machine finds, and revisions of others, such as an approval, lose it not. A workspace
// without any goes by its upstream's.
func TestAnswersAreCarried(t *testing.T) {
	ctx := t.Context()
	t.Setenv(StoreVariable, s3test.Start(t, "models").URL("models"))
	w := machine(t)
	s, err := w.OpenToPlan(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.shareAnswers(ctx)
	if key, err := objects.Key(d); err != nil {
		t.Fatal(err)
	} else if has, err := bucket.Has(ctx, s.Store.Bucket(), key); !has || err != nil {
		t.Fatalf("%s is not there: %v", key, err)
	}
	st := s.State
	for i, log := range []string{"apply", "approval"} {
		l := s.Log
		if log == "apply" {
			l = l.Answering(d)
		}
		if st, err = l.Append(ctx, st, []plan.Event{{Key: "block/pipeline.p", Block: &plan.BlockState{Meta: []byte{'0' + byte(i)}}}}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Log.Answers(ctx); got != d || err != nil || st.Answers != d {
			t.Errorf("after the %s: got %q, %v, and in the state %q", log, got, err, st.Answers)
		}
	}
	if got, err := s.Log.Load(ctx); err != nil || got.Answers != d {
		t.Errorf("read anew: got %+v, %v", got, err)
	}
	other, err := s.Log.Of("pr-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := (&Workspace{Name: "pr-1"}).sharedAnswers(ctx, s.Store, other); got != nil {
		t.Error("a workspace that goes by none has answers")
	}
	if got := (&Workspace{Name: "pr-1", Base: "default"}).sharedAnswers(ctx, s.Store, other); digest.Of(got) != d {
		t.Errorf("by its upstream: got %d bytes", len(got))
	}
}

// TestOldAnswersAreGarbage: the last that a log names are kept, and no others.
func TestOldAnswersAreGarbage(t *testing.T) {
	ctx, w := t.Context(), &Workspace{Dir: t.TempDir(), Name: "default"}
	r, err := w.readStored(ctx, "p", false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Store.Close()
	var put []plan.Digest
	for _, text := range []string{"old", "new"} {
		d, err := r.Store.PutBytes(ctx, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		put = append(put, d)
		event := plan.Event{Key: "block/pipeline.p", Block: &plan.BlockState{Meta: []byte(`"` + text + `"`)}}
		if r.State, err = r.Log.Answering(d).Append(ctx, r.State, []plan.Event{event}); err != nil {
			t.Fatal(err)
		}
	}
	c := &collector{w: w, store: r.Store, keep: new(time.Hour), began: time.Now()}
	used, err := c.used(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true} {
		if key, err := objects.Key(put[i]); err != nil || used[key] != want {
			t.Errorf("object %d: used is %t, want %t (%v)", i, used[key], want, err)
		}
	}
}
