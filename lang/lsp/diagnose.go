package lsp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/source"
)

// schedule has diagnostics worked out once the typing pauses: each call puts the analysis of that folder off by
// Debounce. The caller holds mu.
func (s *server) schedule(dir string) {
	s.module(dir).changed = true
	if t := s.timers[dir]; t != nil {
		t.Stop()
	}
	s.timers[dir] = time.AfterFunc(s.opts.Debounce, func() { s.diagnose(dir) })
}

// settle makes sure that the module a request is about has been looked at once, so that the first questions are
// answered with types. Later ones do not wait: what is known may be some key presses old. Neither lock may be held.
func (s *server) settle(raw *json.RawMessage) {
	params, err := decode[documentParams](raw)
	if err != nil || params.TextDocument.URI == "" {
		return
	}
	dir, _ := split(params.TextDocument.URI)
	s.mu.Lock()
	m := s.modules[dir]
	wait := m != nil && m.analysis == nil
	s.mu.Unlock()
	if wait {
		s.diagnose(dir)
	}
}

// diagnose compiles a module as it is now and tells the client what is wrong. What changed meanwhile is told by the run
// that the change has scheduled: changed is taken back in the same hold of mu in which the texts are read.
func (s *server) diagnose(dir string) {
	s.compile.Lock()
	defer s.compile.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	m := s.modules[dir]
	if !m.changed { // a run before this one has seen all of it
		s.mu.Unlock()
		return
	}
	m.changed = false
	texts, versions := m.texts(), map[string]int{}
	for name, d := range m.open {
		// Diagnostics are sent with the version that they are of, so that a client that is further can leave them out.
		versions[name] = d.version
	}
	s.mu.Unlock()
	analysis := s.opts.Compiler.Analyse(s.ctx, dir, files(texts))
	s.mu.Lock()
	m.learn(analysis)
	messages := m.messages(analysis.Diagnostics, texts, versions)
	s.mu.Unlock()
	for _, msg := range messages {
		if err := s.conn.Notify(s.ctx, "textDocument/publishDiagnostics", msg); err != nil {
			return // the client has gone
		}
	}
}

// messages are the diagnostics of each file that has some, is open, or had some before, by name. A diagnostic about a
// file that is not of this module, or about none, goes to some file of it, since the protocol has no other place.
func (m *module) messages(ds source.Diagnostics, texts map[string]*text, versions map[string]int) []publishParams {
	byFile := map[string][]diagnostic{}
	for name := range versions {
		byFile[name] = []diagnostic{}
	}
	// A file that had diagnostics and has none is told so by an empty list: editors keep what they were told.
	for name := range m.published {
		byFile[name] = []diagnostic{}
	}
	for _, d := range ds {
		name := d.Subject.File
		if texts[name] == nil {
			name = m.anyFile(texts, versions)
		}
		if name != "" {
			byFile[name] = append(byFile[name], m.translate(d, texts))
		}
	}
	m.published = map[string]bool{}
	var out []publishParams
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		p := publishParams{URI: m.uri(name), Diagnostics: byFile[name]}
		if v, ok := versions[name]; ok {
			p.Version = &v
		}
		if m.published[name] = len(p.Diagnostics) > 0; !m.published[name] {
			delete(m.published, name)
		}
		out = append(out, p)
	}
	return out
}

// anyFile is where a diagnostic goes that is about no file: the first one that is open, else the first, else "".
func (m *module) anyFile(texts map[string]*text, versions map[string]int) string {
	if names := slices.Sorted(maps.Keys(versions)); len(names) > 0 {
		return names[0]
	}
	if names := slices.Sorted(maps.Keys(texts)); len(names) > 0 {
		return names[0]
	}
	return ""
}

// translate makes a diagnostic of the protocol. One about a file that is not open here, as of a called module, stands
// at the top with its place in the message. Related places in such files are left out.
func (m *module) translate(d source.Diagnostic, texts map[string]*text) diagnostic {
	about := ""
	if f := d.Subject.File; f != "" && texts[f] == nil {
		about = fmt.Sprintf("%s:%d: ", f, d.Subject.Start.Line)
	}
	out := diagnostic{Severity: 1, Code: d.Code, Source: "mlp", Message: message(d, about)}
	if d.Severity == source.Warning {
		out.Severity = 2
	}
	if t := texts[d.Subject.File]; t != nil {
		out.Range = t.rangeSpan(d.Subject)
	}
	for _, r := range d.Related {
		if t := texts[r.Range.File]; t != nil {
			out.Related = append(out.Related, related{Message: r.Message, Location: location{URI: m.uri(r.Range.File), Range: t.rangeSpan(r.Range)}})
		}
	}
	return out
}

// message is what a diagnostic says, with detail and hint in lines of their own. about is the file and line that it is
// about, where the client is shown another place; else "".
func message(d source.Diagnostic, about string) string {
	lines := []string{about + d.Summary}
	if d.Detail != "" {
		lines = append(lines, d.Detail)
	}
	if d.Hint != "" {
		lines = append(lines, "hint: "+d.Hint)
	}
	return strings.Join(lines, "\n")
}
