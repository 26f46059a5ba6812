package kubernetes

import "testing"

// TestUnpulled: why an image cannot be pulled stands behind its name, and before what is cut of a long message.
func TestUnpulled(t *testing.T) {
	const (
		image = "registry.example:5000/team/mlp@sha256:fc82"
		told  = ". Nodes pull with the credentials of the Secret that MLP_KUBERNETES_PULL_SECRET names, or that of their service account: there are none, or not those of the registry"
	)
	for message, want := range map[string]string{
		`Back-off pulling image "` + image + `": ErrImagePull: failed to pull and unpack image "` + image + `": failed to resolve reference "` + image + `": pulling from host registry.example:5000 failed with status code [manifests sha256:fc82]: 401 Unauthorized`: image + ": pulling from host registry.example:5000 failed with status code 401 Unauthorized" + told,
		`rpc error: code = NotFound desc = failed to pull and unpack image "a:1": failed to resolve reference "a:1": a:1: not found`:                                                                                                                                    "a:1: a:1: not found",
		`failed to pull image "a:1": pull access denied: authorization failed`: "a:1: pull access denied: authorization failed" + told,
		`the node has no disk`: "the node has no disk",
		"":                     "",
	} {
		if got := unpulled(message); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
