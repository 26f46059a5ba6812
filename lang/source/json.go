package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// JSONError says what encoding/json found wrong with a text, with the line where it knows it and without names of Go:
// "line 3: "limit" cannot hold what it does, which is a string". err is of reading that text.
func JSONError(text []byte, err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s", lineOf(text, syntax.Offset), strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.As(err, &typ) && typ.Field != "":
		return fmt.Errorf("line %d: %q cannot hold what it does, which is a %s", lineOf(text, typ.Offset), typ.Field, typ.Value)
	case errors.As(err, &typ):
		return fmt.Errorf("line %d: it holds a %s where something else belongs", lineOf(text, typ.Offset), typ.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too soon")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// lineOf is the line of a byte of a text, from 1; an offset outside is taken to its nearer end.
func lineOf(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:max(0, min(offset, int64(len(text))))], []byte("\n"))
}

// DecodeJSON reads a text that people may have changed: one value, without keys that stand twice or are not known. v is
// as for encoding/json; after an error it may be partly filled.
func DecodeJSON(text []byte, v any) error {
	if err := CheckJSON(text); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return JSONError(text, err)
	}
	return nil
}

// CheckJSON makes sure that a text is one JSON value in which no object has a key twice: of two values under one name readers
// take the first, the last or both. Whatever others write and something is decided by is read through it.
func CheckJSON(text []byte) error {
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return JSONError(text, err)
	}
	type level struct {
		keys map[string]bool // nil in a list
		key  bool            // a key is next
	}
	var levels []level
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return JSONError(text, err)
		}
		at := len(levels) - 1
		if d, ok := token.(json.Delim); ok && (d == '}' || d == ']') {
			levels = levels[:at]
			continue
		}
		if at >= 0 && levels[at].keys != nil {
			if name, ok := token.(string); ok && levels[at].key {
				if levels[at].keys[name] {
					return fmt.Errorf("line %d: %q stands twice", lineOf(text, dec.InputOffset()), name)
				}
				levels[at].keys[name], levels[at].key = true, false
				continue
			}
			levels[at].key = true
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{map[string]bool{}, true})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}
