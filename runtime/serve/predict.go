package serve

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
)

// predictAnswer is the answer to POST /v1/models/{model}/predict, one prediction a row in their order.
type predictAnswer struct {
	ModelName    string       `json:"model_name"`
	ModelVersion string       `json:"model_version"`
	Predictions  []prediction `json:"predictions"`
}

// prediction has the names of the columns of an evaluation's predictions.
type prediction struct {
	Predicted any                `json:"predicted"`         // class, or value of a regression; null with an error
	Score     *float64           `json:"score,omitempty"`   // binary: probability of the positive class
	Scores    map[string]float64 `json:"scores,omitempty"`  // multiclass: probability by class
	Unseen    []string           `json:"unseen,omitempty"`  // features with a category that the model does not know; scored as missing
	Missing   []string           `json:"missing,omitempty"` // features that are null, and fields of the key that are null or not given
	Error     string             `json:"error,omitempty"`   // why the row could not be scored

	ModelPredicted string   `json:"model_predicted,omitempty"` // of a deployment that explores: what the model decides, whatever was decided
	Propensity     *float64 `json:"propensity,omitempty"`      // and with which chance that was decided
	Arm            string   `json:"arm,omitempty"`             // and by whom: modelArm or exploredArm

	ModelVersion string `json:"model_version,omitempty"` // of a row that another model answers than that of the answer as a whole

	Explanation  *explanation            `json:"explanation,omitempty"`  // what the score comes from, where it was asked for
	Explanations map[string]*explanation `json:"explanations,omitempty"` // multiclass: by class
}

// wantRows teaches the form of a request, in every message about a body that has another one.
const wantRows = `the body must be {"rows": [{…}, …]}, a list of objects with one value for each feature`

// predict answers the plain form: rows as JSON objects in, an object for each row out.
//
//	{"rows": [{"tenure": 3, "contract": "month"}, {"tenure": "three", "contract": null}]}
//	→ {…, "predictions": [{"predicted": "true", "score": 0.83},
//	                      {"predicted": null, "error": "feature \"tenure\": expected a number, got the string \"three\""}]}
func (s *server) predict(r *http.Request, x *exchange) (any, error) {
	to, err := s.target(r, x)
	if err != nil {
		return nil, err
	}
	text, release, err := s.body(r)
	defer release()
	if err != nil {
		return nil, err
	}
	a, err := s.scored(r.Context(), to, x, func(b *batch) error { return b.readRows(newLenientReader(text)) })
	if err != nil {
		return nil, err
	}
	m := a.first.model
	answer := predictAnswer{ModelName: m.name, ModelVersion: m.version, Predictions: make([]prediction, a.first.rows)}
	for row := range answer.Predictions {
		b := a.of(row)
		answer.Predictions[row] = b.prediction(row)
		if b == a.other {
			answer.Predictions[row].ModelVersion = b.model.version
		}
	}
	return answer, nil
}

// readRows reads {"rows": [{…}, …]}, and beside them {"explain": true}. The reader is a lenient one.
func (b *batch) readRows(r *reader) error {
	found, asked, fields := false, false, newRowFields(b.model)
	b.reserve(1)
	err := r.object(wantRows, func(name string) error {
		switch {
		case name == "explain" && !asked:
			asked = true
			return b.readExplain(r)
		case name == "explain":
			return badRequest(`"explain" is given twice`)
		case name != "rows":
			return badRequest("%s", unknown("field", name, []string{"explain", "rows"}))
		}
		if found {
			return r.strictly()
		}
		found = true
		return r.list(wantRows, func(int) error { return b.readRow(r, fields) })
	})
	if err != nil {
		return err
	}
	if !found {
		return badRequest(wantRows)
	}
	return r.end()
}

// rowFields are the fields that a row has, of rows one after the other.
type rowFields struct {
	model   *served
	given   []int             // of each field: the number of the last row that has it, from 1
	guess   []int             // by place in a row: which field stood there in the row before
	strange map[string]bool   // of this row: fields that the model does not know; nil if there are none
	told    map[string]string // what was said of names that the model does not know
}

// hints is for how many names it is said what the model has instead: that compares a name with all features.
const hints = 100

// newRowFields is that before the first row: each field is guessed to stand where the model has it. Rows of one request mostly have
// their fields in one order, so that the guess from the row before is right and no name is looked up.
func newRowFields(m *served) *rowFields {
	return &rowFields{model: m, given: make([]int, len(m.fields)), guess: make([]int, 0, len(m.fields)), told: map[string]string{}}
}

// unknown says that the model does not know a field, and of the first hints names what it has.
func (f *rowFields) unknown(name string) string {
	why, told := f.told[name]
	switch {
	case !told && len(f.told) < hints:
		why = unknown("feature", name, f.model.names())
		f.told[name] = why
	case !told:
		why = fmt.Sprintf("there is no feature %q", name)
	}
	return why
}

