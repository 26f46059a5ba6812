// Package openinference is a client of the Open Inference Protocol v2 over gRPC, generated from the protocol's messages: what the server's own
// reading and writing of them is tested with. Nothing else uses it.
package openinference
