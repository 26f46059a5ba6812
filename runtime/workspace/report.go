package workspace

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	render "github.com/mlp-lang/mlp/compiler/render/report"
	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Reports collects the reports of stages as they were recorded, in the order of the addresses; of none given, of gates, releases, hypotheses, and all stages that have one.
// A stage that is asked for and has none is an error that says why. A gate, a deployment or a problem that is asked for has one of how it was decided.
func (s *Session) Reports(addresses []string) (*render.Document, error) {
	out := &render.Document{Title: s.Pipeline}
	asked := len(addresses) > 0
	if !asked {
		addresses = s.reported()
	}
	for _, address := range addresses {
		e, err := s.report(address)
		if err != nil {
			return nil, err
		}
		if e != nil {
			out.Entries = append(out.Entries, *e)
		} else if asked {
			return nil, &Failure{Err: fmt.Errorf("no report is recorded of %s", address), Hint: s.withReports()}
		}
	}
	if len(out.Entries) == 0 {
		return nil, &Failure{Err: errors.New("no stage that is recorded has a report"), Hint: "An evaluate block writes one: 'mlp docs evaluate'. " + s.w.Command("apply") + " runs what is missing."}
	}
	if len(out.Entries) == 1 {
		out.Title = s.Pipeline + " · " + out.Entries[0].Address
	}
	if s.State.Sample != "" {
		out.Title += " · " + plan.SampleName(s.State.Sample)
	}
	return out, nil
}

// reported are the addresses whose reports are shown where none is asked for: what was decided comes first, then the stages that it rests on.
func (s *Session) reported() []string {
	out := slices.Concat(sortedKeys(s.State.Gates), sortedKeys(s.State.Releases))
	for _, key := range sortedKeys(s.State.Hypotheses) {
		if problem, _, _ := strings.Cut(key, "/"); !slices.Contains(out, problem) {
			out = append(out, problem)
		}
	}
	for _, at := range sortedKeys(s.State.Nodes) {
		if !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// withReports names the stages that have a report, for who asked for another: a sentence.
func (s *Session) withReports() string {
	var have []string
	for _, address := range sortedKeys(s.State.Nodes) {
		if a, err := s.Store.Action(s.State.Nodes[address].Fingerprint); err == nil && a.Report != "" {
			have = append(have, address)
		}
	}
	if len(have) == 0 {
		return "No stage that is recorded has one."
	}
	return "There are reports of " + joinSome(have) + "."
}

// joinSome joins up to ten names: "a, b, c"; of more "… and 12 more".
func joinSome(names []string) string {
	const most = 10
	text := ""
	for i, n := range names[:min(len(names), most)] {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// report is that of one stage; nil where it wrote none.
// Its facts say which result it is of, so that a page that somebody saved can be matched with the store.
func (s *Session) report(address string) (*render.Entry, error) {
	node, ok := s.State.Nodes[address]
	if !ok {
		if e, err := s.decided(address); e != nil || err != nil {
			return e, err
		}
		return nil, s.noStage(address)
	}
	action, err := s.Store.Action(node.Fingerprint)
	if errors.Is(err, store.ErrMissing) || err == nil && action.Report == "" {
		return s.decided(address) // of a deployment that scores a batch
	}
	if err != nil {
		return nil, err
	}
	data, err := s.Store.Get(action.Report)
	if err != nil {
		return nil, s.noReport(address, err)
	}
	r, err := report.Read(data)
	if err != nil {
		return nil, fmt.Errorf("the report of %s: %w", address, err)
	}
	facts := []render.Fact{
		{Name: "result", Value: node.Fingerprint.Short()},
		{Name: "component", Value: action.Component},
		{Name: "recorded", Value: fmt.Sprintf("revision %d of workspace %s", s.State.Revision, s.w.Name)},
	}
	if node.Sample != "" {
		facts = append(facts, render.Fact{Name: "rows", Value: plan.SampleName(node.Sample)})
	}
	return &render.Entry{Address: address, Report: r, Facts: facts}, nil
}

// noStage is the error of an address that is no recorded stage. Of a gate or a deployment something may be recorded, and no result.
func (s *Session) noStage(address string) error {
	_, gate := s.State.Gates[address]
	if _, release := s.State.Releases[address]; gate || release {
		return &Failure{Err: fmt.Errorf("%s is no stage, and has no result of its own", address), Hint: s.w.Command("show "+address) + " shows what is recorded of it."}
	}
	return s.NotRecorded(address)
}

// noReport says how a report that is lost is made again.
func (s *Session) noReport(address string, err error) error {
	err = fmt.Errorf("the report of %s: %w", address, err)
	if errors.Is(err, store.ErrMissing) {
		return &Failure{Err: err, Hint: "To have it made again: " + s.w.Command("apply --force "+address)}
	}
	return err
}
