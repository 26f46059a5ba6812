package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// server answers as an API server does that has one Job. What its controllers would do is what pods returns at each look, by how often it was
// asked before.
type server struct {
	mu      sync.Mutex
	job     *batchv1.Job
	made    int
	looks   int
	pods    func(look int) []corev1.Pod
	event   string // of the Job: why it has no pod
	trouble func(n int) string
	asked   int
}

// executorOn is an executor whose cluster is s.
func executorOn(t *testing.T, s *server) *Executor {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	e := &Executor{opts: Options{Store: "s3://models/a", Image: "mlp:1"}, namespace: "ml"}
	if err := e.connect(&rest.Config{Host: h.URL}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	trouble := ""
	if s.trouble != nil {
		trouble = s.trouble(s.asked)
	}
	switch trouble {
	case "429":
		w.Header().Set("Retry-After", "1")
		fallthrough
	case "500", "503":
		var code int
		fmt.Sscan(trouble, &code)
		w.WriteHeader(code)
		return
	case "dropped": // it is done, and nobody hears of it
		s.answer(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	s.answer(w, r)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	say := func(code int, object any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(object)
	}
	refuse := func(err *apierrors.StatusError) {
		status := err.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		say(int(status.Code), status)
	}
	switch name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; {
	case name == "jobs" && r.Method == http.MethodGet:
		list := batchv1.JobList{}
		if s.job != nil {
			list.Items = append(list.Items, *s.job)
		}
		say(http.StatusOK, list)
	case name == "jobs" && s.job != nil:
		refuse(apierrors.NewAlreadyExists(jobs, s.job.Name))
	case name == "jobs":
		job := &batchv1.Job{}
		if err := json.NewDecoder(r.Body).Decode(job); err != nil {
			panic(err)
		}
		s.made++
		job.UID = types.UID(fmt.Sprint("job-", s.made))
		s.job = job
		say(http.StatusCreated, job)
	case name == "pods" && s.job == nil:
		say(http.StatusOK, corev1.PodList{})
	case name == "pods":
		s.looks++
		list := corev1.PodList{Items: s.pods(s.looks)}
		for i := range list.Items {
			list.Items[i].Labels = map[string]string{batchv1.ControllerUidLabel: string(s.job.UID)}
		}
		say(http.StatusOK, list)
	case name == "events":
		say(http.StatusOK, corev1.EventList{Items: []corev1.Event{{InvolvedObject: corev1.ObjectReference{UID: s.job.UID}, Message: s.event}}})
	case name == "log":
		_, _ = w.Write([]byte("a line\n"))
	case s.job == nil:
		refuse(apierrors.NewNotFound(jobs, name))
	case r.Method == http.MethodDelete:
		s.job = nil
		say(http.StatusOK, metav1.Status{Status: metav1.StatusSuccess})
	default:
		say(http.StatusOK, s.job)
	}
}

// onNode is a pod that runs; each change makes it another one.
func onNode(name string, changes ...func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: "node1"}, Status: corev1.PodStatus{
		Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
	}}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func target(reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason, Message: "as the cluster says"})
	}
}

func ended(message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodFailed
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: message}}
	}
}

func status(reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Reason, p.Status.Message = reason, message }
}

