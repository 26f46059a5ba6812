package suggest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// nearest is what Near returns, by the plain definition: every distance in full.
func nearest(given string, candidates []string) string {
	best, least := "", 1+utf8.RuneCountInString(given)/4
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		a, b := strings.ToLower(given), strings.ToLower(c)
		d := levenshtein.Distance(a, b, nil)
		x, y := []rune(a), []rune(b)
		slices.Sort(x)
		slices.Sort(y)
		if d == 2 && slices.Equal(x, y) {
			d = 1
		}
		if n := len(x); c == given || d > 0 && (n < 2 || n == 2 && len(b) < 3) {
			continue
		}
		if d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	return best
}

// TestNear compares with the plain definition: names made of few letters, and misspelt ones of long names, so that there
// are many ties and swaps, and all distances.
func TestNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("aabcB_0İé")
	word := func(n int) []rune {
		w := make([]rune, n)
		for i := range w {
			w[i] = letters[r.IntN(len(letters))]
		}
		return w
	}
	misspelt := func(w []rune) []rune {
		w = slices.Clone(w)
		for range r.IntN(6) {
			i := r.IntN(len(w) + 1)
			switch {
			case r.IntN(3) == 0 || i == len(w):
				w = slices.Insert(w, i, letters[r.IntN(len(letters))])
			case r.IntN(3) == 0:
				w = slices.Delete(w, i, i+1)
			case i > 0:
				w[i], w[i-1] = w[i-1], w[i]
			}
		}
		return w
	}
	found := 0
	for range 3000 {
		var names []string
		for range 1 + r.IntN(30) {
			names = append(names, string(word(r.IntN(24))))
		}
		all := NewNames(names)
		for range 5 {
			given := string(word(r.IntN(6)))
			if r.IntN(3) > 0 {
				given = string(misspelt([]rune(names[r.IntN(len(names))])))
			}
			got, want := all.Near(given), nearest(given, names)
			if got != want {
				t.Fatalf("Near(%q) of %q = %q, want %q", given, names, got, want)
			}
			if got != "" {
				found++
			}
		}
	}
	if found < 5000 {
		t.Errorf("something was near %d times; the names say little", found)
	}
}

func TestNearest(t *testing.T) {
	cases := []struct {
		given      string
		candidates []string
		want       string
	}{
		{"aucc", []string{"recall", "auc"}, "auc"},
		{"paymets", []string{"payments", "customers"}, "payments"},
		{"tset", []string{"train", "test"}, "test"},
		{"Train", []string{"train"}, "train"},
		{"xyz", []string{"train", "test"}, ""},
		{"a", []string{"b"}, ""},
		{"", []string{"b"}, ""},
		{"rwa", []string{"row", "raw"}, "raw"},
		{"mx", []string{"ax", "max"}, "max"},
		{"fro", []string{"from", "for"}, "for"},
		{"cat", []string{"rat", "bat"}, "bat"},
		{"same", []string{"same"}, ""},
	}
	for _, c := range cases {
		if got := Near(c.given, c.candidates); got != c.want {
			t.Errorf("Near(%q, %v) = %q, want %q", c.given, c.candidates, got, c.want)
		}
	}
	if got, want := DidYouMean("aucc", []string{"auc"}), `did you mean "auc"?`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
