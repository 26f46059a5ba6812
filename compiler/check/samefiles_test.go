package check

import (
	"strings"
	"testing"
)

func TestPathsThatMayShareFiles(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"a.csv", "a.csv", true},
		{"a.csv", "b.csv", false},
		{"data/*.csv", "data/2026.csv", true},
		{"data/2026.csv", "data/*.csv", true},
		{"data/*.csv", "data/x/2026.csv", false},
		{"data/**/*.csv", "data/x/y/2026.csv", true},
		{"data/**", "data/2026.parquet", true},
		{"data/2025-*.csv", "data/2026-*.csv", false},
		{"data/*.csv", "data/2026-*.csv", true},
		{"data/*.csv", "data/*.parquet", false},
		{"data/202[56].csv", "data/2025.csv", true},
		{"data/202[56].csv", "data/2024.csv", false},
		{"**/a.csv", "x/**", true},
	}
	for _, tt := range tests {
		for _, p := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := share(strings.Split(p[0], "/"), strings.Split(p[1], "/")); got != tt.want {
				t.Errorf("%s and %s: got %t", p[0], p[1], got)
			}
		}
	}
}
