package cli

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestExportedImage: an image that is loaded and run answers as mlp serve does in the pipeline's folder, also on a root that is read-only; it is the same image each time.
func TestExportedImage(t *testing.T) {
	if !engineAnswers(t) {
		t.Skip("SKIPPED: no container engine answers")
	}
	dir := loggingStore(t, 2)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run(mlp, "export", "image", "deploy.scorer", "--out", "one.tar")
	run(mlp, "export", "image", "deploy.scorer", "--out", "two.tar")
	one, err := os.ReadFile(filepath.Join(dir, "one.tar"))
	if err != nil {
		t.Fatal(err)
	}
	if two, err := os.ReadFile(filepath.Join(dir, "two.tar")); err != nil || !bytes.Equal(one, two) {
		t.Errorf("the image is another one the second time: %v", err)
	}
	_, image, ok := strings.Cut(run("docker", "load", "--input", "one.tar"), "Loaded image: ")
	if !ok || !strings.HasPrefix(image, "scorer:") {
		t.Fatalf("loaded is %q", image)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })
	container := run("docker", "run", "--detach", "--read-only", "--publish", "127.0.0.1::8080", image)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", container).Run() })
	inside := &logging{url: "http://" + run("docker", "port", container, "8080/tcp")}
	outside := startLogging(t, dir, "")
	rows := plainRow + `,{"x":null,"n":null,"big":null,"word":"never seen","member":null,"age":null},{"x":"none"}`
	_, want, err := outside.ask(http.DefaultClient, "a", rows)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, got, err := inside.ask(http.DefaultClient, "a", rows)
		if err == nil && status == http.StatusOK {
			if got != want || !strings.Contains(got, `"missing":["x","n","big","member","age","customer"]`) {
				t.Errorf("the image answers\n%s\nand mlp serve\n%s", got, want)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %d %s %v: %s", status, got, err, run("docker", "logs", container))
		}
	}
	http.DefaultClient.CloseIdleConnections()
	outside.stop(t)
}
