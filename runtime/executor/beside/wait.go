package beside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
)

// grace is how long a program that is told to stop may take to do so, and evicted the same where its pod is to end, which is no fault of it: it may
// keep what it has by then.
const grace, evicted = 2 * time.Second, 20 * time.Second

// patience is how long the program's container waits for somebody to ask, who started before it.
const patience = 2 * time.Minute

// Main is what mlp runs in the containers of a pod: "install DIR", "run DIR", and "closed COMMAND…", which becomes the command. It returns an
// exit code.
func Main(ctx context.Context, args []string) int {
	var err error
	switch {
	case len(args) == 2 && args[0] == "install":
		err = Install(args[1])
	case len(args) == 2 && args[0] == "run":
		err = Wait(ctx, args[1])
	case len(args) > 1 && args[0] == "closed":
		err = closed(args[1:])
	default:
		err = errors.New("expected install DIR, run DIR or closed COMMAND")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: beside: "+err.Error())
		return 1
	}
	return 0
}

// Install makes the folder that the containers of a pod share, with the running binary in it.
func Install(dir string) error {
	var err error
	for _, name := range []string{"root/in", "root/out", "root/checkpoint", "root/secrets", MadeFolder + Over, RunFolder} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	self, failed := os.Executable()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, RunFolder, Binary), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// Wait waits until a program is asked for, runs it and says how it ended. The folder is the one with the socket and the binary. It is the first process
// of its container: when it ends, all else there does.
func Wait(ctx context.Context, dir string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	conn, err := dial(ctx, filepath.Join(dir, socket))
	if err != nil {
		return fmt.Errorf("nobody asks for a program: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.CloseRead() })()
	job, stdout, stderr, err := component.Receive(conn)
	if err != nil {
		return fmt.Errorf("nobody asks for a program: %w", err)
	}
	// Nothing more is asked: what comes is the end, of the time or of who asked.
	ended, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	}()
	done := start(ended, job, filepath.Join(dir, Binary), stdout, stderr, func() time.Duration {
		if ctx.Err() != nil {
			return evicted
		}
		return grace
	})
	done.Told = ctx.Err() != nil // whatever its exit code says, it may have stopped short
	return json.NewEncoder(conn).Encode(done)
}

// dial connects as soon as somebody listens.
func dial(ctx context.Context, at string) (*net.UnixConn, error) {
	for end := time.Now().Add(patience); ; {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: at, Net: "unix"})
		if err == nil || time.Now().After(end) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// cannotRun begins the message of a command that cannot be run.
const cannotRun = "the image cannot run the command"

// start runs a program to its end, which is asked for when ctx ends, and taken after a grace. A command that cannot be run has the exit code that shells give it.
func start(ctx context.Context, job component.Job, self string, stdout, stderr *os.File, after func() time.Duration) component.Done {
	env := environment(os.Environ(), job.Env)
	path, err := lookUp(job.Command[0], env)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", cannotRun, err)
		_ = errors.Join(stdout.Close(), stderr.Close())
		if errors.Is(err, os.ErrNotExist) {
			return component.Done{ExitCode: 127}
		}
		return component.Done{ExitCode: 126}
	}
	cmd := exec.Command(path, job.Command[1:]...)
	cmd.Args[0] = job.Command[0]
	if job.Closed {
		cmd = exec.Command(self, append([]string{"beside", "closed", path}, job.Command...)...)
	}
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = env, stdout, stderr, &syscall.SysProcAttr{Setpgid: true}
	killed := oomKills()
	if err = cmd.Start(); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", cannotRun, err)
	}
	_ = errors.Join(stdout.Close(), stderr.Close()) // the program has them
	if err != nil {
		return component.Done{ExitCode: 126}
	}
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		for told := time.Now(); time.Since(told) < after(); {
			select {
			case <-stopped:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})()
	_ = cmd.Wait() // how it ended is in its state
	close(stopped)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return told(cmd.ProcessState, killed)
}

// told is how a program ended: 128 and the signal's number where a signal ended it.
func told(state *os.ProcessState, killed int64) component.Done {
	d := component.Done{ExitCode: state.ExitCode(), CPUMicros: (state.UserTime() + state.SystemTime()).Microseconds()}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		d.ExitCode = 128 + int(ws.Signal())
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		d.Peak = int64(usage.Maxrss) << 10
	}
	d.OutOfMemory = d.ExitCode != 0 && oomKills() > killed
	return d
}

// environment is the image's own, with the stage's over it. What a cluster puts in beside is left out: the name of the pod, and where services are.
func environment(image, stage []string) []string {
	var out []string
	for _, v := range image {
		if !strings.HasPrefix(v, "KUBERNETES_") && !strings.HasPrefix(v, "HOSTNAME=") {
			out = append(out, v)
		}
	}
	out = append(out, "HOSTNAME=stage")
	if !strings.Contains("\n"+strings.Join(image, "\n"), "\nPATH=") {
		out = append(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	return append(out, stage...) // of two the last one counts
}

// lookUp finds a command as a container engine does: a name without a slash by the PATH of the environment.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	dirs := ""
	for _, v := range env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			dirs = p
		}
	}
	for _, dir := range filepath.SplitList(dirs) {
		if at := filepath.Join(dir, name); executable(at) == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, os.ErrNotExist)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s: %w", path, os.ErrPermission)
	}
	return nil
}
