package cloud

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/mlp-lang/mlp/lang/storeurl"
)

// answerWithin is how long a service may take to begin its answer, once a request was sent: a connection that died without a word is
// given up then, and the request sent again.
const answerWithin = 60 * time.Second

// openS3 finds credentials and region as the AWS command line does: environment, profile, container, machine.
func openS3(ctx context.Context, u storeurl.URL) (*blob.Bucket, service, error) {
	endpoint := u.Params[storeurl.Endpoint]
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout, t.MaxIdleConnsPerHost = answerWithin, 64
		})),
	}
	options = append(options, config.WithRetryer(retryer), config.WithLogger(logging.Nop{}))
	if region := u.Params[storeurl.Region]; region != "" {
		options = append(options, config.WithRegion(region))
	}
	if profile := u.Params[storeurl.Profile]; profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	if endpoint != "" { // other servers than Amazon's do not all know checksums in trailers
		options = append(options, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
			config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Region == "" {
		if endpoint == "" {
			return nil, nil, errNoRegion
		}
		cfg.Region = "us-east-1" // what servers that have no regions call theirs
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true
		}
		if style := u.Params[storeurl.PathStyle]; style != "" {
			o.UsePathStyle = style == "true"
		}
		o.DisableLogOutputChecksumValidationSkipped = true
		o.HTTPClient = countingClient{o.HTTPClient}
	})
	opened, err := s3blob.OpenBucket(ctx, client, u.Bucket, &s3blob.Options{
		EncryptionType: types.ServerSideEncryption(u.Params[storeurl.Encryption]), KMSEncryptionID: u.Params[storeurl.KMSKey],
		RequestChecksumCalculation: cfg.RequestChecksumCalculation,
	})
	return opened, s3Service{bucket: u.Bucket}, err
}

// retryer sends a request three times at most, with short pauses: what may pass is tried on by the bucket.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 3, time.Second, ratelimit.None
		o.Backoff = retry.NewExponentialJitterBackoff(time.Second)
	})
}

// s3Service is S3, and what speaks its protocol: MinIO, Ceph, versitygw. bucket is the name, which deletes of many need.
type s3Service struct{ bucket string }

// deleteAll deletes up to a thousand values. What the service says of the first that it could not delete is the error.
func (s s3Service) deleteAll(ctx context.Context, b *blob.Bucket, names []string) error {
	var client *s3.Client
	if !b.As(&client) {
		return errors.New("the bucket is not one of S3")
	}
	objects := make([]types.ObjectIdentifier, len(names))
	for i, name := range names {
		objects[i] = types.ObjectIdentifier{Key: aws.String(name)}
	}
	out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(s.bucket), Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
	if err != nil {
		return err
	}
	for _, e := range out.Errors {
		if code := aws.ToString(e.Code); code != "NoSuchKey" {
			return &smithy.GenericAPIError{Code: code, Message: aws.ToString(e.Message)}
		}
	}
	return nil
}

// startAfter has the service begin behind the key.
func (s3Service) startAfter(as func(any) bool, key string) {
	var in *s3.ListObjectsV2Input
	if as(&in) {
		in.StartAfter = aws.String(key)
	}
}

func (s3Service) encrypt(func(any) bool) {} // the bucket's options do

// version is the ETag. It is of the content, so the same bytes written again are the same version.
func (s3Service) version(r *blob.Reader) string {
	var out s3.GetObjectOutput
	if !r.As(&out) {
		return ""
	}
	return aws.ToString(out.ETag)
}

// code is the status and the word in the answer's XML: 404 and "NoSuchKey". An answer to HEAD has no body, and its word is
// made of the status by the library.
func (s3Service) code(err error) (status int, code string) {
	var response *awshttp.ResponseError
	var api smithy.APIError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return status, code
}
