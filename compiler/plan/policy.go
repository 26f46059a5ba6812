package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Policy is what a block asks of others, by path: what must hold before something goes on. It decides and runs nothing. The
// state keeps it as it was when it last decided, so that every change of it is told:
//
//	rule[NAME]            the condition, without what only lays it out
//	rule[NAME].severity   "fail" or "warn"
//	rule[NAME].message
//	approval[NAME].from   of whom it is asked, sorted
//	approval[NAME].when   the condition; absent: always
//	after, requires       addresses of what must have passed, sorted
//	champion              the address of the deployment that is compared with
//	rollback.from         who may roll back a release, sorted; absent: whoever may write to the store
//	rollback.rules        names of rules that must hold for what is brought back, sorted
//	requirement[NAME].verified_by  addresses, sorted
//	deploy                of a retraining, the addresses of its deployment
//	when, schedule, timezone, at_most, cool_down, budget   of a retraining, as they are written
//	keep                  how long results are kept that others took the place of; absent: schema.KeepResults
//	variable.X, local.X, each.X    the values that conditions read
type Policy map[string]json.RawMessage

// set sets the value at a path, in canonical form, so that equal policies are equal byte by byte.
func (p Policy) set(path string, v any) error {
	data, err := Canonical(v)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p[path] = data
	return nil
}

// addresses sets a list of addresses, sorted; none for an empty one.
func (p Policy) addresses(path string, all []string) error {
	if len(all) == 0 {
		return nil
	}
	return p.set(path, slices.Sorted(slices.Values(all)))
}

// rules adds conditions and the constants that they read: what is said of the champion is none, since a gate is the same
// gate whoever is live.
func (p Policy) rules(r *Rules) error {
	var known map[string]map[string]json.RawMessage
	if len(r.Known) > 0 {
		if err := json.Unmarshal(r.Known, &known); err != nil {
			return fmt.Errorf("known values of the rules: %w", err)
		}
	}
	for namespace, values := range known {
		for name, v := range values {
			if namespace == "champion" {
				continue
			}
			if err := p.set(namespace+"."+name, v); err != nil {
				return err
			}
		}
	}
	for _, x := range r.Rules {
		path := "rule[" + x.Name + "]"
		if err := p.set(path, Condition(x.Assert)); err != nil {
			return err
		}
		if err := p.set(path+".severity", x.Severity); err != nil {
			return err
		}
		if x.Message != "" {
			if err := p.set(path+".message", x.Message); err != nil {
				return err
			}
		}
	}
	return nil
}

// Policy of a gate. Which model is live is no part of it, only whose champion is compared with (path "champion"). It fails where
// Rules.Known is no JSON object of namespaces.
func (g *Gate) Policy() (Policy, error) {
	p := Policy{}
	if err := p.rules(&g.Rules); err != nil {
		return nil, err
	}
	for _, a := range g.Approvals {
		if err := p.set("approval["+a.Name+"].from", slices.Sorted(slices.Values(a.From))); err != nil {
			return nil, err
		}
		if a.When != "" {
			if err := p.set("approval["+a.Name+"].when", Condition(a.When)); err != nil {
				return nil, err
			}
		}
	}
	if g.Champion != nil {
		if err := p.set("champion", g.Champion.Deploy); err != nil {
			return nil, err
		}
	}
	if err := g.Rollback.policy(p); err != nil {
		return nil, err
	}
	return p, p.addresses("after", g.After)
}

// Policy of a stage. The gate of a deployment is left out: its release has that. A derived stage has the policy of the one
// that it is derived from, and none of its own.
func (n *Node) Policy() (Policy, error) {
	if n.Derived() {
		return nil, nil
	}
	p := Policy{}
	if n.Rules != nil {
		if err := p.rules(n.Rules); err != nil {
			return nil, err
		}
	}
	after := slices.DeleteFunc(slices.Clone(n.After), func(a string) bool { return a == n.Gate })
	return p, p.addresses("requires", after)
}

// Keep is how long results are kept that others took the place of, and the text that says so; without one schema.KeepResults counts.
func (p Policy) Keep() (d time.Duration, said string) {
	_ = json.Unmarshal(p[schema.Keep], &said) // one that is no text, which the schema refuses, says nothing
	d, err := schema.ParseDuration(cmp.Or(said, schema.KeepResults))
	if err != nil { // of a log that was written by hand: nothing is deleted by it
		d = math.MaxInt64
	}
	return d, said
}

// Keep is that of the pipeline whose state this is.
func (st *State) Keep() (d time.Duration, said string) {
	for _, address := range slices.Sorted(maps.Keys(st.Policies)) {
		if d, said := st.Policies[address].Keep(); said != "" {
			return d, said
		}
	}
	return Policy(nil).Keep()
}

// Digest of a policy; of none it is empty.
func (p Policy) Digest() (Digest, error) {
	if len(p) == 0 {
		return "", nil
	}
	return Sum("policy", p)
}

// Renamed is the policy with other names for addresses, wherever they stand as such; conditions are left as they are. p
// is not changed.
func (p Policy) Renamed(name func(string) string) Policy {
	if p == nil {
		return nil
	}
	out := maps.Clone(p)
	for path, v := range p {
		var one string
		var list []string
		switch {
		case path == "champion" && json.Unmarshal(v, &one) == nil:
			out.must(path, name(one))
		case isWait(path) && json.Unmarshal(v, &list) == nil:
			for i := range list {
				list[i] = name(list[i])
			}
			slices.Sort(list)
			out.must(path, list)
		}
	}
	return out
}

// reworded is the policy with other names in conditions.
func (p Policy) reworded(names map[string]string) Policy {
	out := maps.Clone(p)
	for path, v := range p {
		var s string
		if (strings.HasPrefix(path, "rule[") || strings.HasPrefix(path, "approval[") || path == "when") && json.Unmarshal(v, &s) == nil {
			out.must(path, replaceNames(s, names))
		}
	}
	return out
}

// must sets what always encodes.
func (p Policy) must(path string, v any) {
	if err := p.set(path, v); err != nil {
		panic(err)
	}
}

// isWait reports whether the value at a path is a list of addresses: of blocks that are waited for, or that verify a requirement.
func isWait(path string) bool {
	return path == "after" || path == "requires" || path == schema.RetrainedDeploy || strings.HasSuffix(path, ".verified_by")
}

// Condition is a condition without what only lays it out: comments, and white space but in strings. Runs of white space
// become one blank, and none at either end: a rule that was broken over lines asks for the same.
func Condition(text string) string {
	var b strings.Builder
	blank := false
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.HasPrefix(text[i:], "//"):
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
			continue
		case strings.IndexByte(" \t\r\n\f", c) >= 0:
			blank = true
			i++
			continue
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		end := i + 1
		if c == '"' || c == '\'' {
			raw := i > 0 && strings.IndexByte("rR", text[i-1]) >= 0
			end = stringEnd(text, i, raw)
		}
		b.WriteString(text[i:end])
		i = end
	}
	return b.String()
}

// stringEnd is where a string ends that begins at i.
func stringEnd(text string, i int, raw bool) int {
	quote := text[i : i+1]
	if strings.HasPrefix(text[i:], strings.Repeat(quote, 3)) {
		quote = text[i : i+3]
	}
	for j := i + len(quote); j < len(text); j++ {
		if text[j] == '\\' && !raw {
			j++
		} else if strings.HasPrefix(text[j:], quote) {
			return j + len(quote)
		}
	}
	return len(text)
}
