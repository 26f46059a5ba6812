package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// chunk is how much of a body is read, and charged to what all requests may hold together, at a time.
const chunk = 64 << 10

// body reads a request's body whole. What its headers say that it is must be JSON in UTF-8, not compressed. The bytes
// that all requests hold together are bounded: a request that would exceed them is refused at once, since one that
// waits would hold what it has and others wait for that. release gives the bytes back.
func (s *server) body(r *http.Request) (data []byte, release func(), err error) {
	held := int64(0)
	release = func() { s.bytes.Release(held) }
	if err := checkHeaders(r.Header); err != nil {
		return nil, release, err
	}
	var all bytes.Buffer
	for {
		if !s.bytes.TryAcquire(chunk) {
			return nil, release, &failure{http.StatusTooManyRequests, "too much is being read at once; try again in a moment, or send fewer rows at a time"}
		}
		held += chunk
		n, err := io.CopyN(&all, r.Body, chunk)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return nil, release, &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d bytes; send fewer rows at a time", s.MaxBody)}
		case errors.Is(err, io.EOF) || err == nil && n < chunk:
			// A byte order mark says nothing of text that is UTF-8 anyway (RFC 8259, section 8.1: it may be ignored).
			data = bytes.TrimPrefix(all.Bytes(), []byte("\ufeff"))
			if len(bytes.TrimSpace(data)) == 0 {
				return nil, release, badRequest("the request has no body")
			}
			return data, release, nil
		case err != nil:
			return nil, release, badRequest("the body could not be read: %v", err)
		}
	}
}

// checkHeaders refuses what is not JSON. What curl -d sends when it is not told a type is taken.
func checkHeaders(h http.Header) error {
	if h.Get("Inference-Header-Content-Length") != "" {
		return badRequest("the binary tensor extension is not spoken here; send the data as JSON")
	}
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("a body with Content-Encoding %q is not taken; send it uncompressed", shorten(e))}
	}
	given := h.Get("Content-Type")
	if given == "" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(given)
	taken := []string{"application/json", "text/json", "application/x-www-form-urlencoded"}
	if err != nil || !slices.Contains(taken, media) && !strings.HasSuffix(media, "+json") {
		return &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("a body of Content-Type %q is not taken; send application/json", shorten(given))}
	}
	if set := parameters["charset"]; set != "" && !strings.EqualFold(set, "utf-8") {
		return &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("JSON in the charset %q is not taken; send UTF-8", shorten(set))}
	}
	return nil
}

// reader reads one JSON value (RFC 8259) from front to back. Names that stand twice in an object, text that is not UTF-8 and
// halves of surrogate pairs are errors, since what is meant by them is anybody's guess.
type reader struct {
	text []byte
	d    *jsontext.Decoder
}

func newReader(text []byte) *reader {
	return &reader{text: text, d: jsontext.NewDecoder(bytes.NewBuffer(text))}
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
	if got := r.d.PeekKind(); got != kind && got != 0 {
		return badRequest("%s", what)
	}
	_, err := r.d.ReadToken()
	return r.malformed(err)
}

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

// skip reads over the next value.
func (r *reader) skip() error { return r.malformed(r.d.SkipValue()) }

// raw is the text of the next value as it stands, which is read over.
func (r *reader) raw() (jsontext.Value, error) {
	value, err := r.d.ReadValue()
	if err != nil {
		return nil, r.malformed(err)
	}
	end := int(r.d.InputOffset())
	return jsontext.Value(r.text[end-len(value) : end]), nil
}

// malformed says where a text is no JSON, nil of nil.
func (r *reader) malformed(err error) error {
	if err == nil {
		return nil
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
