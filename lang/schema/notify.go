package schema

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
)

// Events that people are told of, as `on` of a notify block names them.
const (
	GateFailedEvent     = "gate_failed"
	CheckFailedEvent    = "check_failed"
	StageFailedEvent    = "stage_failed"
	ApprovalWantedEvent = "approval_wanted"
	ReleasedEvent       = "released"
	RolloutBegunEvent   = "rollout_begun"
	RolloutStepEvent    = "rollout_step"
	RolloutAbortedEvent = "rollout_aborted"
	RolledBackEvent     = "rolled_back"
	AlarmEvent          = "alarm"
	RetrainEvent        = "retrain"
)

// NotifyEvents are all events, in the order in which they are listed for people.
func NotifyEvents() []string {
	return []string{GateFailedEvent, CheckFailedEvent, StageFailedEvent, ApprovalWantedEvent, ReleasedEvent, RolloutBegunEvent, RolloutStepEvent, RolloutAbortedEvent, RolledBackEvent, AlarmEvent, RetrainEvent}
}

// notifyKind says who is told of what happens. Its blocks are no stages: commands that change production read them when something has happened.
func notifyKind() Kind {
	secret := func(name, doc string, required bool) Attr {
		return Attr{Name: name, Type: Ref, Required: required, Ports: []PortType{SecretPort}, Kinds: []string{"secret"}, Edge: StateEdge, Doc: doc}
	}
	of := func(name, summary, doc string, attrs ...Attr) Type {
		return Type{Name: name, Summary: summary, Doc: doc, Body: Body{Attrs: append(attrs,
			Attr{Name: "description", Type: String, Metadata: true, Doc: "Who is told, and what for."},
			Attr{Name: "on", Type: StringList, Unordered: true, Metadata: true, OneOf: NotifyEvents(), Doc: "The events that are told. Default: all."},
			Attr{Name: "workspaces", Type: StringList, Unordered: true, Metadata: true, Default: []string{"default"}, Doc: "Workspaces of which it is told what happens."},
		)}}
	}
	return Kind{
		Name: "notify", Phase: Operations, Tells: true, Summary: "Who is told when something happens",
		Doc: "Commands that change what is recorded (`apply`, `rollback`, `release`, `watch`) tell, once what they did is recorded: what happened, why, and which command comes next. Each event is told once: " +
			"the store remembers what was told ([notifications](language.md#notifications)). A place that does not answer is tried four times; then the command says so, and its exit code is as it would have been.",
		Types: []Type{
			of("command", "A program of one's own", "It runs in the module's folder, with the event as JSON on its standard input. Another exit code than 0 counts as not told. "+
				"It runs outside of containers, with all that whoever runs mlp may do, and so only where they say `MLP_NOTIFY_COMMANDS=1`.",
				Attr{Name: "command", Type: StringList, Required: true, Metadata: true, Doc: "The program and its arguments, without a shell."}),
			of("smtp", "E-mail", "One message to all of `to`, in plain text. Its `Message-ID` is made of the event's id.",
				Attr{Name: "server", Type: String, Required: true, Metadata: true, Doc: "The mail server, `smtp.example.com:587`."},
				Attr{Name: "tls", Type: String, Default: "starttls", OneOf: []string{"starttls", "tls", "none"}, Metadata: true, Doc: "`starttls` refuses a server that does not offer it; `tls` speaks TLS from the first byte, as on port 465; `none` sends unencrypted, and never a password."},
				Attr{Name: "from", Type: String, Required: true, Metadata: true, Doc: "The sender, `mlp@example.com`."},
				Attr{Name: "to", Type: StringList, Unordered: true, Required: true, Metadata: true, Doc: "The recipients."},
				Attr{Name: "user", Type: String, Metadata: true, Doc: "Who logs in at the server. Without one nobody does."},
				secret("password", "The user's password.", false)),
			of("slack", "A channel in Slack, or in what takes its messages", "An incoming webhook: `{\"text\": …}`. Mattermost, Rocket.Chat and others take the same.",
				secret("url", "The address of the webhook, which is itself what opens it.", true)),
			of("webhook", "A POST of JSON", "The event as JSON ([its form](language.md#notifications)). The header `Webhook-Signature` is `v1,` and the base64 of HMAC-SHA256 over `Webhook-Id`, `Webhook-Timestamp` and the body, joined by points, as Standard Webhooks 1.0 has it.",
				Attr{Name: "url", Type: String, Required: true, Metadata: true, Doc: "Where it is sent: an address of `https`, or of `http` on this machine."},
				secret("key", "What requests are signed with.", true)),
		},
	}
}

// Notify is what a notify block says, as plans and the state have its arguments. The type of the block follows from them: which of Command, Server and URL it has;
// that of slack has none, since its address is a secret.
type Notify struct {
	On         []string `json:"on"`
	Workspaces []string `json:"workspaces"`
	Command    []string `json:"command"`
	Server     string   `json:"server"`
	TLS        string   `json:"tls"`
	From       string   `json:"from"`
	To         []string `json:"to"`
	User       string   `json:"user"`
	URL        string   `json:"url"`
}

// Problems are what is wrong with it, as far as that can be seen without its secrets; secrets are the arguments that name one.
func (n *Notify) Problems(secrets []string) []Problem {
	var out []Problem
	add := func(path, summary, hint string) {
		out = append(out, Problem{Path: path, Summary: summary, Hint: hint})
	}
	if n.URL != "" {
		u, err := url.Parse(n.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			add("url", fmt.Sprintf("%q is no address of http or https", n.URL), "Write https://oncall.example.com/hooks/mlp.")
		case u.User != nil:
			add("url", "The address has a user or password in it, which would stand in plans and in the state", "Requests are signed with key.")
		case !Private(u):
			add("url", "The event would be sent unencrypted, and to another machine", "Write https.")
		}
	}
	if n.Command != nil && (len(n.Command) == 0 || n.Command[0] == "") {
		add("command", "There is no program to run", `For example command = ["./page.sh"].`)
	}
	if n.Server == "" {
		return out
	}
	if host, port, err := net.SplitHostPort(n.Server); err != nil || host == "" || port == "" {
		add("server", fmt.Sprintf("%q is no server with a port", n.Server), "Write smtp.example.com:587.")
	}
	if _, err := mail.ParseAddress(n.From); err != nil {
		add("from", fmt.Sprintf("%q is no address of e-mail", n.From), "")
	}
	for i, to := range n.To {
		if _, err := mail.ParseAddress(to); err != nil {
			add(fmt.Sprintf("to[%d]", i), fmt.Sprintf("%q is no address of e-mail", to), "")
		}
	}
	if len(n.To) == 0 {
		add("to", "Nobody is to be told", "")
	}
	switch login := slices.Contains(secrets, "password"); {
	case login != (n.User != ""):
		add("user", "user and password are given together, or neither", "")
	case login && n.TLS == "none":
		add("tls", "The password would be sent unencrypted", "Leave out tls.")
	}
	return out
}

// Private reports whether nobody on the way reads what is sent to an address.
func Private(u *url.URL) bool {
	return u.Scheme == "https" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}
