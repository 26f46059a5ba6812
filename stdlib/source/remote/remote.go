// Package remote is what the sources of files share where `path` is the address of one elsewhere: how it is opened and held to, and
// the fetch that gets it before the source's own stage reads it.
package remote

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/fetch/http"
	"github.com/mlp-lang/mlp/stdlib/source/local"
)

// Options are the attributes of a file elsewhere.
type Options struct {
	// SHA256 is the checksum that the file must have, as 64 hexadecimal digits; "": whatever the server has is taken.
	SHA256 string `json:"sha256"`
	// MaxBytes bounds the file, in bytes; 0: see Bytes. A number of the language, so a float64.
	MaxBytes float64 `json:"max_bytes"`
	// Token is a reference to a secret, of which only whether it is there is looked at: its value never comes here.
	Token json.RawMessage `json:"token"`
}

// maxBytes is how large a file may be where the block does not say it: 10 GB.
const maxBytes = 10_000_000_000

// Bytes returns the limit, in bytes, on what is fetched: the block's max_bytes, or maxBytes where the block has none.
func Bytes(declared float64) int64 {
	if declared == 0 {
		return maxBytes
	}
	return int64(declared)
}

// Attrs is the schema of Options.
func Attrs() []schema.Attr {
	return []schema.Attr{
		{Name: "sha256", Type: schema.String, Doc: "Of a file elsewhere: its checksum, as `sha256sum` prints it. It is the version then, whatever the server says; another file fails the fetch."},
		{Name: "max_bytes", Type: schema.Number, Doc: "Of a file elsewhere: how large it may be. Without it 10 GB."},
		{Name: "token", Type: schema.Ref, Ports: []schema.PortType{schema.SecretPort}, Kinds: []string{"secret"}, Edge: schema.DefinitionEdge,
			Doc: "Of a file elsewhere: the `secret` that opens it, sent as `Authorization: Bearer …`, and not to another host that the server points to."},
	}
}

// Is reports whether a path is an address that is fetched.
func Is(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

// Find lists the local files that a path means, as local.Find does. An address is a *component.InputError: what it names is fetched.
func Find(dir, path string) (root string, names []string, err error) {
	if Is(path) {
		what := path + " is no local file"
		return "", nil, &component.InputError{Summary: what, Bare: what}
	}
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		what := fmt.Sprintf("%q is an address that is not read", path)
		return "", nil, &component.InputError{Summary: what, Bare: what, Detail: "Those are that begin with https:// or http://, in small letters. " + local.FetchFirst(scheme)}
	}
	return local.Find(dir, path)
}

var sum = lazyregexp.New(`^[0-9a-f]{64}$`)

// Problems are what is wrong with the options of a path.
// Options beside a local path are mistakes, since nothing would read them: a checksum that nobody compares would reassure for
// nothing. Each problem stands at its own attribute, and all are told at once.
func (o Options) Problems(path string) []schema.Problem {
	var out []schema.Problem
	add := func(path, summary, detail, hint string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
	}
	if !Is(path) {
		for _, x := range []struct {
			name  string
			given bool
		}{{"sha256", o.SHA256 != ""}, {"max_bytes", o.MaxBytes != 0}, {"token", len(o.Token) > 0}} {
			if x.given {
				add(x.name, x.name+" is said of a local file", "It is for files elsewhere: the version of a local one is its content.", "leave it out")
			}
		}
		return out
	}
	u, err := url.Parse(path)
	switch {
	case err != nil || u.Host == "":
		add("path", fmt.Sprintf("%q is no address", path), "One is https://example.com/data.csv.", "")
	case u.User != nil:
		add("path", "the address has a user or password in it", "It would stand in plans and in the state.", "hand a secret: token = secret.NAME")
	case strings.Contains(u.Path, "*") && !strings.Contains(strings.ToLower(u.EscapedPath()), "%2a"):
		add("path", "the address has a * in it", "A server lists no files: an address is that of one file.", "write a source for each file, or %2A where its name has a *")
	case u.Fragment != "":
		add("path", "the address has a # in it", "What follows it is not sent, so it would mean nothing.", "leave it out, or write %23")
	}
	if o.SHA256 != "" && !sum().MatchString(o.SHA256) {
		add("sha256", fmt.Sprintf("%q is no SHA-256 checksum", o.SHA256), fmt.Sprintf("It has %d hexadecimal digits, in small letters.", hex.EncodedLen(32)), "")
	}
	if len(o.Token) > 0 && strings.HasPrefix(path, "http://") && !loopback(u) {
		add("token", "the token would be sent unencrypted", "Anybody on the way reads what is sent by http.", "write https")
	}
	if o.MaxBytes < 0 || o.MaxBytes != float64(int64(o.MaxBytes)) {
		add("max_bytes", fmt.Sprintf("max_bytes is %v", o.MaxBytes), "It is a whole number of bytes.", "")
	}
	return out
}

// loopback reports whether an address is of this machine.
func loopback(u *url.URL) bool {
	return u != nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

// Derive is the fetch of a source that reads a file elsewhere; none of one that reads local files. Mistakes are schema.Problems, so
// that nothing is sent to where it should not go.
func Derive(req schema.DeriveRequest) ([]schema.Derivation, error) {
	var c struct {
		Path string `json:"path"`
		Options
	}
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return nil, err
	}
	if !Is(c.Path) {
		return nil, nil
	}
	if problems := c.Problems(c.Path); len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	config, err := json.Marshal(http.Config{URL: c.Path, SHA256: c.SHA256, MaxBytes: Bytes(c.MaxBytes)})
	if err != nil {
		return nil, err
	}
	return []schema.Derivation{{
		Role: schema.FetchRole, Config: config, Into: "files",
		Fetch: &schema.Fetch{Type: http.Component.Type.Name, Version: http.Component.Type.Version, Location: c.Path},
		Out:   []schema.DerivationOutput{{Port: http.Port, Type: schema.FilesPort}},
	}}, nil
}
