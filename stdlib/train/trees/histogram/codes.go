package histogram

// codes are the bins of a table's rows, a byte for each feature, four features to a word. A row of a node far down is seldom beside the
// one before it in the table, so that each look at it waits for memory: one look is for four features.
//
// Of the bins 7, 0, 255, 2, 9 of five features in a row the words are 0x02ff0007 and 0x00000009.
type codes [][]uint32 // [feature / lanes][row]

// lanes are the features of a word.
const lanes = 4

// newCodes has room for the bins of so many features, all 0; lanes that no feature has stay so.
func newCodes(features, rows int) codes {
	out := make(codes, (features+lanes-1)/lanes)
	for i := range out {
		out[i] = make([]uint32, rows)
	}
	return out
}

// set puts the bins of a feature. Features of one word must not be set at the same time.
func (c codes) set(feature int, bins []uint8) {
	words, shift := c.of(int32(feature))
	for r, b := range bins {
		words[r] |= uint32(b) << shift
	}
}

// of are the words that hold a feature, and from which bit on.
func (c codes) of(feature int32) (words []uint32, shift uint) {
	return c[feature/lanes], uint(feature%lanes) * 8
}

// together parts ascending features by the words that they are in.
func together(features []int32) [][]int32 {
	var out [][]int32
	for start, i := 0, 1; i <= len(features); i++ {
		if i == len(features) || features[i]/lanes != features[start]/lanes {
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
func (s *laneSums) addOne(words []uint32, shift uint, rows []int32, sums []sum, bins int) {
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
