package plan

import (
	"bytes"
	"encoding/json"
	"testing"
)

// throughTree is the canonical form by way of encoding/json alone.
func throughTree(v any) ([]byte, error) {
	first, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(first))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err = enc.Encode(tree)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// FuzzCanonical holds the one form of a value to that which encoding/json gives by way of a tree.
func FuzzCanonical(f *testing.F) {
	for _, text := range []string{
		`null`, `true`, `-1.50e+3`, `""`, `[]`, `{}`, `[1,[2,{"a":[]}],"x"]`, `{"b":1,"a":2}`, `{"a":1,"a":2,"A":3}`, `{"b":{"d":1,"c":{"z":1,"y":2}},"a":[{"k":1,"j":2}]}`,
		`"a\u003cb<c>&"`, `"\u00e9é\/\\\"\n\b\f\r\t\u0000\u007f"`, `"\u2028` + "\u2028" + `"`, `{"\u0061":1,"a":2,"b\n":3,"b":4}`, `"\ud800x\ud83d\ude00"`, "\"\xff\"", "{\"\xff\":1,\"\xfe\":2}",
		`{"é":1,"e":2,"z":3}`, ` { "a" : [ 1 , 2 ] , "b" : "c" } `, `{"a,b":"}]","c":"{["}`, `123456789012345678901234567890`, `{"":0,"\u0000":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := throughTree(json.RawMessage(text))
		got, err := Canonical(json.RawMessage(text))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got error %v, want %v", text, err, wantErr)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	})
}
