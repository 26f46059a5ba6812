package s3test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Policy makes users, whose access keys are their names and whose secret is SecretKey, and gives an empty bucket a policy that says what they may.
// The bucket is made anew by the protocol: one that is a folder alone has no owner, without whom the server copies nothing for users.
//
// The policy is JSON as S3 has it. One that lets "reader" fetch objects and list them:
//
//	{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["reader"]},
//	  "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::team", "arn:aws:s3:::team/*"]}]}
//
// What no statement allows is refused with 403. A bucket that has objects fails the test, since its folder cannot be removed.
func (s *Server) Policy(t *testing.T, bucket, policy string, users ...string) {
	t.Helper()
	program := Program(t, "versitygw", "github.com/versity/versitygw/cmd/versitygw@"+Version, "MLP_REQUIRE_S3")
	for _, name := range users {
		out, err := exec.Command(program, "admin", "--access", AccessKey, "--secret", SecretKey, "--endpoint-url", s.Endpoint,
			"create-user", "--access", name, "--secret", SecretKey, "--role", "user").CombinedOutput()
		if err != nil {
			t.Fatalf("making the user %s: %v\n%s", name, err, out)
		}
	}
	// The client has the owner's keys itself: the environment may be that of one of the users by now.
	client := s3.New(s3.Options{BaseEndpoint: aws.String(s.Endpoint), UsePathStyle: true, Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, "")})
	if err := os.Remove(filepath.Join(s.Dir, bucket)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatalf("making %s: %v", bucket, err)
	}
	if _, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(policy)}); err != nil {
		t.Fatalf("the policy of %s: %v", bucket, err)
	}
}
