package serve

import (
	"fmt"
	"net/http"

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
}

const wantRows = `the body must be {"rows": [{…}, …]}, a list of objects with one value for each feature`

// predict answers the plain form: rows as JSON objects in, an object for each row out.
func (s *server) predict(r *http.Request, x *exchange) (any, error) {
	m, err := s.model(r, x)
	if err != nil {
		return nil, err
	}
	text, release, err := s.body(r)
	defer release()
	if err != nil {
		return nil, err
	}
	b := s.newBatch(m)
	if err := b.readRows(newReader(text)); err != nil {
		return nil, err
	}
	if err := s.score(r.Context(), b, x); err != nil {
		return nil, err
	}
	answer := predictAnswer{ModelName: m.name, ModelVersion: m.version, Predictions: make([]prediction, b.rows)}
	for row := range answer.Predictions {
		answer.Predictions[row] = b.prediction(row)
	}
	return answer, nil
}

// readRows reads {"rows": [{…}, …]}.
func (b *batch) readRows(r *reader) error {
	found := false
	err := r.object(wantRows, func(name string) error {
		if name != "rows" {
			return badRequest("%s", unknown("field", name, []string{"rows"}))
		}
		found = true
		return r.list(wantRows, func(int) error { return b.readRow(r) })
	})
	if err != nil {
		return err
	}
	if !found {
		return badRequest(wantRows)
	}
	return r.end()
}

// readRow reads an object with one value for each feature, and the fields of the key that there are.
func (b *batch) readRow(r *reader) error {
	if err := b.grow(); err != nil {
		return err
	}
	row, given := b.rows-1, make([]bool, len(b.features))
	err := r.object(fmt.Sprintf("row %d is no object; %s", row, wantRows), func(name string) error {
		return b.readField(r, row, name, given)
	})
	if err != nil {
		return err
	}
	for i, ok := range given {
		if !ok {
			b.fault(row, "feature %q is missing; give null where its value is not known", b.features[i].Name)
		}
	}
	return nil
}

// readField takes one field of a row. A mistake is the row's fault and not the request's: the other rows are scored.
func (b *batch) readField(r *reader, row int, name string, given []bool) error {
	i, isFeature := b.model.columns[name]
	key := b.model.keyAt(name)
	if !isFeature && key < 0 {
		b.fault(row, "%s", unknown("feature", name, b.model.names()))
		return r.skip()
	}
	text, err := r.raw()
	if err != nil {
		return err
	}
	if key >= 0 {
		b.keys[key][row] = text
	}
	if !isFeature {
		return nil
	}
	given[i] = true
	if err := b.features[i].set(row, scalarOf(text)); err != nil {
		b.fault(row, "feature %q: %v", name, err)
	}
	return nil
}

// scalarOf is a value by its text, which is valid JSON.
func scalarOf(text jsontext.Value) scalar {
	v := scalar{kind: text.Kind()}
	switch v.kind {
	case '"':
		unquoted, _ := jsontext.AppendUnquote(nil, text)
		v.text = string(unquoted)
	case '[', '{':
	default:
		v.text = string(text)
	}
	return v
}

// prediction is the answer for a row, by the model's task: a number; a class with its score; or a class with the score of
// each.
func (b *batch) prediction(row int) prediction {
	p := &b.answers[row]
	if p.Fault != "" {
		return prediction{Error: p.Fault}
	}
	out := prediction{Unseen: b.unseenIn(row), Missing: b.missingIn(row)}
	switch b.model.model.Task() {
	case schema.Regression:
		out.Predicted = *p.Score
	case schema.Binary:
		out.Predicted, out.Score = p.Decision, p.Score
	default:
		out.Predicted, out.Scores = p.Decision, make(map[string]float64, len(p.Scores))
		for i, c := range b.model.model.Classes() {
			out.Scores[c] = p.Scores[i]
		}
	}
	return out
}
