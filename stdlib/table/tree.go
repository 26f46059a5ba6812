package table

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/stdlib/table/lineage"
)

// maxWords is how many texts of trees a session remembers.
const maxWords = 4096

// readTree reads an object that the engine writes of what it has parsed, numbers as json.Number. Names of members and most values come
// again in every tree, and are one text in memory for all of them.
func (s *session) readTree(text string) (tree, error) {
	if len(s.words) > maxWords || s.words == nil {
		s.words = map[string]any{}
	}
	r := treeReader{in: jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), words: s.words}
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
	node := statement.Get("node").(tree).With("select_list", []any{expr})
	return s.giveBack(ctx, statement.With("node", node))
}

// giveBack is a statement as SQL which the engine writes. It asks for every member that it has written itself, also for those that say nothing.
func (s *session) giveBack(ctx context.Context, statement tree) (string, error) {
	data, err := json.Marshal(map[string]any{"error": false, "statements": []any{statement}})
	if err != nil {
		return "", err
	}
	return s.word(ctx, "select json_deserialize_sql("+literal(string(data))+"::json)")
}

// treeReader reads values one after the other.
type treeReader struct {
	in    *jsontext.Decoder
	words map[string]any // as they are written, texts in their quotes → text or number
	// members of the objects that are being read, the inner ones behind the outer; elements of lists so too.
	members  []lineage.Member
	elements []any
}

// value reads the next value, of whatever kind. Numbers stay as they are written, since doubles hold no large whole number.
func (r *treeReader) value() (any, error) {
	switch r.in.PeekKind() {
	case '{':
		return r.object()
	case '[':
		return r.list()
	case '"', '0':
		return r.word()
	}
	token, err := r.in.ReadToken() // what PeekKind has met, too
	if err != nil || token.Kind() == 'n' {
		return nil, err
	}
	return token.Bool(), nil
}

// object reads an object; of two members of one name the last counts.
func (r *treeReader) object() (any, error) {
	_, err := r.in.ReadToken()
	first := len(r.members)
	for err == nil && r.in.PeekKind() != '}' {
		var m lineage.Member
		var name any
		if name, err = r.word(); err == nil {
			m.Name, _ = name.(string)
			m.Value, err = r.value()
		}
		if i := slices.IndexFunc(r.members[first:], func(o lineage.Member) bool { return o.Name == m.Name }); i >= 0 {
			r.members = slices.Delete(r.members, first+i, first+i+1)
		}
		r.members = append(r.members, m)
	}
	if err == nil {
		_, err = r.in.ReadToken()
	}
	out := &lineage.Tree{Members: slices.Clone(r.members[first:])}
	r.members = r.members[:first]
	return out, err
}

// list reads a list; an empty one is not nil.
func (r *treeReader) list() (any, error) {
	_, err := r.in.ReadToken()
	first := len(r.elements)
	for err == nil && r.in.PeekKind() != ']' {
		var v any
		v, err = r.value()
		r.elements = append(r.elements, v)
	}
	if err == nil {
		_, err = r.in.ReadToken()
	}
	out := append([]any{}, r.elements[first:]...)
	r.elements = r.elements[:first]
	return out, err
}

// word reads a text or a number. Short ones, which names of members, kinds and places are, are kept, so that each is made once.
func (r *treeReader) word() (any, error) {
	raw, err := r.in.ReadValue()
	if err != nil {
		return nil, err
	}
	if known, ok := r.words[string(raw)]; ok {
		return known, nil
	}
	const short = 32
	var out any = json.Number(raw)
	if raw[0] == '"' {
		var text []byte
		text, err = jsontext.AppendUnquote(nil, raw)
		out = string(text)
	}
	if err == nil && len(raw) <= short {
		r.words[string(raw)] = out
	}
	return out, err
}
