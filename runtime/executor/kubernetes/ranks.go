package kubernetes

// A stage of several replicas is one Indexed Job. Its pods meet where rank 0 is, by the name that a headless Service gives that one (runtime/attempt, Rally), so
// that no program starts before all are there, and rank 0 says how the attempt ended: its outcome is that of all. Pods of other ranks succeed also where their
// programs fail, once rank 0 has been told; a pod that fails is one that something befell, and ends the Job. So the Job has no podFailurePolicy: one pod
// alone is never replaced.

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// ranksLabel is of pods of several replicas: the name of their Job, within which they may talk to each other.
const ranksLabel = "mlp.ranks"

// withRanks makes a Job one of several pods, each with an index that is its rank.
func withRanks(job *batchv1.Job, replicas int) {
	indexed := batchv1.IndexedCompletion
	job.Spec.CompletionMode, job.Spec.Completions, job.Spec.Parallelism = &indexed, pointer(int32(replicas)), pointer(int32(replicas))
	job.Spec.PodFailurePolicy = nil
	job.Spec.Template.Labels[ranksLabel] = job.Name
	spec := &job.Spec.Template.Spec
	spec.Hostname, spec.Subdomain = "", job.Name // the hostname is the Job's name and the index
	spec.Containers[0].Args = append(spec.Containers[0].Args, "--rank", "$(JOB_COMPLETION_INDEX):"+job.Name+"-0."+job.Name)
}

// service gives the pods of a Job names, also before they are ready. It is removed with the Job.
func service(job *batchv1.Job) *corev1.Service {
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: besideJob(job),
		Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{ranksLabel: job.Name}, PublishNotReadyAddresses: true},
	}
}

// replicasOf is how many pods a Job has at a time.
func replicasOf(job *batchv1.Job) int {
	if job.Spec.Completions == nil {
		return 1
	}
	return int(*job.Spec.Completions)
}

// meeting is the policy of the network by which the pods of a Job reach each other, and no pods of another one. It is removed with the Job.
func meeting(job *batchv1.Job) *networkingv1.NetworkPolicy {
	those := metav1.LabelSelector{MatchLabels: map[string]string{ranksLabel: job.Name}}
	among := []networkingv1.NetworkPolicyPeer{{PodSelector: &those}}
	return &networkingv1.NetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, ObjectMeta: besideJob(job),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: those, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: among}}, Egress: []networkingv1.NetworkPolicyEgressRule{{To: among}},
		},
	}
}

// besideJob is the metadata of an object of a Job's name that the Job owns, if it has been created.
func besideJob(job *batchv1.Job) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Name: job.Name, Namespace: job.Namespace, Labels: map[string]string{managedLabel: managed, storeLabel: job.Labels[storeLabel]}, Annotations: job.Annotations}
	if job.UID != "" {
		meta.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: job.UID}}
	}
	return meta
}

// meet makes the Service and the policy of a Job of several pods.
func (e *Executor) meet(ctx context.Context, job *batchv1.Job) error {
	if replicasOf(job) == 1 {
		return nil
	}
	if err := e.own(ctx, job, e.network, "networkpolicies", meeting(job), &networkingv1.NetworkPolicy{}); err != nil {
		return fmt.Errorf("creating the NetworkPolicy of Job %s: %w", job.Name, err)
	}
	if err := e.own(ctx, job, e.core, "services", service(job), &corev1.Service{}); err != nil {
		return fmt.Errorf("creating the Service of Job %s: %w", job.Name, err)
	}
	return nil
}

// object is one of the API, with its metadata.
type object interface {
	runtime.Object
	metav1.Object
}

// own creates an object that a Job owns. One that is there is that of this Job, or of one of its name that is about to go: then it is made anew.
func (e *Executor) own(ctx context.Context, job *batchv1.Job, client rest.Interface, resource string, want, there object) error {
	for answered := time.Now(); ; {
		err := e.request(ctx, func(ctx context.Context) error {
			return client.Post().Namespace(e.namespace).Resource(resource).Body(want).Do(ctx).Error()
		})
		if apierrors.IsAlreadyExists(err) {
			err = e.request(ctx, func(ctx context.Context) error {
				return client.Get().Namespace(e.namespace).Resource(resource).Name(want.GetName()).Do(ctx).Into(there)
			})
			if err == nil && slices.ContainsFunc(there.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == job.UID }) {
				return nil
			}
		} else if err == nil {
			return nil
		}
		if refused(err) && !apierrors.IsNotFound(err) || time.Since(answered) > away {
			return err
		}
		if !sleep(ctx, firstLook) {
			return ctx.Err()
		}
	}
}

// rankOf is the index of a pod.
func rankOf(p *corev1.Pod) int {
	n, err := strconv.Atoi(p.Annotations[batchv1.JobCompletionIndexAnnotation])
	if err != nil {
		return 0
	}
	return n
}

