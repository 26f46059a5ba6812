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
	removing = endingProgram + 30*time.Second
	// silence is how long a pod may still be there after it should have ended: its machine is lost then. Long enough for one that is only slow;
	// where it was, the attempt runs twice for a moment, and what is stored and recorded is the same.
	silence = 30 * time.Second
)

// Attempt makes the Job, or finds the one that an apply made which is dead now, and waits until its pod has ended. The Job is removed
// then, and when ctx ends.
func (e *Executor) Attempt(ctx context.Context, w executor.Whole) (executor.Ended, error) {
	image, err := e.reference(ctx, w)
	if err != nil {
		return executor.Ended{}, err
	}
	logs := e.follow(ctx, w)
	defer stop(logs)
	job, err := e.begin(ctx, e.job(w, image), logs[0])
	if err != nil {
		return executor.Ended{}, e.failed("creating the Job of "+w.Address, err)
	}
	if err := e.meet(ctx, job); err != nil {
		return executor.Ended{}, errors.Join(e.failed("running "+w.Address, err), e.remove(ctx, job, ""))
	}
	ended, err := e.await(ctx, job, w.Timeout, logs)
	stop(logs)
	if errors.Is(err, executor.ErrUnavailable) {
		return executor.Ended{}, err
	}
	if gone := e.remove(ctx, job, ended.Fault); err == nil && ended.Outcome == "" {
		err = gone // else what is known counts, and the cluster removes a Job that has ended
	}
	return ended, err
}

// begin creates the Job. One of its name that goes on is taken for it; one that has ended is of an apply that is over, and makes room. Requests
// that fail are made again: a Job whose answer was lost is found by its name.
func (e *Executor) begin(ctx context.Context, want *batchv1.Job, logs *follower) (*batchv1.Job, error) {
	for answered := time.Now(); ; {
		job := &batchv1.Job{}
		err := e.request(ctx, func(ctx context.Context) error {
			return e.batch.Post().Namespace(e.namespace).Resource("jobs").Body(want).Do(ctx).Into(job)
		})
		taken := apierrors.IsAlreadyExists(err)
		if taken {
			job, err = e.get(ctx, want.Name)
		}
		switch {
		case err == nil && !taken:
			return job, nil
		case taken && apierrors.IsNotFound(err):
		case refused(err) || err != nil && time.Since(answered) > away:
			return nil, err
		case err == nil && (over(job) || job.DeletionTimestamp != nil):
			if err := e.remove(ctx, job, ""); err != nil {
				return nil, err
			}
		case err == nil:
			if job.Annotations[applyAnnotation] != want.Annotations[applyAnnotation] {
				logs.say("its Job " + job.Name + " goes on, which an earlier apply began: waiting for that one")
			}
			return job, nil
		}
		if !sleep(ctx, firstLook) {
			return nil, e.abandon(ctx, want)
		}
	}
}

// abandon removes the Job that a request may have made whose answer did not come before ctx ended.
func (e *Executor) abandon(ctx context.Context, want *batchv1.Job) error {
	job, err := e.get(context.WithoutCancel(ctx), want.Name)
	if err == nil && job.Annotations[applyAnnotation] == want.Annotations[applyAnnotation] {
		err = e.remove(ctx, job, "")
	}
	if apierrors.IsNotFound(err) {
		err = nil
	}
	return errors.Join(ctx.Err(), err)
}

// over reports whether a Job has ended, in whatever way.
func over(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// get reads a Job.
func (e *Executor) get(ctx context.Context, name string) (*batchv1.Job, error) {
	job := &batchv1.Job{}
	err := e.request(ctx, func(ctx context.Context) error {
		return e.batch.Get().Namespace(e.namespace).Resource("jobs").Name(name).Do(ctx).Into(job)
	})
	return job, err
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
