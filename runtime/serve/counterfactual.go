package serve

// How a counterfactual is found.
//
// A counterfactual is the nearest row to a given one that the model decides otherwise, of those that its caller calls possible (S. Wachter, B. Mittelstadt, C. Russell,
// "Counterfactual explanations without opening the black box", Harvard Journal of Law & Technology 31, 2018). The request bounds it: only the features in change move, numbers
// within from and to, and in one direction if one is named, text to a category of among, or where the model reads it by its n-grams to any text of among.
//
//	{"row": {"amount": 900, "contract": "month"}, "predicted": "true",
//	 "change": {"amount": {"from": 0, "to": 1000, "direction": "decrease"}, "contract": {"among": ["year"]}}}
//
// Each number has 51 candidates, from and to and what lies between them at equal distances, rounded to what its type holds; each other feature those of among. All rows that differ
// from the given one in one or two features are looked at, the nearest first, and the first one that is decided as wanted is the answer. The distance is Gower's (Biometrics 27,
// 1971), added up: of a number how far it moved as a share of to - from, of any other feature 1. Rows of one distance are in the order of how many features change, then of the
// features, then of the candidates. So the answer is the nearest of the candidates, the same each time, and no nearer row was passed over but between candidates.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// The steps between the ends of a number, and how many rows a request may make the server look at.
const (
	steps      = 50
	mostLooked = 60000
)

// counterfactualRequest is the body of POST …/counterfactual.
type counterfactualRequest struct {
	Row       jsontext.Value           `json:"row"`
	Change    map[string]allowedChange `json:"change"`
	Predicted *string                  `json:"predicted"` // the class that is wanted
	Score     *scoreRange              `json:"score"`     // or where the score, or the predicted value, is wanted
	AtMost    int                      `json:"at_most"`   // features that change together: 1 or 2, the default
}

// allowedChange bounds one feature.
type allowedChange struct {
	From      *float64         `json:"from"`
	To        *float64         `json:"to"`
	Direction string           `json:"direction"` // "increase", "decrease"; empty: either
	Among     []jsontext.Value `json:"among"`
}

// scoreRange is from one number to another, both included; nil: no bound.
type scoreRange struct {
	From *float64 `json:"from"`
	To   *float64 `json:"to"`
}

// counterfactualAnswer has the row that was found, or that there is none.
type counterfactualAnswer struct {
	ModelName    string            `json:"model_name"`
	ModelVersion string            `json:"model_version"`
	Found        bool              `json:"found"`
	Distance     *float64          `json:"distance,omitempty"`
	Changes      map[string]change `json:"changes,omitempty"`
	Before       prediction        `json:"before"`
	After        *prediction       `json:"after,omitempty"`
	Looked       int               `json:"looked"` // how many rows within the bounds were scored
}

// change is a feature's value before and after.
type change struct {
	From jsontext.Value `json:"from"`
	To   jsontext.Value `json:"to"`
}

const wantCounterfactual = `the body must be {"row": {…}, "change": {"FEATURE": {"from": …, "to": …}, …}, "predicted": "CLASS"}, or "score": {"from": …, "to": …} for "predicted"`

