package kubernetes

// Many stages of one apply wait at once, and each asks again and again what became of its Job. So all of them are asked after together: one list of Jobs and one of
// pods answers everybody who asked before it began, and what that costs the API server grows with how often it is asked, and not with how many wait.

import (
	"context"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// view is what the API server says of all Jobs of the store and of their pods.
type view struct {
	turn sync.Mutex // held by whoever lists
	free time.Time  // when the next list may begin; of whoever has the turn

	mu   sync.Mutex
	next *glimpse // which has not begun; nil: nobody waits for one
}

// glimpse is what one list of each kind has.
type glimpse struct {
	done chan struct{} // closed once the rest is there
	jobs map[types.UID]*batchv1.Job
	pods map[types.UID][]corev1.Pod // by their Job
	err  error

	refusals map[types.UID]corev1.Event // by their Job: the last
}

// resting is how many times as long as a list took there is none after it, and longestRest how long at most: a pod that was evicted may soon be gone, and with it what it says.
const (
	resting     = 9
	longestRest = 500 * time.Millisecond
)

// glance is a Job and its pods as they were at a moment after it was called. The Job is nil if there was none of its UID.
func (e *Executor) glance(ctx context.Context, job *batchv1.Job) (*batchv1.Job, []corev1.Pod, error) {
	g := e.view.join(e.list)
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-g.done:
		return g.jobs[job.UID], g.pods[job.UID], g.err
	}
}

// join returns the glimpse that begins next.
func (v *view) join(list func(*glimpse)) *glimpse {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.next != nil {
		return v.next
	}
	g := &glimpse{done: make(chan struct{})}
	v.next = g
	go func() {
		v.turn.Lock()
		defer v.turn.Unlock()
		time.Sleep(time.Until(v.free))
		v.mu.Lock()
		v.next = nil // who comes now waits for what begins later
		v.mu.Unlock()
		began := time.Now()
		list(g)
		v.free = time.Now().Add(min(resting*time.Since(began), longestRest))
		close(g.done)
	}()
	return g
}

// list lists Jobs first, then pods: a pod that is made between the two is one more, and none is missing of a Job that was seen.
func (e *Executor) list(g *glimpse) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	of := storeLabel + "=" + e.store()
	jobs, pods := &batchv1.JobList{}, &corev1.PodList{}
	if g.err = e.batch.Get().Namespace(e.namespace).Resource("jobs").Param("labelSelector", of).Do(ctx).Into(jobs); g.err != nil {
		return
	}
	if g.err = e.core.Get().Namespace(e.namespace).Resource("pods").Param("labelSelector", of).Do(ctx).Into(pods); g.err != nil {
		return
	}
	g.jobs, g.pods = map[types.UID]*batchv1.Job{}, map[types.UID][]corev1.Pod{}
	for i := range jobs.Items {
		g.jobs[jobs.Items[i].UID] = &jobs.Items[i]
	}
	for _, p := range pods.Items {
		of := types.UID(p.Labels[batchv1.ControllerUidLabel])
		g.pods[of] = append(g.pods[of], p)
	}
}

// refusal is why the controllers could not make a pod of a Job, in their words, as the last event says. Empty: there is none, or events may not be read, on which nothing
// rests but what is told.
func (e *Executor) refusal(ctx context.Context, job *batchv1.Job) string {
	g := e.refusals.join(e.listRefusals)
	select {
	case <-ctx.Done():
		return ""
	case <-g.done:
		return g.refusals[job.UID].Message
	}
}

// listRefusals lists events once for all Jobs: the API server looks through all events of the namespace for some of them.
func (e *Executor) listRefusals(g *glimpse) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	events := &corev1.EventList{}
	if g.err = e.core.Get().Namespace(e.namespace).Resource("events").Param("fieldSelector", "reason=FailedCreate").Do(ctx).Into(events); g.err != nil {
		return
	}
	g.refusals = map[types.UID]corev1.Event{}
	for _, event := range events.Items {
		if last, ok := g.refusals[event.InvolvedObject.UID]; !ok || event.LastTimestamp.Compare(last.LastTimestamp.Time) > 0 {
			g.refusals[event.InvolvedObject.UID] = event
		}
	}
}
