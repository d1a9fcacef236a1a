//go:build !poll_opt

package gnetloop

// ultimate: gnet's polls keep the numbers of descriptors.
const ultimate = false
