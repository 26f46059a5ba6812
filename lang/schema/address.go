package schema

// KeyedName returns the name of an instance where only letters, digits and underscores can stand: "model_eu".
func KeyedName(name, key string) string {
	if key == "" {
		return name
	}
	return name + "_" + key
}
