package schema

import "encoding/json"

// Program is what a block's stage runs where that is somebody's code and not a built-in component. It says all that decides what runs and
// in what, so that nobody else reads the block's configuration for that:
//
//	train "python" "forest" {                   Command  python3 /mlp/in/code/train.py
//	  script       = "train.py"                 Code     train.py, features.py
//	  files        = ["features.py"]            Image    made by train.forest@image, of python:3.11-slim and requirements.txt
//	  python       = "3.11"
//	  requirements = "requirements.txt"
//	}
type Program struct {
	Image   Image
	Build   *Build   // it builds an image of Code by the container engine, and runs no command
	Command []string // the program and its arguments
	// Code are the files of the module that the command reads, by the port CodePort: names and patterns (`src/**/*.py`) relative to the folder of the
	// block's module. Empty: the command is all in the image.
	Code []Files
	// Library is the version of mlp's own modules that lie below /mlp/lib for the command, "python.1"; empty: none.
	Library string
	Env     map[string]string
	Network bool
	// Replicas is how many times the command runs at once, as the ranks of one stage; 0 and 1: once.
	Replicas int
	Format   string // of tables, in and out: "parquet", "csv" or "ndjson"; empty: parquet
	// Predict scores the model that Command made, in the same image with PredictCode; empty: the block says no such command. Told is what its
	// stages find as their configuration.
	Predict     []string
	PredictCode []Files
	Told        json.RawMessage
}

// CodePort is the input of a stage that is code of the module.
const CodePort = "code"

// Files are files of the module that an attribute of a block means.
type Files struct {
	Path     string   // of the attribute: "script", "files"
	Patterns []string // relative to the folder of the block's module
	Ignore   string   // a .dockerignore, of patterns relative to its folder, whose files are left out; empty: none. It may be absent
}

// Build is what the container engine builds an image of: a Dockerfile and a context of Code. The images that it rests on are inputs of the stage.
type Build struct {
	Dockerfile string            // relative to the folder of the block's module
	Context    string            // the folder that COPY reads, "." or "docker/trainer"
	Target     string            // the stage of the Dockerfile that is the image; empty: the last
	Args       map[string]string // of its ARGs
}

// Image is what a program runs in: an image that the engine has by a name, or one that a stage of its own makes. Where the attribute refers to a block that makes an
// image, that is the image, and Name is not.
type Image struct {
	Name string // "python:3.11-slim"; empty: it is made
	Path string // of the attribute that says so: "image", "base"
	Made *Making
}

// ImageKind is the kind of the components that make images: those of blocks, "image.build", and those that blocks derive, "image.python".
const ImageKind = "image"

// Making is the stage that makes an image. Two of the same type, configuration, image and code have the same result, whichever blocks they are of.
// Where its Program has no command the component itself makes it, of the Program's code.
type Making struct {
	Type    string // of the component, "python"
	Version int    // of that component's output
	Config  json.RawMessage
	Program Program
}
