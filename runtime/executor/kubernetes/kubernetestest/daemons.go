package kubernetestest

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// CPU is the processor time that each daemon of the cluster has had, by its name, and this process with what was played in it.
func (c *Cluster) CPU(t testing.TB) map[string]time.Duration {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "pid", "*"))
	if err != nil {
		t.Fatal(err)
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
	used := map[string]time.Duration{}
	of := func(name, pid string) {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			return // it has ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third on
		for _, field := range fields[11:13] {
			n, err := strconv.Atoi(field)
			if err != nil {
				t.Fatalf("%s: %s", name, text)
			}
			used[name] += time.Duration(n) * tick
		}
	}
	for _, file := range files {
		of(filepath.Base(file), c.read(t, filepath.Join("pid", filepath.Base(file))))
	}
	of("this test, which plays pods", "self")
	return used
}

func (c *Cluster) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Kill ends a daemon of the cluster at once, "apiserver", "controller-manager", "scheduler" or "kubelet1", and returns what starts it again.
func (c *Cluster) Kill(t testing.TB, name string) (revive func()) {
	t.Helper()
	pid, err := strconv.Atoi(c.read(t, filepath.Join("pid", name)))
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil || bytes.Contains(state, []byte(") Z ")) {
			break
		}
	}
	return func() {
		t.Helper()
		log, err := os.OpenFile(filepath.Join(c.dir, "log", name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = c.dir, log, log, &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = cmd.Wait() }() // `down` ends it
		c.write(t, filepath.Join("pid", name), fmt.Sprint(cmd.Process.Pid))
	}
}

// Answers waits until the API server is ready.
func (c *Cluster) Answers(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		code, _, err := c.do(t.Context(), http.MethodGet, "/readyz", "", nil)
		if err == nil && code == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the API server is not ready: status %d, %v", code, err)
		}
	}
}

// Lose takes a node away, as a power cut does: its kubelet and all that its pods run end at once. What it returns brings the kubelet back.
func (c *Cluster) Lose(t testing.TB, node string) (revive func()) {
	t.Helper()
	revive = c.Kill(t, "kubelet"+strings.TrimPrefix(node, "node"))
	group := "kubetest" + strings.TrimPrefix(node, "node")
	for range 5 { // what starts meanwhile ends too
		for _, root := range []string{"/sys/fs/cgroup/" + group, "/sys/fs/cgroup/memory/" + group} {
			files, err := exec.Command("find", root, "-name", "cgroup.procs").Output()
			if err != nil {
				continue // of the two hierarchies there is one
			}
			for _, file := range strings.Fields(string(files)) {
				pids, _ := os.ReadFile(file) // a group may have gone
				for _, pid := range strings.Fields(string(pids)) {
					if n, err := strconv.Atoi(pid); err == nil {
						_ = syscall.Kill(n, syscall.SIGKILL)
					}
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return revive
}
