package xgboost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Decode reads a model in XGBoost's JSON format, whichever version of XGBoost wrote it.
// Members that it does not know are passed over, for each version adds some. What scoring rests on is checked (Validate): a file that
// was changed by hand is an error and no index out of range.
func Decode(data []byte) (*Model, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \r\n\t"), []byte("{\"")) {
		return nil, errors.New("this is no XGBoost model in JSON (the binary formats are not read: save it with save_model(\"model.json\"))")
	}
	var d document
	if err := json.Unmarshal(nullNaN(data), &d); err != nil {
		return nil, fmt.Errorf("reading an XGBoost model: %w", err)
	}
	m, err := d.model()
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("reading an XGBoost model: %w", err)
	}
	return m, nil
}

// nullNaN replaces the bare NaN that XGBoost writes at categorical splits, which is no JSON, by null.
func nullNaN(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\' && i+1 < len(data):
			out = append(out, c, data[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(data[i:], []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN") - 1
			continue
		}
		out = append(out, data[i])
	}
	return out
}

// UnmarshalJSON reads a number to the nearest float32; null, which nullNaN makes, is NaN.
func (n *number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = number(math.NaN())
		return nil
	}
	f, err := strconv.ParseFloat(string(data), 32)
	*n = number(f)
	return err
}

// UnmarshalJSON reads 0 and 1, and true and false, as some versions write them.
func (f *flag) UnmarshalJSON(data []byte) error {
	switch s := string(data); s {
	case "1", "true":
		*f = true
	case "0", "false":
		*f = false
	default:
		return fmt.Errorf("%s where 0 or 1 was expected", s)
	}
	return nil
}

// model takes over what of the file scoring needs. It refuses what would be scored otherwise: dart drops trees.
func (d *document) model() (*Model, error) {
	l := &d.Learner
	if l.GradientBooster.Name != "gbtree" {
		return nil, fmt.Errorf("booster %q is not supported, only gbtree", l.GradientBooster.Name)
	}
	name, _ := l.Objective["name"].(string)
	params, err := objectiveParam(l.Objective[paramGroup[Objective(name)]])
	if err != nil {
		return nil, fmt.Errorf("parameters of the objective %s: %w", name, err)
	}
	m := &Model{
		Objective: Objective(name), ObjectiveParam: params, FeatureNames: l.FeatureNames, FeatureTypes: l.FeatureTypes,
		TreeClass: l.GradientBooster.Model.TreeInfo, Attributes: l.Attributes,
	}
	if m.NumClass, err = count("num_class", l.Param.NumClass); err != nil {
		return nil, err
	}
	if m.NumFeature, err = count("num_feature", l.Param.NumFeature); err != nil {
		return nil, err
	}
	if m.NumTarget, err = count("num_target", l.Param.NumTarget); err != nil {
		return nil, err
	}
	if m.NumTarget == 1 {
		m.NumTarget = 0
	}
	if m.BaseScore, err = parseBase(l.Param.BaseScore); err != nil {
		return nil, err
	}
	trees := l.GradientBooster.Model.Trees
	m.Trees = make([]Tree, len(trees))
	for i := range trees {
		if m.Trees[i], err = trees[i].decode(); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return m, nil
}

// objectiveParam reads parameters, which are texts.
func objectiveParam(v any) (map[string]string, error) {
	params, ok := v.(map[string]any)
	if !ok {
		return nil, nil
	}
	out := map[string]string{}
	for name, x := range params {
		text, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no text", name)
		}
		out[name] = text
	}
	return out, nil
}

// count reads a number of things, which the format writes as text; without one it is 0.
func count(name, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q", name, text)
	}
	return n, nil
}

// parseBase reads "5E-1", and "[5E-1]" as later versions write it, with a number for each class where there are several.
func parseBase(text string) ([]float32, error) {
	var out []float32
	for _, part := range strings.Split(strings.Trim(text, "[]"), ",") {
		f, err := strconv.ParseFloat(part, 32)
		if err != nil {
			return nil, fmt.Errorf("base_score is %q", text)
		}
		out = append(out, float32(f))
	}
	return out, nil
}

// decode makes nodes of the parallel arrays. Arrays that scoring does not need, such as gains, may be shorter or left out.
func (t *tree) decode() (Tree, error) {
	n := len(t.LeftChildren)
	if size, err := count("size_leaf_vector", t.Param.SizeLeafVector); err != nil || size > 1 {
		return Tree{}, errors.New("leaves that are vectors are not supported")
	}
	for _, l := range []int{
		len(t.RightChildren), len(t.Parents), len(t.SplitConditions), len(t.SplitIndices), len(t.DefaultLeft),
	} {
		if l != n {
			return Tree{}, fmt.Errorf("its arrays have %d and %d elements", n, l)
		}
	}
	out := Tree{Nodes: make([]Node, n)}
	for i := range out.Nodes {
		d := &out.Nodes[i]
		*d = Node{
			Left: t.LeftChildren[i], Right: t.RightChildren[i], Parent: t.Parents[i], Feature: t.SplitIndices[i],
			Value: float32(t.SplitConditions[i]), DefaultLeft: bool(t.DefaultLeft[i]),
			Gain: at(t.LossChanges, i), Hessian: at(t.SumHessian, i), Weight: at(t.BaseWeights, i),
		}
		if d.Parent == rootParent {
			d.Parent = -1
		}
	}
	return out, t.decodeCategories(out.Nodes)
}

// at is an element, 0 beyond the end.
func at(values []number, i int) float32 {
	if i < len(values) {
		return float32(values[i])
	}
	return 0
}

// decodeCategories gives categorical nodes their categories. XGBoost keeps them in floats, which hold whole numbers up to 2^24.
func (t *tree) decodeCategories(nodes []Node) error {
	k := len(t.CategoriesNodes)
	if len(t.CategoriesSegments) != k || len(t.CategoriesSizes) != k {
		return errors.New("its arrays of categories differ in length")
	}
	for i, node := range t.CategoriesNodes {
		start, size := int(t.CategoriesSegments[i]), int(t.CategoriesSizes[i])
		if node < 0 || int(node) >= len(nodes) || start < 0 || size < 0 || start+size > len(t.Categories) {
			return fmt.Errorf("its categories point outside (node %d)", node)
		}
		set := append([]int32{}, t.Categories[start:start+size]...)
		for _, c := range set {
			if c < 0 || c >= 1<<24 {
				return fmt.Errorf("node %d has category %d", node, c)
			}
		}
		nodes[node].Categories, nodes[node].Value = set, 0
	}
	return nil
}
