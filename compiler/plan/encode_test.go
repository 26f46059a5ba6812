package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/source"
)

type inner struct{ B, A int }

type special struct{ hidden string }

func (s special) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"z": s.hidden, "a": "<"})
}

type pointed struct{ hidden string }

func (p *pointed) MarshalText() ([]byte, error) { return []byte("text of " + p.hidden), nil }

type key string

func (k key) MarshalText() ([]byte, error) { return []byte("key " + string(k)), nil }

type nowhere struct{ At string }

func (n nowhere) IsZero() bool { return n.At == "nowhere" }

type recursive struct {
	Name  string                `json:"name"`
	Next  *recursive            `json:"next,omitempty"`
	Of    map[string]*recursive `json:"of,omitempty"`
	Among []recursive           `json:"among,omitempty"`
}

type all struct {
	Z         int    `json:"a"`
	Untagged  string // B
	Left      string `json:"-"`
	Dash      string `json:"-,"`
	unseen    string
	Bool      bool               `json:"bool"`
	Uint      uint8              `json:"uint,omitempty"`
	Float     float64            `json:"float"`
	Bytes     []byte             `json:"bytes"`
	Array     [2]inner           `json:"array"`
	Nil       []string           `json:"nil"`
	None      []string           `json:"none,omitempty"`
	Raw       json.RawMessage    `json:"raw,omitempty"`
	Number    json.Number        `json:"number,omitempty"`
	Any       any                `json:"any"`
	Map       map[string]any     `json:"map"`
	Ints      map[int]string     `json:"ints,omitempty"`
	Keys      map[key]int        `json:"keys,omitempty"`
	Time      time.Time          `json:"time,omitzero"`
	Range     source.Range       `json:"range,omitzero"`
	Nowhere   nowhere            `json:"nowhere,omitzero"`
	Pointer   *nowhere           `json:"pointer,omitempty"`
	Zero      inner              `json:"zero,omitzero"`
	Empty     inner              `json:"empty,omitempty"`
	Special   special            `json:"special"`
	Specials  map[string]special `json:"specials,omitempty"`
	Pointed   pointed            `json:"pointed"`
	Quoted    int                `json:"quoted,string"`
	Big       *big.Int           `json:"big,omitempty"`
	Recursive *recursive         `json:"recursive,omitempty"`
}

type embedding struct {
	inner
	special
	A string
}

type plain struct {
	C string     `json:"c"`
	R *recursive `json:"r"`
	N nowhere    `json:"n,omitzero"`
	P pointed
	S []special
	J json.RawMessage
	T time.Time `json:",omitzero"`
	F float64
}

// Whatever the type, the form is that of encoding/json by way of a tree.
func TestCanonicalOfTypes(t *testing.T) {
	many, long := map[string]*plain{}, []any{}
	for i := range 1000 {
		many[fmt.Sprint(i)] = &plain{C: fmt.Sprint(i), P: pointed{"p"}}
		long = append(long, map[string]any{"b": i, "a": []int{i}})
	}
	deep := &recursive{Name: "0"}
	for i := range 2000 {
		deep = &recursive{Name: fmt.Sprint(i), Next: deep}
	}
	whole := all{Untagged: "u", Left: "l", Dash: "d", unseen: "x", Uint: 1, Float: 1e21, Bytes: []byte("bytes"), Raw: json.RawMessage(` { "b" : [ 1 , 2 ] , "a" : null } `),
		Number: "1.50", Any: inner{1, 2}, Map: map[string]any{"\u2028": 1, "é": nil, "a\"b": "\x01\b\f\n\r\t\\\u007f", "": true}, Ints: map[int]string{10: "a", 9: "b"}, Keys: map[key]int{"k": 1},
		Time: time.Unix(0, 5).UTC(), Nowhere: nowhere{"nowhere"}, Pointer: &nowhere{"nowhere"}, Special: special{"s"}, Specials: map[string]special{"b": {"1"}, "a": {"2"}},
		Pointed: pointed{"p"}, Quoted: 3, Big: big.NewInt(7)}
	for name, v := range map[string]any{
		"nil": nil, "nil pointer": (*inner)(nil), "nil map": map[string]int(nil), "text": "\xff<&>\u2029", "bad keys": map[string]int{"\xff": 1, "\xfe": 2, "a": 3},
		"whole": whole, "whole by pointer": &whole, "zero": all{}, "embedding": embedding{inner{1, 2}, special{"s"}, "x"}, "many": many, "long": long, "deep": deep,
		"plain":            plain{P: pointed{"p"}, S: []special{{"a"}, {"b"}}, J: json.RawMessage("null"), T: time.Unix(1, 0).UTC(), F: 0.1},
		"plain by pointer": &plain{P: pointed{"p"}, N: nowhere{"nowhere"}, R: &recursive{Among: []recursive{{Name: "x", Of: map[string]*recursive{"b": nil, "a": {Name: "<"}}}}}},
		"plains":           []plain{{P: pointed{"p"}}, {N: nowhere{"nowhere"}}}, "array": [3]any{1, "a", nil}, "float": 1e-7, "infinity": 1 / zero, "function": func() {},
		"empty raw": json.RawMessage{}, "broken raw": struct{ A, B any }{json.RawMessage(`{"a":`), 1}, "raw of two": json.RawMessage("1 2"), "channel inside": []any{1, make(chan int)},
	} {
		want, wantErr := throughTree(v)
		got, err := Canonical(v)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got error %v, want %v", name, err, wantErr)
			continue
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %.3000s\nwant %.3000s", name, got, want)
		}
		d, err := Sum("test", v)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: digest: got error %v, want %v", name, err, wantErr)
		}
		sum := blake3.Sum256(append([]byte("mlp/test\x00"), want...))
		if wantDigest := digest.FromSum(sum[:]); err == nil && d != wantDigest {
			t.Errorf("%s: got %s, want %s", name, d, wantDigest)
		}
	}
	held := &recursive{}
	held.Next = held
	if _, err := Canonical(held); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("a value that holds itself: got %v", err)
	}
}

var zero float64

// So it is of real plans.
func TestCanonicalOfPlans(t *testing.T) {
	files, err := filepath.Glob("../../spec/plans/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no plans: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		want, err := throughTree(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Canonical(p); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %v\n%s\nwant %s", file, err, got, want)
		}
	}
}

// BenchmarkSum digests a plan of a thousand stages: times as many as the bytes take alone.
func BenchmarkSum(b *testing.B) {
	data, err := os.ReadFile("../../spec/plans/1.0/first.json")
	if err != nil {
		b.Fatal(err)
	}
	p, err := Read(data)
	if err != nil {
		b.Fatal(err)
	}
	for len(p.Nodes) < 1000 {
		p.Nodes = append(p.Nodes, p.Nodes[0], p.Nodes[1], p.Nodes[2])
	}
	text, err := Canonical(p)
	if err != nil {
		b.Fatal(err)
	}
	var whole, alone time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := Sum("plan", p); err != nil {
			b.Fatal(err)
		}
		whole += time.Since(start)
		start = time.Now()
		digest.Of(text)
		alone += time.Since(start)
	}
	b.ReportMetric(float64(whole)/float64(alone), "hash-ratio")
}
