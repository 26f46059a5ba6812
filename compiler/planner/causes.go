package planner

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/policy"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// causes compares a node with what is recorded of it. Every difference is kept, but for defaults of its type that came
// or went with what somebody wrote. t is the type of the node's block, nil where it has none. They come in this order:
// component, configuration, form of inputs, inputs, metadata; each by path.
// A cause is told once, where the text that made it stands: of a fetch, and of predictions, the configuration is that
// of another block's text, and From names the block.
func (p *planner) causes(n *plan.Node, before *plan.NodeState, t *schema.Type) []plan.Cause {
	var out []plan.Cause
	if before.Kind != n.Kind || before.Type != n.Type {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: "type", Before: text(before.Type), After: text(n.Type)})
	} else if before.Version != n.Version {
		out = append(out, plan.Cause{Kind: plan.ComponentCause, Before: number(before.Version), After: number(n.Version)})
	} else if before.Engine != n.Engine {
		out = append(out, plan.Cause{Kind: plan.ComponentCause, Path: "engine", Before: text(before.Engine), After: text(n.Engine)})
	}
	fields := diff.Fields(before.Config, n.Config)
	for i, f := range fields {
		fields[i].Weaker = policy.Loosened(n.HasVerdict(), f.Path, f.Before, f.After)
	}
	if before.Type == n.Type {
		fields = diff.Written(before.Config, n.Config, fields, t)
	}
	for _, f := range fields {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: f.Path, Before: f.Before, After: f.After, Weaker: f.Weaker})
	}
	for i, c := range out {
		if in := n.Remote(); c.Path == "image" && in != nil && in.Digest != "" && in.Digest == before.Inputs[in.Port] {
			out[i].Kind = plan.MetadataCause // another name of the same image
		} else if c.Path == "replicas" && before.Container != nil && n.Container != nil && before.Container.Replicas == n.Container.Replicas {
			out[i].Kind = plan.MetadataCause // one, said or not
		} else if c.Kind == plan.ConfigCause && saidByInputs(n, before, c.Path) {
			out[i].Kind = plan.MetadataCause // another way to name the same files
		}
	}
	if n.Role == schema.PredictRole && before.Container != nil {
		out = append(out, configCauses(commandOf(before.Container), commandOf(n.Container))...)
	}
	inputs := p.inputCauses(n, before)
	whose := ""
	if model := n.ModelInput(); n.Role == schema.PredictRole && model != nil {
		whose = model.From
	} else if n.Fetches() || n.Role == schema.TrialRole || n.Role == schema.ImageRole {
		whose = n.Of
	}
	for _, list := range [][]plan.Cause{out, inputs} {
		for i, c := range list {
			if whose != "" && (c.Kind == plan.ConfigCause || c.Kind == plan.ImageCause || c.Kind == plan.CodeCause || n.Role == schema.TrialRole && (c.Kind == plan.ComponentCause || c.Kind == plan.WiringCause)) {
				list[i].From = whose // whose block says it
			}
		}
	}
	if before.Definition != n.Definition {
		out = append(out, formCauses(n, before, slices.ContainsFunc(append(slices.Clone(out), inputs...), func(c plan.Cause) bool {
			return c.Kind != plan.MetadataCause && !predicts(n, c)
		}))...)
	}
	return append(append(out, inputs...), metaCauses(before.Meta, n.Meta)...)
}

// saidByInputs reports whether an attribute says of what a program's image is made, or where its code is, and both are what they were.
func saidByInputs(n *plan.Node, before *plan.NodeState, path string) bool {
	attr, _, _ := strings.Cut(path, "[")
	if n.Container == nil || n.Role != "" || !slices.Contains([]string{"image", "archive", "base", "python", "requirements", "lock", "index", "script", "files"}, attr) {
		return false
	}
	for _, port := range []string{schema.CodePort, plan.ImagePort} {
		in := n.Input(port)
		if in == nil && port == schema.CodePort && before.Inputs[port] == "" {
			continue // all is in the image
		}
		if in == nil || in.Digest == "" || in.Digest != before.Inputs[port] {
			return false
		}
	}
	return before.Definition == n.Definition
}

