package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// bulkDriver moves many bytes over one connection: from the server to the
// client, or the other way round. The client asks with a [bulkHeader]; whoever
// receives the bytes looks at the ends of each piece.
type bulkDriver struct{ in bool }

// bulk is the measure of a direction; it counts MiB.
func bulk(d bulkDriver) measure {
	return measure{
		peer:     d,
		paths:    socketPaths,
		uses:     []string{"bytes", "buffer", "tls", "cpuprofile"},
		defaults: map[string]string{"path": "native,sock", "bytes": "1GiB", "buffer": "128KiB"},
		unit:     "MiB",
		columns:  []figure{perSecond("MiB/s"), cpuPer("MiB", "%.1f"), allocsPer("MiB"), rss},
		ratios:   []figure{perSecond("MiB/s"), cpuPer("MiB", "%.1f")},
		about: func(cfg config, _ cell) string {
			return fmt.Sprintf("%s on one connection, buffers of %s", sizeText(cfg.bytes), sizeText(int64(cfg.buffer)))
		},
		run: d.run,
	}
}

// bulkHeader is what the client sends before a transfer: the direction as seen
// by the client ('i' or 'o'), and the number of bytes. After a transfer out the
// server answers with the header once it has read everything.
type bulkHeader [9]byte

func newBulkHeader(in bool, bytes int64) (h bulkHeader) {
	h[0] = 'o'
	if in {
		h[0] = 'i'
	}
	binary.BigEndian.PutUint64(h[1:], uint64(bytes))
	return h
}

func (h bulkHeader) in() bool     { return h[0] == 'i' }
func (h bulkHeader) bytes() int64 { return int64(binary.BigEndian.Uint64(h[1:])) }

// run transfers once to warm up, and once under observation.
func (d bulkDriver) run(ctx context.Context, sp spec) (sample, error) {
	dial, _, end, err := connect(ctx, sp.Path)
	if err != nil {
		return sample{}, err
	}
	defer end()
	cfg, err := sp.Target.tlsConfig(hostOf(sp.Target.Addr))
	if err != nil {
		return sample{}, err
	}
	c, err := overTLS(dial, cfg)(ctx, "tcp", sp.Target.Addr)
	if err != nil {
		return sample{}, err
	}
	defer c.Close()
	p := newPipe(sp.Buffer)
	if err := d.transfer(c, p, max(sp.Bytes/bulkWarmup, 1)); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	stop, err := profileCPU(sp.Profile)
	if err != nil {
		return sample{}, err
	}
	defer stop()
	w, err := observe(1, func() error { return d.transfer(c, p, sp.Bytes) })
	if err != nil {
		return sample{}, err
	}
	return perMiB(w.sample(), sp.Bytes), nil
}

// bulkWarmup is the part of the bytes that go through the connection before
// those that are measured: the kernel's buffers have then found their size.
const bulkWarmup = 8

// perMiB makes the sample of one transfer one of its MiB.
func perMiB(s sample, bytes int64) sample {
	mib := float64(bytes) / (1 << 20)
	s.OpsPerSec *= mib
	if s.CPU >= 0 {
		s.CPU /= mib
	}
	s.Allocs /= mib
	return s
}

// transfer moves bytes in the driver's direction and returns when the receiver
// has them all.
func (d bulkDriver) transfer(c net.Conn, p *pipe, bytes int64) error {
	h := newBulkHeader(d.in, bytes)
	if _, err := c.Write(h[:]); err != nil {
		return err
	}
	if d.in {
		return p.receive(c, bytes)
	}
	if err := p.send(c, bytes); err != nil {
		return err
	}
	var answer bulkHeader
	if _, err := io.ReadFull(c, answer[:]); err != nil {
		return err
	}
	if answer != h {
		return fmt.Errorf("the server confirms %d bytes instead of %d", answer.bytes(), bytes)
	}
	return nil
}

// pipe sends and receives a byte stream in which each byte tells its place: the
// offset modulo a prime, so that a piece that is lost or moved shows, whatever
// its size.
type pipe struct {
	buffer  []byte // what is read goes here
	pattern []byte // a buffer from any place of the stream on begins within its first bulkPeriod bytes
}

const bulkPeriod = 251

func newPipe(size int) *pipe {
	p := &pipe{make([]byte, size), make([]byte, size+bulkPeriod)}
	for i := range p.pattern {
		p.pattern[i] = byte(i % bulkPeriod)
	}
	return p
}

// send writes n bytes from the stream's beginning.
func (p *pipe) send(w io.Writer, n int64) error {
	for at := int64(0); at < n; {
		piece := p.pattern[at%bulkPeriod:][:min(int64(len(p.buffer)), n-at)]
		if _, err := w.Write(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	return nil
}

// receive reads n bytes and checks the first and last of what each Read gave.
func (p *pipe) receive(r io.Reader, n int64) error {
	for at := int64(0); at < n; {
		got, err := r.Read(p.buffer[:min(int64(len(p.buffer)), n-at)])
		if got > 0 {
			first, last := at%bulkPeriod, (at+int64(got)-1)%bulkPeriod
			if p.buffer[0] != byte(first) || p.buffer[got-1] != byte(last) {
				return fmt.Errorf("the bytes from %d to %d are not those that were sent", at, at+int64(got)-1)
			}
		}
		if at += int64(got); err != nil && at < n {
			return fmt.Errorf("after %d of %d bytes: %w", at, n, err)
		}
	}
	return nil
}
