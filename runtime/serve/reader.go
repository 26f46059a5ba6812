package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// How JSON is read.
//
// A reader goes through a text from front to back by jsontext's tokens, and whatever it gives out was found to be JSON. What a request has much of,
// the rows of predict and the data of tensors, is read as one value, and then cut into its parts (members, elements), which need not be checked again:
//
//	{"rows": [{"amount": 12.5, "merchant": "M1"}, …]}
//	          └ one value, cut into "amount", 12.5, "merchant", "M1"
//
// Parts are pieces of the text, so that nothing is copied.

// reader reads one JSON value (RFC 8259) from front to back. Names that stand twice in an object, text that is not UTF-8 and
// halves of surrogate pairs are errors, since what is meant by them is anybody's guess.
type reader struct {
	text string
	d    *jsontext.Decoder
	// lenient: names that stand twice are found by whoever knows the names there are, with strictly, which costs less than to compare all with all.
	lenient bool
}

// newReader reads a copy of the text, so that what it hands out may be kept.
func newReader(text []byte) *reader {
	return &reader{text: string(text), d: jsontext.NewDecoder(bytes.NewBuffer(text))}
}

// newLenientReader lets names stand twice, for a caller who notices by itself: one who reads rows of known fields.
func newLenientReader(text []byte) *reader {
	return &reader{text: string(text), d: jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)), lenient: true}
}

// object calls field for each name; field reads the value. what says in errors what was expected.
func (r *reader) object(what string, field func(name string) error) error {
	if err := r.open('{', what); err != nil {
		return err
	}
	for r.d.PeekKind() != '}' {
		name, err := r.d.ReadToken()
		if err != nil {
			return r.malformed(err)
		}
		if err := field(name.String()); err != nil {
			return err
		}
	}
	return r.close()
}

// list calls element for each element; element reads it.
func (r *reader) list(what string, element func(i int) error) error {
	if err := r.open('[', what); err != nil {
		return err
	}
	for i := 0; r.d.PeekKind() != ']'; i++ {
		if err := element(i); err != nil {
			return err
		}
	}
	return r.close()
}

// open takes the opening token; what says what was expected there instead.
func (r *reader) open(kind jsontext.Kind, what string) error {
	if !r.next(kind) {
		return badRequest("%s", what)
	}
	_, err := r.d.ReadToken()
	return r.malformed(err)
}

// next reports whether the next value is of a kind, or none that can be read.
func (r *reader) next(kind jsontext.Kind) bool {
	got := r.d.PeekKind()
	return got == kind || got == 0
}

// close takes the closing token.
func (r *reader) close() error {
	_, err := r.d.ReadToken()
	return r.malformed(err)
}

// end is an error if there is more than the one value.
func (r *reader) end() error {
	if _, err := r.d.ReadToken(); !errors.Is(err, io.EOF) {
		return badRequest("the body goes on after its JSON value")
	}
	return nil
}

// raw is the text of the next value as it stands, which is read over.
func (r *reader) raw() (string, error) {
	value, err := r.d.ReadValue()
	if err != nil {
		return "", r.malformed(err)
	}
	end := int(r.d.InputOffset())
	return r.text[end-len(value) : end], nil
}

// strictly is the error of a list of rows in an object that a lenient reader has found to be wrong: the first there is.
func (r *reader) strictly() error {
	const never = "the body is not the JSON expected"
	strict := newReader([]byte(r.text))
	err := strict.object(never, func(string) error {
		return strict.list(never, func(int) error {
			return strict.object(never, func(string) error { _, err := strict.raw(); return err })
		})
	})
	if err == nil {
		err = badRequest(never)
	}
	return err
}

// malformed says where a text is no JSON, nil of nil.
func (r *reader) malformed(err error) error {
	if err == nil {
		return nil
	}
	if r.lenient {
		return r.strictly()
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return badRequest("the body is not the JSON expected: %v", err)
	}
	place := string(syntax.JSONPointer)
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return badRequest("%q stands twice in one object, at %s", syntax.JSONPointer.LastToken(), shorten(place))
	}
	where := fmt.Sprintf("byte %d", syntax.ByteOffset)
	if place != "" {
		where += ", in " + shorten(place)
	}
	return badRequest("the body is not the JSON expected: %v (%s)", syntax.Err, where)
}

// members are the names of an object and the texts of their values. The object is valid JSON.
func members(object string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		at := space(object, 1)
		for object[at] != '}' {
			end := valueEnd(object, at)
			name := unquote(object[at:end])
			at = space(object, space(object, end)+1) // over the colon
			end = valueEnd(object, at)
			if !yield(name, object[at:end]) {
				return
			}
			if at = space(object, end); object[at] == ',' {
				at = space(object, at+1)
			}
		}
	}
}

// elements are the texts of a list's elements. The list is valid JSON.
func elements(list string) iter.Seq2[int, string] {
	return func(yield func(i int, value string) bool) {
		at := space(list, 1)
		for i := 0; list[at] != ']'; i++ {
			end := valueEnd(list, at)
			if !yield(i, list[at:end]) {
				return
			}
			if at = space(list, end); list[at] == ',' {
				at = space(list, at+1)
			}
		}
	}
}

// space is the first place from at on that is no white space.
func space(text string, at int) int {
	for text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r' {
		at++
	}
	return at
}

// valueEnd is the end of the value that begins at a place of valid JSON.
func valueEnd(text string, at int) int {
	depth := 0
	for {
		switch text[at] {
		case '"':
			at = stringEnd(text, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\n', '\t', '\r':
			at++
		default:
			for at < len(text) && !endsLiteral(text[at]) {
				at++
			}
		}
		if depth == 0 {
			return at
		}
	}
}

// endsLiteral reports whether a byte can follow a number or null, true and false, and is no part of them.
func endsLiteral(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

// stringEnd is the end of the string that begins at a place of valid JSON.
func stringEnd(text string, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// unquote is what a string of valid JSON says.
func unquote(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	unquoted, _ := jsontext.AppendUnquote(nil, text)
	return string(unquoted)
}
