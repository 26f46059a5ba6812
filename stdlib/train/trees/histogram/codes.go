package histogram

// codes are the bins of a table's rows, a byte for each feature, four features to a word. A row of a node far down is seldom beside the
// one before it in the table, so that each look at it waits for memory: one look is for four features. A feature with more bins than a byte
// tells apart, of many categories, has a word of its own.
//
// Of the bins 7, 0, 255, 2, 9 of five features in a row the words are 0x02ff0007 and 0x00000009; if the second has 1,000 categories and the
// row the 600th of them, they are 0x00000007, 0x00000258 and 0x000902ff.
type codes struct {
	rows  int
	words [][]uint32 // [word][row]
	first []int32    // by word, the first of its features
	lanes []lane     // by feature
}

// lane is where the bins of a feature stand.
type lane struct {
	word  int32
	shift uint8
	mask  uint16 // of a byte, or of two in a word of its own
}

// lanes are the features of a word.
const lanes = 4

// add makes room for the next feature, all 0; lanes that no feature has stay so.
func (c *codes) add(wide bool) {
	f := int32(len(c.lanes))
	if !wide && f > 0 {
		if last := c.lanes[f-1]; !last.wide() && last.shift < 8*(lanes-1) {
			c.lanes = append(c.lanes, lane{last.word, last.shift + 8, last.mask})
			return
		}
	}
	at := lane{word: int32(len(c.words)), mask: 0xff}
	if wide {
		at.mask = 0xffff
	}
	c.words, c.first, c.lanes = append(c.words, make([]uint32, c.rows)), append(c.first, f), append(c.lanes, at)
}

// wide reports whether the feature has its word for itself.
func (l lane) wide() bool { return l.mask > 0xff }

// set puts the bins of a feature. Features of one word must not be set at the same time.
func (c *codes) set(feature int, bins []uint8) {
	words, at := c.of(int32(feature))
	for r, b := range bins {
		words[r] |= uint32(b) << at.shift
	}
}

// setWide puts the bins of a feature that has its word for itself.
func (c *codes) setWide(feature int, b *binned, column []float64) {
	words, _ := c.of(int32(feature))
	for r, x := range column {
		words[r] = uint32(b.category(x))
	}
}

// of are the words that hold a feature, and where in them.
func (c *codes) of(feature int32) (words []uint32, at lane) {
	at = c.lanes[feature]
	return c.words[at.word], at
}

// bin is that of a word.
func (l lane) bin(word uint32) uint16 { return uint16(word>>l.shift) & l.mask }

// together parts ascending features by the words that they are in.
func (c *codes) together(features []int32) [][]int32 {
	var out [][]int32
	for start, i := 0, 1; i <= len(features); i++ {
		if i == len(features) || c.lanes[features[i]].word != c.lanes[features[start]].word {
			out, start = append(out, features[start:i]), i
		}
	}
	return out
}

// laneSums are sums by lane and bin, as many bins as a byte can tell apart, so that none is looked up out of bounds. They are all 0
// between uses.
type laneSums [lanes][256]sum

// add adds up the derivatives of rows by the bins of all features of a word. A row need not wait for the one before where both fall into
// one bin, since there are others to add in between.
func (s *laneSums) add(words []uint32, rows []int32, sums []sum) {
	sums = sums[:len(rows)]
	for i, r := range rows {
		d, word := sums[i], words[r]
		a, b, c, e := &s[0][uint8(word)], &s[1][uint8(word>>8)], &s[2][uint8(word>>16)], &s[3][word>>24]
		a.g += d.g
		a.h += d.h
		b.g += d.g
		b.h += d.h
		c.g += d.g
		c.h += d.h
		e.g += d.g
		e.h += d.h
	}
}

// addOne adds up by one feature alone, in the lanes 0 and 1 by turns, for the same reason, and then in lane 0.
func (s *laneSums) addOne(words []uint32, shift uint8, rows []int32, sums []sum, bins int) {
	sums = sums[:len(rows)]
	for i, r := range rows {
		c := &s[i&1][uint8(words[r]>>shift)]
		c.g += sums[i].g
		c.h += sums[i].h
	}
	for b := range bins {
		s[0][b] = s[0][b].plus(s[1][b])
	}
	clear(s[1][:bins])
}

// addWide adds up by a feature that has its word for itself.
func addWide(hist []sum, words []uint32, rows []int32, sums []sum) {
	clear(hist)
	sums = sums[:len(rows)]
	for i, r := range rows {
		c := &hist[words[r]]
		c.g += sums[i].g
		c.h += sums[i].h
	}
}
