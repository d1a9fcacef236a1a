package chat

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// presenceGrace is how long somebody who does not poll is still there: long
	// enough for the next poll, short enough to be seen leaving.
	presenceGrace = 4 * time.Second
	// presenceEvery is how often a process tells the others who is here, and
	// presenceTrust how long they believe it.
	presenceEvery = 2 * time.Second
	presenceTrust = 3 * presenceEvery

	// maxPresent is how many names clients get.
	maxPresent = 200
)

// presence is who is in a room.
type presence struct {
	here   map[string]*person // by nick
	others map[string]elsewhere

	// What clients know, until it is made anew.
	names   []string // sorted, at most maxPresent
	count   int
	version string // of all the names: the same ones have the same version
	shown   string // the version of which all were told who waited

	told time.Time // when the other processes were told
	said string    // version of what they were told
}

// person is somebody who polls this process, or has just done so.
type person struct {
	polls int // that wait
	until time.Time
}

// elsewhere is what another process said.
type elsewhere struct {
	names []string
	until time.Time
}

func newPresence() presence {
	return presence{here: map[string]*person{}, others: map[string]elsewhere{}}
}

// seen notes that somebody is here; by counts the polls that begin or end.
func (p *presence) seen(nick string, by int, now time.Time) {
	if nick == "" {
		return
	}
	who := p.here[nick]
	if who == nil {
		who = new(person)
		p.here[nick] = who
	}
	who.polls += by
	who.until = now.Add(presenceGrace)
}

// expire forgets whoever has left.
func (p *presence) expire(now time.Time) {
	maps.DeleteFunc(p.here, func(_ string, who *person) bool { return who.polls == 0 && now.After(who.until) })
	maps.DeleteFunc(p.others, func(_ string, o elsewhere) bool { return now.After(o.until) })
}

// refresh makes names and version anew.
func (p *presence) refresh() {
	all := slices.Collect(maps.Keys(p.here))
	for _, o := range p.others {
		all = append(all, o.names...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	p.names, p.count, p.version = all[:min(len(all), maxPresent)], len(all), version(all)
}

func version(names []string) string {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(names, "\n")))
	return fmt.Sprintf("%x", h.Sum64())
}

// tick is the sweep's: it tells clients and other processes of who has come and
// gone.
func (r *room) tick(now time.Time) {
	p := &r.presence
	p.expire(now)
	if p.refresh(); p.version != p.shown {
		p.shown = p.version
		r.tell()
	}
	here := slices.Sorted(maps.Keys(p.here))
	if v := version(here); v != p.said || len(here) > 0 && now.Sub(p.told) >= presenceEvery {
		p.said, p.told = v, now
		r.publish(envelope{Present: &here})
	}
}
