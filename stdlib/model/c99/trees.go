package c99

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// forest are trees as arrays.
type forest struct {
	nodes, roots, groups []string
	sets                 []string // offset 0 is of no set
	zeros                bool     // some splits take 0 for missing
}

// set adds a set of categories as words of 32 bits behind their number, and returns where it is; 0: of no categories there is none.
func (f *forest) set(categories []int32) int {
	if f.sets == nil {
		f.sets = []string{"0"}
	}
	at := len(f.sets)
	words := []uint32{}
	for _, c := range categories {
		for int(c)/32 >= len(words) {
			words = append(words, 0)
		}
		words[c/32] |= 1 << (c % 32)
	}
	f.sets = append(f.sets, fmt.Sprintf("%du", len(words)))
	for _, word := range words {
		f.sets = append(f.sets, fmt.Sprintf("0x%xu", word))
	}
	return at
}

// leaf is the feature of a leaf.
const leaf = -1

// trees writes trees of 32 bits.
func (w *writer) trees(m *xgboost.Model) {
	f := &forest{}
	for i := range m.Trees {
		root := len(f.nodes)
		f.roots, f.groups = append(f.roots, fmt.Sprint(root)), append(f.groups, fmt.Sprint(m.TreeClass[i]))
		for k := range m.Trees[i].Nodes {
			n := &m.Trees[i].Nodes[k]
			if n.Leaf() {
				f.nodes = append(f.nodes, fmt.Sprintf("{%d, 0, 0, 0, 0, %s}", leaf, single(n.Value)))
				continue
			}
			missing, set, value := n.Right, 0, n.Value
			if n.DefaultLeft {
				missing = n.Left
			}
			if n.Categories != nil {
				set, value = f.set(n.Categories), 0
			}
			f.nodes = append(f.nodes, fmt.Sprintf("{%d, %d, %d, %d, %d, %s}", n.Feature, root+int(n.Left), root+int(n.Right), root+int(missing), set, single(value)))
		}
	}
	start := make([]string, m.Groups())
	for g, x := range m.Start() {
		start[g] = single(x)
	}
	w.forest(f, "float", start, "")
	groups := m.Groups()
	w.line("static void %P_estimate(const double *in, double *out)\n{\n\tfloat margins[%d];\n\tint o;\n\n\t%P_margins(in, margins);", groups)
	if m.Link() == "softmax" { // of differences of 32 bits
		w.line("\t{\n\t\tfloat top = margins[0];\n\t\tdouble sum = 0.0;\n")
		w.line("\t\tfor (o = 1; o < %d; o++)\n\t\t\tif (margins[o] > top)\n\t\t\t\ttop = margins[o];", groups)
		w.line("\t\tfor (o = 0; o < %d; o++) {\n\t\t\tfloat difference = margins[o] - top;\n\n\t\t\tout[o] = exp(difference);\n\t\t\tsum += out[o];\n\t\t}", groups)
		w.line("\t\tfor (o = 0; o < %d; o++)\n\t\t\tout[o] /= sum;\n\t}\n}\n", groups)
		return
	}
	w.line("\tfor (o = 0; o < %d; o++)\n\t\tout[o] = margins[o];", groups)
	w.link(m.Link(), groups)
	if w.parts.Shares {
		w.bound(groups)
	}
	w.line("}\n")
}

