package serve

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// chunk is how much of a body is read, and charged to what all requests may hold together, at a time. Content-Length is not charged
// at once: a client may promise much and send nothing.
const chunk = 64 << 10

// body reads a request's body whole, which its headers must say is JSON in UTF-8.
func (s *server) body(r *http.Request) (data []byte, release func(), err error) {
	if err := checkHeaders(r.Header); err != nil {
		return nil, func() {}, err
	}
	data, release, err = s.read(r)
	// A byte order mark says nothing of text that is UTF-8 anyway (RFC 8259, section 8.1: it may be ignored).
	return bytes.TrimPrefix(data, []byte("\ufeff")), release, err
}

// read reads a request's body, compressed or not. How many requests are worked on at a time is bounded from here on: a client that sends
// slowly takes no other's place. release gives back the place, and the bytes that are held.
func (s *server) read(r *http.Request) (data []byte, release func(), err error) {
	held, working := int64(0), int64(0)
	release = func() {
		s.bytes.Release(held)
		s.working.Release(working)
	}
	from := io.Reader(r.Body)
	switch e := r.Header.Get("Content-Encoding"); {
	case e == "", strings.EqualFold(e, "identity"):
	case strings.EqualFold(e, "gzip"):
		if from, err = gzip.NewReader(r.Body); err != nil {
			return nil, release, badRequest("the body is not the gzip that Content-Encoding says: %v", err)
		}
	default:
		return nil, release, &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("a body with Content-Encoding %q is not taken; send it with gzip, or uncompressed", shorten(e))}
	}
	if data, err = s.charged(from, r.ContentLength, &held); err != nil {
		return nil, release, err
	}
	if !s.working.TryAcquire(1) {
		return nil, release, &failure{http.StatusTooManyRequests, fmt.Sprintf("%d requests are being answered, which is as many as are at a time; try again in a moment", s.MaxRequests)}
	}
	working = 1
	return data, release, nil
}

// charged reads all that there is, of perhaps so many bytes, and adds to held what is to be given back. The bytes
// that all requests hold together are bounded: a request that would exceed them is refused at once, since one that
// waits would hold what it has and others wait for that.
func (s *server) charged(from io.Reader, size int64, held *int64) ([]byte, error) {
	var all bytes.Buffer
	if size > 0 { // CopyN asks for the room of one read more than there is
		all.Grow(int(min(size, chunk)) + bytes.MinRead)
	}
	for {
		if !s.bytes.TryAcquire(chunk) {
			return nil, &failure{http.StatusTooManyRequests, "too much is being read at once; try again in a moment, or send fewer rows at a time"}
		}
		*held += chunk
		n, err := io.CopyN(&all, from, chunk)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large), int64(all.Len()) > s.MaxBody:
			return nil, &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d bytes; send fewer rows at a time", s.MaxBody)}
		case errors.Is(err, io.EOF) || err == nil && n < chunk:
			if len(bytes.TrimSpace(all.Bytes())) == 0 {
				return nil, badRequest("the request has no body")
			}
			return all.Bytes(), nil
		case err != nil:
			return nil, badRequest("the body could not be read: %v", err)
		}
	}
}

// checkHeaders refuses what is not JSON. What curl -d sends when it is not told a type is taken.
// No Content-Type at all is taken too.
func checkHeaders(h http.Header) error {
	if h.Get(inferenceHeader) != "" {
		return badRequest("binary tensors are for /v2/models/NAME/infer; send the data as JSON")
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

// worthPacking is how long an answer is that is compressed for a client that takes it so; a shorter one is sent sooner as it is.
const worthPacking = 8 << 10

// packers compress answers; each has a megabyte of its own, so they are used again.
var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is one
	return w
}}

// takesGzip reports whether a client says so: a quality of 0 says that it does not.
func takesGzip(h http.Header) bool {
	for _, listed := range h.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(listed, ",") {
			name, parameters, err := mime.ParseMediaType(strings.TrimSpace(one))
			if err == nil && name == "gzip" {
				q, err := strconv.ParseFloat(parameters["q"], 64)
				return err != nil || q > 0
			}
		}
	}
	return false
}

// pack is the data compressed.
func pack(data []byte) []byte {
	var out bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&out)
	_, _ = w.Write(data) // memory takes all
	_ = w.Close()
	return out.Bytes()
}
