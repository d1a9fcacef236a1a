package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// errNoNamespace means that this machine does not let us have a private network.
var errNoNamespace = errors.New("no network namespace of our own")

// noNamespaceStatus is how the program inside tells the one outside.
const noNamespaceStatus = 3

// checkAlone fails unless this process has no interface but the loopback one:
// drivers' tests dial public addresses, and nothing may leave the machine.
func checkAlone() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("%w: %w", errNoNamespace, err)
	}
	var others []string
	for _, i := range interfaces {
		// A kernel with tunnels built in gives each namespace some, which are down.
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			others = append(others, i.Name)
		}
	}
	if others != nil {
		return fmt.Errorf("%w: there are the interfaces %s", errNoNamespace, strings.Join(others, ", "))
	}
	return nil
}
