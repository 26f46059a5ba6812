package schema

import (
	"slices"
	"testing"
	"time"
)

func TestRetrainProblems(t *testing.T) {
	tests := map[string]struct {
		block Retrain
		want  []string // paths
	}{
		"a schedule":         {Retrain{Schedule: "@daily"}, nil},
		"a condition":        {Retrain{When: "x > 1", CoolDown: "3d", AtMost: "2 per 30d", Budget: "90m per 1w"}, nil},
		"never":              {Retrain{AtMost: "1 per 7d"}, []string{""}},
		"cools for nothing":  {Retrain{Schedule: "@daily", CoolDown: "3d"}, []string{"cool_down"}},
		"a word":             {Retrain{Schedule: "@daily", AtMost: "one per week"}, []string{"at_most"}},
		"none":               {Retrain{Schedule: "@daily", AtMost: "0 per 7d"}, []string{"at_most"}},
		"no stretch":         {Retrain{Schedule: "@daily", AtMost: "1 per 0d", Budget: "6h"}, []string{"at_most", "budget"}},
		"a number of nobody": {Retrain{Schedule: "@daily", Budget: "6 per 30d"}, []string{"budget"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range tt.block.Problems() {
				got = append(got, p.Path)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got problems at %q, want %q", got, tt.want)
			}
		})
	}
	r := Retrain{AtMost: "2 per 1w", Budget: "90m per 30d"}
	n, per, err := r.Most()
	d, stretch, err2 := r.Hours()
	if n != 2 || per != 7*24*time.Hour || d != 90*time.Minute || stretch != 30*24*time.Hour || err != nil || err2 != nil || r.Rest() != 24*time.Hour {
		t.Errorf("got %d per %s, %s per %s, %s, %v, %v", n, per, d, stretch, r.Rest(), err, err2)
	}
}
