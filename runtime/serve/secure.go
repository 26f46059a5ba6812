package serve

// Who may ask, and over what.
//
// Both the certificate and the callers' tokens are files that somebody else renews while the server runs: a certificate of 90 days, a token that
// is exchanged. So each is looked at again when it is needed, by size and time of change, and read when it is another one. A file that cannot be
// read, or says nonsense, leaves what was read before in force, and the log says so once: a renewal that goes wrong locks nobody out, and lets
// nobody in. At the start the same is an error.
//
//	tokens            billing   3c0f…   (a line: a caller's name, and the token)
//	a request         Authorization: Bearer 3c0f…    → answered, and the log has caller=billing
//	                  another token, or none         → 401
//	/v2/health/…      is answered to everybody: an orchestrator has no token, and learns nothing
//
// Certificates of clients are held to those that may sign them, which are read anew likewise: when a connection begins, and at each request, so that who
// is not to be known any more is not known for as long as a connection lasts.
//
// Tokens are compared by their SHA-256, so the time that a comparison takes says nothing of how much of a guess was right.

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// watched is a value that is read from files, and read again when they change.
type watched[T any] struct {
	paths []string
	read  func() (T, error)
	warn  func(format string, args ...any)

	mu     sync.Mutex
	now    T
	seen   []mark // of the files when now was read, or when reading them failed
	failed string
}

// mark tells one content of a file from another, as far as can be told without reading it.
type mark struct {
	size    int64
	changed time.Time
}

// newWatched reads the value for the first time; what is wrong with it then is an error.
func newWatched[T any](warn func(string, ...any), read func() (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, read: read, warn: warn}
	w.seen, _ = w.marks()
	var err error
	w.now, err = read()
	return w, err
}

// marks are those of the files as they are now.
func (w *watched[T]) marks() ([]mark, error) {
	var out []mark
	for _, path := range w.paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		out = append(out, mark{info.Size(), info.ModTime()})
	}
	return out, nil
}

// get is the value of today: that of before while the files cannot be read.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	marks, err := w.marks()
	if err == nil {
		if slices.Equal(marks, w.seen) {
			return w.now
		}
		w.seen = marks
		var next T
		if next, err = w.read(); err == nil {
			w.now, w.failed = next, ""
			return w.now
		}
	}
	if w.failed != err.Error() {
		w.failed = err.Error()
		w.warn("what was read before stays in force: %v", err)
	}
	return w.now
}

// certificate reads the server's certificate with those that signed it, and its key, both PEM.
func certificate(cert, key string) func() (*tls.Certificate, error) {
	return func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate %s with the key %s: %w", cert, key, err)
		}
		return &pair, nil
	}
}

// digestOf a token, by which it is known.
type digestOf [sha256.Size]byte

// callers are the names of those who may ask, by the digest of their token.
type callers map[digestOf]string

// shortestToken is that of 128 bits in hex, or of more in other letters; shorter ones can be guessed.
const shortestToken = 32

// readCallers reads a line for each caller, a name and a token. Empty lines and those that begin with # say nothing.
// Two tokens of one name are both valid, so that a token can be exchanged without a time in which none is.
func readCallers(path string) func() (callers, error) {
	return func() (callers, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the tokens: %w", err)
		}
		out := callers{}
		number := 0
		for line := range strings.Lines(string(data)) {
			number++
			words := strings.Fields(line)
			if len(words) == 0 || strings.HasPrefix(words[0], "#") {
				continue
			}
			// What stands in the line is never part of a message: it may be a token.
			if len(words) != 2 {
				return nil, fmt.Errorf("%s:%d: a line has a caller's name and a token, and this one has %d words", path, number, len(words))
			}
			if len(words[1]) < shortestToken {
				return nil, fmt.Errorf("%s:%d: the token has %d characters, and fewer than %d can be guessed; openssl rand -hex 32 makes one", path, number, len(words[1]), shortestToken)
			}
			key := digestOf(sha256.Sum256([]byte(words[1])))
			if who, twice := out[key]; twice && who != words[0] {
				return nil, fmt.Errorf("%s:%d: the token is also that of another caller", path, number)
			}
			out[key] = words[0]
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%s has no tokens: nobody could ask", path)
		}
		return out, nil
	}
}

// open says of paths that they are answered without a token.
func open(path string) bool {
	switch path {
	case "/v2/health/live", "/v2/health/ready", inference + "ServerLive", inference + "ServerReady":
		return true
	}
	return false
}

// signers may sign the certificates of clients.
type signers struct {
	pool *x509.CertPool
	raw  map[string]bool // their DER
}

