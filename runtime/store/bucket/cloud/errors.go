package cloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"gocloud.dev/gcerrors"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

var (
	errNoRegion  = errors.New("no region is given")
	errNoAccount = errors.New("no storage account is given")
)

// Error is what a service refuses, in the words of its field, and what to do about it. For example, s3://models: there is no such bucket
// (NoSuchBucket). What the library said is kept for errors.As, and its text is shown only where nothing better is known: it may have URLs in it
// that are signed.
type Error struct {
	At, Why, Hint string
	Err           error
}

func (e *Error) Error() string { return e.At + ": " + e.Why }
func (e *Error) Unwrap() error { return e.Err }

// absent makes fs.ErrNotExist of an error that says that a key has no value. A bucket that is not there is no key without a value, and
// Google's 403, which gocloud takes for one, says that looking is not allowed.
func (b *Bucket) absent(err error) error {
	if err == nil || gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	if status, code := b.service.code(err); status == http.StatusForbidden || slices.Contains(noBucket, code) {
		return err
	}
	return fs.ErrNotExist
}

// passes reports whether an error leaves open what happened, or may be gone a moment later.
func (b *Bucket) passes(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		return false
	}
	status, code := b.service.code(err)
	switch {
	case noCredentials(err) || slices.Contains(noBucket, code) || gcerrors.Code(err) == gcerrors.NotFound:
		return false
	case code == "RequestTimeout" || status == http.StatusConflict || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return true
	case status >= http.StatusInternalServerError:
		return status != http.StatusNotImplemented
	case status >= http.StatusBadRequest && code == "":
		return true // the answer was cut before it said what is wrong
	case status >= http.StatusBadRequest:
		return false
	}
	var host *net.DNSError
	nobody := errors.As(err, &host) && host.IsNotFound || errors.Is(err, syscall.ECONNREFUSED) // the library has tried again
	return !nobody && gcerrors.Code(err) != gcerrors.InvalidArgument
}

// isTimeout tells a request that took too long from a caller whose time is over: both are context.DeadlineExceeded to errors.Is.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// noCredentials reports whether the library looked everywhere and found none. The libraries have no error of their own for that,
// so that it is read from their texts.
func noCredentials(err error) bool {
	text := err.Error()
	for _, sign := range []string{"failed to refresh cached credentials", "get credentials", "could not find default credentials", "DefaultAzureCredential", "no credential"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// noBucket are the codes of services for a bucket that is not there.
var noBucket = []string{"NoSuchBucket", "ContainerNotFound"}

// askOperator is the remedy where access is denied: nothing on this machine mends it.
const askOperator = "Who owns the bucket grants it: a store is read, listed, written and deleted from. A plan needs no more than to read and to list."

// causes are what codes of services mean, with remedies.
var causes = []struct {
	codes     []string
	why, hint string
}{
	{noBucket, "there is no such bucket", "Create it with the tools of the cloud, or look for a slip of the pen in the store's URL."},
	{[]string{"AccessDenied", "Forbidden", "AllAccessDisabled", "forbidden", "AuthorizationFailure", "AuthorizationPermissionMismatch"}, "access is denied", askOperator},
	{[]string{"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "XAdminUserNotFound"}, "the service does not know the access key", "Look which credentials are found: the environment comes before the profile. An access key is of one service: at another endpoint it is not known."},
	{[]string{"SignatureDoesNotMatch", "AuthenticationFailed"}, "the signature is wrong: the secret key is not that of the access key", "Look which credentials are found: the environment comes before the profile."},
	{[]string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}, "the credentials have expired", "Sign in again with the tools of the cloud."},
	{[]string{"RequestTimeTooSkewed"}, "the clock of this machine differs too much from that of the service", "Set the clock, by NTP for example."},
	{[]string{"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "MovedPermanently", "BucketRegionError"}, "the bucket is in another region", "Give its region in the store's URL: ?region=eu-central-1"},
	{[]string{"NotImplemented", "A header you provided implies functionality that is not implemented"}, "the service cannot do what a store needs: writes on the condition that there is no value yet", "Use a service that knows If-None-Match."},
	{[]string{"InvalidBucketName"}, "the bucket's name is none that the service knows", "Look for a slip of the pen in the store's URL."},
	{[]string{"SlowDown", "TooManyRequests", "ServiceUnavailable"}, "the service has too much to do", "Try again later."},
	{[]string{"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"}, "the bucket is full", "Remove what is not needed, or have its quota raised."},
}

// explain says in words what an error of a service means. What is said already is left as it is.
func (b *Bucket) explain(err error) error {
	var said *Error
	var key *bucket.KeyError
	if err == nil || errors.As(err, &said) || errors.As(err, &key) || errors.Is(err, context.Canceled) {
		return err
	}
	out := &Error{At: b.at, Err: err}
	out.Why, out.Hint = b.cause(err)
	return out
}

// cause is what an error means and what helps, the most telling first: what is wrong on this machine, then what the service's
// code says, then what its status says. Only what is none of these is told in the library's words, and hint is "" then.
func (b *Bucket) cause(err error) (why, hint string) {
	status, code := 0, ""
	if b.service != nil {
		status, code = b.service.code(err)
	}
	var host *net.DNSError
	switch {
	case errors.Is(err, errNoRegion):
		return err.Error(), "Give it in the store's URL (?region=eu-central-1), in AWS_REGION or in the profile."
	case errors.Is(err, errNoAccount):
		return err.Error(), "Give it in the store's URL (?storage_account=name) or in AZURE_STORAGE_ACCOUNT."
	case noCredentials(err):
		return "no credentials were found", "They are looked for where the tools of the cloud look: the environment, the profile, the machine's role. For example, set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
	case errors.As(err, &host):
		return "there is no host " + host.Name, "Look for a slip of the pen in the endpoint or the region of the store's URL."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the endpoint refuses connections", "Look whether the service runs there, and at the port in the store's URL."
	}
	for _, c := range causes {
		if slices.Contains(c.codes, code) {
			return c.why + " (" + code + ")", c.hint
		}
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("access is denied (%d)", status), askOperator
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return fmt.Sprintf("the bucket is in another region (%d)", status), "Give its region in the store's URL: ?region=eu-central-1"
	case 0:
	default:
		return strings.TrimSpace(fmt.Sprintf("the service answers %d %s", status, code)), ""
	}
	var at *url.Error
	if errors.As(err, &at) { // its text has the URL, which may be signed
		return fmt.Sprintf("the service does not answer: %v", at.Err), "Look at the endpoint in the store's URL, and at the network between."
	}
	return err.Error(), ""
}