// lookAtRanks is one look at the pods of a Job of several. The first of these that holds ends the attempt:
//
//	rank 0 has left its outcome        that outcome, with what befell another one, if anything did
//	a pod is over, or gone             by what befell it, or for want of memory, once rank 0 has ended too: it stores what it has
//	no pod comes, or finds a node      as for one pod
//	the Job is over                    as it says
func (a *waiter) lookAtRanks(ctx context.Context, job *batchv1.Job, pods []corev1.Pod) (ended *executor.Ended, waits string, err error) {
	slices.SortFunc(pods, func(x, y corev1.Pod) int { return rankOf(&x) - rankOf(&y) })
	for i := range pods {
		a.logs[rankOf(&pods[i])].of(&pods[i])
	}
	befell := a.befallen(pods)
	var lead *corev1.Pod
	if len(pods) > 0 && rankOf(&pods[0]) == 0 {
		lead = &pods[0]
	}
	if lead != nil {
		if o := outcome(lead); o != nil && o.Outcome != "" {
			ended := executor.Ended{Outcome: o.Outcome, Node: lead.Spec.NodeName}
			if befell == nil {
				befell = a.after
			}
			if befell != nil {
				ended = *befell
				ended.Outcome = o.Outcome
			}
			return &ended, "", nil
		}
	}
	if befell != nil {
		if lead != nil && !terminal(lead) && time.Since(a.fell) < endingProgram+silence+longestLook {
			return nil, "", nil
		}
		return befell, "", nil
	}
	if over(job) {
		if lead != nil {
			if o := outcome(lead); o != nil {
				o.Node = lead.Spec.NodeName
				return o, "", nil
			}
		}
		return &executor.Ended{Why: reason(job), Again: true}, "", nil
	}
	if len(pods) == 0 {
		return a.refused(ctx)
	}
	return a.waitForRanks(ctx, pods)
}

// waitForRanks is what pods wait for that have not begun. The attempt is given up where one has no node for too long, since the others hold theirs meanwhile.
func (a *waiter) waitForRanks(ctx context.Context, pods []corev1.Pod) (ended *executor.Ended, waits string, err error) {
	placed := len(pods) == replicasOf(a.job)
	for i := range pods {
		p := &pods[i]
		why, never := waitsFor(p)
		if never {
			return &executor.Ended{Image: true, Why: why}, "", nil
		}
		if why != "" && waits == "" {
			waits = fmt.Sprintf("rank %d: %s", rankOf(p), why)
		}
		placed = placed && p.Spec.NodeName != ""
	}
	if placed {
		a.since = time.Now()
		return nil, waits, nil
	}
	if len(pods) < replicasOf(a.job) {
		if ended, why, err := a.refused(ctx); ended != nil || err != nil || why != "" {
			return ended, why, err
		}
	}
	if time.Since(a.since) > a.patient {
		return &executor.Ended{Fault: executor.Unplaced, Why: waits}, "", nil
	}
	return nil, waits, nil
}

// befallen is what befell one of the pods, as far as it was ever seen; nil: nothing did. What the cluster says more of than that a pod was deleted comes first: a
// Job that fails deletes its others.
func (a *waiter) befallen(pods []corev1.Pod) *executor.Ended {
	gone := maps.Clone(a.seen)
	for i := range pods {
		p := &pods[i]
		delete(gone, p.UID)
		a.seen[p.UID] = p.DeepCopy()
		a.note(a.happened(p))
	}
	for _, p := range gone {
		if p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		fault, why := disrupted(p)
		if fault == "" {
			fault, why = executor.Deleted, "its pod "+p.Name+" was deleted"
		}
		a.note(interrupted(p, fault, fmt.Sprintf("rank %d: %s", rankOf(p), why)))
	}
	return a.befell
}

// note keeps what befell a pod, unless more is known of another one.
func (a *waiter) note(ended *executor.Ended) {
	switch {
	case ended == nil:
	case a.befell == nil:
		a.befell, a.fell = ended, time.Now()
	case ended.Fault == executor.NodeLost, a.befell.Fault == executor.Deleted && ended.Fault != executor.Deleted: // the former is removed otherwise
		a.befell = ended
	}
}

// happened is what happens to a pod that is there.
func (a *waiter) happened(p *corev1.Pod) *executor.Ended {
	rank := rankOf(p)
	if o := outcome(p); o != nil && o.OutOfMemory {
		return &executor.Ended{OutOfMemory: true, Node: p.Spec.NodeName, Why: fmt.Sprintf("rank %d: %s", rank, o.Why)}
	}
	fault, why := disrupted(p)
	switch {
	case p.Status.Phase == corev1.PodSucceeded && fault != "" && fault != executor.Deleted:
		a.after = interrupted(p, fault, fmt.Sprintf("rank %d: %s", rank, why))
		return nil
	case fault == "" || p.Status.Phase == corev1.PodSucceeded:
		return nil
	case p.DeletionTimestamp == nil || terminal(p):
	case a.asked[p.UID].IsZero():
		a.asked[p.UID] = time.Now()
	case time.Since(a.asked[p.UID]) > silence+grace(p):
		fault, why = executor.NodeLost, "it was told to end, and its node does not say that it did: "+why
	}
	return interrupted(p, fault, fmt.Sprintf("rank %d: %s", rank, why))
}