// readSigners reads certificates, PEM.
func readSigners(path string) func() (signers, error) {
	return func() (signers, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return signers{}, fmt.Errorf("reading who may sign certificates of clients: %w", err)
		}
		out := signers{x509.NewCertPool(), map[string]bool{}}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				return signers{}, fmt.Errorf("%s has a block of type %q, and must have certificates alone", path, block.Type)
			}
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return signers{}, fmt.Errorf("%s has a certificate that cannot be read: %w", path, err)
			}
			out.pool.AddCert(c)
			out.raw[string(c.Raw)] = true
		}
		if len(out.raw) == 0 {
			return signers{}, fmt.Errorf("%s has no certificates: nobody could ask", path)
		}
		return out, nil
	}
}

// client is who a connection's certificate names: by its first URI (as SPIFFE has it), else its first name in DNS, else its common name.
func (s *server) client(r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", &failure{http.StatusUnauthorized, "this server asks its clients for a certificate"}
	}
	now, known := time.Now(), s.signers.get()
	for _, chain := range r.TLS.VerifiedChains {
		late := slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return now.After(c.NotAfter) })
		if late || !known.raw[string(chain[len(chain)-1].Raw)] {
			continue
		}
		switch c := chain[0]; {
		case len(c.URIs) > 0:
			return c.URIs[0].String(), nil
		case len(c.DNSNames) > 0:
			return c.DNSNames[0], nil
		case c.Subject.CommonName != "":
			return c.Subject.CommonName, nil
		default:
			return "serial " + c.SerialNumber.String(), nil
		}
	}
	return "", &failure{http.StatusUnauthorized, "the certificate is too old, or is signed by none that this server knows"}
}

// caller is who sends a request, by the token that it bears, else by the certificate of its connection; "" on a server that asks for neither. One
// that asks for both is given both.
func (s *server) caller(r *http.Request) (who string, err error) {
	if open(r.URL.Path) {
		return "", nil
	}
	if s.signers != nil {
		if who, err = s.client(r); err != nil {
			return "", err
		}
	}
	if s.callers == nil {
		return who, nil
	}
	given := r.Header.Get("Authorization")
	if given == "" {
		return "", &failure{http.StatusUnauthorized, "this server asks for a token; send it as Authorization: Bearer TOKEN"}
	}
	scheme, token, _ := strings.Cut(given, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", &failure{http.StatusUnauthorized, "the header Authorization must be Bearer TOKEN"}
	}
	if who, known := s.callers.get()[sha256.Sum256([]byte(strings.TrimSpace(token)))]; known {
		return who, nil
	}
	return "", &failure{http.StatusUnauthorized, "the token is none that this server knows"}
}

// secure reads what the options name: certificates and tokens.
func (s *server) secure() (err error) {
	if (s.Cert == "") != (s.Key == "") {
		return errors.New("serving over TLS takes both a certificate and its key")
	}
	if s.Cert != "" {
		if s.certificate, err = newWatched(s.warnf, certificate(s.Cert, s.Key), s.Cert, s.Key); err != nil {
			return err
		}
	}
	if s.Signers != "" {
		if s.Cert == "" {
			return errors.New("certificates of clients are of TLS, which takes a certificate and its key")
		}
		if s.signers, err = newWatched(s.warnf, readSigners(s.Signers), s.Signers); err != nil {
			return err
		}
	}
	if s.Tokens != "" {
		s.callers, err = newWatched(s.warnf, readCallers(s.Tokens), s.Tokens)
	}
	return err
}

// tls is the configuration of connections: TLS 1.2 at least, with the certificate of today; nil without one. Clients may begin a connection without a
// certificate, since some routes are for everybody.
func (s *server) tls() *tls.Config {
	if s.certificate == nil {
		return nil
	}
	usual := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return s.certificate.get(), nil
	}}
	if s.signers == nil {
		return usual
	}
	out := usual.Clone()
	out.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := usual.Clone()
		now.ClientAuth, now.ClientCAs = tls.VerifyClientCertIfGiven, s.signers.get().pool
		return now, nil
	}
	return out
}

// exposed warns of a server that more than this machine reaches, and anybody may ask or listen to.
func (s *server) exposed() {
	switch {
	case s.local:
	case s.callers == nil && s.signers == nil:
		s.warnf("whoever reaches this address may ask: see mlp serve --tokens and --tls-clients")
	case s.certificate == nil:
		s.warnf("tokens and rows go over the network in the clear, unless something in front of this server speaks TLS: see mlp serve --tls-cert")
	}
}
