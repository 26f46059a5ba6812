package plan

// Container is what a foreign stage runs in its image, which is an input of the stage (ImagePort). Without Network the stage has none.
type Container struct {
	Command []string          `json:"command" is:"text"`
	Build   *Build            `json:"build,omitempty"`             // in place of a command: the engine builds an image, which rests on the images that are inputs
	Library string            `json:"library,omitempty" is:"word"` // version of the modules of mlp's own that lie beside it, "python.1"
	Env     map[string]string `json:"env,omitempty" is:"variable"`
	Network bool              `json:"network,omitempty"`
	// Replicas is how many times it runs at once, each with a rank, from 2 on; 0: once. Limits of the node are those of each.
	Replicas int      `json:"replicas,omitempty"`
	Secrets  []Secret `json:"secrets,omitempty"` // sorted by name
}

// Build is what an image is built by, of the code of the stage.
type Build struct {
	Dockerfile string            `json:"dockerfile" is:"file"` // relative to the folder of the code
	Context    string            `json:"context" is:"path"`    // the folder that is copied from, relative to that of the code; "." for itself
	Target     string            `json:"target,omitempty" is:"text"`
	Args       map[string]string `json:"args,omitempty" is:"variable"`
}

// Secret says where a stage's secret is found when the stage runs: in a variable of the environment or in a file. Its
// value is in no plan.
type Secret struct {
	Name string `json:"name" is:"name"` // of the file that the stage reads
	Env  string `json:"env,omitempty" is:"variable"`
	File string `json:"file,omitempty" is:"path"` // relative to the root module's folder
}
