package suite

import (
	"bytes"
	"encoding/xml"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/source"
)

// TestJUnit holds the form that continuous integration reads: counts, times in seconds, and one element for all that is
// wrong with a test, with nothing in it that XML cannot hold.
func TestJUnit(t *testing.T) {
	at := source.Range{File: "a.mlptest", Start: source.Pos{Line: 3, Column: 5}}
	results := []*Result{
		{File: "a.mlptest", Name: "good", Line: 1, Status: Passed, Duration: 1500 * time.Millisecond},
		{File: "a.mlptest", Name: "bad <&\"\x00\u001b", Line: 2, Status: Failed, Failures: []Failure{
			{Kind: "assert", Summary: "first", Detail: "a < b\n\x07]]>", Range: at}, {Kind: "expect", Summary: "second"}}},
		{File: "b.mlptest", Name: "broken", Line: 3, Status: Errored, Failures: []Failure{{Kind: "error", Summary: "no image"}}},
		{File: "b.mlptest", Name: "late", Line: 4, Status: Skipped, Failures: []Failure{{Kind: "error", Summary: "the one before"}}},
	}
	var b bytes.Buffer
	if err := WriteJUnit(&b, "mlp test", results); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v:\n%s", err, b.String())
	}
	if diff := cmp.Diff([]any{4, 1, 1, 1, "1.500", 2}, []any{got.Tests, got.Failures, got.Errors, got.Skipped, got.Time, len(got.Suites)}); diff != "" {
		t.Error(diff)
	}
	bad := got.Suites[0].Cases[1]
	if bad.Name != "bad <&\"??" || bad.Failure == nil || bad.Failure.Message != "first (and 1 more)" ||
		bad.Failure.Text != "a.mlptest:3:5: first\na < b\n?]]>\n\nsecond" {
		t.Errorf("got %q, %+v", bad.Name, bad.Failure)
	}
	if late := got.Suites[1].Cases[1]; late.Skipped == nil || late.Skipped.Message != "the one before" {
		t.Errorf("got %+v", late)
	}
}

// TestXMLText: the characters at the bounds of what XML 1.0 can hold, and bytes that are none.
func TestXMLText(t *testing.T) {
	for text, want := range map[string]string{
		"\t\n\r": "\t\n\r", "\x08\x0b\x0c\x0e\x1f": "?????", " ": " ", "\ud7ff": "\ud7ff", "\ue000": "\ue000", "\ufffc": "\ufffc",
		"\ufffd\ufffe\uffff": "???", "\U00010000": "\U00010000", "\U0010ffff": "\U0010ffff", "a\xffb": "a?b",
	} {
		if got := xmlText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
