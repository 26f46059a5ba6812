// Package kubernetes runs stages on a cluster: each attempt is a Job of one pod, in which `mlp attempt` does all of it, from inputs
// that it fetches from the store to outputs and the record that it puts there. The store is a bucket that pods reach. A program in an image of
// its own runs in a container beside.
//
//	ex, err := kubernetes.New(kubernetes.Options{Store: "s3://models/fraud", Image: "registry/mlp:1"})
//	ended, err := ex.Attempt(ctx, whole)
package kubernetes

// What is believed when. The outcome is an object of the store, whose digest the container leaves as its termination message; it is all that
// decides how an attempt went. Where there is none, the record under the stage's fingerprint does. What the API says of Jobs and pods is
// a hint of when to look, and the reason where nobody left an outcome. So a status that lags, a pod that is gone, or a dropped answer
// changes when something is seen, and not what.
//
// A Job's name follows from the store and the fingerprint. Created twice it is created once: an apply that
// was killed leaves its Job, and the next apply waits for the same one.
//
// State is asked for and not watched: a list is whole each time, where a watch may expire, or lose what happened while it was away.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
)

// Options of the executor. Store and Image are required.
type Options struct {
	// Store is the URL of the bucket, which pods open with credentials of their own.
	Store string
	// Image has the binary of mlp as /bin/mlp, for the architecture of the nodes.
	Image string
	// Context of the kubeconfig; empty: the current one, or the cluster that mlp itself runs in.
	Context string
	// Namespace; empty: that of the context.
	Namespace string
	// ServiceAccount of pods; empty: the namespace's default. Its token is not mounted.
	ServiceAccount string
	// Secret of the namespace whose keys pods have as environment variables, such as AWS_ACCESS_KEY_ID; empty: none.
	Secret string
	// Secrets is the Secret of the namespace whose keys are the names of secrets that programs read; empty: a stage that reads one is refused.
	Secrets string
	// Registry is a repository, "registry.example/team/mlp", that images which stages made are pushed to, with the user's Docker credentials, and that nodes pull from;
	// empty: there is none.
	Registry string
	// PullSecret is a Secret of the namespace by which nodes pull the images of programs; empty: none, or that of the service account.
	PullSecret string
	// Images says what images are; nil: an image is known by its name with a digest, or by its ID.
	Images Images
	// NodeSelector is labels that a node must have.
	NodeSelector map[string]string
	// Threads of a stage; 0: all.
	Threads int
}

// Images says what images of programs are.
type Images interface {
	executor.Resolver
	// Reference is a name with a digest that a registry has an image under, registry/trainer@sha256:…, by the name and the ID; empty: none is known.
	Reference(ctx context.Context, name, id string) (string, error)
	// Save writes an image into a file, as docker save does.
	Save(ctx context.Context, id, file string) error
	Close() error
}

// Executor runs attempts as Jobs.
type Executor struct {
	opts      Options
	namespace string
	core      rest.Interface // pods and their logs
	batch     rest.Interface // Jobs
	network   rest.Interface // policies of the network
	http      *http.Client
	view      view // of Jobs and pods
	refusals  view // of why Jobs have no pods
}

var (
	_ executor.Executor = (*Executor)(nil)
	_ executor.Remote   = (*Executor)(nil)
	_ executor.Resolver = (*Executor)(nil)
	_ executor.Pusher   = (*Executor)(nil)
)

// Requests in a second that one apply may make of the API server of each group, on average and at once: a stage takes four of its own, and a thousand stages
// a minute are few beside what a server bears, which protects itself besides (API Priority and Fairness).
const (
	requestRate  = 200
	requestBurst = 400
)

// New returns an executor for a cluster whose API server answers, and lets the caller list Jobs in the namespace.
func New(ctx context.Context, o Options) (*Executor, error) {
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: o.Context})
	config, err := loaded.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	e := &Executor{opts: o, namespace: o.Namespace}
	if e.namespace == "" {
		if e.namespace, _, err = loaded.Namespace(); err != nil {
			return nil, fmt.Errorf("finding the namespace: %w", err)
		}
	}
	if err := e.connect(config); err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	if err := e.batch.Get().Namespace(e.namespace).Resource("jobs").Param("limit", "1").Do(ctx).Error(); err != nil {
		return nil, errors.Join(fmt.Errorf("asking the cluster at %s for Jobs of namespace %s: %w", config.Host, e.namespace, err), e.Close())
	}
	return e, nil
}

