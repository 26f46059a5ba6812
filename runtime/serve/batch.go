package serve

// How a request is scored.
//
// Both routes, /predict with rows and /infer with tensors, fill a batch, by column, and share all that follows.
//
//  1. The body is read and decoded as it stands. What makes the request as a whole unclear (no JSON, a name that stands twice, a parameter
//     that nobody reads) is answered with 400, and nothing is scored.
//  2. Each value is held to its feature's type. A row with a wrong or missing value gets a fault, and the others go on.
//  3. The rows are scored, 4096 at a time; in between, a request whose client has gone is given up.
//  4. The answer has one prediction a row, in the order of the rows, or the row's fault in place of one. Only a request none of whose rows
//     could be scored is answered with 400.
//  5. Rows with a category that the model was not trained on, or with a null, are scored; the answer names the features, and metrics
//     count the rows.
//
// For example, with the features amount (number) and merchant (text):
//
//	{"rows": [{"amount": 12.5, "merchant": "M1"}, {"merchant": "M1"}]}
//
// The first row is scored; the second has the error: feature "amount" is missing; give null where its value is not known.

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/runtime/component"
)

// batch is the rows of a request as they are read: the values of the model's features by column, those of the
// deployment's key, and of the rows that cannot be scored why not. One bad row does not lose the others.
//
// Rows of predict that cannot be scored have no values, so that what is held is bounded by what the request gives: a hundred thousand rows {}
// of a model of a thousand features hold nothing.
type batch struct {
	model     *served
	rows      int
	most      int // rows that a request may have
	features  []feature
	held      []int          // of each row the place of its values, -1 if it has none, or elsewhere
	away      int            // how many rows are elsewhere
	values    int            // how many rows have values
	room      int            // for how many there is at least
	keys      [][]string     // by field of the key and row, as JSON; "": the request does not give the field
	faults    map[int]string // by row: the first thing that is wrong in it
	answers   []component.Prediction
	decided   []decided               // by row, of what is answered by a deployment that explores
	explain   bool                    // whether it was asked what the scores come from
	explained []component.Explanation // by place of the row's values; nil if it was not
	unseen    map[string]int          // by feature: rows scored with a category that the model was not trained on
	missing   map[string]int          // by feature and field of the key: rows scored without a value
}

// newBatch is a batch without rows, for one request.
func (s *server) newBatch(m *served) *batch {
	b := &batch{model: m, most: s.MaxRows, keys: make([][]string, len(m.key)), faults: map[int]string{}, features: make([]feature, len(m.inputs))}
	for i, c := range m.inputs {
		b.features[i].column = c
	}
	return b
}

// grow adds a row, whose values are where they will be if all of them are right.
func (b *batch) grow() error {
	if b.rows == b.most {
		return &failure{413, fmt.Sprintf("there are more than %d rows; send fewer at a time", b.most)}
	}
	for i := range b.keys {
		b.keys[i] = append(b.keys[i], "")
	}
	b.held = append(b.held, b.values)
	b.rows++
	return nil
}

// fault notes what is wrong with a row.
func (b *batch) fault(row int, format string, args ...any) {
	b.faulty(row, func() string { return fmt.Sprintf(format, args...) })
}

// faulty is fault by a text that is made only if it is the first.
func (b *batch) faulty(row int, why func() string) {
	if _, known := b.faults[row]; !known {
		b.faults[row] = why()
	}
}

// scored at a time, between looks at whether anybody waits for the answer.
const stride = 4096

// score fills in the answers, one a row.
func (b *batch) score(ctx context.Context) error {
	// Rows are scored stride by stride, so that a request that is given up ends soon.
	scored := make([]component.Prediction, 0, b.values)
	for from := 0; from < b.values; from += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		part, err := b.model.model.Score(ctx, min(stride, b.values-from), b.part(from, min(from+stride, b.values)))
		if err != nil {
			return fmt.Errorf("scoring with %s %s: %w", b.model.name, b.model.version, err)
		}
		scored = append(scored, part...)
	}
	if len(scored) != b.values {
		return fmt.Errorf("scoring with %s %s: %d predictions for %d rows", b.model.name, b.model.version, len(scored), b.values)
	}
	b.answers = make([]component.Prediction, b.rows)
	for row, at := range b.held {
		if at == elsewhere {
			continue
		}
		if why, bad := b.faults[row]; bad {
			b.answers[row] = component.Prediction{Fault: why}
			continue
		}
		b.answers[row] = scored[at]
		if why := scored[at].Fault; why != "" {
			b.fault(row, "%s", why)
		}
	}
	return nil
}

// refused is a 400 with the fault of the first row, where there are rows and none of them could be scored.
func (b *batch) refused() error {
	if n := b.rows - b.away; n == 0 || len(b.faults) < n {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(b.faults)))
	return badRequest("row %d: %s", first, b.faults[first])
}

// elsewhere is the place of the values of a row that another model answers.
const elsewhere = -2

// keep leaves the rows of which mine says this: all others are elsewhere, and have no values and no faults here.
func (b *batch) keep(mine []bool, this bool) {
	places := make([]int, 0, b.values)
	for row, at := range b.held {
		switch {
		case mine[row] != this:
			b.held[row] = elsewhere
			b.away++
			delete(b.faults, row)
		case at >= 0:
			b.held[row] = len(places)
			places = append(places, at)
		}
	}
	for i := range b.features {
		b.features[i].keep(places)
	}
	b.values = len(places)
}

// part are the values of rows from (included) to (not included), by feature in the model's order: Num of numbers, booleans
// and times, with NaN for null; Text with Null beside it.
func (b *batch) part(from, to int) []component.Values {
	out := make([]component.Values, len(b.features))
	for i := range b.features {
		f := &b.features[i]
		if f.kind == textKind {
			out[i] = component.Values{Text: f.Text[from:to], Null: f.Null[from:to]}
		} else {
			out[i] = component.Values{Num: f.Num[from:to]}
		}
	}
	return out
}

// count fills in how many rows were scored in spite of something.
func (b *batch) count() {
	b.unseen, b.missing = map[string]int{}, map[string]int{}
	for row := range b.answers {
		if b.answers[row].Fault != "" || b.held[row] == elsewhere {
			continue
		}
		for _, name := range b.unseenIn(row) {
			b.unseen[name]++
		}
		for _, name := range b.missingIn(row) {
			b.missing[name]++
		}
	}
}

// isNull reports whether a field of a key, as JSON, says nothing: it is null, or was not given.
func isNull(v string) bool { return v == "" || v == "null" }

// unseenIn are the features of a row whose category the model was not trained on.
func (b *batch) unseenIn(row int) (names []string) {
	for _, i := range b.answers[row].Unseen {
		names = append(names, b.features[i].Name)
	}
	return names
}

// missingIn are the features of a row that has values which are null, and the fields of the key that are null or not given.
func (b *batch) missingIn(row int) (names []string) {
	for i := range b.features {
		if b.features[i].isNull(b.held[row]) {
			names = append(names, b.features[i].Name)
		}
	}
	for i, name := range b.model.key {
		if _, isFeature := b.model.columns[name]; !isFeature && isNull(b.keys[i][row]) {
			names = append(names, name)
		}
	}
	return names
}

// orNull is a number, or null where there is none.
func orNull(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}
