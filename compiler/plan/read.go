package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/source"
)

// Read reads a saved plan. It must be of the major version known here; fields that are not known, as later minor versions
// add them, are ignored; those that an earlier one did not have are filled in. The plan_id must be that of the body as it stands in the file, unknown fields included: it tells
// that the file is whole and was not edited, not who wrote it.
//
// A plan is read by several programs, and must say the same to each: no key stands twice or in other capitals (readBody, spelt), no number means
// another one elsewhere, nothing follows the object. What it says must agree with itself (checked). Whether it is what would be planned is
// found out where the state is (planner.Again).
func Read(data []byte) (*Plan, error) {
	body, err := readBody(data)
	if err != nil {
		return nil, err
	}
	var version string
	if json.Unmarshal(body["format_version"], &version) != nil || body["plan_id"] == nil {
		return nil, fmt.Errorf("this is no plan: it has no format_version and plan_id; 'mlp plan --out FILE' writes one")
	}
	if known, _, _ := strings.Cut(FormatVersion, "."); !strings.HasPrefix(version, known+".") {
		return nil, fmt.Errorf("the plan has format %s, and this mlp reads %s.x: make it again, or use the mlp that made it", version, known)
	}
	p := &Plan{}
	if err := source.CheckJSON(data); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	clear, err := Canonical(body) // what is digested
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(clear, p); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", source.JSONError(clear, err))
	}
	body["plan_id"] = json.RawMessage(`""`)
	delete(body, "envelope")
	id, err := Sum("plan", body)
	if err != nil {
		return nil, err
	}
	if id != p.ID {
		return nil, fmt.Errorf("the plan was changed after it was made: plan_id is %s, and the body's digest is %s", p.ID, id)
	}
	if err := p.complete(); err != nil {
		return nil, err
	}
	if err := p.checked(clear); err != nil {
		return nil, fmt.Errorf("the plan is not what an mlp made: %w", err)
	}
	return p, nil
}

// checked holds what was read to what plans are. One of other semantics has its digests of something else; it is shown, and
// never carried out.
func (p *Plan) checked(text json.RawMessage) error {
	if err := wellFormed(reflect.ValueOf(p), "", "it"); err != nil {
		return err
	}
	if err := spelt(p, text); err != nil {
		return err
	}
	if err := p.fillFormer(text); err != nil {
		return err
	}
	if p.PlannerSemantics != Semantics {
		return nil
	}
	return p.consistent()
}

// spelt makes sure that other readers see the same in the text: that all that was read from it stands under exactly the
// names of fields, in whose place this reader takes others that differ by capitals.
func spelt(p *Plan, text json.RawMessage) error {
	back, err := Canonical(p)
	if err != nil {
		return err
	}
	read := func(data []byte) (v any, err error) {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		return v, dec.Decode(&v)
	}
	mine, err := read(back)
	if err != nil {
		return err
	}
	theirs, err := read(text)
	if err != nil {
		return err
	}
	return within(mine, theirs, "it")
}

// within fails with the first value of mine, by path, that theirs does not have. Empty values of mine may be missing in
// theirs, for fields that are left out where they are empty. Numbers are the same if they are the same double.
func within(mine, theirs any, at string) error {
	switch x := mine.(type) {
	case map[string]any:
		y, _ := theirs.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if err := within(x[k], y[k], at+"."+k); err != nil {
				return err
			}
		}
		return nil
	case []any:
		y, _ := theirs.([]any)
		if len(x) != len(y) {
			return fmt.Errorf("%s cannot be read in one way only", at)
		}
		for i := range x {
			if err := within(x[i], y[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case json.Number:
		y, ok := theirs.(json.Number)
		a, errA := x.Float64()
		b, errB := y.Float64()
		if x == y || ok && errA == nil && errB == nil && a == b || theirs == nil && a == 0 {
			return nil
		}
	case nil:
		return nil
	default:
		if mine == theirs || theirs == nil && (mine == "" || mine == false) {
			return nil
		}
	}
	return fmt.Errorf("%s cannot be read in one way only", at)
}

// readBody reads the one JSON object of a file. Keys must be spelt as they are specified and stand once: readers that
// take them otherwise would see another plan than the one that is digested.
func readBody(data []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var body map[string]json.RawMessage
	if err := dec.Decode(&body); err != nil {
		return nil, fmt.Errorf("reading the plan: it is no JSON object: %w", source.JSONError(data, err))
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("reading the plan: something follows its JSON")
	}
	seen := map[string]string{}
	for key := range body {
		if other, ok := seen[strings.ToLower(key)]; ok {
			return nil, fmt.Errorf("reading the plan: it has %q and %q", min(key, other), max(key, other))
		}
		seen[strings.ToLower(key)] = key
	}
	return body, nil
}

// complete makes sure that what every plan has is there, so that no reader has to look for nil nodes and nameless pipelines.
func (p *Plan) complete() error {
	for _, n := range p.Nodes {
		if n == nil || n.Address == "" {
			return fmt.Errorf("reading the plan: a node has no address")
		}
	}
	for _, g := range p.Gates {
		if g == nil || g.Address == "" {
			return fmt.Errorf("reading the plan: a gate has no address")
		}
	}
	for _, r := range p.Releases {
		if r == nil || r.Address == "" {
			return fmt.Errorf("reading the plan: a release has no address")
		}
	}
	if p.Base.Revision < 0 {
		return fmt.Errorf("reading the plan: its base is revision %d, and the first is 1", p.Base.Revision)
	}
	if p.Pipeline == "" || p.Workspace == "" {
		return fmt.Errorf("reading the plan: it names no pipeline and workspace")
	}
	return nil
}
