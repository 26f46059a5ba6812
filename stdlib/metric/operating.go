package metric

// Operating is what a threshold comes to: the weight of the rows with at least that score, of the class and of the rest. With the scores
// 0.9 and 0.5 of rows of the class, and 0.5 of another, the threshold 0.5 has 2 and 1.
type Operating struct {
	Threshold      float64
	True, False    float64
	Missed, Passed float64 // the weight of the rows below: of the class, and of the rest
}

// Operating goes along the curve of a class, from the highest score to the lowest, one point for each distinct score. Rows of weight 0
// make none. It is nil where the sample has no scores.
func (s *Sample) Operating(class int) []Operating {
	c, score := s.curve, s.Score
	switch {
	case s.Scores != nil:
		c, score = s.curves[class], s.Scores[class]
	case s.Score == nil:
		return nil
	}
	var total [2]float64 // weight of the rest, and of the class
	for _, p := range c {
		total[p&isOfClass] += s.weights[p>>rowShift]
	}
	var out []Operating
	var above [2]float64
	moved := false
	for _, p := range c {
		w := s.weights[p.row()]
		above[p&isOfClass] += w
		moved = moved || w > 0
		if p&isLast != 0 && moved {
			out = append(out, Operating{score[p.row()], above[1], above[0], max(total[1]-above[1], 0), max(total[0]-above[0], 0)})
			moved = false
		}
	}
	return out
}
