package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// applier is the name of the account, the role and its binding of who applies; stages that of the policy of the network of all stages, and
// networked that of programs that ask for a network. Replicas of a stage have one of their own besides (meeting).
const (
	applier   = "mlp-apply"
	stages    = "mlp-stages"
	networked = "mlp-stages-with-network"
)

// rights are all that this executor asks of the API server. None of them reads a Secret or starts anything but Jobs.
var rights = []rbacv1.PolicyRule{
	{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "get", "list", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
	{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"list"}},
	// Both are of replicas, and are removed with their Jobs.
	{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: []string{"create", "get"}},
	{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"networkpolicies"}, Verbs: []string{"create", "get"}},
}

// Namespace writes what whoever looks after a namespace applies once, as YAML: the account of who applies with the rights that this executor needs, and
// policies of the network, by which stages reach names and the store and nothing else, and programs that ask for a network all.
func Namespace(o Options) ([]byte, error) {
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: o.Namespace, Labels: map[string]string{managedLabel: managed}}
	}
	objects := []any{
		&corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(applier)},
		&rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"}, ObjectMeta: meta(applier), Rules: rights},
		&rbacv1.RoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}, ObjectMeta: meta(applier),
			RoleRef:  rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: applier},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: applier, Namespace: o.Namespace}},
		},
	}
	reach, err := toStore(o.Store)
	if err != nil {
		return nil, err
	}
	policy := func(name string, of map[string]string, egress ...networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicy {
		return &networkingv1.NetworkPolicy{
			TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, ObjectMeta: meta(name),
			Spec: networkingv1.NetworkPolicySpec{
				PodSelector: metav1.LabelSelector{MatchLabels: of}, Egress: egress,
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}, // of which none comes in
			},
		}
	}
	objects = append(objects,
		policy(stages, map[string]string{managedLabel: managed, networkLabel: closedNetwork}, reach...),
		policy(networked, map[string]string{managedLabel: managed, networkLabel: openNetwork}, networkingv1.NetworkPolicyEgressRule{}))
	if o.ServiceAccount != "" {
		objects = append(objects, &corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(o.ServiceAccount), AutomountServiceAccountToken: new(bool)})
	}
	return documents("the namespace, once", objects...)
}

// toStore lets pods ask for names, and reach the store by its port; by its address too where that is given as one.
func toStore(store string) ([]networkingv1.NetworkPolicyEgressRule, error) {
	u, err := url.Parse(store)
	if err != nil {
		return nil, fmt.Errorf("the store's URL: %w", err)
	}
	port, to := 443, []networkingv1.NetworkPolicyPeer(nil)
	if at, err := url.Parse(u.Query().Get("endpoint")); err == nil && at.Host != "" {
		if at.Scheme == "http" {
			port = 80
		}
		if n, err := strconv.Atoi(at.Port()); err == nil {
			port = n
		}
		if ip := net.ParseIP(at.Hostname()); ip != nil {
			bits := 32
			if ip.To4() == nil {
				bits = 128
			}
			to = []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: fmt.Sprintf("%s/%d", ip, bits)}}}
		}
	}
	on := func(protocol corev1.Protocol, port int) networkingv1.NetworkPolicyPort {
		return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: pointer(intstr.FromInt(port))}
	}
	return []networkingv1.NetworkPolicyEgressRule{
		{Ports: []networkingv1.NetworkPolicyPort{on(corev1.ProtocolUDP, 53), on(corev1.ProtocolTCP, 53)}},
		{To: to, Ports: []networkingv1.NetworkPolicyPort{on(corev1.ProtocolTCP, port)}},
	}, nil
}

// Manifest writes the Job of an attempt as YAML, and the Service and the policy of the network of one of several replicas, which is what Attempt would create.
// What is not known before an apply stands in capitals in w; an image so too, if it is not known.
func Manifest(ctx context.Context, o Options, images Images, w executor.Whole) ([]byte, error) {
	o.Images = images // nil: images have no other names than those in w
	e := &Executor{opts: o, namespace: o.Namespace}
	image, known := "", w.Program == nil || w.Program.ImageID == strings.ToLower(w.Program.ImageID)
	switch {
	case !known:
		image = w.Program.ImageID
	case w.Program != nil && w.Program.Made && o.Registry != "": // which an apply pushes
		image, w.Program.Made = "IMAGE", false
	default:
		var err error
		if image, err = e.reference(ctx, w); err != nil {
			return nil, err
		}
	}
	job := e.job(w, image)
	if replicasOf(job) > 1 {
		return documents(w.Address, job, meeting(job), service(job))
	}
	return documents(w.Address, job)
}

// documents are objects as one list, without what only a cluster says of them.
func documents(title string, objects ...any) ([]byte, error) {
	out := bytes.NewBufferString("---\n# " + title + "\n")
	items := []any{}
	for _, o := range objects {
		data, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		var plain map[string]any
		if err := json.Unmarshal(data, &plain); err != nil {
			return nil, err
		}
		delete(plain, "status")
		items = append(items, bare(plain))
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		return nil, err
	}
	out.Write(text)
	return out.Bytes(), nil
}

// bare leaves out times that nothing has set.
func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if name == "creationTimestamp" && member == nil {
				delete(v, name)
			} else {
				v[name] = bare(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
	}
	return v
}
