package source

import (
	"strings"
	"testing"
)

func TestDecodeJSON(t *testing.T) {
	type inner struct {
		N int `json:"n"`
	}
	var v struct {
		Format int              `json:"format"`
		Names  map[string]inner `json:"names"`
		List   []inner          `json:"list"`
	}
	good := `{"format":1,"names":{"a":{"n":1},"b":{"n":2}},"list":[{"n":1},{"n":1}]}` + "\n"
	if err := DecodeJSON([]byte(good), &v); err != nil || v.Names["b"].N != 2 || len(v.List) != 2 {
		t.Errorf("got %+v, %v", v, err)
	}
	for text, want := range map[string]string{
		"":                                      "line 1: unexpected end of JSON input",
		"{\n\"format\": 1,":                     "line 2: unexpected end",
		"{}{}":                                  "line 1: invalid character '{' after top-level value",
		"{\"format\":1,\n\"form\":2}":           `unknown field "form"`,
		"{\"format\":1,\n\"format\":2}":         `line 2: "format" stands twice`,
		`{"names":{"a":{"n":1},"b":{},"a":{}}}`: `"a" stands twice`,
		`{"list":[{"n":1,"n":1}]}`:              `"n" stands twice`,
		"{\n\"format\":\"x\"}":                  `line 2: "format" cannot hold what it does, which is a string`,
		"[]":                                    "it holds a array where something else belongs",
		`{"format":1e999}`:                      `it holds a number 1e999 where something else belongs`,
		"<<<<<<< HEAD\n{}":                      "line 1: invalid character '<'",
		strings.Repeat("[", 100_000):            "exceeded max depth",
		`{"names":` + strings.Repeat(`{"a":`, 100_000) + `}`: "exceeded max depth",
	} {
		err := DecodeJSON([]byte(text), &v)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}