// typeOf is the type of the block at an address; nil where no block stands, as at stages that are derived.
func (p *planner) typeOf(address string) *schema.Type {
	if b := p.m.Blocks[address]; b != nil && b.Block != nil {
		return b.TypeSpec
	}
	return nil
}

// formCauses say of which inputs the form is another: of columns, types, order, marks. That is what is left of a
// definition when all else is compared; of what an earlier version recorded no more is known than that. told says that
// something else explains the new definition, so that nothing need be said in general.
func formCauses(n *plan.Node, before *plan.NodeState, told bool) []plan.Cause {
	var out []plan.Cause
	if before.Forms != nil {
		forms := n.Forms()
		for _, in := range n.Inputs {
			if was, ok := before.Forms[in.Port]; ok && was != forms[in.Port] {
				out = append(out, plan.Cause{Kind: plan.SchemaCause, Path: in.Port, From: in.From})
			}
		}
	}
	if len(out) == 0 && !told {
		out = append(out, plan.Cause{Kind: plan.SchemaCause})
	}
	return out
}

// metaCauses compares what decides no result: description, time-out, retries, resources. States of earlier versions say nothing of it, and what
// they do not say has not changed.
func metaCauses(before, now json.RawMessage) []plan.Cause {
	if len(before) == 0 || len(now) == 0 {
		return nil
	}
	out := configCauses(before, now)
	for i := range out {
		out[i].Kind = plan.MetadataCause
	}
	return out
}

// predicts reports whether a cause is the command that scores the stage's model: it runs others, not the stage itself.
func predicts(n *plan.Node, c plan.Cause) bool {
	return n.Container != nil && n.Role != schema.PredictRole && c.Kind == plan.ConfigCause && (c.Path == "predict" || strings.HasPrefix(c.Path, "predict["))
}

// commandOf is what a container runs in the words of the block of the model that it scores: {"predict": ["python",
// "predict.py"], "network": "none"}. So causes of predictions have the paths that the text has.
func commandOf(c *plan.Container) json.RawMessage {
	return encode(map[string]any{"predict": c.Command, "network": c.Network})
}

// inputCauses compares the inputs: other wiring, other data from outside, other content from above. An input that is
// not known yet is among them, as it may be another.
func (p *planner) inputCauses(n *plan.Node, before *plan.NodeState) []plan.Cause {
	var out []plan.Cause
	for _, in := range n.Inputs {
		if of, role := address.Of(in.From); of == n.Address && role != "" && address.Role(role) == string(schema.TrialRole) && before.Wiring[in.Port] == "" {
			continue // the configuration says how many there are
		}
		wired := in.From + ":" + in.FromPort
		was, had := before.Wiring[in.Port]
		switch {
		case in.External != nil:
			if in.Digest == before.Inputs[in.Port] {
				continue
			}
			switch {
			case in.Port == schema.CodePort:
				out = append(out, p.codeCauses(n.Address, before.External[in.Port], in.External)...)
			case n.Container != nil:
				c := plan.Cause{Kind: plan.ImageCause, Path: in.External.Root, After: optional(in.External.Version)}
				if e := before.External[in.Port]; e != nil {
					c.Before = optional(e.Version)
				}
				out = append(out, c)
			default:
				out = append(out, plan.Cause{Kind: plan.DataCause, Path: in.External.Root,
					Before: dataSummary(before.External[in.Port], before.Inputs[in.Port], nil), After: dataSummary(in.External, in.Digest, before.External[in.Port])})
			}
		case in.From != "" && had && was != wired, in.From != "" && !had:
			out = append(out, plan.Cause{Kind: plan.WiringCause, Path: in.Port, Before: text(was), After: text(wired)})
		case in.Digest == "" || in.Digest != before.Inputs[in.Port]:
			c := plan.Cause{Kind: plan.InputCause, Path: in.Port, From: in.From}
			if in.Digest != "" && had {
				c.Before, c.After = text(string(before.Inputs[in.Port])), text(string(in.Digest))
			}
			out = append(out, c)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(before.Wiring)) {
		list := strings.Contains(port, ".") // which the configuration has: it says that one is gone
		if !list && !slices.ContainsFunc(n.Inputs, func(in plan.Input) bool { return in.Port == port }) {
			out = append(out, plan.Cause{Kind: plan.WiringCause, Path: port, Before: text(before.Wiring[port])})
		}
	}
	return out
}

// configCauses compares two configurations attribute by attribute, by path.
func configCauses(before, after json.RawMessage) []plan.Cause {
	var out []plan.Cause
	for _, f := range diff.Fields(before, after) {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: f.Path, Before: f.Before, After: f.After})
	}
	return out
}

