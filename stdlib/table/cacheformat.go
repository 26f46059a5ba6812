package table

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Answers are written as numbers (varints) and texts (their length and bytes), one after the other. A module of many blocks
// reads thousands of them, which as JSON would take a tenth of the time that its check takes.

type answerWriter struct{ out []byte }

func (w *answerWriter) number(n int) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

func (w *answerWriter) text(s string) {
	w.number(len(s))
	w.out = append(w.out, s...)
}

func (w *answerWriter) columns(columns []schema.Column) {
	w.number(len(columns))
	for _, c := range columns {
		w.text(c.Name)
		w.text(c.Type)
	}
}

func (w *answerWriter) origins(origins []component.Origin) {
	w.number(len(origins))
	for _, o := range origins {
		w.text(o.Table)
		w.text(o.Column)
	}
}

func encodeAnswer(a answer) []byte {
	w := &answerWriter{}
	w.columns(a.Columns)
	w.number(len(a.Problems))
	for _, p := range a.Problems {
		for _, s := range []string{p.Path, p.Summary, p.Detail, p.Hint} {
			w.text(s)
		}
		w.number(p.Offset)
		w.number(p.Length)
		w.number(map[bool]int{true: 1}[p.Warning])
	}
	w.number(len(a.Flows))
	for _, name := range slices.Sorted(maps.Keys(a.Flows)) {
		f := a.Flows[name]
		w.text(name)
		for _, list := range [][]component.Origin{f.Values, f.Others, f.Past, f.Keys, f.Influences} {
			w.origins(list)
		}
		if f.Copy == nil {
			w.origins(nil)
		} else {
			w.origins([]component.Origin{*f.Copy})
		}
	}
	return w.out
}

// answerReader reads what answerWriter wrote; after anything else it is broken, and gives nothing more.
type answerReader struct {
	in     []byte
	broken bool
}

// number is at most what is left to read: all of them count bytes or things of at least one byte, or places in a query, which
// are read by place.
func (r *answerReader) number() int {
	n := r.place()
	if n > len(r.in) {
		r.broken = true
		return 0
	}
	return n
}

func (r *answerReader) place() int {
	n, size := binary.Uvarint(r.in)
	if size <= 0 || n > 1<<31 || r.broken {
		r.broken, r.in = true, nil
		return 0
	}
	r.in = r.in[size:]
	return int(n)
}

func (r *answerReader) text() string {
	n := r.number()
	s := string(r.in[:n])
	r.in = r.in[n:]
	return s
}

func list[T any](r *answerReader, read func() T) (out []T) {
	for range r.number() {
		out = append(out, read())
		if r.broken {
			return nil
		}
	}
	return out
}

func decodeAnswer(text []byte) (answer, bool) {
	r := &answerReader{in: text}
	origins := func() []component.Origin {
		return list(r, func() component.Origin { return component.Origin{Table: r.text(), Column: r.text()} })
	}
	var a answer
	a.Columns = list(r, func() schema.Column { return schema.Column{Name: r.text(), Type: r.text()} })
	a.Problems = list(r, func() schema.Problem {
		return schema.Problem{Path: r.text(), Summary: r.text(), Detail: r.text(), Hint: r.text(),
			Offset: r.place(), Length: r.place(), Warning: r.place() == 1}
	})
	for range r.number() {
		name := r.text()
		f := component.Flow{Values: origins(), Others: origins(), Past: origins(), Keys: origins(), Influences: origins()}
		if copied := origins(); len(copied) == 1 {
			f.Copy = &copied[0]
		}
		if a.Flows == nil {
			a.Flows = map[string]component.Flow{}
		}
		a.Flows[name] = f
		if r.broken {
			return answer{}, false
		}
	}
	return a, !r.broken && len(r.in) == 0
}
