// Package http fetches a file over HTTP. The version of the file is what the server says of it, an ETag or a date, or the
// checksum that the block demands. A download whose connection drops is resumed.
//
// # Version and bytes
//
// A plan asks for the version without reading the file (HEAD; GET where the server refuses HEAD), and the stage then
// fetches that version or fails:
//
//	the server answers                       the version
//	any, and the block has sha256            sha256 9f86d081…, without asking the server
//	ETag: "33a64df5"                         ETag "33a64df5"
//	Last-Modified: Tue, 03 Mar 2026 …        Last-Modified Tue, 03 Mar 2026 …
//	neither                                  an error: nothing would tell that the file changed
//
// If the connection drops after 700 of 1000 bytes, the next request has Range: bytes=700- and If-Range: "33a64df5" (RFC 9110,
// section 14.2 and 13.1.5). A server that still has those bytes answers 206 with the rest; any other answers 200 with the
// whole file, which is then read from the beginning. Without a strong ETag a download always starts from the beginning.
// A connection on which nothing comes for a minute counts as dropped. Four attempts in a row that get no further end the stage; one that gets further starts the count anew. With sha256 the
// whole file is checked at the end.
package http

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Port is the one at which the file comes out; Outside that at which it comes in.
const (
	Port    = "files"
	outside = "outside"
)

// Component is the fetch of one file.
var Component = component.Component{
	Kind:    schema.FetchKind,
	Type:    schema.Type{Name: "http", Version: 1, Summary: "A file over HTTP"},
	Version: version,
	Run:     run,
}

// Config is what a fetch is told.
type Config struct {
	URL      string `json:"url"`
	SHA256   string `json:"sha256,omitempty"` // of the whole file, in small hexadecimal digits
	MaxBytes int64  `json:"max_bytes"`        // of the file; a larger one is an error, told as soon as its length is known
}

// client follows redirects, to no less safe a place and not without end.
func client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // the bytes are those of the file
	transport.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 10:
			return errors.New("it redirects more than 10 times")
		case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
			return errors.New("it redirects from https to " + req.URL.Scheme)
		}
		return nil
	}}
}

// get asks with a method. header may be nil. What does not answer is an ErrUnreachable.
func (c Config) get(ctx context.Context, method string, token []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL, nil)
	if err != nil {
		return nil, &component.InputError{Summary: fmt.Sprintf("%q is no address", c.URL), Detail: err.Error()}
	}
	if header != nil {
		req.Header = header
	}
	if token != nil {
		req.Header.Set("Authorization", "Bearer "+string(token))
	}
	req.Header.Set("User-Agent", "mlp")
	resp, err := client().Do(req)
	if err != nil {
		var in *url.Error
		if errors.As(err, &in) {
			err = in.Err // the address stands in the message already
		}
		return nil, component.Unreachable(fmt.Errorf("%s does not answer: %w", c.URL, err))
	}
	return resp, nil
}

// version is the checksum where one is demanded, else what the server says.
func version(ctx context.Context, o component.Outside) (string, error) {
	c, err := component.Decode[Config](o.Config)
	if err != nil {
		return "", err
	}
	if c.SHA256 != "" {
		return "sha256 " + c.SHA256, nil
	}
	resp, err := c.get(ctx, http.MethodHead, o.Secret, nil)
	if err == nil && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented) {
		resp.Body.Close()
		resp, err = c.get(ctx, http.MethodGet, o.Secret, nil)
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if err := c.status(resp, o.Secret != nil); err != nil {
		return "", err
	}
	return c.of(resp)
}

// of is the version that an answer is of.
func (c Config) of(resp *http.Response) (string, error) {
	if c.SHA256 != "" {
		return "sha256 " + c.SHA256, nil
	}
	if tag := resp.Header.Get("ETag"); tag != "" {
		return "ETag " + tag, nil
	}
	if date := resp.Header.Get("Last-Modified"); date != "" {
		return "Last-Modified " + date, nil
	}
	return "", &component.InputError{Summary: fmt.Sprintf("%s says neither by ETag nor by Last-Modified which version of the file it has", c.URL),
		Detail: "Nothing would tell that it changed. Write its checksum: sha256 = \"…\", as sha256sum prints it."}
}

// status makes an error of an answer that is no file.
func (c Config) status(resp *http.Response, withToken bool) error {
	what := fmt.Sprintf("%s answers %s", c.URL, resp.Status)
	switch code := resp.StatusCode; {
	case code == http.StatusOK, code == http.StatusPartialContent:
		return nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		detail := "If it wants a token, hand one: token = secret.NAME."
		if withToken {
			detail = "It does not take the token: see that it is the right one and has not run out."
		}
		return &component.InputError{Summary: what, Detail: detail}
	case code == http.StatusNotFound, code == http.StatusGone:
		return &component.InputError{Summary: what, Detail: "There is no such file: see that the address is right."}
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return component.Unreachable(errors.New(what))
	}
	return &component.InputError{Summary: what, Detail: "A file was expected."}
}

// run downloads the planned version into one file, and checks the checksum where one is demanded, which covers all attempts.
func run(ctx context.Context, s *component.Stage) error {
	c, err := component.Decode[Config](s.Config)
	if err != nil {
		return err
	}
	token, err := s.Secret()
	if err != nil {
		return err
	}
	dir, err := s.Output(Port)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, c.name()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	d := &download{Config: c, stage: s, token: token, planned: s.Versions[outside], file: file, sum: sha256.New(), quiet: time.Minute}
	if err := errors.Join(d.whole(ctx), file.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); c.SHA256 != "" && got != c.SHA256 {
		return &component.InputError{Summary: fmt.Sprintf("%s has the checksum sha256 %s, and sha256 = %q is demanded", c.URL, got, c.SHA256),
			Detail: "The file is another one than was meant, or was changed on the way. If the new one is meant, write its checksum."}
	}
	s.Logf("fetched %d bytes of %s, %s", d.have, c.URL, s.Versions[outside])
	return nil
}

