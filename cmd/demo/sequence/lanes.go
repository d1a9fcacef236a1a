package sequence

// x is the edge of an event's bar: how deep the stack is.
func (p *picture) x(e Event) float64 {
	if e.On() == Client {
		return lines[Client]
	}
	return lines[e.On()] + p.frame*float64(e.Depth)
}

// leaves tells whether with this moment a goroutine goes back to where it waits
// for work.
func (m Moment) leaves() bool {
	switch m {
	case StartReturned, OtherCallback, BodyEnds, Answered:
		return true
	}
	return false
}

// lane draws the line of a party, and its stack from each event to the next
// that it has.
func (p *picture) lane(party Party) {
	if _, ok := p.goroutine(party); !ok {
		return
	}
	lane := p.add("g", "class", party)
	lane.add("path", "class", "life", "d", path("M", lines[party], top-14, "V", p.bottom-rowHeight/2))
	if party == Client {
		return
	}
	before := -1
	for i, e := range p.t.Events {
		if e.On() != party {
			continue
		}
		if before >= 0 {
			p.bar(lane, before, i)
		}
		before = i
		if e.What == OtherCallback { // it is no longer than its note
			lane.add("rect", "class", "bar", "x", lines[party], "y", p.y[i]-5, "width", p.x(e)-lines[party], "height", 10)
		}
	}
}

// bar draws the stack between two events of a party.
func (p *picture) bar(lane *element, from, to int) {
	e := p.t.Events[from]
	if e.What.leaves() {
		return
	}
	x, y := lines[e.On()], p.y[from]
	class := "bar"
	parked := e.What == ReadCalled && p.t.Events[to].Parked
	if parked {
		class = "parked"
	}
	lane.add("rect", "class", class, "x", x, "y", y, "width", p.x(e)-x, "height", p.y[to]-y)
	if parked {
		middle := (y+p.y[to])/2 + 4
		lane.write("waits", 12, x+12, middle, laneRoom-24, "parked")
		if to == from+1 {
			p.add("g", "class", Loop).write("waits", 12, lines[Loop]+12, middle, laneRoom-24, "free for everybody else")
		}
	}
}

// arrows draws what one party causes another to do, by the first event of each
// moment.
func (p *picture) arrows() {
	first := map[Moment]int{}
	for i, e := range p.t.Events {
		if _, seen := first[e.What]; !seen {
			first[e.What] = i
		}
	}
	for _, a := range []struct{ from, to Moment }{
		{RequestSent, HandlerStarts},
		{HandlerStarts, BodyBegins},
		{BodyEnds, CalledBack},
		{CalledBack, AnswerCame},
	} {
		from, ok := first[a.from]
		to, ok2 := first[a.to]
		if !ok || !ok2 {
			continue
		}
		x1, x2 := p.x(p.t.Events[from]), lines[a.to.on()]
		if a.to.on() < a.from.on() { // back, to the end of a bar, or from the line
			x1, x2 = lines[a.from.on()], p.x(p.t.Events[to])
		}
		if p.t.Events[to].Step > 0 && x2 != lines[a.to.on()] {
			x2 += radius // beside the number
		}
		p.add("g", "class", a.from.on()).arrow(x1, p.y[from], x2, p.y[to])
	}
	// The loop's part in steps 5 and 7: it waits, and reads, for the parked one.
	called, returned := first[ReadCalled], first[ReadReturned]
	if p.t.Events[returned].Parked {
		for _, a := range []struct {
			at   int
			back bool
		}{{called, true}, {returned, false}} {
			x1, x2, party := lines[Loop]+3, lines[Worker], Loop
			if a.back {
				x1, x2, party = x2, x1, Worker
			}
			p.add("g", "class", party).arrow(x1, p.y[a.at], x2, p.y[a.at])
		}
	}
	// Step 4 leaves the process.
	e, y := p.t.Events[first[WriteCalled]], p.y[first[WriteCalled]]
	p.add("g", "class", Worker).arrow(p.x(e)+12, y, textX-16, y)
}

// events marks them on the lanes.
func (p *picture) events() {
	for i, e := range p.t.Events {
		p.add("g", "class", e.On()).number(p.x(e), p.y[i], e)
	}
}
