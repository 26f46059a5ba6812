package initfrom

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/syntax"
)

// dvcPipeline is the pipeline over the stages of a dvc.yaml, in its canonical layout.
func dvcPipeline(name, from string, stages []*dvcStage, image string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s says, as blocks: each stage runs its commands on the files that it names there, and on no others, in the\n# image %s, without a network. Parameters stand here with the values that they had in their files.\n\n", comment(from), comment(image))
	fmt.Fprintf(&b, "pipeline %q {\n  description = \"What it is for.\"\n}\n\nlocals {\n  image = %s # docker build -t %s .\n}\n\n", name, syntax.Quote(image), image)
	for _, s := range stages {
		b.WriteString(s.block())
	}
	var all []figured
	for _, s := range stages {
		all = append(all, figured{s.name, s.figures})
	}
	b.WriteString(figuresGate(all))
	return laidOut(b.String())
}

// block is a stage, and the evaluation of its figures where it has any.
func (s *dvcStage) block() string {
	var b strings.Builder
	if s.Description != "" {
		fmt.Fprintf(&b, "# %s\n", comment(s.Description))
	}
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "# Otherwise in DVC: %s\n", comment(note))
	}
	fmt.Fprintf(&b, "stage \"python\" %q {\n", s.name)
	if len(s.reads) > 0 {
		var refs []string
		for _, name := range slices.Sorted(maps.Keys(s.reads)) {
			refs = append(refs, "stage."+name)
		}
		fmt.Fprintf(&b, "  from = [%s]\n", strings.Join(refs, ", "))
	}
	fmt.Fprintf(&b, "  script = %s\n", syntax.Quote(dvcScriptName))
	if len(s.files) > 0 {
		fmt.Fprintf(&b, "  files = [\n")
		for _, f := range s.files {
			fmt.Fprintf(&b, "    %s,\n", syntax.Quote(f))
		}
		b.WriteString("  ]\n")
	}
	b.WriteString("  base = local.image\n")
	if len(s.figures) > 0 {
		b.WriteString(figuresTable)
	}
	fmt.Fprintf(&b, "  params {\n%s  }\n}\n\n", s.params())
	b.WriteString(figuresEvaluation(s.name, dvcScriptName, s.figures))
	return b.String()
}

// params is what the script is told.
func (s *dvcStage) params() string {
	var b strings.Builder
	put := func(name string, v any) {
		fmt.Fprintf(&b, "    %s = %s\n", name, hclwrite.TokensForValue(valueOf(v)).Bytes())
	}
	put("run", texts(s.Commands))
	put("dir", s.Dir)
	put("outs", texts(s.Outs))
	if len(s.reads) > 0 {
		m := map[string]any{}
		for name, r := range s.reads {
			m[name] = texts(r.paths)
		}
		put("reads", m)
	}
	if len(s.Params) > 0 {
		params, floats := map[string]any{}, map[string]any{}
		for _, p := range s.Params {
			params[p.File] = p.Values
			if names := wholeFloats("", p.Values); len(names) > 0 {
				floats[p.File] = texts(names)
			}
		}
		put("params", params)
		if len(floats) > 0 {
			put("floats", floats)
		}
	}
	if len(s.figures) > 0 {
		put("metrics", texts(s.Metrics))
	}
	return b.String()
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// valueOf is a value of YAML as one of the language.
func valueOf(v any) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case int64:
		return cty.NumberIntVal(v)
	case float64:
		return cty.NumberFloatVal(v)
	case []any:
		out := make([]cty.Value, len(v))
		for i, x := range v {
			out[i] = valueOf(x)
		}
		return cty.TupleVal(out)
	case map[string]any:
		out := map[string]cty.Value{}
		for key, x := range v {
			out[key] = valueOf(x)
		}
		return cty.ObjectVal(out)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// wholeFloats names the numbers that are whole and written as floats, 1.0: the language has one type of numbers, and Python two.
func wholeFloats(prefix string, v any) []string {
	var out []string
	at := func(name string) string { return strings.TrimPrefix(prefix+"."+name, ".") }
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			out = append(out, prefix)
		}
	case []any:
		for i, x := range v {
			out = append(out, wholeFloats(at(strconv.Itoa(i)), x)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, wholeFloats(at(key), v[key])...)
		}
	}
	return out
}

// dvcDockerfile is an image of what the commands need. Code is no part of it: each stage is given the files that it reads.
func dvcDockerfile(requirements string) string {
	install := "# No requirements.txt was found: install here what the commands need.\n"
	if requirements != "" {
		install = fmt.Sprintf("COPY %s requirements.txt\nRUN pip install --no-cache-dir -r requirements.txt\n", requirements)
	}
	return "FROM python:3.12-slim\n" + install
}
