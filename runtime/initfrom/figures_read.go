package initfrom

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// foundFigure is a number in a file of figures: its dotted name, its value, and which way is better.
type foundFigure struct {
	name   string
	value  float64
	better direction
}

// direction is which way a figure is better. Rules are written only for figures whose direction is known.
type direction int

const (
	unknownDirection direction = iota
	higher
	lower
)

// figureWord is a name that rules can read.
var figureWord = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// celReserved are words that no name in a rule may be: CEL's keywords and the words that it reserves
// (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax).
var celReserved = strings.Fields("true false null in as break const continue else for function if import let loop package namespace return var void while")

// readFigures lists the numbers of a JSON object, or of that under its key "metrics", by dotted name, sorted at each
// level. Texts, lists and truth values are passed over; a file without any number is an error.
func readFigures(path string) ([]foundFigure, error) {
	data, err := workspace.ReadDocument(path)
	if err != nil {
		return nil, err
	}
	var top map[string]any
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("this is no JSON object of figures: %w", err)
	}
	if err := source.CheckJSON(data); err != nil {
		return nil, err
	}
	if under, ok := top["metrics"].(map[string]any); ok {
		top = under
	}
	var out []foundFigure
	numbersIn("", top, &out)
	if len(out) == 0 {
		return nil, errors.New("it holds no number that has a name of letters, digits and underscores")
	}
	return out, nil
}

// numbersIn collects numbers under their dotted names. Names that a rule could not read are left out.
func numbersIn(prefix string, m map[string]any, out *[]foundFigure) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !figureWord().MatchString(name) || slices.Contains(celReserved, name) {
			continue
		}
		switch x := m[name].(type) {
		case float64:
			*out = append(*out, foundFigure{prefix + name, x, directionOf(name)})
		case map[string]any:
			numbersIn(prefix+name+".", x, out)
		}
	}
}

var (
	higherWords = strings.Fields("auc auroc auprc accuracy acc precision recall f1 r2 ap map ndcg mcc kappa sensitivity specificity tpr bleu rouge iou dice jaccard")
	lowerWords  = strings.Fields("loss logloss error err mae mse rmse mape smape rmsle brier fpr fnr ece wer cer perplexity deviance")
)

// directionOf tells by the words of a figure's name which way is better. Where no word is known, neither is: a rule that
// points the wrong way would be worse than none. "log_loss" and "error_rate" are found by one of their words; where words
// disagree ("recall_loss"), the last counts.
func directionOf(name string) direction {
	words := strings.Split(strings.ToLower(name), "_")
	for _, w := range slices.Backward(words) {
		switch {
		case slices.Contains(lowerWords, w):
			return lower
		case slices.Contains(higherWords, w):
			return higher
		}
	}
	return unknownDirection
}

// slack is how much worse than now a figure may become, as a share of its value. Training again with another seed moves
// figures about as much; more is a change that somebody should look at.
const slack = 0.02

// limit is the figure's value with slack, to three significant digits, rounded to the side that lets more pass: so a
// run that yields the same figures passes the gate that was written from them. Of 0.8437, where higher is better, it is
// >= 0.826.
func (f foundFigure) limit() (op, number string) {
	room, toward := slack*math.Abs(f.value), math.Floor
	op, x := ">=", f.value-room
	if f.better == lower {
		op, x, toward = "<=", f.value+room, math.Ceil
	}
	if x != 0 {
		unit := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(x))))
		x = toward(math.Round(x*unit*1e6)/1e6) / unit
	}
	number = plain(x)
	if !strings.Contains(number, ".") {
		number += ".0" // all numbers in rules are doubles
	}
	return op, number
}

// plain is a number without an exponent, as rules are written.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
