package serve

// How the control share of a deployment is drawn.
//
// A decision keeps the labels of its rows from coming: a payment that is blocked is never charged back. So of the rows that a model decides so, a share is decided
// otherwise, by chance, and what becomes of them stands for all (stdlib/monitor/performance). Of a model whose "true" blocks, with a share of 0.03:
//
//	model   decided  propensity  arm
//	false   false    1           model       what the model lets through is let through
//	true    true     0.97        model
//	true    false    0.03        explored
//	true    true     1           model       a row within a limit ("never") is no matter of chance
//
// Propensity is the chance of what was decided, given the row. Chance is a hash of the model with the row's key, or with its request and its place there: every server draws
// alike, and a request that is sent again under its id is answered again as it was.

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
)

// explored is the control share of a model that is served.
type explored struct {
	asked     *schema.Exploration
	of, other string // the decision of which a share is drawn, and what is decided in its place
	byRequest bool
	limits    []limit
}

// limit is of a feature's values, or of the score.
type limit struct {
	schema.ExplorationLimit
	feature int // -1: the score
}

// decided is what was decided of a row.
type decided struct {
	class      string
	propensity float64
	explored   bool
}

const (
	modelArm    = "model"    // rows that are decided as the model does
	exploredArm = "explored" // those that are decided otherwise
)

// Outputs of a deployment that explores.
const (
	modelPredicted = "model_predicted"
	propensity     = "propensity"
	arm            = "arm"
)

func (d *decided) arm() string {
	if d.explored {
		return exploredArm
	}
	return modelArm
}

// as is what was asked for; nil of none.
func (e *explored) as() *schema.Exploration {
	if e == nil {
		return nil
	}
	return e.asked
}

// String says what is done, for the log of the server.
func (e *explored) String() string {
	return fmt.Sprintf("of rows that it decides %q, %.6g %% are decided %q, by chance", e.of, 100*e.asked.Share, e.other)
}

// explores is the control share of a model, or why it can have none.
func (m *served) explores(asked *schema.Exploration) (*explored, error) {
	var columns []schema.Column
	for _, c := range m.inputs {
		columns = append(columns, c.Column)
	}
	if _, why := asked.Problem(m.model.Task(), columns); why != "" {
		return nil, fmt.Errorf("its exploration: %s", why)
	}
	classes := m.model.Classes()
	e := &explored{asked: asked, of: asked.Of, byRequest: asked.By == schema.ByRequest || len(m.key) == 0}
	if e.of == "" {
		e.of = classes[len(classes)-1]
	}
	at := slices.Index(classes, e.of)
	if at < 0 || len(classes) != 2 {
		return nil, fmt.Errorf("its exploration is of %q, and it decides %q", e.of, classes)
	}
	e.other = classes[1-at]
	for _, l := range asked.Never {
		e.limits = append(e.limits, limit{l, slices.IndexFunc(columns, func(c schema.Column) bool { return c.Name == l.Name })})
	}
	return e, nil
}

// outputsWhere are the outputs of a model whose rows are explored: before the last, which has errors, what tells of it. Rows of a shadow are not decided by it, and have a
// propensity as little as an arm; those of a model that explores nothing are decided so for sure.
func outputsWhere(outputs []output) []output {
	n := len(outputs) - 1
	of := func(name, datatype string, value func(d *decided, class string) any) output {
		return output{name, datatype, func(b *batch, row int) any {
			switch {
			case b.answers[row].Fault != "":
				return nil
			case b.decided != nil:
				return value(&b.decided[row], b.answers[row].Decision)
			case b.model.explored == nil:
				return value(&decided{propensity: 1}, b.answers[row].Decision)
			}
			return value(nil, b.answers[row].Decision)
		}}
	}
	return append(slices.Clone(outputs[:n]),
		of(modelPredicted, "BYTES", func(_ *decided, class string) any { return class }),
		of(propensity, "FP64", func(d *decided, _ string) any {
			if d == nil {
				return nil
			}
			return d.propensity
		}),
		of(arm, "BYTES", func(d *decided, _ string) any {
			if d == nil {
				return nil
			}
			return d.arm()
		}), outputs[n])
}

// taken is what was decided of a row that is scored.
func (b *batch) taken(row int) string {
	if b.decided != nil {
		return b.decided[row].class
	}
	return b.answers[row].Decision
}

// decide draws the rows of a batch that are decided otherwise than its model does.
func (s *server) decide(b *batch, x *exchange) {
	e := b.model.explored
	if e == nil {
		return
	}
	b.decided = make([]decided, b.rows)
	drawn := 0
	var text []byte
	for row := range b.decided {
		d, p := &b.decided[row], &b.answers[row]
		if p.Fault != "" || b.held[row] == elsewhere {
			continue
		}
		d.class, d.propensity = p.Decision, 1
		if p.Decision != e.of || e.limited(b, row) {
			continue
		}
		given := false
		if text = append(append(text[:0], b.model.digest...), "\x00explored\x00"...); !e.byRequest {
			text, given = b.key(text, row)
		}
		if !given {
			text = strconv.AppendInt(append(append(append(text, "request\x00"...), x.id...), 0), int64(row), 10)
		}
		hash := sha256.Sum256(text)
		if d.propensity = 1 - e.asked.Share; float64(binary.BigEndian.Uint64(hash[:])) < e.asked.Share*math.MaxUint64 {
			d.class, d.propensity, d.explored = e.other, e.asked.Share, true
			drawn++
		}
	}
	if drawn > 0 {
		s.metrics.explored.WithLabelValues(b.model.name, b.model.version).Add(float64(drawn))
	}
}

// limited reports whether a row is decided as the model does, whatever chance says.
func (e *explored) limited(b *batch, row int) bool {
	for i := range e.limits {
		if e.limits[i].holds(b, row) {
			return true
		}
	}
	return false
}

// holds reports whether a row is within the limit. What is not known is.
func (l *limit) holds(b *batch, row int) bool {
	if l.feature < 0 {
		return l.beyond(*b.answers[row].Score)
	}
	f, at := &b.features[l.feature], b.held[row]
	switch {
	case f.isNull(at):
		return true
	case f.kind == textKind:
		return slices.Contains(l.Among, f.Text[at])
	case f.kind == boolKind:
		return slices.Contains(l.Among, strconv.FormatBool(f.Num[at] != 0))
	}
	return l.beyond(f.Num[at])
}

func (l *limit) beyond(x float64) bool {
	return l.Above != nil && x > *l.Above || l.Below != nil && x < *l.Below
}
