// Command stage stands in for mlp in the tests of the docker executor: a static binary whose `stage` and `worker` commands run small
// components, each named by what they do.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

func main() {
	switch strings.Join(os.Args[1:], " ") {
	case "run fails":
		fmt.Println("cannot find libz")
		os.Exit(3)
	case "run on":
		time.Sleep(time.Hour)
	}
	if os.Args[1] == "worker" {
		own = os.TempDir() + "/own"
		if err := os.Mkdir(own, 0o700); err != nil {
			panic(err)
		}
		os.Exit(component.Work(context.Background(), os.Args[2], find, func(context.Context) error { return nil }))
	}
	os.Exit(component.RunStage(context.Background(), find, os.Args[3], 0, os.Stdout))
}

// own is a folder that a worker makes before its first stage.
var own string

func find(name string) *component.Component {
	run := map[string]func(context.Context, *component.Stage) error{
		"test.copy": copyFile, "test.nothing": nothing, "test.env": env, "test.walls": walls, "test.sleep": sleep,
		"test.stubborn": stubborn, "test.memory": memory, "test.log": log, "test.bad": bad, "test.retry": retry,
		"test.look": look, "test.plants_home": plantsHome, "test.plants_variable": plantsVariable, "test.plants_output": plantsOutput,
		"test.plants_goroutine": plantsGoroutine, "test.ranks": ranks,
	}[name]
	if run == nil {
		return nil
	}
	return &component.Component{Kind: "test", Type: schema.Type{Name: strings.TrimPrefix(name, "test."), Version: 1}, Run: run}
}

func nothing(context.Context, *component.Stage) error { return nil }

func bad(context.Context, *component.Stage) error {
	return &component.InputError{Summary: "row 3 is bad", Detail: "Mend it."}
}

func retry(context.Context, *component.Stage) error {
	return fmt.Errorf("server busy: %w", component.ErrRetry)
}

func copyFile(_ context.Context, s *component.Stage) error {
	data, err := os.ReadFile(filepath.Join(s.Input("data"), "a.txt"))
	if err != nil {
		return err
	}
	dir, err := s.Output("files")
	if err != nil {
		return err
	}
	s.Logf("copying %d bytes", len(data))
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "b.txt"), data, 0o644),
		os.WriteFile(filepath.Join(s.Root, "checkpoint", "seen"), data, 0o600),
		os.WriteFile("/tmp/scratch", data, 0o600),
		s.WriteFigures(map[string]any{"bytes": len(data)}),
	)
}

// look says what is in the folders that a stage could find something in, and in its environment, and copies its input.
func look(_ context.Context, s *component.Stage) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	s.Logf("home %s, in its root %t, planted %q", os.Getenv("HOME"), dir == s.Root, os.Getenv("PLANTED"))
	for _, folder := range []string{s.Root, "in", "out/", "rw", "rw/out", os.Getenv("HOME")} {
		if !filepath.IsAbs(folder) {
			folder = s.Root + "/" + folder
		}
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			s.Logf("%s has %s", folder, e.Name())
		}
	}
	if own != "" {
		if err := os.WriteFile(filepath.Join(own, "kept"), nil, 0o600); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(filepath.Join(s.Input("data"), "a.txt"))
	if err != nil {
		return err
	}
	out, err := s.Output("files")
	return errors.Join(err, os.WriteFile(filepath.Join(out, "b.txt"), data, 0o644))
}

func plantsHome(context.Context, *component.Stage) error {
	return os.WriteFile(filepath.Join(os.Getenv("HOME"), "planted"), nil, 0o600)
}

func plantsVariable(context.Context, *component.Stage) error {
	return errors.Join(os.Setenv("PLANTED", "1"), os.Chdir("/"))
}

func plantsOutput(_ context.Context, s *component.Stage) error {
	return os.WriteFile(filepath.Join(s.Root, "rw", "planted"), nil, 0o600)
}

func plantsGoroutine(context.Context, *component.Stage) error {
	go func() { time.Sleep(time.Hour) }()
	return nil
}

func env(_ context.Context, s *component.Stage) error {
	vars := os.Environ()
	slices.Sort(vars)
	host, err := os.Hostname()
	s.Logf("%s", strings.Join(vars, "\n"))
	s.Logf("host %s, user %d:%d, threads %d", host, os.Getuid(), os.Getgid(), s.Threads)
	return err
}

// walls tries what a stage must not be able to do, and says what it could.
func walls(_ context.Context, s *component.Stage) error {
	try := func(what string, err error) { s.Logf("%s: %v", what, err == nil) }
	try("write root", os.WriteFile("/x", nil, 0o644))
	try("write input", os.WriteFile(filepath.Join(s.Input("data"), "x"), nil, 0o644))
	try("write description", os.WriteFile(filepath.Join(s.Root, "stage.json"), nil, 0o644))
	_, err := net.DialTimeout("tcp", "1.1.1.1:53", time.Second)
	try("reach the network", err)
	links, err := net.Interfaces()
	s.Logf("interfaces: %d %v", len(links), err)
	status, err := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "CapBnd") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") {
			s.Logf("%s", strings.Join(strings.Fields(line), " "))
		}
	}
	return err
}

func sleep(ctx context.Context, s *component.Stage) error {
	s.Logf("sleeping")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return nil
	}
}

func stubborn(_ context.Context, s *component.Stage) error {
	s.Logf("sleeping")
	time.Sleep(time.Minute)
	return nil
}

func memory(_ context.Context, s *component.Stage) error {
	var held [][]byte
	for range 512 {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = byte(i)
		}
		held = append(held, b)
	}
	s.Logf("held %d MiB", len(held))
	return nil
}

func log(_ context.Context, s *component.Stage) error {
	for i := range 20000 {
		s.Logf("line %d", i)
		if i%100 == 0 {
			fmt.Fprintf(os.Stderr, "error line %d\n", i)
		}
	}
	fmt.Fprint(os.Stderr, "the last words")
	return nil
}
