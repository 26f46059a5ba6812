package cloud

import (
	"io"
	"net/http"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// What has been sent is known where requests are handed to the network: libraries read values ahead, several parts at once, long before.

// countedBody is a request whose body is counted as it goes out, where its context asks for that (bucket.CountSent).
func countedBody(r *http.Request) *http.Request {
	add := bucket.Sent(r.Context())
	if add == nil || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	counted := *r
	counted.Body = &sentBody{r.Body, add}
	return &counted
}

type sentBody struct {
	io.ReadCloser
	add func(bytes int)
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.add(n)
	return n, err
}

// doer is a client of the AWS library.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

type countingClient struct{ doer }

func (c countingClient) Do(r *http.Request) (*http.Response, error) { return c.doer.Do(countedBody(r)) }

type countingTransport struct{ http.RoundTripper }

func (c countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.RoundTripper.RoundTrip(countedBody(r))
}
