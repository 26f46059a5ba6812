package workspace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor/kubernetes"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
)

// onKubernetes is the executor whose stages run on a cluster.
const onKubernetes = "kubernetes"

// The variables of the environment that say how stages run on a cluster. Which cluster it is, is said by KUBECONFIG, as to kubectl.
const (
	KubeImageVariable          = "MLP_KUBERNETES_IMAGE"
	KubeContextVariable        = "MLP_KUBERNETES_CONTEXT"
	KubeNamespaceVariable      = "MLP_KUBERNETES_NAMESPACE"
	KubeServiceAccountVariable = "MLP_KUBERNETES_SERVICE_ACCOUNT"
	KubeSecretVariable         = "MLP_KUBERNETES_SECRET"
	KubeSecretsVariable        = "MLP_KUBERNETES_SECRETS"
	KubeNodeSelectorVariable   = "MLP_KUBERNETES_NODE_SELECTOR"
	KubeRegistryVariable       = "MLP_KUBERNETES_REGISTRY"
	KubePullSecretVariable     = "MLP_KUBERNETES_PULL_SECRET"
)

// storeOf is the URL of the bucket that the store is in; empty where it is a folder.
func (w *Workspace) storeOf() (string, error) {
	u, err := w.storeURL()
	if u == nil || err != nil {
		return "", err
	}
	return u.String(), nil
}

// checkExecutor refuses an executor that cannot run any stage of the workspace, before anything is planned.
func (w *Workspace) checkExecutor(name string) error {
	if name != onKubernetes {
		return nil
	}
	url, err := w.storeOf()
	if err == nil {
		_, err = kubernetesOptions(url, 0)
	}
	return err
}

// kubernetesOptions are what the environment says, for a store at a URL.
func kubernetesOptions(store string, threads int) (o kubernetes.Options, err error) {
	o = kubernetes.Options{
		Store: store, Image: os.Getenv(KubeImageVariable), Context: os.Getenv(KubeContextVariable), Namespace: os.Getenv(KubeNamespaceVariable),
		ServiceAccount: os.Getenv(KubeServiceAccountVariable), Secret: os.Getenv(KubeSecretVariable), Secrets: os.Getenv(KubeSecretsVariable),
		Threads: threads, Registry: os.Getenv(KubeRegistryVariable), PullSecret: os.Getenv(KubePullSecretVariable),
	}
	switch {
	case o.Store == "":
		return o, &Failure{Err: errors.New("stages run on a cluster, and the store is a folder of this machine, which pods cannot reach"),
			Hint: "Name a bucket by --store, " + StoreVariable + " or store in the pipeline block, such as s3://models/fraud."}
	case o.Image == "":
		return o, &Failure{Err: errors.New("it is not said which image stages run in on the cluster"),
			Hint: "Set " + KubeImageVariable + " to one that has this mlp as /bin/mlp."}
	}
	if o.Registry != "" {
		if err := registry.Repository(o.Registry); err != nil {
			return o, fmt.Errorf("%s: %w", KubeRegistryVariable, err)
		}
	}
	if o.NodeSelector, err = kubernetes.Selector(os.Getenv(KubeNodeSelectorVariable)); err != nil {
		return o, fmt.Errorf("%s: %w", KubeNodeSelectorVariable, err)
	}
	return o, nil
}

// used is what stages had of memory when they last ran, by address, where a cluster is set up that is asked for as much.
func (s *Session) used(recorded *plan.State) map[string]plan.Used {
	if os.Getenv(KubeImageVariable) == "" {
		return nil
	}
	used := map[string]plan.Used{}
	for address, n := range recorded.Nodes {
		if a, ok, err := s.actions.Action(n.Fingerprint); ok && err == nil && a.PeakMemory > 0 { // else nothing is learnt
			used[address] = plan.Used{Memory: a.PeakMemory, At: a.StartedAt}
		}
	}
	return used
}

// openCluster opens the executor of a cluster.
func openCluster(ctx context.Context, store string, threads int) (*kubernetes.Executor, error) {
	o, err := kubernetesOptions(store, threads)
	if err != nil {
		return nil, err
	}
	o.Images = &Images{}
	ex, err := kubernetes.New(ctx, o)
	if err != nil {
		return nil, &Failure{Err: err, Hint: "KUBECONFIG and " + KubeContextVariable + " say which cluster it is, " + KubeNamespaceVariable + " the namespace."}
	}
	return ex, nil
}

// Manifests writes what an apply of a plan on a cluster would create, as YAML for kubectl: first what is applied to the namespace once, then one list for each stage
// that is to run there. What only an apply knows stands in capitals: its APPLY, the TASK, and the FINGERPRINT and IMAGE of a stage whose inputs are not known yet.
// The cluster is not asked.
func (s *Session) Manifests(ctx context.Context, to io.Writer, p *plan.Plan) error {
	url, err := s.w.storeOf()
	if err != nil {
		return err
	}
	o, err := kubernetesOptions(url, 0)
	if err != nil {
		return err
	}
	o.Namespace = cmp.Or(o.Namespace, "default")
	images := &Images{}
	defer images.Close()
	text, err := kubernetes.Namespace(o)
	if err != nil {
		return err
	}
	if _, err := to.Write(text); err != nil {
		return err
	}
	for _, n := range p.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun || onlyHere(n) || n.Builds() {
			continue
		}
		if text, err = s.manifest(ctx, o, images, p, n); err != nil {
			return fmt.Errorf("the Job of %s: %w", n.Address, err)
		}
		if _, err := to.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) manifest(ctx context.Context, o kubernetes.Options, images *Images, p *plan.Plan, n *plan.Node) ([]byte, error) {
	inputs := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		inputs[in.Port] = in.Digest
	}
	w, err := attempt.Whole(s.Store, attempt.Task{Pipeline: p.Pipeline, Workspace: p.Workspace, Apply: "APPLY", Node: p.Sized(n), Fingerprint: n.Fingerprint, Inputs: inputs})
	if err != nil {
		return nil, err
	}
	w.Task, w.Fingerprint = "TASK", cmp.Or(w.Fingerprint, "FINGERPRINT")
	if w.Program != nil && w.Program.ImageID == "" {
		w.Program.ImageID = "IMAGE"
	}
	return kubernetes.Manifest(ctx, o, images, w)
}
