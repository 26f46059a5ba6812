package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes"
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
	KubeNodeSelectorVariable   = "MLP_KUBERNETES_NODE_SELECTOR"
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
		ServiceAccount: os.Getenv(KubeServiceAccountVariable), Secret: os.Getenv(KubeSecretVariable), Threads: threads,
	}
	switch {
	case o.Store == "":
		return o, &Failure{Err: errors.New("stages run on a cluster, and the store is a folder of this machine, which pods cannot reach"),
			Hint: "Name a bucket by --store, " + StoreVariable + " or store in the pipeline block, such as s3://models/fraud."}
	case o.Image == "":
		return o, &Failure{Err: errors.New("it is not said which image stages run in on the cluster"),
			Hint: "Set " + KubeImageVariable + " to one that has this mlp as /bin/mlp."}
	}
	if o.NodeSelector, err = kubernetes.Selector(os.Getenv(KubeNodeSelectorVariable)); err != nil {
		return o, fmt.Errorf("%s: %w", KubeNodeSelectorVariable, err)
	}
	return o, nil
}

// openCluster opens the executor of a cluster.
func openCluster(ctx context.Context, store string, threads int) (*kubernetes.Executor, error) {
	o, err := kubernetesOptions(store, threads)
	if err != nil {
		return nil, err
	}
	ex, err := kubernetes.New(ctx, o)
	if err != nil {
		return nil, &Failure{Err: err, Hint: "KUBECONFIG and " + KubeContextVariable + " say which cluster it is, " + KubeNamespaceVariable + " the namespace."}
	}
	return ex, nil
}
