package dvc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// written is a pipeline as a person reads it.
func written(stages []Stage) string {
	var b strings.Builder
	for _, s := range stages {
		fmt.Fprintf(&b, "%s in %s: %s; reads %v, writes %v", s.Name, s.Dir, strings.Join(s.Commands, " && "), s.Deps, s.Outs)
		if len(s.Metrics) > 0 {
			fmt.Fprintf(&b, ", figures %v", s.Metrics)
		}
		for _, p := range s.Params {
			fmt.Fprintf(&b, ", %s %v", p.File, p.Values)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "; %s", n)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRead(t *testing.T) {
	tests := []struct {
		name  string
		dvc   string
		files map[string]string
		want  string
	}{
		{name: "stages run behind those that they read of, else as they stand", dvc: `
stages:
  report: {cmd: r, deps: [model/weights.bin], outs: [r.md]}
  other: {cmd: o}
  train: {cmd: [a, b], deps: [src, data.csv], outs: [model]}
`, want: "other in .: o; reads [], writes []\n" +
			"train in .: a && b; reads [src data.csv], writes [model]\n" +
			"report in .: r; reads [model/weights.bin], writes [r.md]\n"},
		{name: "paths are relative to wdir, outputs have options", dvc: `
stages:
  t:
    wdir: sub/dir
    cmd: run
    deps: [../in.csv, ./x]
    outs: [{out.bin: {cache: false, persist: true}}]
    metrics: [m.json]
    plots: [{p.csv: {x: a}}]
    frozen: true
`, want: "t in sub/dir: run; reads [sub/in.csv sub/dir/x], writes [sub/dir/out.bin sub/dir/m.json sub/dir/p.csv], figures [sub/dir/m.json]; " +
			"frozen: DVC does not run the stage again, whatever its inputs are; sub/dir/out.bin persists: DVC leaves what the last run wrote there, so that the next goes on with it\n"},
		{name: "templates take values of vars, files and params.yaml", dvc: `
vars: [{model: {kind: tree}}, "more.json:paths", params.yaml]
stages:
  t: {cmd: 'run ${ model.kind } ${paths.in} ${rates[1]} ${deep} ${on} \${HOME}', deps: ['${paths.in}'], outs: ['${model.kind}.bin']}
`, files: map[string]string{"params.yaml": "rates: [0.1, 1e-5]\ndeep: 3\non: true\nmodel: {depth: 4}\n", "more.json": `{"paths": {"in": "d.csv"}, "left": 1}`},
			want: "t in .: run tree d.csv 1e-05 3 true ${HOME}; reads [d.csv], writes [tree.bin]\n"},
		{name: "foreach over a list, an object, and a value", dvc: `
vars: [{all: [{c: us}, {c: eu}]}]
stages:
  a: {foreach: [1, x], do: {cmd: 'a ${item}'}}
  b: {foreach: {us: {n: 2}, eu: {n: 3}}, do: {cmd: 'b ${key} ${item.n}', outs: ['b/${key}']}}
  c: {foreach: '${all}', do: {cmd: 'c ${item.c}'}}
`, want: "a@1 in .: a 1; reads [], writes []\na@x in .: a x; reads [], writes []\n" +
			"b@us in .: b us 2; reads [], writes [b/us]\nb@eu in .: b eu 3; reads [], writes [b/eu]\n" +
			"c@0 in .: c us; reads [], writes []\nc@1 in .: c eu; reads [], writes []\n"},
		{name: "matrix", dvc: `
stages:
  m: {matrix: {model: [cnn, {k: 2}], seed: [1, 2]}, cmd: 'm ${item.seed}'}
`, want: "m@cnn-1 in .: m 1; reads [], writes []\nm@cnn-2 in .: m 2; reads [], writes []\n" +
			"m@model1-1 in .: m 1; reads [], writes []\nm@model1-2 in .: m 2; reads [], writes []\n"},
		{name: "parameters are those that are named, of a file without names all", dvc: `
stages:
  t: {cmd: t, params: [train.lr, train.layers.1, {other.json: }, {sub/c.yaml: [a]}]}
`, files: map[string]string{"params.yaml": "train: {lr: 1.0, layers: [8, 4], left: 1}\nmore: 1\n", "other.json": `{"x": {"y": null}}`, "sub/c.yaml": "a: 2026-01-01\nb: 1\n"},
			want: "t in .: t; reads [], writes [], params.yaml map[train:map[layers:[8 4] lr:1]], other.json map[x:map[y:<nil>]], sub/c.yaml map[a:2026-01-01]; " +
				"the commands find params.yaml whole; here they find it without what the stage does not name: more, train.left; " +
				"the commands find sub/c.yaml whole; here they find it without what the stage does not name: b\n"},
		{name: "a file of parameters that is a dep too, or lies in one, is read as it is", dvc: `
stages:
  t: {cmd: t, deps: [params.yaml, conf], params: [lr, {conf/a.yaml: [x]}]}
`, files: map[string]string{"params.yaml": "lr: 1\nmore: 2\n", "conf/a.yaml": "x: 1\ny: 2\n"}, want: "t in .: t; reads [params.yaml conf], writes []\n"},
		{name: "one that a stage writes, or that has another form, is a dep", dvc: `
stages:
  t: {cmd: t, params: [{made/p.yaml: [x]}, {p.toml: [a.b]}, {p.py: }]}
  m: {cmd: m, outs: [made]}
`, files: map[string]string{"made/p.yaml": "x: 1\n"}, want: "m in .: m; reads [], writes [made]\n" +
			"t in .: t; reads [made/p.yaml p.toml p.py], writes []; " +
			"DVC goes by those values of made/p.yaml that the stage names; here an edit of any value in it runs the stage; " +
			"DVC goes by those values of p.toml that the stage names; here an edit of any value in it runs the stage\n"},
		{name: "vars of a stage are its own, beside those of all", dvc: `
vars: [{m: {a: 1}}]
stages:
  t: {wdir: sub, vars: [{m: {b: 2}}, params.yaml, "more.json:x"], cmd: 't ${m.a} ${m.b} ${lr} ${x}', desc: 'with ${lr}'}
  f: {foreach: [1, 2], do: {vars: [{m: {c: 3}}], cmd: 'f ${item} ${m.c}'}}
  u: {cmd: 'u ${m.a}'}
`, files: map[string]string{"sub/params.yaml": "lr: 0.5\n", "sub/more.json": `{"x": true, "y": 1}`, "params.yaml": "deep: 1\n"},
			want: "t in sub: t 1 2 0.5 true; reads [], writes []\nf@1 in .: f 1 3; reads [], writes []\nf@2 in .: f 2 3; reads [], writes []\nu in .: u 1; reads [], writes []\n"},
		{name: "anchors are followed", dvc: "stages:\n  a: {cmd: a, deps: &d [x, y]}\n  b: {cmd: b, deps: *d}\n",
			want: "a in .: a; reads [x y], writes []\nb in .: b; reads [x y], writes []\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(fsOf(tt.dvc, tt.files), "dvc.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, written(got)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestReadErrors holds that what is not understood is an error with its line.
func TestReadErrors(t *testing.T) {
	tests := []struct {
		name, dvc, want string
		files           map[string]string
	}{
		{name: "no YAML", dvc: "stages: [", want: "dvc.yaml: yaml: line 1: did not find expected node content"},
		{name: "empty", dvc: "", want: "dvc.yaml:1: the file is empty"},
		{name: "no stages", dvc: "vars: [{a: 1}]", want: "dvc.yaml:1: there are no stages"},
		{name: "another key", dvc: "stages:\n  a:\n    cmd: x\n    image: y\n", want: "dvc.yaml:4: image of the stage a is not understood"},
		{name: "no command", dvc: "stages:\n  a: {deps: [x]}\n", want: "dvc.yaml:2: the stage a has no cmd"},
		{name: "elsewhere", dvc: "stages:\n  a: {cmd: x, deps: ['s3://b/k']}\n", want: "dvc.yaml:2: s3://b/k lies elsewhere: fetch it with a source, or have it in the folder"},
		{name: "outside", dvc: "stages:\n  a: {cmd: x, deps: [../k]}\n", want: "dvc.yaml:2: ../k leads out of the folder of dvc.yaml"},
		{name: "absolute", dvc: "stages:\n  a: {cmd: x, outs: [/k]}\n", want: "dvc.yaml:2: /k is no path within the folder of dvc.yaml"},
		{name: "a name that nobody knows", dvc: "stages:\n  a:\n    cmd: x ${y.z}\n", want: "dvc.yaml:3: ${y.z}: there is no y.z"},
		{name: "an object in a command", dvc: "vars: [{y: {z: 1}}]\nstages:\n  a:\n    cmd: x ${y}\n", want: "dvc.yaml:4: ${y} is no text, number or truth value: name its members"},
		{name: "a parameter that is not there", dvc: "stages:\n  a: {cmd: x, params: [lr]}\n", files: map[string]string{"params.yaml": "a: 1"}, want: "dvc.yaml:2: params.yaml: there is no lr"},
		{name: "no file of parameters", dvc: "stages:\n  a: {cmd: x, params: [{p.yaml: [lr]}]}\n", want: "dvc.yaml:2: reading p.yaml: open p.yaml: file does not exist"},
		{name: "templates of TOML", dvc: "vars: [p.toml]\nstages: {a: {cmd: x}}", want: "dvc.yaml:1: p.toml: values for templates are read of YAML and JSON; write those that templates take under vars"},
		{name: "templates within vars", dvc: "vars:\n  - a: 1\n  - b: {c: ['x${a}']}\nstages: {a: {cmd: x}}", want: "dvc.yaml:3: ${a}: vars have no templates"},
		{name: "two values, of all and of a stage", dvc: "vars: [{a: {b: 1}}]\nstages:\n  a: {vars: [{a: {b: 2}}], cmd: x}\n", want: "dvc.yaml:3: a: b has two values"},
		{name: "another item", dvc: "stages:\n  a: {foreach: [1], do: {vars: [{item: 2}], cmd: x}}\n", want: "dvc.yaml:2: item has two values"},
		{name: "vars that go on where the stage ends", dvc: "stages:\n  a: {vars: [{v: 1}], cmd: x}\n  b: {cmd: 'x ${v}'}\n", want: "dvc.yaml:3: ${v}: there is no v"},
		{name: "the folder of vars of its own", dvc: "stages:\n  a: {vars: [{v: s}], wdir: '${v}', cmd: x}\n", want: "dvc.yaml:2: ${v}: there is no v"},
		{name: "vars elsewhere", dvc: "vars: [../v.yaml]\nstages: {a: {cmd: x}}", want: "dvc.yaml:1: ../v.yaml leads out of the folder of dvc.yaml"},
		{name: "parameters that the stage itself writes", dvc: "stages:\n  a: {cmd: x, params: [{p.yaml: [lr]}], outs: [p.yaml]}\n", want: "dvc.yaml:2: the stage a reads, by way of others or at once, what it writes"},
		{name: "two values", dvc: "vars: [{a: 1}, {a: 2}]\nstages: {a: {cmd: x}}", want: "dvc.yaml:1: a has two values"},
		{name: "a cycle", dvc: "stages:\n  a: {cmd: x, deps: [b], outs: [c]}\n  d: {cmd: x, deps: [c], outs: [b]}\n", want: "dvc.yaml:2: the stage a reads, by way of others or at once, what it writes"},
		{name: "one output of two", dvc: "stages:\n  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [o/p]}\n", want: "dvc.yaml:3: o/p is an output of both a and b"},
		{name: "a value twice in a matrix", dvc: "stages:\n  a:\n    matrix: {l: [x, x]}\n    cmd: c\n", want: "dvc.yaml:3: there are two stages a@x: a value is listed twice"},
		{name: "a value twice in foreach", dvc: "stages:\n  a:\n    foreach: [x, x]\n    do: {cmd: c}\n", want: "dvc.yaml:4: there are two stages a@x: a value is listed twice"},
		{name: "not a number", dvc: "stages:\n  a: {cmd: x, params: [lr]}\n", files: map[string]string{"params.yaml": "lr: .nan"}, want: "dvc.yaml:1: params.yaml:1: .nan is no finite number"},
		{name: "an alias within itself", dvc: "vars: [{a: &a [*a]}]\nstages: {a: {cmd: x}}", want: "dvc.yaml:1: the file has more than 100000 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(fsOf(tt.dvc, tt.files), "dvc.yaml")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func fsOf(dvc string, files map[string]string) fstest.MapFS {
	out := fstest.MapFS{"dvc.yaml": {Data: []byte(dvc)}}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// FuzzRead holds that any text is read or refused, and that stages come behind those that they read of.
func FuzzRead(f *testing.F) {
	f.Add("stages:\n  a: {cmd: x, deps: [c], outs: [b]}\n  d: {cmd: '${v}', outs: [c]}\n", "v: 1")
	f.Add("vars: [{l: [1, 2]}]\nstages:\n  a: {foreach: '${l}', do: {cmd: 'x ${item}', outs: ['o${item}']}}\n", "{}")
	f.Add("stages:\n  m: {matrix: {a: [1, {b: 2}], c: [x]}, cmd: m, params: [a.b]}\n", "a: {b: [1.0, null]}")
	f.Fuzz(func(t *testing.T, text, params string) {
		stages, err := Read(fsOf(text, map[string]string{"params.yaml": params}), "dvc.yaml")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, s := range stages {
			for _, u := range Upstream(stages, s) {
				if !seen[u.Name] {
					t.Errorf("%s comes before %s, of which it reads", s.Name, u.Name)
				}
			}
			seen[s.Name] = true
		}
	})
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := Read(fstest.MapFS{}, "dvc.yaml")
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
	var at *Error
	if _, err = Read(fsOf("stages: 3", nil), "dvc.yaml"); !errors.As(err, &at) || at.Line != 1 {
		t.Errorf("got %v, want an error at line 1", err)
	}
}
