package histogram

// What parts rows. Each is a function of its own, so that all it works with is in registers.

// partAll parts rows and their derivatives, and returns how many go left.
//
// Each row is written to both sides, and the end of its own moves on: which side is not to be guessed. What is written beyond an end is
// overwritten; rows up to k were read before.
func partAll(rows, spare []int32, sums, spares []sum, words []uint32, at lane, left *sides) (k int) {
	shift, mask := at.shift&31, uint32(at.mask)
	sums, spare, spares = sums[:len(rows)], spare[:len(rows)], spares[:len(rows)]
	for i, r := range rows {
		d := sums[i]
		rows[k], sums[k] = r, d
		spare[i-k], spares[i-k] = r, d
		k += int(left[words[r]>>shift&mask])
	}
	copy(rows[k:], spare)
	copy(sums[k:], spares)
	return k
}

// partRows parts rows alone.
func partRows(rows, spare []int32, words []uint32, at lane, left *sides) (k int) {
	shift, mask := at.shift&31, uint32(at.mask)
	spare = spare[:len(rows)]
	for i, r := range rows {
		rows[k], spare[i-k] = r, r
		k += int(left[words[r]>>shift&mask])
	}
	copy(rows[k:], spare)
	return k
}

// addSides adds to the margins of rows what those have that go right, or left.
func addSides(margins []float32, values [2]float32, rows []int32, words []uint32, at lane, left *sides) {
	shift, mask := at.shift&31, uint32(at.mask)
	for _, r := range rows {
		margins[r] += values[left[words[r]>>shift&mask]&1]
	}
}
