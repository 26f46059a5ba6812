package kubernetes

import (
	"cmp"
	"maps"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
)

const (
	// container is the name of the one container of a pod.
	container = "stage"
	// folder is where a pod may write: a volume that ends with it.
	folder = "/tmp"
	// nobody is the user of pods.
	nobody = 65534
	// besideMB is what the container may have besides the memory of its stage: for the process that fetches, hashes and stores.
	besideMB = 256
	// around is what a pod may take beyond the time-out of its stage, to fetch inputs and store outputs. The stage's own time-out is kept
	// inside the pod, where it is known when the stage began; this ends a pod that hangs.
	around = time.Hour
	// kept is how long a Job that has ended stays if nobody removes it, as after its apply was killed.
	kept = time.Hour
	// ending is how long a pod that is told to end may take.
	ending = 5 * time.Second
)

// Labels and annotations of Jobs and pods.
const (
	managedLabel       = "app.kubernetes.io/managed-by"
	managed            = "mlp"
	fingerprintLabel   = "mlp.fingerprint" // the first 63 of its 64 digits, as long as a label may be
	pipelineAnnotation = "mlp.pipeline"
	spaceAnnotation    = "mlp.workspace"
	addressAnnotation  = "mlp.address"
	applyAnnotation    = "mlp.apply"
)

// name is the name of an attempt's Job: a function of what it yields and where. Two stores must not share a Job, which writes to one. The number of
// the attempt is not in it: there is one at a time, and one whose Job could not be asked after goes on as the next.
func (e *Executor) name(w executor.Whole) string {
	sum := strings.TrimPrefix(string(digest.Of([]byte(e.opts.Store+"\n"+w.Fingerprint))), digest.Prefix)
	return "mlp-" + sum[:32]
}

// job is the Job of an attempt.
func (e *Executor) job(w executor.Whole) *batchv1.Job {
	hex := strings.TrimPrefix(w.Fingerprint, digest.Prefix)
	meta := metav1.ObjectMeta{
		Labels: map[string]string{managedLabel: managed, fingerprintLabel: hex[:min(len(hex), 63)]},
		Annotations: map[string]string{
			pipelineAnnotation: w.Pipeline, spaceAnnotation: w.Workspace, addressAnnotation: w.Address, applyAnnotation: w.Apply,
		},
	}
	job := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: *meta.DeepCopy(),
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(int32), // whether there is another attempt is for the engine to say
			TTLSecondsAfterFinished: pointer(int32(kept.Seconds())),
			// A pod that is evicted, preempted or drained is no attempt that failed: the Job makes another one.
			PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
				Action:          batchv1.PodFailurePolicyActionIgnore,
				OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}},
			}}},
			Template: corev1.PodTemplateSpec{ObjectMeta: meta, Spec: e.pod(w)},
		},
	}
	job.Name, job.Namespace = e.name(w), e.namespace
	return job
}

// pod is what the Job makes pods of. It has as few rights as a container that docker runs, but for a network, by which it reaches the bucket.
func (e *Executor) pod(w executor.Whole) corev1.PodSpec {
	spec := corev1.PodSpec{
		RestartPolicy:                 corev1.RestartPolicyNever,
		ActiveDeadlineSeconds:         pointer(int64((w.Timeout + around).Seconds())), // of the pod, from when a node has it: a queue takes no time of it
		TerminationGracePeriodSeconds: pointer(int64(ending.Seconds())),
		ServiceAccountName:            e.opts.ServiceAccount,
		AutomountServiceAccountToken:  new(bool),
		EnableServiceLinks:            new(bool),
		NodeSelector:                  e.opts.NodeSelector,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: pointer(true), RunAsUser: pointer(int64(nobody)), RunAsGroup: pointer(int64(nobody)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Volumes: []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers: []corev1.Container{{
			Name: container, Image: e.opts.Image, ImagePullPolicy: corev1.PullIfNotPresent,
			Command: []string{"/bin/mlp"},
			Args: []string{"-C", folder, "attempt", "--store", e.opts.Store, "--task", w.Task, "--outcome", corev1.TerminationMessagePathDefault,
				"--threads", strconv.Itoa(e.opts.Threads)},
			Env:          []corev1.EnvVar{{Name: "HOME", Value: folder}, {Name: "TMPDIR", Value: folder}, {Name: "TZ", Value: "UTC"}},
			Resources:    resources(w),
			VolumeMounts: []corev1.VolumeMount{{Name: "tmp", MountPath: folder}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: pointer(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	place(&spec, w.Resources)
	if e.opts.Secret != "" {
		spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: e.opts.Secret},
		}}}
	}
	return spec
}

// place has the scheduler choose a node as the stage asks.
func place(spec *corev1.PodSpec, r *schema.Resources) {
	if r == nil {
		return
	}
	nodes := maps.Clone(spec.NodeSelector)
	if nodes == nil {
		nodes = map[string]string{}
	}
	maps.Copy(nodes, r.NodeSelector)
	if r.Architecture != "" {
		nodes[corev1.LabelArchStable] = r.Architecture
	}
	spec.NodeSelector = nodes
	spec.ServiceAccountName = cmp.Or(r.ServiceAccount, spec.ServiceAccountName)
	for _, s := range r.Tolerations {
		t, _ := schema.ParseToleration(s) // the plan has no others
		out := corev1.Toleration{Key: t.Key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffect(t.Effect)}
		if t.Valued {
			out.Operator, out.Value = corev1.TolerationOpEqual, t.Value
		}
		spec.Tolerations = append(spec.Tolerations, out)
	}
}

// gpu is the resource of nodes with GPUs, by the name that NVIDIA's device plugin gives it.
const gpu = "nvidia.com/gpu"

// resources are what the scheduler goes by, and limits where the stage says any.
func resources(w executor.Whole) corev1.ResourceRequirements {
	limits := corev1.ResourceList{}
	if w.MemoryMB > 0 {
		limits[corev1.ResourceMemory] = *resource.NewQuantity((w.MemoryMB+besideMB)<<20, resource.BinarySI)
	}
	if w.CPUs > 0 {
		limits[corev1.ResourceCPU] = *resource.NewMilliQuantity(int64(w.CPUs*1000), resource.DecimalSI)
	}
	if w.Resources != nil && w.Resources.GPUs > 0 {
		limits[gpu] = *resource.NewQuantity(int64(w.Resources.GPUs), resource.DecimalSI)
	}
	return corev1.ResourceRequirements{Limits: limits, Requests: limits}
}

func pointer[T any](v T) *T { return &v }
