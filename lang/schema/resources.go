package schema

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Resources are what a stage wants of where it runs besides memory, disk and processors: none of it decides a result. Which executor sees to which is the
// executor's to say (executor.Placer); one that is asked for and not seen to is an error before anything runs.
type Resources struct {
	GPUs           int               `json:"gpus,omitempty"`
	Architecture   string            `json:"architecture,omitempty" is:"word"`    // "amd64"
	NodeSelector   map[string]string `json:"node_selector,omitempty" is:"text"`   // labels that a node of a cluster must have
	Tolerations    []string          `json:"tolerations,omitempty" is:"text"`     // taints of nodes: "gpu=true:NoSchedule"
	ServiceAccount string            `json:"service_account,omitempty" is:"word"` // of the cluster
}

// Asked are the attributes that are set, by name, sorted.
func (r *Resources) Asked() []string {
	var out []string
	if r == nil {
		return nil
	}
	for name, set := range map[string]bool{
		"architecture": r.Architecture != "", "gpus": r.GPUs > 0, "node_selector": len(r.NodeSelector) > 0, "service_account": r.ServiceAccount != "", "tolerations": len(r.Tolerations) > 0,
	} {
		if set {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// WithoutGPUs are the resources less GPUs, which nobody needs who makes an image; nil if nothing is left.
func (r *Resources) WithoutGPUs() *Resources {
	if r == nil {
		return nil
	}
	rest := *r
	if rest.GPUs = 0; len(rest.Asked()) == 0 {
		return nil
	}
	return &rest
}

// Toleration is a taint of a node that a stage may run in spite of.
type Toleration struct {
	Key, Value, Effect string // an empty Effect: any
	Valued             bool   // the taint must have Value; else any
}

// toleration is how kubectl writes a taint: key, key:effect, key=value, key=value:effect.
var toleration = lazyregexp.New(`^([A-Za-z0-9]([A-Za-z0-9./_-]*[A-Za-z0-9])?)(=[A-Za-z0-9._-]*)?(:(NoSchedule|PreferNoSchedule|NoExecute))?$`)

// ParseToleration reads one as kubectl writes taints: "gpu", "gpu=true", "gpu=true:NoSchedule"; false if it is none.
func ParseToleration(s string) (Toleration, bool) {
	m := toleration().FindStringSubmatch(s)
	if m == nil {
		return Toleration{}, false
	}
	value, valued := strings.CutPrefix(m[3], "=")
	return Toleration{Key: m[1], Value: value, Valued: valued, Effect: m[5]}, true
}
