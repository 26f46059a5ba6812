package source

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLinesPos(t *testing.T) {
	texts := []string{"", "a", "a\n", "\n\n", "a\r\nbé\nc", strings.Repeat("é日x", 2000) + "\nlast", strings.Repeat("line é\n", 500)}
	for _, text := range texts {
		l := NewLines([]byte(text))
		line, column := 1, 1
		for i, r := range text {
			if got, want := l.Pos(i), (Pos{Line: line, Column: column, Byte: i}); got != want {
				t.Fatalf("%.20q at %d: got %+v, want %+v", text, i, got, want)
			}
			if column++; r == '\n' {
				line, column = line+1, 1
			}
		}
		if got, want := l.Pos(len(text)+7), (Pos{Line: line, Column: column, Byte: len(text)}); got != want {
			t.Errorf("%.20q at its end: got %+v, want %+v", text, got, want)
		}
		if got, want := l.Count(), strings.Count(text, "\n")+1; got != want {
			t.Errorf("%.20q: %d lines, want %d", text, got, want)
		}
	}
}

func TestLinesLine(t *testing.T) {
	l := NewLines([]byte("a\r\nbé\n\nlast"))
	for n, want := range map[int]string{0: "", 1: "a", 2: "bé", 3: "", 4: "last", 5: ""} {
		if got := string(l.Line(n)); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
}

// TestLinesLong holds that finding a place does not get slower with the length of the line: a scan from its start
// would read 4e11 bytes here.
func TestLinesLong(t *testing.T) {
	text := []byte(strings.Repeat("é", 1<<20))
	l := NewLines(text)
	for i := 0; i < len(text); i += 2 {
		if got, want := l.Pos(i).Column, i/2+1; got != want {
			t.Fatalf("column %d, want %d", got, want)
		}
	}
	if !utf8.Valid(text) {
		t.Fatal("the text is broken")
	}
}

func TestTextAt(t *testing.T) {
	// The file says "a\n\"é" in quotes: value a, line break, quote, é.
	text := NewText("a\n\"é", Range{File: "f", Start: Pos{1, 1, 0}, End: Pos{1, 9, 9}}, []Piece{
		{0, Pos{1, 2, 1}}, {1, Pos{1, 3, 2}}, {2, Pos{1, 5, 4}}, {3, Pos{1, 7, 6}},
	})
	for offset, want := range map[int]Pos{-1: {1, 2, 1}, 0: {1, 2, 1}, 1: {1, 3, 2}, 2: {1, 5, 4}, 3: {1, 7, 6}, 5: {1, 8, 8}, 99: {1, 8, 8}} {
		if got := text.At(offset); got != want {
			t.Errorf("At(%d) = %+v, want %+v", offset, got, want)
		}
	}
	if got, want := NewText("abc", text.Range, nil).At(2), text.Range.Start; got != want {
		t.Errorf("without pieces At = %+v, want %+v", got, want)
	}
}

func TestSort(t *testing.T) {
	at := func(file string, b int) Range { return Range{File: file, Start: Pos{Line: 1, Column: b + 1, Byte: b}} }
	ds := Diagnostics{
		{Severity: Warning, Summary: "w", Subject: at("a", 1)}, {Severity: Error, Summary: "z", Subject: at("b", 0)},
		{Severity: Error, Summary: "e", Subject: at("a", 1)}, {Severity: Error, Summary: "none"}, {Severity: Error, Summary: "e", Subject: at("a", 1)},
	}.Sort()
	var got []string
	for _, d := range ds {
		got = append(got, d.Summary)
	}
	if want := "none e w z"; strings.Join(got, " ") != want {
		t.Errorf("sorted %v, want %s", got, want)
	}
	if !ds.HasErrors() || (Diagnostics{{Severity: Warning}}).HasErrors() {
		t.Error("HasErrors is wrong")
	}
}
