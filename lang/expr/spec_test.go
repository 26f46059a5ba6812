package expr

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFunctionsAreSpecified holds the list of functions in spec/language.md to those that there are.
func TestFunctionsAreSpecified(t *testing.T) {
	text, err := os.ReadFile("../../spec/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "```\nabs ")
	list, _, found := strings.Cut("abs "+list, "\n```")
	if !found {
		t.Fatal("spec/language.md has no list of functions")
	}
	got := append(strings.Fields(list), "file", "filehash") // told beside the list
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(functions(""))), got); diff != "" {
		t.Errorf("functions that there are and those of spec/language.md:\n%s", diff)
	}
}
