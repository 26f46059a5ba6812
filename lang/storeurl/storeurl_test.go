package storeurl

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"s3://models":           "s3://models",
		"s3://models/":          "s3://models",
		"s3://models/fraud/eu/": "s3://models/fraud/eu",
		"s3://m?region=eu-west-1&endpoint=http://[::1]:707": "s3://m?endpoint=http://%5B::1%5D:707&region=eu-west-1",
		"s3://m?ssetype=aws%3Akms&kmskeyid=alias/x":         "s3://m?kmskeyid=alias/x&ssetype=aws:kms",
		"gs://m/p?kms_key_name=projects/x":                  "gs://m/p?kms_key_name=projects/x",
		"azblob://container?storage_account=acme":           "azblob://container?storage_account=acme",
	} {
		u, err := Parse(text)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, u, err, want)
		}
		if again, err := Parse(u.String()); err != nil || again.String() != want {
			t.Errorf("%s, read again: got %s, %v", text, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"models":                             "no URL",
		"":                                   "no URL",
		"s4://models":                        "expected azblob://, gs://, s3://",
		"https://models":                     "expected azblob://, gs://, s3://",
		"file:///tmp/x":                      "expected azblob://, gs://, s3://",
		"s3://":                              "names no bucket",
		"s3:///prefix":                       "names no bucket",
		"s3://m:80/x":                        "names no bucket",
		"s3://AKIA:hunter2@m":                "user or a password",
		"s3://m?regoin=x":                    "did you mean region?",
		"s3://m?secret_key=hunter2":          `"secret_key", which is not known`,
		"s3://m?region=":                     "one value for region",
		"s3://m?region=a&region=b":           "one value for region",
		"s3://m?ssetype=hunter2":             "expected AES256 or aws:kms",
		"s3://m?endpoint=localhost":          "such as https://",
		"s3://m?endpoint=http://u@h":         "such as https://",
		"s3://m?a;b":                         "cannot be read",
		"s3://m/a//b":                        "two slashes",
		"s3://m/../b":                        `begins with "."`,
		"s3://m/a b":                         "has ' ' in it",
		"gs://m?region=x":                    "those of gs:// are endpoint, kms_key_name",
		"s3://m/" + strings.Repeat("x", 101): "at most 100",
	} {
		u, err := Parse(text)
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(wrong.Why+": "+wrong.Hint, want) {
			t.Errorf("%s: got %s, %v, want %q", text, u, err, want)
		} else if strings.Contains(wrong.Why+wrong.Hint, "hunter2") {
			t.Errorf("%s: a secret is quoted: %v", text, wrong)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("s3://models/fraud?region=eu-central-1&endpoint=http://localhost:7070")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q: %s is read as %s, %v", text, u, again, err)
		}
	})
}
