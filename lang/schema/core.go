package schema

import "strings"

// CoreKinds are the kinds that belong to the language itself: the compiler and the engine carry them out, and no
// component stands behind them. Sorted by name.
func CoreKinds() []Kind {
	kinds := []Kind{acceptKind(), gateKind(), localsKind(), moduleKind(), movedKind(), notifyKind(), outputKind(), pipelineKind(), problemKind(), retrainKind(), secretKind(), variableKind()}
	examples := coreExamples()
	for i := range kinds {
		for j := range kinds[i].Types {
			kinds[i].Types[j].Examples = []Example{examples[strings.TrimSuffix(kinds[i].Name+" "+kinds[i].Types[j].Name, " ")]}
		}
	}
	return kinds
}

// StageAttrs are the attributes that every kind takes whose blocks run as stages.
func StageAttrs() []Attr {
	return []Attr{
		{Name: "description", Type: String, Metadata: true, Doc: "What the block is for. Shown to reviewers."},
		{Name: "requires", Type: RefList, Unordered: true, Ports: []PortType{VerdictPort}, Edge: OrderEdge,
			Doc: "Checks and gates that must have passed before this runs."},
		{Name: "timeout", Type: Duration, Default: "1h", Metadata: true, Doc: "How long one attempt may take."},
		{Name: "retries", Type: Integer, Default: 0.0, Least: least(0), Metadata: true,
			Doc: "How often a stage is tried again that asks for it (exit code 75)."},
		{Name: "memory_mb", Type: Integer, Least: least(1), Metadata: true, Doc: "Limit of memory, in MiB. Without it three quarters of the machine's; on a cluster a fifth more than what the stage had when it last ran, else 2,048."},
		{Name: "max_memory_mb", Type: Integer, Least: least(1), Metadata: true, Doc: "To how much the limit of memory is raised, in MiB: an attempt that needed more than it may use is followed by one that may use twice as much. Default: `memory_mb`; on a cluster, without that, 16,384."},
		{Name: "disk_mb", Type: Integer, Least: least(1), Metadata: true, Doc: "Limit of what the stage writes, in MiB: outputs, checkpoint and temporary files together. Without it half of what is free where the store is."},
		{Name: "cpus", Type: Number, Least: least(0.001), Metadata: true, Doc: "Limit of processors. Without it all of the machine's."},
		{Name: "node_selector", Type: Any, Metadata: true, Doc: "Labels that a node of the cluster must have for the stage, as `{ pool = \"large\" }`, besides those that are set for all. Only `kubernetes` has nodes; elsewhere an apply that runs the stage is refused."},
		{Name: "tolerations", Type: StringList, Unordered: true, Metadata: true, Doc: "Taints of nodes that the stage may run in spite of, as kubectl writes them: `gpu`, `gpu:NoSchedule`, `dedicated=ml:NoExecute`. Only with `kubernetes`."},
		{Name: "service_account", Type: String, Metadata: true, Doc: "The service account of the stage's pod, in place of the one that is set for all. Only with `kubernetes`."},
		{Name: "cache", Type: Bool, Default: true, Metadata: true, Doc: "`false` runs the stage at each apply."},
	}
}

func least(n float64) *float64 { return &n }

// ForEachAttr is the attribute of all kinds that are not Single.
func ForEachAttr() Attr {
	return Attr{Name: "for_each", Type: Repeat,
		Doc: "Repeats the block for each element of a map, or of a set of strings, known at compile time. In the block, `each.key` and " +
			"`each.value` are the element; from outside, `kind.name[\"key\"]` is one instance, `kind.name` the map of all."}
}

// single is the only type of a kind whose blocks may be repeated.
func single(b Body, out ...Port) []Type { return []Type{{Body: b, Out: out}} }

// once is the only type of a kind whose blocks cannot be repeated.
func once(b Body) []Type { return []Type{{Body: b, Single: true}} }

// pipelineKind is the one block that every module has but those that others call.
func pipelineKind() Kind {
	return Kind{
		Name: "pipeline", Phase: Design, Summary: "Names the pipeline",
		Doc: "Every module has exactly one. Its name is part of the state's address: renaming it starts a new history.",
		Types: once(Body{Attrs: []Attr{
			{Name: "description", Type: String, Metadata: true, Doc: "What the pipeline is for."},
			{Name: "owner", Type: String, Metadata: true, Doc: "Who answers for it."},
			{Name: "store", Type: String, Metadata: true,
				Doc: "Where results and state are kept, for all who work on the pipeline: a bucket and a prefix, such as `\"s3://models/fraud?region=eu-central-1\"`; " +
					"`s3://`, `gs://` or `azblob://`. A string without variables. Default: the folder `.mlp` beside the module. `--store` and `MLP_STORE` count before it."},
			{Name: Keep, Type: Duration, Policy: true,
				Doc: "How long `mlp gc` keeps results that others took the place of, and those that no state has, such as `\"30d\"`. Default: `\"" + KeepResults + "\"`. " +
					"Releases, with all that they come from, are kept for ever."},
			{Name: ProtectedInDecisions, Type: String, OneOf: []string{Allow, Refuse}, Policy: true,
				Doc: "`\"refuse\"`: no block may treat rows by a protected column: by a threshold or a curve of its group (`decision`, `calibration_by`), or as a feature that `allow_protected` names. " +
					"Weights of training rows and figures by group may use it. Default: `\"" + Allow + "\"`, where the block names the column."},
		}}),
	}
}

