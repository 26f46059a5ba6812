package plan

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// saved is a small signed plan as a file.
func saved(t *testing.T) string {
	t.Helper()
	p := &Plan{FormatVersion: FormatVersion, PlannerSemantics: Semantics, Pipeline: "p", Workspace: "default", Changes: []Change{},
		Nodes: []*Node{{Address: "train.m", Kind: "train", Type: "m", Verdict: Run, Config: json.RawMessage(`{"rate":1e-3,"name":"<b>"}`), Inputs: []Input{}, Outputs: []Output{}}},
		Gates: []*Gate{}, Releases: []*Release{}, Envelope: &Envelope{CreatedAt: time.Unix(0, 0).UTC()}}
	var err error
	if p.Nodes[0].Definition, err = p.Nodes[0].Define(); err != nil {
		t.Fatal(err)
	}
	p.Nodes[0].Fingerprint = Fingerprint(p.Nodes[0].Definition, nil)
	if err := p.Sign(); err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestReadBack(t *testing.T) {
	p, err := Read([]byte(saved(t)))
	if err != nil {
		t.Fatal(err)
	}
	if p.Nodes[0].Address != "train.m" || p.Verify() != nil {
		t.Errorf("got %+v, %v", p, p.Verify())
	}
}

// Time, host and layout are no part of what a plan is.
func TestEnvelopeIsNoPartOfThePlan(t *testing.T) {
	text := strings.Replace(saved(t), "1970-01-01T00:00:00Z", "2031-01-01T00:00:00+07:00", 1)
	if _, err := Read([]byte(strings.ReplaceAll(text, "\n", "\r\n\t"))); err != nil {
		t.Error(err)
	}
}

// A later minor version may have added a field: it is ignored, and still part of what is digested.
func TestFieldsOfLaterVersions(t *testing.T) {
	var tree map[string]json.RawMessage
	if err := json.Unmarshal([]byte(saved(t)), &tree); err != nil {
		t.Fatal(err)
	}
	tree["format_version"], tree["weather"], tree["plan_id"] = json.RawMessage(`"1.7"`), json.RawMessage(`"fine"`), json.RawMessage(`""`)
	delete(tree, "envelope")
	id, err := Sum("plan", tree)
	if err != nil {
		t.Fatal(err)
	}
	tree["plan_id"] = json.RawMessage(`"` + id + `"`)
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(data); err != nil {
		t.Error(err)
	}
	if _, err := Read([]byte(strings.Replace(string(data), "fine", "foul", 1))); err == nil {
		t.Error("an edited field of a later version: got no error")
	}
}

func TestReadRefuses(t *testing.T) {
	good := saved(t)
	first, err := os.ReadFile("../../spec/plans/1.0/first.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ text, want string }{
		"nothing":                 {"", "no JSON object"},
		"a list":                  {"[]", "no JSON object"},
		"half a file":             {good[:len(good)/2], "no JSON object"},
		"something else":          {`{"a":1}`, "no plan"},
		"more behind it":          {good + "{}", "follows"},
		"another major version":   {strings.Replace(good, FormatVersion, "2.0", 1), "format 2.0"},
		"a version like no other": {strings.Replace(good, FormatVersion, "10.0", 1), "format 10.0"},
		"an edited verdict":       {strings.Replace(good, `"run"`, `"cached"`, 1), "was changed"},
		"an edited number":        {strings.Replace(good, `1e-3`, `1e-4`, 1), "was changed"},
		"another id":              {strings.Replace(good, `"plan_id": "blake3:`, `"plan_id": "blake3:0`, 1), "was changed"},
		"a key in capitals":       {strings.Replace(good, `"nodes"`, `"Nodes": [], "nodes"`, 1), `"Nodes" and "nodes"`},
		"a node without address":  {resigned(t, good, `"train.m"`, `""`), "no address"},
		"no node at all":          {resigned(t, good, `"gates":[]`, `"gates":[null]`), "no address"},
		"no pipeline":             {resigned(t, good, `"pipeline":"p"`, `"pipeline":""`), "no pipeline"},
		"an output's name":        {resigned(t, good, `"gates":[]`, `"gates":[],"outputs":{"x\u001b[2J":{"value":1}}`), "no name"},
		"files by another folder": {resigned(t, string(first), `"external":{"files"`, `"external":{"dir":"../..","files"`), "root module"},
		"a number for a name":     {resigned(t, good, `"pipeline":"p"`, `"pipeline":7`), "reading the plan"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that holds %q", err, tt.want)
			}
		})
	}
}

// resigned edits a plan and gives it the id that fits, as somebody would who forges one.
func resigned(t *testing.T, text, old, new string) string {
	t.Helper()
	data, err := Canonical(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("no %s in %s", old, data)
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal([]byte(strings.Replace(string(data), old, new, 1)), &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "envelope")
	tree["plan_id"] = json.RawMessage(`""`)
	id, err := Sum("plan", tree)
	if err != nil {
		t.Fatal(err)
	}
	tree["plan_id"] = json.RawMessage(`"` + id + `"`)
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
