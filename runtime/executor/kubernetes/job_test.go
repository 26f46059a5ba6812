package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
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

// TestImages: nodes are told of an image by a name with its digest; one that is made here must be one that they can pull, by the Secret that is named.
func TestImages(t *testing.T) {
	ctx := context.Background()
	w := whole()
	for _, tt := range []struct {
		program    executor.Program
		want, says string
	}{
		{executor.Program{Image: "registry.example/a@sha256:12", ImageID: "sha256:34"}, "registry.example/a@sha256:12", ""},
		{executor.Program{Image: "a:1", ImageID: "sha256:34"}, "sha256:34", ""},
		{executor.Program{ImageID: "sha256:34", Made: true}, "sha256:34", ""},
		{executor.Program{ImageID: "sha256:34", Made: true, Whole: true}, "", "MLP_KUBERNETES_REGISTRY"},
	} {
		w.Program = &tt.program
		got, err := (&Executor{}).reference(ctx, w)
		if got != tt.want || (err != nil) != (tt.says != "") || err != nil && (!strings.Contains(err.Error(), tt.says) || !errors.Is(err, executor.ErrUnsupported)) {
			t.Errorf("%+v: got %s, %v", tt.program, got, err)
		}
	}
	w.Program = &executor.Program{ImageID: "sha256:34", Made: true, Whole: true, Platform: "linux/amd64"}
	text, err := Manifest(ctx, Options{Store: "s3://models/a", Image: "mlp:1", Registry: "registry.example/mlp", PullSecret: "pull"}, nil, w)
	if err != nil || !strings.Contains(string(text), "image: IMAGE\n") || !strings.Contains(string(text), "imagePullSecrets:\n        - name: pull\n") {
		t.Errorf("got %v\n%s", err, text)
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
	job := e.job(whole(), "")
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
	none.CPUs = 0
	if got := resources(none, 0).Limits; len(got) != 1 || got.Memory().Value() != 512<<20 {
		t.Errorf("a stage that says nothing of processors has %v", got)
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

// foreignWhole is an attempt at a stage with a program.
func foreignWhole() executor.Whole {
	w := whole()
	w.Program = &executor.Program{Image: "trainer:1", ImageID: "sha256:" + strings.Repeat("12", 32), Platform: "linux/amd64", Made: true, Secrets: []string{"token"}}
	return w
}

// TestProgramPod: a program's container has its folders and walls, and nothing of what mlp has beside it.
func TestProgramPod(t *testing.T) {
	e := &Executor{opts: Options{Store: "s3://models/a", Image: "mlp:1", Secret: "bucket", Secrets: "values"}, namespace: "ml"}
	w := foreignWhole()
	image, err := e.reference(t.Context(), w)
	if err != nil || image != w.Program.ImageID {
		t.Fatalf("got %q, %v", image, err)
	}
	job := e.job(w, image)
	pod := job.Spec.Template.Spec
	c := pod.Containers[1]
	if c.Name != program || c.Image != image || c.ImagePullPolicy != corev1.PullNever || len(c.Env)+len(c.EnvFrom) > 0 || pod.NodeSelector[corev1.LabelArchStable] != "amd64" {
		t.Errorf("got %+v", c)
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		if s := c.SecurityContext; !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: got %+v", c.Name, s)
		}
	}
	var writable []string
	for _, m := range c.VolumeMounts {
		if !m.ReadOnly {
			writable = append(writable, m.MountPath)
		}
		if m.MountPath == shared || m.Name == "tmp" {
			t.Errorf("the program has %+v", m)
		}
	}
	if got := strings.Join(writable, " "); got != "/mlp/out /mlp/checkpoint /tmp" {
		t.Errorf("it may write to %s", got)
	}
	if job.Spec.Template.Labels[networkLabel] != closedNetwork {
		t.Errorf("got labels %v", job.Spec.Template.Labels)
	}
	e.opts.Secrets = ""
	if _, err := e.reference(t.Context(), w); err == nil || !strings.Contains(err.Error(), "secret.token") {
		t.Errorf("a secret that nobody has: got %v", err)
	}
	w.Program = &executor.Program{Image: "r/trainer@sha256:" + strings.Repeat("34", 32), Network: true}
	if image, err = e.reference(t.Context(), w); err != nil || image != w.Program.Image {
		t.Errorf("got %q, %v", image, err)
	}
	job = e.job(w, image)
	if job.Spec.Template.Spec.Containers[1].ImagePullPolicy != corev1.PullIfNotPresent || job.Spec.Template.Labels[networkLabel] != openNetwork {
		t.Errorf("got %+v", job.Spec.Template)
	}
}

// TestManifests: what is printed is the same each time, small, and without secrets; the rights are those of Jobs, pods and logs.
func TestManifests(t *testing.T) {
	o := Options{Store: "s3://models/a?endpoint=http://10.0.0.1:7070", Image: "mlp:1", Secret: "bucket", Secrets: "values", Namespace: "ml", ServiceAccount: "stages"}
	w := foreignWhole()
	w.Fingerprint, w.Task = "FINGERPRINT", "TASK"
	text, err := Manifest(t.Context(), o, nil, w)
	if err != nil || len(text) > 8<<10 || !strings.Contains(string(text), "name: mlp-FINGERPRINT") || strings.Contains(string(text), "null") {
		t.Errorf("%v\n%s", err, text)
	}
	if again, _ := Manifest(t.Context(), o, nil, w); string(again) != string(text) {
		t.Errorf("another time it is\n%s", again)
	}
	once, err := Namespace(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: Role\n", "cidr: 10.0.0.1/32", "port: 7070", "port: 53", "mlp.network: open", "name: stages"} {
		if !strings.Contains(string(once), want) {
			t.Errorf("no %q in\n%s", want, once)
		}
	}
	if strings.Contains(string(once), "secrets") || strings.Contains(string(once), "'*'") {
		t.Errorf("too many rights:\n%s", once)
	}
}

// TestProgramOutcome: the status of a program's container tells why mlp beside it left no outcome.
func TestProgramOutcome(t *testing.T) {
	state := func(name, reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: 1}}}
	}
	p := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{state(program, "OOMKilled"), state(container, "Error")}}}
	if got := outcome(p); got == nil || !got.OutOfMemory {
		t.Errorf("got %+v", got)
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{state(program, "StartError"), {Name: container}}
	if got := outcome(p); got == nil || got.OutOfMemory {
		t.Errorf("got %+v", got)
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{state(program, "Completed"), {Name: container}}
	if got := outcome(p); got != nil {
		t.Errorf("mlp takes its outputs, and it is taken for ended: %+v", got)
	}
}
