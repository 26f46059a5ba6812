package table

import (
	"errors"
	"testing"
)

// TestSyntax: the query that is prepared once writes the trees that one for each text writes, of texts of every kind, in a session that is
// alone, in a binder's and in one of an engine that is kept.
func TestSyntax(t *testing.T) {
	texts := []string{"select 1", "select 'it''s' as a, x from t where y > 1", "select", "", "drop table t", "select 1; select 2", "select \x00", "select 'a\x00b'", "select '\xff'",
		"select 'ä' as \"ö\"", "select $1", "pivot t on x using sum(y)"}
	want := make([]string, len(texts))
	for i, text := range texts {
		s, err := alone(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said, err := s.word(t.Context(), syntaxOf(literal(text)))
		if err != nil {
			said = err.Error()
		}
		if want[i] = said; s.Close() != nil {
			t.Fatal("a session did not close")
		}
	}
	compare := func(name string, s *session) {
		for i, text := range texts {
			got, err := s.syntax(t.Context(), text)
			if err != nil {
				got = err.Error()
			}
			if got != want[i] {
				t.Errorf("%s, %q: got %.300s, want %.300s", name, text, got, want[i])
			}
		}
	}
	binder := NewBinder(nil)
	s, err := binder.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compare("binder", s)
	if text, ok := s.serializer.tree(s.handle(), "select 1"); !ok || text != want[0] {
		t.Errorf("got %q, %v: the query is not prepared", text, ok)
	}
	if err := binder.Close(); err != nil { // its session may be of an engine that keeping gives up
		t.Fatal(err)
	}
	keeping(t)
	kept, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compare("kept", kept)
	if text, ok := kept.engine.syntax("select 1"); !ok || text != want[0] {
		t.Errorf("got %q, %v: the kept engine has not prepared it", text, ok)
	}
	if err := errors.Join(kept.Close(), Reset(t.Context())); err != nil {
		t.Fatal(err)
	}
}
