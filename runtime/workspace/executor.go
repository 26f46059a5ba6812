package workspace

import (
	"context"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/docker"
	"github.com/mlp-lang/mlp/runtime/executor/process"
)

// ExecutorOptions say where stages run. NoEngine must be given where Name is "auto".
type ExecutorOptions struct {
	Name     string // "docker", "process", "kubernetes", or "auto": docker where an engine answers. Images of stages' own run in containers, also beside processes
	Threads  int    // of a stage; 0: all
	Store    string // the store's folder
	StoreURL string // of the bucket that the store is in; empty: it is the folder
	NoEngine func(where string)
}

// OpenExecutor opens the one asked for, and tries whether it works: an engine that does not answer is a Failure here,
// and not of the first stage. Close it. Built-in stages are run by this program itself, also within containers.
func OpenExecutor(ctx context.Context, o ExecutorOptions) (executor.Executor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	if o.Threads > 0 {
		env["MLP_THREADS"] = fmt.Sprint(o.Threads)
	}
	// auto is containers where an engine answers, else processes; the caller is told (NoEngine).
	name := o.Name
	if name == "auto" {
		name = "docker"
		if err := docker.Available(ctx); err != nil {
			name = "process"
			o.NoEngine(engineHost())
		}
	}
	if name == onKubernetes {
		return openCluster(ctx, o.StoreURL, o.Threads)
	}
	if name == "process" {
		return process.New(process.Options{SelfPath: self, Env: env})
	}
	ex, err := docker.New(ctx, docker.Options{SelfPath: self, Store: o.Store, Env: env})
	if err != nil {
		return nil, &Failure{Err: err, Hint: "Start the engine, or set DOCKER_HOST to one that runs, or run stages as processes: --executor process."}
	}
	return ex, nil
}

// engineHost tells where an engine was looked for, if the user named the place.
func engineHost() string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return " at DOCKER_HOST " + host
	}
	return ""
}
