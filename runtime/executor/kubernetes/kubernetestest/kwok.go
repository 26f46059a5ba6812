package kubernetestest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Players is the variable of the environment that names what `make kwok` built.
const Players = "MLP_KWOK"

// Pod is what whoever plays a node knows of one.
type Pod struct {
	Metadata struct {
		Name, Namespace, UID string
		Labels               map[string]string
		DeletionTimestamp    string
	}
	Spec struct {
		NodeName   string
		Containers []struct {
			Name, Image string
			Args        []string
		}
	}
	Status struct {
		Phase string
	}
}

// End is how a pod's first container ended. The others end with it, and well.
type End struct {
	Code            int
	Reason, Message string // of the container: OOMKilled, …; empty: by its code
	Evicted         string // in place of all that: the node evicted the pod, and says so
}

// Played are nodes that kwok (https://kwok.sigs.k8s.io) plays: pods are bound to them by the scheduler and run, as far as the API server hears, and no container is
// started. Whoever plays says what a pod's container does, in this process: when it ends, how, and what its log says.
type Played struct {
	c   *Cluster
	run func(ctx context.Context, p Pod, log func(line string)) End

	mu     sync.Mutex
	pods   map[string]*played // by namespace and name
	all    sync.WaitGroup
	begun  int
	ended  int // by themselves
	errors []error
}

// played is one pod.
type played struct {
	uid    string
	cancel context.CancelFunc

	followed chan struct{} // closed once somebody follows its log
	first    sync.Once

	mu    sync.Mutex
	more  chan struct{} // closed when there is more, and made anew
	log   []byte
	ended bool
}

// Play adds nodes to the cluster that kwok plays, labelled kwok=true, and has run say what each pod on them does. Its context ends when the pod is told to. It ends with
// the test.
func (c *Cluster) Play(t testing.TB, nodes int, run func(ctx context.Context, p Pod, log func(line string)) End) *Played {
	t.Helper()
	if os.Getenv(Players) == "" {
		t.Skip("nodes are played by what `make kwok` builds")
	}
	k := &Played{c: c, run: run, pods: map[string]*played{}}
	logs := httptest.NewUnstartedServer(http.HandlerFunc(k.serveLog))
	logs.StartTLS()
	t.Cleanup(logs.Close)
	at, err := url.Parse(logs.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "kwok.yaml")
	if err := os.WriteFile(config, []byte(stages), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "kwok"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	server := exec.Command(os.Getenv(Players), "--kubeconfig", c.Config, "--config", config, "--manage-nodes-with-label-selector", "kwok=true",
		"--node-lease-duration-seconds", "40", "--node-ip", at.Hostname(), "--node-port", at.Port(), "--server-address", "127.0.0.1:0")
	server.Stdout, server.Stderr = said, said
	if err := server.Start(); err != nil {
		t.Fatalf("%s: %v", Players, err)
	}
	c.write(t, filepath.Join("pid", "kwok"), fmt.Sprint(server.Process.Pid))
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
		_ = os.Remove(filepath.Join(c.dir, "pid", "kwok"))
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("kwok said: %s", text[max(0, len(text)-2000):])
		}
	})
	for i := range nodes {
		c.Call(t, http.MethodPost, "/api/v1/nodes", "application/json", map[string]any{
			"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": fmt.Sprint("kwok", i), "labels": map[string]string{"kwok": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
			"status": map[string]any{"addresses": []any{map[string]string{"type": "Hostname", "address": at.Hostname()}, map[string]string{"type": "InternalIP", "address": at.Hostname()}}},
		}, nil)
		t.Cleanup(func() { c.Call(t, http.MethodDelete, fmt.Sprint("/api/v1/nodes/kwok", i), "", nil, nil) })
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		var list struct {
			Items []struct {
				Status struct {
					Conditions []struct{ Type, Status string }
				}
			}
		}
		c.Call(t, http.MethodGet, "/api/v1/nodes?labelSelector=kwok%3Dtrue", "", nil, &list)
		ready := 0
		for _, n := range list.Items {
			for _, condition := range n.Status.Conditions {
				if condition.Type == "Ready" && condition.Status == "True" {
					ready++
				}
			}
		}
		if ready == nodes {
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("kwok ended: %v", err)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d nodes are ready", ready, nodes)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { k.watch(ctx) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
		k.all.Wait()
		for _, err := range k.errors {
			t.Error(err)
		}
	})
	return k
}

