// Package serve is the model server: one process in the foreground that scores rows over HTTP with what is released.
//
// It follows the releases of a workspace and converges on them: a new release is loaded beside the old one and takes
// its place between two requests, so that none is dropped; one that cannot be loaded leaves the old one in place and is
// reported. Deployments of type "http" are served, each under its block's name; the version of a model is the first
// twelve digits of its digest.
//
// A request is taken as what it says or refused: names that stand twice, text that is not UTF-8, parameters and fields that
// nobody reads are errors. A row that cannot be scored is answered with the reason, and does not lose the others. What is
// scored in spite of something, a category that the model was not trained on or a null, is told in the answer and
// counted in the metrics.
//
// It speaks the Open Inference Protocol v2, over REST with its extension of binary tensors and over gRPC, and takes rows as JSON objects:
//
//	GET  /v2, /v2/health/live, /v2/health/ready
//	GET  /v2/models/{model}[/versions/{version}][/ready]
//	POST /v2/models/{model}[/versions/{version}]/infer
//	POST /inference.GRPCInferenceService/ModelInfer, ServerLive, …
//	POST /v1/models/{model}/predict     {"rows": [{"amount": 12.5, "merchant": "M1"}]}
//	GET  /v1/models/{model}/openapi.json
//	GET  /v1/models/{model}/rollout     the candidate beside it, and what its rows came to
//	GET  /metrics                       Prometheus
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Releases tells what is released, by the address of the deploy block ("deploy.scorer").
type Releases interface {
	Current(ctx context.Context) (map[string]plan.ReleaseState, error)
}

// Options of a server. Releases, Open and Load are required; zero values of the others mean the default.
type Options struct {
	Addr     string // to listen on; default "127.0.0.1:8080". Port 0 takes a free one
	Releases Releases
	// Open makes a model's bundle available as a folder. It may be called again with the same digest.
	Open func(ctx context.Context, digest plan.Digest) (dir string, err error)
	// Load reads a bundle. A model that cannot be scored here gives an error that wraps component.ErrOpaque.
	Load func(dir string) (component.Model, error)

	Version string       // of the server, shown by GET /v2
	Log     *slog.Logger // of events, and of requests if Access is set; default: none
	Tracer  trace.Tracer // of requests; nil: none are traced
	Access  bool         // logs each request, and for deployments with a key each row's answer
	Hosts   []string     // names beside localhost that a server answers to that listens on this machine only
	// Predictions keeps what is answered, before it is answered; nil: nobody does.
	Predictions Sink
	// Counts keeps what the rows of canaries came to; nil: nobody does.
	Counts  Counts
	Ready   func(url string) // called once, when requests are accepted and the releases were looked at; "https://127.0.0.1:8443"
	Poll    time.Duration    // between looks at the releases; default 1 s
	MaxBody int64            // bytes of a request; default 32 MiB. All requests together hold twice as much at most
	MaxRows int              // of a request; default 100,000
	// MaxValues bounds rows times outputs of an answer; default 2 million.
	MaxValues int
	Timeout   time.Duration // of scoring one request; default 30 s
	Grace     time.Duration // for requests that run when the server stops; default 10 s
	// Drain is how long a server that stops still answers, while it says that it is not ready; default none.
	Drain time.Duration
	// MaxRequests are worked on at the same time, from the last byte of their body to the answer; default 256. More are refused.
	MaxRequests int

	Cert, Key string // files of PEM; both or none. Without them it is HTTP
	Signers   string // file of PEM with those that may sign the certificates of clients; "": clients are asked for none
	Tokens    string // file of those who may ask; "": whoever reaches the address
}

// withDefaults: 32 MiB and 100,000 rows a request, 30 s to score them, 256 requests at a time, 10 s for running requests at the end.
func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:8080"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func(string) {}
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 100_000
	}
	if o.MaxValues <= 0 {
		o.MaxValues = 2_000_000
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = 256
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	return o
}

// Run serves until ctx ends, then lets running requests finish and returns nil. An address that cannot be listened on
// is an error at once; a store that does not answer is logged and tried again.
func Run(ctx context.Context, o Options) error {
	if o.Releases == nil || o.Open == nil || o.Load == nil {
		return errors.New("serving: Releases, Open and Load are required")
	}
	o = o.withDefaults()
	s := newServer(o)
	if err := s.secure(); err != nil {
		return err
	}
	listener, err := listen(ctx, o.Addr)
	if err != nil {
		return err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		s.local = tcp.IP.IsLoopback()
		if !s.local && len(o.Hosts) > 0 {
			return errors.Join(fmt.Errorf("listening on %s answers to every name: --host is for a server that listens on this machine only", o.Addr), listener.Close())
		}
	}
	// Three run at a time: the listener; the loop that follows the releases, which is ready after its first look; and this
	// function, which waits for the end of ctx, or of the listener. Time-outs bound clients that send or read slowly.
	following, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	server := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute + o.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		TLSConfig:         s.tls(),
		Protocols:         new(http.Protocols),
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true) // gRPC without TLS
	s.exposed()
	failed := make(chan error, 1)
	go func() { failed <- s.listen(server, listener) }()
	go func() {
		defer close(done)
		s.look(following)
		o.Ready(s.scheme() + "://" + listener.Addr().String())
		s.follow(following)
	}()
	go s.keepCounts(following)
	select {
	case <-ctx.Done():
		err = s.shutdown(server)
	case err = <-failed:
		err = fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
	stop()
	<-done
	s.shadows.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepEvery)
	defer cancel()
	s.keepAll(last)
	return err
}

// listen opens the address for requests; of a port that is in use it says what may be done.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listening on %s: the port is in use, perhaps by another server of this kind; stop that or take another address", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return listener, nil
}

// scheme is that of the server's URLs.
func (s *server) scheme() string {
	if s.certificate != nil {
		return "https"
	}
	return "http"
}

// listen answers what comes in until the server is shut down, over TLS where there is a certificate.
func (s *server) listen(server *http.Server, listener net.Listener) error {
	if s.certificate != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// shutdown stops accepting requests and waits for those that run. Before that it says for a while that it is not ready, and answers, so
// that who distributes requests has sent the last one here; connections are closed after their next answer.
func (s *server) shutdown(server *http.Server) error {
	s.stopping.Store(true)
	if s.Drain > 0 {
		s.logf("draining for %s", s.Drain)
		server.SetKeepAlivesEnabled(false)
		time.Sleep(s.Drain)
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return fmt.Errorf("stopping the server: requests still ran after %s and were cut off", s.Grace)
	}
	s.logf("stopped")
	return nil
}
