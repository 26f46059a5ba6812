package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// smallestGroup is how many rows a group must have for a threshold or a curve of its own: of fewer, either says more of these rows than of the group, and the model would name their values.
const smallestGroup = 20

// mostGroups is how many groups there may be.
const mostGroups = 200

// overall is the value of otherwise by which rows of no group are treated as those of a model without groups.
const overall = "overall"

// otherwiseDoc says what becomes of rows of no group.
const otherwiseDoc = "`overall`: a row of no group, since a value of it is missing or no row had it here, %s; and so have groups of fewer than 20 rows here. Left out: such a row has no prediction, a request for it alone is " +
	"answered with an error, and groups of fewer than 20 rows are an error of the training."

// groupColumns are the columns that groups of decisions and calibrations are made of, each once, as they are written.
func (c *Config) groupColumns() []string {
	var out []string
	add := func(names []string) {
		for _, n := range names {
			if !listed(out, n) {
				out = append(out, n)
			}
		}
	}
	add(c.CalibrationBy)
	if c.Decision != nil {
		add(c.Decision.By)
	}
	return out
}

// groupsBy checks columns that groups are made of.
func (s *shaper) groupsBy(path string, by []string) {
	for i, name := range by {
		at := fmt.Sprintf("%s[%d]", path, i)
		c := s.column(at, name)
		switch {
		case c == nil:
		case listed(by[:i], name):
			s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%q is listed twice", name)})
		case same(name, s.config.Target):
			s.report(schema.Problem{Path: at, Summary: "The groups are by the target", Detail: "What is to be predicted is not known when a row is decided upon."})
		case !model.GroupType(c.Type):
			s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("Column %q is %s, which makes no groups", c.Name, c.Type),
				Detail: "Expected text, a boolean or a whole number.", Hint: "compute a band of it in a dataset"})
		case s.leaks(at, c):
		case c.PII && !listed(s.config.AllowPII, c.Name):
			s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("The groups are by %q, which is personal data", c.Name), Detail: "Its values would reach the model.",
				Hint: fmt.Sprintf("Take it out, or say allow_pii = [%q].", c.Name)})
		}
	}
}

// grouping is what rows of several sets are grouped by: groups that were found on some rows.
type grouping struct {
	*model.Groups
	number map[string]int32 // by key
	of     []int32          // of the rows that they were found on; -1 of none
}

// between stands between the values of several columns in a group's key, where no text has it.
const between = "\x00"

// keyOf is a row's group; false where a value is missing.
func (s *Set) keyOf(by []string, row int) (string, bool) {
	parts := make([]string, len(by))
	for i, name := range by {
		c := s.groups.Column(name)
		if c.Null(row) {
			return "", false
		}
		parts[i] = c.ValueName(row)
	}
	return strings.Join(parts, between), true
}

// grouped finds the groups of rows by some columns, in the order of their values. Values that a feature of the model does not know are none. what says what each is to have of its own; port is the
// table of the set; too says why some rows make no group: nil, any do.
func (t *Training) grouped(set *Set, port, what string, by []string, otherwise string, too func(rows []int) bool) (*grouping, error) {
	g := &grouping{Groups: &model.Groups{Otherwise: otherwise == overall}, number: map[string]int32{}}
	for _, name := range by {
		g.By = append(g.By, set.groupName(name))
	}
	found := map[string][]int{}
	left := 0
	for r := range set.Rows {
		if key, ok := set.keyOf(g.By, r); ok && t.known(g.By, key) {
			found[key] = append(found[key], r)
		} else {
			left++
		}
	}
	few := 0
	for key, rows := range found {
		if len(rows) < smallestGroup || too != nil && too(rows) {
			few, left = few+1, left+len(rows)
			delete(found, key)
		}
	}
	list := strings.Join(g.By, ", ")
	switch {
	case few > 0 && !g.Otherwise:
		return nil, &component.InputError{Summary: fmt.Sprintf("%s: %d groups by %s are too small in the %s table for %s of their own", t.stage.Address, few, list, port, what),
			Detail: fmt.Sprintf("A group has at least %d rows there, and rows of the classes that a rate is of. Put values together in a dataset, or set otherwise = %q.", smallestGroup, overall)}
	case len(found) == 0:
		return nil, &component.InputError{Summary: fmt.Sprintf("%s: no row of the %s table is of a group by %s", t.stage.Address, port, list)}
	case len(found) > mostGroups:
		return nil, &component.InputError{Summary: fmt.Sprintf("%s: %s have %d values together, too many for %s of their own", t.stage.Address, list, len(found), what),
			Detail: fmt.Sprintf("At most %d groups are told apart; a dataset can put values together.", mostGroups)}
	case left > 0:
		t.Warnf("%d of %d rows of the %s table are of no group by %s", left, set.Rows, port, list)
	}
	for k, key := range slices.Sorted(maps.Keys(found)) {
		g.number[key], g.Values = int32(k), append(g.Values, strings.Split(key, between))
	}
	g.of = g.on(set)
	return g, nil
}

// on are the groups of the rows of a set; -1 of none.
func (g *grouping) on(set *Set) []int32 {
	if g == nil {
		return nil
	}
	out := make([]int32, set.Rows)
	for r := range out {
		out[r] = -1
		if key, ok := set.keyOf(g.By, r); ok {
			if k, known := g.number[key]; known {
				out[r] = k
			}
		}
	}
	return out
}

// groupName is a column's name as the table has it, and the model.
func (s *Set) groupName(name string) string {
	for i := range s.groups.Columns {
		if c := &s.groups.Columns[i]; same(c.Name, name) {
			return c.Name
		}
	}
	return name
}

// known reports whether features of the model that are categories have the values of a group.
func (t *Training) known(by []string, key string) bool {
	for i, value := range strings.Split(key, between) {
		for _, f := range t.Signature.Features {
			if f.Name == by[i] && f.Categorical() && !slices.Contains(f.Levels, value) {
				return false
			}
		}
	}
	return true
}

// needed are features for columns of groups that the estimator does not read, with the levels that groups have.
func (t *Training) needed(all ...*model.Groups) []model.Feature {
	levels := map[string][]string{}
	var order []string
	for _, g := range all {
		if g == nil {
			continue
		}
		for i, name := range g.By {
			if levels[name] == nil {
				order = append(order, name)
			}
			for _, values := range g.Values {
				levels[name] = append(levels[name], values[i])
			}
		}
	}
	var out []model.Feature
	for _, name := range order {
		if slices.ContainsFunc(t.Signature.Features, func(f model.Feature) bool { return f.Name == name }) {
			continue
		}
		f := model.Feature{Name: name, Type: t.typeOf(name)}
		if f.Text() {
			slices.Sort(levels[name])
			f.Levels = slices.Compact(levels[name])
		}
		out = append(out, f)
	}
	return out
}

// typeOf is the type of a column that groups are made of.
func (t *Training) typeOf(name string) string {
	for _, set := range []*Set{t.Data, t.Calibration, t.Validation} {
		if set != nil && set.groups != nil {
			return set.groups.Column(name).Type
		}
	}
	return ""
}

// columnsOf keeps the columns of groups of a table's rows.
func (l *loader) columnsOf(f *frame.Frame) *frame.Frame {
	names := l.config.groupColumns()
	if len(names) == 0 {
		return nil
	}
	for i := range names {
		names[i] = l.name(names[i])
	}
	out, err := f.Select(names)
	if err != nil {
		return nil // rows reads them all
	}
	return out
}
