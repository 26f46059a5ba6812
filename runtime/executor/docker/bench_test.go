package docker

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

// BenchmarkOverhead runs the same container through the executor and through the client alone (create, start, wait,
// remove), in turns so that both see the same engine, and reports the executor's time over the client's as the metric
// "ratio". Run it with -benchtime=30x.
func BenchmarkOverhead(b *testing.B) {
	e := newExecutor(b, Options{})
	ctx := context.Background()
	task, _ := newTask(b, "nothing")
	if _, err := e.Run(ctx, task); err != nil { // the image is loaded, the probes are made
		b.Fatal(err)
	}
	var run, bare time.Duration
	for b.Loop() {
		start := time.Now()
		if r, err := e.Run(ctx, task); err != nil || r.ExitCode != 0 {
			b.Fatalf("got %+v, %v", r, err)
		}
		run += time.Since(start)
		bare += bareClient(b, e)
	}
	b.ReportMetric(float64(run.Milliseconds())/float64(b.N), "run-ms/op")
	b.ReportMetric(float64(bare.Milliseconds())/float64(b.N), "bare-ms/op")
	b.ReportMetric(float64(run)/float64(bare), "ratio")
}

// BenchmarkWorkers runs a hundred small built-in stages one after another, and as many of the client's own containers (create, start, wait,
// remove) in turns with them: "stages/container" is 3 where three stages take as long as one such container. The start of the container that
// the stages run in is among what is measured.
func BenchmarkWorkers(b *testing.B) {
	const stages = 100
	e := newExecutor(b, Options{})
	warm, _ := shareableTask(b, "nothing")
	if _, err := e.Run(context.Background(), warm); err != nil { // the image is loaded, the probes are made
		b.Fatal(err)
	}
	var run, bare time.Duration
	for b.Loop() {
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		for range stages {
			task, _ := shareableTask(b, "nothing")
			start := time.Now()
			if r, err := e.Run(context.Background(), task); err != nil || r.ExitCode != 0 {
				b.Fatalf("got %+v, %v", r, err)
			}
			run += time.Since(start)
			bare += bareClient(b, e)
		}
	}
	n := float64(b.N * stages)
	b.ReportMetric(float64(run.Microseconds())/n/1000, "stage-ms")
	b.ReportMetric(float64(bare.Microseconds())/n/1000, "container-ms")
	b.ReportMetric(float64(bare)/float64(run), "stages/container")
}

// bareClient runs the container of the same task without log, protocol or care, and returns how long that took. What it
// needs on the host is prepared before.
func bareClient(b *testing.B, e *Executor) time.Duration {
	b.Helper()
	ctx := context.Background()
	task, _ := newTask(b, "nothing")
	dir, err := prepare(e.engine.value, task)
	if err != nil {
		b.Fatal(err)
	}
	config, host := e.config(task, e.engine.value, e.image.value, dir)
	start := time.Now()
	created, err := e.api.ContainerCreate(ctx, config, host, nil, nil, "")
	if err != nil {
		b.Fatal(err)
	}
	if err := e.api.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		b.Fatal(err)
	}
	ended, failed := e.api.ContainerWait(ctx, created.ID, container.WaitConditionNotRunning)
	select {
	case r := <-ended:
		if r.StatusCode != 0 {
			b.Fatalf("got exit code %d", r.StatusCode)
		}
	case err := <-failed:
		b.Fatal(err)
	}
	if err := e.api.ContainerRemove(ctx, created.ID, container.RemoveOptions{}); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
