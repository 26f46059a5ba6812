package initfrom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/mlproject"
)

// mlprojectPipeline is the pipeline over the entry points of a project, in its canonical layout.
func mlprojectPipeline(name string, p *mlproject.Project, entries []*entryPoint, parameters []parameter, files []string, image string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What %s says, as blocks: each entry point is a stage that runs its command on the files named, in the image\n# %s, without a network. Its parameters are variables: --var alpha=0.5 is what -P alpha=0.5 was.\n\n", mlproject.Name, comment(image))
	fmt.Fprintf(&b, "pipeline %q {\n  description = \"What it is for.\"\n}\n\nlocals {\n  image = %s", name, syntax.Quote(image))
	if p.Env.Image == "" {
		fmt.Fprintf(&b, " # docker build -t %s .", image)
	}
	b.WriteString("\n  files = [\n")
	for _, f := range files {
		fmt.Fprintf(&b, "    %s,\n", syntax.Quote(f))
	}
	b.WriteString("  ]\n}\n\n")
	for _, v := range parameters {
		kind := "string"
		if v.Number() {
			kind = "number"
		}
		fmt.Fprintf(&b, "variable %q {\n  type = %s\n", v.name, kind)
		if v.Default != nil {
			fmt.Fprintf(&b, "  default = %s\n", hclwrite.TokensForValue(valueOf(v.Default)).Bytes())
		}
		b.WriteString("}\n\n")
	}
	var all []figured
	for _, e := range entries {
		e.block(&b, p.Env)
		all = append(all, figured{e.name, e.figures})
	}
	b.WriteString(figuresGate(all))
	return laidOut(b.String())
}

// block is an entry point, and the evaluation of its figures where it has any.
func (e *entryPoint) block(b *strings.Builder, env mlproject.Environment) {
	fmt.Fprintf(b, "stage \"python\" %q {\n  script = %s\n  files = local.files\n  base = local.image\n", e.name, syntax.Quote(mlprojectScriptName))
	if len(env.Env) > 0 {
		b.WriteString("  env = {\n")
		for _, v := range env.Env {
			fmt.Fprintf(b, "    %s = %s\n", syntax.Quote(v[0]), syntax.Quote(v[1]))
		}
		b.WriteString("  }\n")
	}
	if len(e.figures) > 0 {
		b.WriteString(figuresTable)
	}
	fmt.Fprintf(b, "  params {\n    run = %s\n", syntax.Quote(e.Command))
	var paths, floats []string
	if len(e.Parameters) > 0 {
		b.WriteString("    values = {\n")
		for _, p := range e.Parameters {
			fmt.Fprintf(b, "      %s = variable.%s\n", syntax.Quote(p.Name), e.variables[p.Name])
			switch _, whole := p.Default.(int64); {
			case p.Type == "path" || p.Type == "uri":
				paths = append(paths, syntax.Quote(p.Name))
			case p.Type == "float" && !whole:
				floats = append(floats, syntax.Quote(p.Name))
			}
		}
		b.WriteString("    }\n")
	}
	for _, list := range []struct {
		name  string
		names []string
	}{{"paths", paths}, {"floats", floats}} {
		if len(list.names) > 0 {
			fmt.Fprintf(b, "    %s = [%s]\n", list.name, strings.Join(list.names, ", "))
		}
	}
	b.WriteString("  }\n}\n\n")
	b.WriteString(figuresEvaluation(e.name, mlprojectScriptName, e.figures))
}

// mlprojectDockerfile is an image of what the environment of a project names. Code is no part of it: each stage is given the files that it reads.
func mlprojectDockerfile(env mlproject.Environment) string {
	if env.Conda != "" {
		return fmt.Sprintf("FROM condaforge/miniforge3:latest\nCOPY %[1]s /environment.yaml\nRUN conda env update --name base --file /environment.yaml && conda clean --all --yes\n", env.Conda)
	}
	version := env.Python
	if version == "" {
		version = "3.12"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "FROM python:%s-slim\n", version)
	if len(env.Packages) == 0 {
		b.WriteString("# The project names no packages: install here what the commands need.\n")
		return b.String()
	}
	files := slices.Compact(slices.Sorted(slices.Values(env.Files)))
	for _, f := range files {
		fmt.Fprintf(&b, "COPY %[1]s %[1]s\n", f)
	}
	b.WriteString("RUN pip install --no-cache-dir")
	for _, p := range env.Packages {
		if f, ok := strings.CutPrefix(p, "-r "); ok {
			fmt.Fprintf(&b, " -r %s", f)
			continue
		}
		fmt.Fprintf(&b, " '%s'", strings.ReplaceAll(p, "'", `'\''`))
	}
	b.WriteString("\n")
	return b.String()
}
