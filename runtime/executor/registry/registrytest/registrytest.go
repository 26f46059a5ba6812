// Package registrytest starts a container registry for tests: Debian's docker-registry, which wants a user and a password.
package registrytest

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// The user that the registry lets in.
const (
	User     = "reader"
	Password = "read-1t"
)

// binary is the registry's server.
const binary = "docker-registry"

// Start starts a registry on this machine, and returns its host and port. It ends with the test, which is skipped where there is no docker-registry, unless
// MLP_REQUIRE_REGISTRY=1 says that there must be one.
func Start(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(binary)
	if err != nil {
		if os.Getenv("MLP_REQUIRE_REGISTRY") == "1" {
			t.Fatal(err)
		}
		t.Skip("there is no " + binary)
	}
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte(User+":"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := free.Addr().String()
	free.Close()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: %s\nauth:\n  htpasswd:\n    realm: test\n    path: %s\n", filepath.Join(dir, "data"), host, users)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(path, "serve", config)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for range 300 {
		if resp, err := http.Get("http://" + host + "/v2/"); err == nil {
			resp.Body.Close()
			return host
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the registry does not answer")
	return ""
}

// Login writes Docker credentials for a registry, and has the test use them in place of the user's. Without a user there are none.
func Login(t testing.TB, host, user, password string) {
	t.Helper()
	dir := t.TempDir()
	text := "{}"
	if user != "" {
		text = fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.(interface{ Setenv(string, string) }).Setenv("DOCKER_CONFIG", dir)
}
