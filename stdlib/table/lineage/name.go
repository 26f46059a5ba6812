package lineage

// reference finds what a name stands for: in its own SELECT, else in those around it.
func (t *tracer) reference(parts []string, sc *scope) flow {
	f, sure, maybe := t.lookup(parts, sc)
	if !sure && !maybe {
		return t.every
	}
	return f
}

// lookup goes outwards. Maybe is true if it stands for something that is not known to be there: f covers all that it
// can be.
func (t *tracer) lookup(parts []string, sc *scope) (f flow, sure, maybe bool) {
	if len(parts) == 0 {
		return t.every, true, true
	}
	for s := sc; s != nil; s = s.outer {
		g, here, perhaps := t.local(parts, s)
		if here {
			if maybe {
				g = f.with(g)
			}
			return g, true, true
		}
		if perhaps {
			f, maybe = f.with(g), true
		}
	}
	return f, false, maybe
}

// local finds what a name stands for in one scope. parts are a.b.c: table and column, column and field of a struct, or both. sure: it
// is there. maybe: it may be, as in a table whose columns are not all known; f then is joined with what is found further out.
func (t *tracer) local(parts []string, s *scope) (f flow, sure, maybe bool) {
	// The order is the engine's: parameters of lambdas, aliases where they go first (late), tables by prefix, columns merged
	// by USING, columns of any table, aliases, and last a table as a struct of its row.
	if p, ok := s.params[parts[0]]; ok {
		return p, true, true
	}
	if s.late {
		if g, ok := t.alias(parts[0], s); ok {
			f, maybe = g, true
		}
	}
	add := func(g flow) {
		if maybe {
			g = f.either(g)
		}
		f, maybe = g, true
	}
	if len(parts) > 1 {
		for _, r := range s.from {
			if r.name != parts[0] {
				continue
			}
			if g, here, perhaps := r.column(parts[1]); here {
				add(narrow(g, parts[2:]))
				sure = true
			} else if perhaps {
				add(g)
			}
		}
		if sure {
			return f, true, true
		}
	}
	if g, ok := s.merged[parts[0]]; ok {
		add(narrow(g, parts[1:]))
		return f, true, true
	}
	for _, r := range s.from {
		if g, here, perhaps := r.column(parts[0]); here {
			add(narrow(g, parts[1:]))
			sure = true
		} else if perhaps {
			add(g.computed())
		}
	}
	if sure {
		return f, true, true
	}
	if g, ok := t.alias(parts[0], s); ok {
		add(narrow(g, parts[1:]))
		return f, true, true
	}
	for _, r := range s.from { // the row as a struct
		if r.name == parts[0] && len(parts) == 1 {
			add(r.row())
			return f, true, true
		}
	}
	return f, false, maybe
}

// narrow is a column, or a field of it.
// A field that the struct is not known to have is as much as the struct.
func narrow(f flow, fields []string) flow {
	for _, name := range fields {
		g, ok := f.parts[name]
		if !ok {
			return f.computed()
		}
		g.homes = f.homes.or(g.homes)
		f = g
	}
	return f
}

// alias traces the expression that the SELECT gives a name to.
// An alias that is used within its own expression (busy) is the column of that name instead: select a + 1 as a.
func (t *tracer) alias(name string, s *scope) (flow, bool) {
	e, ok := s.aliases[name]
	if !ok || s.busy[name] {
		return flow{}, false
	}
	if f, ok := s.known[name]; ok {
		return f, true
	}
	s.busy[name] = true
	late := s.late
	s.late = false
	f := t.expr(e, s)
	s.late = late
	delete(s.busy, name)
	s.known[name] = f
	return f, true
}
