package kubernetes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// latest is the pod that counts: the last that was made, since a Job makes another one in place of a pod that was evicted. nil: there is none.
func latest(pods []corev1.Pod) *corev1.Pod {
	var last *corev1.Pod
	for i := range pods {
		p := &pods[i]
		if last == nil || cmp.Or(p.CreationTimestamp.Compare(last.CreationTimestamp.Time), cmp.Compare(p.Name, last.Name)) > 0 {
			last = p
		}
	}
	return last
}

// stateOf is the state of a container; empty while nothing is known of it. Statuses are in no order that means anything.
func stateOf(p *corev1.Pod, name string) corev1.ContainerState {
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == name {
			return c.State
		}
	}
	return corev1.ContainerState{}
}

// outcome is how a pod ended; nil while it goes on.
func outcome(p *corev1.Pod) *executor.Ended {
	if p.Status.Reason == "DeadlineExceeded" {
		return &executor.Ended{TimedOut: true, Why: p.Status.Message}
	}
	const memory = "the cluster ended its container for want of memory"
	end, foreign := stateOf(p, container).Terminated, stateOf(p, program).Terminated
	switch {
	case end != nil && strings.HasPrefix(end.Message, "blake3:"):
		return &executor.Ended{Outcome: strings.TrimSpace(end.Message)}
	case foreign != nil && (foreign.Reason == "StartError" || foreign.Reason == "ContainerCannotRun"): // nobody comes for whom mlp waits
		return &executor.Ended{Why: fmt.Sprintf("the container of its program cannot start: %s", foreign.Message), Again: true}
	case end == nil:
	case end.Reason == "OOMKilled" || foreign != nil && foreign.Reason == "OOMKilled":
		return &executor.Ended{OutOfMemory: true, Why: memory}
	default:
		return &executor.Ended{Why: strings.TrimSpace(fmt.Sprintf("its pod on %s ended with exit code %d (%s) %s", p.Spec.NodeName, end.ExitCode, end.Reason, end.Message)), Again: true}
	}
	if p.Status.Phase == corev1.PodFailed {
		return &executor.Ended{Why: fmt.Sprintf("its pod failed: %s: %s", p.Status.Reason, p.Status.Message), Again: true}
	}
	return nil
}

// waitsFor is what a pod waits for that has not started; never: it will not come.
func waitsFor(p *corev1.Pod) (why string, never bool) {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		wait := c.State.Waiting
		if wait == nil || wait.Reason == "PodInitializing" {
			continue
		}
		switch wait.Reason {
		case "ErrImageNeverPull", "InvalidImageName":
			return fmt.Sprintf("%s: %s", wait.Reason, wait.Message), true
		case "ErrImagePull", "ImagePullBackOff": // the latter: it was tried, and more than once
			return fmt.Sprintf("%s: %s", wait.Reason, unpulled(wait.Message)), wait.Reason == "ImagePullBackOff"
		case "ContainerCreating":
			return "", false
		}
		return fmt.Sprintf("%s: %s", wait.Reason, wait.Message), false
	}
	if i := slices.IndexFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled }); i >= 0 {
		if c := p.Status.Conditions[i]; c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("%s: %s", c.Reason, c.Message), false
		}
	}
	return "", false
}

// Of what a node says of an image that it cannot pull: what stands before the cause, with the image's name again each time, and what stands within.
var (
	tried  = lazyregexp.New(`^(?:Back-off pulling image|failed to pull and unpack image|failed to pull image|failed to resolve reference|failed to resolve image) "([^"]*)": |^ErrImagePull: |^rpc error: code = \w+ desc = `)
	within = lazyregexp.New(` \[manifests [^\]]*\]:`)
)

// unpulled is why a node cannot pull an image, with its name once, and what to do where the registry did not let it.
func unpulled(message string) string {
	image, why := "", message
	for {
		m := tried().FindStringSubmatchIndex(why)
		if m == nil {
			break
		}
		if m[2] >= 0 {
			image = why[m[2]:m[3]] + ": "
		}
		why = why[m[1]:]
	}
	why = image + within().ReplaceAllString(why, "")
	for _, sign := range []string{"401 Unauthorized", "403 Forbidden", "no basic auth credentials", "authorization failed"} {
		if strings.Contains(why, sign) {
			return why + ". Nodes pull with the credentials of the Secret that MLP_KUBERNETES_PULL_SECRET names, or that of their service account: there are none, or not those of the registry"
		}
	}
	return why
}

// reason is why a Job ended, as it says.
func reason(job *batchv1.Job) string {
	for _, c := range job.Status.Conditions {
		if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
			return fmt.Sprintf("%s: %s", c.Reason, c.Message)
		}
	}
	return "it is complete, and left no outcome"
}
