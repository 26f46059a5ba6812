package kubernetestest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
		if err := os.WriteFile(filepath.Join(c.dir, "pid", name), fmt.Appendf(nil, "%d\n", cmd.Process.Pid), 0o644); err != nil {
			t.Fatal(err)
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
