// Package initfrom begins pipelines in folders that have none, as 'mlp init' does: a small one to start from (Starter), one over a
// table (Table), over the figures that a training script writes (Figures), and over a pipeline of another tool (Elsewhere:
// DVC, MLproject). What is written is text that a person reads and changes: whatever was guessed stands in it as a comment.
package initfrom
