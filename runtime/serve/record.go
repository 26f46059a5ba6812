package serve

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/packed"
)

// Sink keeps what was answered.
type Sink interface {
	// Append returns when the rows, which are packed (package packed), are durable, or with the reason why they are not. It keeps nothing of their memory.
	Append(ctx context.Context, deployment string, columns []schema.Column, rows []byte) error
}

// recorded are the columns of a deployment's log of predictions, and where a row's values come from.
type recorded struct {
	columns  []schema.Column
	keys     []int // of the fields of the key that are no features, after the log's own columns
	features []int // places of those that are logged, after the keys
}

// Columns of the log itself; those of what was answered are named as outputs are (outputsOf).
var ownColumns = []schema.Column{{Name: "request_id", Type: "varchar"}, {Name: "request_row", Type: "integer"}, {Name: "requested_at", Type: "timestamp"}, {Name: "model", Type: "varchar"}, {Name: "route", Type: "varchar"}, {Name: "rollout", Type: "bigint"}, {Name: "rollout_share", Type: "double"}}

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
	if s.Predictions == nil || b.rows == b.away {
		return nil
	}
	memory := rowMemory.Get().(*[]byte)
	*memory = b.recorded((*memory)[:0], x)
	within, ended := s.step(ctx, "keep", b)
	err := s.Predictions.Append(within, b.model.name, b.model.recorded.columns, *memory)
	ended(err)
	if cap(*memory) <= mostRowMemory {
		rowMemory.Put(memory)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.warnf("a request is refused, since what is answered cannot be kept: %v", err)
		}
		return &failure{http.StatusServiceUnavailable, "the answer could not be logged, and what is not logged is not answered; try again in a moment"}
	}
	return nil
}

// rowMemory is memory for the rows of requests, which is used again where it is not large.
var rowMemory = sync.Pool{New: func() any { return new([]byte) }}

const mostRowMemory = 64 << 10

// recorded adds the rows as the log has them.
func (b *batch) recorded(to []byte, x *exchange) []byte {
	l, requested := b.model.recorded, x.at.UnixMicro()
	for row := range b.rows {
		if b.held[row] == elsewhere {
			continue
		}
		r := packed.Begin(to, len(l.columns))
		r.Text(0, x.id)
		r.Integer(1, int64(row))
		r.Integer(2, requested)
		r.Text(3, string(b.model.digest))
		r.Text(4, b.model.route)
		if in := b.model.in; in != nil {
			r.Integer(5, in.revision)
			r.Double(6, in.share)
		}
		at := len(ownColumns)
		for _, i := range l.keys {
			if text, given := plain(b.keys[i][row]).(string); given {
				r.Text(at, text)
			}
			at++
		}
		if held := b.held[row]; held >= 0 {
			for j, i := range l.features {
				if f := &b.features[i]; !f.isNull(held) {
					f.recorded(&r, at+j, l.columns[at+j].Type, held)
				}
			}
		}
		at += len(l.features)
		for _, o := range b.model.outputs {
			switch v := o.of(b, row).(type) {
			case string:
				r.Text(at, v)
			case float64:
				r.Double(at, v)
			}
			at++
		}
		to = r.End()
	}
	return to
}

// recorded is a feature's value, which is not null, as the log's column has it.
func (f *feature) recorded(r *packed.Row, column int, as string, at int) {
	if f.kind == textKind {
		r.Text(column, f.Text[at])
		return
	}
	n := f.Num[at]
	switch as {
	case "boolean":
		r.Boolean(column, n != 0)
	case "bigint":
		r.Integer(column, int64(n))
	case "date":
		r.Integer(column, int64(math.Floor(n/secondsOfDay)))
	case "timestamp":
		r.Integer(column, moment(n).UnixMicro())
	default:
		r.Double(column, n)
	}
}

const secondsOfDay = 24 * 60 * 60

// moment is a time of that many seconds since 1970, to the microsecond.
func moment(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

// quoted adds text in JSON. Text that is not UTF-8 was refused when it was read.
func quoted(to []byte, text string) []byte {
	out, err := jsontext.AppendQuote(to, text)
	if err != nil {
		return append(to, "null"...)
	}
	return out
}
