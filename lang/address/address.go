// Package address is the grammar of addresses, and the one place that takes them apart.
//
//	train.model                            a block: its kind and name
//	train.model["eu"]                      an instance of a repeated block
//	module.cards["eu"].train.model         a block in an instance of a module
//	evaluate.test@champion                 a stage derived from the block evaluate.test, with the role champion
//	evaluate.test@champion@predict         a stage derived from that one
//	train.model@trial007                   the seventh of the stages with the role trial
//
// Functions here take addresses that are well formed (Pattern) and check nothing: of other text they return something of no
// meaning. Addresses that were read from a file are held to Pattern first.
package address

import (
	"fmt"
	"strings"
)

// Pattern is the form of addresses, as a regular expression.
const Pattern = `^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*(\["[a-z0-9_]+"\])?)+(@[a-z]+([0-9]{3})?)*$`

// Block is the address of the block that a stage is derived from, over however many steps, or the address itself:
// "evaluate.test" of "evaluate.test@champion@predict".
func Block(address string) string {
	block, _, _ := strings.Cut(address, "@")
	return block
}

// IsDerived reports whether the address is that of a derived stage, "evaluate.test@champion".
func IsDerived(address string) bool { return strings.Contains(address, "@") }

// Derived is the address of the stage that is derived from the one at address, with a role: "evaluate.test@champion".
func Derived(address, role string) string { return address + "@" + role }

// Numbered is the address of one of several stages that are derived in one role: "train.model@trial007". Numbers of up to three digits sort as
// numbers do.
func Numbered(address, role string, number int) string {
	return Derived(address, fmt.Sprintf("%s%03d", role, number))
}

// Role is a role without the number that tells stages of one role apart: "trial" of "trial007".
func Role(role string) string { return strings.TrimRight(role, "0123456789") }

// Of takes the address of a derived stage apart: "evaluate.test@champion" and "predict" of "evaluate.test@champion@predict".
// Of a block the role is empty, and of is the address itself.
func Of(address string) (of, role string) {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i], address[i+1:]
	}
	return address, ""
}

// At is the address in another block's place, derived in the same way: "evaluate.test@champion" at "evaluate.other" is
// "evaluate.other@champion".
func At(address, block string) string { return block + address[len(Block(address)):] }

// Module is the part of an address that says in which module the block is, with the point behind it: "module.cards." of
// "module.cards.train.model", and nothing of a block of the root module. An address of a module is in that which calls it.
func Module(address string) string {
	at := 0
	for rest := address; strings.HasPrefix(rest, "module."); rest = address[at:] {
		next := strings.IndexByte(rest[len("module."):], '.')
		if next < 0 {
			break
		}
		at += len("module.") + next + 1
	}
	return address[:at]
}

// Kind of the block: "train" of `module.cards.train.model["eu"]`.
func Kind(address string) string {
	kind, _, _ := strings.Cut(address[len(Module(address)):], ".")
	return kind
}

// Name of the block, without module and key: "model" of `module.cards.train.model["eu"]`.
func Name(address string) string {
	name, _ := last(address)
	return name
}

// Key of the instance, empty where the block is not repeated: "eu" of `train.model["eu"]`.
func Key(address string) string {
	_, key := last(address)
	return key
}

// last takes the last part of a block's address apart.
func last(address string) (name, key string) {
	block := Block(address)
	name, key, _ = strings.Cut(block[strings.LastIndexByte(block, '.')+1:], `["`)
	return name, strings.TrimSuffix(key, `"]`)
}

// Words are all names, keys and roles of an address in their order: train, model, eu of `train.model["eu"]`.
func Words(address string) []string {
	return strings.FieldsFunc(address, func(r rune) bool { return strings.ContainsRune(`.["]@`, r) })
}

// Path is the address with keys as names: "train.model.eu" of `train.model["eu"]`, as figures stand in rules.
func Path(address string) string {
	return strings.ReplaceAll(strings.ReplaceAll(address, `["`, "."), `"]`, "")
}

// IsPattern reports whether a text stands for addresses that it does not spell out: "evaluate.*".
func IsPattern(text string) bool { return strings.Contains(text, "*") }

// Matches reports whether a pattern fits an address, * being any text: "train.model[*]" and "*.model*" fit train.model["eu"]. All else in it stands
// for itself.
func Matches(pattern, address string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == address
	}
	last := len(parts) - 1
	if len(address) < len(parts[0])+len(parts[last]) || !strings.HasPrefix(address, parts[0]) || !strings.HasSuffix(address, parts[last]) {
		return false
	}
	address = address[len(parts[0]) : len(address)-len(parts[last])]
	for _, p := range parts[1:last] {
		_, after, found := strings.Cut(address, p)
		if !found {
			return false
		}
		address = after
	}
	return true
}
