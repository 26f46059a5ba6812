package schema

import "testing"

func TestTakes(t *testing.T) {
	kinds := map[ValueKind][]string{
		BooleanValue: {"boolean"},
		NumberValue:  {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "float", "double", "decimal(10,2)"},
		TextValue:    {"varchar", "enum('a', 'b')"},
	}
	none := []string{"date", "time", "timestamp", "timestamp_ns", "timestamp with time zone", "interval", "blob", "uuid", "integer[]",
		"struct(a integer)", "map(varchar, double)"}
	all := append([]string{}, none...)
	for _, types := range kinds {
		all = append(all, types...)
	}
	kindOf := func(name string) ValueKind {
		for kind, types := range kinds {
			for _, t := range types {
				if t == name {
					return kind
				}
			}
		}
		return ""
	}
	for _, trained := range all {
		for _, given := range all {
			want := trained == given || kindOf(trained) != "" && kindOf(trained) == kindOf(given)
			if got := Takes(trained, given); got != want {
				t.Errorf("trained on %s, given %s: got %t, want %t", trained, given, got, want)
			}
		}
	}
}
