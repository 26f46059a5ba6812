package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/train/tune"
)

// dimensionText is a dimension as it is written: an object of values or of min and max, with a scale or a condition if they
// are wanted. A list that stands alone is short for { values = … }.
type dimensionText struct {
	Values []float64            `json:"values"`
	Min    *float64             `json:"min"`
	Max    *float64             `json:"max"`
	Scale  string               `json:"scale"`
	When   map[string][]float64 `json:"when"`
}

// dimensionKeys are the keys of a dimensionText.
var dimensionKeys = []string{"values", "min", "max", "scale", "when"}

// foreignKey is the first key of an object that is none of dimensionKeys; "" if there is none, or what is written is no object.
func foreignKey(written json.RawMessage) string {
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(written, &keys) // what is no object has none
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(dimensionKeys, key) {
			return key
		}
	}
	return ""
}

// space reads what is written of each parameter; those with a mistake are left out.
// Dimensions are sorted by their names and lists by their values, each value once: the order in which they are written
// decides nothing, neither of a grid nor of what is drawn.
func (u *Tunable) space(t *Tuning) (out tune.Space, problems []schema.Problem) {
	for _, name := range slices.Sorted(maps.Keys(t.Space)) {
		sound := true
		report := func(summary, detail string) {
			sound = false
			problems = append(problems, schema.Problem{Path: "tune.space." + name, Summary: summary, Detail: detail})
		}
		d := tune.Dimension{Name: name}
		for _, a := range u.attrs() {
			if a.Name == name {
				d.Whole = a.Type == schema.Integer
			}
		}
		var w dimensionText
		if json.Unmarshal(t.Space[name], &w.Values) != nil && strictly(t.Space[name], &w) != nil {
			if key := foreignKey(t.Space[name]); key != "" {
				report(fmt.Sprintf("The space of %s takes no %q", name, key), strings.TrimSpace("It takes "+strings.Join(dimensionKeys, ", ")+". "+suggest.DidYouMean(key, dimensionKeys)))
				continue
			}
			report("The space of "+name+" is neither a list of numbers nor a range",
				`Write [4, 6, 8], or { min = 0.02, max = 0.3 } with scale = "log" or when = { … } if they are wanted, or { values = [4, 6], when = { … } }.`)
			continue
		}
		d.Values, d.When = w.Values, w.When
		switch {
		case w.Values != nil && (w.Min != nil || w.Max != nil || w.Scale != ""):
			report("The space of "+name+" is a list and a range", "Either values are listed, or min and max are set.")
		case w.Values != nil && len(w.Values) == 0:
			report("The space of "+name+" has no values", "")
		case w.Values != nil:
			d.Values = slices.Compact(slices.Sorted(slices.Values(w.Values)))
			if d.Whole && slices.ContainsFunc(d.Values, func(x float64) bool { return x != math.Trunc(x) }) {
				report(name+" takes whole numbers", "")
			}
		case w.Min == nil || w.Max == nil || !(*w.Min < *w.Max):
			report("The range of "+name+" needs min and max, max the greater", "")
		case w.Scale != "" && w.Scale != "linear" && w.Scale != "log":
			report(fmt.Sprintf("The scale of %s is %q", name, w.Scale), `It is "linear" or "log".`)
		case w.Scale == "log" && !(*w.Min > 0):
			report("A range with scale = \"log\" begins above 0", "")
		case d.Whole && (*w.Min != math.Trunc(*w.Min) || *w.Max != math.Trunc(*w.Max)):
			report(name+" takes whole numbers", "")
		case t.Method == gridMethod:
			report("A grid needs a list of values for "+name, "A range has no end of values.")
		default:
			d.Min, d.Max, d.Log = *w.Min, *w.Max, w.Scale == "log"
		}
		for _, other := range slices.Sorted(maps.Keys(d.When)) {
			switch {
			case other == name || t.Space[other] == nil:
				report(fmt.Sprintf("when of %s names %q, which is no other parameter of the space", name, other), "")
			case len(d.When[other]) == 0:
				report(fmt.Sprintf("when of %s has no value of %s", name, other), "The parameter would never be tried.")
			}
		}
		if sound {
			out = append(out, d)
		}
	}
	if len(problems) == 0 && circular(out) {
		problems = append(problems, schema.Problem{Path: "tune.space", Summary: "Parameters of the space wait for each other in when"})
	}
	return out, problems
}

// circular reports whether dimensions hang on each other in a circle. In each round those become free that hang on free ones
// alone; as many rounds as there are dimensions free all of them, but for a circle and what hangs on it.
func circular(s tune.Space) bool {
	free := map[string]bool{}
	for range s {
		for _, d := range s {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(d.When)), func(name string) bool { return !free[name] }) {
				free[d.Name] = true
			}
		}
	}
	return len(free) < len(s)
}

// corners are the problems of parameters at the ends of the space: what the trainer's own check says of each combination of
// listed values and of both ends of ranges, or of some that are drawn, where there are too many. A value within a range is
// taken to be right where both ends are. Each parameter is told of once, by the first combination that it is wrong in.
func (u *Tunable) corners(config json.RawMessage, space tune.Space, validated bool) []schema.Problem {
	key := checkedCorners{string(config), validated}
	u.cornersMu.Lock()
	found, known := u.cornersOf[key]
	u.cornersMu.Unlock()
	if known {
		return found
	}
	found = u.checkCorners(config, space, validated)
	u.cornersMu.Lock()
	defer u.cornersMu.Unlock()
	if len(u.cornersOf) >= mostRemembered || u.cornersOf == nil {
		u.cornersOf = map[checkedCorners][]schema.Problem{}
	}
	u.cornersOf[key] = found
	return found
}

// checkedCorners are all that corners go by: the space is part of the configuration.
type checkedCorners struct {
	config    string
	validated bool
}

// checkCorners is corners that are not remembered.
func (u *Tunable) checkCorners(config json.RawMessage, space tune.Space, validated bool) []schema.Problem {
	ends := slices.Clone(space)
	for i := range ends {
		if ends[i].Values == nil {
			ends[i].Values = []float64{ends[i].Min, ends[i].Max}
		}
	}
	points, ok := ends.Grid(mostChecked)
	if !ok {
		for k := range mostChecked {
			points = append(points, ends.Random(0, k))
		}
	}
	var out []schema.Problem
	for _, p := range points {
		with, err := withParams(config, p)
		if err != nil {
			return nil // told by whoever reads the configuration
		}
		for _, problem := range u.Check(with, validated) {
			name := strings.TrimPrefix(problem.Path, "params.")
			if _, tuned := p[name]; !tuned {
				continue // told of params itself
			}
			problem.Path = "tune.space." + name
			if !slices.ContainsFunc(out, func(o schema.Problem) bool { return o.Path == problem.Path }) {
				out = append(out, problem)
			}
		}
	}
	return out
}
