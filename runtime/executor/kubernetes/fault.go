package kubernetes

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// disruptions are the reasons of the condition DisruptionTarget, which a pod gets before it is told to end
// (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions).
var disruptions = map[string]executor.Fault{
	"PreemptionByScheduler":  executor.Preempted,
	"EvictionByEvictionAPI":  executor.Evicted, // also a drain, which evicts pod by pod
	"TerminationByKubelet":   executor.Evicted, // its node ran short of something, or is shut down in order
	"DeletionByTaintManager": executor.Evicted, // one that ends in its time is on a node that answers
	"DeletionByPodGC":        executor.NodeLost,
}

// reasons are those of a pod's status that the kubelet sets.
var reasons = map[string]executor.Fault{
	"Evicted": executor.Evicted, "NodeShutdown": executor.Evicted, "Terminated": executor.Evicted, "Shutdown": executor.Evicted,
	"Preempting": executor.Preempted, "NodeLost": executor.NodeLost,
	"OutOfcpu": executor.Unplaced, "OutOfmemory": executor.Unplaced, "OutOfpods": executor.Unplaced, "OutOfephemeral-storage": executor.Unplaced,
	"NodeAffinity": executor.Unplaced, "UnexpectedAdmissionError": executor.Unplaced,
}

// disrupted is what befell a pod that its stage did not do, and who says so; empty: nothing is known of such.
func disrupted(p *corev1.Pod) (fault executor.Fault, why string) {
	for _, c := range p.Status.Conditions {
		if c.Type != corev1.DisruptionTarget || c.Status != corev1.ConditionTrue {
			continue
		}
		// What the node itself says is nearer: "The node was low on resource: memory".
		return cmp.Or(disruptions[c.Reason], executor.Evicted), strings.TrimSpace(fmt.Sprintf("%s: %s", c.Reason, cmp.Or(p.Status.Message, c.Message)))
	}
	if fault := reasons[p.Status.Reason]; fault != "" {
		return fault, strings.TrimSpace(fmt.Sprintf("%s: %s", p.Status.Reason, p.Status.Message))
	}
	if p.DeletionTimestamp != nil {
		return executor.Deleted, "its pod " + p.Name + " was deleted"
	}
	return "", ""
}

// terminal reports whether nothing of a pod runs any more, as its node says.
func terminal(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
}

// interrupted is the end of an attempt by what befell its pod.
func interrupted(p *corev1.Pod, fault executor.Fault, why string) *executor.Ended {
	return &executor.Ended{Fault: fault, Node: p.Spec.NodeName, Why: why, Again: true}
}
