package layout

// unit is the fineness of positions: so many in a pixel.
const unit = 64

// rounds is how often positions are taken from the neighbours before and behind in turn.
const rounds = 16

// Weights of pieces: long edges are to be straight more than short ones.
const (
	betweenNodes = 1
	toDummy      = 2
	amongDummies = 8
)

// place finds positions across the flow: each item wants to be where its neighbours are; the order stays and nothing
// overlaps.
func (l *layers) place() {
	for _, row := range l.layer {
		x := 0
		for i, v := range row {
			if i > 0 {
				x += l.apart(row[i-1], v)
			}
			l.item[v].x = x
		}
		for _, v := range row { // around the middle
			l.item[v].x -= x / 2
		}
	}
	for i := range rounds {
		if i%2 == 0 {
			for r := 1; r < len(l.layer); r++ {
				l.pull(r, true, i >= rounds-2)
			}
		} else {
			for r := len(l.layer) - 2; r >= 0; r-- {
				l.pull(r, i >= rounds-2, true)
			}
		}
	}
	l.straighten()
}

// straighten puts the dummies of an edge on one line where there is room for it.
func (l *layers) straighten() {
	for range 2 {
		for _, chain := range l.chain {
			if len(chain) > 3 {
				l.align(chain[1 : len(chain)-1])
			}
		}
	}
}

// align moves items of successive layers to one position: the nearest to their mean that is free in all layers. If
// there is none, the longest beginning for which there is one is aligned, then the rest.
func (l *layers) align(items []int) {
	for len(items) > 1 {
		low, high, sum, n := l.room(items[0], 1), l.room(items[0], -1), 0, 0
		for _, v := range items {
			a, b := max(low, l.room(v, 1)), min(high, l.room(v, -1))
			if a > b {
				break
			}
			low, high, sum, n = a, b, sum+l.item[v].x, n+1
		}
		at := min(max(floorDiv(sum, n), low), high)
		for _, v := range items[:n] {
			l.item[v].x = at
		}
		items = items[n:]
	}
}

// far is a position beyond all.
const far = 1 << 40

// room is how far an item can go towards the one at its side: that before it (1) gives the least position, that behind
// it (-1) the greatest.
func (l *layers) room(v, side int) int {
	it := &l.item[v]
	row, pos := l.layer[it.rank], it.pos-side
	if pos < 0 || pos >= len(row) {
		return -far * side
	}
	return l.item[row[pos]].x + side*l.apart(row[pos], v)
}

// apart is the least distance of the middles of two items side by side.
func (l *layers) apart(a, b int) int {
	gap := l.o.Gap
	if l.item[a].dummy || l.item[b].dummy {
		gap = gap * 2 / 3
	}
	return ((l.item[a].width+l.item[b].width)/2 + gap) * unit
}

// pull moves a layer's items towards their neighbours before, behind, or both.
func (l *layers) pull(r int, before, behind bool) {
	row := l.layer[r]
	for _, v := range row {
		it := &l.item[v]
		sum, weight := 0, 0
		add := func(others []int) {
			for _, o := range others {
				w := betweenNodes
				switch other := &l.item[o]; {
				case it.dummy && other.dummy:
					w = amongDummies
				case it.dummy || other.dummy:
					w = toDummy
				}
				sum, weight = sum+w*l.item[o].x, weight+w
			}
		}
		if before {
			add(it.before)
		}
		if behind {
			add(it.behind)
		}
		// An item without neighbours holds its place weakly, so that others can move it aside.
		it.want, it.hold = it.x, 1
		if weight > 0 {
			it.want, it.hold = floorDiv(sum, weight), weight*4
		}
	}
	l.settle(row)
}

// settle finds the positions nearest to the wanted ones, by weighted least squares, that keep order and distance: with
// the distances taken off, that is isotonic regression, which pooling neighbours that violate the order solves exactly.
func (l *layers) settle(row []int) {
	type pool struct{ sum, weight, n int }
	var pools []pool
	mean := func(p pool) int { return floorDiv(p.sum, p.weight) }
	offset := make([]int, len(row))
	for i, v := range row {
		if i > 0 {
			offset[i] = offset[i-1] + l.apart(row[i-1], v)
		}
		it := &l.item[v]
		p := pool{sum: (it.want - offset[i]) * it.hold, weight: it.hold, n: 1}
		for len(pools) > 0 && mean(pools[len(pools)-1]) >= mean(p) {
			last := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			p = pool{last.sum + p.sum, last.weight + p.weight, last.n + p.n}
		}
		pools = append(pools, p)
	}
	// Items of a pool touch each other; the pool stands where its items want to be on average.
	i := 0
	for _, p := range pools {
		for range p.n {
			l.item[row[i]].x = mean(p) + offset[i]
			i++
		}
	}
}

// floorDiv rounds toward minus infinity, where Go rounds toward zero: a node left of the origin must not be drawn to the
// right.
func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
