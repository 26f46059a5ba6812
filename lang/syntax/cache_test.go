package syntax

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCache holds that a cache gives what Parse gives, and reads again only what has changed.
func TestCache(t *testing.T) {
	c := NewCache(catalog())
	steps := []struct {
		name, a, b string
		kept       bool // b.mlp is not read again
	}{
		{"first", "metric \"x\" {}\n", "metric \"y\" { typ = 1 }\n", false},
		{"one changes", "metric \"x\" {\n  type =\n}\n", "metric \"y\" { typ = 1 }\n", true},
		{"the other changes", "metric \"x\" {\n  type =\n}\n", "metric \"x\" {}\n", false},
		{"duplicates across files", "metric \"x\" {}\n", "metric \"x\" {}\n", true},
	}
	var before *Block
	for _, s := range steps {
		files := map[string][]byte{"a.mlp": []byte(s.a), "b.mlp": []byte(s.b)}
		m, ds := c.Parse(files)
		want, wantDs := Parse(files, catalog())
		if d := cmp.Diff(brief(wantDs), brief(ds)); d != "" {
			t.Errorf("%s: -want +got:\n%s", s.name, d)
		}
		if len(m.Blocks) != len(want.Blocks) || m.Incomplete != want.Incomplete || !cmp.Equal(m.Invalid, want.Invalid) {
			t.Errorf("%s: got %d blocks, incomplete %t, invalid %v", s.name, len(m.Blocks), m.Incomplete, m.Invalid)
		}
		last := m.Blocks[len(m.Blocks)-1]
		if kept := last == before; kept != s.kept {
			t.Errorf("%s: b.mlp kept %t, want %t", s.name, kept, s.kept)
		}
		before = last
	}
}
