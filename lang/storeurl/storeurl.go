// Package storeurl reads where a store is, when that is a bucket in a cloud: s3://models/fraud?region=eu-central-1. The
// part before the question mark is the bucket and a prefix of keys; what follows are parameters of the service.
//
// A URL of a store is shown in plans, messages and logs. So no credential can be in one: they come from where the tools of each
// cloud look for them, and a URL with a user, a password or a parameter that is not known is refused, without quoting it.
package storeurl

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/suggest"
)

// The schemes.
const (
	S3    = "s3"     // Amazon S3, and servers of its protocol
	GS    = "gs"     // Google Cloud Storage
	Azure = "azblob" // Azure Blob Storage; the bucket is a container
)

// The parameters.
const (
	Region         = "region"          // such as eu-central-1; default: that of AWS_REGION or of the profile
	Endpoint       = "endpoint"        // base URL of the service, such as http://localhost:7070
	Profile        = "profile"         // of ~/.aws/config
	PathStyle      = "use_path_style"  // true: the bucket's name in the path, not in the host; the default where there is an endpoint
	Encryption     = "ssetype"         // AES256, aws:kms or aws:kms:dsse
	KMSKey         = "kmskeyid"        // id or ARN of the key of AWS KMS
	KMSKeyName     = "kms_key_name"    // resource name of the key of Cloud KMS
	StorageAccount = "storage_account" // default: that of AZURE_STORAGE_ACCOUNT
	Domain         = "domain"          // default: blob.core.windows.net
	Protocol       = "protocol"        // https, or http
	LocalEmulator  = "localemu"        // true: the account's name in the path, as Azurite has it
)

// parameters are those of each scheme, sorted.
var parameters = map[string][]string{
	S3:    {Endpoint, KMSKey, Profile, Region, Encryption, PathStyle},
	GS:    {Endpoint, KMSKeyName},
	Azure: {Domain, LocalEmulator, Protocol, StorageAccount},
}

// allowed are the values of parameters that have a few.
var allowed = map[string][]string{
	PathStyle:     {"true", "false"},
	LocalEmulator: {"true", "false"},
	Encryption:    {"AES256", "aws:kms", "aws:kms:dsse"},
	Protocol:      {"https", "http"},
}

// Schemes are the schemes, sorted.
func Schemes() []string { return slices.Sorted(maps.Keys(parameters)) }

// URL is where a store is.
type URL struct {
	Scheme string
	Bucket string
	Prefix string            // of all keys, without slashes at its ends; may be empty
	Params map[string]string // those that are given
}

// String is the URL with its parameters sorted: the same for all ways of writing it.
func (u URL) String() string {
	text := u.Place()
	for i, name := range slices.Sorted(maps.Keys(u.Params)) {
		text += string("?&"[min(i, 1)]) + name + "=" + strings.NewReplacer("%2F", "/", "%3A", ":").Replace(url.QueryEscape(u.Params[name]))
	}
	return text
}

// Place is the URL without parameters: s3://models/fraud.
func (u URL) Place() string {
	text := u.Scheme + "://" + u.Bucket
	if u.Prefix != "" {
		text += "/" + u.Prefix
	}
	return text
}

// Error is what is wrong with the text of a URL, and how it would be right.
type Error struct{ Why, Hint string }

func (e *Error) Error() string { return e.Why }

const form = `write it as "s3://bucket/prefix?region=eu-central-1"`

// Parse reads a URL. Errors are Errors, and quote nothing that could be secret.
// For instance s3://models/fraud/?region=eu-central-1 is the bucket models, the prefix fraud and one parameter; its
// String is without the slash at the end, so that two ways of writing one place are one store. A parameter that the
// scheme does not have is refused, since a misspelt one (ssetyp) would leave objects unencrypted without a word.
func Parse(text string) (URL, error) {
	scheme, _, ok := strings.Cut(text, "://")
	if !ok {
		return URL{}, &Error{"the store is no URL", form + "; a store in a folder is .mlp beside the module, and is not named"}
	}
	if parameters[scheme] == nil {
		hint := "expected " + strings.Join(Schemes(), "://, ") + "://"
		if near := suggest.Near(scheme, Schemes()); near != "" {
			hint = "did you mean " + near + "://? " + hint
		}
		return URL{}, &Error{fmt.Sprintf("stores cannot be at %s://", scheme), hint}
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return URL{}, &Error{"the store's URL cannot be read", form}
	case parsed.User != nil:
		return URL{}, &Error{"the store's URL has a user or a password in it", "leave it out: credentials come from the environment, the profile or the machine's role, as the tools of the cloud find them"}
	case parsed.Host == "" || parsed.Port() != "" || parsed.Fragment != "":
		return URL{}, &Error{"the store's URL names no bucket", form}
	}
	u := URL{Scheme: scheme, Bucket: parsed.Host, Prefix: strings.Trim(parsed.Path, "/"), Params: map[string]string{}}
	if why := badPrefix(u.Prefix); why != "" {
		return URL{}, &Error{"the prefix in the store's URL " + why, "names of letters, digits, _ . and -, with single slashes in between: " + form}
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		return URL{}, &Error{"the parameters of the store's URL cannot be read", form}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if err := u.set(name, query[name]); err != nil {
			return URL{}, err
		}
	}
	return u, nil
}

// maxPrefix is how many bytes the prefix may have; keys have 900, and the clouds allow 1024 together.
const maxPrefix = 100

func badPrefix(prefix string) string {
	if len(prefix) > maxPrefix {
		return fmt.Sprintf("has %d bytes, at most %d are allowed", len(prefix), maxPrefix)
	}
	for name := range strings.SplitSeq(prefix, "/") {
		if name == "" && prefix != "" {
			return "has two slashes one after the other"
		}
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") {
			return fmt.Sprintf("has a name that begins with %q", name[:1])
		}
		for _, c := range name {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-", c) {
				return fmt.Sprintf("has %q in it", c)
			}
		}
	}
	return ""
}

// set takes a parameter, whose values may not be quoted: who puts a key into a URL should not find it in a log.
func (u URL) set(name string, values []string) error {
	known := parameters[u.Scheme]
	if !slices.Contains(known, name) {
		hint := "those of " + u.Scheme + ":// are " + strings.Join(known, ", ")
		if near := suggest.Near(name, known); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return &Error{fmt.Sprintf("the store's URL has a parameter %q, which is not known", name), hint}
	}
	if len(values) != 1 || values[0] == "" {
		return &Error{fmt.Sprintf("the store's URL must have one value for %s", name), form}
	}
	if few := allowed[name]; few != nil && !slices.Contains(few, values[0]) {
		return &Error{fmt.Sprintf("the store's URL has a wrong value for %s", name), "expected " + strings.Join(few, " or ")}
	}
	if name == Endpoint {
		at, err := url.Parse(values[0])
		if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
			return &Error{"the endpoint in the store's URL is no base URL of a service", "such as https://s3.example.com or http://localhost:7070, without user and parameters"}
		}
	}
	u.Params[name] = values[0]
	return nil
}
