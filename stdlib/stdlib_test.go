package stdlib

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestComponents walks all components: each is documented, consistent, and alone with its name.
func TestComponents(t *testing.T) {
	seen, last := map[string]bool{}, ""
	for _, c := range Components() {
		t.Run(c.Name(), func(t *testing.T) {
			if seen[c.Name()] {
				t.Error("listed twice")
			}
			seen[c.Name()] = true
			if c.Kind < last {
				t.Errorf("%s stands behind %s: the list is sorted by kind", c.Kind, last)
			}
			last = c.Kind
			if c.Type.Summary == "" || c.Type.Doc == "" {
				t.Error("lacks a summary or a documentation")
			}
			if strings.HasSuffix(c.Type.Summary, ".") {
				t.Errorf("summary %q ends with a full stop", c.Type.Summary)
			}
			if c.Type.Version > 0 && c.Shape == nil {
				t.Error("runs and has no Shape")
			}
			if outside := c.Source != nil || c.Kind == "source" && c.Derive != nil; c.Type.External != outside {
				t.Error("External goes with Source, or with the fetch that a source derives")
			}
			if len(c.Type.Examples) == 0 {
				t.Error("has no example")
			}
			checkBody(t, c.Type.Name, &c.Type.Body)
		})
	}
}

// checkBody looks at each attribute: documented, of a known type, with a default of that type.
func checkBody(t *testing.T, path string, b *schema.Body) {
	t.Helper()
	for i := range b.Attrs {
		a := &b.Attrs[i]
		if a.Doc == "" {
			t.Errorf("%s %s has no documentation", path, a.Name)
		}
		if a.Required && a.Default != nil {
			t.Errorf("%s %s is required and has a default", path, a.Name)
		}
		if !fits(a) {
			t.Errorf("%s %s: default %#v does not fit type %s", path, a.Name, a.Default, a.Type)
		}
	}
	for i := range b.Blocks {
		if b.Blocks[i].Doc == "" {
			t.Errorf("%s block %s has no documentation", path, b.Blocks[i].Name)
		}
		checkBody(t, path+" "+b.Blocks[i].Name, &b.Blocks[i].Body)
	}
}

func fits(a *schema.Attr) bool {
	switch a.Default.(type) {
	case nil:
		return true
	case string:
		return a.Type == schema.String || a.Type == schema.Duration || a.Type == schema.SQL || a.Type == schema.SQLExpr
	case float64:
		return a.Type == schema.Number || a.Type == schema.Integer
	case bool:
		return a.Type == schema.Bool
	case []string:
		return a.Type == schema.StringList
	case []float64:
		return a.Type == schema.NumberList
	}
	return false
}

// TestKinds holds the list of kinds to the components.
func TestKinds(t *testing.T) {
	c := Catalog()
	for _, k := range c.Kinds {
		if len(k.Types) == 0 {
			t.Errorf("%s has no types", k.Name)
		}
		if k.DefaultType != "" && k.Type(k.DefaultType) == nil {
			t.Errorf("%s has no type %q, its default", k.Name, k.DefaultType)
		}
		if c.Kind(k.Name) == nil {
			t.Errorf("%s is not found: the kinds are not sorted", k.Name)
		}
	}
	for _, comp := range Components() {
		if c.Kind(comp.Kind) == nil {
			t.Errorf("no kind %s for component %s", comp.Kind, comp.Name())
		}
	}
}

// TestComponentsByName: each component goes by a name of its own.
func TestComponentsByName(t *testing.T) {
	for _, c := range append(slices.Concat(Components(), Fetches(), Images()), Sample()) {
		if got := Component(c.Name()); got != c {
			t.Errorf("%s is the name of another component: %p, want %p", c.Name(), got, c)
		}
	}
	if c := Component("train.nothing"); c != nil {
		t.Errorf("train.nothing is %s", c.Name())
	}
}
