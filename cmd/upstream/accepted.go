package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// accepted is how many TCP connections have been accepted in this network namespace,
// by whomever: PassiveOpens of RFC 4022, in /proc/net/snmp (man 5 proc_pid_net).
func accepted() (int, error) {
	text, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0, fmt.Errorf("upstream: count the connections: %w", err)
	}
	return parseAccepted(string(text))
}

// parseAccepted finds the column by its name, in the first of two lines.
func parseAccepted(text string) (int, error) {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "PassiveOpens" && i < len(fields) {
				return strconv.Atoi(fields[i])
			}
		}
	}
	return 0, errors.New("upstream: count the connections: there is no PassiveOpens")
}
