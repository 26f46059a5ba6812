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
)

// chunk is how much of a body is read, and charged to what all requests may hold together, at a time. Content-Length is not charged
// at once: a client may promise much and send nothing.
const chunk = 64 << 10

// body reads a request's body whole. What its headers say that it is must be JSON in UTF-8, not compressed. The bytes
// that all requests hold together are bounded: a request that would exceed them is refused at once, since one that
// waits would hold what it has and others wait for that. How many are worked on at a time is bounded too, from here on: a client that sends
// slowly takes no other's place. release gives bytes and place back.
func (s *server) body(r *http.Request) (data []byte, release func(), err error) {
	held, working := int64(0), int64(0)
	release = func() {
		s.bytes.Release(held)
		s.working.Release(working)
	}
	if err := checkHeaders(r.Header); err != nil {
		return nil, release, err
	}
	var all bytes.Buffer
	if r.ContentLength > 0 { // CopyN asks for the room of one read more than there is
		all.Grow(int(min(r.ContentLength, chunk)) + bytes.MinRead)
	}
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
			if !s.working.TryAcquire(1) {
				return nil, release, &failure{http.StatusTooManyRequests, fmt.Sprintf("%d requests are being answered, which is as many as are at a time; try again in a moment", s.MaxRequests)}
			}
			working = 1
			return data, release, nil
		case err != nil:
			return nil, release, badRequest("the body could not be read: %v", err)
		}
	}
}

// checkHeaders refuses what is not JSON. What curl -d sends when it is not told a type is taken.
// No Content-Type at all is taken too.
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
