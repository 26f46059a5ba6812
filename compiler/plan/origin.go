package plan

// Origin says where the module lay that a revision of the state rests on, and for which run of a CI system it was written. It is for the
// record: no decision rests on it, and nothing that has a digest covers it.
type Origin struct {
	Commit string `json:"commit,omitempty"` // the checked-out git commit of the module's folder; empty where there is none
	// Dirty: files of the module's folder differed from that commit, or it has files of modules that git does not know.
	Dirty bool `json:"dirty,omitempty"`
	CI    *CI  `json:"ci,omitempty"` // nil where no CI system said that it ran the command
}

// CI is the run of a CI system that a command was part of, as that system's variables say.
type CI struct {
	System string `json:"system"`          // "github" or "gitlab"
	Run    string `json:"run"`             // its id: of a workflow's run, or of a pipeline
	Job    string `json:"job,omitempty"`   // within the run
	URL    string `json:"url,omitempty"`   // where people look at it
	Actor  string `json:"actor,omitempty"` // who caused it, by the system's account
	Ref    string `json:"ref,omitempty"`   // branch, tag or merge request: "refs/heads/main"
}
