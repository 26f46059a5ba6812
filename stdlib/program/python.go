package program

import (
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/python"
	imagepython "github.com/mlp-lang/mlp/stdlib/image/python"
)

// Python is a script of the module, with what it imports.
//
// # What is made of it
//
//	script, files        the input code: they lie in /mlp/in/code, under their names, and are no part of the image; an edit of one is no new image
//	base, or python      the image that the script runs in, as it is where nothing is to be installed
//	requirements, lock   an image of its own: the derived stage <block>@image installs what is listed, by hashes, on top of the base (image.python)
//
// So a script is run as python3 /mlp/in/code/train.py, with PYTHONPATH=/mlp/in/code:/mlp/lib:/opt/mlp/python: first the module's own files, then mlp_stage, then
// what was installed; behind these what the base has.
type Python struct {
	Run
	Script       string   `json:"script"`
	Files        []string `json:"files"`
	Version      string   `json:"python"`
	Base         string   `json:"base"`
	Requirements string   `json:"requirements"`
	Lock         string   `json:"lock"`
	Index        string   `json:"index"`

	made bool // the base is an image of a block
}

// PythonAttrs are the attributes of Python, without those of Run. script says what the script does.
func PythonAttrs(script string) []schema.Attr {
	return []schema.Attr{
		{Name: "script", Type: schema.String, Required: true,
			Doc: script + " A file of the module: its content is an input of the stage, and a plan says which line was edited. It is run by `python3`."},
		{Name: "files", Type: schema.StringList, Unordered: true,
			Doc: "Further files of the module that the script imports or reads: names and patterns such as `src/**/*.py`. They lie beside it, under the names that they have in the module. Files that are not listed are not there."},
		{Name: "python", Type: schema.String,
			Doc: "The version of Python, `3.11` or `3.11.2`. Without `base` it names the image: `python:3.11-slim`. With both, the base must have that version, which is looked at when `requirements` are installed."},
		{Name: "base", Type: schema.Ref, OrText: true, Ports: []schema.PortType{schema.ImagePort},
			Doc: "The image that the script runs in, or that the requirements are installed on top of: one that a block makes, `image.base`, or the name of one that the engine or its registry has, as of a container's `image`. It must have `python3`."},
		{Name: "requirements", Type: schema.String,
			Doc: "A requirements file of the module, each requirement pinned by `==` and with `--hash=sha256:…`, as `pip-compile --generate-hashes` and `uv export` write it. " +
				"What it lists is installed once, from wheels, into an image that a stage of its own makes and that is kept by its content: nothing is installed when the script runs."},
		{Name: "lock", Type: schema.String,
			Doc: "The lock file of a project, in place of `requirements`: `uv.lock`, `poetry.lock` (of Poetry 2) or `pylock.toml`. What it locks for the image's Python is installed, without optional groups and extras, by the hashes of its wheels."},
		{Name: "index", Type: schema.String,
			Doc: "Where the wheels are: a folder of the module, or the address of a package index, `https://pypi.org/simple`. Only with an address has the making of the image a network."},
	}
}

// lockFile is the name of one that is read: PEP 751 names its own pylock.toml, or pylock.<name>.toml.
var lockFile = lazyregexp.New(`^(uv\.lock|poetry\.lock|pylock(\.[^.]+)?\.toml)$`)

// version is a version of Python.
var version = lazyregexp.New(`^3(\.[0-9]{1,2}){0,2}$`)

// Problems are what is wrong with the attributes, as far as that can be seen without the files.
func (c *Python) Problems() []schema.Problem {
	var out []schema.Problem
	add := func(path, summary, detail, hint string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail, Hint: hint})
	}
	if !strings.HasSuffix(c.Script, ".py") {
		add("script", fmt.Sprintf("%q is no script in Python", c.Script), "", `Write it as script = "train.py".`)
	}
	if c.Version != "" && !version().MatchString(c.Version) {
		add("python", fmt.Sprintf("%q is no version of Python", c.Version), "", `Write it as python = "3.11".`)
	}
	switch {
	case c.made:
	case c.Base != "":
		out = append(out, ImageProblems("base", c.Base)...)
	case c.Version == "":
		add("", "The block does not say in which image its script runs", "", `Set python = "3.11" for the image python:3.11-slim, or base = "name:tag".`)
	}
	switch {
	case c.Requirements != "" && c.Lock != "":
		add("lock", "The block names requirements and a lock file", "", "Leave one of them out.")
	case c.Lock != "" && !lockFile().MatchString(path.Base(c.Lock)):
		add("lock", fmt.Sprintf("%q is no lock file that is read", c.Lock), "Those are uv.lock, poetry.lock and pylock.toml.", "Of another one export a requirements file, with hashes.")
	case (c.Base != "" || c.made) && c.Version != "" && c.installs() == "":
		add("python", "python says nothing that base does not", "The version is compared with that of the base when requirements are installed, and there are none.", "Leave one of them out.")
	case c.installs() != "" && c.Index == "":
		add(c.installs(), "The block does not say where the wheels are", "Nothing is fetched from an index that is not named.", `Set index = "wheels", a folder of the module, or index = "https://pypi.org/simple".`)
	case c.installs() == "" && c.Index != "":
		add("index", "There are no requirements to install from the index", "", `Set requirements = "requirements.txt", or lock = "uv.lock".`)
	}
	return append(out, c.Run.Problems("PYTHONPATH")...)
}

// installs is the attribute that says what is installed; empty: nothing is.
func (c *Python) installs() string {
	switch {
	case c.Lock != "":
		return "lock"
	case c.Requirements != "":
		return "requirements"
	}
	return ""
}

// base is the image that the script runs in, or that its image is made of, with the attribute that says so.
func (c *Python) base() schema.Image {
	if c.Base != "" {
		return schema.Image{Name: c.Base, Path: "base"}
	}
	return schema.Image{Name: "python:" + c.Version + "-slim", Path: "python"}
}

// Takes notes what flows into the block: the base may be an image of another block.
func (c *Python) Takes(in map[string]schema.Shape) { _, c.made = in["base"] }

// Program is what the block means.
func (c *Python) Program() (schema.Program, error) {
	p := schema.Program{Image: c.base(), Command: Command(c.Script), Code: c.Code("script", c.Script), Library: python.Library, Network: c.Network, Replicas: c.count(), Format: c.Format,
		Env: map[string]string{"PYTHONPATH": strings.Join([]string{code, "/mlp/" + python.Folder, python.Packages}, ":"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}}
	for name, value := range c.Variables() {
		p.Env[name] = value
	}
	if c.installs() == "" {
		return p, nil
	}
	made, err := imagepython.Make(imagepython.Config{Python: c.Version, Requirements: c.Requirements, Lock: c.Lock, Index: c.Index}, c.base())
	p.Image = schema.Image{Path: c.installs(), Made: made}
	return p, err
}

// code is where a stage has the code of the module.
const code = "/mlp/in/" + schema.CodePort

// Command runs a script.
func Command(script string) []string { return []string{"python3", path.Join(code, script)} }

// Code are a script that an attribute names, and the block's files.
func (c *Python) Code(attr, script string) []schema.Files {
	out := []schema.Files{{Path: attr, Patterns: []string{script}}}
	if len(c.Files) > 0 {
		out = append(out, schema.Files{Path: "files", Patterns: c.Files})
	}
	return out
}
