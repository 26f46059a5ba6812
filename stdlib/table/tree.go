package table

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxWords is how many texts of trees a session remembers.
const maxWords = 4096

// readTree reads an object that the engine writes of what it has parsed, numbers as json.Number. Names of members and most values come
// again in every tree, and are one text in memory for all of them.
func (s *session) readTree(text string) (tree, error) {
	if len(s.words) > maxWords || s.words == nil {
		s.words = map[string]string{}
	}
	r := treeReader{jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), s.words}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	t, ok := v.(tree)
	if !ok {
		return nil, fmt.Errorf("the engine wrote no object: %.40q", text)
	}
	return t, nil
}

// selecting is a statement as SQL, with an expression in place of all that it selects. The statement stays as it is.
func (s *session) selecting(ctx context.Context, statement tree, expr any) (string, error) {
	statement = maps.Clone(statement)
	node := maps.Clone(statement["node"].(tree))
	node["select_list"], statement["node"] = []any{expr}, node
	return s.giveBack(ctx, statement)
}

// giveBack is a statement as SQL which the engine writes. It asks for every member that it has written itself, also for those that say nothing.
func (s *session) giveBack(ctx context.Context, statement tree) (string, error) {
	data, err := json.Marshal(tree{"error": false, "statements": []any{statement}})
	if err != nil {
		return "", err
	}
	return s.word(ctx, "select json_deserialize_sql("+literal(string(data))+"::json)")
}

// treeReader reads values one after the other.
type treeReader struct {
	in    *jsontext.Decoder
	words map[string]string // as they are written, in their quotes → text
}

// value reads the next value, of whatever kind. Numbers stay as they are written, since doubles hold no large whole number.
func (r treeReader) value() (any, error) {
	switch r.in.PeekKind() {
	case '{':
		return r.object()
	case '[':
		return r.list()
	case '"':
		return r.text()
	case '0':
		raw, err := r.in.ReadValue()
		return json.Number(raw), err
	}
	token, err := r.in.ReadToken() // what PeekKind has met, too
	if err != nil || token.Kind() == 'n' {
		return nil, err
	}
	return token.Bool(), nil
}

// object reads an object; of two members of one name the last counts.
func (r treeReader) object() (any, error) {
	_, err := r.in.ReadToken()
	out := tree{}
	for err == nil && r.in.PeekKind() != '}' {
		var name string
		if name, err = r.text(); err == nil {
			out[name], err = r.value()
		}
	}
	if err == nil {
		_, err = r.in.ReadToken()
	}
	return out, err
}

// list reads a list; an empty one is not nil.
func (r treeReader) list() (any, error) {
	_, err := r.in.ReadToken()
	out := []any{}
	for err == nil && r.in.PeekKind() != ']' {
		var v any
		v, err = r.value()
		out = append(out, v)
	}
	if err == nil {
		_, err = r.in.ReadToken()
	}
	return out, err
}

// text reads a text. Short ones, which names of members and kinds are, are kept, so that each is made once.
func (r treeReader) text() (string, error) {
	raw, err := r.in.ReadValue()
	if err != nil {
		return "", err
	}
	if known, ok := r.words[string(raw)]; ok {
		return known, nil
	}
	const short = 32
	text, err := jsontext.AppendUnquote(nil, raw)
	if err == nil && len(raw) <= short {
		r.words[string(raw)] = string(text)
	}
	return string(text), err
}
