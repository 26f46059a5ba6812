package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/lang/source"
)

// Approvers are groups of people who may give approvals, by name. They are given by whoever operates mlp, and are no
// part of what is reviewed. Nil: nobody gave any, and the names that an approval is asked of are taken literally. An
// empty object is not nil: then nobody may approve anything.
type Approvers map[string][]string

// ReadApprovers reads groups: a JSON object of lists of names, {"risk-officers": ["alice", "bob"]}. The result is never
// nil without an error. A key that stands twice is refused, since one of the two lists would silently not count.
func ReadApprovers(data []byte) (Approvers, error) {
	var all Approvers
	if err := source.DecodeJSON(data, &all); err != nil || all == nil {
		return nil, fmt.Errorf(`it is no object of groups, {"risk-officers": ["alice", "bob"]}: %w`, cmp.Or(err, errors.New("it is null")))
	}
	for group, members := range all {
		if group == "" || slices.Contains(members, "") {
			return nil, fmt.Errorf("the group %q has no name, or a member has none", group)
		}
	}
	return all, nil
}

// May reports whether somebody may give an approval that is asked of some names: of members of those that are groups. Where
// there are groups, a name that is none is a person, who must be in one of them: else whoever writes the pipeline could
// name anybody.
func (a Approvers) May(by string, from []string) bool {
	return slices.ContainsFunc(from, func(name string) bool {
		if members, ok := a[name]; ok {
			return slices.Contains(members, by)
		}
		return name == by && (a == nil || a.known(by))
	})
}

// known reports whether a person is in any group.
func (a Approvers) known(person string) bool {
	for _, members := range a {
		if slices.Contains(members, person) {
			return true
		}
	}
	return false
}

// Given says who gave an approval, when and why. By is what somebody says of themselves; User and Host are what the
// program found out beside that. States of earlier versions have By alone.
type Given struct {
	By     string    `json:"by" is:"text"`               // as they say
	User   string    `json:"user,omitempty" is:"text"`   // of the operating system, who ran the command
	Host   string    `json:"host,omitempty" is:"text"`   // where
	Reason string    `json:"reason,omitempty" is:"text"` // as they say
	At     time.Time `json:"at,omitzero"`
}

// Given says who gave it.
func (a *ApprovalState) Given() *Given {
	return &Given{By: a.By, User: a.User, Host: a.Host, Reason: a.Reason, At: a.At}
}
