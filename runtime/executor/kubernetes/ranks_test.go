package kubernetes

import (
	"io"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// rankedWhole is an attempt at a stage of three replicas.
func rankedWhole() executor.Whole {
	w := foreignWhole()
	w.Program.Replicas, w.Program.Secrets, w.Log = 3, nil, io.Discard
	return w
}

// TestRankedJob: replicas are an Indexed Job whose pods have names by a Service, and nobody replaces one of them alone.
func TestRankedJob(t *testing.T) {
	e := &Executor{opts: Options{Store: "s3://models/a", Image: "mlp:1", Secrets: "values"}, namespace: "ml"}
	job := e.job(rankedWhole(), "trainer:1")
	if *job.Spec.Completions != 3 || *job.Spec.Parallelism != 3 || *job.Spec.CompletionMode != batchv1.IndexedCompletion || job.Spec.PodFailurePolicy != nil || *job.Spec.BackoffLimit != 0 {
		t.Errorf("got %+v", job.Spec)
	}
	pod := job.Spec.Template.Spec
	if args := strings.Join(pod.Containers[0].Args, " "); !strings.HasSuffix(args, "--rank $(JOB_COMPLETION_INDEX):"+job.Name+"-0."+job.Name) {
		t.Errorf("got %s", args)
	}
	s := service(job)
	if pod.Subdomain != s.Name || pod.Hostname != "" || s.Spec.ClusterIP != "None" || s.Spec.Selector[ranksLabel] != job.Spec.Template.Labels[ranksLabel] || !s.Spec.PublishNotReadyAddresses {
		t.Errorf("got %+v for %+v", s.Spec, pod)
	}
	text, err := Manifest(t.Context(), e.opts, nil, rankedWhole())
	if err != nil || !strings.Contains(string(text), "kind: Service") || !strings.Contains(string(text), "completionMode: Indexed") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestMeeting: the pods of a Job of several replicas reach each other, and those of another one do not reach them, neither as an apply makes them nor as they are printed
// before the fingerprint is known.
func TestMeeting(t *testing.T) {
	e := &Executor{opts: Options{Store: "s3://models/a", Image: "mlp:1", Secrets: "values"}, namespace: "ml"}
	one, other, unknown := rankedWhole(), rankedWhole(), rankedWhole()
	other.Fingerprint, unknown.Fingerprint = "blake3:"+strings.Repeat("cd", 32), "FINGERPRINT"
	for _, w := range []executor.Whole{one, other, unknown} {
		job := e.job(w, "trainer:1")
		job.UID = "made"
		policy := meeting(job)
		peers := policy.Spec.Ingress[0].From
		for what, selector := range map[string]metav1.LabelSelector{"of the policy": policy.Spec.PodSelector, "from": *peers[0].PodSelector, "to": *policy.Spec.Egress[0].To[0].PodSelector} {
			s, err := metav1.LabelSelectorAsSelector(&selector)
			if err != nil {
				t.Fatal(err)
			}
			for _, peer := range []executor.Whole{one, other, unknown} {
				if got := s.Matches(labels.Set(e.job(peer, "trainer:1").Spec.Template.Labels)); got != (peer.Fingerprint == w.Fingerprint) {
					t.Errorf("%s %s: pods of %s: %v", w.Fingerprint, what, peer.Fingerprint, got)
				}
			}
			if s.Matches(labels.Set(e.job(foreignWhole(), "trainer:1").Spec.Template.Labels)) {
				t.Errorf("%s: pods of a stage of one replica", what)
			}
		}
		if len(peers) != 1 || len(policy.Spec.PolicyTypes) != 2 || len(policy.OwnerReferences) != 1 || policy.OwnerReferences[0].UID != "made" {
			t.Errorf("got %+v", policy)
		}
		if service(job).Name != job.Name || !strings.Contains(strings.Join(job.Spec.Template.Spec.Containers[0].Args, " "), job.Name+"-0."+job.Name) {
			t.Errorf("got %+v", job)
		}
	}
	text, err := Manifest(t.Context(), e.opts, nil, unknown)
	if err != nil || strings.Count(string(text), "mlp.ranks: mlp-FINGERPRINT\n") != 5 {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestRanks: rank 0's outcome counts, and what befell another pod is told with it, however soon that one is gone.
func TestRanks(t *testing.T) {
	of := func(rank int, changes ...func(*corev1.Pod)) corev1.Pod {
		p := onNode("p"+strconv.Itoa(rank), changes...)
		p.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(rank)}
		p.Spec.NodeName = "node" + strconv.Itoa(rank)
		return p
	}
	oom := func(p *corev1.Pod) {
		ended("")(p)
		p.Status.ContainerStatuses[0].State.Terminated.Reason = "OOMKilled"
	}
	for name, x := range map[string]struct {
		pods func(look int) []corev1.Pod
		want executor.Ended
		why  string // begins with
	}{
		"all end": {func(look int) []corev1.Pod {
			if look < 2 {
				return []corev1.Pod{of(2), of(0), of(1)}
			}
			return []corev1.Pod{of(2), of(0, ended("blake3:0")), of(1, ended("blake3:1"))}
		}, executor.Ended{Outcome: "blake3:0", Node: "node0"}, ""},
		"evicted, and gone": {func(look int) []corev1.Pod {
			switch look {
			case 1:
				return []corev1.Pod{of(0), of(1), of(2)}
			case 2:
				return []corev1.Pod{of(0), of(1), of(2, target("EvictionByEvictionAPI"))}
			case 3:
				return []corev1.Pod{of(0), of(1)}
			}
			return []corev1.Pod{of(0, ended("blake3:0"))}
		}, executor.Ended{Outcome: "blake3:0", Node: "node2", Fault: executor.Evicted, Again: true}, "rank 2: EvictionByEvictionAPI"},
		"evicted, and ended well": {func(look int) []corev1.Pod {
			if look == 1 {
				return []corev1.Pod{of(0), of(1), of(2)}
			}
			return []corev1.Pod{of(0, ended("blake3:0")), of(1), of(2, target("EvictionByEvictionAPI"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })}
		}, executor.Ended{Outcome: "blake3:0", Node: "node2", Fault: executor.Evicted, Again: true}, "rank 2: EvictionByEvictionAPI"},
		"memory of another": {func(look int) []corev1.Pod {
			if look == 1 {
				return []corev1.Pod{of(0), of(1, oom), of(2)}
			}
			return []corev1.Pod{of(0, ended("blake3:0")), of(1, oom)}
		}, executor.Ended{Outcome: "blake3:0", Node: "node1", OutOfMemory: true}, "rank 1: the cluster ended"},
		"deleted": {func(look int) []corev1.Pod {
			if look == 1 {
				return []corev1.Pod{of(0), of(1), of(2)}
			}
			return []corev1.Pod{of(0, ended("blake3:0")), of(2)}
		}, executor.Ended{Outcome: "blake3:0", Node: "node1", Fault: executor.Deleted, Again: true}, "rank 1: its pod p1 was deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{pods: x.pods}
			got, err := executorOn(t, s).Attempt(t.Context(), rankedWhole())
			if err != nil || !strings.HasPrefix(got.Why, x.why) {
				t.Errorf("got %+v, %v", got, err)
			}
			if got.Why = ""; got != x.want {
				t.Errorf("got %+v, want %+v", got, x.want)
			}
			if s.job != nil {
				t.Error("the Job is still there")
			}
		})
	}
}