// decisionTrees writes trees of 64 bits.
func (w *writer) decisionTrees(m *decisiontrees.Model) error {
	f := &forest{}
	for i := range m.Trees {
		root := len(f.nodes)
		f.roots, f.groups = append(f.roots, fmt.Sprint(root)), append(f.groups, fmt.Sprint(m.Trees[i].Group))
		for k := range m.Trees[i].Nodes {
			n := &m.Trees[i].Nodes[k]
			f.zeros = f.zeros || n.ZeroMissing && !n.Leaf()
		}
		for k := range m.Trees[i].Nodes {
			n := &m.Trees[i].Nodes[k]
			if n.Leaf() {
				f.nodes = append(f.nodes, fmt.Sprintf("{%d, 0, 0, 0, 0, %s}", leaf, number(n.Value)))
				continue
			}
			missing, set, value := n.Right, 0, n.Value
			if n.MissingLeft {
				missing = n.Left
			}
			left, right := n.Left, n.Right
			if n.Categories != nil { // a set is of those that go right
				set, value, left, right = f.set(n.Categories), 0, right, left
			}
			node := fmt.Sprintf("{%d, %d, %d, %d, %d, %s}", n.Feature, root+int(left), root+int(right), root+int(missing), set, number(value))
			f.nodes = append(f.nodes, node)
		}
	}
	if f.zeros {
		return fmt.Errorf("its trees take 0 for missing, which is not written as C")
	}
	read := "x"
	if m.Single {
		read = "(float)x"
	}
	w.forest(f, "double", numbers(m.Base), read)
	groups := m.Groups()
	w.line("static void %P_estimate(const double *in, double *out)\n{\n\tint o;\n\n\t%P_margins(in, out);")
	average, scale := float64(max(m.Average, 1)), m.Scale
	if scale == 0 || m.Link != decisiontrees.Logistic {
		scale = 1
	}
	w.line("\tfor (o = 0; o < %d; o++)\n\t\tout[o] = out[o] / %s * %s;", groups, number(average), number(scale))
	w.link(string(m.Link), groups)
	if w.parts.Shares {
		w.bound(groups)
	}
	w.line("}\n")
	return nil
}

// forest writes the nodes and the walk down each tree, of numbers of a type of C. read is how a value is read that is compared in 64 bits; "" of those of 32, of which a value that equals a threshold
// goes right, and else left.
func (w *writer) forest(f *forest, kind string, start []string, read string) {
	fmt.Fprintf(&w.data, "struct %s_node { int feature, left, right, missing, set; %s value; }; /* feature -1: a leaf; set: of categories that go right; 0: none */\n", w.p, kind)
	w.data.WriteString(array("static const struct "+w.p+"_node", w.p+"_nodes", f.nodes, ""))
	w.data.WriteString(array("static const int", w.p+"_roots", f.roots, "the first node of each tree"))
	w.data.WriteString(array("static const int", w.p+"_groups_of", f.groups, "the output that each tree adds to"))
	w.data.WriteString(array("static const "+kind, w.p+"_start", start, ""))
	if f.sets != nil {
		w.data.WriteString(array("static const uint32_t", w.p+"_sets", f.sets, "how many words, then the words: bit c of them is category c"))
		w.line("static int %P_within(const uint32_t *set, %s x)\n{\n\tuint32_t c;\n", kind)
		lowest := "x >= 0.0"
		if read != "" {
			lowest = "x > -1.0"
		}
		w.line("\tif (!(%s && x < 16777216.0))\n\t\treturn 0;\n\tc = (uint32_t)(int32_t)x;\n\treturn c / 32u < set[0] && (set[1 + c / 32u] >> (c %% 32u) & 1u) != 0;\n}\n", lowest)
	}
	compare, value := "x < n->value", "(float)in[n->feature]"
	if read != "" {
		compare, value = "x <= n->value", strings.Replace(read, "x", "in[n->feature]", 1)
	}
	w.line("static void %P_margins(const double *in, %s *out)\n{\n\tint t, o;\n", kind)
	w.line("\tfor (o = 0; o < %d; o++)\n\t\tout[o] = %P_start[o];", len(start))
	if len(f.roots) == 0 {
		w.line("\t(void)t;\n\t(void)in;\n\t(void)%P_nodes;\n\t(void)%P_roots;\n\t(void)%P_groups_of;\n}\n")
		return
	}
	w.line("\tfor (t = 0; t < %d; t++) {\n\t\tconst struct %P_node *n = &%P_nodes[%P_roots[t]];\n", len(f.roots))
	w.line("\t\twhile (n->feature >= 0) {\n\t\t\tconst %s x = %s;\n\t\t\tint next;\n", kind, value)
	w.line("\t\t\tif (x != x)\n\t\t\t\tnext = n->missing;")
	if f.sets != nil {
		w.line("\t\t\telse if (n->set > 0)\n\t\t\t\tnext = %P_within(&%P_sets[n->set], x) ? n->right : n->left;")
	}
	w.line("\t\t\telse\n\t\t\t\tnext = %s ? n->left : n->right;\n\t\t\tn = &%P_nodes[next];\n\t\t}\n\t\tout[%P_groups_of[t]] += n->value;\n\t}\n}\n", compare)
}
