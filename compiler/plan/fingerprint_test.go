package plan

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/lang/digest"
)

// The value is part of what the product promises: it must not move between versions.
func TestFingerprintIsStable(t *testing.T) {
	got := Fingerprint(digest.Of([]byte("definition")), map[string]Digest{"b": digest.Of([]byte("2")), "a": digest.Of([]byte("1"))})
	const want = "blake3:5414a5c9d609b67c3bac43f2b09d4e9206a91df8bb5188e41913d9e308d91b72"
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFingerprintTellsApart(t *testing.T) {
	d, e := digest.Of([]byte("d")), digest.Of([]byte("e"))
	seen := map[Digest]string{}
	for name, fp := range map[string]Digest{
		"no inputs":        Fingerprint(d, nil),
		"other definition": Fingerprint(e, nil),
		"one input":        Fingerprint(d, map[string]Digest{"a": e}),
		"other port":       Fingerprint(d, map[string]Digest{"b": e}),
		"other content":    Fingerprint(d, map[string]Digest{"a": d}),
		"ports run on":     Fingerprint(d, map[string]Digest{"a" + string(e): ""}),
	} {
		if other, ok := seen[fp]; ok {
			t.Errorf("%s and %s have the same fingerprint", name, other)
		}
		seen[fp] = name
	}
}

func TestGateSubjectIgnoresSpellingOnly(t *testing.T) {
	d, m := digest.Of([]byte("d")), map[string]Digest{"deploy.x": digest.Of([]byte("m"))}
	subject := func(values string) Digest {
		s, err := GateSubject(d, json.RawMessage(values), m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got, want := subject(`{"b": 1, "a": {"d": null, "c": "<"}}`), subject(`{"a":{"c":"<","d":null},"b":1}`); got != want {
		t.Errorf("order and space: got %s, want %s", got, want)
	}
	if subject(`{"a":1}`) == subject(`{"a":2}`) {
		t.Error("other values give the same subject")
	}
	if _, err := GateSubject(d, json.RawMessage(`{"a":`), m); err == nil {
		t.Error("broken values: got no error")
	}
}
