// Package gstest starts a server of the protocol of Google Cloud Storage for a test: fake-gcs-server, in memory.
//
// A store in it is opened by a URL that names the server: gs://team/mlp?endpoint=http://127.0.0.1:41234. The server asks nobody
// who they are, and knows no policies; what may be done with whose rights is tried on S3 alone (s3test). What it is here for
// are the laws of buckets, above all that of two writers of one key one wins.
package gstest

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// Version is the version of fake-gcs-server that tests are held to; .ci/run installs it.
const Version = "v1.56.1"

// Start starts a server with a bucket that ends with the test, and returns its base URL. Without fake-gcs-server the test is skipped, or fails
// where MLP_REQUIRE_GS is set.
func Start(t *testing.T, bucket string) (endpoint string) {
	t.Helper()
	program := s3test.Program(t, "fake-gcs-server", "github.com/fsouza/fake-gcs-server@"+Version, "MLP_REQUIRE_GS")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	endpoint = "http://" + at.String()
	// An upload in parts goes on at the external URL, which the server names to the client; contents are served under the public
	// host. Both have another value unless they are said.
	cmd := exec.Command(program, "-scheme", "http", "-host", "127.0.0.1", "-port", fmt.Sprint(at.Port), "-backend", "memory", "-public-host", at.String(), "-external-url", endpoint)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	// The bucket is made by the first request that is answered, so that a server is ready once Start returns.
	for until := time.Now().Add(time.Minute); ; {
		response, err := http.Post(endpoint+"/storage/v1/b", "application/json", strings.NewReader(fmt.Sprintf(`{"name":%q}`, bucket)))
		if err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK {
			return endpoint
		}
		if time.Now().After(until) {
			t.Fatalf("fake-gcs-server does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
