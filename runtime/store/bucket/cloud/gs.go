package cloud

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/mlp-lang/mlp/lang/storeurl"
)

// openGS finds credentials as gcloud's libraries do: GOOGLE_APPLICATION_CREDENTIALS, those of gcloud, the machine's. A server at an endpoint,
// such as an emulator, is asked without.
func openGS(ctx context.Context, u storeurl.URL) (*blob.Bucket, service, error) {
	var options gcsblob.Options
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout, transport.MaxIdleConnsPerHost = answerWithin, 64
	counting := countingTransport{transport}
	client := gcp.NewAnonymousHTTPClient(counting)
	if endpoint := u.Params[storeurl.Endpoint]; endpoint != "" {
		options.ClientOptions = append(options.ClientOptions, option.WithEndpoint(endpoint+"/storage/v1/"), storage.WithJSONReads())
	} else {
		credentials, err := gcp.DefaultCredentials(ctx)
		if err != nil {
			return nil, nil, err
		}
		if client, err = gcp.NewHTTPClient(counting, gcp.CredentialsTokenSource(credentials)); err != nil {
			return nil, nil, err
		}
	}
	opened, err := gcsblob.OpenBucket(ctx, client, u.Bucket, &options)
	return opened, gsService{kmsKey: u.Params[storeurl.KMSKeyName]}, err
}

// gsService is Google Cloud Storage. kmsKey is the key that values are encrypted by; "": that of the bucket.
type gsService struct{ kmsKey string }

// startAfter has the service begin with the key: there is no parameter to begin behind one.
func (gsService) startAfter(as func(any) bool, key string) {
	var q *storage.Query
	if as(&q) {
		q.StartOffset = key // from it on; the key itself is dropped
	}
}

// encrypt names the key to the writer of each value, the only place that takes one.
func (s gsService) encrypt(as func(any) bool) {
	var w *storage.Writer
	if s.kmsKey != "" && as(&w) {
		w.KMSKeyName = s.kmsKey
	}
}

// version is the generation, a number that each write of a key changes.
func (gsService) version(r *blob.Reader) string {
	var in *storage.Reader
	if !r.As(&in) {
		return ""
	}
	return strconv.FormatInt(in.Attrs.Generation, 10)
}

// code is the status and the reason of the last of the answer's errors: 403 and "forbidden".
func (gsService) code(err error) (status int, code string) {
	var api *googleapi.Error
	if errors.As(err, &api) {
		status = api.Code
		for _, e := range api.Errors {
			code = e.Reason
		}
	}
	return status, code
}