// variableKind is what a module is told from outside. A variable is no stage: its value goes into the configurations that read it.
func variableKind() Kind {
	return Kind{
		Name: "variable", Phase: Design, Passive: true, Summary: "A value given from outside",
		Doc: "Read as `variable.<name>` in HCL and in rules. Its value is, the later the stronger: the default; `MLP_VAR_<name>` of the " +
			"environment; `default.mlpvars` in the module's folder; `--var-file` and `--var name=value` in the order they are given. " +
			"Without a default it must be given one.",
		Types: once(Body{Attrs: []Attr{
			{Name: "type", Type: TypeExpr, Doc: "`string`, `number`, `bool`, `list(string)`, … Default: that of `default`."},
			{Name: "default", Type: Any, Doc: "The value when none is given."},
			{Name: "description", Type: String, Metadata: true, Doc: "What the value means."},
			{Name: "nullable", Type: Bool, Default: true, Doc: "`false` takes the default where null is given."},
			{Name: "sensitive", Type: Bool, Default: false,
				Doc: "The value, and what is computed from it, is in no plan, record or message. So it cannot configure a block, nor be read by rules; " +
					"a stage gets what is secret from a `secret` block."},
		}, Blocks: []Block{{
			Name: "validation", Repeated: true, Doc: "What must hold of the value.",
			Body: Body{Attrs: []Attr{
				{Name: "condition", Type: Any, Required: true, Doc: "True for good values, over `variable.<name>` of this variable alone."},
				{Name: "message", Type: Any, Required: true, Doc: "What to tell when it is not; a string, which may quote the value."},
			}},
		}}}),
	}
}

// localsKind has any attributes, which are values, and no label.
func localsKind() Kind {
	return Kind{
		Name: "locals", Phase: Design, Unlabelled: true, Passive: true, Summary: "Named values computed from others",
		Doc:   "Each attribute is read as `local.<name>` in HCL and in rules.",
		Types: once(Body{}),
	}
}

// moduleKind takes any arguments beside its own: the called module's variables say which (compiler/resolve).
func moduleKind() Kind {
	return Kind{
		Name: "module", Phase: Design, FreeAttrs: true, Summary: "Calls a module: a folder of .mlp files",
		Doc: "The module's variables are the arguments, references to blocks among them; its outputs are read as " +
			"`module.<name>.<output>`. Addresses of its blocks begin with `module.<name>.`, and paths in it are relative to its folder.",
		Types: []Type{{Body: Body{Attrs: []Attr{
			{Name: "source", Type: String, Required: true, Doc: "The folder, relative to this one: `./features`; or one of a git repository, " +
				"which `mlp init` fetches and pins: `git::https://example.com/team/modules.git//churn?ref=v1.2.0`, `github.com/org/repo//churn?ref=v1`."},
		}}}},
	}
}

// outputKind is read by people after an apply, and by a module that calls this one.
func outputKind() Kind {
	return Kind{
		Name: "output", Phase: Design, Passive: true, Summary: "A value shown after an apply",
		Doc: "The value is a literal, a variable or a local, or a reference to a block, whose digest is shown.",
		Types: once(Body{Attrs: []Attr{
			{Name: "value", Type: Any, Required: true, Doc: "What to show."},
			{Name: "description", Type: String, Metadata: true, Doc: "What it means."},
		}}),
	}
}

// secretKind names where a value is found, and has no attribute for the value itself.
func secretKind() Kind {
	return Kind{
		Name: "secret", Phase: Design, Passive: true, Summary: "A value that nobody sees but the stages that name it",
		Doc: "Read when a stage runs that lists it in `secrets`, which finds it in the file `/mlp/secrets/<name>`. It is in no plan, state, " +
			"log, report, image or fingerprint: where it turns up in what a stage prints it is masked, and a stage whose outputs hold it fails. " +
			"Planning does not need it. One of `env` and `file` is given.",
		Types: single(Body{Attrs: []Attr{
			{Name: "description", Type: String, Metadata: true, Doc: "What it opens."},
			{Name: "env", Type: String, Metadata: true, Doc: "The variable of the environment of `mlp apply` that holds it."},
			{Name: "file", Type: String, Metadata: true, Doc: "The file that holds it, relative to the module's folder; one line break at its end is left out."},
			{Name: "version", Type: String, Doc: "Fingerprinted in place of the value: another version says that what it opens has changed, and runs the stages again."},
		}}, Port{Name: "secret", Type: SecretPort, Doc: "the value, for `secrets` of a stage"}),
	}
}

