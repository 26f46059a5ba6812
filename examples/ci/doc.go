// Package ci has the workflows of pull requests for GitHub and GitLab. Its tests run them.
package ci
