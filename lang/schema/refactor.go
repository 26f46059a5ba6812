package schema

func movedKind() Kind {
	return Kind{
		Name: "moved", Phase: Design, Unlabelled: true, Summary: "Says that a block has another address than before",
		Doc: "What is recorded under the old address goes on under the new one, and nothing runs: results, decisions, releases and their " +
			"history. A block, an instance of a repeated one (`train.model[\"eu\"]`), a repeated block with all its instances, or a called module " +
			"(`module.cards`) can be moved. Once every workspace has been applied, the block has done its work and can be removed; until then it " +
			"changes nothing where it is done already.",
		Types: once(Body{Attrs: []Attr{
			{Name: "from", Type: Address, Required: true, Doc: "The address that it had. No block has it any more."},
			{Name: "to", Type: Address, Required: true, Doc: "The address that it has now, of a block of the same kind."},
		}}),
	}
}

func acceptKind() Kind {
	return Kind{
		Name: "accept", Phase: Design, Unlabelled: true, Summary: "Takes a recorded result as good though its stage is defined otherwise now",
		Doc: "For a change that its author knows to be without effect on the result: another version of a component, a query written in " +
			"another way. The stage does not run; what is recorded of it goes on being its result, and so nothing behind it runs. It holds " +
			"for one definition and for the inputs that the result was made from: when either moves on, the stage runs, and the plan says " +
			"so. Who accepted, when and why is in the state, and plans show what rests on it. Checks and gates cannot be accepted.",
		Types: once(Body{Attrs: []Attr{
			{Name: "block", Type: Address, Required: true, Doc: "The address of the stage."},
			{Name: "definition", Type: String, Required: true,
				Doc: "The definition that is accepted, as `mlp explain ADDRESS` prints it: the beginning of its digest, of at least 16 digits."},
			{Name: "reason", Type: String, Required: true, Doc: "Why the result is as good as a new one."},
		}}),
	}
}
