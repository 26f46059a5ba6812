package planner

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// What will happen to a node is decided in steps, each of which one thing decides. A node begins as declared: what it is stands, and so does
// its definition. It ends in one of the verdicts of a plan.
//
//	                    resultGiven (by a test of the module)
//	          ┌──────────────────────────────────────────────┐
//	          │             inputsKnown           resultFound ▼
//	declared ─┼────────────────────────► sought ──────────► held ───► cached, moved, metadata
//	          │ inputUnknown              │  │ resultTaken
//	          ├─────────► waiting         │  └────────────► taken ──► cached, moved, metadata, accepted
//	          │            │  │ mustRun   │ mustRun
//	          │ failedUp   │  └──► run ◄──┘
//	          ▼            │ mayBeSpared
//	       blocked         └──► may_run               recorded ──► remove
//
// Of train.model whose params changed all inputs are known: it is sought, nothing is recorded by its new fingerprint, it must run.
// evaluate.test behind it waits for the model. It may be spared, since its own definition is the recorded one and the new model may
// turn out to be the old, byte by byte. Behind a check that is known to have failed it would be blocked, whatever else holds.
//
// A result is held that is recorded by the node's own fingerprint. One is taken that another definition made, by an acceptance: an accept
// block, or one that is recorded already. Held and taken differ in what is told: what is held has no acceptance, and of what is taken
// by an acceptance that is new the verdict is accepted.
//
// transitions is all of that. What it does not have is refused (fate.on), so that no node gets a second verdict, or one that contradicts what
// is known of it. Before a plan is handed out, each node must have the verdict that its fate led to (unsettled).

// state is how far the fate of a node is decided: one of those below, or an end, which has the name of its verdict.
type state string

const (
	declared state = "declared" // it stands in the module, or is derived of what does
	waiting  state = "waiting"  // an input is not known yet
	sought   state = "sought"   // all inputs are known, and with them its fingerprint: a recorded result is looked for
	held     state = "held"     // its own result is recorded, or a test gives one
	taken    state = "taken"    // the result of a former definition stands in for its own
	recorded state = "recorded" // it is in the state, and nowhere in the module
)

// event is what is found out about a node.
type event string

const (
	failedUp        event = "failedUp"        // what must have passed before it is known to have failed
	inputUnknown    event = "inputUnknown"    // what flows in is not made yet
	inputsKnown     event = "inputsKnown"     // the digests of all inputs are known
	mayBeSpared     event = "mayBeSpared"     // what flows in may turn out to be what it was
	mustRun         event = "mustRun"         // nothing recorded may stand in for a run
	resultGiven     event = "resultGiven"     // a test of the module says what it yields
	resultFound     event = "resultFound"     // a result is recorded by its fingerprint
	resultTaken     event = "resultTaken"     // a recorded result is accepted in place of its own
	nothingNew      event = "nothingNew"      // all is recorded as it is
	newAddress      event = "newAddress"      // the result is recorded under a former address
	newDescription  event = "newDescription"  // something changed that decides no result
	otherDefinition event = "otherDefinition" // the acceptance is not recorded yet
	leftModule      event = "leftModule"      // no block stands for it
)

// transitions has for each state where each event leads. What is no key is an end.
var transitions = map[state]map[event]state{
	declared: {
		failedUp:     state(plan.Blocked),
		inputUnknown: waiting,
		inputsKnown:  sought,
		resultGiven:  held,
	},
	waiting: {
		mayBeSpared: state(plan.MayRun),
		mustRun:     state(plan.Run),
	},
	sought: {
		mustRun:     state(plan.Run),
		resultFound: held,
		resultTaken: taken,
	},
	held: {
		nothingNew:     state(plan.Cached),
		newAddress:     state(plan.Moved),
		newDescription: state(plan.Metadata),
	},
	taken: {
		nothingNew:      state(plan.Cached),
		newAddress:      state(plan.Moved),
		newDescription:  state(plan.Metadata),
		otherDefinition: state(plan.Accepted),
	},
	recorded: {
		leftModule: state(plan.Remove),
	},
}

// fate is how far it is decided what will happen to one node. It is made by begin and ends with a verdict.
type fate struct {
	node *plan.Node
	at   state
	err  error // of the first event that could not be
}

// begin takes a node into the plan. Each address begins once.
func (p *planner) begin(n *plan.Node, at state) *fate {
	f := &fate{node: n, at: at}
	if p.fates[n.Address] != nil {
		f.err = fmt.Errorf("mlp has a defect: %s is planned twice", n.Address)
	}
	p.nodes[n.Address], p.fates[n.Address] = n, f
	return f
}

// on moves the fate on. At an end the node has its verdict. An acceptance is left with a node only where a result is,
// or may be, taken by it. An event that cannot be is kept as an error, which unsettled returns: a defect must not
// become a plan.
func (f *fate) on(e event) {
	next, ok := transitions[f.at][e]
	if !ok || f.err != nil {
		if f.err == nil {
			f.err = fmt.Errorf("mlp has a defect: %s is %s, and then %s", f.node.Address, f.at, e)
		}
		return
	}
	f.at = next
	switch next {
	case held, state(plan.Blocked), state(plan.Run):
		f.node.Accepted = nil
	}
	if f.ended() {
		f.node.Verdict = plan.Verdict(next)
	}
}

// ended reports whether the node has its verdict.
func (f *fate) ended() bool { return transitions[f.at] == nil }

// unsettled says of the first node, by address, whose fate went wrong or came to no end what is wrong with it; nil if each has the
// verdict that its fate led to.
func (p *planner) unsettled() error {
	for _, address := range sortedKeys(p.nodes) {
		n, f := p.nodes[address], p.fates[address]
		switch {
		case f == nil || f.node != n:
			return fmt.Errorf("mlp has a defect: nothing is decided of %s", address)
		case f.err != nil:
			return f.err
		case !f.ended():
			return fmt.Errorf("mlp has a defect: %s has no verdict, it is %s", address, f.at)
		case n.Verdict != plan.Verdict(f.at):
			return fmt.Errorf("mlp has a defect: %s is %s, and was decided to be %s", address, n.Verdict, f.at)
		}
	}
	return nil
}