// counterfactual answers POST /v1/models/{model}/counterfactual.
func (s *server) counterfactual(r *http.Request, x *exchange) (any, error) {
	m, err := s.model(r, x)
	if err != nil {
		return nil, err
	}
	text, release, err := s.body(r)
	defer release()
	if err != nil {
		return nil, err
	}
	var q counterfactualRequest
	if err := jsonv2.Unmarshal(text, &q, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, badRequest("%s: %v", wantCounterfactual, err)
	}
	if q.Row.Kind() != '{' {
		return nil, badRequest(wantCounterfactual)
	}
	b := s.newBatch(m)
	if err := b.readRows(newLenientReader([]byte(`{"rows":[` + string(q.Row) + `]}`))); err != nil {
		return nil, err
	}
	if err := s.score(r.Context(), b, x); err != nil {
		return nil, err
	}
	if err := b.refused(); err != nil {
		return nil, err
	}
	f, err := newSearch(b, &q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
	defer cancel()
	answer := &counterfactualAnswer{ModelName: m.name, ModelVersion: m.version, Before: b.prediction(0)}
	return answer, f.find(ctx, answer)
}

// search is one request: the row, and the candidates of the features that may change.
type search struct {
	batch  *batch
	wanted func(*component.Prediction) bool
	moves  [][]move // by feature that may change
	atMost int
	given  map[string]jsontext.Value // the row as it was given
}

// move is one value that a feature may take.
type move struct {
	feature  int
	at       int // its place among the feature's candidates
	distance float64
	text     jsontext.Value
	value    component.Values // of one row
}

// newSearch holds a request to the model.
func newSearch(b *batch, q *counterfactualRequest) (*search, error) {
	f := &search{batch: b, atMost: cmp.Or(q.AtMost, 2)}
	if f.atMost < 1 || f.atMost > 2 {
		return nil, badRequest(`"at_most" is %d; one or two features change together`, q.AtMost)
	}
	var err error
	if f.wanted, err = b.wanted(q); err != nil {
		return nil, err
	}
	if len(q.Change) == 0 {
		return nil, badRequest(`"change" names no feature; say which may change, and within which bounds`)
	}
	if err := jsonv2.Unmarshal(q.Row, &f.given); err != nil {
		return nil, badRequest("%v", err)
	}
	for name := range q.Change {
		if _, known := b.model.columns[name]; !known {
			return nil, badRequest("%s", unknown("feature", name, sortedNames(b.model.columns)))
		}
	}
	looked := 0
	for i, c := range b.model.inputs {
		allowed, asked := q.Change[c.Name]
		if !asked {
			continue
		}
		moves, err := b.movesOf(i, &allowed, f.given[c.Name])
		if err != nil {
			return nil, badRequest("feature %q: %v", c.Name, err)
		}
		for _, other := range f.moves {
			if f.atMost == 2 {
				looked += len(other) * len(moves)
			}
		}
		looked += len(moves)
		f.moves = append(f.moves, moves)
	}
	if looked > mostLooked {
		return nil, badRequest(`%d rows lie within these bounds, more than %d that are looked at; let fewer features change, or "at_most": 1`, looked, mostLooked)
	}
	return f, nil
}

// wanted says which predictions are asked for.
func (b *batch) wanted(q *counterfactualRequest) (func(*component.Prediction) bool, error) {
	classes := b.model.model.Classes()
	switch {
	case (q.Predicted == nil) == (q.Score == nil):
		return nil, badRequest(`give one of "predicted" and "score"`)
	case q.Predicted != nil && !slices.Contains(classes, *q.Predicted):
		return nil, badRequest("%s", unknown("class", *q.Predicted, classes))
	case q.Predicted != nil:
		return func(p *component.Prediction) bool { return p.Decision == *q.Predicted }, nil
	case b.model.model.Task() == schema.Multiclass:
		return nil, badRequest(`a model of several classes has no one score; give "predicted"`)
	case q.Score.From == nil && q.Score.To == nil:
		return nil, badRequest(`"score" has neither "from" nor "to"`)
	}
	low, high := math.Inf(-1), math.Inf(1)
	if q.Score.From != nil {
		low = *q.Score.From
	}
	if q.Score.To != nil {
		high = *q.Score.To
	}
	if low > high {
		return nil, badRequest(`"score" is from %v to %v, which is nothing`, low, high)
	}
	return func(p *component.Prediction) bool { return *p.Score >= low && *p.Score <= high }, nil
}

// movesOf are the candidates of a feature, without the value that it has.
func (b *batch) movesOf(feature int, allowed *allowedChange, has jsontext.Value) ([]move, error) {
	c := b.model.inputs[feature]
	if c.kind == timeKind {
		return nil, errors.New("it is a time, and times do not change here")
	}
	if c.kind == numberKind || c.kind == wholeKind {
		return b.steps(feature, allowed, has)
	}
	if allowed.From != nil || allowed.To != nil || allowed.Direction != "" {
		return nil, fmt.Errorf(`it is %s, which has no "from", "to" or "direction"; list values in "among"`, c.Type)
	}
	among := allowed.Among
	if among == nil && c.kind == boolKind {
		among = []jsontext.Value{jsontext.Value("false"), jsontext.Value("true")}
	}
	if len(among) == 0 {
		return nil, errors.New(`"among" has to list the values that it may take`)
	}
	var out []move
	for _, text := range among {
		v := scalarOf(string(text))
		levels := b.model.model.Levels(feature)
		if c.kind == textKind && v.kind == '"' && levels != nil && !slices.Contains(levels, v.text) {
			return nil, fmt.Errorf("%s is no category that the model was trained on", v)
		}
		m, err := b.move(feature, text, 1)
		if err != nil {
			return nil, err
		}
		if !sameValue(&m.value, b.features[feature]) {
			out = append(out, m)
		}
	}
	return numbered(out), nil
}

// steps are the candidates of a number.
func (b *batch) steps(feature int, allowed *allowedChange, has jsontext.Value) ([]move, error) {
	c := b.model.inputs[feature]
	now := b.features[feature].Num[0]
	switch {
	case allowed.Among != nil:
		return nil, errors.New(`it is a number, which has no "among"; give "from" and "to"`)
	case allowed.From == nil || allowed.To == nil || !(*allowed.From < *allowed.To):
		return nil, errors.New(`give "from" and a greater "to": how far it moved is told as a share of that`)
	case allowed.Direction != "" && allowed.Direction != "increase" && allowed.Direction != "decrease":
		return nil, fmt.Errorf(`"direction" is %q, expected "increase" or "decrease"`, shorten(allowed.Direction))
	case math.IsNaN(now):
		return nil, fmt.Errorf("it is %s in the row, and there is no distance from that", string(has))
	}
	span := *allowed.To - *allowed.From
	var out []move
	for k := range steps + 1 {
		x := *allowed.From + float64(span*float64(k)/steps)
		text := jsontext.Value(c.rounded(x, span))
		if k == 0 || k == steps { // the ends as they are given, which the type must hold
			text = jsontext.Value(strconv.FormatFloat([]float64{*allowed.From, *allowed.To}[k/steps], 'g', -1, 64))
		}
		m, err := b.move(feature, text, 0)
		if err != nil {
			return nil, err
		}
		to := m.value.Num[0]
		m.distance = math.Abs(to-now) / span
		same := to == now || len(out) > 0 && out[len(out)-1].value.Num[0] == to
		if !same && !(allowed.Direction == "increase" && to < now) && !(allowed.Direction == "decrease" && to > now) {
			out = append(out, m)
		}
	}
	return numbered(out), nil
}

// rounded writes a number between two ends as the column has it: whole, with the places of a decimal, or with four digits of the span.
func (c *column) rounded(x, span float64) string {
	places := max(0, 4-int(math.Ceil(math.Log10(span))))
	switch {
	case c.kind == wholeKind:
		places = 0
	case strings.HasPrefix(c.Type, "decimal"):
		places = min(places, c.scale)
	}
	return strconv.FormatFloat(x, 'f', min(places, 300), 64)
}

// move makes a candidate of a JSON value, which must be one of the column's.
func (b *batch) move(place int, text jsontext.Value, distance float64) (move, error) {
	f := &feature{column: b.model.inputs[place]}
	v := scalarOf(string(text))
	if v.null() {
		return move{}, errors.New("null is no value to change to")
	}
	if err := f.add(v); err != nil {
		return move{}, err
	}
	return move{feature: place, distance: distance, text: text, value: f.Values}, nil
}

// sameValue reports whether a candidate is what the row has.
func sameValue(v *component.Values, f feature) bool {
	if v.Text != nil {
		return !f.isNull(0) && v.Text[0] == f.Text[0]
	}
	return v.Num[0] == f.Num[0]
}

// numbered notes each candidate's place.
func numbered(all []move) []move {
	for i := range all {
		all[i].at = i
	}
	return all
}

// find looks at the rows within the bounds, the nearest first, and fills in the answer.
func (f *search) find(ctx context.Context, a *counterfactualAnswer) error {
	if f.wanted(&f.batch.answers[0]) {
		none := 0.0
		a.Found, a.Distance, a.Changes, a.After = true, &none, map[string]change{}, &a.Before
		return nil
	}
	rows := f.rows()
	for from := 0; from < len(rows); from += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := rows[from:min(from+stride, len(rows))]
		answers, err := f.batch.model.model.Score(ctx, len(part), f.values(part))
		if err != nil {
			return fmt.Errorf("scoring with %s %s: %w", f.batch.model.name, f.batch.model.version, err)
		}
		for i := range answers {
			if answers[i].Fault == "" && f.wanted(&answers[i]) {
				a.Looked = from + i + 1
				return f.tell(a, part[i], &answers[i])
			}
		}
	}
	a.Looked = len(rows)
	return nil
}

