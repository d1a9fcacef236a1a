package httploop

// A client is not read from while too many of its requests wait for answers, or
// too many answers for it to read them.

// pause makes the host stop reading.
func (k *client) pause() {
	if !k.paused && !k.ending && !k.closed {
		k.paused = true
		k.c.PauseReading()
	}
}

// fill stops reading until the client has read. The host may be sending on
// another goroutine: if the mark was not passed any more when it was set, nobody
// would tell when it is reached.
func (k *client) fill() {
	k.c.SetHighWater(highWater, k.room)
	left := k.c.Buffered()
	if left <= highWater {
		k.c.SetHighWater(0, nil)
		return
	}
	k.full, k.unsent = true, left
	k.pause()
}

// room hears from the host how much waits to be sent.
func (k *client) room(above bool) {
	if above || !k.full {
		return
	}
	k.full = false
	k.c.SetHighWater(0, nil)
	k.settle()
}

// hasRoom reports whether a client that is paused may send again.
func (k *client) hasRoom() bool {
	return !k.full && int(k.queued) < k.srv.maxPipelined()/2+1
}

// resume ends a pause, beginning with what had come before it. It is posted:
// the handler must not run inside an answer that somebody gives.
func (k *client) resume() {
	k.resuming = false
	if !k.paused || k.closed || !k.hasRoom() {
		return
	}
	k.paused = false
	if p := k.part; p != nil && len(p.in) > 0 && !k.ending {
		in := p.in
		p.in = nil
		k.reading = true
		p.keep(k.take(in), false)
		k.reading = false
		k.flush()
	}
	if !k.paused && !k.closed {
		k.c.ResumeReading()
	}
	k.settle()
}

// settle is called after whatever has happened: it says what the client is
// waited for now, and ends a pause, or the connection, when it is time.
func (k *client) settle() {
	if k.closed {
		k.expect()
		return
	}
	if k.paused && !k.resuming && k.hasRoom() {
		k.resuming = k.c.Post(k.resume) == nil // else it is gone
	}
	switch p := k.part; {
	case p == nil:
	case p.req == nil && len(p.in) == 0:
		*p = part{}
		parts.Put(p)
		k.part = nil
	case p.asks && k.first == nil:
		p.asks = false
		_, _ = k.write().WriteString("HTTP/1.1 100 Continue\r\n\r\n")
		k.flush()
	}
	if k.first == nil && (k.ending && !k.refused || k.eof && !k.paused) {
		k.close()
	}
	k.expect()
}

// expect says what the client is waited for.
func (k *client) expect() {
	w := forNothing
	switch {
	case k.closed:
		if k.c.Buffered() > 0 {
			w = forRoom
		}
	case k.full:
		w = forRoom
	case k.ending || k.eof:
		if k.refused && k.first == nil {
			w = forLeaving
		}
	case k.paused:
	case k.part != nil && k.part.req != nil:
		w = forBody
	case k.part != nil:
		w = forHeader
	case k.first == nil:
		w = forRequest
	}
	if w != k.waits || k.fresh && w != forNothing {
		k.waits = w
		k.srv.deadlines.set(k, w)
	}
	k.fresh = false
}
