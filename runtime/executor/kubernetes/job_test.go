package kubernetes

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
)

func whole() executor.Whole {
	return executor.Whole{Pipeline: "churn", Workspace: "default", Address: "train.model", Fingerprint: "blake3:" + strings.Repeat("ab", 32),
		Task: "blake3:" + strings.Repeat("cd", 32), Timeout: time.Hour, MemoryMB: 512, CPUs: 1.5}
}

// TestPlaced: a stage's own wishes go before those of all, and are added to them; GPUs and taints are those of the cluster.
func TestPlaced(t *testing.T) {
	e := &Executor{opts: Options{NodeSelector: map[string]string{"zone": "a", "pool": "small"}, ServiceAccount: "mlp"}}
	w := whole()
	w.Resources = &schema.Resources{GPUs: 2, Architecture: "arm64", NodeSelector: map[string]string{"pool": "large"}, Tolerations: []string{"gpu", "dedicated=ml:NoExecute"}, ServiceAccount: "trainer"}
	pod := e.pod(w)
	if got, want := pod.NodeSelector, (map[string]string{"zone": "a", "pool": "large", "kubernetes.io/arch": "arm64"}); !maps.Equal(got, want) {
		t.Errorf("got nodes %v, want %v", got, want)
	}
	want := []corev1.Toleration{{Key: "gpu", Operator: "Exists"}, {Key: "dedicated", Operator: "Equal", Value: "ml", Effect: "NoExecute"}}
	if !slices.Equal(pod.Tolerations, want) {
		t.Errorf("got tolerations %v, want %v", pod.Tolerations, want)
	}
	if n := pod.Containers[0].Resources.Limits["nvidia.com/gpu"]; n.Value() != 2 || pod.ServiceAccountName != "trainer" {
		t.Errorf("got %v GPUs as %s", n.Value(), pod.ServiceAccountName)
	}
	if plain := e.pod(whole()); plain.ServiceAccountName != "mlp" || e.opts.NodeSelector["pool"] != "small" || len(plain.Tolerations) > 0 {
		t.Errorf("another stage has %+v", plain)
	}
}

// TestName: a Job is one for each store and fingerprint, whoever applies.
func TestName(t *testing.T) {
	e := &Executor{opts: Options{Store: "s3://models/a"}}
	name := e.name(whole())
	same, other := whole(), whole()
	same.Apply, same.Workspace, same.Task = "another", "pr-1", "blake3:00"
	other.Fingerprint = "blake3:" + strings.Repeat("ac", 32)
	if got := e.name(same); got != name {
		t.Errorf("another apply has %s, want %s", got, name)
	}
	elsewhere := &Executor{opts: Options{Store: "s3://models/b"}}
	for what, got := range map[string]string{"another stage": e.name(other), "another store": elsewhere.name(whole())} {
		if got == name {
			t.Errorf("%s has the same name %s", what, got)
		}
	}
	if len(name) > 63 {
		t.Errorf("%s is longer than a label may be, which pods have it as", name)
	}
}

// TestJob: a Job has few rights and a bound on all that it takes, and is small.
func TestJob(t *testing.T) {
	e := &Executor{opts: Options{Store: "s3://models/a", Image: "mlp:1", Secret: "bucket"}, namespace: "ml"}
	job := e.job(whole())
	text, err := json.Marshal(job)
	if err != nil || len(text) > 4<<10 {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
	pod := job.Spec.Template.Spec
	c := pod.Containers[0]
	if *job.Spec.BackoffLimit != 0 || pod.RestartPolicy != corev1.RestartPolicyNever || *pod.ActiveDeadlineSeconds != 7200 || *pod.AutomountServiceAccountToken {
		t.Errorf("got %s", text)
	}
	if s := c.SecurityContext; !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) != 1 || !*pod.SecurityContext.RunAsNonRoot {
		t.Errorf("got %+v", s)
	}
	if m := c.Resources.Limits[corev1.ResourceMemory]; m.Value() != 768<<20 {
		t.Errorf("got a limit of %s", m.String())
	}
	if cpu := c.Resources.Limits[corev1.ResourceCPU]; cpu.MilliValue() != 1500 {
		t.Errorf("got %s processors", cpu.String())
	}
	none := whole()
	none.MemoryMB, none.CPUs = 0, 0
	if got := resources(none); len(got.Limits) != 0 {
		t.Errorf("a stage that says no limit has %v", got.Limits)
	}
}

// TestOutcome reads how pods end. The outcome that a container left counts before all else that is known of it.
func TestOutcome(t *testing.T) {
	ended := func(reason, message string, code int32) *corev1.Pod {
		return &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Reason: reason, Message: message, ExitCode: code},
		}}}}}
	}
	tests := []struct {
		name string
		pod  *corev1.Pod
		want *executor.Ended
	}{
		{"goes on", &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}}, nil},
		{"left an outcome", ended("Error", "blake3:12\n", 1), &executor.Ended{Outcome: "blake3:12"}},
		{"left an outcome, and was killed then", ended("OOMKilled", "blake3:12", 137), &executor.Ended{Outcome: "blake3:12"}},
		{"memory", ended("OOMKilled", "", 137), &executor.Ended{OutOfMemory: true, Why: "the cluster ended its container for want of memory"}},
		{"deadline", &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", Message: "was active"}}, &executor.Ended{TimedOut: true, Why: "was active"}},
		{"crash", ended("Error", "", 2), &executor.Ended{Why: "its pod on  ended with exit code 2 (Error)", Again: true}},
	}
	for _, tt := range tests {
		got := outcome(tt.pod)
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestLatest: the last pod counts, since one that was evicted has a successor.
func TestLatest(t *testing.T) {
	at := func(name string, second int64) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.Unix(second, 0)}}
	}
	if got := latest([]corev1.Pod{at("b", 2), at("c", 3), at("a", 1)}); got == nil || got.Name != "c" {
		t.Errorf("got %+v", got)
	}
	if latest(nil) != nil {
		t.Error("there is one of none")
	}
}

func TestSelector(t *testing.T) {
	if got, err := Selector("pool=ml, disk=ssd"); err != nil || len(got) != 2 || got["disk"] != "ssd" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Selector("pool"); err == nil {
		t.Error("a label without a value is taken")
	}
}
