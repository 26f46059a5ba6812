package kubernetes

// How a wait ends. Each look asks for the Job and its pods (view.go), and the first of these that holds ends the attempt:
//
//	a container has left its outcome            that outcome, with what befell the pod, if anything did
//	a pod is over, or gone, that was disrupted  evicted, preempted, ... , on that node
//	a pod is asked to end and does not          node_lost: it is removed by force, since its Job would wait for ever
//	no pod comes, or none finds a node          quota, forbidden, unschedulable, once the stage's time-out has passed
//	the Job is over                             by its container's reason, such as OOMKilled
//
// A Job by itself replaces a disrupted pod (podFailurePolicy), which is for when nobody waits. Whoever waits ends that Job and makes another
// one, so that each attempt is counted, named and has its log.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// waiter waits for one Job.
type waiter struct {
	*Executor
	job     *batchv1.Job
	logs    []*follower   // of each rank
	patient time.Duration // how long there may be no pod that has a node

	looked bool                    // at least once
	before map[types.UID]bool      // pods that were over when it first looked: of an apply that is dead
	pod    *corev1.Pod             // as it was last seen
	asked  map[types.UID]time.Time // when a pod was first seen that is asked to end
	since  time.Time               // since when there is no pod that has a node
	// Of several replicas:
	seen   map[types.UID]*corev1.Pod // pods as they were last seen
	befell *executor.Ended           // what befell one of them; nil: nothing
	fell   time.Time                 // when that was first seen
	after  *executor.Ended           // what befell one that has ended well since, as one does that told rank 0 that it was to end; it counts where rank 0 failed
}

// await looks at the Job and its pods until the attempt has ended. While requests fail, it waits on: the Job does not need this process.
func (e *Executor) await(ctx context.Context, job *batchv1.Job, patient time.Duration, logs []*follower) (executor.Ended, error) {
	a := &waiter{Executor: e, job: job, logs: logs, patient: patient, before: map[types.UID]bool{}, asked: map[types.UID]time.Time{}, seen: map[types.UID]*corev1.Pod{}, since: time.Now()}
	wait, answered := firstLook, time.Now()
	told := ""
	for {
		ended, waits, err := a.look(ctx)
		switch {
		case ctx.Err() != nil:
			return executor.Ended{}, ctx.Err()
		case refused(err) || err != nil && time.Since(answered) > away:
			return executor.Ended{}, e.failed("looking at Job "+job.Name, err)
		case err == nil:
			answered = time.Now()
		}
		if ended != nil {
			return *ended, nil
		}
		if waits != "" && waits != told {
			logs[0].say("its pod waits: " + waits)
			told = waits
		}
		if len(a.asked) > 0 {
			wait = firstLook // it is soon gone, and with it what it says
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			wait = min(wait*5/4, longestLook)
		case <-logs[0].ended: // a log that ends is the first sign of a container that did
			wait = firstLook
		}
	}
}

// look is one look at the Job. It returns how the attempt ended, nil while it goes on, and what its pod waits for, in the words of the
// cluster, while it does.
func (a *waiter) look(ctx context.Context) (ended *executor.Ended, waits string, err error) {
	now, pods, err := a.glance(ctx, a.job)
	if err == nil && now == nil { // so it must have been removed, which is asked for by its name
		now, err = a.get(ctx, a.job.Name)
	}
	if err == nil && now.UID != a.job.UID || apierrors.IsNotFound(err) {
		return &executor.Ended{Fault: executor.Deleted, Why: "its Job " + a.job.Name + " was deleted by somebody else", Again: true}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if replicasOf(a.job) > 1 {
		return a.lookAtRanks(ctx, now, pods)
	}
	if ended := a.fallen(pods); ended != nil {
		return ended, "", nil
	}
	pod := latest(pods)
	if pod == nil || a.before[pod.UID] {
		if over(now) {
			return &executor.Ended{Why: "its Job ended without a pod: " + reason(now), Again: true}, "", nil
		}
		return a.refused(ctx)
	}
	a.pod = pod
	a.logs[0].of(pod)
	if ended := outcome(pod); ended != nil && (ended.Outcome != "" || over(now)) {
		ended.Node = pod.Spec.NodeName
		if fault, why := disrupted(pod); fault != "" && ended.Outcome != "" { // its other containers may end yet
			ended.Fault, ended.Why, ended.Again = fault, why, true
		}
		return ended, "", nil
	}
	if over(now) {
		return &executor.Ended{Why: reason(now), Again: true}, "", nil
	}
	why, never := waitsFor(pod)
	if never {
		return &executor.Ended{Image: true, Why: why}, "", nil
	}
	if pod.Spec.NodeName != "" {
		a.since = time.Now()
		return nil, why, nil
	}
	if time.Since(a.since) > a.patient {
		return &executor.Ended{Fault: executor.Unplaced, Why: why}, "", nil
	}
	return nil, why, nil
}

// fallen looks for a pod that something befell: one that is over, that is gone since it was last seen, or that is asked to end and does not.
func (a *waiter) fallen(pods []corev1.Pod) *executor.Ended {
	first := !a.looked
	a.looked = true
	for i := range pods {
		p := &pods[i]
		fault, why := disrupted(p)
		switch {
		case a.before[p.UID]:
		case fault != "" && terminal(p) && first && len(pods) > 1:
			a.before[p.UID] = true // its successor goes on
		case fault != "" && terminal(p):
			a.logs[0].of(p) // also where it was over before anybody looked
			ended := interrupted(p, fault, why)
			if o := outcome(p); o != nil {
				ended.Outcome = o.Outcome
			}
			return ended
		case p.DeletionTimestamp == nil || terminal(p):
		case a.asked[p.UID].IsZero():
			a.asked[p.UID] = time.Now()
		case time.Since(a.asked[p.UID]) > silence+grace(p):
			return interrupted(p, executor.NodeLost, fmt.Sprintf("it was told to end, and its node does not say that it did: %s", why))
		}
	}
	if a.pod == nil || slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.UID == a.pod.UID }) {
		return nil
	}
	fault, why := disrupted(a.pod)
	ended := interrupted(a.pod, fault, why)
	if fault == "" {
		ended.Fault, ended.Why = executor.Deleted, "its pod "+a.pod.Name+" was deleted"
	}
	if o := outcome(a.pod); o != nil {
		ended.Outcome = o.Outcome
	}
	return ended
}

