package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Canonical re-encodes a value as JSON with sorted keys, no blanks and no HTML escapes: the one form of it that is
// digested and compared. Numbers keep their digits.
func Canonical(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	c := &canonical{in: b.Bytes(), out: make([]byte, 0, b.Len())}
	if err := c.value(); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return c.out, nil
}

// canonical rewrites JSON that encoding/json has written, so that it is whole and without blanks.
type canonical struct {
	in      []byte
	at      int
	out     []byte
	scratch []byte
}

func (c *canonical) value() error {
	switch c.in[c.at] {
	case '{':
		return c.object()
	case '[':
		return c.list()
	case '"':
		_, err := c.text(false)
		return err
	}
	for {
		switch c.in[c.at] {
		case ',', ']', '}', '\n':
			return nil
		}
		c.take()
	}
}

func (c *canonical) list() error {
	c.take()
	for c.in[c.at] != ']' {
		if err := c.value(); err != nil {
			return err
		}
		if c.in[c.at] == ',' {
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
	key        string
	start, end int
}

// object writes fields as they come and puts them in order if they are not.
func (c *canonical) object() error {
	c.take()
	first := len(c.out)
	var fields []field
	sorted := true
	for c.in[c.at] != '}' {
		if c.in[c.at] == ',' {
			c.take()
		}
		f := field{start: len(c.out)}
		var err error
		if f.key, err = c.text(true); err != nil {
			return err
		}
		c.take() // the colon
		if err := c.value(); err != nil {
			return err
		}
		f.end = len(c.out)
		sorted = sorted && (len(fields) == 0 || fields[len(fields)-1].key < f.key)
		fields = append(fields, f)
	}
	if !sorted {
		c.arrange(fields, first)
	}
	c.take()
	return nil
}

// arrange puts the fields that were written from first on in order. Of those with one key the last counts.
func (c *canonical) arrange(fields []field, first int) {
	c.scratch = append(c.scratch[:0], c.out[first:]...)
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	c.out = c.out[:first]
	for i, f := range fields {
		if i+1 < len(fields) && fields[i+1].key == f.key {
			continue
		}
		if len(c.out) > first {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, c.scratch[f.start-first:f.end-first]...)
	}
}

// text writes a string, and returns what it says if that is wanted.
func (c *canonical) text(wanted bool) (string, error) {
	token, plain, same := c.token()
	var s string
	if wanted && plain {
		s = string(token[1 : len(token)-1])
	}
	if !same || wanted && !plain {
		if err := json.Unmarshal(token, &s); err != nil {
			return "", err
		}
	}
	if same {
		c.out = append(c.out, token...)
		return s, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "", err
	}
	c.out = append(c.out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
	return s, nil
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
			same = same && strings.IndexByte("\"\\nrtbf", c.in[c.at]) >= 0
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
