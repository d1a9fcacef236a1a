//go:build poll_opt

package gnetloop

// ultimate: gnet's polls keep addresses of its own where they keep the numbers
// of descriptors otherwise.
const ultimate = true
