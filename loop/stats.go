package loop

// moved counts bytes that went through a socket. On the loop.
func (l *Loop) moved(read, written int) {
	l.bytesRead += uint64(read)
	l.bytesWritten += uint64(written)
}
