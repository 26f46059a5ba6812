package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mlp-lang/mlp/runtime/executor"
)

const (
	// requestTime is how long one request may take; logs, which are followed, aside.
	requestTime = 30 * time.Second
	// away is how long the API server may not answer before the attempt is given up. Its Job goes on, and the next attempt finds it.
	away = 2 * time.Minute
	// Between two looks at a Job it waits, at first shortly, then longer.
	firstLook, longestLook = 200 * time.Millisecond, 2 * time.Second
	// removing is how long what is cancelled may take to be gone.
	removing = time.Minute
)

// Attempt makes the Job, or finds the one that an apply made which is dead now, and waits until its pod has ended. The Job is removed
// then, and when ctx ends.
func (e *Executor) Attempt(ctx context.Context, w executor.Whole) (executor.Ended, error) {
	logs := e.follow(ctx, w.Log)
	job, err := e.begin(ctx, w, logs)
	if err != nil {
		logs.stop()
		return executor.Ended{}, e.failed("creating the Job of "+w.Address, err)
	}
	ended, err := e.await(ctx, job, logs)
	logs.stop()
	if errors.Is(err, executor.ErrUnavailable) {
		return executor.Ended{}, err
	}
	if gone := e.remove(ctx, job); err == nil {
		err = gone
	}
	return ended, err
}

// begin creates the Job. One of its name that goes on is taken for it; one that has ended is of an apply that is over, and makes room.
func (e *Executor) begin(ctx context.Context, w executor.Whole, logs *follower) (*batchv1.Job, error) {
	want := e.job(w)
	for {
		job := &batchv1.Job{}
		err := e.request(ctx, func(ctx context.Context) error {
			return e.batch.Post().Namespace(e.namespace).Resource("jobs").Body(want).Do(ctx).Into(job)
		})
		if err == nil || !apierrors.IsAlreadyExists(err) {
			return job, err
		}
		job, err = e.get(ctx, want.Name)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, err
		case job.DeletionTimestamp == nil && !over(job):
			logs.say("its Job " + job.Name + " goes on, which an earlier apply began: waiting for that one")
			return job, nil
		default:
			if err := e.remove(ctx, job); err != nil {
				return nil, err
			}
		}
		if !sleep(ctx, firstLook) {
			return nil, ctx.Err()
		}
	}
}

// over reports whether a Job has ended, in whatever way.
func over(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// await looks at the Job and its pods until the attempt has ended. While requests fail, it waits on: the Job does not need this process.
func (e *Executor) await(ctx context.Context, job *batchv1.Job, logs *follower) (executor.Ended, error) {
	wait, answered := firstLook, time.Now()
	told := ""
	for {
		ended, waits, err := e.look(ctx, job, logs)
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
			logs.say("its pod waits: " + waits)
			told = waits
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			wait = min(wait*5/4, longestLook)
		case <-logs.ended: // a log that ends is the first sign of a container that did
			wait = firstLook
		}
	}
}

// look is one look at the Job. It returns how the attempt ended, nil while it goes on, and what its pod waits for, in the words of the
// cluster, while it does.
func (e *Executor) look(ctx context.Context, job *batchv1.Job, logs *follower) (ended *executor.Ended, waits string, err error) {
	now, err := e.get(ctx, job.Name)
	if err == nil && now.UID != job.UID || apierrors.IsNotFound(err) {
		return &executor.Ended{Why: "its Job " + job.Name + " was deleted by somebody else", Again: true}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	pods := &corev1.PodList{}
	err = e.request(ctx, func(ctx context.Context) error {
		return e.core.Get().Namespace(e.namespace).Resource("pods").Param("labelSelector", batchv1.ControllerUidLabel+"="+string(job.UID)).Do(ctx).Into(pods)
	})
	if err != nil {
		return nil, "", err
	}
	pod := latest(pods.Items)
	if pod == nil {
		if over(now) {
			return &executor.Ended{Why: "its Job ended without a pod: " + reason(now), Again: true}, "", nil
		}
		return nil, "", nil
	}
	logs.of(pod)
	if ended := outcome(pod); ended != nil && (ended.Outcome != "" || over(now)) {
		return ended, "", nil
	}
	if over(now) {
		return &executor.Ended{Why: reason(now), Again: true}, "", nil
	}
	why, never := waitsFor(pod)
	if never {
		return &executor.Ended{Image: true, Why: why}, "", nil
	}
	return nil, why, nil
}

// get reads a Job.
func (e *Executor) get(ctx context.Context, name string) (*batchv1.Job, error) {
	job := &batchv1.Job{}
	err := e.request(ctx, func(ctx context.Context) error {
		return e.batch.Get().Namespace(e.namespace).Resource("jobs").Name(name).Do(ctx).Into(job)
	})
	return job, err
}

// remove deletes a Job with its pods. Where ctx has ended, it waits until they are gone: whoever cancels must not find them at work. A Job that
// cannot be deleted now is removed by the cluster once it has ended.
func (e *Executor) remove(ctx context.Context, job *batchv1.Job) error {
	cancelled := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	err := e.request(ctx, func(ctx context.Context) error {
		return e.batch.Delete().Namespace(e.namespace).Resource("jobs").Name(job.Name).Body(&metav1.DeleteOptions{
			PropagationPolicy: pointer(metav1.DeletePropagationBackground), Preconditions: &metav1.Preconditions{UID: &job.UID},
		}).Do(ctx).Error()
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // gone, or another one has its name
		err = nil
	}
	if err != nil {
		return e.failed("removing Job "+job.Name, err)
	}
	for cancelled {
		pods := &corev1.PodList{}
		err := e.request(ctx, func(ctx context.Context) error {
			return e.core.Get().Namespace(e.namespace).Resource("pods").Param("labelSelector", batchv1.ControllerUidLabel+"="+string(job.UID)).Do(ctx).Into(pods)
		})
		if err == nil && len(pods.Items) == 0 {
			return nil
		}
		if !sleep(ctx, firstLook) {
			return e.failed("waiting until pods of Job "+job.Name+" are gone", ctx.Err())
		}
	}
	return nil
}

// request makes one request within its time.
func (e *Executor) request(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return do(ctx)
}

// failed says what was asked of the API server. What it refuses, such as a right that is missing, is told as it says it; all else is that it does
// not answer.
func (e *Executor) failed(doing string, err error) error {
	if refused(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", doing, executor.ErrUnavailable, err)
}

// refused reports whether the API server has answered, and will answer the same again: a right is missing, or the request is wrong.
func refused(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500 && !apierrors.IsTooManyRequests(err)
}

// sleep waits; false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