// connect makes a client for each of the groups of the API that are used. The types of these are all that is registered: the clients of
// the whole API would add megabytes to the binary.
func (e *Executor) connect(config *rest.Config) (err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), batchv1.AddToScheme(scheme), networkingv1.AddToScheme(scheme)); err != nil {
		return err
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.QPS, config.Burst, config.UserAgent = requestRate, requestBurst, "mlp"
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON // a list of many pods is read in a fraction of the time
	if e.http, err = rest.HTTPClientFor(config); err != nil {
		return err
	}
	client := func(path string, version schema.GroupVersion) (rest.Interface, error) {
		c := rest.CopyConfig(config)
		c.APIPath, c.GroupVersion = path, &version
		return rest.RESTClientForConfigAndClient(c, e.http)
	}
	if e.core, err = client("/api", corev1.SchemeGroupVersion); err != nil {
		return err
	}
	if e.network, err = client("/apis", networkingv1.SchemeGroupVersion); err != nil {
		return err
	}
	e.batch, err = client("/apis", batchv1.SchemeGroupVersion)
	return err
}

// Name is "kubernetes".
func (e *Executor) Name() string { return "kubernetes" }

// Places are all resources: the cluster's scheduler goes by them.
func (e *Executor) Places() []string {
	return []string{"architecture", "gpus", "node_selector", "service_account", "tolerations"}
}

// Run fails: a pod does not see folders of this machine. Attempt is for attempts as a whole.
func (e *Executor) Run(_ context.Context, t executor.Task) (executor.Result, error) {
	return executor.Result{}, fmt.Errorf("%s: a pod has no folders of this machine: %w", t.Address, executor.ErrUnsupported)
}

// Resolve says what an image is, as the engine of this machine has it: an image is one thing, wherever it runs.
func (e *Executor) Resolve(ctx context.Context, image string) (id, platform string, err error) {
	if e.opts.Images == nil {
		return "", "", fmt.Errorf("nobody knows what image %s is: %w", image, executor.ErrImage)
	}
	return e.opts.Images.Resolve(ctx, image)
}

// reference is how nodes are told of the image of a program, such that it is that one and no other: by a name with its digest, which a node can pull,
// or else by its ID, for nodes that have it. Empty of a built-in component.
func (e *Executor) reference(ctx context.Context, w executor.Whole) (string, error) {
	p := w.Program
	switch {
	case p == nil:
		return "", nil
	case len(p.Secrets) > 0 && e.opts.Secrets == "":
		return "", fmt.Errorf("%s reads secret.%s, and it is not said which Secret of the namespace has it: %w", w.Address, p.Secrets[0], executor.ErrUnsupported)
	case p.Whole:
		return "", fmt.Errorf("%s runs in an image that is made here, and nodes pull theirs of a registry: name a repository by MLP_KUBERNETES_REGISTRY, registry.example/team/mlp, which it is pushed to: %w", w.Address, executor.ErrUnsupported)
	case strings.Contains(p.Image, "@sha256:") && !p.Made:
		return p.Image, nil
	case e.opts.Images == nil:
		return p.ImageID, nil
	}
	name, err := e.opts.Images.Reference(ctx, p.Image, p.ImageID)
	if name == "" || errors.Is(err, executor.ErrImage) || errors.Is(err, executor.ErrUnavailable) {
		return p.ImageID, nil
	}
	return name, err
}

// Push puts an image that a stage made into the registry of the options.
func (e *Executor) Push(ctx context.Context, m *executor.Made, id string) (string, error) {
	if e.opts.Registry == "" {
		return "", nil
	}
	below := ""
	if id != "" && e.opts.Images != nil {
		var err error
		if below, err = e.opts.Images.Reference(ctx, "", id); err != nil {
			return "", err
		}
		if below == "" {
			below = filepath.Join(m.Dir, "below.tar")
			if err := e.opts.Images.Save(ctx, id, below); err != nil {
				return "", err
			}
			defer os.Remove(below)
		}
	}
	return registry.Push(ctx, e.opts.Registry, m, below)
}

// Close ends idle connections, and Images.
func (e *Executor) Close() error {
	e.http.CloseIdleConnections()
	if e.opts.Images == nil {
		return nil
	}
	return e.opts.Images.Close()
}

// Selector reads labels as they are written, "pool=ml,disk=ssd".
func Selector(text string) (map[string]string, error) {
	labels := map[string]string{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is no label: expected key=value, several with commas between", pair)
		}
		labels[key] = value
	}
	return labels, nil
}
