package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Part is the part of a module that is planned: the targets, and what they rest on. It is set before Plan.
type Part struct {
	// Targets are addresses, train.model, which stand for all instances of a repeated block, train.model["eu"], or patterns with *,
	// "evaluate.*"; of a try also stages that make images or fetch data, train.model@image. None: all of the module.
	Targets []string
	// Looks: evaluations may look at the rows of a test side though no target names them.
	Looks bool
	// Try: nothing is released and no gate is decided, nor is a test side looked at, whatever the targets say.
	Try bool
}

// targets are the addresses of blocks that the session's part is of, sorted; nil: it is all. A target that means nothing, or what
// runs nothing, is a Failure.
func (s *Session) targets() ([]string, error) {
	if len(s.Part.Targets) == 0 {
		return nil, nil
	}
	out := map[string]bool{}
	for _, t := range s.Part.Targets {
		found, err := s.meant(AddressOf(t))
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			out[a] = true
		}
	}
	return slices.Sorted(maps.Keys(out)), nil
}

// meant are the blocks that one target means: the one of that address, else all instances of the repeated block, else those that
// the pattern fits. A try may be of the stage alone that makes a block's image, or fetches its data.
func (s *Session) meant(t string) ([]string, error) {
	if b := s.Module.Blocks[t]; b != nil {
		return []string{t}, s.runs(b)
	}
	if s.Part.Try && (s.makesImage(t) || s.fetches(t)) {
		return []string{t}, nil
	}
	all := sortedKeys(s.Module.Blocks)
	var out []string
	pattern := address.IsPattern(t)
	for _, a := range all {
		switch b := s.Module.Blocks[a]; {
		case pattern && address.Matches(t, a) && s.runs(b) == nil:
			out = append(out, a)
		case !pattern && strings.HasPrefix(a, t+`["`) && !strings.Contains(a[len(t):], "."):
			if err := s.runs(b); err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	hint := "'mlp graph' lists all addresses."
	if address.IsDerived(t) {
		hint = "A stage that is derived of a block runs with it: name the block. 'mlp run' runs by themselves those that make images of programs, train.model@image, and those that fetch data, source.rows@fetch."
	} else if !pattern {
		for _, a := range all { // a repeated block is called without key
			if name, _, repeated := strings.Cut(a, "["); repeated && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		hint = cmp.Or(suggest.DidYouMean(t, all), hint)
	}
	return nil, &Failure{Err: fmt.Errorf("there is no %s that could run", t), Hint: hint}
}

// runs refuses a block that cannot be a target.
func (s *Session) runs(b *check.Block) error {
	switch {
	case b.TypeSpec.IsGate(), s.Part.Try && b.TypeSpec.IsDeployment():
		if s.Part.Try {
			return &Failure{Err: fmt.Errorf("%s: a try decides no gate and releases nothing", b.Address), Hint: "To release, apply: " + s.w.outsideTry("apply")}
		}
		return &Failure{Err: fmt.Errorf("--target %s: a gate is decided with what it lets pass", b.Address),
			Hint: "Name the deployments behind it, or, to see the figures alone, the evaluations that it reads."}
	case b.TypeSpec.Version == 0 && !b.TypeSpec.IsDeployment():
		return &Failure{Err: fmt.Errorf("%s runs nothing", b.Address), Hint: "Name a block that does: a source, dataset, check, split, feature, training, evaluation, monitor or deployment."}
	}
	return nil
}

// unlooked refuses a plan of a part by which test rows would be looked at that nobody asked to be: each look makes later figures on the
// same rows prove less, and a try of something else must not cost one.
func (s *Session) unlooked(p *plan.Plan) error {
	if len(p.Targets) == 0 || s.Part.Looks {
		return nil
	}
	for _, l := range planner.TestLooks(s.Module, p) {
		switch {
		case s.Part.Try:
			return &Failure{Err: fmt.Errorf("%s would look at the rows of %s, which a try does not", l.Address, l.Rows),
				Hint: "Measure on a validation side, or have the look counted where the gates are: " + s.w.outsideTry("apply --target "+l.Address)}
		case !slices.Contains(p.Targets, l.Address):
			return &Failure{Err: fmt.Errorf("the targets rest on %s, which would look at the rows of %s", l.Address, l.Rows),
				Hint: "Every look makes figures on the same rows prove less. Give --allow-looks to have it, or take what rests on it out of the targets."}
		}
	}
	return nil
}

// Tried is the workspace in which tries of one goes on, by the name of the user: it goes by the one named, so that plans
// are made against what is recorded there, and nothing is recorded in that.
func (w *Workspace) Tried() error {
	user := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(UserName()))
	if strings.Trim(user, "-") == "" {
		return &Failure{Err: errors.New("it is not known whose try this would be: the user has no name"), Hint: "Name a workspace of your own and apply in it: mlp apply --workspace NAME --target ADDRESS"}
	}
	w.tries = w.Name
	w.Base, w.Name = w.Name, "try-"+user
	return nil
}

// outsideTry is a command for the workspace that a try goes by.
func (w *Workspace) outsideTry(rest string) string {
	of := *w
	if w.tries != "" {
		of.Name, of.Base = w.tries, ""
	}
	return of.Command(rest)
}