// rows are all combinations of moves, in the order in which they are looked at.
func (f *search) rows() [][]*move {
	var out [][]*move
	for i, moves := range f.moves {
		for k := range moves {
			out = append(out, []*move{&moves[k]})
		}
		if f.atMost < 2 {
			continue
		}
		for _, others := range f.moves[:i] {
			for o := range others {
				for k := range moves {
					out = append(out, []*move{&others[o], &moves[k]})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b []*move) int {
		order := cmp.Or(cmp.Compare(total(a), total(b)), cmp.Compare(len(a), len(b)))
		for i := 0; order == 0 && i < len(a); i++ {
			order = cmp.Or(cmp.Compare(a[i].feature, b[i].feature), cmp.Compare(a[i].at, b[i].at))
		}
		return order
	})
	return out
}

// total is the distance of a row.
func total(row []*move) float64 {
	sum := 0.0
	for _, m := range row {
		sum += m.distance
	}
	return sum
}

// values are rows by column, with what moves put into each.
func (f *search) values(rows [][]*move) []component.Values {
	out := f.batch.part(0, 1)
	for i := range out {
		v := &out[i]
		if v.Text != nil {
			v.Text, v.Null = slices.Repeat(v.Text, len(rows)), slices.Repeat(v.Null, len(rows))
		} else {
			v.Num = slices.Repeat(v.Num, len(rows))
		}
	}
	for r, row := range rows {
		for _, m := range row {
			v := &out[m.feature]
			if v.Text != nil {
				v.Text[r], v.Null[r] = m.value.Text[0], false
			} else {
				v.Num[r] = m.value.Num[0]
			}
		}
	}
	return out
}

// tell puts the row that was found into the answer.
func (f *search) tell(a *counterfactualAnswer, row []*move, p *component.Prediction) error {
	distance := total(row)
	a.Found, a.Distance, a.Changes = true, &distance, map[string]change{}
	for _, m := range row {
		name := f.batch.model.inputs[m.feature].Name
		a.Changes[name] = change{From: f.given[name], To: m.text}
	}
	found := *f.batch
	found.answers = []component.Prediction{*p}
	after := found.prediction(0)
	after.Missing = slices.DeleteFunc(after.Missing, func(name string) bool { _, changed := a.Changes[name]; return changed })
	a.After = &after
	return nil
}