// encode is canonical JSON of what came from JSON.
func encode(v any) json.RawMessage {
	data, err := plan.Canonical(v)
	if err != nil {
		return json.RawMessage("null") // v came from JSON, so this cannot be
	}
	return data
}

// text is a string as JSON.
func text(s string) json.RawMessage { return encode(s) }

// optional is a text as JSON, or absent where it is empty.
func optional(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return text(s)
}

// number is a whole number as JSON.
func number(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

// dataSummary says of files what a reviewer compares: how many, how large, which digest, and which differ from former ones.
// Of the text that the plan shows, "1 file, 9 bytes (17762f) → 2 files, 1234567 bytes (10e5cf)", these are the parts.
// Without what was recorded (e is nil) the digest alone is known.
func dataSummary(e *plan.External, digest plan.Digest, since *plan.External) json.RawMessage {
	if e == nil {
		return text(string(digest))
	}
	if e.Remote {
		return encode(map[string]any{"version": cmp.Or(e.Version, "not known")})
	}
	var size int64
	for _, f := range e.Files {
		size += f.Size
	}
	out := map[string]any{"files": len(e.Files), "bytes": size, "digest": digest}
	if rows, newest, ok := logged(e, nil); ok {
		out["rows"], out["newest"] = rows, newest
		if since != nil { // what came and what is no longer kept, in place of names that say nothing to people
			out["came"], _, _ = logged(e, since)
			out["gone"], _, _ = logged(since, e)
			return encode(out)
		}
	}
	for word, names := range filesChanged(since, e) {
		out[word] = names
	}
	return encode(out)
}

// logged are the rows of the tables of a log that are not among others, which may be nil, and when the newest of them began: the tables' names tell. False of other files.
func logged(e, others *plan.External) (rows int64, newest string, ok bool) {
	known := map[string]bool{}
	if others != nil {
		for _, f := range others.Files {
			known[f.Name] = true
		}
	}
	for _, f := range e.Files {
		t, logged := schema.ParseLogged(f.Name)
		if !logged {
			return 0, "", false
		}
		if !known[f.Name] {
			rows, newest = rows+t.Rows, max(newest, t.Began.UTC().Format("2006-01-02T15:04Z"))
		}
	}
	return rows, newest, len(e.Files) > 0
}

// filesChanged are the names of files that are new, other or gone, at most a few of each.
// The keys of the map are "added", "changed" and "removed"; a file that was renamed is in two of them.
func filesChanged(before, after *plan.External) map[string][]string {
	// Of a folder of 100,000 files the names would make the plan unreadable; the number of all is told beside.
	const most = 20
	out := map[string][]string{}
	if before == nil || after == nil {
		return out
	}
	was, is := map[string]plan.Digest{}, map[string]plan.Digest{}
	for _, f := range before.Files {
		was[f.Name] = f.Digest
	}
	for _, f := range after.Files {
		is[f.Name] = f.Digest
	}
	note := func(word, name string) {
		if len(out[word]) < most {
			out[word] = append(out[word], name)
		}
	}
	for _, name := range sortedKeys(is) {
		if d, ok := was[name]; !ok {
			note("added", name)
		} else if d != is[name] {
			note("changed", name)
		}
	}
	for _, name := range sortedKeys(was) {
		if _, ok := is[name]; !ok {
			note("removed", name)
		}
	}
	return out
}

// sortedKeys are the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
