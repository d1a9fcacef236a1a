package mysql

import "testing"

// packet is how a server begins.
func packet(payload ...byte) []byte {
	return append([]byte{byte(len(payload)), 0, 0, 0}, payload...)
}

func TestGreetingHasTheNumberOfTheConnection(t *testing.T) {
	hello := packet(append([]byte("\x0a10.11.6-MariaDB\x00\x04\x03\x02\x01"), "salt and more \xff"...)...)
	for piece := 1; piece <= len(hello); piece++ {
		var g greeting
		for at := 0; at < len(hello); at += piece {
			g.see(hello[at:min(at+piece, len(hello))])
		}
		if g.id != 0x01020304 || !g.over {
			t.Errorf("in pieces of %d bytes: %#x, over %v, want 0x01020304", piece, g.id, g.over)
		}
	}
}

func TestGreetingOfAnotherKindHasNoNumber(t *testing.T) {
	for what, b := range map[string][]byte{
		"an error":            packet([]byte("\xff\x10\x04Too many connections")...),
		"an older protocol":   packet([]byte("\x09name\x00\x04\x03\x02\x01")...),
		"nothing":             nil,
		"a part of a header":  {1, 0},
		"a part of a version": packet([]byte("\x0a10.11")...),
	} {
		var g greeting
		if g.see(b); g.id != 0 {
			t.Errorf("%s: %#x", what, g.id)
		}
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add(packet([]byte("\x0aname\x00\x04\x03\x02\x01")...), 3)
	f.Add(packet(0xff), 1)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		var whole, parts greeting
		whole.see(b)
		at = max(0, min(at, len(b)))
		parts.see(b[:at])
		parts.see(b[at:])
		if whole != parts {
			t.Errorf("whole %+v, in parts %+v", whole, parts)
		}
	})
}