// name is what the file is called, by the end of its address.
func (c Config) name() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "data"
	}
	name := path.Base(u.Path)
	if !filepath.IsLocal(name) || strings.HasPrefix(name, ".") {
		return "data"
	}
	return name
}

// download is a file on its way.
type download struct {
	Config
	stage   *component.Stage
	token   []byte
	planned string // the version that is wanted
	file    *os.File
	sum     hash.Hash
	have    int64
	total   int64         // 0: not known
	resume  http.Header   // how to ask for the rest; nil: only from the beginning
	told    time.Time     // when progress was last told
	pause   time.Duration // before the next attempt
	quiet   time.Duration // how long nothing may come before the connection counts as dropped
}

// attempts is how often a download is taken up again that does not get on.
const attempts = 4

// whole downloads the file in as many attempts as the connection takes, pauses between them doubled from half a second up to 15.
// After the last one the error is an ErrRetry: a later attempt at the stage may meet a server that is up again.
func (d *download) whole(ctx context.Context) error {
	d.pause = 500 * time.Millisecond
	for failed := 0; ; {
		before := d.have
		err := d.part(ctx)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if !errors.Is(err, component.ErrUnreachable) {
			return err
		}
		if failed++; d.have > before {
			failed = 1 // it got on
		}
		if failed == attempts {
			return fmt.Errorf("%w, and so it was %d times: %w", err, attempts, component.ErrRetry)
		}
		d.stage.Logf("%v; trying again in %v", err, d.pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d.pause):
		}
		d.pause = min(2*d.pause, 15*time.Second)
	}
}

// part asks for what is missing, and reads as much of it as comes.
func (d *download) part(ctx context.Context) error {
	header := http.Header{}
	if d.have > 0 && d.resume != nil {
		header = d.resume.Clone()
		header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
	}
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	resp, err := d.get(ctx, http.MethodGet, d.token, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := d.status(resp, d.token != nil); err != nil {
		return err
	}
	if err := d.same(resp); err != nil {
		return err
	}
	var from int64
	if resp.StatusCode == http.StatusPartialContent {
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != d.have {
			return &component.InputError{Summary: fmt.Sprintf("%s answers with another part of the file than was asked for: %q from byte %d on", d.URL, resp.Header.Get("Content-Range"), d.have),
				Detail: "The server, or a proxy before it, does not keep to HTTP. Fetch the file by hand."}
		}
	} else if err := d.restart(); err != nil {
		return err
	}
	if resp.ContentLength >= 0 {
		d.total = d.have + resp.ContentLength
	}
	if d.total > d.MaxBytes {
		return d.tooLarge(d.total)
	}
	d.resume = resumeWith(resp)
	quiet := time.AfterFunc(d.quiet, func() { drop(fmt.Errorf("nothing came for %v", d.quiet)) })
	defer quiet.Stop()
	return d.copy(ctx, resp.Body, func() { quiet.Reset(d.quiet) })
}

// same makes sure that what is read is of the version that the plan has.
func (d *download) same(resp *http.Response) error {
	version, err := d.of(resp)
	if err != nil || version == d.planned {
		return err
	}
	when := "since the plan was made"
	if d.have > 0 {
		when = "while it was read"
	}
	return &component.InputError{Summary: fmt.Sprintf("%s changed %s: it had %s, and has %s", d.URL, when, d.planned, version), Detail: "Plan again."}
}

// resumeWith is how to ask for the rest of what an answer begins: only of the same bytes. A weak ETag does not tell those.
func resumeWith(resp *http.Response) http.Header {
	if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return http.Header{"If-Range": {tag}}
	}
	return nil
}

// restart forgets what was read: the server sends the file from its beginning.
func (d *download) restart() error {
	d.have, d.total = 0, 0
	d.sum.Reset()
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return d.file.Truncate(0)
}

// copy writes what comes. came is told each time that something does; ctx ends when nothing did for too long.
func (d *download) copy(ctx context.Context, body io.Reader, came func()) error {
	buf := make([]byte, 256<<10)
	for {
		n, err := body.Read(buf)
		came()
		if d.have += int64(n); d.have > d.MaxBytes {
			return d.tooLarge(d.have)
		}
		d.sum.Write(buf[:n])
		if _, err := d.file.Write(buf[:n]); err != nil {
			return err
		}
		if time.Since(d.told) > time.Second && d.total > 0 {
			d.told = time.Now()
			d.stage.Progress(int(d.have), int(d.total))
		}
		switch {
		case err == io.EOF && (d.total == 0 || d.have == d.total):
			return nil
		case err != nil:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return component.Unreachable(fmt.Errorf("%s broke off after %d of %s: %w", d.URL, d.have, d.expected(), err))
		}
	}
}

// expected is how many bytes the server announced, for a message.
func (d *download) expected() string {
	if d.total == 0 {
		return "unknown many bytes"
	}
	return fmt.Sprintf("%d bytes", d.total)
}

// tooLarge is the error of a file above max_bytes, told before it fills the disk.
func (d *download) tooLarge(size int64) error {
	return &component.InputError{Summary: fmt.Sprintf("%s has %d bytes or more, and max_bytes = %d", d.URL, size, d.MaxBytes), Detail: "If that is meant, write a greater max_bytes."}
}