// TestFaults: what befalls a pod has its right name, and its node, however it is seen; and the Job is gone afterwards.
func TestFaults(t *testing.T) {
	const outcome = "blake3:12"
	one := func(p ...corev1.Pod) func(int) []corev1.Pod { return func(int) []corev1.Pod { return p } }
	then := func(first corev1.Pod, rest ...corev1.Pod) func(int) []corev1.Pod {
		return func(look int) []corev1.Pod {
			if look == 1 {
				return []corev1.Pod{first}
			}
			return rest
		}
	}
	tests := []struct {
		name  string
		pods  func(int) []corev1.Pod
		event string
		want  executor.Ended
	}{
		{"evicted", one(onNode("a", target("EvictionByEvictionAPI"), ended(""))), "", executor.Ended{Fault: executor.Evicted, Node: "node1", Again: true}},
		{"evicted, with an outcome", one(onNode("a", target("EvictionByEvictionAPI"), ended(outcome))), "", executor.Ended{Fault: executor.Evicted, Node: "node1", Outcome: outcome, Again: true}},
		{"preempted", one(onNode("a", target("PreemptionByScheduler"), ended(""))), "", executor.Ended{Fault: executor.Preempted, Node: "node1", Again: true}},
		{"short of memory", one(onNode("a", status("Evicted", "The node was low on resource: memory"), ended(""))), "", executor.Ended{Fault: executor.Evicted, Node: "node1", Again: true}},
		{"node is gone", one(onNode("a", target("DeletionByPodGC"), ended(""))), "", executor.Ended{Fault: executor.NodeLost, Node: "node1", Again: true}},
		{"gone between two looks", then(onNode("a", target("PreemptionByScheduler"))), "", executor.Ended{Fault: executor.Preempted, Node: "node1", Again: true}},
		{"gone, and another one in its place", then(onNode("a"), onNode("b")), "", executor.Ended{Fault: executor.Deleted, Node: "node1", Again: true}},
		{"no room on its node", one(onNode("a", status("OutOfmemory", "Node didn't have enough resource"), ended(""))), "", executor.Ended{Fault: executor.Unplaced, Node: "node1", Again: true}},
		{"a rule", one(), `pods "a" is forbidden: maximum memory usage per Container is 1Gi`, executor.Ended{Fault: executor.Forbidden}},
		{"quota", one(), `pods "a" is forbidden: exceeded quota: q`, executor.Ended{Fault: executor.Quota}},
		{"no node", one(onNode("a", func(p *corev1.Pod) {
			p.Spec.NodeName, p.Status.Phase, p.Status.ContainerStatuses = "", corev1.PodPending, nil
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/2 nodes are available"}}
		})), "", executor.Ended{Fault: executor.Unplaced}},
		{"its own end", one(onNode("a", ended(outcome))), "", executor.Ended{Outcome: outcome, Node: "node1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &server{pods: tt.pods, event: tt.event}
			w := whole()
			var log bytes.Buffer
			w.Timeout, w.Log = time.Second, &log
			got, err := executorOn(t, s).Attempt(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if why := got.Why; why == "" && tt.want.Fault != "" || tt.event != "" && !strings.Contains(why, tt.event) {
				t.Errorf("it is not said why: %q", why)
			}
			if got.Why = ""; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if s.job != nil {
				t.Error("the Job is still there")
			}
		})
	}
}

// TestLostNode: a pod that was told to end, and is there long after, is on a node that is lost; one that ends in its time is not.
func TestLostNode(t *testing.T) {
	now := metav1.Now()
	p := onNode("a", target("DeletionByTaintManager"), func(p *corev1.Pod) { p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &now, pointer(int64(7)) })
	a := &waiter{before: map[types.UID]bool{}, asked: map[types.UID]time.Time{}}
	if got := a.fallen([]corev1.Pod{p}); got != nil {
		t.Fatalf("at once: got %+v", got)
	}
	a.asked["a"] = time.Now().Add(-silence - 6*time.Second)
	if got := a.fallen([]corev1.Pod{p}); got != nil {
		t.Errorf("within its grace: got %+v", got)
	}
	a.asked["a"] = time.Now().Add(-silence - 8*time.Second)
	if got := a.fallen([]corev1.Pod{p}); got == nil || got.Fault != executor.NodeLost || got.Node != "node1" || !got.Again {
		t.Errorf("got %+v, want node1 to be lost", got)
	}
}

// TestSuccessor: of a Job that an earlier apply began, a pod that was evicted before has a successor, which counts.
func TestSuccessor(t *testing.T) {
	old := onNode("a", target("EvictionByEvictionAPI"), ended(""))
	s := &server{pods: func(look int) []corev1.Pod {
		next := onNode("b", func(p *corev1.Pod) { p.CreationTimestamp = metav1.Unix(9, 0) })
		if look > 2 {
			ended("blake3:34")(&next)
		}
		return []corev1.Pod{old, next}
	}}
	w := whole()
	w.Log = &bytes.Buffer{}
	if got, err := executorOn(t, s).Attempt(t.Context(), w); err != nil || got.Outcome != "blake3:34" || got.Fault != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestTrouble: whatever goes wrong with one request in two, one Job is made, the outcome is the same, and nothing is left.
func TestTrouble(t *testing.T) {
	kinds := []string{"429", "500", "503", "dropped"}
	for seed := range 6 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := &server{
				pods: func(look int) []corev1.Pod {
					if look < 3 {
						return []corev1.Pod{onNode("a")}
					}
					return []corev1.Pod{onNode("a", ended("blake3:12"))}
				},
				trouble: func(n int) string {
					if (n+seed)%2 == 0 {
						return ""
					}
					return kinds[(n*7+seed*3)/2%len(kinds)]
				},
			}
			w := whole()
			var log bytes.Buffer
			w.Log = &log
			got, err := executorOn(t, s).Attempt(t.Context(), w)
			if err != nil || got.Outcome != "blake3:12" || got.Fault != "" {
				t.Errorf("got %+v, %v", got, err)
			}
			if s.made != 1 || s.job != nil {
				t.Errorf("%d Jobs were made, and left is %v", s.made, s.job)
			}
			if text := log.String(); strings.Contains(text, "earlier apply") || strings.Count(text, "a line\n") != 1 {
				t.Errorf("the log is\n%s", text)
			}
		})
	}
}
