package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
)

// TestPlanDigests computes the digests in plans from what spec/plan.md says of them, and from nothing else of ours.
func TestPlanDigests(t *testing.T) {
	for _, example := range []string{"fraud", "churn"} {
		p := jsonTree(t, mustRun(t, exampleCopy(t, example), "plan", "--format", "json"))
		id := p["plan_id"]
		delete(p, "envelope")
		p["plan_id"] = ""
		if got := specDigest("plan", p); got != id {
			t.Errorf("%s: the plan's id is %s, by the specification %s", example, id, got)
		}
		fingerprints := 0
		for _, x := range p["nodes"].([]any) {
			n := x.(map[string]any)
			if got := specDigest("definition", specDefinition(n)); got != n["definition"] {
				t.Errorf("%s: the definition of %s is %s, by the specification %s", example, n["address"], n["definition"], got)
			}
			if n["fingerprint"] == nil {
				continue
			}
			fingerprints++
			inputs := map[string]any{}
			for _, in := range n["inputs"].([]any) {
				inputs[in.(map[string]any)["port"].(string)] = in.(map[string]any)["digest"]
			}
			if got := specDigest("fingerprint", map[string]any{"definition": n["definition"], "inputs": inputs}); got != n["fingerprint"] {
				t.Errorf("%s: the fingerprint of %s is %s, by the specification %s", example, n["address"], n["fingerprint"], got)
			}
		}
		if fingerprints == 0 {
			t.Errorf("%s: no stage has a fingerprint", example)
		}
	}
}

// specDefinition is what a built-in component's definition is the digest of.
func specDefinition(n map[string]any) map[string]any {
	def := map[string]any{
		"Component": n["kind"].(string) + "." + n["type"].(string), "Version": n["component_version"], "Config": n["config"],
		"Container": nil, "In": specPorts(n["inputs"], false), "Out": specPorts(n["outputs"], true),
	}
	if engine, ok := n["component_engine"]; ok {
		def["Engine"] = engine
	}
	return def
}

func specPorts(list any, out bool) any {
	var ports []any
	for _, x := range list.([]any) {
		p := x.(map[string]any)
		port := map[string]any{"Port": p["port"], "Format": "", "Type": "", "Shape": p["shape"]}
		if p["format"] != nil {
			port["Format"] = p["format"]
		}
		if out {
			port["Type"], port["Shape"] = p["type"], nil
		}
		ports = append(ports, port)
	}
	if ports == nil {
		return nil
	}
	return ports
}

func specDigest(domain string, v any) string {
	sum := blake3.Sum256([]byte("mlp/" + domain + "\x00" + specCanonical(v)))
	return "blake3:" + hex.EncodeToString(sum[:])
}

// specCanonical writes canonical JSON.
func specCanonical(v any) string {
	var parts []string
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, specString(k)+":"+specCanonical(x[k]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		for _, e := range x {
			parts = append(parts, specCanonical(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case string:
		return specString(x)
	case json.Number:
		return x.String()
	case bool:
		return fmt.Sprint(x)
	}
	return "null"
}

func specString(s string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var b strings.Builder
	for _, r := range s {
		switch escaped, ok := short[r]; {
		case ok:
			b.WriteString(escaped)
		case r < 0x20, r == 0x2028, r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}