// at is the field that stands at a place of a row. once: it does not stand there for the second time.
func (f *rowFields) at(place, row int, name string) (at int, known, once bool) {
	if place == len(f.guess) {
		f.guess = append(f.guess, place)
	}
	at, known = f.model.field(name, f.guess[place])
	if !known {
		once = !f.strange[name]
		if f.strange == nil {
			f.strange = map[string]bool{}
		}
		f.strange[name] = true
		return at, known, once
	}
	once = f.given[at] != row+1
	f.guess[place], f.given[at] = at, row+1
	return at, known, once
}

// readRow reads an object with one value for each feature, and the fields of the key that there are.
// A row with a field that the model does not know, or without one of the features, is at fault: a misspelt feature would else be
// scored as missing. The rows after it are scored all the same.
func (b *batch) readRow(r *reader, fields *rowFields) error {
	if err := b.grow(); err != nil {
		return err
	}
	row := b.rows - 1
	if !r.next('{') {
		return badRequest("row %d is no object; %s", row, wantRows)
	}
	text, err := r.raw()
	if err != nil {
		return err
	}
	place := 0
	fields.strange = nil // what a row of many has left is not cleared for each row after it
	for name, value := range members(text) {
		nested := value[0] == '{' || value[0] == '['
		at, known, once := fields.at(place, row, name)
		if !once || nested && !jsontext.Value(value).IsValid() {
			return r.strictly()
		}
		place++
		if known {
			b.readField(row, at, value)
		} else {
			b.faulty(row, func() string { return fields.unknown(name) })
		}
	}
	missing := slices.IndexFunc(fields.given[:len(b.features)], func(last int) bool { return last != row+1 })
	if missing >= 0 {
		b.fault(row, "feature %q is missing; give null where its value is not known", b.features[missing].Name)
	}
	if _, bad := b.faults[row]; bad {
		b.giveUp(row)
		return nil
	}
	if b.values++; b.values == 1 { // it has all features, so that the room is bounded by what the request holds
		b.reserve(min(b.most, 1+(len(r.text)-int(r.d.InputOffset()))/len(text)))
	}
	return nil
}

// reserve makes room for the values of that many rows, in few pieces of memory. Each column gets a part of it with a capacity that
// ends where the next begins (a full slice expression), so that no append runs into another column.
func (b *batch) reserve(rows int) {
	if b.room >= rows {
		return
	}
	b.room = rows
	numbers, texts := make([]float64, b.model.numbers*rows), len(b.features)-b.model.numbers
	levels, nulls := make([]string, texts*rows), make([]bool, texts*rows)
	for i := range b.features {
		f := &b.features[i]
		if f.kind == textKind {
			f.Text, levels = append(levels[:0:rows], f.Text...), levels[rows:]
			f.Null, nulls = append(nulls[:0:rows], f.Null...), nulls[rows:]
		} else {
			f.Num, numbers = append(numbers[:0:rows], f.Num...), numbers[rows:]
		}
	}
}

// giveUp takes back what there is of a row's values.
// The columns hold only rows that are scored; held says which place a row has there, -1 for none.
func (b *batch) giveUp(row int) {
	b.held[row] = -1
	for i := range b.features {
		b.features[i].truncate(b.values)
	}
}

// readField takes one field of a row. A mistake is the row's fault and not the request's: the other rows are scored.
func (b *batch) readField(row, at int, text string) {
	f := &b.model.fields[at]
	if f.key >= 0 {
		b.keys[f.key][row] = text
	}
	if !f.feature {
		return
	}
	if err := b.features[at].add(scalarOf(text)); err != nil {
		b.fault(row, "feature %q: %v", f.name, err)
	}
}

// prediction is the answer for a row, by the model's task: a number; a class with its score; or a class with the score of
// each.
func (b *batch) prediction(row int) prediction {
	p := &b.answers[row]
	if p.Fault != "" {
		return prediction{Error: p.Fault}
	}
	out := prediction{Unseen: b.unseenIn(row), Missing: b.missingIn(row)}
	b.addExplanation(row, &out)
	switch b.model.model.Task() {
	case schema.Regression:
		out.Predicted = *p.Score
	case schema.Binary:
		out.Predicted, out.Score = b.taken(row), p.Score
		if b.decided != nil {
			out.ModelPredicted, out.Propensity, out.Arm = p.Decision, &b.decided[row].propensity, b.decided[row].arm()
		}
	default:
		out.Predicted, out.Scores = p.Decision, make(map[string]float64, len(p.Scores))
		for i, c := range b.model.model.Classes() {
			out.Scores[c] = p.Scores[i]
		}
	}
	return out
}
