package train

import (
	"fmt"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// finite refuses infinite features, of which bad tells, an infinite target, and weights that are none.
func (l *loader) finite(t *Set, s *model.Signature, port string, bad []string) error {
	// 32 bits, since trees compare features as float32.
	if n := countInfinite(t.Target); n > 0 {
		bad = append(bad, fmt.Sprintf("target %q in %d rows", s.Target, n))
	}
	if bad != nil {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: infinite or too large for 32 bits in %s: %s", l.stage.Address, port, strings.Join(bad, ", ")),
			Detail:  "Make them null in a dataset, or bound them: a division by 0 is the usual cause.",
		}
	}
	n, total := 0, 0.0
	for _, w := range t.Weight {
		if !(w >= 0) || w > math.MaxFloat32 {
			n++
		}
		total += w
	}
	if n > 0 || t.Weight != nil && total == 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: the weight %q in %s is null, negative or infinite in %d rows, and sums up to %g",
				l.stage.Address, l.config.Weight, port, n, total),
			Detail: "Weights are numbers of at least 0, not all 0.",
		}
	}
	return nil
}

// countInfinite counts what models do not compute with; missing values are not among that.
func countInfinite(values []float64) int {
	n := 0
	for _, x := range values {
		if !model.InDomain(x) {
			n++
		}
	}
	return n
}
