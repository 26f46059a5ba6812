package lineage_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// The oracle of leakage: of generated queries over events with a target, the target is permuted among the rows that have one.
// Whatever changes at a row that is there before and after, as a set of values for each id, must be marked; and what is marked by earlier
// rows alone must not change where only the targets of later rows do.

var oracleTables = map[string]*schema.Table{
	"e": {Columns: []schema.Column{{Name: "id", Type: "integer"}, {Name: "c", Type: "varchar"}, {Name: "ts", Type: "timestamp"},
		{Name: "a", Type: "integer"}, {Name: "g", Type: "varchar"}, {Name: "y", Type: "integer"}}},
	"d": {Columns: []schema.Column{{Name: "g", Type: "varchar"}, {Name: "w", Type: "integer"}}},
}

const (
	oracleRows   = 30
	oracleEvents = `select i::integer as id, ['p', 'q', 'r', 's', 't', 'u'][i * 7 %% 6 + 1] as c, timestamp '2026-01-01' + to_hours((i * 11 %% 31)::integer) as ts,
		(i * 5 %% 9)::integer as a, ['k', 'l', 'm'][i * i %% 3 + 1] as g, %s::integer as y from range(30) r(i)`
	oracleGroups = `select unnest(['k', 'l', 'm', 'n']) as g, unnest([1, 2, 2, 5])::integer as w`
)

// oracleTime is the hour of an event, all different.
func oracleTime(i int) int { return i * 11 % 31 }

// targets are the targets by id: those of the queries' tables first, then permuted ones, then such that are turned round from
// some hour on.
type targets struct {
	name  string
	y     []string
	since int // from here on; -1: permuted
}

func oracleTargets(r *rand.Rand) []targets {
	base := make([]string, oracleRows)
	for i := range base {
		base[i] = fmt.Sprint(i * 13 % 17 % 2)
		if i%9 == 4 {
			base[i] = "null"
		}
	}
	out := []targets{{"main", base, -1}}
	var known []int
	for i, y := range base {
		if y != "null" {
			known = append(known, i)
		}
	}
	for n := range 2 {
		y := slices.Clone(base)
		for k, j := range r.Perm(len(known)) {
			y[known[k]] = base[known[j]]
		}
		out = append(out, targets{fmt.Sprintf("p%d", n), y, -1})
	}
	for n := range 3 {
		since := oracleTime(known[r.IntN(len(known))])
		y := slices.Clone(base)
		for _, i := range known {
			if oracleTime(i) >= since {
				y[i] = map[string]string{"0": "1", "1": "0"}[base[i]]
			}
		}
		out = append(out, targets{fmt.Sprintf("s%d", n), y, since})
	}
	return out
}

func TestLeakageOracle(t *testing.T) {
	const queries = 1_000
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	s, err := open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	versions := oracleTargets(r)
	for _, v := range versions {
		if v.name != "main" {
			mustExec(t, s, "create schema "+v.name)
		}
		mustExec(t, s, fmt.Sprintf("create table %s.e as %s", v.name, fmt.Sprintf(oracleEvents, "["+strings.Join(v.y, ", ")+"][i + 1]")))
		mustExec(t, s, fmt.Sprintf("create table %s.d as %s", v.name, oracleGroups))
	}
	b := table.NewBinder(nil)
	defer b.Close()
	moved, marked, columns, byShape := 0, 0, 0, map[string]int{}
	for n := range queries {
		g := &generator{r: rand.New(rand.NewPCG(uint64(n), 7))}
		q := g.query()
		found, problems := b.Query(ctx, q, oracleTables)
		flows, more := b.Lineage(ctx, q, oracleTables, []string{"id"})
		if len(problems)+len(more) > 0 {
			t.Fatalf("query %d: %s\n%v %v", n, q, problems, more)
		}
		before := byID(t, s, versions[0].name, q, found)
		changed := map[string]bool{}
		for _, v := range versions[1:] {
			after := byID(t, s, v.name, q, found)
			for _, c := range found[2:] {
				mark := leaks(flows.Columns[c.Name])
				for id, values := range before[c.Name] {
					other, stays := after[c.Name][id]
					if !stays || slices.Equal(values, other) {
						continue
					}
					past := v.since >= 0 && oracleTime(id) <= v.since
					changed[c.Name] = true
					if mark == free || mark == byPast && past {
						t.Errorf("query %d: %s\nid %d: column %s changes from %v to %v with the target (%s), and is marked %d: %+v", n, q, id, c.Name, values, other, v.name, mark, flows.Columns[c.Name])
						mark = all
					}
				}
			}
		}
		for _, c := range found[2:] {
			columns++
			if leaks(flows.Columns[c.Name]) != free {
				marked++
				if !changed[c.Name] {
					byShape[g.shape]++
				}
			}
			if changed[c.Name] {
				moved++
			}
		}
		if t.Failed() && n > 0 && n > 300 {
			return
		}
	}
	t.Logf("%d columns, %d marked, %d moved; marked and never moved, by shape: %v", columns, marked, moved, byShape)
	if moved < columns/4 || marked > moved*2 {
		t.Errorf("of %d columns %d moved and %d are marked", columns, moved, marked)
	}
}

func mustExec(t *testing.T, s *session, query string) {
	t.Helper()
	if err := s.exec(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// byID are the values of each column by the id of their row.
func byID(t *testing.T, s *session, in, query string, columns []schema.Column) map[string]map[int][]string {
	t.Helper()
	ctx := context.Background()
	mustExec(t, s, "set schema = "+table.Literal(in))
	out := map[string]map[int][]string{}
	err := s.each(ctx, query, func(row []driver.Value) error {
		id := int(row[0].(int32))
		for i, c := range columns {
			if out[c.Name] == nil {
				out[c.Name] = map[int][]string{}
			}
			text := fmt.Sprint(row[i])
			if list := out[c.Name][id]; !slices.Contains(list, text) {
				out[c.Name][id] = append(list, text)
				slices.Sort(out[c.Name][id])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

const (
	free = iota
	byPast
	all
)

// leaks tells how the target enters: not, by earlier rows in the order of ts alone, or otherwise.
func leaks(f component.Flow) int {
	y := component.Origin{Table: "e", Column: "y"}
	for _, list := range [][]component.Origin{f.Values, f.Others, f.Keys, f.Control} {
		if slices.Contains(list, y) {
			return all
		}
	}
	out := free
	for _, p := range f.Past {
		if slices.Contains(p.Origins, y) {
			if out = byPast; len(p.Clock) != 1 || p.Clock[0] != (component.Origin{Table: "e", Column: "ts"}) {
				return all
			}
		}
	}
	return out
}
