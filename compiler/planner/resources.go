package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// label is a key or value of a label of Kubernetes, which an account's name is too.
var label = lazyregexp.New(`^[A-Za-z0-9]([A-Za-z0-9./_-]{0,300}[A-Za-z0-9])?$`)

// resources are what a block wants of where its stage runs; nil if nothing, false after a diagnostic.
func (p *planner) resources(b *check.Block, how *meta) (*schema.Resources, bool) {
	r := &schema.Resources{GPUs: int(how.GPUs), Architecture: how.Architecture, Tolerations: how.Tolerations, ServiceAccount: how.ServiceAccount}
	ok := true
	wrong := func(path, summary, hint string) {
		ok = false
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: cmp.Or(b.Ranges[path], b.Range), Summary: b.Address + ": " + summary, Hint: hint})
	}
	if how.GPUs < 0 {
		wrong("gpus", fmt.Sprintf("gpus = %v is no number of GPUs", how.GPUs), "")
	}
	if how.ServiceAccount != "" && !label().MatchString(how.ServiceAccount) {
		wrong("service_account", fmt.Sprintf("%q is no name of a service account", how.ServiceAccount), "")
	}
	for _, t := range how.Tolerations {
		if _, fits := schema.ParseToleration(t); !fits {
			wrong("tolerations", fmt.Sprintf("%q is no taint", t), `Write it as kubectl does: "gpu", "gpu:NoSchedule" or "dedicated=ml:NoExecute".`)
		}
	}
	labels, isMap := how.NodeSelector.(map[string]any)
	if how.NodeSelector != nil && !isMap {
		wrong("node_selector", "node_selector is no map of labels", `Write it as node_selector = { pool = "large" }.`)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value, isText := labels[key].(string)
		if !isText || !label().MatchString(key) || value != "" && !label().MatchString(value) {
			wrong("node_selector", fmt.Sprintf("%s = %v in node_selector is no label", key, labels[key]), `Labels are text: node_selector = { "gpu-count" = "2" }.`)
			continue
		}
		if r.NodeSelector == nil {
			r.NodeSelector = map[string]string{}
		}
		r.NodeSelector[key] = value
	}
	if len(r.Asked()) == 0 {
		r = nil
	}
	return r, ok
}

// architecture reports whether an image is for the architecture that a block asks for, as far as that is known. false after a diagnostic.
func (p *planner) architecture(b *check.Block, image schema.Image, version string, want *schema.Resources) bool {
	platform := plan.ImagePlatform(version)
	if want == nil || want.Architecture == "" || platform == "" {
		return true
	}
	if parts := strings.Split(platform, "/"); len(parts) > 1 && parts[1] == want.Architecture {
		return true
	}
	p.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeImage, Subject: cmp.Or(b.Ranges["architecture"], b.Ranges[image.Path], b.Range),
		Summary: fmt.Sprintf("the image %q of %s is for %s, and not for %s", image.Name, b.Address, platform, want.Architecture),
		Hint:    fmt.Sprintf("Build or load the one for linux/%s under this name, or name another image.", want.Architecture),
	})
	return false
}
