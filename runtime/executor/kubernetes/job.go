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
	"github.com/mlp-lang/mlp/runtime/executor/beside"
)

const (
	// container is the name of the one container of a pod.
	container = "stage"
	// program is the name of the container of a program, beside that of mlp.
	program = "program"
	// folder is where a pod may write: a volume that ends with it.
	folder = "/tmp"
	// shared is where mlp has the folder that it shares with a program.
	shared = "/work"
	// nobody is the user of pods.
	nobody = 65534
	// besideMB is what the container may have besides the memory of its stage: for the process that fetches, hashes and stores.
	besideMB = 256
	// waitingMB is what a program's container may have besides the program's: for what starts the program there.
	waitingMB = 64
	// around is what a pod may take beyond the time-out of its stage, to fetch inputs and store outputs. The stage's own time-out is kept
	// inside the pod, where it is known when the stage began; this ends a pod that hangs.
	around = time.Hour
	// kept is how long a Job that has ended stays if nobody removes it, as after its apply was killed.
	kept = time.Hour
	// ending is how long a pod that is told to end may take, and endingProgram the same where it has a program, which may keep something and
	// has it stored then.
	ending, endingProgram = 10 * time.Second, time.Minute
)

// Labels and annotations of Jobs and pods.
const (
	managedLabel       = "app.kubernetes.io/managed-by"
	managed            = "mlp"
	networkLabel       = "mlp.network" // of pods: open for a program that asks for one, else closed
	openNetwork        = "open"
	closedNetwork      = "closed"
	fingerprintLabel   = "mlp.fingerprint" // the first 63 of its 64 digits, as long as a label may be
	storeLabel         = "mlp.store"       // of all Jobs of a store, which are asked after together
	pipelineAnnotation = "mlp.pipeline"
	spaceAnnotation    = "mlp.workspace"
	addressAnnotation  = "mlp.address"
	applyAnnotation    = "mlp.apply"
)

// name is the name of an attempt's Job: a function of what it yields and where. Two stores must not share a Job, which writes to one. The number of
// the attempt is not in it: there is one at a time, and one whose Job could not be asked after goes on as the next.
func (e *Executor) name(w executor.Whole) string {
	if w.Fingerprint == strings.ToUpper(w.Fingerprint) { // of a manifest, before it is known
		return "mlp-" + w.Fingerprint
	}
	return "mlp-" + short(e.opts.Store+"\n"+w.Fingerprint)
}

// store is the store as a label may have it.
func (e *Executor) store() string { return short(e.opts.Store) }

// short is a digest of a text, as long as a name bears.
func short(text string) string {
	return strings.TrimPrefix(string(digest.Of([]byte(text))), digest.Prefix)[:32]
}

