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

// answerWriter appends to out. Its methods cannot fail.
type answerWriter struct{ out []byte }

// number writes an unsigned varint: 7 bits a byte, the lowest first.
func (w *answerWriter) number(n int) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

// text writes a length in bytes and the bytes.
func (w *answerWriter) text(s string) {
	w.number(len(s))
	w.out = append(w.out, s...)
}

// texts writes how many there are, and each.
func (w *answerWriter) texts(list []string) {
	w.number(len(list))
	for _, s := range list {
		w.text(s)
	}
}

// columns writes names and types; an answer's columns have nothing else.
func (w *answerWriter) columns(columns []schema.Column) {
	w.number(len(columns))
	for _, c := range columns {
		w.text(c.Name)
		w.text(c.Type)
	}
}

// origins writes a list of columns of tables.
func (w *answerWriter) origins(origins []component.Origin) {
	w.number(len(origins))
	for _, o := range origins {
		w.text(o.Table)
		w.text(o.Column)
	}
}

// encodeAnswer writes an answer as numbers (unsigned varints) and texts with their lengths before them, in the order of the
// fields. No version stands in it: request.key has cacheFormat, which moves with this form.
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
	w.flow(a.Flows.Rows)
	w.number(len(a.Flows.Columns))
	for _, name := range slices.Sorted(maps.Keys(a.Flows.Columns)) {
		w.text(name)
		w.flow(a.Flows.Columns[name])
	}
	return w.out
}

// flow writes the lists in the order of the fields; a copy as a list of one or none.
func (w *answerWriter) flow(f component.Flow) {
	for _, list := range [][]component.Origin{f.Taints, f.Values, f.Others, f.Keys, f.Control, f.Known} {
		w.origins(list)
	}
	w.number(len(f.Past))
	for _, p := range f.Past {
		w.origins(p.Clock)
		w.origins(p.Origins)
	}
	if f.Copy == nil {
		w.origins(nil)
	} else {
		w.origins([]component.Origin{*f.Copy})
	}
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

// place reads a number that is no length. After anything that cannot be, the reader is broken and yields zeros, so that
// decoding ends without a check at each step.
func (r *answerReader) place() int {
	n, size := binary.Uvarint(r.in)
	if size <= 0 || n > 1<<31 || r.broken {
		r.broken, r.in = true, nil
		return 0
	}
	r.in = r.in[size:]
	return int(n)
}

// text copies, so that an answer does not hold on to the file that it came from.
func (r *answerReader) text() string {
	n := r.number()
	s := string(r.in[:n])
	r.in = r.in[n:]
	return s
}

// list reads a length and as many elements; nil of none, as what was encoded.
func list[T any](r *answerReader, read func() T) (out []T) {
	for range r.number() {
		out = append(out, read())
		if r.broken {
			return nil
		}
	}
	return out
}

// decodeAnswer is the inverse of encodeAnswer; false of anything else, also where bytes are left over.
func decodeAnswer(text []byte) (answer, bool) {
	r := &answerReader{in: text}
	var a answer
	a.Columns = list(r, func() schema.Column { return schema.Column{Name: r.text(), Type: r.text()} })
	a.Problems = list(r, func() schema.Problem {
		return schema.Problem{Path: r.text(), Summary: r.text(), Detail: r.text(), Hint: r.text(),
			Offset: r.place(), Length: r.place(), Warning: r.place() == 1}
	})
	a.Flows.Rows = r.flow()
	for range r.number() {
		name := r.text()
		f := r.flow()
		if a.Flows.Columns == nil {
			a.Flows.Columns = map[string]component.Flow{}
		}
		a.Flows.Columns[name] = f
		if r.broken {
			return answer{}, false
		}
	}
	return a, !r.broken && len(r.in) == 0
}

// origins reads what answerWriter.origins wrote.
func (r *answerReader) origins() []component.Origin {
	return list(r, func() component.Origin { return component.Origin{Table: r.text(), Column: r.text()} })
}

// flow reads what answerWriter.flow wrote. Fields of a composite literal are evaluated in the order in which they are written.
func (r *answerReader) flow() component.Flow {
	f := component.Flow{Taints: r.origins(), Values: r.origins(), Others: r.origins(), Keys: r.origins(), Control: r.origins(), Known: r.origins()}
	f.Past = list(r, func() component.Past { return component.Past{Clock: r.origins(), Origins: r.origins()} })
	if copied := r.origins(); len(copied) == 1 {
		f.Copy = &copied[0]
	}
	return f
}
