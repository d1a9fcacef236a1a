package mysql

// greeting takes the number of the connection out of the first packet that a
// server sends: four bytes of header, the version of the protocol, that of the
// server, which ends with a zero byte, and four bytes of number. See
// https://mariadb.com/kb/en/connection/#initial-handshake-packet.
type greeting struct {
	id      uint32 // 0: not known
	seen    int    // bytes
	version bool   // of the server has ended
	digits  int    // of the number
	over    bool   // nothing more to see
}

const (
	packetHeader    = 4
	protocolVersion = 10
)

// see is given what was read, in however many pieces.
func (g *greeting) see(b []byte) {
	for _, c := range b {
		switch {
		case g.over:
			return
		case g.seen < packetHeader:
		case g.seen == packetHeader:
			g.over = c != protocolVersion // an error, or something newer
		case !g.version:
			g.version = c == 0
		default:
			g.id |= uint32(c) << (8 * g.digits)
			g.digits++
			g.over = g.digits == 4
		}
		g.seen++
	}
}
