package lsp

import (
	"encoding/json"
	"fmt"
)

// module returns that of a folder, a new one where none is known. The caller holds mu.
func (s *server) module(dir string) *module {
	m := s.modules[dir]
	if m == nil {
		m = newModule(dir, s.cat)
		s.modules[dir] = m
	}
	return m
}

// didOpen takes a text into the editor's care: from here on the file on disk is not looked at.
func (s *server) didOpen(raw *json.RawMessage) error {
	p, err := decode[openParams](raw)
	if err != nil {
		return badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, name := split(p.TextDocument.URI)
	m := s.module(dir)
	m.open[name] = &document{
		uri: p.TextDocument.URI, version: p.TextDocument.Version, name: name, text: newText(p.TextDocument.Text), cat: m.cat,
	}
	s.schedule(dir)
	return nil
}

// didChange applies the changes in their order: each is in terms of the text that the one before left. If one of them
// does not fit, none of the message is applied.
func (s *server) didChange(raw *json.RawMessage) error {
	p, err := decode[changeParams](raw)
	if err != nil {
		return badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, name := split(p.TextDocument.URI)
	d := s.module(dir).open[name]
	if d == nil {
		return badParams(fmt.Errorf("%s is not open", p.TextDocument.URI))
	}
	t := d.text
	for _, c := range p.ContentChanges {
		if t, err = t.change(c.Range, c.Text); err != nil {
			return badParams(err)
		}
	}
	d.version, d.text, d.outline = p.TextDocument.Version, t, nil
	s.schedule(dir)
	return nil
}

// didClose goes back to what is on disk, also where the editor's text was not saved.
func (s *server) didClose(raw *json.RawMessage) error {
	p, err := decode[documentParams](raw)
	if err != nil {
		return badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, name := split(p.TextDocument.URI)
	delete(s.module(dir).open, name)
	s.schedule(dir)
	return nil
}

// didSave looks at the module again: other files may have been written by the same command.
func (s *server) didSave(raw *json.RawMessage) error {
	p, err := decode[documentParams](raw)
	if err != nil {
		return badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, _ := split(p.TextDocument.URI)
	s.schedule(dir)
	return nil
}

// didChangeWatched looks again at the modules whose files, or files beside them, have changed on disk.
func (s *server) didChangeWatched(raw *json.RawMessage) error {
	p, err := decode[watchedParams](raw)
	if err != nil {
		return badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range p.Changes {
		if dir, _ := split(c.URI); s.modules[dir] != nil {
			s.schedule(dir)
		}
	}
	return nil
}
