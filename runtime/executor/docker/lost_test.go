package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/client"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// proxy stands between the executor and the real engine and can cut all connections: what a restart of the engine
// looks like from here.
type proxy struct {
	listener net.Listener
	backend  string

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t *testing.T) *proxy {
	t.Helper()
	requireEngine(t)
	api, err := client.NewClientWithOpts(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	backend, ok := strings.CutPrefix(api.DaemonHost(), "unix://")
	if !ok {
		t.Skipf("the engine is at %s, not at a local socket", api.DaemonHost())
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, backend: backend}
	go p.serve()
	t.Cleanup(p.cut)
	return p
}

func (p *proxy) host() string { return "unix://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("unix", p.backend)
		if err != nil {
			from.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.mu.Unlock()
		go forward(to, from)
		go forward(from, to)
	}
}

// forward copies one direction and passes its end on, as the engine's attach streams need.
func forward(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.(*net.UnixConn).CloseWrite()
}

// cut ends all connections and takes no more.
func (p *proxy) cut() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

func TestDockerEngineGoesAway(t *testing.T) {
	p := startProxy(t)
	e := newExecutor(t, Options{Host: p.host()})
	direct := newExecutor(t, Options{})
	task, log := newTask(t, "sleep")
	go func() {
		log.waitFor(t, "sleeping")
		p.cut()
	}()
	_, err := e.Run(context.Background(), task)
	if !errors.Is(err, executor.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, executor.ErrUnavailable)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "running stage.x: ") {
		t.Errorf("got %q, want it to say what was run", err)
	}
	if _, err := e.Run(context.Background(), task); !errors.Is(err, executor.ErrUnavailable) {
		t.Errorf("once more: got %v, want %v", err, executor.ErrUnavailable)
	}
	if n, err := direct.Cleanup(context.Background(), task.Pipeline, task.Workspace); n != 1 || err != nil {
		t.Errorf("Cleanup: got %d, %v, want the container that was left", n, err)
	}
}

// TestDockerRemoteEngine has the engine see other files than ours: the folder that is bound is gone when it looks.
func TestDockerRemoteEngine(t *testing.T) {
	e := newExecutor(t, Options{})
	ctx := context.Background()
	image, err := e.image.get(ctx, e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.checkFolder(ctx, image, "/no/such/folder/here", "x"); err == nil || !strings.Contains(err.Error(), "does not see this machine's files") {
		t.Errorf("no such folder: got %v", err)
	}
	if err := e.checkFolder(ctx, image, t.TempDir(), "x"); err == nil || !strings.Contains(err.Error(), "does not see this machine's files") {
		t.Errorf("another folder of that name: got %v", err)
	}
}