func problemKind() Kind {
	return Kind{
		Name: "problem", Phase: Design, Poses: true, Summary: "The problem that the pipeline solves, and what it must fulfil",
		Doc: "Where a module has one problem, its `task` is the default of its trainers.",
		Types: single(Body{
			Attrs: []Attr{
				{Name: "statement", Type: String, Metadata: true, Required: true, Doc: "The problem, in a sentence."},
				{Name: "use_case", Type: String, Metadata: true, OneOf: []string{"descriptive", "diagnostic", "predictive", "prescriptive"},
					Doc: "What the answer is used for."},
				{Name: "task", Type: String, OneOf: []string{string(Binary), string(Multiclass), string(Regression)},
					Doc: "What kind of model solves it."},
			},
			Blocks: []Block{{
				Name: "requirement", Labelled: true, Repeated: true, Doc: "One thing that the pipeline must fulfil.",
				Body: Body{Attrs: []Attr{
					{Name: "text", Type: String, Required: true, Metadata: true, Doc: "The requirement."},
					{Name: "link", Type: String, Metadata: true, Doc: "Where it is kept."},
					{Name: "verified_by", Type: RefList, Unordered: true, Edge: StateEdge, Ports: []PortType{VerdictPort, FiguresPort},
						Doc: "The gates, checks and monitors that verify it."},
				}},
			}, {
				Name: "hypothesis", Labelled: true, Repeated: true,
				Doc: "A claim that figures may support or refute. Every plan and apply says what they do, and it is recorded with the figures; it holds nothing back, as a gate does.",
				Body: Body{Attrs: []Attr{
					{Name: "statement", Type: String, Required: true, Metadata: true, Doc: "The claim, in a sentence."},
					{Name: "assert", Type: CEL, Required: true, Metadata: true,
						Doc: "The condition that holds if the claim is true, over the figures that gates see. It is supported where the condition holds wherever the figures lie in their intervals, refuted where it holds nowhere in them, and open else, or where a figure is missing."},
				}},
			}},
		}),
	}
}

// RuleBlock is the nested block of a rule; gates and checks share it.
func RuleBlock() Block {
	return Block{
		Name: "rule", Labelled: true, Repeated: true, Policy: true, Doc: "A condition that must hold.",
		Body: Body{Attrs: []Attr{
			{Name: "assert", Type: CEL, Required: true, Doc: "The condition. A figure that is missing or undefined makes it an error, never a pass."},
			{Name: "message", Type: String, Doc: "What to tell when it fails."},
			{Name: "severity", Type: String, Default: "fail", OneOf: []string{"fail", "warn"}, Doc: "`warn` tells and lets pass."},
		}},
	}
}

func gateKind() Kind {
	return Kind{
		Name: "gate", Phase: Operations, Summary: "Rules and approvals that a release must pass",
		Doc: "Decided at plan time as far as figures are known, and at apply time for good. Rules see the figures of " +
			"`evaluate`, `check`, `monitor`, `train` and `split` blocks, `variable.*`, `local.*` and `champion.exists|comparable`.",
		Types: single(Body{
			Attrs: []Attr{
				{Name: "description", Type: String, Metadata: true, Doc: "What the gate guards."},
				{Name: "after", Type: RefList, Unordered: true, Ports: []PortType{VerdictPort}, Edge: OrderEdge, Doc: "Checks and gates that must have passed."},
				{Name: "champion", Type: Ref, Ports: []PortType{ReleasePort}, Edge: StateEdge,
					Doc: "The deployment that it guards; `evaluate.x.delta` compares with its live model."},
			},
			Blocks: []Block{
				RuleBlock(),
				{
					Name: "approval", Labelled: true, Repeated: true, Policy: true, Doc: "A person's yes, given with `mlp approve`.",
					Body: Body{Attrs: []Attr{
						{Name: "from", Type: StringList, Unordered: true, Required: true, Doc: "Who may give it: people, or groups of the file that the operator gives (`--approvers`)."},
						{Name: "when", Type: CEL, Doc: "Only asked for when this holds; without it, always."},
					}},
				},
				{
					Name: "rollback", Policy: true, Doc: "What `mlp rollback` is asked before it brings a former release back. Without it: a reason, and nothing else.",
					Body: Body{Attrs: []Attr{
						{Name: "from", Type: StringList, Unordered: true, Doc: "Who may: people, or groups of the file that the operator gives (`--approvers`). Without it, whoever may write to the store."},
						{Name: "rules", Type: StringList, Unordered: true, Doc: "Rules of this gate, by name, that must hold for the former release too, on the figures that it was let pass by."},
					}},
				},
			},
		}, Port{Name: "verdict", Type: VerdictPort, Doc: "whether it let pass"}),
	}
}
