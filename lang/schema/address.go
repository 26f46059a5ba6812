package schema

import "strings"

// NameOf returns the name in a block's address, without the module that it stands in and without its key: "fraud" of
// "label.fraud", `label.fraud["eu"]` and "module.cards.label.fraud".
func NameOf(address string) string {
	address, _, _ = strings.Cut(address, "@")
	if strings.HasSuffix(address, "\"]") {
		if i := strings.LastIndexByte(address, '['); i >= 0 {
			address = address[:i]
		}
	}
	return address[strings.LastIndexByte(address, '.')+1:]
}

// KeyedName returns the name of an instance where only letters, digits and underscores can stand: "model_eu".
func KeyedName(name, key string) string {
	if key == "" {
		return name
	}
	return name + "_" + key
}
