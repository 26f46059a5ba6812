package train

import (
	"context"
	"fmt"
	"math"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
)

// Text that is read by its n-grams. While a model is fitted the column of such a feature has the place of each row's text among the different ones
// (Text.Counted); once it is fitted (FinishText), the numbers that the feature's line makes of it, as in every table that is scored.

// Text are the different texts of a feature in all sets.
type Text struct {
	Counted [][]ngrams.Entry // by place: those of the training rows first
	// Rows are by place how many training rows have the text, and Missing is how many have none.
	Rows    []int
	Missing int

	places map[string]int
}

// Text is that of a feature; nil: it is not read by its n-grams.
func (t *Training) Text(feature int) *Text { return t.texts[feature] }

// settings of n-grams of a feature.
func (c *Config) settings(feature string) (ngrams.Settings, bool) {
	for name, s := range c.NGrams {
		if strings.EqualFold(name, feature) {
			return s, true
		}
	}
	return ngrams.Settings{}, false
}

// reads reports whether a feature is read by its n-grams.
func (c *Config) reads(feature string) bool {
	_, read := c.settings(feature)
	return read
}

// values are a column as estimators take it, or of text that is read by its n-grams, while the model is fitted, as readText has it.
func (l *loader) values(ctx context.Context, t *Training, of *Set, feature int, c *frame.Column) ([][]float64, error) {
	if l.config.Of == nil && l.config.reads(c.Name) {
		places, err := l.readText(ctx, t, of, feature, c)
		return [][]float64{places}, err
	}
	return model.EncodeColumn(c, &t.Signature.Features[feature])
}

// readText gives the places of a column's texts.
func (l *loader) readText(ctx context.Context, t *Training, of *Set, feature int, c *frame.Column) ([]float64, error) {
	x := t.texts[feature]
	if x == nil {
		x = &Text{places: map[string]int{}}
		if t.texts == nil {
			t.texts = map[int]*Text{}
		}
		t.texts[feature] = x
	}
	line := t.Signature.Features[feature].NGrams
	places := make([]int, len(c.Levels)) // 0: not looked at yet
	out := make([]float64, len(c.Codes))
	var fresh []string
	begun := len(x.Counted)
	for r, code := range c.Codes {
		if code < 0 {
			out[r] = math.NaN()
			if of == t.Data {
				x.Missing++
			}
			continue
		}
		if places[code] == 0 {
			text := c.Levels[code]
			at, known := x.places[text]
			if !known {
				at = begun + len(fresh)
				x.places[text] = at
				fresh = append(fresh, text)
				x.Rows = append(x.Rows, 0)
			}
			places[code] = at + 1
		}
		at := places[code] - 1
		if out[r] = float64(at); of == t.Data {
			x.Rows[at]++
		}
	}
	x.Counted = append(x.Counted, make([][]ngrams.Entry, len(fresh))...)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(t.Threads(), 1))
	const some = 512
	for start := 0; start < len(fresh); start += some {
		work.Go(func() error {
			for i := start; i < min(start+some, len(fresh)); i++ {
				x.Counted[begun+i] = line.Count(fresh[i])
			}
			return ctx.Err()
		})
	}
	return out, work.Wait()
}

// FinishText puts into all sets the numbers that the fitted lines make of texts: of one output in place of the places of texts, of several the others in further columns behind all that there are.
func (t *Training) FinishText() {
	for feature := range t.Signature.Features {
		x := t.texts[feature]
		if x == nil {
			continue
		}
		line := t.Signature.Features[feature].NGrams
		numbers := make([][]float64, len(x.Counted))
		for i, v := range x.Counted {
			numbers[i] = line.Of(v)
		}
		for _, set := range []*Set{t.Data, t.Validation, t.Selection, t.Calibration} {
			if set == nil {
				continue
			}
			places := set.Columns[feature]
			for o := range line.Outputs() {
				column := make([]float64, len(places))
				for r, at := range places {
					if column[r] = at; at == at {
						column[r] = numbers[int(at)][o]
					}
				}
				if o == 0 {
					set.Columns[feature] = column
				} else {
					set.Columns = append(set.Columns, column)
				}
			}
		}
	}
	t.texts = nil
}

// text holds features that are read by their n-grams to what can be done with them.
func (s *shaper) text() {
	for i, name := range s.config.Features {
		if s.config.reads(name) && listed(s.config.groupColumns(), name) {
			s.report(schema.Problem{Path: fmt.Sprintf("features[%d]", i), Summary: fmt.Sprintf("%q is read by its n-grams, and groups of rows are made of it", name),
				Detail: "A group is one of few values.", Hint: "Make a column of few values in a dataset, and take that for the groups."})
		}
	}
}
