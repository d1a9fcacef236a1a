package main

import "testing"

func TestConnectionsAreCountedByTheirColumn(t *testing.T) {
	const text = `Ip: Forwarding PassiveOpens
Ip: 1 5
Tcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens
Tcp: 1 -1 931 562
`
	if n, err := parseAccepted(text); n != 562 || err != nil {
		t.Errorf("got %d, %v; want 562", n, err)
	}
	for _, text := range []string{"", "Tcp: ActiveOpens\nTcp: 1\n", "Tcp: A PassiveOpens\nTcp: 1\n"} {
		if n, err := parseAccepted(text); err == nil {
			t.Errorf("%q gave %d", text, n)
		}
	}
}
