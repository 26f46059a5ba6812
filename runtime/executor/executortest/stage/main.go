// Command stage stands in for mlp in executortest: a static binary whose `stage` and `worker` commands run small components, each named by what it does.
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
	"github.com/mlp-lang/mlp/runtime/executor/beside"
)

// main has the commands that executors start mlp with, and those that an image of a user's own would have in mlp's place.
func main() {
	switch os.Args[1] {
	case "foreign":
		os.Exit(told(foreign()))
	case "links":
		os.Exit(told(links()))
	case "beside":
		os.Exit(beside.Main(context.Background(), os.Args[2:]))
	case "worker":
		os.Exit(component.Work(context.Background(), strings.Join(os.Args[2:], ""), find, func(context.Context) error { return nil }))
	}
	os.Exit(component.RunStage(context.Background(), find, os.Args[3], 0, os.Stdout))
}

// find has a component for each test; nil for any other name, as for a component that an older mlp does not have.
func find(name string) *component.Component {
	run := map[string]func(context.Context, *component.Stage) error{
		"test.bytes": writeBytes, "test.env": env, "test.walls": walls, "test.sleep": sleep, "test.stubborn": stubborn, "test.hungry": hungry,
		"test.log": log, "test.bad": bad, "test.retry": retry, "test.panic": panics, "test.closed": closed, "test.busy": busy,
	}[name]
	if run == nil {
		return nil
	}
	return &component.Component{Kind: "test", Type: schema.Type{Name: strings.TrimPrefix(name, "test."), Version: 1}, Run: run}
}

// bad fails by a mistake in the data, which no other attempt mends.
func bad(context.Context, *component.Stage) error {
	return &component.InputError{Summary: "row 3 is bad"}
}

// retry fails by what may pass.
func retry(context.Context, *component.Stage) error {
	return fmt.Errorf("busy: %w", component.ErrRetry)
}

// panics has a defect.
func panics(context.Context, *component.Stage) error { panic("no such thing") }

// foreign is a stage of an image of its own: it knows its environment only.
func foreign() error {
	data, err := os.ReadFile(filepath.Join(os.Getenv("MLP_IN_DATA"), "a.txt"))
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(filepath.Join(os.Getenv("MLP_ROOT"), "secrets", "token"))
	if err != nil {
		return err
	}
	fmt.Printf("a secret of %d bytes\n", len(secret))
	return os.WriteFile(filepath.Join(os.Getenv("MLP_OUT_FILES"), "b.txt"), append(data, os.Getenv("SUFFIX")...), 0o644)
}

// links says whether there is another link than that of the machine to itself.
func links() error {
	all, err := net.Interfaces()
	if len(all) > 1 {
		fmt.Println("a network")
	}
	return unlessRefused(err)
}

// unlessRefused is the error of looking for a network: who may not even look has none.
func unlessRefused(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}

// told is the exit code of a program: 3 is one that the protocol leaves to it.
func told(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 3
}

// writeBytes writes down all that a stage may rest on.
func writeBytes(_ context.Context, s *component.Stage) error {
	data, err := os.ReadFile(filepath.Join(s.Input("data"), "a.txt"))
	if err != nil {
		return err
	}
	dir, err := s.Output("files")
	if err != nil {
		return err
	}
	var config struct {
		K int `json:"k"`
	}
	if err := s.Decode(&config); err != nil {
		return err
	}
	zone, _ := time.Now().Zone()
	text := fmt.Sprintf("%s, seed %d, %d threads, k %d, %s, %s\n", data, s.Seed, s.Threads, config.K, zone, os.Getenv("LC_ALL"))
	s.Logf("writing %d bytes", len(text))
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "b.txt"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(s.Root, "checkpoint", "seen"), data, 0o600),
		s.WriteFigures(map[string]any{"bytes": len(text)}),
	)
}

// env logs all of its environment, sorted.
func env(_ context.Context, s *component.Stage) error {
	vars := os.Environ()
	slices.Sort(vars)
	for _, v := range vars {
		s.Logf("%s", v)
	}
	return nil
}

// walls tries what a stage must not be able to do, and says what it could.
func walls(_ context.Context, s *component.Stage) error {
	try := func(what string, err error) {
		if err == nil {
			s.Logf("can %s", what)
		}
	}
	try("write beside its root folder", os.WriteFile("/x", nil, 0o644))
	try("write to an input", os.WriteFile(filepath.Join(s.Input("data"), "x"), nil, 0o644))
	try("write its description", os.WriteFile(filepath.Join(s.Root, "stage.json"), nil, 0o644))
	links, err := net.Interfaces()
	if len(links) > 1 {
		try("see a network", nil)
	}
	return unlessRefused(err)
}

// sleep goes on for a minute, or until it is told to end.
func sleep(ctx context.Context, s *component.Stage) error {
	s.Logf("sleeping")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return nil
	}
}

// stubborn goes on for a minute whatever it is told.
func stubborn(_ context.Context, s *component.Stage) error {
	s.Logf("sleeping")
	time.Sleep(time.Minute)
	return nil
}

// hungry takes memory until it is ended, at most 2 GB.
func hungry(context.Context, *component.Stage) error {
	for held := [][]byte{}; len(held) < 256; time.Sleep(time.Millisecond) {
		held = append(held, touched(8<<20))
	}
	return nil
}

// touched is memory that was written to: pages that are not are no memory yet.
func touched(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 1
	}
	return b
}

// busy has 64 MB and a processor for longer than it takes to be looked at.
func busy(_ context.Context, s *component.Stage) error {
	held, sum := touched(64<<20), 0
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		for i := 0; i < len(held); i += 4096 {
			sum += int(held[i])
		}
	}
	s.Logf("busy: %t", sum > 0)
	return nil
}

// log writes to both streams, and a line that is longer than is kept in one piece.
func log(_ context.Context, s *component.Stage) error {
	for i := range 5000 {
		s.Logf("line %d", i)
		if i%100 == 0 {
			fmt.Fprintf(os.Stderr, "error line %d\n", i)
		}
	}
	s.Logf("%s", strings.Repeat("x", 200<<10))
	fmt.Fprint(os.Stderr, "the last words")
	return nil
}

// closed writes outputs that nobody may read.
func closed(_ context.Context, s *component.Stage) error {
	dir, err := s.Output("files")
	if err != nil {
		return err
	}
	inner := filepath.Join(dir, "inner")
	return errors.Join(os.Mkdir(inner, 0o700), os.WriteFile(filepath.Join(inner, "f"), []byte("x"), 0o600), os.Chmod(filepath.Join(inner, "f"), 0), os.Chmod(inner, 0))
}
