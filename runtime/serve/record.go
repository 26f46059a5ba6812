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
	labels   [][]byte // of each column: "name":
	keys     []int    // of the fields of the key that are no features, after the log's own columns
	features []int    // places of those that are logged, after the keys
	width    int      // bytes that a row mostly does not exceed
}

// Columns of the log itself; those of what was answered are named as outputs are (outputsOf).
var ownColumns = []schema.Column{{Name: "request_id", Type: "varchar"}, {Name: "request_row", Type: "integer"}, {Name: "requested_at", Type: "timestamp"}, {Name: "model", Type: "varchar"}, {Name: "route", Type: "varchar"}}

// records lays out the log of a model by its signature. A feature that the signature marks as personal, or does not have, is left out: what
// is not known to be harmless is not written down.
func (m *served) records(signature *schema.Model) (*recorded, error) {
	out := &recorded{columns: slices.Clone(ownColumns), width: len(m.digest)}
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
		label := append(quoted(nil, c.Name), ':')
		out.labels, out.width = append(out.labels, label), out.width+len(label)+len("-0.1234567890123456,")
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
	if s.Predictions == nil || b.rows == b.away {
		return nil
	}
	rows := b.recorded(x)
	within, ended := s.step(ctx, "keep", b)
	err := s.Predictions.Append(within, b.model.name, b.model.recorded.columns, rows)
	ended(err)
	if err != nil {
		if ctx.Err() == nil {
			s.warnf("a request is refused, since what is answered cannot be kept: %v", err)
		}
		return &failure{http.StatusServiceUnavailable, "the answer could not be logged, and what is not logged is not answered; try again in a moment"}
	}
	return nil
}

// recorded are the rows as the log has them: objects without the columns that are null. All share one piece of memory.
func (b *batch) recorded(x *exchange) [][]byte {
	l, n := b.model.recorded, b.rows-b.away
	out, ends, common := make([]byte, 0, n*(l.width+len(x.id))), make([]int, 0, n), 0
	for row := range b.rows {
		if b.held[row] == elsewhere {
			continue
		}
		if common == 0 {
			out = b.common(out, x)
			common = len(out)
		} else {
			out = append(out, out[:common]...)
		}
		out = strconv.AppendInt(out, int64(row), 10)
		at := len(ownColumns)
		for _, i := range l.keys {
			if text, given := plain(b.keys[i][row]).(string); given {
				out = quoted(l.label(out, at), text)
			}
			at++
		}
		if held := b.held[row]; held >= 0 {
			for j, i := range l.features {
				if f := &b.features[i]; !f.isNull(held) {
					out = f.recorded(l.label(out, at+j), l.columns[at+j].Type, held)
				}
			}
		}
		at += len(l.features)
		for _, o := range b.model.outputs {
			switch v := o.of(b, row).(type) {
			case string:
				out = quoted(l.label(out, at), v)
			case float64:
				out = number(l.label(out, at), v)
			}
			at++
		}
		out = append(out, '}')
		ends = append(ends, len(out))
	}
	rows, from := make([][]byte, len(ends)), 0
	for i, end := range ends {
		rows[i], from = out[from:end:end], end
	}
	return rows
}

// common adds what all rows of a request begin with, up to the number of the row.
func (b *batch) common(to []byte, x *exchange) []byte {
	l := b.model.recorded
	to = quoted(append(append(to, '{'), l.labels[0]...), x.id)
	to = append(x.at.UTC().AppendFormat(append(l.label(to, 2), '"'), instant), '"')
	to = quoted(l.label(to, 3), string(b.model.digest))
	to = quoted(l.label(to, 4), b.model.route)
	return l.label(to, 1)
}

// label adds the name of a column to a row that has others before it.
func (l *recorded) label(to []byte, column int) []byte {
	return append(append(to, ','), l.labels[column]...)
}

// instant is how a timestamp is written: to the microsecond, in UTC.
const instant = "2006-01-02 15:04:05.000000"

// recorded adds a feature's value, which is not null, as the log's column has it.
func (f *feature) recorded(to []byte, as string, at int) []byte {
	if f.kind == textKind {
		return quoted(to, f.Text[at])
	}
	n := f.Num[at]
	switch as {
	case "boolean":
		return strconv.AppendBool(to, n != 0)
	case "bigint":
		return strconv.AppendInt(to, int64(n), 10)
	case "date":
		return quoted(to, moment(n).Format(time.DateOnly))
	case "timestamp":
		return quoted(to, moment(n).Format(instant))
	}
	return number(to, n)
}

// moment is a time of that many seconds since 1970, to the microsecond.
func moment(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

// number adds a float in JSON, with the digits that give it back.
func number(to []byte, n float64) []byte { return strconv.AppendFloat(to, n, 'g', -1, 64) }

// quoted adds text in JSON. Text that is not UTF-8 was refused when it was read.
func quoted(to []byte, text string) []byte {
	out, err := jsontext.AppendQuote(to, text)
	if err != nil {
		return append(to, "null"...)
	}
	return out
}
