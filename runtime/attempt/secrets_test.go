package attempt

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func opened(t *testing.T, values map[string]string) *secrets {
	t.Helper()
	var wanted []plan.Secret
	for name, value := range values {
		t.Setenv("MLP_TEST_"+name, value)
		wanted = append(wanted, plan.Secret{Name: name, Env: "MLP_TEST_" + name})
	}
	s, err := openSecrets(t.TempDir(), wanted, ReadSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestMask: a value is masked in all forms, also where it begins another one, and nothing else is.
func TestMask(t *testing.T) {
	long := "s3cret-tail\n\"quoted\" line"
	m := opened(t, map[string]string{"short": "s3cret", "long": long}).mask()
	inJSON, _ := json.Marshal(long) // a string can be
	for in, want := range map[string]string{
		"a s3cret here":                  "a (secret.short) here",
		"x " + long + " y":               "x (secret.long) y",
		"s3cret-tail":                    "(secret.long)",
		`"quoted" line`:                  "(secret.long)",
		"{" + string(inJSON) + "}":       `{"(secret.long)"}`,
		hex.EncodeToString([]byte(long)): "(secret.long)",
		strings.ToUpper(hex.EncodeToString([]byte("s3cret"))): "(secret.short)",
		"q=" + url.QueryEscape(long) + "&":                    "(a line with secret.long)",
		`{"a":"s3\u0063ret"}`:                                 "(a line with secret.short)",
		"nothing secre":                                       "nothing secre",
	} {
		if got := m.Replace(in); got != want {
			t.Errorf("%q is masked as %q, want %q", in, got, want)
		}
	}
	for before := range 4 {
		for after := range 4 {
			text := strings.Repeat("u", before) + long + strings.Repeat("v", after)
			got := m.Replace(base64.StdEncoding.EncodeToString([]byte(text)))
			if left := strings.Replace(got, "(secret.long)", "", 1); left == got || len(left) > 12 {
				t.Errorf("base64 of %q is masked as %q", text, got)
			}
		}
	}
}

// TestLeaked: a value is found in any form, wherever it stands in a large file, and in names.
func TestLeaked(t *testing.T) {
	value := "value-of-a-secret"
	s := opened(t, map[string]string{"it": value})
	for name, text := range map[string]string{
		"plain":              value,
		"over the boundary":  strings.Repeat("x", 1<<20-5) + value + "x",
		"hexadecimal":        hex.EncodeToString([]byte(value)),
		"base64, in between": base64.StdEncoding.EncodeToString([]byte("user:" + value + ":1")),
		"in JSON":            `{"a":"` + value + `"}`,
		"escaped":            `{"a":"value-\u006ff-a-secret"}`,
		"in a URL":           `?a=value%2Dof-a-secret`,
		"in a page":          `<p>value-of-a&#45;secret`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if file, secret, err := s.leaked(dir); err != nil || file != "f" || secret != "it" {
			t.Errorf("%s: got %q %q %v, want f and it", name, file, secret, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(value[1:]), 0o600); err != nil {
		t.Fatal(err)
	}
	if file, _, err := s.leaked(dir); file != "" || err != nil {
		t.Errorf("without the value: got %q %v", file, err)
	}
}

// TestCheckpointWithSecretIsNotUsedAgain: what a killed attempt left, the value of a secret among it, is gone before the next begins.
func TestCheckpointWithSecretIsNotUsedAgain(t *testing.T) {
	s := opened(t, map[string]string{"token": "value-of-a-secret"})
	for content, want := range map[string]bool{"epoch 3": true, "the value-of-a-secret is": false} {
		dir := filepath.Join(t.TempDir(), "checkpoint")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "kept"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		a := &Attempt{secrets: s}
		a.task.Checkpoint = dir
		if err := a.forgetSecrets(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "kept")); (err == nil) != want {
			t.Errorf("%q: kept %t, want %t", content, err == nil, want)
		}
	}
}
