package serve

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component"
)

// served is one version of one model, with what requests need of it made ready. Requests keep it while they run, whatever is
// released meanwhile.
type served struct {
	name    string
	version string
	digest  plan.Digest
	model   component.Model
	inputs  []*column
	numbers int            // how many of the inputs are no text
	columns map[string]int // places of the features by name
	key     []string       // fields of a request that tell who it is about; they need not be features
	fields  []field        // of a row: the features in their order, then the fields of the key that are none
	places  map[string]int // of the fields by name
	outputs []output
	own     int    // how many of the fields this model and its key have; behind them are those of another (beside)
	route   string // of the rows that it answers: "live", or the role of a candidate

	in *inRollout // of a canary and of the model beside it; nil: neither

	recorded *recorded // the layout of the log of predictions; nil without one
	explored *explored // which rows are decided otherwise by chance; nil: none

	scored prometheus.Counter // rows, as in metrics
	failed prometheus.Counter
	took   prometheus.Observer
}

// inRollout is a step of a canary.
type inRollout struct {
	revision int64   // in which its rollout began
	share    float64 // of the rows, in percent
}

// field is one that a row may have.
type field struct {
	name    string
	feature bool
	key     int // its place in the key, -1 if it is none of it
}

// newServed makes a model ready. A field that is a feature and of the key is one field with both marks; fields of the key alone come
// behind the features.
func (s *server) newServed(name string, digest plan.Digest, model component.Model, key []string) *served {
	m := &served{name: name, version: VersionOf(digest), digest: digest, model: model, columns: map[string]int{}, key: key,
		places: map[string]int{}, outputs: outputsOf(model),
		scored: s.metrics.rows.WithLabelValues(name, VersionOf(digest)), failed: s.metrics.failed.WithLabelValues(name, VersionOf(digest)),
		took: s.metrics.scoring.WithLabelValues(name, VersionOf(digest))}
	for i, c := range model.Inputs() {
		column := newColumn(c)
		if column.kind != textKind {
			m.numbers++
		}
		m.inputs = append(m.inputs, column)
		m.columns[c.Name], m.places[c.Name] = i, i
		m.fields = append(m.fields, field{c.Name, true, slices.Index(key, c.Name)})
	}
	for i, k := range key {
		if _, known := m.places[k]; !known {
			m.places[k] = len(m.fields)
			m.fields = append(m.fields, field{k, false, i})
		}
	}
	m.own, m.route = len(m.fields), liveRoute
	return m
}

// field is the place of the field of that name; guess is where it is likely to be.
// A right guess saves the hash of the name; a wrong one costs a comparison.
func (m *served) field(name string, guess int) (place int, known bool) {
	if guess < len(m.fields) && m.fields[guess].name == name {
		return guess, true
	}
	place, known = m.places[name]
	return place, known
}

// names of all that a request may give.
func (m *served) names() []string { return sortedNames(m.places) }