// job is the Job of an attempt. The image is that of the program, as the nodes know it; empty of a built-in component.
func (e *Executor) job(w executor.Whole, image string) *batchv1.Job {
	hex := strings.TrimPrefix(w.Fingerprint, digest.Prefix)
	meta := metav1.ObjectMeta{
		Labels: map[string]string{managedLabel: managed, storeLabel: e.store(), fingerprintLabel: hex[:min(len(hex), 63)], networkLabel: closedNetwork},
		Annotations: map[string]string{
			pipelineAnnotation: w.Pipeline, spaceAnnotation: w.Workspace, addressAnnotation: w.Address, applyAnnotation: w.Apply,
		},
	}
	if w.Program != nil && w.Program.Network {
		meta.Labels[networkLabel] = openNetwork
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
	if w.Program != nil {
		e.withProgram(&job.Spec.Template.Spec, w, image)
	}
	if w.Program != nil && w.Program.Replicas > 1 {
		withRanks(job, w.Program.Replicas)
	}
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
		NodeSelector:                  maps.Clone(e.opts.NodeSelector),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: pointer(true), RunAsUser: pointer(int64(nobody)), RunAsGroup: pointer(int64(nobody)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Volumes: []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers: []corev1.Container{{
			Name: container, Image: e.opts.Image, ImagePullPolicy: corev1.PullIfNotPresent,
			Command: []string{"/bin/mlp"},
			Args: []string{"-C", folder, "attempt", "--store", e.opts.Store, "--task", w.Task, "--outcome", corev1.TerminationMessagePathDefault,
				"--threads", strconv.Itoa(e.opts.Threads), "--on", "kubernetes", "--node", "$(" + nodeVariable + ")"},
			Env: []corev1.EnvVar{{Name: "HOME", Value: folder}, {Name: "TMPDIR", Value: folder}, {Name: "TZ", Value: "UTC"},
				{Name: nodeVariable, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "spec.nodeName"}}}},
			Resources:       resources(w, besideMB),
			VolumeMounts:    []corev1.VolumeMount{{Name: "tmp", MountPath: folder}},
			SecurityContext: closed(),
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

// nodeVariable has the name of the node in the container of mlp.
const nodeVariable = "MLP_NODE"

// withProgram makes the pod one of a program: an init container lays out the folder that the containers share, and puts mlp in it; the program's container waits,
// by that mlp, until it is asked (runtime/executor/beside). It has the image of the block, and of the pod nothing but its own folders: no credentials, no
// token, no variables. What it is to run it is told there, so that nothing of the stage is in the Job.
func (e *Executor) withProgram(spec *corev1.PodSpec, w executor.Whole, image string) {
	p, stage := w.Program, &spec.Containers[0]
	if e.opts.PullSecret != "" {
		spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: e.opts.PullSecret}}
	}
	spec.Hostname, spec.TerminationGracePeriodSeconds = "stage", pointer(int64(endingProgram.Seconds()))
	if _, arch, ok := strings.Cut(p.Platform, "/"); ok {
		if spec.NodeSelector == nil {
			spec.NodeSelector = map[string]string{}
		}
		arch, _, _ = strings.Cut(arch, "/")
		spec.NodeSelector[corev1.LabelArchStable] = arch
	}
	inMemory := max(1, w.MemoryMB/2)
	spec.Volumes = append(spec.Volumes, volume("work", corev1.EmptyDirVolumeSource{}),
		volume("program-tmp", corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: resource.NewQuantity(inMemory<<20, resource.BinarySI)}))
	whole := corev1.VolumeMount{Name: "work", MountPath: shared}
	spec.InitContainers = []corev1.Container{{
		Name: "folders", Image: e.opts.Image, ImagePullPolicy: corev1.PullIfNotPresent, Command: []string{"/bin/mlp"}, Args: []string{"beside", "install", shared},
		Resources: corev1.ResourceRequirements{Limits: mebibytes(besideMB), Requests: mebibytes(besideMB)}, VolumeMounts: []corev1.VolumeMount{whole}, SecurityContext: closed(),
	}}
	stage.Args[1] = shared
	stage.Args = append(stage.Args, "--beside", shared)
	stage.VolumeMounts = append(stage.VolumeMounts, whole)
	// What surrounds the program needs little for itself, but converts the same tables. Processors and GPUs are the program's.
	stage.Resources.Requests = mebibytes(besideMB)
	delete(stage.Resources.Limits, corev1.ResourceCPU)
	delete(stage.Resources.Limits, gpu)
	part := func(name, at string, readOnly bool) corev1.VolumeMount {
		return corev1.VolumeMount{Name: "work", SubPath: name, MountPath: at, ReadOnly: readOnly}
	}
	mounts := []corev1.VolumeMount{
		part(beside.RootFolder, "/mlp", true), part(beside.RootFolder+"/out", "/mlp/out", false), part(beside.RootFolder+"/checkpoint", "/mlp/checkpoint", false),
		part(beside.RunFolder, "/mlp-run", true), {Name: "program-tmp", MountPath: "/tmp"},
	}
	if p.Made {
		mounts = append(mounts, part(beside.MadeFolder+beside.Over, beside.Over, true))
	}
	if len(p.Secrets) > 0 {
		secrets := volume("secrets", corev1.EmptyDirVolumeSource{})
		secrets.VolumeSource = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: e.opts.Secrets}}
		for _, name := range p.Secrets {
			secrets.Secret.Items = append(secrets.Secret.Items, corev1.KeyToPath{Key: name, Path: name})
		}
		spec.Volumes = append(spec.Volumes, secrets)
		mounts = append(mounts, corev1.VolumeMount{Name: "secrets", MountPath: "/mlp/secrets", ReadOnly: true})
		stage.VolumeMounts = append(stage.VolumeMounts, corev1.VolumeMount{Name: "secrets", MountPath: shared + "/" + beside.RootFolder + "/secrets", ReadOnly: true})
	}
	pull := corev1.PullIfNotPresent
	if strings.HasPrefix(image, "sha256:") { // by its ID it is on a node or nowhere
		pull = corev1.PullNever
	}
	spec.Containers = append(spec.Containers, corev1.Container{
		Name: program, Image: image, ImagePullPolicy: pull, Command: []string{"/mlp-run/" + beside.Binary}, Args: []string{"beside", "run", "/mlp-run"},
		Resources: resources(w, waitingMB), VolumeMounts: mounts, SecurityContext: closed(),
	})
}

func volume(name string, dir corev1.EmptyDirVolumeSource) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &dir}}
}

func mebibytes(n int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(n<<20, resource.BinarySI)}
}

// closed are the walls of every container.
func closed() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: pointer(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

// resources are what the scheduler goes by, and limits. The container may have as many MiB more, for what is no part of the stage.
func resources(w executor.Whole, more int64) corev1.ResourceRequirements {
	limits := mebibytes(w.MemoryMB + more)
	if w.CPUs > 0 {
		limits[corev1.ResourceCPU] = *resource.NewMilliQuantity(int64(w.CPUs*1000), resource.DecimalSI)
	}
	if w.Resources != nil && w.Resources.GPUs > 0 {
		limits[gpu] = *resource.NewQuantity(int64(w.Resources.GPUs), resource.DecimalSI)
	}
	return corev1.ResourceRequirements{Limits: limits, Requests: maps.Clone(limits)}
}

func pointer[T any](v T) *T { return &v }
