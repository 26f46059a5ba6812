package eject

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/python"
)

// copyExternal copies the files that a stage reads of the module and returns the folder that their names are relative to.
// A file that is not what was planned is refused: what the folder says of digests would not be true.
func (w *writer) copyExternal(t *target, e *plan.External) (string, error) {
	from := e.Root
	if !filepath.IsAbs(from) {
		from = filepath.Join(w.Module, filepath.FromSlash(from))
	}
	root := w.mirrored(e.Root)
	for _, f := range e.Files {
		if err := w.ctx.Err(); err != nil {
			return "", err
		}
		name := path.Join(root, f.Name)
		t.files = append(t.files, name)
		if w.copied[name] {
			continue
		}
		w.copied[name] = true
		got, err := w.copyFile(filepath.Join(from, filepath.FromSlash(f.Name)), name)
		if err != nil {
			return "", err
		}
		if got != f.Digest {
			return "", fmt.Errorf("%s changed while it was copied", f.Name)
		}
		w.written.Files++
		w.written.Bytes += f.Size
	}
	return root, nil
}

// copyFile copies to a file of the folder, and returns the digest of what was read.
func (w *writer) copyFile(from, name string) (digest.Digest, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	to := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	out, err := os.Create(to)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	return digestOf(to)
}

// digestOf is the digest of a file as plans have it.
func digestOf(file string) (digest.Digest, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	d, _, err := digest.Read(f)
	return d, err
}

// object lays out what no stage of the plan makes, such as the model that is live.
func (w *writer) object(t *target, in plan.Input) error {
	hexed, err := in.Digest.Hex()
	if err != nil {
		return fmt.Errorf("input %s of %s: what it is of is not known: %w", in.Port, t.spec.Address, err)
	}
	name := path.Join("objects", hexed)
	t.inputs = append(t.inputs, input{port: in.Port, path: name})
	if w.copied[name] {
		return nil
	}
	w.copied[name] = true
	dir, err := w.Store.OpenDir(in.Digest)
	if err == nil {
		w.written.Files += len(dir.Files)
		w.written.Bytes += dir.Size()
		err = w.Store.Materialize(w.ctx, in.Digest, filepath.Join(w.dir, filepath.FromSlash(name)))
	}
	if err != nil {
		return fmt.Errorf("input %s of %s: %w", in.Port, t.spec.Address, err)
	}
	return nil
}

// describe writes what a target is told, its script and what that needs.
func (w *writer) describe(t *target) error {
	if err := w.description(t.name, t.spec); err != nil {
		return err
	}
	for _, r := range t.rewrites {
		if !r.after {
			continue
		}
		i := slices.IndexFunc(t.node.Outputs, func(o plan.Output) bool { return "out/"+o.Port == r.from })
		o := t.node.Outputs[i]
		if err := w.describeRewrite(r.name, tableConfig{From: orParquet(o.Format), To: "parquet", Settle: t.node.Role != schema.PredictRole}, o.Shape); err != nil {
			return err
		}
	}
	if !t.scripted() {
		return nil
	}
	if err := w.put("stages/"+t.name+".sh", []byte(t.script())); err != nil {
		return err
	}
	if t.node.Container == nil {
		return nil
	}
	if t.build != nil {
		for _, base := range t.build.bases {
			if err := w.image(base); err != nil {
				return err
			}
		}
		return w.put(path.Join("images", t.name, "Dockerfile"), t.build.text)
	}
	if err := w.image(t.image); err != nil {
		return err
	}
	if t.node.Container.Library == "" {
		return nil
	}
	modules, err := python.Modules(t.node.Container.Library)
	for name, text := range modules {
		err = errors.Join(err, w.put(path.Join("lib", t.node.Container.Library, name), text))
	}
	return err
}

// description writes what `mlp stage`, or a program, reads.
func (w *writer) description(name string, spec component.Spec) error {
	text, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	return w.put("stages/"+name+".json", append(text, '\n'))
}

// describeRewrite describes the stage that writes a table in another form.
func (w *writer) describeRewrite(name string, c tableConfig, shape *schema.Shape) error {
	config, err := json.Marshal(c)
	if err != nil {
		return err
	}
	s := schema.Shape{Type: schema.TablePort}
	if shape != nil {
		s = *shape
		s.Type = schema.TablePort
	}
	return w.description(name, component.Spec{Protocol: component.Protocol, Address: name, Component: tableName, Version: 1, Config: config,
		In: map[string]schema.Shape{"table": s}, Out: map[string]schema.Shape{"table": s}})
}

// orParquet is the format of a table, which has one also where nobody asked for it.
func orParquet(format string) string {
	if format == "" {
		return "parquet"
	}
	return format
}

// sum is the SHA-256 of a file that a recorded result has.
type sum struct{ name, sha256 string }

// record finds the sums of what is recorded. What rests on an acceptance is left out, with all that rests on it: its result is that of another
// definition.
func (w *writer) record() error {
	unsure := map[string]bool{}
	for _, t := range w.targets {
		n := t.node
		if n == nil || n.Builds() || onto(n) { // layers with other times, or without those that they are put onto
			continue
		}
		other := n.Accepted != nil || slices.ContainsFunc(t.needs, func(name string) bool { return unsure[name] })
		known := !slices.ContainsFunc(n.Outputs, func(o plan.Output) bool { return o.Digest == "" })
		if other || !known {
			unsure[t.name] = other
			w.written.Unrecorded = append(w.written.Unrecorded, n.Address)
			continue
		}
		for _, o := range n.Outputs {
			if err := w.recordPort(t, o); err != nil {
				return fmt.Errorf("what %s yields: %w", n.Address, err)
			}
		}
	}
	slices.SortFunc(w.sums, func(a, b sum) int { return strings.Compare(a.name, b.name) })
	w.sums = slices.Compact(w.sums)
	w.written.Sums = len(w.sums)
	return nil
}

// recordPort adds the files of one port.
func (w *writer) recordPort(t *target, o plan.Output) error {
	dir, err := w.Store.OpenDir(o.Digest)
	if err != nil {
		return err
	}
	at := path.Join("work", t.name, "out", o.Port)
	if figures(o.Type) {
		at = path.Join("work", t.name, "out")
	}
	for _, f := range dir.Files {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		file, err := w.Store.Whole(w.ctx, f.Digest)
		if err != nil {
			return err
		}
		in, err := os.Open(file)
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, in)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
		w.sums = append(w.sums, sum{path.Join(at, f.Name), hex.EncodeToString(h.Sum(nil))})
	}
	return nil
}

// sumsText is the list as sha256sum reads it.
func sumsText(all []sum) string {
	var b strings.Builder
	for _, s := range all {
		if strings.ContainsAny(s.name, "\\\n") { // as GNU coreutils escape it
			fmt.Fprintf(&b, `\%s  %s`+"\n", s.sha256, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(s.name))
			continue
		}
		fmt.Fprintf(&b, "%s  %s\n", s.sha256, s.name)
	}
	return b.String()
}
