package plan

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// derivedPlan has an opaque model, the stage that has it predict, and its consumer.
func derivedPlan(t *testing.T) *Plan {
	t.Helper()
	c, image := &Container{Command: []string{"train"}}, Outside(ImagePort, "i:1", "sha256:1 linux/amd64")
	model := &schema.Shape{Type: schema.ModelPort, Model: &schema.Model{Opaque: true}}
	config := json.RawMessage(`{"image":"i:1","command":["train"],"predict":["p"],"target":"y"}`)
	scoring, err := NewScoring(c, image.External, nil, []string{"p"}, json.RawMessage(`{"target":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{FormatVersion: FormatVersion, PlannerSemantics: Semantics, Pipeline: "p", Workspace: "default", Changes: []Change{}, Gates: []*Gate{}, Releases: []*Release{},
		Nodes: []*Node{
			{Address: "evaluate.e", Kind: "evaluate", Verdict: Run, Config: json.RawMessage("{}"),
				Inputs: []Input{{Port: "predictions", From: "evaluate.e@predict", FromPort: "predictions"}}, Outputs: []Output{}},
			{Address: "evaluate.e@predict", Of: "evaluate.e", Role: schema.PredictRole, Kind: "predict", Type: "container", Version: scoring.Version, Verdict: Run,
				Config: scoring.Config, Container: scoring.Container, Inputs: []Input{image, {Port: "model", From: "train.m", FromPort: "model", Shape: model}},
				Outputs: []Output{{Port: "predictions", Type: schema.TablePort}}},
			{Address: "train.m", Kind: "train", Type: "container", Version: 1, Verdict: Run, Config: config, Container: c, Scoring: scoring,
				Inputs: []Input{image}, Outputs: []Output{{Port: "model", Type: schema.ModelPort, Shape: model}}},
		}}
	return p
}

// signed is the plan as a file, with the digests that fit what it says.
func signed(t *testing.T, p *Plan) []byte {
	t.Helper()
	for _, n := range p.Nodes {
		var err error
		if n.Definition, err = n.Define(); err != nil {
			t.Fatal(err)
		}
		n.Fingerprint = ""
		if len(n.Inputs) == 1 && n.Inputs[0].Digest != "" {
			n.Fingerprint = Fingerprint(n.Definition, map[string]Digest{n.Inputs[0].Port: n.Inputs[0].Digest})
		}
	}
	if err := p.Sign(); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDerivedStages(t *testing.T) {
	if _, err := Read(signed(t, derivedPlan(t))); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		edit func(p *Plan)
		want string
	}{
		"no role":                 {func(p *Plan) { p.Nodes[1].Role = "" }, "derived of"},
		"of nobody":               {func(p *Plan) { p.Nodes[1].Of = "" }, "derived of"},
		"of another":              {func(p *Plan) { p.Nodes[1].Of = "train.m" }, "derived of"},
		"another role":            {func(p *Plan) { p.Nodes[1].Role = schema.ChampionRole }, "derived of"},
		"a role of a block":       {func(p *Plan) { p.Nodes[0].Of, p.Nodes[0].Role = "train.m", schema.PredictRole }, "derived of"},
		"no scoring":              {func(p *Plan) { p.Nodes[2].Scoring = nil }, "how its model is scored"},
		"a scoring of no model":   {func(p *Plan) { p.Nodes[0].Scoring = p.Nodes[2].Scoring }, "how its model is scored"},
		"a scoring without image": {func(p *Plan) { p.Nodes[2].Scoring = &Scoring{Version: 1, Config: json.RawMessage("{}")} }, "its command"},
		"scored in another image": {func(p *Plan) {
			other, s := Outside(ImagePort, "i:1", "sha256:2 linux/amd64"), *p.Nodes[2].Scoring
			s.Image, p.Nodes[1].Inputs[0], p.Nodes[2].Scoring = other.External, other, &s
		}, "another image"},
		"predicts in another image":            {func(p *Plan) { p.Nodes[1].Inputs[0] = Outside(ImagePort, "i:1", "sha256:2 linux/amd64") }, "its command, image"},
		"predicts in an image of another name": {func(p *Plan) { p.Nodes[1].Inputs[0] = Outside(ImagePort, "i:2", "sha256:1 linux/amd64") }, "its command, image"},
		"another command in an image that is not known": {func(p *Plan) {
			unknown, c := Outside(ImagePort, "i:1", ""), *p.Nodes[1].Container
			c.Command = []string{"q"}
			s := *p.Nodes[2].Scoring
			s.Image, p.Nodes[2].Scoring, p.Nodes[1].Container = unknown.External, &s, &c
			p.Nodes[1].Inputs[0], p.Nodes[2].Inputs[0] = unknown, unknown
		}, "its command, image"},
		"no image":           {func(p *Plan) { p.Nodes[2].Inputs = []Input{} }, "no image"},
		"an image at a port": {func(p *Plan) { p.Nodes[2].Inputs[0].Port = "x" }, "images are run by"},
		"an image of no stage": {func(p *Plan) {
			p.Nodes[0].Inputs = []Input{Outside(ImagePort, "i:1", "sha256:1 linux/amd64"), p.Nodes[0].Inputs[0]}
		}, "images are run by"},
		"no name of an image":    {func(p *Plan) { p.Nodes[2].Inputs[0] = Outside(ImagePort, "../x y", "sha256:1 linux/amd64") }, "no name of an image"},
		"a version that moves":   {func(p *Plan) { p.Nodes[2].Inputs[0] = Outside(ImagePort, "i:1", "i:2 linux/amd64") }, "no version of an image"},
		"another image's digest": {func(p *Plan) { p.Nodes[2].Inputs[0].Digest = VersionDigest("sha256:2 linux/amd64") }, "its digest"},
		"another command": {func(p *Plan) {
			c := *p.Nodes[1].Container
			c.Command = []string{"q"}
			p.Nodes[1].Container = &c
		}, "its command"},
		"what is live, for no champion": {func(p *Plan) { p.Nodes[1].Inputs[1].From, p.Nodes[1].Inputs[1].FromPort = "", "" }, "where it comes from"},
	} {
		t.Run(name, func(t *testing.T) {
			p := derivedPlan(t)
			tt.edit(p)
			if _, err := Read(signed(t, p)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that holds %q", err, tt.want)
			}
		})
	}
}

// Of a plan of format 1.0 roles and scorings are found where that format says them.
func TestFormerFormat(t *testing.T) {
	p := derivedPlan(t)
	want, err := Canonical(p.Nodes[2].Scoring)
	if err != nil {
		t.Fatal(err)
	}
	p.FormatVersion, p.Nodes[1].Of, p.Nodes[1].Role, p.Nodes[2].Scoring = "1.0", "", "", nil
	read, err := Read(signed(t, p))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Canonical(read.Nodes[2].Scoring)
	if err != nil {
		t.Fatal(err)
	}
	if n := read.Nodes[1]; n.Of != "evaluate.e" || n.Role != schema.PredictRole || string(got) != string(want) {
		t.Errorf("got %s %s, scored by %s, want %s", n.Of, n.Role, got, want)
	}
	data, err := os.ReadFile("../../spec/plans/1.0/one_attribute.json")
	if err != nil {
		t.Fatal(err)
	}
	if read, err = Read(data); err != nil {
		t.Fatal(err)
	}
	if n := read.Node("evaluate.holdout@champion"); n.Of != "evaluate.holdout" || n.Role != schema.ChampionRole {
		t.Errorf("got %q in the role %q", n.Of, n.Role)
	}
}

// A plan whose containers say their image themselves has fingerprints of another meaning: it is read, of no semantics that are known.
func TestFormerImages(t *testing.T) {
	p := derivedPlan(t)
	p.Nodes[2].Inputs = []Input{}
	data := signed(t, p)
	if _, err := Read(data); err == nil || !strings.Contains(err.Error(), "no image") {
		t.Errorf("a container without an image: got %v", err)
	}
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		t.Fatal(err)
	}
	container := body["nodes"].([]any)[2].(map[string]any)["container"].(map[string]any)
	container["image"], container["image_id"] = "i:1", "sha256:1"
	body["plan_id"] = ""
	id, err := Sum("plan", body)
	if err != nil {
		t.Fatal(err)
	}
	body["plan_id"] = id
	if data, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	read, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if read.PlannerSemantics == Semantics || read.Node("train.m") == nil {
		t.Errorf("got semantics %d", read.PlannerSemantics)
	}
}