// stages are what kwok does with pods: it says that they run as soon as they are bound, and removes them some seconds after they are deleted, as a node does that ends containers. Their end is said by whoever plays.
const stages = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.podIP, operator: DoesNotExist}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}}
      {{ end }}
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
      phase: Running
      startTime: {{ $now | Quote }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  delay: {durationMilliseconds: 8000}
  next:
    finalizers: {empty: true}
    delete: true
`

// watch begins what pods do that run, and ends it where they are deleted.
func (k *Played) watch(ctx context.Context) {
	for ctx.Err() == nil {
		var list struct {
			Metadata struct{ ResourceVersion string }
			Items    []Pod
		}
		if err := k.c.get(ctx, "/api/v1/pods", &list); err != nil {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		there := map[string]bool{}
		for _, p := range list.Items {
			there[p.Metadata.UID] = true
			k.saw(ctx, p)
		}
		k.mu.Lock()
		for _, p := range k.pods {
			if !there[p.uid] {
				p.cancel()
			}
		}
		k.mu.Unlock()
		k.follow(ctx, list.Metadata.ResourceVersion)
	}
}

// follow hears of changes until the API server ends that.
func (k *Played) follow(ctx context.Context, from string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.c.server+"/api/v1/pods?watch=1&resourceVersion="+from, nil)
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+k.c.token)
	response, err := (&http.Client{Transport: k.c.client.Transport}).Do(request) // without the time-out of a request
	if err != nil {
		return
	}
	defer response.Body.Close()
	for events := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object Pod
		}
		if events.Decode(&event) != nil || event.Type == "ERROR" {
			return
		}
		if event.Type == "DELETED" {
			event.Object.Metadata.DeletionTimestamp = "gone"
		}
		k.saw(ctx, event.Object)
	}
}

func (k *Played) saw(ctx context.Context, p Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := p.Metadata.Namespace + "/" + p.Metadata.Name
	known := k.pods[name]
	switch {
	case known != nil && known.uid == p.Metadata.UID:
		if p.Metadata.DeletionTimestamp != "" {
			known.cancel()
		}
	case p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == "" && strings.HasPrefix(p.Spec.NodeName, "kwok"):
		ctx, cancel := context.WithCancel(ctx)
		one := &played{uid: p.Metadata.UID, cancel: cancel, followed: make(chan struct{}), more: make(chan struct{})}
		k.pods[name] = one
		k.begun++
		k.all.Go(func() { k.play(ctx, p, one) })
	}
}

// play runs a pod and says how it ended.
func (k *Played) play(ctx context.Context, p Pod, one *played) {
	defer one.cancel()
	began := time.Now().UTC().Format(time.RFC3339)
	end := k.run(ctx, p, one.say)
	one.finish()
	now := time.Now().UTC().Format(time.RFC3339)
	containers := []any{}
	for i, c := range p.Spec.Containers {
		state := map[string]any{"exitCode": 0, "reason": "Completed", "startedAt": began, "finishedAt": now}
		if i == 0 {
			state["exitCode"], state["message"] = end.Code, end.Message
			if end.Code != 0 {
				state["reason"] = "Error"
			}
			if end.Reason != "" {
				state["reason"] = end.Reason
			}
		}
		containers = append(containers, map[string]any{"name": c.Name, "image": c.Image, "imageID": "", "ready": false, "restartCount": 0, "state": map[string]any{"terminated": state}})
	}
	status := map[string]any{"phase": "Succeeded", "containerStatuses": containers}
	if end.Code != 0 {
		status["phase"] = "Failed"
	}
	if end.Evicted != "" {
		status = map[string]any{"phase": "Failed", "reason": "Evicted", "message": end.Evicted}
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.Metadata.UID}, "status": status})
	if err != nil {
		k.failed(err)
		return
	}
	path := "/api/v1/namespaces/" + p.Metadata.Namespace + "/pods/" + p.Metadata.Name + "/status"
	for range 50 { // a node says it until it is heard
		code, answer, err := k.c.do(context.Background(), http.MethodPatch, path, "application/merge-patch+json", body)
		switch {
		case err == nil && code == http.StatusOK:
			k.mu.Lock()
			k.ended++
			k.mu.Unlock()
			return
		case err == nil && (code == http.StatusNotFound || code == http.StatusConflict): // it is gone
			return
		case err == nil && code < 500 && code != http.StatusTooManyRequests:
			k.failed(fmt.Errorf("saying how %s ended: status %d: %s", p.Metadata.Name, code, answer))
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	k.failed(fmt.Errorf("nobody hears how %s ended", p.Metadata.Name))
}

func (k *Played) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.errors = append(k.errors, err)
}

// Followed waits until somebody follows the log of a pod, half a minute at most.
func (k *Played) Followed(ctx context.Context, p Pod) {
	k.mu.Lock()
	one := k.pods[p.Metadata.Namespace+"/"+p.Metadata.Name]
	k.mu.Unlock()
	select {
	case <-one.followed:
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
	}
}

// Count is how many pods began, and how many of them ended by themselves.
func (k *Played) Count() (begun, ended int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.begun, k.ended
}

func (p *played) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(append(p.log, line...), '\n')
	close(p.more)
	p.more = make(chan struct{})
}

func (p *played) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	close(p.more)
	p.more = make(chan struct{})
}

// serveLog is what a kubelet answers whom the API server asks for a log: all of it that there is, and what comes where it is followed.
func (k *Played) serveLog(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/") // /containerLogs/NAMESPACE/POD/CONTAINER
	if len(parts) != 5 {
		http.NotFound(w, r)
		return
	}
	k.mu.Lock()
	one := k.pods[parts[2]+"/"+parts[3]]
	k.mu.Unlock()
	if one == nil {
		http.NotFound(w, r)
		return
	}
	one.first.Do(func() { close(one.followed) })
	for written := 0; ; {
		one.mu.Lock()
		text, ended, more := one.log[written:], one.ended, one.more
		one.mu.Unlock()
		if _, err := w.Write(text); err != nil {
			return
		}
		written += len(text)
		_ = http.NewResponseController(w).Flush()
		if ended || r.URL.Query().Get("follow") != "true" {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}
