// Package fetch gets modules from git repositories, and tells whether what was fetched is what is pinned.
//
// A repository is fetched whole at one commit, without its history, into a folder named by that commit. What is pinned of
// it, the commit and a digest of all its files, is checked whenever it is read. Only Get uses the network.
package fetch

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/go-getter/v2"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Source is a folder of a git repository.
type Source struct {
	URL    string // of the repository, without user, password and query
	Ref    string // a branch, tag or commit; "" for the default branch
	Folder string // in the repository; "" for all of it
}

// Refusal says why a source is none, and what to write. It repeats nothing of a source that could be a credential.
type Refusal struct{ Text, Detail, Hint string }

func (r *Refusal) Error() string { return r.Text }

// schemes of repositories. git:// and http:// tell nobody who answers.
var schemes = []string{"https", "ssh", "file"}

var (
	refName    = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_./+@-]*$`)
	forced     = lazyregexp.New(`^[A-Za-z0-9]+::`)
	commitHash = lazyregexp.New(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// gitGetter is what go-getter uses of its getters here: git alone, with the short forms of addresses that it expands.
func gitGetter() *getter.GitGetter {
	return &getter.GitGetter{Detectors: []getter.Detector{new(getter.GitHubDetector), new(getter.GitLabDetector), new(getter.GitDetector)}}
}

// Parse reads a source: "git::https://example.com/team/mlp-modules.git//churn?ref=v1.2.0", "git::ssh://…", "git::file://…",
// "git@example.com:team/mlp-modules.git//churn", "github.com/org/repo//churn?ref=v1". The error is a *Refusal.
func Parse(given string) (Source, error) {
	base, folder := getter.SourceDirSubdir(given)
	req := &getter.Request{Src: base}
	if ok, err := getter.Detect(req, gitGetter()); err != nil || !ok {
		return Source{}, unknown(given)
	}
	at, more := getter.SourceDirSubdir(req.Src)
	u, err := url.Parse(at)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return Source{}, unknown(given)
	}
	if err := refused(u); err != nil {
		return Source{}, err
	}
	s := Source{Ref: u.Query().Get("ref"), Folder: path.Clean("/" + path.Join(more, folder))[1:]}
	if slices.Contains(strings.Split(folder, "/"), "..") {
		return Source{}, &Refusal{Text: "the folder leads out of the repository", Detail: "What follows // is a folder of the repository."}
	}
	u.RawQuery, u.Fragment = "", ""
	s.URL = u.String()
	return s, nil
}

// unknown refuses what is no git repository's address.
func unknown(given string) error {
	r := &Refusal{Text: "the source is no git repository", Detail: "Modules are fetched from git repositories: " +
		"\"git::https://example.com/team/modules.git//folder?ref=v1.2.0\", git::ssh://…, git::file:///…, github.com/org/repo//folder?ref=v1.2.0."}
	if kind := forced().FindString(given); kind != "" && kind != "git::" {
		r.Hint = fmt.Sprintf("%s is not supported", strings.TrimSuffix(kind, "::"))
	} else if strings.HasPrefix(given, "https://") {
		r.Hint = "write git:: in front of https://"
	}
	return r
}

// refused tells what is wrong with a repository's address.
func refused(u *url.URL) error {
	_, password := u.User.Password()
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return &Refusal{Text: fmt.Sprintf("modules are not fetched over %s", u.Scheme), Detail: "Use https, ssh or file: they tell that it is the repository meant that answers."}
	case password || u.User != nil && u.Scheme != "ssh":
		return &Refusal{Text: "the source holds a user or password", Detail: "It would be in the repository of whoever reads this file. Git finds credentials itself: " +
			"in its credential helper, in ~/.netrc, or by an ssh key.", Hint: "leave out what stands before the @, and take back the password: it has been seen"}
	case u.Host == "" && u.Scheme != "file", u.Path == "" || u.Path == "/":
		return &Refusal{Text: "the source names no repository", Detail: "An address is like https://example.com/team/modules.git."}
	}
	for name, values := range u.Query() {
		if name != "ref" {
			return &Refusal{Text: fmt.Sprintf("a source has no parameter %q", clip(name)), Detail: "It has ref: a branch, tag or commit."}
		}
		if len(values) != 1 || !refName().MatchString(values[0]) || strings.Contains(values[0], "..") {
			return &Refusal{Text: "ref is no branch, tag or commit", Detail: "It is one name of letters, digits and _ . / + @ -, which does not begin with -."}
		}
	}
	return nil
}

// clip keeps names short in messages.
func clip(name string) string {
	if len(name) > 20 {
		return name[:20] + "…"
	}
	return name
}

// Repository is the source without its folder, as mlp.lock names it: all folders of one repository are at one commit.
func (s Source) Repository() string {
	out := "git::" + s.URL
	if s.Ref != "" {
		out += "?" + url.Values{"ref": {s.Ref}}.Encode()
	}
	return out
}

// Local reports whether the repository lies on this machine.
func (s Source) Local() bool { return strings.HasPrefix(s.URL, "file:") }
