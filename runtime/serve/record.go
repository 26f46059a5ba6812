package serve

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Sink keeps what was answered. A row is a JSON object with those of the columns that are not null.
type Sink interface {
	// Append returns when the rows are durable, or with the reason why they are not.
	Append(ctx context.Context, deployment string, columns []schema.Column, rows [][]byte) error
}

// recorded are the columns of a deployment's log of predictions, and where a row's values come from.
type recorded struct {
	columns  []schema.Column
	keys     []int // of the fields of the key that are no features, after the first four columns
	features []int // places of those that are logged, after the keys
}

// Columns of the log itself; those of what was answered are named as outputs are (outputsOf).
var ownColumns = []schema.Column{{Name: "request_id", Type: "varchar"}, {Name: "request_row", Type: "integer"}, {Name: "requested_at", Type: "timestamp"}, {Name: "model", Type: "varchar"}}

// records lays out the log of a model by its signature. A feature that the signature marks as personal, or does not have, is left out: what
// is not known to be harmless is not written down.
func (m *served) records(signature *schema.Model) (*recorded, error) {
	out := &recorded{columns: slices.Clone(ownColumns)}
	for i, name := range m.key {
		if _, isFeature := m.columns[name]; !isFeature {
			out.keys = append(out.keys, i)
			out.columns = append(out.columns, schema.Column{Name: name, Type: "varchar"})
		}
	}
	for i, c := range m.inputs {
		if harmless(signature, c.Name) {
			out.features = append(out.features, i)
			out.columns = append(out.columns, schema.Column{Name: c.Name, Type: c.recordedAs()})
		}
	}
	for _, o := range m.outputs {
		kind := "varchar"
		if o.datatype == "FP64" {
			kind = "double"
		}
		out.columns = append(out.columns, schema.Column{Name: o.name, Type: kind})
	}
	seen := map[string]bool{}
	for _, c := range out.columns {
		name := strings.ToLower(c.Name)
		if seen[name] {
			return nil, fmt.Errorf("its predictions cannot be logged: a feature or field of the key has the name of the log's column %q", c.Name)
		}
		seen[name] = true
	}
	return out, nil
}

// harmless says of a feature that it is known, and not marked as personal.
func harmless(signature *schema.Model, name string) bool {
	return signature != nil && slices.ContainsFunc(signature.Features, func(c schema.Column) bool { return c.Name == name && !c.PII })
}

// recordedAs is the type that a feature has in the log: that of what the model was given, so numbers that it takes as floats are double.
func (c *column) recordedAs() string {
	switch {
	case c.kind == boolKind:
		return "boolean"
	case c.kind == textKind:
		return "varchar"
	case c.kind == timeKind && c.Type == "date":
		return "date"
	case c.kind == timeKind:
		return "timestamp"
	case c.kind == wholeKind && c.low > -1<<53 && c.high < 1<<53:
		return "bigint"
	}
	return "double"
}

// record keeps what is answered, before it is answered. A request whose rows cannot be kept is answered with 503: a log with holes would
// be taken for the whole.
func (s *server) record(ctx context.Context, b *batch, x *exchange) error {
	if s.Predictions == nil || b.rows == 0 {
		return nil
	}
	rows := make([][]byte, b.rows)
	for row := range rows {
		rows[row] = b.recorded(row, x)
	}
	if err := s.Predictions.Append(ctx, b.model.name, b.model.recorded.columns, rows); err != nil {
		if ctx.Err() == nil {
			s.warnf("a request is refused, since what is answered cannot be kept: %v", err)
		}
		return &failure{http.StatusServiceUnavailable, "the answer could not be logged, and what is not logged is not answered; try again in a moment"}
	}
	return nil
}

// recorded is a row as the log has it: an object without the columns that are null.
func (b *batch) recorded(row int, x *exchange) []byte {
	l, at := b.model.recorded, 0
	line := []byte{'{'}
	add := func(value []byte) {
		if value != nil {
			if len(line) > 1 {
				line = append(line, ',')
			}
			line = append(append(append(line, quoted(l.columns[at].Name)...), ':'), value...)
		}
		at++
	}
	add(quoted(x.id))
	add(strconv.AppendInt(nil, int64(row), 10))
	add(quoted(x.at.UTC().Format(instant)))
	add(quoted(string(b.model.digest)))
	for _, i := range l.keys {
		var value []byte
		if text, given := plain(b.keys[i][row]).(string); given {
			value = quoted(text)
		}
		add(value)
	}
	for _, i := range l.features {
		add(b.features[i].recorded(b.held[row]))
	}
	for _, o := range b.model.outputs {
		add(answered(o.of(b, row)))
	}
	return append(line, '}')
}

// instant is how a timestamp is written: to the microsecond, in UTC.
const instant = "2006-01-02 15:04:05.000000"

// recorded is a feature's value of a row in JSON; nil of a null, and of a row without values.
func (f *feature) recorded(at int) []byte {
	if at < 0 || f.isNull(at) {
		return nil
	}
	if f.kind == textKind {
		return quoted(f.Text[at])
	}
	n := f.Num[at]
	switch f.recordedAs() {
	case "boolean":
		return strconv.AppendBool(nil, n != 0)
	case "bigint":
		return strconv.AppendInt(nil, int64(n), 10)
	case "date":
		return quoted(moment(n).Format(time.DateOnly))
	case "timestamp":
		return quoted(moment(n).Format(instant))
	}
	return number(n)
}

// moment is a time of that many seconds since 1970, to the microsecond.
func moment(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

// answered is an output in JSON; nil of none.
func answered(v any) []byte {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case float64:
		return number(v)
	}
	return nil
}

// number is a float in JSON, with the digits that give it back.
func number(n float64) []byte { return strconv.AppendFloat(nil, n, 'g', -1, 64) }

// quoted is text in JSON. Text that is not UTF-8 was refused when it was read.
func quoted(text string) []byte {
	out, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return nil
	}
	return out
}
