package mlproject

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func files(of map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range of {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestRead(t *testing.T) {
	got, err := Read(files(map[string]string{
		Name: `name: wine
docker_env:
  image: team/wine:3
  volumes: ["/data:/data"]
  environment: [["MODE", "fast"], "TOKEN"]
entry_points:
  main:
    parameters:
      data: path
      alpha: {type: float, default: 0.5}
      n: {type: int, default: 3}
      name: {default: 007}
      unread:
    command: "python train.py {data} --alpha {alpha} -n {n} {{x}} --name {name} {data}"
  score: {command: "sh score.sh"}
`}))
	if err != nil {
		t.Fatal(err)
	}
	want := &Project{
		Name: "wine", Env: Environment{Image: "team/wine:3", Env: [][2]string{{"MODE", "fast"}}},
		EntryPoints: []EntryPoint{
			{Name: "main", Line: 8, Command: "python train.py {data} --alpha {alpha} -n {n} {{x}} --name {name} {data}", Parameters: []Parameter{
				{Name: "data", Line: 9, Type: "path"}, {Name: "alpha", Line: 10, Type: "float", Default: 0.5}, {Name: "n", Line: 11, Type: "int", Default: int64(3)},
				{Name: "name", Line: 12, Type: "string", Default: "007"}, {Name: "unread", Line: 13, Type: "string"},
			}},
			{Name: "score", Line: 15, Command: "sh score.sh"},
		},
		Notes: []string{
			"MLproject:4: the volume /data:/data is not there: a stage reads files of the module and outputs of other stages",
			"MLproject:5: the variable TOKEN is copied from whoever runs the project; a stage has none of them: give it in env, or as a secret",
			"MLproject:13: the command of main does not read the parameter unread",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPythonEnvironment(t *testing.T) {
	got, err := Read(files(map[string]string{
		Name:                   "python_env: env/python_env.yaml\nentry_points: {main: {command: ls}}\n",
		"env/python_env.yaml":  "python: 3.10.4\nbuild_dependencies: [pip==23.1]\ndependencies:\n- -r requirements.txt\n- 'mlflow>=2'\n",
		"env/requirements.txt": "numpy\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := Environment{File: "env/python_env.yaml", Python: "3.10.4", Packages: []string{"pip==23.1", "-r env/requirements.txt", "mlflow>=2"}, Files: []string{"env/requirements.txt"}}
	if diff := cmp.Diff(want, got.Env); diff != "" {
		t.Error(diff)
	}
}

func TestMistakes(t *testing.T) {
	entry := func(text string) string { return "entry_points:\n  main:\n" + text }
	for text, want := range map[string]string{
		"":                    "MLproject:1: the file is empty",
		"name: x":             "MLproject:1: there are no entry_points",
		"entry_points: {}":    "MLproject:1: there are no entry_points",
		"backend: x":          "MLproject:1: backend of MLproject is not understood",
		"conda_env: c.yaml\n": "MLproject:1: there is no file c.yaml",
		"docker_env: {}\n":    "MLproject:1: docker_env has no image",
		"docker_env: {image: a}\nconda_env: b\n" + entry("    command: ls\n"):               "of conda_env, docker_env and python_env there may be one",
		entry("    command: ls {x}\n"):                                                      "MLproject:3: the command of main has {x}, which is none of its parameters",
		entry("    command: ls {x!r}\n"):                                                    "MLproject:3: the command of main: {x!r} is no name of a parameter",
		entry("    command: ls {x\n"):                                                       "MLproject:3: the command of main: a brace that opens is not closed",
		entry("    command: ls x}\n"):                                                       "MLproject:3: the command of main: a brace that closes stands alone",
		entry("    parameters: {x: 1}\n"):                                                   "MLproject:3: the entry point main has no command",
		entry("    command: ls {x}\n    parameters:\n      x: {type: date}\n"):              "MLproject:5: the parameter x has the type date",
		entry("    command: ls {x}\n    parameters:\n      x: {type: int, default: 1.5}\n"): `MLproject:5: the default of x is "1.5", and no int`,
		entry("    command: ls {x}\n    parameters:\n      x: {type: int, least: 1}\n"):     "MLproject:5: least of the parameter x is not understood",
	} {
		_, err := Read(files(map[string]string{Name: text}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
