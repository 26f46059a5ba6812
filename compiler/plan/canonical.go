package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Canonical re-encodes a value as JSON with sorted keys, no blanks and no HTML escapes: the one form of it that is
// digested and compared. Numbers keep their digits. It is what encoding/json gives by way of a tree, and the same types,
// tags and methods decide it; encode.go says how it comes about sooner.
func Canonical(v any) (json.RawMessage, error) {
	e := &encoder{}
	if err := e.any(v); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return e.out, nil
}

// canonical rewrites JSON that is valid, in one pass over its bytes: values are copied as they come, and only objects
// whose keys are out of order are put together anew. Whoever wrote the text through Canonical before pays for a copy
// alone.
type canonical struct {
	in      []byte
	at      int
	out     []byte
	fields  []field // of the objects that are being read, the inner ones behind the outer
	scratch []byte
}

// appendCanonical appends the canonical form of a JSON text.
func appendCanonical(out, text []byte) ([]byte, error) {
	if !json.Valid(text) {
		return out, invalid(text)
	}
	c := &canonical{in: text, out: out}
	err := c.value()
	return c.out, err
}

// invalid says what is wrong with a text.
func invalid(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return errors.New("invalid JSON")
}

// blank passes over white space, of which the canonical form has none.
func (c *canonical) blank() {
	for c.at < len(c.in) {
		switch c.in[c.at] {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return
		}
	}
}

// value copies a value. Numbers, true, false and null are copied as they are written.
// Numbers are not read: 0.10 stays 0.10, since a double could not tell what was written, and who encodes writes each
// number in one way.
func (c *canonical) value() error {
	c.blank()
	switch c.in[c.at] {
	case '{':
		return c.object()
	case '[':
		return c.list()
	case '"':
		_, err := c.text(false)
		return err
	}
	for c.at < len(c.in) {
		switch c.in[c.at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return nil
		}
		c.take()
	}
	return nil
}

// list copies a list; the order of its elements means something.
func (c *canonical) list() error {
	c.take()
	for c.blank(); c.in[c.at] != ']'; c.blank() {
		if err := c.value(); err != nil {
			return err
		}
		if c.blank(); c.in[c.at] == ',' {
			c.take()
		}
	}
	c.take()
	return nil
}

// take copies a character.
func (c *canonical) take() {
	c.out = append(c.out, c.in[c.at])
	c.at++
}

// field is one of an object: its key, and where it stands in the output, key included.
type field struct {
	key        []byte
	start, end int
}

// object writes fields as they come and puts them in order of their keys, compared byte by byte, if they are not.
// Most objects come in order already, and then nothing is moved. Keys are compared as they are meant, with escapes
// resolved.
func (c *canonical) object() error {
	c.take()
	first, base, sorted := len(c.out), len(c.fields), true
	for c.blank(); c.in[c.at] != '}'; c.blank() {
		if c.in[c.at] == ',' {
			c.take()
			c.blank()
		}
		f := field{start: len(c.out)}
		var err error
		if f.key, err = c.text(true); err != nil {
			return err
		}
		c.blank()
		c.take() // the colon
		if err := c.value(); err != nil {
			return err
		}
		f.end = len(c.out)
		sorted = sorted && (len(c.fields) == base || bytes.Compare(c.fields[len(c.fields)-1].key, f.key) < 0)
		c.fields = append(c.fields, f)
	}
	if !sorted {
		c.arrange(c.fields[base:], first)
	}
	c.fields = c.fields[:base]
	c.take()
	return nil
}

// arrange puts the fields that were written from first on in order. Of those with one key the last counts, as
// encoding/json has it.
func (c *canonical) arrange(fields []field, first int) {
	c.scratch = append(c.scratch[:0], c.out[first:]...)
	slices.SortStableFunc(fields, func(a, b field) int { return bytes.Compare(a.key, b.key) })
	c.out = c.out[:first]
	for i, f := range fields {
		if i+1 < len(fields) && bytes.Equal(fields[i+1].key, f.key) {
			continue
		}
		if len(c.out) > first {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, c.scratch[f.start-first:f.end-first]...)
	}
}

// text writes a string, and returns what it says if that is wanted.
// A string without escapes, which nearly all are, is copied as it stands.
func (c *canonical) text(wanted bool) ([]byte, error) {
	token, plain, same := c.token()
	said := token[1 : len(token)-1]
	if !same || wanted && !plain {
		var s string
		if err := json.Unmarshal(token, &s); err != nil {
			return nil, err
		}
		if !same {
			c.out = appendText(c.out, s)
			return []byte(s), nil
		}
		said = []byte(s)
	}
	c.out = append(c.out, token...)
	return said, nil
}

// token takes a string as it is written. A plain one says what stands between its quotes; one that is the same is written
// as encoding/json would write what it says.
func (c *canonical) token() (token []byte, plain, same bool) {
	start := c.at
	plain, same = true, true
	ascii := true
	for c.at++; c.in[c.at] != '"'; c.at++ {
		switch b := c.in[c.at]; {
		case b == '\\':
			plain = false
			c.at++
			same = same && bytes.IndexByte([]byte("\"\\nrtbf"), c.in[c.at]) >= 0
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.at++
	token = c.in[start:c.at]
	if !ascii && (!utf8.Valid(token) || bytes.ContainsAny(token, "\u2028\u2029")) {
		plain, same = false, false
	}
	return token, plain, same
}

// appendText appends a string as encoding/json writes it once it is valid UTF-8.
// The digests of records and plans rest on each byte of it, which is why it follows encoding/json to the letter and a
// test holds the two together.
func appendText(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(s); {
		size, short := 1, ""
		if b := s[i]; b < utf8.RuneSelf {
			if short = escapes[b]; short == "" {
				i++
				continue
			}
		} else {
			var r rune
			switch r, size = utf8.DecodeRuneInString(s[i:]); {
			case r == utf8.RuneError && size == 1:
				short = "\ufffd"
			case r == '\u2028':
				short = `\u2028`
			case r == '\u2029':
				short = `\u2029`
			default:
				i += size
				continue
			}
		}
		out = append(append(out, s[start:i]...), short...)
		i += size
		start = i
	}
	return append(append(out, s[start:]...), '"')
}

// escapes are how characters are written that cannot stand for themselves.
var escapes = func() (e [utf8.RuneSelf]string) {
	for c := range ' ' {
		e[c] = fmt.Sprintf(`\u%04x`, c)
	}
	e['"'], e['\\'], e['\b'], e['\f'], e['\n'], e['\r'], e['\t'] = `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`
	return e
}()