// grace is how long a pod may take to end once it is asked to.
func grace(p *corev1.Pod) time.Duration {
	if p.DeletionGracePeriodSeconds == nil {
		return ending
	}
	return time.Duration(*p.DeletionGracePeriodSeconds) * time.Second
}

// refused is why a Job has no pod: what the last event of it says. Quota may become free, and is waited for; a rule that does not admit
// the pod admits it no later.
func (a *waiter) refused(ctx context.Context) (ended *executor.Ended, waits string, err error) {
	if time.Since(a.since) < min(longestLook, a.patient) { // most have one by then
		return nil, "", nil
	}
	why := a.refusal(ctx, a.job)
	fault := executor.Fault("")
	switch {
	case why == "":
		return nil, "", nil
	case strings.Contains(why, "exceeded quota"):
		fault = executor.Quota
	case strings.Contains(why, "is forbidden"):
		return &executor.Ended{Fault: executor.Forbidden, Why: why}, "", nil
	}
	if time.Since(a.since) > a.patient {
		return &executor.Ended{Fault: fault, Why: why, Again: fault == ""}, "", nil
	}
	return nil, why, nil
}

// pods are those of a Job.
func (e *Executor) pods(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := e.request(ctx, func(ctx context.Context) error {
		return e.core.Get().Namespace(e.namespace).Resource("pods").Param("labelSelector", batchv1.ControllerUidLabel+"="+string(job.UID)).Do(ctx).Into(list)
	})
	return list.Items, err
}

// remove deletes a Job with its pods, by force where their node is lost. Where ctx has ended, or somebody else deleted the Job, it waits until they are gone: whoever
// cancels must not find them at work, and the next attempt goes on from what they keep. A Job that cannot be deleted now is removed by the cluster once it has ended.
func (e *Executor) remove(ctx context.Context, job *batchv1.Job, befell executor.Fault) error {
	lost := befell == executor.NodeLost
	wait := lost || ctx.Err() != nil || befell == executor.Deleted
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	err := e.insist(ctx, func(ctx context.Context) error {
		return e.batch.Delete().Namespace(e.namespace).Resource("jobs").Name(job.Name).Body(&metav1.DeleteOptions{
			PropagationPolicy: pointer(metav1.DeletePropagationBackground), Preconditions: &metav1.Preconditions{UID: &job.UID},
		}).Do(ctx).Error()
	})
	if err != nil {
		return e.failed("removing Job "+job.Name, err)
	}
	for wait {
		pods, err := e.pods(ctx, job)
		if err == nil && len(pods) == 0 {
			return nil
		}
		for i := range pods {
			if lost {
				err = e.force(ctx, &pods[i])
			}
		}
		if refused(err) || !sleep(ctx, firstLook) {
			return e.failed("waiting until pods of Job "+job.Name+" are gone", cmp.Or(err, ctx.Err()))
		}
	}
	return nil
}

// force removes a pod whose node does not answer. Another attempt does not wait for that node.
func (e *Executor) force(ctx context.Context, p *corev1.Pod) error {
	return e.insist(ctx, func(ctx context.Context) error {
		return e.core.Delete().Namespace(e.namespace).Resource("pods").Name(p.Name).Body(&metav1.DeleteOptions{
			GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &p.UID},
		}).Do(ctx).Error()
	})
}

// insist deletes until the API server has answered: what is gone, or has another one in its place, is deleted.
func (e *Executor) insist(ctx context.Context, do func(context.Context) error) error {
	for wait := firstLook; ; wait = min(2*wait, longestLook) {
		err := e.request(ctx, do)
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		if refused(err) || !sleep(ctx, wait) {
			return err
		}
	}
}
