package workspace

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/stdlib"
)

// Sampled makes plans of the workspace be of a share of each source's rows, and where no workspace was named, names one for that share:
// "sample-0_05" of 0.05. What is no share is a Failure.
func (w *Workspace) Sampled(text string, named bool) (err error) {
	if w.Sample, err = plan.ParseShare(text); err != nil {
		return &Failure{Err: fmt.Errorf("--sample: %w", err)}
	}
	switch {
	case w.Base != "":
		return &Failure{Err: fmt.Errorf("a sample goes by no other workspace: what is recorded in %s is of all rows", w.Base), Hint: "Leave --base out."}
	case !named:
		w.Name = "sample-" + strings.ReplaceAll(w.Sample, ".", "_")
	}
	return nil
}

// fitsSample refuses to carry out a plan in a workspace whose results are of other rows than the plan's: of all where that is of a sample, of a sample
// where that is of all, or of another one. A plan made here fits; a saved one may have been made when the workspace was not there yet.
func (s *Session) fitsSample(p *plan.Plan) error {
	is := s.State.Sample
	if p.Share() == is || !s.State.Recorded() && p.Workspace != "default" {
		return nil
	}
	name := func(share string) string {
		if share == "" {
			return "all rows"
		}
		return "a " + plan.SampleName(share)
	}
	return &Failure{Stale: true, Err: fmt.Errorf("the plan is of %s, and workspace %s of %s", name(p.Share()), s.w.Name, name(is)), Hint: "Nothing was done. Plan again, in a workspace of its own."}
}

// sample is what the session's plans are of. A workspace is of one share for good, so that its results can be compared with each other: another
// one is a Failure, and so is a sample in a workspace that has something of all rows, or where production is.
func (s *Session) sample() (*planner.Sample, error) {
	was, share := s.State.Sample, s.w.Sample
	switch {
	case share == "" && was == "":
		return nil, nil
	case share == "":
		share = was
	case was == share:
	case was != "":
		return nil, &Failure{Err: fmt.Errorf("workspace %s is of a %s, and not of a %s", s.w.Name, plan.SampleName(was), plan.SampleName(share)),
			Hint: "A workspace is of one share. Leave --workspace out for one of the share that you ask for."}
	case s.w.Name == "default":
		return nil, &Failure{Err: fmt.Errorf("a sample is not applied to the workspace default, where production is"), Hint: "Leave --workspace out, or name another."}
	case s.State.Recorded():
		return nil, &Failure{Err: fmt.Errorf("workspace %s has results of all rows, and can be of no sample", s.w.Name), Hint: "Leave --workspace out, or name another."}
	}
	return &planner.Sample{Share: share, Type: &stdlib.Sample().Type}, nil
}
