package planner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// ran is a world in which the opaque pipeline has run to its end.
func ran(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.data["raw.csv"] = "1,2,true"
	w.figures["check.enough"] = `{"rows":100,"failed":0}`
	w.figures["evaluate.e"] = `{"rows":50,"metrics":{"auc":0.9}}`
	for range 2 {
		w.apply(w.plan(opaque))
	}
	if got := whyText(w.plan(opaque)); len(got) > 0 {
		t.Fatalf("nothing differs, and the plan has %v", got)
	}
	return w
}

// An image is an input with a digest: it is known, not known yet, or another one, as a table is.
func TestImageIsAnInput(t *testing.T) {
	const pin = "i@sha256:1"
	pinned := strings.Replace(opaque, `image   = "i"`, `image   = "`+pin+`"`, 1)
	renamed := strings.Replace(opaque, `image   = "i"`, `image   = "j"`, 1)
	line := strings.Count(opaque[:strings.Index(opaque, "image ")], "\n") + 1
	for name, tt := range map[string]struct {
		image, text string
		trainer     plan.Verdict
		predict     plan.Verdict
		release     plan.ReleaseAction
		why         []string
	}{
		"the same": {"sha256:1", opaque, plan.Cached, plan.Cached, plan.NoRelease, nil},
		"the tag moved": {"sha256:2", opaque, plan.Run, plan.MayRun, plan.ChangeRelease,
			[]string{`rebuild train.m image i "sha256:1 linux/amd64"→"sha256:2 linux/amd64" runs train.m may evaluate.e,evaluate.e@predict`}},
		"not known yet": {"", opaque, plan.MayRun, plan.MayRun, plan.MayRelease,
			[]string{`rebuild train.m image i "sha256:1 linux/amd64"→ may evaluate.e,evaluate.e@predict,train.m`}},
		"the same by its digest": {"sha256:2", pinned, plan.Metadata, plan.Cached, plan.NoRelease,
			[]string{`metadata train.m metadata image "i"→"` + pin + `"`}},
		"the same by another name": {"sha256:1", renamed, plan.Metadata, plan.Cached, plan.NoRelease,
			[]string{`metadata train.m metadata image "i"→"j"`}},
		"another name, not known yet": {"", renamed, plan.MayRun, plan.MayRun, plan.MayRelease,
			[]string{`rebuild train.m config image "i"→"j" may evaluate.e,evaluate.e@predict,train.m`,
				`rebuild train.m image j "sha256:1 linux/amd64"→ may evaluate.e,evaluate.e@predict,train.m`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := ran(t)
			w.image = tt.image
			p := w.plan(tt.text)
			if got := p.Node("train.m").Verdict; got != tt.trainer {
				t.Errorf("train.m: got %s, want %s", got, tt.trainer)
			}
			if got := p.Node("evaluate.e@predict").Verdict; got != tt.predict {
				t.Errorf("evaluate.e@predict: got %s, want %s", got, tt.predict)
			}
			if got := p.Releases[0].Action; got != tt.release {
				t.Errorf("deploy.d: got %s, want %s", got, tt.release)
			}
			if diff := cmp.Diff(tt.why, whyText(p)); diff != "" {
				t.Error(diff)
			}
			for _, c := range p.Changes {
				if c.Range.Start.Line != line {
					t.Errorf("%s is told at line %d, want %d", c.Cause.Kind, c.Range.Start.Line, line)
				}
			}
			if tt.image != "" || tt.text != opaque {
				return
			}
			w.image = "sha256:1" // it is built, and is what it was
			for address, v := range verdicts(w.plan(opaque)) {
				if v != plan.Cached {
					t.Errorf("%s: got %s once the image is known again", address, v)
				}
			}
		})
	}
}

// The definition of a stage does not have its image, its fingerprint does.
func TestImageIsInTheFingerprint(t *testing.T) {
	w := applied(t) // what flows into the trainer is known
	first := w.plan(opaque).Node("train.m")
	w.image = "sha256:2"
	other := w.plan(opaque).Node("train.m")
	w.image = ""
	unknown := w.plan(opaque).Node("train.m")
	if first.Definition != other.Definition || first.Definition != unknown.Definition {
		t.Errorf("three definitions: %s, %s, %s", first.Definition.Short(), other.Definition.Short(), unknown.Definition.Short())
	}
	in := unknown.Remote()
	if in.Port != plan.ImagePort || in.External.Root != "i" || in.Digest != "" || unknown.Verdict != plan.Run {
		t.Errorf("not known: got %+v, %s", in, unknown.Verdict)
	}
	if a, b, c := first.Fingerprint, other.Fingerprint, unknown.Fingerprint; a == b || a == "" || b == "" || c != "" {
		t.Errorf("fingerprints: got %q, %q, and %q without an image", a, b, c)
	}
}
