package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// environment is what a private server is started with.
type environment struct {
	dir   string       // for its files
	conns int          // the most connections it will be asked for
	cert  *certificate // nil without -tls
	notes io.Writer    // what takes long

	buffer int // bytes that a bulk transfer reads or writes at a time
	rows   int // of a result
}

// at makes the target of a private server from its address.
func (e *environment) at(addr string) target {
	if e.cert == nil {
		return target{Addr: addr}
	}
	return target{Addr: addr, TLS: true, CA: e.cert.pem}
}

// provide makes the server that a run measures against: the one at -addr, or a
// private one.
func provide(ctx context.Context, cfg config, dir string, notes io.Writer) (*server, error) {
	if cfg.addr != "" {
		at := target{Addr: cfg.addr, TLS: cfg.tls}
		if cfg.tlsCA != "" {
			text, err := os.ReadFile(cfg.tlsCA)
			if err != nil {
				return nil, fmt.Errorf("-tls-ca: %w", err)
			}
			at.CA = string(text)
		}
		return &server{at: at, stop: func() {}}, nil
	}
	env := &environment{dir: filepath.Join(dir, "server"), conns: cfg.mostConns(), notes: notes, buffer: cfg.buffer, rows: cfg.rows}
	if err := os.Mkdir(env.dir, 0o700); err != nil {
		return nil, err
	}
	if cfg.tls {
		var err error
		if env.cert, err = newCertificate(dir); err != nil {
			return nil, err
		}
	}
	return measures[cfg.driver].serve(ctx, env)
}

// spareDescriptors is what a process needs beside the connections under test.
const spareDescriptors = 128

// checkDescriptors tells before anything is started that -conns is more than
// the system allows this process, and its children, to open.
func checkDescriptors(cfg config, limit uint64) error {
	each := 1
	if of := measures[cfg.driver].descriptors; of != nil {
		for _, item := range cfg.paths {
			path, _, _ := splitPath(item)
			each = max(each, of(path))
		}
	}
	need := uint64(each*cfg.mostConns() + spareDescriptors)
	if limit == 0 || need <= limit {
		return nil
	}
	return fmt.Errorf("-conns %d needs %d descriptors in a process, and the limit is %d: raise the hard limit "+
		"(ulimit -Hn %d as root, nofile in /etc/security/limits.conf, or LimitNOFILE= in a systemd unit), or use fewer connections",
		cfg.mostConns(), need, limit, need)
}
