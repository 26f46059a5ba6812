package counts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

func TestCounts(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	b := local.Open(dir, scratch.At(dir))
	p := Place{Bucket: b, Pipeline: "fraud", Workspace: "default"}
	rollout := &plan.Rollout{Next: plan.ReleaseState{Model: digest.Of([]byte("model")), Revision: 7}, Strategy: schema.Strategy{Role: schema.CanaryRoute, Steps: []float64{5}}}
	r := Of(`deploy.scorer["a b"]`, rollout)
	again := *rollout
	again.Next.Revision = 9
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	counted := func(requests int64) canary.Evidence {
		return canary.Evidence{Steps: []canary.Step{{Share: 50_000, Canary: canary.Arm{Requests: requests}}}}
	}
	one, err := Name()
	if err != nil {
		t.Fatal(err)
	}
	other, err := Name()
	if err != nil || one == other {
		t.Fatal("two servers are called alike", err)
	}
	for _, x := range []struct {
		server string
		of     Rollout
		n      int64
	}{{one, r, 3}, {one, r, 5}, {other, r, 7}, {other, Of(r.Deploy, &again), 100}} {
		if err := p.Put(ctx, x.server, Counts{Rollout: x.of, At: at, Evidence: counted(x.n)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := p.Read(ctx, r)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %+v, %v: what a server writes again takes the place of what it wrote", all, err)
	}
	if sum := canary.Merge(all[0].Evidence, all[1].Evidence); sum.Steps[0].Canary.Requests != 12 {
		t.Errorf("got %+v, want 12 requests", sum)
	}
	if none, err := (Place{Bucket: b, Pipeline: "fraud", Workspace: "other"}).Read(ctx, r); err != nil || len(none) != 0 {
		t.Errorf("another workspace has %v, %v", none, err)
	}
	if n, err := Forget(ctx, b, at); n != 0 || err != nil {
		t.Errorf("%d are forgotten, %v: they are young", n, err)
	}
	damaged := filepath.Join(dir, filepath.FromSlash(p.prefix(r)), one+".json")
	text, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, []byte(strings.Replace(string(text), `"requests":5`, `"requests":6`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read(ctx, r); err == nil || !strings.Contains(err.Error(), one) {
		t.Errorf("got %v of a damaged value", err)
	}
	if n, err := Forget(ctx, b, at.Add(time.Second)); n != 1 || err != nil {
		t.Errorf("%d are forgotten, %v, want that of the other rollout alone", n, err)
	}
}
