package fetch

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for given, want := range map[string]Source{
		"git::https://example.com/team/mlp-modules.git//churn?ref=v1.2.0": {"https://example.com/team/mlp-modules.git", "v1.2.0", "churn"},
		"git::https://example.com/team/mlp-modules.git":                   {"https://example.com/team/mlp-modules.git", "", ""},
		"git::ssh://git@example.com:2222/team/x.git//a/b?ref=main":        {"ssh://git@example.com:2222/team/x.git", "main", "a/b"},
		"ssh://git@example.com/x.git":                                     {"ssh://git@example.com/x.git", "", ""},
		"git@example.com:team/x.git//a?ref=feature/one":                   {"ssh://git@example.com/team/x.git", "feature/one", "a"},
		"git::file:///srv/git/x.git//a?ref=0123abc":                       {"file:///srv/git/x.git", "0123abc", "a"},
		"github.com/org/repo//dir?ref=v1":                                 {"https://github.com/org/repo.git", "v1", "dir"},
		"github.com/org/repo?ref=v1":                                      {"https://github.com/org/repo.git", "v1", ""},
		"github.com/org/repo.git//a/b":                                    {"https://github.com/org/repo.git", "", "a/b"},
		"gitlab.com/org/repo//dir?ref=v1":                                 {"https://gitlab.com/org/repo.git", "v1", "dir"},
	} {
		got, err := Parse(given)
		if err != nil || got != want {
			t.Errorf("Parse(%q)\n got %+v, %v\nwant %+v", given, got, err, want)
		}
	}
}

func TestRepository(t *testing.T) {
	a, errA := Parse("github.com/org/repo//one?ref=v1")
	b, errB := Parse("git::https://github.com/org/repo.git//two?ref=v1")
	if errA != nil || errB != nil || a.Repository() != b.Repository() || a.Repository() != "git::https://github.com/org/repo.git?ref=v1" {
		t.Errorf("got %q and %q, %v, %v; want one pin for folders of one repository", a.Repository(), b.Repository(), errA, errB)
	}
}

// TestParseRefuses: what is no repository, and whatever could be a credential, which is not told either.
func TestParseRefuses(t *testing.T) {
	for given, want := range map[string]string{
		"git::https://ann:hunter22@example.com/x.git":          "user or password",
		"git::https://hunter22@example.com/x.git":              "user or password",
		"git::ssh://git:hunter22@example.com/x.git":            "user or password",
		"git::file://hunter22@/srv/x.git":                      "user or password",
		"git::https://example.com/x.git?sshkey=hunter22":       `no parameter "sshkey"`,
		"git::https://example.com/x.git?ref=v1&token=hunter22": `no parameter "token"`,
		"git::https://example.com/x.git?ref=--upload-pack=x":   "no branch",
		"git::https://example.com/x.git?ref=a..b":              "no branch",
		"git::https://example.com/x.git?ref=":                  "no branch",
		"git::https://example.com/x.git?ref=a&ref=b":           "no branch",
		"git::https://example.com/x.git//../y":                 "leads out",
		"git::https://example.com/x.git//a/../../y":            "leads out",
		"git::http://example.com/x.git":                        "over http",
		"git::git://example.com/x.git":                         "over git",
		"git::ext::sh -c hunter22":                             "no git repository",
		"git::/srv/x.git":                                      "no git repository",
		"https://example.com/x.zip":                            "no git repository",
		"https://ann:hunter22@example.com/x.zip":               "no git repository",
		"hg::https://example.com/x":                            "no git repository",
		"s3::https://bucket/x":                                 "no git repository",
		"git::https://example.com":                             "no repository",
		"git::https:///x.git":                                  "no repository",
		"git::https://ann:hunter22@exa mple.com/%zz":           "no git repository",
		"github.com/org":                                       "no git repository",
		"bitbucket.org/org/repo":                               "no git repository",
	} {
		got, err := Parse(given)
		var r *Refusal
		if !errors.As(err, &r) {
			t.Errorf("Parse(%q) = %+v, %v; want a refusal", given, got, err)
			continue
		}
		if said := r.Text + r.Detail + r.Hint; !strings.Contains(said, want) || strings.Contains(said, "hunter22") {
			t.Errorf("Parse(%q): %s; want %q in it, and no credential", given, said, want)
		}
	}
}
