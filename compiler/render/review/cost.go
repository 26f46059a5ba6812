package review

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// cost says how long it will take, from past runs, and which chain of stages decides that; "" where nothing is known.
// Past runs stand in the envelope, since they differ between stores. Work is the sum over stages, as if one ran after
// the other; the chain is a lower bound of the time that an apply takes, however many stages run at once:
//
//	About 12 min of work; the longest chain takes 9 min 30 s: train.model, evaluate.test (from past runs).
func cost(p *plan.Plan) string {
	if p.Envelope == nil {
		return ""
	}
	total := time.Duration(0)
	var unknown []string
	for _, n := range p.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			continue
		}
		if d, ok := p.Envelope.Durations[n.Address]; ok {
			total += time.Duration(d) * time.Millisecond
		} else {
			unknown = append(unknown, render.Line(n.Address))
		}
	}
	if total == 0 {
		return asks(p)
	}
	longest, chain := criticalPath(p)
	s := fmt.Sprintf("About %s of work", render.Duration(total))
	if len(chain) == 1 {
		s += fmt.Sprintf(", of which %s %s", render.Line(chain[0]), render.Duration(longest))
	} else {
		s += fmt.Sprintf("; the longest chain takes %s: %s", render.Duration(longest), strings.Join(render.Shortened(render.Folded(render.Clean(chain)), 6), ", "))
	}
	s += " (from past runs" + scaled(p, chain) + ")."
	unknown = render.Folded(unknown)
	switch n := len(unknown); {
	case n > 3:
		s += fmt.Sprintf(" Not counted: %d stages that have never run.", n)
	case n > 0:
		s += fmt.Sprintf(" Not counted: %s, which %s never run.", strings.Join(unknown, ", "), render.Plural(n, "has", "have"))
	}
	if asked := asks(p); asked != "" {
		s += " " + asked
	}
	return s
}

// asks says what stages ask a cluster for that have no limit of memory of their own; "" where none is set up, or no stage has run there.
//
//	Asks for memory: train.model 6.3 GiB (5.2 GiB used on 12 Nov 2026).
func asks(p *plan.Plan) string {
	var texts []string
	others := 0
	for _, n := range p.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun || n.MemoryMB > 0 || p.Envelope.Used == nil {
			continue
		}
		used, ran := p.Envelope.Used[n.Address]
		if !ran {
			others++
			continue
		}
		mb, _ := p.Asked(n)
		texts = append(texts, fmt.Sprintf("%s %s (%s used on %s)", render.Line(n.Address), render.Bytes(mb<<20), render.Bytes(used.Memory), used.At.UTC().Format("2 Jan 2006")))
	}
	if len(texts) == 0 {
		return ""
	}
	if more := len(texts) - mostAsked; more > 0 {
		texts = append(texts[:mostAsked], fmt.Sprintf("and %d more", more))
	}
	s := "Asks for memory: " + strings.Join(texts, "; ")
	if others > 0 {
		s += fmt.Sprintf("; %d of which nothing is known %s at most", others, render.Bytes(plan.FirstMemoryMB<<20))
	}
	return s + "."
}

