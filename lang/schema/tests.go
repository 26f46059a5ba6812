package schema

// TestKinds are the kinds of blocks in files of tests, which `mlp test` runs. They are a catalog of their own: a file of
// tests is no part of the module that it tests. Sorted by name.
func TestKinds() []Kind {
	return []Kind{givenKind(), localsKind(), overrideKind(), testKind(), variablesKind()}
}

// TestCatalog is the vocabulary of files of tests.
func TestCatalog() *Catalog { return &Catalog{Kinds: TestKinds()} }

// givenKind is given outside of tests.
func givenKind() Kind {
	return Kind{
		Name: "given", AnyName: true, FreeAttrs: true, Summary: "What a block yields, taken as given by all tests of the file",
		Doc:   "Outside of tests it holds for all tests of the file; a test's own for the same address takes its place.\n\n" + givenDoc,
		Types: once(Body{Attrs: givenAttrs()}),
	}
}

// overrideKind is override outside of tests. It has no body of its own: what stands in it is what the block takes.
func overrideKind() Kind {
	return Kind{
		Name: "override", AnyName: true, Raw: true, Summary: "Changes attributes of a block in all tests of the file",
		Doc:   overrideDoc,
		Types: once(Body{}),
	}
}

// variablesKind is variables outside of tests; its arguments are the module's variables.
func variablesKind() Kind {
	return Kind{
		Name: "variables", Unlabelled: true, Summary: "Values of variables in all tests of the file",
		Doc:   "Each attribute is the value of a variable of the module. A test's own values go before these.",
		Types: once(Body{}),
	}
}

const givenDoc = "The stage does not run, and nothing that only it needs does. Of a block that yields a table, rows are given: `csv` " +
	"or `rows`, with the types that its columns have in the module. Of one that yields figures, those that rules shall read, by " +
	"their names in rules: `metrics = { recall = 0.71 }`; what is not given is missing, and never makes a rule pass. Of a check, " +
	"whether it `passed`, or its figures. Of a variable that takes a table, its rows and the types of their `columns`. Of a deployment, that another model is live: the champion that a gate compares with."

const overrideDoc = "The label is an address. What stands in the block is what such a block takes: arguments take the place of its own, nested " +
	"blocks are merged with it. `params { trees = 5 }` makes a training short."

// givenAttrs are the arguments of given that have a meaning of their own; others are figures (FreeAttrs).
func givenAttrs() []Attr {
	return append(rowsAttrs(),
		Attr{Name: "defaults", Type: Any, Doc: "Values of columns that the rows leave out: `{ merchant = \"M1\", card = null }`. Without it, all columns are given."},
		Attr{Name: "columns", Type: Any, Doc: "Of a table for a variable, `given \"variable.orders\" { … }`: the types of its columns, `{ id = \"bigint\", at = \"timestamp\" }`."},
		Attr{Name: "passed", Type: Bool, Doc: "Of a check: whether it passed, whatever its rules say."},
		Attr{Name: "comparable", Type: Bool, Doc: "Of a deployment: whether the live model can be compared with the candidate. Default: true."},
	)
}

// rowsAttrs are the ways to write rows of a table. One of them is used.
func rowsAttrs() []Attr {
	return []Attr{
		{Name: "csv", Type: String, Doc: "The rows as CSV with a header, in a heredoc or from a file of the module: `file(\"fixtures/payments.csv\")`. Blanks around " +
			"fields are left out; an empty field is null, `\"\"` an empty text."},
		{Name: "rows", Type: Any, Doc: "A list of objects: `[{ payment_id = \"p1\", amount = 10 }]`. Times are strings. Of what yields figures and no table, the figure of that name, a number."},
	}
}

// testKind is one test, which may have given, override and variables of its own, and says what is expected.
func testKind() Kind {
	return Kind{
		Name: "test", AnyName: true, Summary: "One test of the module",
		Doc: "Plans the module, or applies it, in a store of its own, with what is given in place of what would run, and asserts what comes " +
			"of it. The name is free text.",
		Types: once(Body{
			Attrs: []Attr{
				{Name: "run", Type: String, OneOf: []string{"plan", "apply"},
					Doc: "`plan` runs no stage: gates are decided on what is given. `apply` runs what is not given. Default: `apply` of what is " +
						"expected where there is an `expect` or `targets`, else `plan`."},
				{Name: "targets", Type: StringList, Doc: "Addresses: only these are applied, and what they need."},
				{Name: "after", Type: String, Doc: "The name of another test of the file: this one goes on where that ended, with its state and with " +
					"all that it was given, overrode and set."},
				{Name: "expect_failures", Type: StringList, Doc: "What must fail: addresses of gates, checks, stages and variables " +
					"(`variable.min_recall`, by its validation), or codes of errors (`MLP1402`). Anything else that fails fails the test."},
			},
			Blocks: []Block{
				{Name: "variables", FreeAttrs: true, Doc: "Values of the module's variables."},
				{Name: "given", Labelled: true, Repeated: true, FreeAttrs: true, Body: Body{Attrs: givenAttrs()},
					Doc: "What a block yields, by its address: `given \"source.payments\" { … }`, of one port `given \"split.holdout.test\" { … }`. " + givenDoc},
				{Name: "override", Labelled: true, Repeated: true, Raw: true, Doc: overrideDoc},
				{Name: "expect", Labelled: true, Repeated: true, Body: Body{Attrs: append(rowsAttrs(),
					Attr{Name: "tolerance", Type: Number, Default: 1e-9, Doc: "How far numbers may be off, absolutely or relatively."},
					Attr{Name: "partial", Type: Bool, Default: false, Doc: "`true` lets the table have other rows as well."},
				)}, Doc: "The rows that a table must have, by the address of its block or port. Only the columns written are compared; the " +
					"order of rows means nothing."},
				{Name: "assert", Labelled: true, Repeated: true, Doc: "A condition that must hold at the end.", Body: Body{Attrs: []Attr{
					{Name: "that", Type: CEL, Required: true, Doc: "The condition, over `plan`, `table`, `gate`, `deploy`, `variable` and the figures of blocks."},
					{Name: "message", Type: String, Doc: "What to tell when it does not hold."},
				}}},
			},
		}),
	}
}
