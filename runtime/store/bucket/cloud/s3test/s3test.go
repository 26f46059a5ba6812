// Package s3test starts a real server of the S3 protocol for a test: versitygw, on a folder.
//
// Start makes one with an empty bucket, at a port of its own, so that tests with servers can run side by side:
//
//	s := s3test.Start(t, "team")
//	u, err := storeurl.Parse(s.URL("team/mlp")) // s3://team/mlp?endpoint=http://127.0.0.1:41234
//	b, err := cloud.Open(t.Context(), u)
//
// Two things can be put between a test and the server. Behind is the same server through a bad network, which loses answers,
// repeats requests and carries some out late (Faults). Policy gives a bucket a policy and makes users who are held to it.
//
// Objects are files below Server.Dir, by their keys. A test may look there for what a store has written, and may damage it.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Version is the version of versitygw that tests are held to; .ci/run installs it.
const Version = "v1.8.0"

// The credentials of the server's owner, who may do everything. Start puts them into the environment of the test; they
// protect nothing, since the server listens on the loopback, or where StartOn is told to, and ends with the test.
const (
	AccessKey = "tester"
	SecretKey = "a-secret-of-the-test"
)

// Server is one that answers. Its methods may be called by several goroutines.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Dir      string // the buckets, as folders
}

// Start starts a server with a bucket that ends with the test. Without versitygw the test is skipped, or fails where MLP_REQUIRE_S3 is set.
//
// The environment of the test gets the credentials (Environment), so a test that starts a server cannot be parallel with others
// of its process: testing.T.Setenv panics then.
func Start(t testing.TB, bucket string) *Server {
	t.Helper()
	return StartOn(t, bucket, "127.0.0.1")
}

// StartOn is Start with a server that listens on an address of this machine, which pods of a cluster reach.
func StartOn(t testing.TB, bucket, host string) *Server {
	t.Helper()
	for name, value := range Environment() {
		t.Setenv(name, value)
	}
	program := Program(t, "versitygw", "github.com/versity/versitygw/cmd/versitygw@"+Version, "MLP_REQUIRE_S3")
	s, stop, err := run(program, t.TempDir(), host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	s.Bucket(t, bucket)
	return s
}

// Environment is what the AWS library finds the server's credentials in, and what keeps it from those of the machine.
func Environment() map[string]string {
	return map[string]string{"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true"}
}

// Program finds a server's program. Without it the test is skipped, or fails where a variable of the environment requires it.
func Program(t testing.TB, name, module, required string) string {
	t.Helper()
	path := find(name)
	if path == "" {
		how := "there is no " + name + ": go install " + module
		if os.Getenv(required) != "" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return path
}

// find looks in PATH and where go install puts programs, GOBIN or bin in GOPATH, which is often not in PATH. It is "" where
// the program is in neither, or where there is no go command to ask.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	out, err := exec.Command("go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		return ""
	}
	bin, gopath, _ := bytes.Cut(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
	for _, path := range []string{filepath.Join(string(bin), name), filepath.Join(string(gopath), "bin", name)} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// run starts the program with its buckets and users below dir, and waits until it answers, a minute at most. What it wrote
// until then is in the error. stop kills it: there is nothing to save, and a test should not wait for a gentle end.
//
// The port is one that was free a moment ago. Another program may take it in between; then versitygw ends, and that is told.
func run(program, dir, host string) (*Server, func(), error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, nil, err
	}
	at := listener.Addr().String()
	s, users := &Server{Endpoint: "http://" + at, Dir: filepath.Join(dir, "buckets")}, filepath.Join(dir, "users")
	if err := errors.Join(listener.Close(), os.Mkdir(s.Dir, 0o755), os.Mkdir(users, 0o700)); err != nil {
		return nil, nil, err
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "--access", AccessKey, "--secret", SecretKey, "--iam-dir", users, "--port", at, "--quiet", "posix", s.Dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	// A group of its own, so that Ctrl-C in a terminal leaves the server to the test; and no server outlives a test that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() { _ = cmd.Process.Kill(); <-ended }
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		// Any answer will do: the list of buckets is refused to requests that are not signed.
		if response, err := http.Get(s.Endpoint); err == nil {
			return s, stop, response.Body.Close()
		}
		select {
		case <-ended:
			return nil, nil, errors.New("versitygw ended: " + said.String())
		case <-ctx.Done():
			stop()
			return nil, nil, errors.New("versitygw does not answer: " + said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Bucket makes another bucket, as a folder: to versitygw that is one, which belongs to nobody. Where users are to be let in
// it has to be made by the protocol, which Policy does. A bucket that is there already stays as it is.
func (s *Server) Bucket(t testing.TB, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.Dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

// URL is that of a store in a bucket of the server, as --store takes it. place is the bucket, or a bucket and a prefix: "team"
// or "team/mlp".
func (s *Server) URL(place string) string { return "s3://" + place + "?endpoint=" + s.Endpoint }
