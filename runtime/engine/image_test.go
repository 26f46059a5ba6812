package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// imaged runs foreign stages as if they were built in, and knows what images are.
type imaged struct {
	executor.Executor
	images map[string]string // IDs by name
	ran    []string          // IDs
}

func (x *imaged) Resolve(_ context.Context, image string) (id, platform string, err error) {
	id, ok := x.images[image]
	if !ok {
		return "", "", fmt.Errorf("looking for %s: %w", image, executor.ErrImage)
	}
	return id, "linux/amd64", nil
}

func (x *imaged) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	if t.Container != nil {
		x.ran, t.Container = append(x.ran, t.Container.ImageID), nil
	}
	return x.Executor.Run(ctx, t)
}

// foreignPlan has a stage of an image that makes a model, which is released. Without a version the plan does not know the image.
func foreignPlan(version string) *plan.Plan {
	n := stage("train.m", script{Write: map[string]string{"model/m": "weights"}})
	n.Outputs = []plan.Output{{Port: "model", Type: schema.ModelPort}}
	n.Container = &plan.Container{Command: []string{"t"}}
	n.Inputs = []plan.Input{plan.Outside(plan.ImagePort, "trainer:1", version)}
	n.Scoring = &plan.Scoring{Version: 1, Config: json.RawMessage("{}"), Container: n.Container, Image: n.Inputs[0].External}
	p := newPlan(n)
	p.Releases = []*plan.Release{{Address: "deploy.d", Type: "http", Action: plan.MayRelease, Config: json.RawMessage("{}"), Scoring: n.Scoring,
		Model: plan.Input{Port: "model", From: "train.m", FromPort: "model"}}}
	return p
}

// TestImages: a stage runs in the image that the plan knows, whatever its name means since, or in the one that the name means when the stage
// runs. What is recorded and released has that.
func TestImages(t *testing.T) {
	first, second := plan.ImageVersion("sha256:1", "linux/amd64"), plan.ImageVersion("sha256:2", "linux/amd64")
	for name, tt := range map[string]struct {
		planned string
		there   string // ID that the name means; empty: no image
		ran     string // ID
		want    string // version; empty: the stage fails
	}{
		"known":               {first, "sha256:1", "sha256:1", first},
		"known, and moved":    {first, "sha256:2", "sha256:1", first},
		"not known":           {"", "sha256:2", "sha256:2", second},
		"not known, not here": {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			x := &imaged{Executor: r.exec, images: map[string]string{}}
			if tt.there != "" {
				x.images["trainer:1"] = tt.there
			}
			r.exec = x
			res := r.run(foreignPlan(tt.planned))
			if got := strings.Join(x.ran, " "); got != tt.ran {
				t.Errorf("ran in %q, want %q", got, tt.ran)
			}
			if tt.want == "" {
				f := res.node("train.m").Failure
				if f == nil || f.Kind != attempt.ImageFailure || !strings.Contains(f.Detail, "Build, load or push it") {
					t.Errorf("got %+v", f)
				}
				return
			}
			st, digest := r.state(), plan.VersionDigest(tt.want)
			n := st.Nodes["train.m"]
			if n.Inputs[plan.ImagePort] != digest || n.External[plan.ImagePort].Version != tt.want || n.Fingerprint != plan.Fingerprint(n.Definition, n.Inputs) {
				t.Errorf("recorded: %+v", n)
			}
			if a, err := r.store.Action(n.Fingerprint); err != nil || a.Inputs[plan.ImagePort] != digest {
				t.Errorf("the record of the result: %+v, %v", a, err)
			}
			if got := st.Releases["deploy.d"].Scoring.Image.Version; got != tt.want {
				t.Errorf("released in %q, want %q", got, tt.want)
			}
			x.ran = nil
			if res := r.run(foreignPlan(tt.want)); res.node("train.m").Status != Cached || len(x.ran) > 0 {
				t.Errorf("again: %s", res.statuses())
			}
		})
	}
}

// TestSavedImages: a saved plan is stale where the name of an image means another, or none though a stage is to run in it.
func TestSavedImages(t *testing.T) {
	first, second := plan.ImageVersion("sha256:1", "linux/amd64"), plan.ImageVersion("sha256:2", "linux/amd64")
	for name, tt := range map[string]struct {
		planned string
		verdict plan.Verdict
		now     string
		err     error
		want    string
	}{
		"the same":               {first, plan.Run, first, nil, ""},
		"another":                {first, plan.Run, second, nil, "train.m: the image trainer:1 was " + first + ", and is " + second},
		"another, may run":       {first, plan.MayRun, second, nil, "and is " + second},
		"another, cached":        {first, plan.Cached, second, nil, "and is " + second},
		"gone":                   {first, plan.Run, "", executor.ErrImage, "was " + first + ", and is not there"},
		"gone, cached":           {first, plan.Cached, "", executor.ErrImage, ""},
		"no engine":              {first, plan.Run, "", executor.ErrUnavailable, ""},
		"not known to the plan":  {"", plan.Run, second, nil, ""},
		"something else's error": {first, plan.Cached, "", errors.New("broken"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := foreignPlan(tt.planned).Nodes[0]
			n.Verdict = tt.verdict
			s := &Saved{Image: func(_ context.Context, image string) (string, error) {
				if image != "trainer:1" {
					t.Errorf("asked for %q", image)
				}
				return tt.now, tt.err
			}}
			if got := s.image(t.Context(), n); tt.want == "" && got != "" || !strings.HasSuffix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
