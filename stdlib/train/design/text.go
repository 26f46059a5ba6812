package design

import (
	"slices"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// text is a feature that is read by its n-grams.
type text struct {
	feature int
	line    *ngrams.Line
	of      *train.Text
}

// addText learns which buckets a feature has, and adds an input that says where the text is missing, if it is in some rows.
func (m *Matrix) addText(feature int, line *ngrams.Line, of *train.Text) {
	line.Learn(of.Counted, of.Rows, of.Missing)
	m.texts = append(m.texts, text{feature, line, of})
	if of.Missing > 0 && of.Missing < m.set.Rows {
		m.Inputs = append(m.Inputs, linear.Input{Feature: feature, Kind: linear.Missing})
	}
}

// layText gives each row the inputs of its texts, once it is known how many others there are. Rows with the same text share them.
func (m *Matrix) layText() {
	at := len(m.Inputs)
	for i := range m.texts {
		x := &m.texts[i]
		entries := make([][]Entry, len(x.of.Counted))
		for place, counted := range x.of.Counted {
			if x.of.Rows[place] == 0 {
				continue // of rows that are not fitted on
			}
			entries[place] = make([]Entry, 0, len(counted))
			for _, e := range x.line.Vector(counted) {
				if k, known := x.line.Place(e.Bucket); known && e.X != 0 {
					entries[place] = append(entries[place], Entry{int32(at + k), e.X})
				}
			}
		}
		if m.sparse == nil {
			m.sparse = make([][]Entry, m.set.Rows)
		}
		for r, place := range m.set.Columns[x.feature] {
			switch {
			case place != place:
			case m.sparse[r] == nil:
				m.sparse[r] = entries[int(place)]
			default:
				m.sparse[r] = slices.Concat(m.sparse[r], entries[int(place)])
			}
		}
		at += len(x.line.Buckets)
	}
}

// Lower takes the coefficients of text out of a fitted model, puts them into the lines of the features, and the numbers that these make of texts into the sets of the training: to
// the model, and the matrix, each text is one input for each output then, with the coefficient 1 there and 0 elsewhere.
func (m *Matrix) Lower(t *train.Training, fitted *linear.Model) {
	if m.texts == nil {
		return
	}
	at, outputs, columns := len(m.Inputs), len(fitted.Coefficients), len(t.Inputs())
	coefficients := make([][]float64, outputs)
	for o, all := range fitted.Coefficients {
		coefficients[o] = slices.Clone(all[:at])
	}
	for i := range m.texts {
		x := &m.texts[i]
		x.line.Weights = make([][]float64, outputs)
		for o, all := range fitted.Coefficients {
			x.line.Weights[o] = slices.Clone(all[at : at+len(x.line.Buckets)])
			in := linear.Input{Feature: x.feature, Kind: linear.Value, Scale: 1}
			if o > 0 { // as FinishText lays them
				in.Feature, columns = columns, columns+1
			}
			m.Inputs = append(m.Inputs, in)
			for k := range coefficients {
				one := 0.0
				if k == o {
					one = 1
				}
				coefficients[k] = append(coefficients[k], one)
			}
		}
		at += len(x.line.Buckets)
	}
	t.FinishText()
	m.texts, m.sparse = nil, nil
	m.keep()
	fitted.Inputs, fitted.Coefficients = m.Inputs, coefficients
}
