package planner

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Durations are how long each stage of a plan is expected to take, in milliseconds, by address: as long as its recorded run, which took
// is asked for by fingerprint, times what this run has more of. That is what the component says its work grows with (schema.Attr.Scales),
// and bytes of the files that it and what it rests on are read from. Why says of those that are counted otherwise by what:
// "trees 100 → 5000, 2 × the data".
func Durations(m *check.Module, recorded *plan.State, p *plan.Plan, took func(plan.Digest) (int64, bool)) (expected map[string]int64, why map[string]string) {
	e := &expecting{module: m, recorded: recorded, nodes: map[string]*plan.Node{}, data: map[string]float64{}}
	for _, n := range p.Nodes {
		e.nodes[n.Address] = n
	}
	expected, why = make(map[string]int64, len(p.Nodes)), map[string]string{}
	for _, n := range p.Nodes {
		before, ok := recorded.Nodes[n.Address]
		if !ok {
			continue
		}
		ms, ok := took(before.Fingerprint)
		if !ok {
			continue
		}
		if n.Verdict == plan.Run || n.Verdict == plan.MayRun {
			factor, reasons := e.scale(n, &before)
			ms = int64(float64(ms) * factor)
			if len(reasons) > 0 {
				why[n.Address] = strings.Join(reasons, ", ")
			}
		}
		expected[n.Address] = ms
	}
	return expected, why
}

// expecting estimates how long stages take, from their last run and from what has changed since. The estimate is linear
// and rough: it is there to tell minutes from days. It stands in the envelope, so that no id depends on it.
type expecting struct {
	module   *check.Module
	recorded *plan.State
	nodes    map[string]*plan.Node
	data     map[string]float64 // by address: how much more data a stage reads than its recorded run did
}

// mostScaled bounds what is believed: a run a million times as long is a mistake somewhere.
const mostScaled = 1e6

// scale is by how much longer a stage takes than its recorded run, and why: attributes that scale (trees 100 → 200) and the
// size of what it reads. The factors are multiplied.
func (e *expecting) scale(n *plan.Node, before *plan.NodeState) (factor float64, why []string) {
	factor = 1
	if b := e.module.Blocks[n.Address]; b != nil && b.Block != nil && b.TypeSpec != nil && before.Type == n.Type {
		for _, f := range diff.Fields(before.Config, n.Config) {
			a := diff.Attribute(f.Path, &b.TypeSpec.Body)
			if a == nil || !a.Scales {
				continue
			}
			if was, is := amount(f.Before, a), amount(f.After, a); was > 0 && is > 0 {
				factor *= is / was
				why = append(why, fmt.Sprintf("%s %g → %g", a.Name, was, is))
			}
		}
	}
	if data := e.more(n.Address); math.Abs(data-1) > 0.05 {
		factor *= data
		why = append(why, fmt.Sprintf("%.2g × the data", data))
	}
	return min(factor, mostScaled), why
}

// amount is an attribute's number, its default where nobody gives one; 0 if there is none.
func amount(v json.RawMessage, a *schema.Attr) float64 {
	x, _ := a.Default.(float64)
	if len(v) > 0 && json.Unmarshal(v, &x) != nil {
		return 0
	}
	return x
}

// more is how many times as many bytes lie outside of what a stage rests on as when it was recorded: of its own files,
// else the mean over its inputs. 1 where that is not known.
func (e *expecting) more(address string) float64 {
	if x, ok := e.data[address]; ok {
		return x
	}
	e.data[address] = 1 // of what is not known, and of a stage that a forged plan has rest on itself
	n, before := e.nodes[address], e.recorded.Nodes[address]
	if n == nil {
		return 1
	}
	sum, inputs := 0.0, 0
	for _, in := range n.Inputs {
		switch {
		case in.External != nil:
			if was, is := bytesOf(before.External[in.Port]), bytesOf(in.External); was > 0 && is > 0 {
				sum, inputs = sum+is/was, inputs+1
			}
		case in.From != "":
			sum, inputs = sum+e.more(in.From), inputs+1
		}
	}
	if inputs > 0 {
		e.data[address] = sum / float64(inputs)
	}
	return e.data[address]
}

// bytesOf is the size of files from outside, 0 if there are none.
func bytesOf(x *plan.External) float64 {
	if x == nil {
		return 0
	}
	var size int64
	for _, f := range x.Files {
		size += f.Size
	}
	return float64(size)
}