// replicas says which stages run several times at once, and what each time takes; "" where none does.
//
//	At once: train.model 4 times, each with 2 GiB of memory and 2 CPUs.
func replicas(p *plan.Plan) string {
	var texts []string
	for _, n := range p.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun || n.Container == nil || n.Container.Replicas < 2 {
			continue
		}
		var each []string
		if n.MemoryMB > 0 {
			each = append(each, render.Bytes(n.MemoryMB<<20)+" of memory")
		}
		if n.CPUs > 0 {
			each = append(each, fmt.Sprintf("%g %s", n.CPUs, render.Plural(int(math.Ceil(n.CPUs)), "CPU", "CPUs")))
		}
		if n.Resources != nil && n.Resources.GPUs > 0 {
			each = append(each, fmt.Sprintf("%d %s", n.Resources.GPUs, render.Plural(n.Resources.GPUs, "GPU", "GPUs")))
		}
		text := fmt.Sprintf("%s %d times", render.Line(n.Address), n.Container.Replicas)
		if len(each) > 0 {
			text += ", each with " + and(each)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	if more := len(texts) - mostAsked; more > 0 {
		texts = append(texts[:mostAsked], fmt.Sprintf("and %d more", more))
	}
	return "At once: " + strings.Join(texts, "; ") + "."
}

// and lists what there is at least one of.
func and(texts []string) string {
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// mostAsked is how many stages are named with what they ask for.
const mostAsked = 6

// mostScaled is how many stages are named whose run is counted otherwise than the recorded one.
const mostScaled = 3

// scaled says of which stages the past run had more or less to do, those of the longest chain first, since they decide.
// An estimate that was made from a run over other data is a guess by proportion; who reads "about 40 s" must be able to
// see that.
func scaled(p *plan.Plan, chain []string) string {
	var names, texts []string
	for _, a := range append(slices.Clone(chain), slices.Sorted(maps.Keys(p.Envelope.Scaled))...) {
		if p.Envelope.Scaled[a] != "" && !slices.Contains(names, a) {
			names = append(names, a)
			texts = append(texts, render.Line(a)+" counted for "+render.Line(p.Envelope.Scaled[a]))
		}
	}
	if more := len(texts) - mostScaled; more > 0 {
		texts = append(texts[:mostScaled], fmt.Sprintf("and %d more", more))
	}
	if len(texts) == 0 {
		return ""
	}
	return "; " + strings.Join(texts, "; ")
}

// criticalPath is the chain of stages to run that takes longest, and how long; stages that take no time are not named.
// Of chains of the same length the first by address counts.
func criticalPath(p *plan.Plan) (time.Duration, []string) {
	w := &walk{nodes: map[string]*plan.Node{}, took: map[string]int64{}, from: map[string]string{}, durations: p.Envelope.Durations}
	for _, n := range p.Nodes {
		w.nodes[n.Address] = n
	}
	last := ""
	for _, n := range p.Nodes {
		if w.visit(n.Address) > w.took[last] {
			last = n.Address
		}
	}
	longest := time.Duration(w.took[last]) * time.Millisecond
	var chain []string
	for a := last; a != ""; a = w.from[a] {
		if w.own(a) > 0 {
			chain = append(chain, a)
		}
	}
	slices.Reverse(chain)
	return longest, chain
}

// walk finds how long it takes until each stage has ended.
type walk struct {
	nodes     map[string]*plan.Node
	took      map[string]int64 // milliseconds until the end of a stage
	from      map[string]string
	durations map[string]int64
}

// own is how long a stage takes by itself: nothing if it does not run.
func (w *walk) own(address string) int64 {
	if n := w.nodes[address]; n == nil || n.Verdict != plan.Run && n.Verdict != plan.MayRun {
		return 0
	}
	return w.durations[address]
}

// visit goes depth first with a stack of its own, for chains may be long. A stage met on the way to itself counts as
// done: plans have no cycles, and a forged one only gets a wrong sum.
func (w *walk) visit(address string) int64 {
	type frame struct {
		address string
		needs   []string
	}
	stack := []frame{{address, w.needs(address)}}
	if _, done := w.took[address]; done {
		return w.took[address]
	}
	w.took[address] = 0
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if len(top.needs) > 0 {
			next := top.needs[0]
			top.needs = top.needs[1:]
			if _, seen := w.took[next]; !seen && w.nodes[next] != nil {
				w.took[next] = 0
				stack = append(stack, frame{next, w.needs(next)})
			}
			continue
		}
		w.settle(top.address)
		stack = stack[:len(stack)-1]
	}
	return w.took[address]
}

// settle adds a stage's own time to the longest way to it. What it needs is settled already; of several ways of the same
// length the first counts, so that the chain that is printed is always the same.
func (w *walk) settle(address string) {
	best, from := int64(0), ""
	for _, need := range w.needs(address) {
		if w.took[need] > best {
			best, from = w.took[need], need
		}
	}
	w.took[address], w.from[address] = best+w.own(address), from
}

// needs are the stages that must be done first: those that something flows in from, and those that are waited for.
func (w *walk) needs(address string) []string {
	n := w.nodes[address]
	if n == nil {
		return nil
	}
	var out []string
	for _, in := range n.Inputs {
		if in.From != "" {
			out = append(out, in.From)
		}
	}
	return append(out, n.After...)
}
